//! Whether both directions of a connection are nothing but TLS records, and both came to protected data.
//!
//! Only the record layer is read, and of the handshake what it takes to know that the two agreed on a cipher that encrypts.
//! Whatever else comes, or is missing, ends the reading for good: this connection is then never taken for encrypted.

use super::tls::{
    APPLICATION_DATA, CHANGE_CIPHER_SPEC, CLIENT_HELLO, HANDSHAKE, PLAIN_BYTES_MAX, PROTECTED_BYTES_MAX,
    PROTECTED_BYTES_MIN, RecordHeader, RecordReader, SERVER_HELLO, Step,
};
use crate::{flow::Direction, reassembly::StreamChunk};

/// Bytes of a ServerHello before the length of its session identifier: handshake type, length, version, random value
/// (RFC 8446 §4.1.3).
const BEFORE_SESSION_BYTES: u16 = 1 + 3 + 2 + 32;
/// RFC 8446 §4.1.3.
const SESSION_BYTES_MAX: u8 = 32;

/// Both directions of one TCP connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct TlsRecords {
    directions: [Records; 2],
    is_broken: bool,
}

/// The records of one direction.
#[derive(Clone, Copy, Debug, Default)]
struct Records {
    reader: RecordReader,
    /// Bytes of the first record's fragment that were read.
    read_bytes: u16,
    progress: Progress,
    hello: ServerHello,
}

/// How far one direction came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Progress {
    #[default]
    Begin,
    /// The first record was a Hello.
    Handshake,
    /// A whole record of application data came by.
    Protected,
}

/// Which cipher suite a server chose, as far as its first record was read.
#[derive(Clone, Copy, Debug, Default)]
struct ServerHello {
    session_bytes: u8,
    suite: u16,
    is_read: bool,
}

impl TlsRecords {
    /// Reads the next piece of one direction.
    pub fn advance(&mut self, direction: Direction, chunk: StreamChunk<'_>) {
        if self.is_broken {
            return;
        }
        let records = &mut self.directions[direction as usize];
        self.is_broken = match chunk {
            StreamChunk::Data(bytes) => records.read(direction, bytes).is_none(),
            StreamChunk::Gap(bytes) => bytes > 0,
            StreamChunk::Fin => true,
        };
    }

    /// Whether it can no longer become true that both directions are encrypted.
    pub fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Whether all that was read is TLS, and both ends have sent protected data. In TLS 1.3 the later part of the
    /// handshake is that already.
    pub fn are_encrypted(&self) -> bool {
        !self.is_broken && self.directions.iter().all(|records| records.progress == Progress::Protected)
    }
}

impl Records {
    /// `None` for what is no TLS.
    fn read(&mut self, direction: Direction, mut bytes: &[u8]) -> Option<()> {
        while let Some(step) = self.reader.next(&mut bytes) {
            match step {
                Step::Begin(header) => self.begin_record(header)?,
                Step::Fragment(_, fragment) if self.progress == Progress::Begin => {
                    for byte in fragment {
                        self.read_hello(direction, *byte)?;
                        self.read_bytes += 1;
                    }
                }
                // RFC 8446 §5, RFC 5246 §7.1: its only value.
                Step::Fragment(header, fragment) if header.kind == CHANGE_CIPHER_SPEC => {
                    (fragment == [1]).then_some(())?;
                }
                Step::Fragment(..) => {}
                Step::End(header) => self.end_record(direction, header.kind)?,
            }
        }
        Some(())
    }

    fn begin_record(&self, header: RecordHeader) -> Option<()> {
        // Of all versions that are in use, the first byte is 3 and the second that of TLS 1.0, 1.1 or 1.2, also where
        // TLS 1.3 is spoken (RFC 8446 §5.1).
        if !(0x0301..=0x0303).contains(&header.version) {
            return None;
        }
        let is_sound = match (self.progress, header.kind) {
            // RFC 8446 §5.1: no handshake record is empty.
            (Progress::Begin, HANDSHAKE) => (1..=PLAIN_BYTES_MAX).contains(&header.length),
            (Progress::Begin, _) => false,
            (_, HANDSHAKE) => (1..=PROTECTED_BYTES_MAX).contains(&header.length),
            (_, CHANGE_CIPHER_SPEC) => header.length == 1,
            (_, APPLICATION_DATA) => (PROTECTED_BYTES_MIN..=PROTECTED_BYTES_MAX).contains(&header.length),
            // Alerts end connections, and heartbeats (RFC 6520) are history.
            _ => false,
        };
        is_sound.then_some(())
    }

    /// The first record: it begins with a Hello, and that of the server names the cipher suite.
    fn read_hello(&mut self, direction: Direction, byte: u8) -> Option<()> {
        let wanted = match direction {
            Direction::ToServer => CLIENT_HELLO,
            Direction::ToClient => SERVER_HELLO,
        };
        if self.read_bytes == 0 && byte != wanted {
            return None;
        }
        if direction == Direction::ToServer || self.read_bytes < BEFORE_SESSION_BYTES {
            return Some(());
        }
        let hello = &mut self.hello;
        let suite_at = BEFORE_SESSION_BYTES + 1 + u16::from(hello.session_bytes);
        if self.read_bytes == BEFORE_SESSION_BYTES {
            hello.session_bytes = byte;
            return (byte <= SESSION_BYTES_MAX).then_some(());
        } else if self.read_bytes == suite_at {
            hello.suite = u16::from(byte) << 8;
        } else if self.read_bytes == suite_at + 1 {
            hello.suite |= u16::from(byte);
            hello.is_read = true;
            return encrypts(hello.suite).then_some(());
        }
        Some(())
    }

    fn end_record(&mut self, direction: Direction, kind: u8) -> Option<()> {
        self.progress = match (self.progress, kind) {
            (Progress::Begin, _) if direction == Direction::ToClient && !self.hello.is_read => return None,
            (_, APPLICATION_DATA) => Progress::Protected,
            (Progress::Begin, _) => Progress::Handshake,
            (progress, _) => progress,
        };
        Some(())
    }
}

/// Whether a cipher suite encrypts: those with the NULL cipher only authenticate (IANA's registry of TLS Cipher Suites).
fn encrypts(suite: u16) -> bool {
    !matches!(
        suite,
        0x0000..=0x0002
            | 0x002c..=0x002e
            | 0x003b
            | 0x00b0 | 0x00b1 | 0x00b4 | 0x00b5 | 0x00b8 | 0x00b9
            | 0xc001 | 0xc006 | 0xc00b | 0xc010 | 0xc015
            | 0xc039..=0xc03b
            | 0xc0b4 | 0xc0b5
    )
}

#[cfg(test)]
mod tests;
