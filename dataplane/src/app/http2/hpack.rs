//! HPACK (RFC 7541): the header lists of one direction, which share a table of what went by.
//!
//! The Huffman code is read by a library; of the libraries for all of it none is fit for hostile bytes at speed.

use std::collections::VecDeque;

use httlib_huffman::DecoderSpeed;

use super::static_table::STATIC_TABLE;
use crate::limits::HPACK_TABLE_BYTES_MAX;

/// The decoder of one direction.
///
/// Invariant: the entries' sizes add up to `table_bytes`, which is at most `table_bytes_max`, and that at most
/// [`HPACK_TABLE_BYTES_MAX`].
#[derive(Debug)]
pub(super) struct Hpack {
    /// The newest first.
    table: VecDeque<Entry>,
    table_bytes: usize,
    table_bytes_max: usize,
    /// What the receiver of this direction ever said its table may have.
    allowed_bytes: usize,
    name: Vec<u8>,
    value: Vec<u8>,
}

/// A header of the table: its name, and then its value.
#[derive(Debug)]
struct Entry {
    text: Vec<u8>,
    name_bytes: usize,
}

/// A block that can't be read on; the table is not the sender's any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HpackError {
    /// RFC 7541 does not allow it, or its table is larger than is kept here.
    Broken,
    /// Who listens has heard enough.
    TooLong,
}

/// Table of a connection whose ends said nothing (RFC 9113 §6.5.2), in bytes.
const TABLE_BYTES_DEFAULT: usize = 4096;
/// What an entry counts beside its bytes (RFC 7541 §4.1).
const ENTRY_OVERHEAD_BYTES: usize = 32;
/// Bits of an integer behind its prefix: no length and no index needs more.
const INTEGER_BITS_MAX: u32 = 28;

impl Default for Hpack {
    fn default() -> Self {
        Hpack {
            table: VecDeque::new(),
            table_bytes: 0,
            table_bytes_max: TABLE_BYTES_DEFAULT,
            allowed_bytes: TABLE_BYTES_DEFAULT,
            name: Vec::new(),
            value: Vec::new(),
        }
    }
}

impl Entry {
    fn bytes(&self) -> usize {
        self.text.len() + ENTRY_OVERHEAD_BYTES
    }
}

