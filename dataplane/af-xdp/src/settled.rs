//! The flows whose frames the XDP programs drop or pass on by themselves, and how many that were of each.

use std::{
    array, io,
    net::IpAddr,
    os::fd::{AsRawFd, OwnedFd},
    sync::Arc,
};

use aya::Pod;

use crate::{Port, heartbeat::monotonic_ns, limits};

/// `<linux/bpf.h>`.
const BPF_MAP_LOOKUP_ELEM: libc::c_int = 1;
const BPF_MAP_UPDATE_ELEM: libc::c_int = 2;
const BPF_MAP_LOOKUP_AND_DELETE_ELEM: libc::c_int = 21;
const BPF_NOEXIST: u64 = 1;

/// Protocol numbers of the flows that the programs can tell apart.
const TCP: u8 = 6;
const UDP: u8 = 17;

const VLAN_ID: u16 = 0x0fff;
const VLAN_PRESENT: u16 = 0x1000;
/// `TAG_UDP` of `bpf/frame.h`.
const TAG_UDP: u64 = 0x8000_0000;

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

/// A flow as `struct flow_key_v4` and `struct flow_key_v6` of `bpf/frame.h` name it: equal for both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RawKey {
    V4([u64; 2]),
    V6([u64; 5]),
}

impl RawKey {
    /// Of the longer one.
    pub(crate) const BYTES: usize = size_of::<[u64; 5]>();

    /// As the kernel's memory holds it, behind which there may be more.
    pub(crate) fn from_bytes(bytes: &[u8; RawKey::BYTES], version: u64) -> RawKey {
        let word = |at: usize| u64::from_ne_bytes(array::from_fn(|byte| bytes[8 * at + byte]));
        if version == 4 { RawKey::V4(array::from_fn(word)) } else { RawKey::V6(array::from_fn(word)) }
    }

    fn family(&self) -> Family {
        match self {
            RawKey::V4(_) => Family::V4,
            RawKey::V6(_) => Family::V6,
        }
    }

    fn as_ptr(&self) -> *const u64 {
        match self {
            RawKey::V4(words) => words.as_ptr(),
            RawKey::V6(words) => words.as_ptr(),
        }
    }
}

/// Each family has a map of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    V4 = 0,
    V6 = 1,
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
        let tags = vlan(0) << 16 | vlan(1) | if protocol == UDP { TAG_UDP } else { 0 };
        let ports_and_tags = u64::from(lower.1) << 48 | u64::from(upper.1) << 32 | tags;
        let ([a, b], [c, d]) = (lower.0.halves, upper.0.halves);
        let raw = match lower.0.version {
            4 => RawKey::V4([b << 32 | d, ports_and_tags]),
            _ => RawKey::V6([a, b, c, d, ports_and_tags]),
        };
        Some(SettledKey { raw, from_upper })
    }

    /// What a program told of a frame.
    pub(crate) fn told(raw: RawKey, from_upper: bool) -> SettledKey {
        SettledKey { raw, from_upper }
    }
}

/// What the programs do with the frames of a settled flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// They drop them, whether the engine lives or not.
    Drop,
    /// They send them out of the other port while the engine lives, and leave them to it otherwise.
    PassOn {
        /// By which port those of the key's source must come in, and those of its destination by the other one; what
        /// comes in by the wrong one is left to the engine. `None` is by either.
        source_port: Option<Port>,
    },
}

impl Handling {
    /// The bits of `passes` in `struct settled`.
    fn passes(self, from_upper: bool) -> u32 {
        let bit = |port: Port, from_upper: bool| 1 << (2 * port as u32 + u32::from(from_upper));
        match self {
            Handling::Drop => 0,
            Handling::PassOn { source_port: None } => 0b1111,
            Handling::PassOn { source_port: Some(port) } => {
                bit(port, from_upper) | bit(port.other(), !from_upper)
            }
        }
    }
}

/// What the programs dropped or passed on of one flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettledCounts {
    /// Frames, first those that the source of the key sent, then those of its destination.
    pub frames: [u64; 2],
    /// Bytes of these frames, link headers included.
    pub bytes: [u64; 2],
    /// Nanoseconds since the last of them, or up to the interval of heartbeats more; `None` where there was none.
    pub idle_ns: Option<u64>,
}

/// `struct count` of `bpf/weir_xdp.c`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct RawCount {
    frames: u64,
    bytes: u64,
}

/// `struct settled` of `bpf/weir_xdp.c`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct RawSettled {
    /// By port, and by endpoint, the lower one first.
    counts: [[RawCount; 2]; 2],
    last_seen_ns: u64,
    passes: u32,
    is_concurrent: u32,
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

