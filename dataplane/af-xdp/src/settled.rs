//! The flows whose frames the XDP programs drop, and what they dropped of each.

use std::{
    array, io,
    net::IpAddr,
    os::fd::{AsRawFd, OwnedFd},
    sync::Arc,
};

use aya::Pod;

use crate::{heartbeat::monotonic_ns, limits};

/// `<linux/bpf.h>`.
const BPF_MAP_UPDATE_ELEM: libc::c_int = 2;
const BPF_MAP_LOOKUP_AND_DELETE_ELEM: libc::c_int = 21;
const BPF_NOEXIST: u64 = 1;

/// Protocol numbers of the flows that the programs can tell apart.
const TCP: u8 = 6;
const UDP: u8 = 17;

const VLAN_ID: u16 = 0x0fff;
const VLAN_PRESENT: u16 = 0x1000;

/// An address as `struct address` of `bpf/frame.h` holds it.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address {
    halves: [u64; 2],
    version: u64,
}

// SAFETY: plain numbers without padding.
unsafe impl Pod for Address {}

impl From<IpAddr> for Address {
    fn from(address: IpAddr) -> Address {
        let (bits, version) = match address {
            IpAddr::V4(v4) => (u128::from(v4.to_bits()), 4),
            IpAddr::V6(v6) => (v6.to_bits(), 6),
        };
        Address { halves: [(bits >> 64) as u64, bits as u64], version }
    }
}

/// A flow as `struct flow_key` of `bpf/frame.h` names it: equal for both directions.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RawKey {
    words: [u64; 6],
}

impl RawKey {
    pub(crate) const BYTES: usize = size_of::<RawKey>();

    /// As the kernel's memory holds it.
    pub(crate) fn from_bytes(bytes: &[u8; RawKey::BYTES]) -> RawKey {
        let word = |at: usize| u64::from_ne_bytes(array::from_fn(|byte| bytes[8 * at + byte]));
        RawKey { words: array::from_fn(word) }
    }
}

/// Which flow a frame belongs to, and which of its ends sent the frame, as the XDP programs see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettledKey {
    raw: RawKey,
    from_upper: bool,
}

impl SettledKey {
    /// The key of what `source` sends to `destination`: addresses and ports. VLAN identifiers stand with the outermost
    /// first. `None` for what the programs cannot tell apart: protocols other than TCP and UDP, and more than two VLANs.
    pub fn new(
        protocol: u8,
        source: (IpAddr, u16),
        destination: (IpAddr, u16),
        vlans: &[u16],
    ) -> Option<SettledKey> {
        let ends = [source, destination].map(|(address, port)| (Address::from(address), port));
        let [source, destination] = ends;
        if !matches!(protocol, TCP | UDP) || source.0.version != destination.0.version || vlans.len() > 2 {
            return None;
        }
        let from_upper = source > destination;
        let (lower, upper) = if from_upper { (destination, source) } else { (source, destination) };
        let vlan = |depth: usize| vlans.get(depth).map_or(0, |id| u64::from(id & VLAN_ID | VLAN_PRESENT));
        let ports_and_vlans = u64::from(lower.1) << 48 | u64::from(upper.1) << 32 | vlan(0) << 16 | vlan(1);
        let ([a, b], [c, d]) = (lower.0.halves, upper.0.halves);
        let words = [a, b, c, d, ports_and_vlans, u64::from(protocol) << 8 | lower.0.version];
        let raw = RawKey { words };
        Some(SettledKey { raw, from_upper })
    }

    /// What a program told of a frame.
    pub(crate) fn told(raw: RawKey, from_upper: bool) -> SettledKey {
        SettledKey { raw, from_upper }
    }
}

/// What the programs dropped of one flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettledCounts {
    /// Frames, first those that the source of the key sent, then those of its destination.
    pub frames: [u64; 2],
    /// Bytes of these frames, link headers included.
    pub bytes: [u64; 2],
    /// Nanoseconds since the last of them, or up to the interval of heartbeats more; `None` where there was none.
    pub idle_ns: Option<u64>,
}

/// `struct settled` of `bpf/weir_xdp.c`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct RawCounts {
    frames: [u64; 2],
    bytes: [u64; 2],
    last_seen_ns: u64,
}

/// `union bpf_attr` of `<linux/bpf.h>`, as the commands on elements of a map read it.
#[repr(C)]
struct ElementAttributes {
    map_fd: u32,
    _padding: u32,
    key: u64,
    value: u64,
    flags: u64,
}