impl Hpack {
    /// Memory that it holds, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.table_bytes + self.name.capacity() + self.value.capacity()
    }

    /// The receiver of this direction lets its table have so many bytes. That it may have fewer counts from when the sender
    /// heard of it, which nobody else can tell: then the sender says so itself.
    pub(super) fn allow(&mut self, bytes: u32) {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX).min(HPACK_TABLE_BYTES_MAX);
        self.allowed_bytes = self.allowed_bytes.max(bytes);
    }

    /// Shows `see` the names and values of a whole block, until it has heard enough.
    pub(super) fn decode(
        &mut self,
        mut block: &[u8],
        mut see: impl FnMut(&[u8], &[u8]) -> Result<(), HpackError>,
    ) -> Result<(), HpackError> {
        let (mut name, mut value) = (std::mem::take(&mut self.name), std::mem::take(&mut self.value));
        let mut is_begin = true;
        while let Some(&first) = block.first() {
            match first {
                // RFC 7541 §6.1.
                0x80.. => {
                    let (name, value) = self.entry(integer(&mut block, 7)?)?;
                    see(name, value)?;
                }
                // §6.3: only in front of a block (§4.2).
                0x20..0x40 => {
                    self.resize(integer(&mut block, 5)?, is_begin)?;
                    continue;
                }
                // §6.2.
                _ => {
                    let is_kept = first & 0x40 != 0;
                    let index = integer(&mut block, if is_kept { 6 } else { 4 })?;
                    match index {
                        0 => string(&mut block, &mut name)?,
                        _ => self.entry(index)?.0.clone_into(&mut name),
                    }
                    string(&mut block, &mut value)?;
                    see(&name, &value)?;
                    if is_kept {
                        self.keep(&name, &value);
                    }
                }
            }
            is_begin = false;
        }
        (self.name, self.value) = (name, value);
        Ok(())
    }

    /// Gives back memory beyond so many bytes.
    pub(super) fn trim(&mut self, bytes_max: usize) {
        for text in [&mut self.name, &mut self.value] {
            text.clear();
            text.shrink_to(bytes_max);
        }
    }

    /// The header of an index (RFC 7541 §2.3.3).
    fn entry(&self, index: usize) -> Result<(&[u8], &[u8]), HpackError> {
        let index = index.checked_sub(1).ok_or(HpackError::Broken)?;
        if let Some(header) = STATIC_TABLE.get(index) {
            return Ok(*header);
        }
        let entry = self.table.get(index - STATIC_TABLE.len()).ok_or(HpackError::Broken)?;
        entry.text.split_at_checked(entry.name_bytes).ok_or(HpackError::Broken)
    }

    fn resize(&mut self, bytes: usize, is_begin: bool) -> Result<(), HpackError> {
        if !is_begin || bytes > self.allowed_bytes {
            return Err(HpackError::Broken);
        }
        self.table_bytes_max = bytes;
        while self.table_bytes > bytes {
            self.drop_oldest();
        }
        Ok(())
    }

    /// A header becomes the newest of the table, in the memory of the last that has to go for it (RFC 7541 §4.4).
    fn keep(&mut self, name: &[u8], value: &[u8]) {
        let bytes = name.len() + value.len() + ENTRY_OVERHEAD_BYTES;
        let mut text = Vec::new();
        while self.table_bytes + bytes > self.table_bytes_max {
            match self.drop_oldest() {
                Some(dropped) => text = dropped.text,
                None => return,
            }
        }
        text.clear();
        text.extend_from_slice(name);
        text.extend_from_slice(value);
        self.table.push_front(Entry { text, name_bytes: name.len() });
        self.table_bytes += bytes;
    }

    fn drop_oldest(&mut self) -> Option<Entry> {
        let dropped = self.table.pop_back()?;
        self.table_bytes -= dropped.bytes();
        Some(dropped)
    }
}

/// An integer behind a prefix of so many bits (RFC 7541 §5.1).
fn integer(block: &mut &[u8], prefix_bits: u32) -> Result<usize, HpackError> {
    let (&first, mut rest) = block.split_first().ok_or(HpackError::Broken)?;
    let mask = (1 << prefix_bits) - 1;
    let mut value = usize::from(first) & mask;
    if value == mask {
        let mut shift = 0;
        loop {
            let (&byte, behind) = rest.split_first().ok_or(HpackError::Broken)?;
            rest = behind;
            value += usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
            if shift >= INTEGER_BITS_MAX {
                return Err(HpackError::Broken);
            }
        }
    }
    *block = rest;
    Ok(value)
}

