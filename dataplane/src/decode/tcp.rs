//! TCP headers (RFC 9293 §3.1).

use super::message::Message;
use super::tcp_options::TcpOptions;
use super::{DecodeError, TcpFlags, TcpHeader, Transport};

const HEADER_BYTES_MIN: usize = 20;

/// Offset of the checksum in the header, in bytes.
pub(super) const CHECKSUM_OFFSET: usize = 16;

#[inline(always)]
pub(super) fn parse(upper: &[u8], missing_bytes: u32) -> Result<Message<'_>, DecodeError> {
    let fixed = upper.first_chunk::<HEADER_BYTES_MIN>().ok_or(DecodeError::TransportTruncated)?;
    let [s0, s1, d0, d1, seq0, seq1, seq2, seq3, ack0, ack1, ack2, ack3, offset, flags, w0, w1, ..] = *fixed;
    let header_bytes = usize::from(offset >> 4) * 4;
    if header_bytes < HEADER_BYTES_MIN || header_bytes > upper.len() + missing_bytes as usize {
        return Err(DecodeError::TransportLength);
    }
    let options = upper.get(HEADER_BYTES_MIN..header_bytes).ok_or(DecodeError::TransportTruncated)?;
    let flags = TcpFlags(flags);
    let options = Options::read(options);
    let is_syn = flags.has(TcpFlags::SYN);
    let header = TcpHeader {
        source: u16::from_be_bytes([s0, s1]),
        destination: u16::from_be_bytes([d0, d1]),
        sequence: u32::from_be_bytes([seq0, seq1, seq2, seq3]),
        acknowledgment: u32::from_be_bytes([ack0, ack1, ack2, ack3]),
        flags,
        window: u16::from_be_bytes([w0, w1]),
        // Without SYN it must be ignored (RFC 7323 §2.2).
        window_scale: options.window_scale().filter(|_| is_syn),
        timestamps: options.timestamps(),
    };
    Ok(Message { transport: Transport::Tcp(header), bytes: upper, header_bytes, missing_bytes })
}

/// The options that are of interest, in two registers: what is put together of shorter stores is slow to load.
#[derive(Clone, Copy, Default)]
struct Options {
    /// TSval above TSecr.
    timestamps: u64,
    /// [`Options::TIMESTAMPS`], [`Options::WINDOW_SCALE`], and the shift count in the lowest byte.
    present: u64,
}

impl Options {
    const TIMESTAMPS: u64 = 1 << 8;
    const WINDOW_SCALE: u64 = 1 << 9;

    #[inline(always)]
    fn read(options: &[u8]) -> Options {
        match *options {
            [] => Options::default(),
            // What RFC 7323 appendix A recommends, and nearly every segment carries.
            [1, 1, 8, 10, v0, v1, v2, v3, e0, e1, e2, e3] => {
                let timestamps = u64::from_be_bytes([v0, v1, v2, v3, e0, e1, e2, e3]);
                Options { timestamps, present: Options::TIMESTAMPS }
            }
            _ => {
                let (timestamps, present) = Options::walk(options);
                Options { timestamps, present }
            }
        }
    }

    #[inline(always)]
    fn timestamps(self) -> Option<(u32, u32)> {
        let present = self.present & Options::TIMESTAMPS != 0;
        present.then_some(((self.timestamps >> 32) as u32, self.timestamps as u32))
    }

    #[inline(always)]
    fn window_scale(self) -> Option<u8> {
        (self.present & Options::WINDOW_SCALE != 0).then_some(self.present as u8)
    }

    /// Broken ones are no reason to refuse the segment.
    #[inline(never)]
    fn walk(options: &[u8]) -> (u64, u64) {
        const WINDOW_SCALE: u8 = 3;
        const TIMESTAMPS: u8 = 8;
        /// RFC 7323 §2.3: a larger one counts as this.
        const SHIFT_MAX: u8 = 14;

        let (mut timestamps, mut present) = (0, 0);
        for option in TcpOptions(options) {
            match *option {
                [WINDOW_SCALE, _, shift] => {
                    present = present & Options::TIMESTAMPS
                        | Options::WINDOW_SCALE
                        | u64::from(shift.min(SHIFT_MAX));
                }
                [TIMESTAMPS, _, v0, v1, v2, v3, e0, e1, e2, e3] => {
                    timestamps = u64::from_be_bytes([v0, v1, v2, v3, e0, e1, e2, e3]);
                    present |= Options::TIMESTAMPS;
                }
                _ => (),
            }
        }
        (timestamps, present)
    }
}
