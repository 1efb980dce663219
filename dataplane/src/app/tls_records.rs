//! Whether both directions of a connection are nothing but TLS records, and both came to protected data.
//!
//! Only the record layer is read, and of the handshake what it takes to know that the two agreed on a cipher that encrypts.
//! Whatever else comes, or is missing, ends the reading for good: this connection is then never taken for encrypted.

use crate::{flow::Direction, reassembly::StreamChunk};

// Content types (RFC 8446 §5.1, RFC 5246 §6.2.1).
const CHANGE_CIPHER_SPEC: u8 = 20;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
// Handshake types (RFC 8446 §4).
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;

const HEADER_BYTES: u8 = 5;
/// RFC 8446 §5.1: no handshake record is empty, and none before the keys is longer; RFC 5246 §6.2.3: protected ones may
/// have 2048 bytes more.
const PLAIN_BYTES_MAX: u16 = 1 << 14;
const PROTECTED_BYTES_MAX: u16 = PLAIN_BYTES_MAX + 2048;
/// What protects a record has 8 bytes at least (AEAD_AES_128_CCM_8, RFC 6655 §3), and protects at least one.
const PROTECTED_BYTES_MIN: u16 = 8 + 1;

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
    /// Bytes of the header that were read, and the type and length that they told.
    header_bytes: u8,
    kind: u8,
    length: u16,
    /// Bytes of the record's fragment that were read.
    read: u16,
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
        while let Some((&byte, rest)) = bytes.split_first() {
            if self.header_bytes < HEADER_BYTES {
                self.read_header(byte)?;
                bytes = rest;
            } else if self.progress == Progress::Begin {
                self.read_hello(direction, byte)?;
                self.read += 1;
                bytes = rest;
            } else {
                let count = bytes.len().min(usize::from(self.length - self.read));
                self.read_fragment(byte)?;
                self.read += count as u16;
                bytes = bytes.get(count..)?;
            }
            if self.header_bytes == HEADER_BYTES && self.read == self.length {
                self.end_record(direction)?;
            }
        }
        Some(())
    }

    /// Type, version and length, a byte at a time.
    fn read_header(&mut self, byte: u8) -> Option<()> {
        match self.header_bytes {
            0 => self.kind = byte,
            // Of all versions that are in use, the first byte is 3 and the second that of TLS 1.0, 1.1 or 1.2, also where
            // TLS 1.3 is spoken (RFC 8446 §5.1).
            1 if byte != 3 => return None,
            2 if !matches!(byte, 1..=3) => return None,
            3 => self.length = u16::from(byte) << 8,
            4 => self.length |= u16::from(byte),
            _ => {}
        }
        self.header_bytes += 1;
        if self.header_bytes < HEADER_BYTES {
            return Some(());
        }
        let is_sound = match (self.progress, self.kind) {
            (Progress::Begin, HANDSHAKE) => (1..=PLAIN_BYTES_MAX).contains(&self.length),
            (Progress::Begin, _) => false,
            (_, HANDSHAKE) => (1..=PROTECTED_BYTES_MAX).contains(&self.length),
            (_, CHANGE_CIPHER_SPEC) => self.length == 1,
            (_, APPLICATION_DATA) => (PROTECTED_BYTES_MIN..=PROTECTED_BYTES_MAX).contains(&self.length),
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
        if self.read == 0 && byte != wanted {
            return None;
        }
        if direction == Direction::ToServer || self.read < BEFORE_SESSION_BYTES {
            return Some(());
        }
        let hello = &mut self.hello;
        let suite_at = BEFORE_SESSION_BYTES + 1 + u16::from(hello.session_bytes);
        if self.read == BEFORE_SESSION_BYTES {
            hello.session_bytes = byte;
            return (byte <= SESSION_BYTES_MAX).then_some(());
        } else if self.read == suite_at {
            hello.suite = u16::from(byte) << 8;
        } else if self.read == suite_at + 1 {
            hello.suite |= u16::from(byte);
            hello.is_read = true;
            return encrypts(hello.suite).then_some(());
        }
        Some(())
    }

    /// The first byte of a piece of a later record.
    fn read_fragment(&self, byte: u8) -> Option<()> {
        // RFC 8446 §5, RFC 5246 §7.1: its only value.
        (self.kind != CHANGE_CIPHER_SPEC || byte == 1).then_some(())
    }

    fn end_record(&mut self, direction: Direction) -> Option<()> {
        self.progress = match (self.progress, self.kind) {
            (Progress::Begin, _) if direction == Direction::ToClient && !self.hello.is_read => return None,
            (_, APPLICATION_DATA) => Progress::Protected,
            (Progress::Begin, _) => Progress::Handshake,
            (progress, _) => progress,
        };
        (self.header_bytes, self.read) = (0, 0);
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