/// A string literal (RFC 7541 §5.2).
fn string(block: &mut &[u8], into: &mut Vec<u8>) -> Result<(), HpackError> {
    let is_huffman = block.first().is_some_and(|first| first & 0x80 != 0);
    let length = integer(block, 7)?;
    let (raw, rest) = block.split_at_checked(length).ok_or(HpackError::Broken)?;
    *block = rest;
    into.clear();
    if is_huffman {
        return httlib_huffman::decode(raw, into, DecoderSpeed::FiveBits).map_err(|_| HpackError::Broken);
    }
    into.extend_from_slice(raw);
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    type Headers = Vec<(Vec<u8>, Vec<u8>)>;

    fn decode(hpack: &mut Hpack, block: &[u8]) -> Result<Headers, HpackError> {
        let mut headers = Vec::new();
        hpack.decode(block, |name, value| {
            headers.push((name.to_vec(), value.to_vec()));
            Ok(())
        })?;
        let entries: usize = hpack.table.iter().map(Entry::bytes).sum();
        assert_eq!(hpack.table_bytes, entries);
        assert!(entries <= hpack.table_bytes_max && hpack.table_bytes_max <= HPACK_TABLE_BYTES_MAX);
        Ok(headers)
    }

    /// RFC 7541 appendix C.4 and what follows from it.
    #[test]
    fn a_block_is_read_with_what_went_by() {
        let mut hpack = Hpack::default();
        let first = b"\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff";
        let headers = decode(&mut hpack, first).expect("it is the standard's");
        assert_eq!(headers[3], (b":authority".to_vec(), b"www.example.com".to_vec()));
        let again = decode(&mut hpack, b"\xbe").expect("it is in the table");
        assert_eq!(again, headers[3..]);
        assert_eq!(decode(&mut hpack, b"\x20\xbe"), Err(HpackError::Broken), "the table was emptied");
    }

    #[test]
    fn what_is_no_block_is_told() {
        for block in [&b"\x80"[..], b"\xff", b"\x40", b"\x40\x05ab", b"\x82\x20", b"\x3f\xe2\x1f", b"\xbe"] {
            assert_eq!(decode(&mut Hpack::default(), block), Err(HpackError::Broken), "{block:?}");
        }
        let mut hpack = Hpack::default();
        hpack.allow(8192);
        assert_eq!(decode(&mut hpack, b"\x3f\xe1\x3f\x82").map(|headers| headers.len()), Ok(1));
    }

    fn headers() -> impl Strategy<Value = Headers> {
        let text = |bytes| vec(any::<u8>(), bytes);
        vec(
            prop_oneof![
                ("[a-c]{1,2}", "[x-z]{0,2}")
                    .prop_map(|(name, value)| (name.into_bytes(), value.into_bytes())),
                (text(1..20), text(0..3000)),
            ],
            0..8,
        )
    }

    proptest! {
        /// Another implementation says the same of what its encoder made, and of what was damaged then, where it reads that.
        #[test]
        fn another_implementation_reads_the_same(
            lists in vec(headers(), 1..6),
            damage in proptest::option::of((any::<proptest::sample::Index>(), any::<u8>())),
        ) {
            let mut encoder = loona_hpack::Encoder::new();
            let mut other = loona_hpack::Decoder::new();
            other.set_max_allowed_table_size(TABLE_BYTES_DEFAULT);
            let mut ours = Hpack::default();
            for list in lists {
                let mut block =
                    encoder.encode(list.iter().map(|(name, value)| (name.as_slice(), value.as_slice())));
                if let Some((at, byte)) = damage && !block.is_empty() {
                    *at.get_mut(&mut block) = byte;
                }
                let (Ok(wanted), got) = (other.decode(&block), decode(&mut ours, &block)) else { break };
                // It lets a table be resized anywhere.
                if got.is_err() && damage.is_some() {
                    break;
                }
                prop_assert_eq!(got, Ok(wanted));
            }
        }

        #[test]
        fn another_implementation_reads_the_same_code(text in vec(any::<u8>(), 0..200)) {
            let mut coded = Vec::new();
            httlib_huffman::encode(&text, &mut coded).expect("each byte has a code");
            prop_assume!(coded.len() < 127);
            let block = [&[0, 0x80 | coded.len() as u8][..], &coded, &[1, b'x']].concat();
            let wanted = loona_hpack::Decoder::new().decode(&block);
            prop_assert_eq!(decode(&mut Hpack::default(), &block), Ok(wanted.expect("it is sound")));
        }

        #[test]
        fn any_block_is_read_or_refused(blocks in vec(vec(any::<u8>(), 0..60), 1..5)) {
            let (mut ours, mut other) = (Hpack::default(), loona_hpack::Decoder::new());
            other.set_max_allowed_table_size(TABLE_BYTES_DEFAULT);
            for block in blocks {
                let (Ok(wanted), Ok(got)) = (other.decode(&block), decode(&mut ours, &block)) else { break };
                prop_assert_eq!(got, wanted);
            }
        }
    }
}
