//! Hellos of SSL 2.0 (draft-hickman-netscape-ssl-00), with which clients of later versions also began (RFC 5246 appendix E.2).

use super::{certificate::Certificate, version::Version};
use crate::app::{messages::Measure, signature::Answer, wire::Wire};

const CLIENT_HELLO: u8 = 1;
const CLIENT_MASTER_KEY: u8 = 2;
const SERVER_HELLO: u8 = 4;
/// An X.509 certificate.
const X509: u8 = 1;

/// Bytes in front of a record without padding: its length, and the highest bit.
const LENGTH_BYTES: usize = 2;
const NO_PADDING: u8 = 0x80;
/// Bytes of a ClientHello before its lists: type, version, and the lengths of three lists.
const CLIENT_FIXED_BYTES: u16 = 1 + 2 + 3 * 2;
const KEY_ARGUMENT_BYTES_MAX: u16 = 8;
/// A cipher's name.
const CIPHER_BYTES: u16 = 3;

/// Whether a record of this kind begins so.
pub(super) fn begins(first: u8) -> bool {
    first & NO_PADDING != 0
}

/// How long a record is.
pub(super) fn measure(bytes: &[u8]) -> Measure {
    match Wire(bytes).u16() {
        None => Measure::More,
        Some(length) => Measure::Whole(u64::from(length & 0x7fff) + LENGTH_BYTES as u64),
    }
}

/// Whether one end begins with a ClientHello: all that it says of its lengths agrees.
pub(super) fn is_client_hello(bytes: &[u8]) -> Answer {
    match bytes {
        [first, ..] if !begins(*first) => Answer::No,
        [_, _, kind, ..] if *kind != CLIENT_HELLO => Answer::No,
        _ => Answer::when(bytes, LENGTH_BYTES + usize::from(CLIENT_FIXED_BYTES), |head| {
            client_version(head).is_some()
        }),
    }
}

/// The version that a ClientHello asks for; `None` for what is none.
pub(super) fn client_version(record: &[u8]) -> Option<Version> {
    let mut wire = Wire(record);
    let (length, kind, version) = (wire.u16()? & 0x7fff, wire.u8()?, wire.u16()?);
    let (ciphers, session, challenge) = (wire.u16()?, wire.u16()?, wire.u16()?);
    let lists = ciphers.checked_add(session)?.checked_add(challenge)?;
    let is_so = kind == CLIENT_HELLO
        && matches!(version, 0x0002 | 0x0300..=0x0304)
        && ciphers > 0
        && ciphers % CIPHER_BYTES == 0
        && matches!(session, 0 | 16)
        && (16..=32).contains(&challenge)
        && length == lists.checked_add(CLIENT_FIXED_BYTES)?;
    is_so.then_some(Version(version))
}

/// Whether what a client says behind its hello brings an argument of a key that is longer than any cipher takes: the initial
/// vector of a block cipher of that time has 8 bytes. Broken servers copy it whole (CVE-2002-0656).
pub(super) fn has_long_argument(record: &[u8]) -> bool {
    let mut wire = Wire(record);
    let mut argument_bytes = || {
        let (_length, kind, _cipher) = (wire.u16()?, wire.u8()?, wire.take(CIPHER_BYTES.into())?);
        let (_clear, _encrypted, argument) = (wire.u16()?, wire.u16()?, wire.u16()?);
        (kind == CLIENT_MASTER_KEY).then_some(argument)
    };
    argument_bytes().is_some_and(|bytes| bytes > KEY_ARGUMENT_BYTES_MAX)
}

/// The certificate of a ServerHello; `None` for what is none.
pub(super) fn server_certificate(record: &[u8]) -> Option<Option<Certificate>> {
    let mut wire = Wire(record);
    let (_length, kind, _is_hit) = (wire.u16()?, wire.u8()?, wire.u8()?);
    let (format, version, length) = (wire.u8()?, wire.u16()?, wire.u16()?);
    let (_ciphers, _connection) = (wire.u16()?, wire.u16()?);
    if kind != SERVER_HELLO || Version(version) != Version::SSL2 {
        return None;
    }
    let der = wire.take(length.into())?;
    Some((format == X509 && !der.is_empty()).then(|| Certificate::of(der)))
}
