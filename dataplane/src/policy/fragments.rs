//! [`FragmentPolicy`]: how pieces of datagrams are held, and what they leave with.

use crate::limits::FRAGMENT_BYTES_PER_WORKER_MAX;

/// The operator's word for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FragmentPolicy {
    /// Bytes of frames with pieces of datagrams that one pipeline holds at once.
    pub bytes_max: usize,
    /// For how many seconds pieces wait for the rest of their datagram.
    pub wait_s: u32,
    /// For how many seconds receivers keep pieces: so long no two datagrams that leave in pieces from one host to another have one
    /// identification.
    pub reuse_s: u32,
}

impl Default for FragmentPolicy {
    fn default() -> FragmentPolicy {
        FragmentPolicy {
            bytes_max: FRAGMENT_BYTES_PER_WORKER_MAX,
            // Linux's `ipfrag_time`.
            wait_s: 30,
            // RFC 8200 §4.5, and the least of RFC 1122 §3.3.2.
            reuse_s: 60,
        }
    }
}
