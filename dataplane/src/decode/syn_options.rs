//! [`SynOptions`]: options of a SYN that no stream depends on, read where somebody asks for them.

use super::Network;
use super::tcp_options::TcpOptions;

/// What a SYN offers beside what is in its [`TcpHeader`](super::TcpHeader).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SynOptions {
    /// Maximum segment size (RFC 9293 §3.7.1), in bytes.
    pub mss: Option<u16>,
    /// Whether it carries a cookie of TCP Fast Open (RFC 7413 §4.1.1), which data may come with.
    pub has_cookie: bool,
}

impl SynOptions {
    /// Reads those of the segment in a decoded frame.
    pub fn of(frame: &[u8], network: &Network) -> SynOptions {
        const FIXED_BYTES: usize = 20;
        let segment = frame.get(network.transport_offset..).unwrap_or_default();
        let header_bytes = segment.get(12).map_or(0, |offset| usize::from(offset >> 4) * 4);
        SynOptions::walk(segment.get(FIXED_BYTES..header_bytes).unwrap_or_default())
    }

    fn walk(options: &[u8]) -> SynOptions {
        const MSS: u8 = 2;
        const FAST_OPEN: u8 = 34;
        /// Shared by experiments, which begin with their number (RFC 6994): that of Fast Open is 0xf989 (RFC 7413 §4.1.1).
        const EXPERIMENT: u8 = 254;

        let mut found = SynOptions::default();
        for option in TcpOptions(options) {
            match *option {
                [MSS, _, high, low] => found.mss = Some(u16::from_be_bytes([high, low])),
                [FAST_OPEN, _, _, ..] | [EXPERIMENT, _, 0xf9, 0x89, _, ..] => found.has_cookie = true,
                _ => {}
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_up_to_what_is_broken() {
        let walk = |options: &[u8]| {
            let found = SynOptions::walk(options);
            (found.mss, found.has_cookie)
        };
        assert_eq!(walk(&[]), (None, false));
        assert_eq!(walk(&[1, 2, 4, 5, 0xb4, 0]), (Some(1460), false));
        assert_eq!(walk(&[34, 6, 1, 2, 3, 4, 2, 4, 0, 48]), (Some(48), true));
        assert_eq!(walk(&[34, 2]), (None, false), "it asks for a cookie");
        assert_eq!(walk(&[254, 8, 0xf9, 0x89, 1, 2, 3, 4]), (None, true));
        assert_eq!(walk(&[254, 8, 0xf9, 0x88, 1, 2, 3, 4]), (None, false), "another experiment");
        assert_eq!(walk(&[0, 2, 4, 0, 48]), (None, false), "behind the end");
        assert_eq!(walk(&[2, 1, 2, 4, 0, 48]), (None, false), "behind a broken one");
        assert_eq!(walk(&[2, 40, 5]), (None, false), "cut off");
    }
}
