//! [`DataText`]: the data of a resource record in its usual spelling (RFC 1035 §5.1 and those of its type).

use std::fmt::{self, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr};

use arrayvec::ArrayVec;

use super::super::wire::Wire;
use super::message::{Cursor, Resource};
use super::name::Name;
use super::registry::{Kind, kind, parameter_name};
use crate::limits::RECORD_TEXT_BYTES_MAX;

/// Text of data; beyond [`RECORD_TEXT_BYTES_MAX`] it is cut.
#[derive(Debug, Default)]
pub(super) struct DataText {
    bytes: ArrayVec<u8, RECORD_TEXT_BYTES_MAX>,
    pub(super) is_cut: bool,
}

impl fmt::Write for DataText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

/// What SOA says (RFC 1035 §3.3.13).
#[derive(Debug)]
pub(super) struct Soa {
    pub(super) mname: Name,
    pub(super) rname: Name,
    /// Serial, refresh, retry, expire, minimum.
    pub(super) numbers: [u32; 5],
}

/// What SRV says (RFC 2782).
#[derive(Debug)]
pub(super) struct Srv {
    /// Priority, weight, port.
    pub(super) numbers: [u16; 3],
    pub(super) target: Name,
}

impl DataText {
    /// The data of a record of a message; empty where it is not what its type says.
    pub(super) fn of(message: &[u8], resource: &Resource) -> DataText {
        let mut text = DataText::default();
        if text.write(message, resource).is_none() {
            text.bytes.clear();
        }
        text
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn push(&mut self, bytes: &[u8]) {
        let room = self.bytes.remaining_capacity();
        let kept = bytes.get(..room).unwrap_or(bytes);
        self.is_cut |= kept.len() < bytes.len();
        self.bytes.try_extend_from_slice(kept).expect("it was cut to the room that is left");
    }

    fn write(&mut self, message: &[u8], resource: &Resource) -> Option<()> {
        let data = message.get(resource.data.0..resource.data.1)?;
        let mut wire = Wire(data);
        match resource.kind {
            kind::A => write!(self, "{}", Ipv4Addr::from(wire.u32()?)).ok()?,
            kind::AAAA => write!(self, "{}", Ipv6Addr::from_bits(u128_of(&mut wire)?)).ok()?,
            kind::NS
            | kind::CNAME
            | kind::PTR
            | kind::DNAME
            | kind::MB
            | kind::MG
            | kind::MR
            | kind::NSEC => {
                self.push(name_at(message, resource, 0)?.bytes());
            }
            kind::MX => self.push(name_at(message, resource, 2)?.bytes()),
            kind::TXT | kind::SPF => self.join(wire, b"")?,
            kind::HINFO => self.join(wire, b" ")?,
            kind::NULL => self.push(data),
            kind::SOA => self.push(soa(message, resource)?.mname.bytes()),
            kind::SRV => self.push(srv(message, resource)?.target.bytes()),
            kind::CAA => {
                let (flags, tag) = (wire.u8()?, wire.prefixed_u8()?);
                write!(self, "{flags} ").ok()?;
                [tag, b" \"", wire.rest(), b"\""].into_iter().for_each(|part| self.push(part));
            }
            kind::DS | kind::CDS => {
                write!(self, "{} {} {} ", wire.u16()?, wire.u8()?, wire.u8()?).ok()?;
                self.hex(wire.rest());
            }
            // The key itself says nothing to a reader.
            kind::DNSKEY | kind::CDNSKEY => {
                write!(self, "{} {} {}", wire.u16()?, wire.u8()?, wire.u8()?).ok()?;
            }
            kind::SSHFP => {
                write!(self, "{} {} ", wire.u8()?, wire.u8()?).ok()?;
                self.hex(wire.rest());
            }
            kind::RRSIG => self.signature(message, resource)?,
            kind::SVCB | kind::HTTPS => self.service(message, resource)?,
            // RFC 3597 §5.
            _ => {
                write!(self, "\\# {} ", data.len()).ok()?;
                self.hex(data);
            }
        }
        Some(())
    }

    /// Strings with a length in front, one behind the other.
    fn join(&mut self, mut wire: Wire<'_>, between: &[u8]) -> Option<()> {
        let mut is_first = true;
        while !wire.is_empty() {
            if !std::mem::take(&mut is_first) {
                self.push(between);
            }
            self.push(wire.prefixed_u8()?);
        }
        Some(())
    }

    fn hex(&mut self, bytes: &[u8]) {
        for byte in bytes.iter().take(RECORD_TEXT_BYTES_MAX) {
            let _ = write!(self, "{byte:02X}");
        }
    }

    /// RFC 4034 §3.2, without the signature.
    fn signature(&mut self, message: &[u8], resource: &Resource) -> Option<()> {
        let mut wire = Wire(message.get(resource.data.0..resource.data.1)?);
        let (covered, algorithm, labels, ttl) = (wire.u16()?, wire.u8()?, wire.u8()?, wire.u32()?);
        let (expiration, inception, tag) = (wire.u32()?, wire.u32()?, wire.u16()?);
        let covered = Kind(covered);
        write!(self, "{covered} {algorithm} {labels} {ttl} {expiration} {inception} {tag} ").ok()?;
        self.push(name_at(message, resource, 18)?.bytes());
        Some(())
    }

    /// RFC 9460 §2.1.
    fn service(&mut self, message: &[u8], resource: &Resource) -> Option<()> {
        let mut at = resource.data.0 + 2;
        let target = Name::read(message, &mut at).ok()?;
        let priority = Wire(message.get(resource.data.0..resource.data.1)?).u16()?;
        write!(self, "{priority} ").ok()?;
        self.push(if target.bytes().is_empty() { b"." } else { target.bytes() });
        let mut wire = Wire(message.get(at..resource.data.1)?);
        while !wire.is_empty() {
            let (key, value) = (wire.u16()?, wire.prefixed_u16()?);
            match parameter_name(key) {
                Some(name) => write!(self, " {name}").ok()?,
                None => write!(self, " key{key}").ok()?,
            }
            if !value.is_empty() {
                self.push(b"=");
                self.parameter(key, Wire(value))?;
            }
        }
        Some(())
    }

    fn parameter(&mut self, key: u16, mut value: Wire<'_>) -> Option<()> {
        let mut is_first = true;
        while !value.is_empty() {
            if !std::mem::take(&mut is_first) {
                self.push(b",");
            }
            match parameter_name(key) {
                Some("mandatory" | "port") => write!(self, "{}", value.u16()?).ok()?,
                Some("alpn") => self.push(value.prefixed_u8()?),
                Some("ipv4hint") => write!(self, "{}", Ipv4Addr::from(value.u32()?)).ok()?,
                Some("ipv6hint") => write!(self, "{}", Ipv6Addr::from_bits(u128_of(&mut value)?)).ok()?,
                Some("dohpath") => self.push(value.take(value.rest().len())?),
                _ => self.hex(value.take(value.rest().len())?),
            }
        }
        Some(())
    }
}

fn u128_of(wire: &mut Wire<'_>) -> Option<u128> {
    Some(u128::from(wire.u64()?) << 64 | u128::from(wire.u64()?))
}

/// The name that stands so many bytes behind the begin of the data, and does not end behind it.
fn name_at(message: &[u8], resource: &Resource, offset: usize) -> Option<Name> {
    let mut at = resource.data.0 + offset;
    let name = Name::read(message, &mut at).ok()?;
    (at <= resource.data.1).then_some(name)
}

pub(super) fn soa(message: &[u8], resource: &Resource) -> Option<Soa> {
    let mut cursor = Cursor { message, at: resource.data.0 };
    let mname = Name::read(message, &mut cursor.at).ok()?;
    let rname = Name::read(message, &mut cursor.at).ok()?;
    let mut wire = Wire(message.get(cursor.at..resource.data.1)?);
    let numbers = [wire.u32()?, wire.u32()?, wire.u32()?, wire.u32()?, wire.u32()?];
    Some(Soa { mname, rname, numbers })
}

pub(super) fn srv(message: &[u8], resource: &Resource) -> Option<Srv> {
    let mut wire = Wire(message.get(resource.data.0..resource.data.1)?);
    let numbers = [wire.u16()?, wire.u16()?, wire.u16()?];
    Some(Srv { numbers, target: name_at(message, resource, 6)? })
}
