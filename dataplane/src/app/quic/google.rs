//! Google's QUIC before TLS: its hellos are lists of tags (<https://docs.google.com/document/d/1g5nIXAIkN_Y-7XJW5K45IblHd_L2f5LTaDUDwvZ5L6g>).

use md5::{Digest, Md5};
use memchr::memmem;

use super::version::QuicVersion;
use crate::app::{Record, fingerprint::hex, wire::Wire};
use crate::limits::QUIC_TAGS_MAX;

/// Bits of the first byte of a packet up to Q043: the version is there, and the connection by eight bytes.
const HAS_VERSION: u8 = 0x01;
const HAS_CONNECTION: u8 = 0x08;
/// Those that are never set: of what was left unused, and the mark of the long headers of later versions.
const UNUSED: u8 = 0xc0;
const IS_RESET: u8 = 0x02;
const CONNECTION_BYTES: usize = 8;

const CLIENT_HELLO: &[u8] = b"CHLO";
const SERVER_NAME: [u8; 4] = *b"SNI\0";

/// The version that a client's packet up to Q043 says.
pub(super) fn version(datagram: &[u8]) -> Option<QuicVersion> {
    let mut wire = Wire(datagram);
    let flags = wire.u8()?;
    let is_so = flags & HAS_VERSION != 0 && flags & HAS_CONNECTION != 0 && flags & (UNUSED | IS_RESET) == 0;
    let _connection = wire.take(CONNECTION_BYTES).filter(|_| is_so)?;
    let version = QuicVersion(wire.u32()?);
    version.is_plain_google().then_some(version)
}

/// What a hello asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GoogleHello {
    /// The server; empty where none is named.
    pub(super) server_name: Vec<u8>,
    /// Its tags in order, with `-` between them: what CYU (<https://github.com/salesforce/GQUIC_Protocol_Analyzer>) is made of.
    tags: String,
}

impl GoogleHello {
    /// The hello within `bytes`, once all of it that is read is there.
    ///
    /// What stands before it, a hash and the frame's header, has a length that differs by version: the hello's own tag says
    /// enough.
    pub(super) fn find(bytes: &[u8]) -> Option<GoogleHello> {
        let at = memmem::find(bytes, CLIENT_HELLO)?;
        let mut wire = Wire(bytes.get(at + CLIENT_HELLO.len()..)?);
        let (count, _padding) = (wire.u16_le()?, wire.u16_le()?);
        let table = wire.take(usize::from(count.min(QUIC_TAGS_MAX)) * 8)?;
        // Values stand behind the table of all tags.
        wire.take(usize::from(count.saturating_sub(QUIC_TAGS_MAX)) * 8)?;
        let values = wire.rest();
        let mut hello = GoogleHello { server_name: Vec::new(), tags: String::new() };
        let (mut begin, mut entries) = (0, Wire(table));
        while let (Some(tag), Some(end)) = (entries.take(SERVER_NAME.len()), entries.u32_le()) {
            let end = usize::try_from(end).ok()?;
            if tag == SERVER_NAME {
                hello.server_name = values.get(begin..end)?.to_vec();
            }
            hello.name(tag);
            begin = end;
        }
        Some(hello)
    }

    fn name(&mut self, tag: &[u8]) {
        if !self.tags.is_empty() {
            self.tags.push('-');
        }
        self.tags.extend(tag.iter().filter(|byte| byte.is_ascii_graphic()).map(|byte| char::from(*byte)));
    }

    /// Tells all of it.
    pub(super) fn tell(&self, version: QuicVersion, record: &mut Record) {
        record.text_if_any("sni", &self.server_name);
        let string = format!("{},{}", version.google_number(), self.tags);
        record.list("cyu", |record| {
            record.object("", |record| {
                record.text("hash", hex(&Md5::digest(string.as_bytes())).as_bytes());
                record.text("string", string.as_bytes());
            });
        });
    }
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
        let found = GoogleHello::find(&bytes).expect("a hello");
        assert_eq!((&found.server_name[..], &found.tags[..]), (&b"weir.example"[..], "PAD-SNI-VER"));
        for at in 0..bytes.len() {
            let _ = GoogleHello::find(&bytes[..at]);
        }
        assert_eq!(GoogleHello::find(b"nothing"), None);
        assert!(GoogleHello::find(b"CHLO\0\0\0\0").is_some_and(|hello| hello.server_name.is_empty()));
        assert_eq!(GoogleHello::find(b"CHLO\x01\0\0\0SNI\0\xff\xff\xff\xff"), None);
    }
}
