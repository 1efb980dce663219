//! The certificate of an end, where it is visible: before TLS 1.3 (RFC 5246 §7.4.2).

use dlp_patterns::Field;
use sha1::{Digest, Sha1};
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer, time::ASN1Time};

use crate::app::{AppSink, Record, beside::Beside, fingerprint::Colons, wire::Wire};
use crate::flow::Direction;
use crate::limits::TLS_CERTIFICATE_NAMES_MAX;

/// What events tell of a certificate.
#[derive(Debug)]
pub(in crate::app) struct Certificate {
    /// SHA-1 of its DER.
    fingerprint: String,
    /// `None` where it can't be read.
    content: Option<Content>,
}

#[derive(Debug)]
struct Content {
    subject: String,
    issuer: String,
    serial: String,
    not_before: String,
    not_after: String,
    names: Vec<String>,
}

impl Certificate {
    /// The first one of a Certificate message without its header: that of the end itself. `None` where it has none, `Err`
    /// where its bytes are not all there.
    pub(in crate::app) fn first(body: &[u8]) -> Result<Option<Certificate>, ()> {
        let mut wire = Wire(body);
        if wire.u24().ok_or(())? == 0 {
            return Ok(None);
        }
        let length = wire.u24().ok_or(())?;
        let der = usize::try_from(length).ok().and_then(|length| wire.take(length)).ok_or(())?;
        Ok(Some(Certificate::of(der)))
    }

    pub(in crate::app) fn of(der: &[u8]) -> Certificate {
        let fingerprint = Colons(&Sha1::digest(der)).to_string();
        let content = X509Certificate::from_der(der).ok().map(|(_, certificate)| Content::of(&certificate));
        Certificate { fingerprint, content }
    }

    /// Whether it can be read.
    pub(in crate::app) fn is_sound(&self) -> bool {
        self.content.is_some()
    }

    /// Tells what rules read.
    pub(in crate::app) fn tell_field<S: AppSink>(&self, direction: Direction, out: &mut Beside<'_, S>) {
        if let Some(Content { subject, issuer, .. }) = &self.content {
            out.field(direction, Field::TlsCertificate, format!("{subject}\n{issuer}\n").as_bytes());
        }
    }

    /// Tells what it says.
    pub(in crate::app) fn tell(&self, record: &mut Record) {
        if let Some(content) = &self.content {
            record.text("subject", content.subject.as_bytes());
            record.text("issuerdn", content.issuer.as_bytes());
            record.text("serial", content.serial.as_bytes());
        }
        record.text("fingerprint", self.fingerprint.as_bytes());
        if let Some(content) = &self.content {
            record.text("notbefore", content.not_before.as_bytes());
            record.text("notafter", content.not_after.as_bytes());
        }
    }

    /// Tells whom it is for, beside its subject.
    pub(in crate::app) fn tell_names(&self, record: &mut Record) {
        let Some(Content { names, .. }) = &self.content else { return };
        if !names.is_empty() {
            record.list("subjectaltname", |record| {
                for name in names {
                    record.text("", name.as_bytes());
                }
            });
        }
    }
}

impl Content {
    fn of(certificate: &X509Certificate<'_>) -> Content {
        let validity = certificate.validity();
        Content {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            serial: Colons(certificate.raw_serial()).to_string().to_ascii_uppercase(),
            not_before: time(validity.not_before),
            not_after: time(validity.not_after),
            names: names(certificate),
        }
    }
}

/// Names of hosts, mail addresses, URIs and addresses (RFC 5280 §4.2.1.6).
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return Vec::new() };
    let named = extension.value.general_names.iter().filter_map(|name| match name {
        GeneralName::DNSName(text) | GeneralName::RFC822Name(text) | GeneralName::URI(text) => {
            Some((*text).to_owned())
        }
        GeneralName::IPAddress(bytes) => address(bytes),
        _ => None,
    });
    named.take(TLS_CERTIFICATE_NAMES_MAX).collect()
}

fn address(bytes: &[u8]) -> Option<String> {
    if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        return Some(std::net::Ipv4Addr::from(bytes).to_string());
    }
    <[u8; 16]>::try_from(bytes).ok().map(|bytes| std::net::Ipv6Addr::from(bytes).to_string())
}

/// UTC, to the second.
fn time(time: ASN1Time) -> String {
    let time = time.to_datetime();
    let (date, clock) = (time.date(), time.time());
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        date.year(),
        u8::from(date.month()),
        date.day(),
        clock.hour(),
        clock.minute(),
        clock.second()
    )
}