/// The flows of a link whose frames both of its programs drop or pass on, whichever port they come in by.
///
/// TCP segments with SYN, FIN or RST reach the engine all the same. What is dropped stays dropped when the engine is
/// lost; what is passed on does not pass then. Cloning is cheap; workers share the flows of their link.
#[derive(Clone, Debug)]
pub struct SettledFlows {
    /// By family.
    maps: Arc<[OwnedFd; 2]>,
    /// Whether several CPUs may run the program of one port at once: then each count is an atomic operation.
    is_concurrent: bool,
    /// Whether both programs can send frames out of the other port.
    can_pass_on: bool,
    /// By family, flows that are refused without asking, since there was no room a moment ago.
    refusals: [u32; 2],
}

impl SettledFlows {
    pub(crate) fn new(maps: [OwnedFd; 2], is_concurrent: bool, can_pass_on: bool) -> SettledFlows {
        SettledFlows { maps: Arc::new(maps), is_concurrent, can_pass_on, refusals: [0; 2] }
    }

    /// From now on, the frames of this flow are handled and counted by the programs. False where it is among them
    /// already, where there is no room, or where they cannot do that: then nothing has changed.
    pub fn insert(&mut self, key: &SettledKey, handling: Handling) -> bool {
        if handling != Handling::Drop && !self.can_pass_on {
            return false;
        }
        let family = key.raw.family() as usize;
        if self.refusals[family] > 0 {
            self.refusals[family] -= 1;
            return false;
        }
        let mut settled = RawSettled {
            passes: handling.passes(key.from_upper),
            is_concurrent: self.is_concurrent.into(),
            ..RawSettled::default()
        };
        match self.element(BPF_MAP_UPDATE_ELEM, key, &mut settled, BPF_NOEXIST) {
            Ok(()) => true,
            Err(error) => {
                if error.raw_os_error() == Some(libc::E2BIG) {
                    self.refusals[family] = limits::SETTLED_REFUSALS_WHEN_FULL;
                }
                false
            }
        }
    }

    /// From now on, the frames of this flow reach the engine again. What was done with it since it was inserted;
    /// `None` where it is not among them.
    pub fn take(&mut self, key: &SettledKey) -> Option<SettledCounts> {
        let counts = self.read(BPF_MAP_LOOKUP_AND_DELETE_ELEM, key)?;
        self.refusals[key.raw.family() as usize] = 0;
        Some(counts)
    }

    /// What was done with a flow since it was inserted, which goes on; `None` where it is not among them.
    pub fn counts(&self, key: &SettledKey) -> Option<SettledCounts> {
        self.read(BPF_MAP_LOOKUP_ELEM, key)
    }

    fn read(&self, command: libc::c_int, key: &SettledKey) -> Option<SettledCounts> {
        let mut settled = RawSettled::default();
        self.element(command, key, &mut settled, 0).ok()?;
        let RawSettled { counts: [inside, outside], last_seen_ns, .. } = settled;
        let mut frames: [u64; 2] = array::from_fn(|end| inside[end].frames + outside[end].frames);
        let mut bytes: [u64; 2] = array::from_fn(|end| inside[end].bytes + outside[end].bytes);
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
        settled: &mut RawSettled,
        flags: u64,
    ) -> io::Result<()> {
        let attributes = ElementAttributes {
            map_fd: self.maps[key.raw.family() as usize].as_raw_fd().cast_unsigned(),
            _padding: 0,
            key: key.raw.as_ptr() as u64,
            value: (&raw mut *settled) as u64,
            flags,
        };
        let size = size_of::<ElementAttributes>();
        // SAFETY: the attributes are of the size told, and name a map whose keys and values are of the sizes of
        // RawKey and RawSettled; both live until after the call.
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
        let mapped = ("::ffff:192.0.2.1".parse().expect("an address"), 1);
        assert_ne!(SettledKey::new(TCP, v4, v4, &[]), SettledKey::new(TCP, mapped, mapped, &[]));
        assert_ne!(SettledKey::new(TCP, v4, v4, &[]), SettledKey::new(UDP, v4, v4, &[]));
        let vlan_zero = SettledKey::new(TCP, v4, v4, &[0]);
        assert_ne!(vlan_zero, SettledKey::new(TCP, v4, v4, &[]));
    }

    #[test]
    fn each_end_passes_by_its_own_port_or_by_both() {
        use Port::{Inside, Outside};
        let passes = |source_port, from_upper| Handling::PassOn { source_port }.passes(from_upper);
        assert_eq!(
            [passes(Some(Inside), false), passes(Some(Outside), true)],
            [0b1001; 2],
            "the lower one is inside"
        );
        assert_eq!([passes(Some(Inside), true), passes(Some(Outside), false)], [0b0110; 2]);
        assert_eq!((passes(None, true), Handling::Drop.passes(true)), (0b1111, 0));
    }
}
