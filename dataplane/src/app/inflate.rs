//! Inflating of what comes in pieces, as far as it is worth it.

use flate2::{Decompress, FlushDecompress, Status};

use crate::limits::{INFLATE_FREE_BYTES, INFLATE_RATIO_MAX};

/// Bytes that come out in one step.
const STEP_BYTES: usize = 4096;

/// Bytes of input behind which the ratio is looked at: so that it does not depend on how they are cut.
const CHECKED_BYTES: u64 = 256;

/// Most windows that DEFLATE has (RFC 1951 §2), as a power of 2 in bytes.
const WINDOW_BITS: u8 = 15;

/// One compressed stream: some 40 KiB.
///
/// What comes out is the same however it came in: the ratio of both is looked at behind fixed places of the input. Only in
/// front of the place where a stream is broken some bytes more or less may come out.
#[derive(Debug)]
pub(super) struct Inflate {
    stream: Decompress,
    in_bytes: u64,
    out_bytes: u64,
    is_raw: bool,
    is_over: bool,
}

/// Nothing more comes out of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum InflateError {
    /// It is none.
    Broken,
    /// It grows beyond [`INFLATE_RATIO_MAX`].
    Cap,
}

impl Inflate {
    /// A stream of DEFLATE alone (RFC 1951), of which more may follow behind its end.
    pub(super) fn raw() -> Self {
        Inflate::of(Decompress::new(false), true)
    }

    /// A stream within the frame of zlib (RFC 1950), as HTTP's `deflate` is.
    pub(super) fn zlib() -> Self {
        Inflate::of(Decompress::new(true), false)
    }

    /// A stream within the frame of gzip (RFC 1952).
    pub(super) fn gzip() -> Self {
        Inflate::of(Decompress::new_gzip(WINDOW_BITS), false)
    }

    fn of(stream: Decompress, is_raw: bool) -> Self {
        Inflate { stream, in_bytes: 0, out_bytes: 0, is_raw, is_over: false }
    }

    /// The ratio counts from here on.
    pub(super) fn next_message(&mut self) {
        (self.in_bytes, self.out_bytes) = (0, 0);
    }

    /// Shows `see` what comes out of the next bytes.
    pub(super) fn push(&mut self, mut input: &[u8], mut see: impl FnMut(&[u8])) -> Result<(), InflateError> {
        while !input.is_empty() && !self.is_over {
            let until_check = CHECKED_BYTES - self.in_bytes % CHECKED_BYTES;
            let count = usize::try_from(until_check).unwrap_or(usize::MAX).min(input.len());
            let (piece, rest) = input.split_at(count);
            input = rest;
            self.push_piece(piece, &mut see)?;
            self.in_bytes += count as u64;
            let is_checked = self.in_bytes.is_multiple_of(CHECKED_BYTES);
            if is_checked && self.out_bytes > INFLATE_FREE_BYTES + INFLATE_RATIO_MAX * self.in_bytes {
                return Err(InflateError::Cap);
            }
        }
        Ok(())
    }

    fn push_piece(&mut self, mut piece: &[u8], see: &mut impl FnMut(&[u8])) -> Result<(), InflateError> {
        let mut step = [0; STEP_BYTES];
        loop {
            let (before_in, before_out) = (self.stream.total_in(), self.stream.total_out());
            let status = self.stream.decompress(piece, &mut step, FlushDecompress::None);
            let taken = usize::try_from(self.stream.total_in() - before_in).unwrap_or(usize::MAX);
            let made = usize::try_from(self.stream.total_out() - before_out).unwrap_or(usize::MAX);
            piece = piece.get(taken..).unwrap_or_default();
            self.out_bytes += made as u64;
            if made > 0 {
                see(step.get(..made).unwrap_or_default());
            }
            match status.map_err(|_| InflateError::Broken)? {
                // RFC 7692 §7.2.3.5: a final block ends no message.
                Status::StreamEnd if self.is_raw => {
                    self.stream.reset(false);
                    if piece.is_empty() {
                        return Ok(());
                    }
                }
                Status::StreamEnd => {
                    self.is_over = true;
                    return Ok(());
                }
                Status::Ok | Status::BufError if made == step.len() => {}
                Status::Ok if !piece.is_empty() && taken > 0 => {}
                Status::Ok | Status::BufError => return Ok(()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compression, write};
    use proptest::{collection::vec, prelude::*};
    use std::io::Write as _;

    use super::*;

    fn inflated(mut inflate: Inflate, pieces: &[&[u8]]) -> (Vec<u8>, Result<(), InflateError>) {
        let mut out = Vec::new();
        let told = pieces.iter().try_for_each(|piece| inflate.push(piece, |bytes| out.extend(bytes)));
        (out, told)
    }

    fn deflated(plain: &[u8]) -> Vec<u8> {
        let mut encoder = write::DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).expect("memory takes all");
        encoder.finish().expect("memory takes all")
    }

    #[test]
    fn what_is_framed_is_read() {
        let mut gzip = write::GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(b"plain").expect("memory takes all");
        let gzip = gzip.finish().expect("memory takes all");
        assert_eq!(inflated(Inflate::gzip(), &[&gzip, b"behind"]), (b"plain".to_vec(), Ok(())));
        let mut zlib = write::ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(b"plain").expect("memory takes all");
        let zlib = zlib.finish().expect("memory takes all");
        assert_eq!(inflated(Inflate::zlib(), &[&zlib]), (b"plain".to_vec(), Ok(())));
        assert_eq!(inflated(Inflate::gzip(), &[b"no gzip at all"]).1, Err(InflateError::Broken));
        let twice = deflated(b"plain").repeat(2);
        assert_eq!(inflated(Inflate::raw(), &[&twice]), (b"plainplain".to_vec(), Ok(())));
    }

    #[test]
    fn a_bomb_is_told_wherever_it_is_cut() {
        let bomb = deflated(&vec![0; 4 << 20]);
        let whole = inflated(Inflate::raw(), &[&bomb]);
        assert_eq!(whole.1, Err(InflateError::Cap));
        assert!(whole.0.len() < 1 << 20, "{}", whole.0.len());
        for bytes in [1, 255, 300] {
            assert!(inflated(Inflate::raw(), &bomb.chunks(bytes).collect::<Vec<_>>()) == whole, "{bytes}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_come_out_alike_however_they_are_cut(
            bytes in prop_oneof![vec(any::<u8>(), 0..300), vec(0u8..4, 0..9000).prop_map(|plain| deflated(&plain))],
            piece_bytes in 1usize..400,
        ) {
            let pieces: Vec<_> = bytes.chunks(piece_bytes).collect();
            let (whole, cut) = (inflated(Inflate::raw(), &[&bytes]), inflated(Inflate::raw(), &pieces));
            prop_assert_eq!(whole.1, cut.1);
            prop_assert!(whole.1 == Err(InflateError::Broken) || whole.0 == cut.0);
        }
    }
}
