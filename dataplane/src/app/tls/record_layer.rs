//! The records of one direction of TLS (RFC 8446 §5.1, RFC 6101 §5.2), told apart whatever pieces they come in.

// Content types (RFC 8446 §5.1, RFC 6520 §3).
pub(in crate::app) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(in crate::app) const ALERT: u8 = 21;
pub(in crate::app) const HANDSHAKE: u8 = 22;
pub(in crate::app) const APPLICATION_DATA: u8 = 23;
pub(in crate::app) const HEARTBEAT: u8 = 24;

const HEADER_BYTES: u8 = 5;

/// RFC 8446 §5.1: a fragment that is not protected is no longer; RFC 5246 §6.2.3: protected ones may have 2048 bytes more.
pub(in crate::app) const PLAIN_BYTES_MAX: u16 = 1 << 14;
pub(in crate::app) const PROTECTED_BYTES_MAX: u16 = PLAIN_BYTES_MAX + 2048;

/// What stands in front of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app) struct RecordHeader {
    pub(in crate::app) kind: u8,
    pub(in crate::app) version: u16,
    /// Bytes of the fragment that follows.
    pub(in crate::app) length: u16,
}

/// One thing read; every record is begun and ended, and its fragment comes in between in pieces that are not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::app) enum Step<'b> {
    Begin(RecordHeader),
    Fragment(RecordHeader, &'b [u8]),
    End(RecordHeader),
}

/// Reads records. It judges none: whether a header is sound is for its user to say.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::app) struct RecordReader {
    header: [u8; HEADER_BYTES as usize],
    /// Bytes of it that are there.
    header_bytes: u8,
    /// Bytes of the fragment that were read.
    read_bytes: u16,
}

impl RecordReader {
    /// The next thing, taken off `bytes`; `None` where these are used up.
    pub(in crate::app) fn next<'b>(&mut self, bytes: &mut &'b [u8]) -> Option<Step<'b>> {
        if self.header_bytes < HEADER_BYTES {
            return self.read_header(bytes).then(|| Step::Begin(self.header()));
        }
        let header = self.header();
        let left_bytes = header.length - self.read_bytes;
        if left_bytes == 0 {
            *self = RecordReader::default();
            return Some(Step::End(header));
        }
        let count = bytes.len().min(left_bytes.into());
        let (fragment, rest) = bytes.split_at(count);
        *bytes = rest;
        self.read_bytes += count as u16;
        (count > 0).then_some(Step::Fragment(header, fragment))
    }

    /// So many bytes are missing: what record they belong to, where it is one that is under way and its header was read.
    pub(in crate::app) fn skip(&mut self, bytes: u32) -> Option<RecordHeader> {
        let header = (self.header_bytes == HEADER_BYTES).then(|| self.header())?;
        let bytes = u16::try_from(bytes).ok().filter(|bytes| *bytes <= header.length - self.read_bytes)?;
        self.read_bytes += bytes;
        Some(header)
    }

    /// Whether the header is complete.
    fn read_header(&mut self, bytes: &mut &[u8]) -> bool {
        let missing = usize::from(HEADER_BYTES - self.header_bytes);
        let (taken, rest) = bytes.split_at(missing.min(bytes.len()));
        for (place, byte) in self.header.iter_mut().skip(self.header_bytes.into()).zip(taken) {
            *place = *byte;
        }
        self.header_bytes += taken.len() as u8;
        *bytes = rest;
        self.header_bytes == HEADER_BYTES
    }

    fn header(&self) -> RecordHeader {
        let [kind, major, minor, high, low] = self.header;
        RecordHeader {
            kind,
            version: u16::from_be_bytes([major, minor]),
            length: u16::from_be_bytes([high, low]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&[u8]]) -> (Vec<(RecordHeader, Vec<u8>)>, Option<Vec<u8>>) {
        let (mut reader, mut told, mut open) = (RecordReader::default(), Vec::new(), None);
        for mut piece in pieces.iter().copied() {
            while let Some(step) = reader.next(&mut piece) {
                match step {
                    Step::Begin(_) => assert_eq!(open.replace(Vec::new()), None),
                    Step::Fragment(_, bytes) => open.as_mut().expect("begun").extend(bytes),
                    Step::End(header) => told.push((header, open.take().expect("begun"))),
                }
            }
            assert!(piece.is_empty());
        }
        (told, open)
    }

    #[test]
    fn records_are_the_same_however_they_are_cut() {
        let bytes = b"\x16\x03\x01\x00\x03abc\x17\x03\x03\x00\x00\x14\x03\x03\x00\x02x";
        let whole = read(&[bytes]);
        assert_eq!(whole.0.len(), 2);
        let first = RecordHeader { kind: HANDSHAKE, version: 0x0301, length: 3 };
        assert_eq!((&whole.0[0], whole.1.as_deref()), (&(first, b"abc".to_vec()), Some(&b"x"[..])));
        for at in 0..bytes.len() {
            assert_eq!(read(&[&bytes[..at], &bytes[at..]]), whole);
        }
        assert_eq!(read(&bytes.chunks(1).collect::<Vec<_>>()), whole);
    }

    #[test]
    fn what_is_missing_within_a_fragment_is_skipped() {
        let mut reader = RecordReader::default();
        assert_eq!(reader.skip(1), None, "that is a header");
        let mut bytes = &b"\x17\x03\x03\x00\x0aab"[..];
        while reader.next(&mut bytes).is_some() {}
        assert_eq!(reader.skip(9), None);
        assert!(reader.skip(8).is_some_and(|header| header.kind == APPLICATION_DATA));
        assert!(matches!(reader.next(&mut &b"\x17"[..]), Some(Step::End(_))));
    }
}
