//! What the two ends of TLS or DTLS agree on, as far as it is not encrypted.

use super::{
    CERTIFICATE, CLIENT_HELLO, SERVER_HELLO, SERVER_HELLO_DONE, certificate::Certificate,
    client_hello::ClientHello, ja4::Carrier, server_hello::ServerHello, version::Version,
};
use crate::app::{AppAnomaly, AppSink, Record, beside::Beside};
use crate::flow::Direction;

/// What both ends said so far.
///
/// Invariant: of each message the first one counts, but a ServerHello behind one that asks for a retry.
#[derive(Debug, Default)]
pub(in crate::app) struct Handshake {
    client: Option<ClientHello>,
    server: Option<ServerHello>,
    /// By direction.
    certificates: [Option<Certificate>; 2],
    /// Whether the client of the handshake is the server of the flow, as ICE has it either way.
    is_turned: bool,
    /// Whether both speak SSL 2.0.
    is_ssl2: bool,
    /// Whether the server said that its first messages are complete: only then are keys negotiated anew before TLS 1.3.
    is_full: bool,
    /// Whether the server encrypts, by the rules before TLS 1.3.
    is_changed: bool,
}

/// A message without its header, or as much of it as is held.
#[derive(Clone, Copy, Debug)]
pub(in crate::app) struct Body<'b> {
    pub(in crate::app) bytes: &'b [u8],
    pub(in crate::app) is_cut: bool,
}

impl Handshake {
    /// Reads a message; `None` for what can't be one.
    pub(in crate::app) fn read<S: AppSink>(
        &mut self,
        carrier: Carrier,
        direction: Direction,
        kind: u8,
        body: Body<'_>,
        out: &mut Beside<'_, S>,
    ) -> Option<()> {
        match kind {
            CLIENT_HELLO if self.client.is_none() => {
                let hello = ClientHello::parse(carrier, body.bytes, body.is_cut)?;
                if body.is_cut {
                    out.anomaly(direction, AppAnomaly::MessageCut);
                }
                hello.tell_fields(out);
                self.is_turned = direction == Direction::ToClient;
                self.client = Some(hello);
            }
            SERVER_HELLO if self.server.as_ref().is_none_or(|server| server.is_retry) => {
                let hello = ServerHello::parse(body.bytes)?;
                if !hello.is_retry {
                    hello.tell_fields(out);
                }
                self.server = Some(hello);
            }
            CERTIFICATE if !self.is_1_3() => self.read_certificate(direction, body, out),
            SERVER_HELLO_DONE => self.is_full = true,
            _ => {}
        }
        Some(())
    }

    fn read_certificate<S: AppSink>(
        &mut self,
        direction: Direction,
        body: Body<'_>,
        out: &mut Beside<'_, S>,
    ) {
        let told = &mut self.certificates[direction as usize];
        if told.is_some() {
            return;
        }
        match Certificate::first(body.bytes) {
            Ok(Some(certificate)) => {
                if !certificate.is_sound() {
                    out.anomaly(direction, AppAnomaly::TlsCertificate);
                }
                certificate.tell_field(direction, out);
                *told = Some(certificate);
            }
            Ok(None) => {}
            Err(()) if body.is_cut => out.anomaly(direction, AppAnomaly::MessageCut),
            Err(()) => out.anomaly(direction, AppAnomaly::TlsCertificate),
        }
    }

    /// Whether an end speaks SSL 2.0, with what certificate it has.
    pub(super) fn take_ssl2<S: AppSink>(
        &mut self,
        direction: Direction,
        certificate: Option<Certificate>,
        out: &mut Beside<'_, S>,
    ) {
        if let Some(certificate) = &certificate {
            certificate.tell_field(direction, out);
        }
        self.certificates[direction as usize] = certificate;
        self.is_ssl2 = true;
    }

    /// An end says that it encrypts from now on, by the rules before TLS 1.3.
    pub(in crate::app) fn note_change(&mut self, direction: Direction) {
        self.is_changed |= (direction == Direction::ToClient) != self.is_turned;
    }

    /// Whether all but the hellos is encrypted.
    pub(in crate::app) fn is_1_3(&self) -> bool {
        self.server.as_ref().is_some_and(|server| server.version.is_1_3())
    }

    /// Whether there is something to tell.
    pub(in crate::app) fn is_known(&self) -> bool {
        self.client.is_some()
            || self.server.is_some()
            || self.is_ssl2
            || self.certificates.iter().any(Option::is_some)
    }

    fn is_resumed(&self) -> bool {
        let Some(server) = &self.server else { return false };
        if server.version.is_1_3() {
            return server.has_key;
        }
        // RFC 5246 §7.3, RFC 5077 §3.1: the server encrypts before it has proven who it is.
        self.is_changed && !self.is_full
    }

    /// Tells all of it.
    pub(in crate::app) fn tell(&self, record: &mut Record) {
        let mut certificates = self.certificates.each_ref();
        if self.is_turned {
            certificates.reverse();
        }
        let [of_client, of_server] = certificates;
        if let Some(certificate) = of_server {
            certificate.tell(record);
        }
        if let Some(client) = &self.client {
            record.text_if_any("sni", client.sni());
        }
        match (&self.server, &self.client) {
            (Some(server), _) => record.display("version", server.version),
            (None, _) if self.is_ssl2 => record.display("version", Version::SSL2),
            // Nobody chose: what would have been best.
            (None, Some(client)) => record.display("version", client.version()),
            (None, None) => record.text("version", b"UNDETERMINED"),
        }
        if self.is_resumed() {
            record.flag("session_resumed", true);
        }
        if let Some(client) = &self.client {
            client.tell(record);
        }
        if let Some(server) = &self.server {
            server.tell(record);
        }
        if let Some(certificate) = of_client {
            record.object("client", |record| certificate.tell(record));
        }
        if let Some(certificate) = of_server {
            certificate.tell_names(record);
        }
    }
}
