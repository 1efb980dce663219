//! Google's QUIC before TLS: its hellos are lists of tags (<https://docs.google.com/document/d/1g5nIXAIkN_Y-7XJW5K45IblHd_L2f5LTaDUDwvZ5L6g>).

use memchr::memmem;

use super::version::QuicVersion;
use crate::app::wire::Wire;

/// Bits of the first byte of a packet up to Q043: the version is there, and the connection by eight bytes.
const HAS_VERSION: u8 = 0x01;
const HAS_CONNECTION: u8 = 0x08;
/// Those that are never set: of what was left unused, and the mark of the long headers of later versions.
const UNUSED: u8 = 0xc0;
const IS_RESET: u8 = 0x02;
const CONNECTION_BYTES: usize = 8;

const CLIENT_HELLO: &[u8] = b"CHLO";
const SERVER_NAME: [u8; 4] = *b"SNI\0";
/// Tags of a hello; more are not looked at. Chrome's had some 25.
const TAGS_MAX: u16 = 64;

/// The version that a client's packet up to Q043 says.
pub(super) fn version(datagram: &[u8]) -> Option<QuicVersion> {
    let mut wire = Wire(datagram);
    let flags = wire.u8()?;
    let is_so = flags & HAS_VERSION != 0 && flags & HAS_CONNECTION != 0 && flags & (UNUSED | IS_RESET) == 0;
    let _connection = wire.take(CONNECTION_BYTES).filter(|_| is_so)?;
    let version = QuicVersion(wire.u32()?);
    version.is_plain_google().then_some(version)
}

/// The server that a hello within `bytes` asks for, empty where it asks for none; `None` where there is no hello.
///
/// What stands before it, a hash and the frame's header, has a length that differs by version: the hello's own tag says enough.
pub(super) fn server_name(bytes: &[u8]) -> Option<&[u8]> {
    let at = memmem::find(bytes, CLIENT_HELLO)?;
    let mut wire = Wire(bytes.get(at + CLIENT_HELLO.len()..)?);
    let (count, _padding) = (wire.u16_le()?, wire.u16_le()?);
    let table = wire.take(usize::from(count.min(TAGS_MAX)) * 8)?;
    // Values stand behind the table of all tags.
    wire.take(usize::from(count.saturating_sub(TAGS_MAX)) * 8)?;
    let values = wire.rest();
    let (mut begin, mut entries) = (0, Wire(table));
    while let (Some(tag), Some(end)) = (entries.take(SERVER_NAME.len()), entries.u32_le()) {
        let end = usize::try_from(end).ok()?;
        if tag == SERVER_NAME {
            return values.get(begin..end);
        }
        begin = end;
    }
    Some(&[])
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A hello for `name`.
    pub(in crate::app::quic) fn hello(name: &[u8]) -> Vec<u8> {
        let end = 4 + name.len() as u32;
        [
            &b"CHLO\x03\0\0\0"[..],
            b"PAD\0\x04\0\0\0",
            b"SNI\0",
            &end.to_le_bytes(),
            b"VER\0",
            &(end + 4).to_le_bytes(),
            b"----",
            name,
            b"Q043",
        ]
        .concat()
    }

    #[test]
    fn a_hello_names_its_server() {
        let bytes = [b"some frame", &hello(b"weir.example")[..]].concat();
        assert_eq!(server_name(&bytes), Some(&b"weir.example"[..]));
        for at in 0..bytes.len() {
            let _ = server_name(&bytes[..at]);
        }
        assert_eq!(server_name(b"nothing"), None);
        assert_eq!(server_name(b"CHLO\0\0\0\0"), Some(&b""[..]));
        assert_eq!(server_name(b"CHLO\x01\0\0\0SNI\0\xff\xff\xff\xff"), None);
    }
}