/// The flows of a link whose frames both of its programs drop, whichever port they come in by.
///
/// TCP segments with SYN, FIN or RST reach the engine all the same. What is in here stays dropped when the engine is
/// lost. Cloning is cheap; workers share the flows of their link.
#[derive(Clone, Debug)]
pub struct SettledFlows {
    map: Arc<OwnedFd>,
    /// Flows that are refused without asking, since there was no room a moment ago.
    refusals: u32,
}

impl SettledFlows {
    pub(crate) fn new(map: OwnedFd) -> SettledFlows {
        SettledFlows { map: Arc::new(map), refusals: 0 }
    }

    /// From now on, the frames of this flow are dropped and counted by the programs. False where it is among them
    /// already, or where there is no room: then nothing has changed.
    pub fn insert(&mut self, key: &SettledKey) -> bool {
        if self.refusals > 0 {
            self.refusals -= 1;
            return false;
        }
        let mut counts = RawCounts::default();
        match self.element(BPF_MAP_UPDATE_ELEM, key, &mut counts, BPF_NOEXIST) {
            Ok(()) => true,
            Err(error) => {
                if error.raw_os_error() == Some(libc::E2BIG) {
                    self.refusals = limits::SETTLED_REFUSALS_WHEN_FULL;
                }
                false
            }
        }
    }

    /// From now on, the frames of this flow reach the engine again. What was dropped of it since it was inserted;
    /// `None` where it is not among them.
    pub fn take(&mut self, key: &SettledKey) -> Option<SettledCounts> {
        let mut counts = RawCounts::default();
        self.element(BPF_MAP_LOOKUP_AND_DELETE_ELEM, key, &mut counts, 0).ok()?;
        self.refusals = 0;
        let RawCounts { mut frames, mut bytes, last_seen_ns } = counts;
        if key.from_upper {
            frames.reverse();
            bytes.reverse();
        }
        let idle_ns = (last_seen_ns != 0).then(|| monotonic_ns().saturating_sub(last_seen_ns));
        Some(SettledCounts { frames, bytes, idle_ns })
    }

    fn element(
        &self,
        command: libc::c_int,
        key: &SettledKey,
        counts: &mut RawCounts,
        flags: u64,
    ) -> io::Result<()> {
        let attributes = ElementAttributes {
            map_fd: self.map.as_raw_fd().cast_unsigned(),
            _padding: 0,
            key: (&raw const key.raw) as u64,
            value: (&raw mut *counts) as u64,
            flags,
        };
        let size = size_of::<ElementAttributes>();
        // SAFETY: the attributes are of the size told, and name a map whose keys and values are of the sizes of
        // RawKey and RawCounts; both live until after the call.
        let result = unsafe { libc::syscall(libc::SYS_bpf, command, &raw const attributes, size) };
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(source: ([u8; 4], u16), destination: ([u8; 4], u16)) -> SettledKey {
        let end = |(address, port): ([u8; 4], u16)| (IpAddr::from(address), port);
        SettledKey::new(TCP, end(source), end(destination), &[]).expect("TCP")
    }

    #[test]
    fn both_directions_have_one_key_and_know_their_end() {
        let there = key(([10, 0, 0, 2], 80), ([10, 0, 0, 1], 999));
        let back = key(([10, 0, 0, 1], 999), ([10, 0, 0, 2], 80));
        assert_eq!(there.raw, back.raw);
        assert!(there.from_upper && !back.from_upper);
        let by_port = key(([10, 0, 0, 1], 2), ([10, 0, 0, 1], 1));
        assert!(by_port.from_upper, "between equal addresses the port decides");
    }

    #[test]
    fn what_the_programs_cannot_tell_apart_has_no_key() {
        let [v4, v6] = ["192.0.2.1", "2001:db8::1"].map(|text| (text.parse().expect("an address"), 1));
        assert!(SettledKey::new(UDP, v6, v6, &[1, 2]).is_some());
        assert!(SettledKey::new(1, v4, v4, &[]).is_none(), "ICMP");
        assert!(SettledKey::new(TCP, v4, v6, &[]).is_none());
        assert!(SettledKey::new(TCP, v4, v4, &[1, 2, 3]).is_none());
        let vlan_zero = SettledKey::new(TCP, v4, v4, &[0]);
        assert_ne!(vlan_zero, SettledKey::new(TCP, v4, v4, &[]));
    }
}
