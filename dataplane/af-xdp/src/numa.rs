//! Memory near a device: on the node of the machine that the device is connected to.

use std::{ffi::c_ulong, fs, io, ptr};

use crate::limits::NUMA_NODES_MAX;

/// A set of nodes, and how memory is taken from them, as the kernel keeps both for a thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Policy {
    mode: libc::c_int,
    nodes: [c_ulong; NUMA_NODES_MAX / c_ulong::BITS as usize],
}

impl Policy {
    /// That of this thread.
    fn current() -> io::Result<Policy> {
        let mut policy = Policy::default();
        let (mode, nodes) = (&raw mut policy.mode, policy.nodes.as_mut_ptr());
        // SAFETY: the kernel writes the mode, and as many bits as are told, which is how many there are.
        let result = unsafe {
            let nowhere = ptr::null_mut::<libc::c_void>();
            libc::syscall(libc::SYS_get_mempolicy, mode, nodes, NUMA_NODES_MAX, nowhere, 0)
        };
        if result == 0 { Ok(policy) } else { Err(io::Error::last_os_error()) }
    }

    /// Memory of one node, and of others when that has none left.
    fn preferring(node: u32) -> Option<Policy> {
        let mut policy = Policy { mode: libc::MPOL_PREFERRED, ..Policy::default() };
        let word = policy.nodes.get_mut((node / c_ulong::BITS) as usize)?;
        *word = 1 << (node % c_ulong::BITS);
        Some(policy)
    }

    /// Makes it that of this thread.
    fn set(&self) -> io::Result<()> {
        // The kernel does not read the last bit that it is told of.
        let bits = NUMA_NODES_MAX + 1;
        // SAFETY: the kernel reads as many bits as are told but one, which is how many there are.
        let result = unsafe { libc::syscall(libc::SYS_set_mempolicy, self.mode, self.nodes.as_ptr(), bits) };
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

/// Puts back the policy of this thread.
struct Restore(Policy);

impl Drop for Restore {
    fn drop(&mut self) {
        // It was in force before. Where even that is refused, memory comes from a node that may be far, and nothing else.
        let _ = self.0.set();
    }
}

/// Runs what takes memory, and has this memory come from a node where that is known. Where the kernel knows no nodes, or
/// not this one, memory comes from wherever it comes.
pub(crate) fn near<T>(node: Option<u32>, run: impl FnOnce() -> T) -> T {
    let preferred = node.and_then(Policy::preferring);
    let _restore = match (preferred, Policy::current()) {
        (Some(preferred), Ok(before)) => preferred.set().ok().map(|()| Restore(before)),
        _ => None,
    };
    run()
}

/// The node of a device on the PCI bus, by its address there. Unlike /sys/class/net, this part of /sys is the same in all
/// network namespaces.
pub(crate) fn node_of_pci(address: &str) -> Option<u32> {
    if address.is_empty() || address.contains('/') {
        return None;
    }
    // -1 where the machine does not tell.
    fs::read_to_string(format!("/sys/bus/pci/devices/{address}/numa_node")).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_holds_while_memory_is_taken_and_no_longer() {
        let Ok(before) = Policy::current() else {
            eprintln!("SKIPPED: the_policy_holds_while_memory_is_taken: this kernel knows no nodes");
            return;
        };
        let within = near(Some(0), || Policy::current().expect("it was just told"));
        assert_eq!(Some(within), Policy::preferring(0));
        assert_eq!(Policy::current().expect("still"), before);
        let panic = std::panic::catch_unwind(|| near(Some(0), || panic!("out of memory")));
        assert!(panic.is_err());
        assert_eq!(Policy::current().expect("still"), before);
    }

    #[test]
    fn unknown_nodes_are_left_alone() {
        let before = Policy::current().ok();
        for node in [None, Some(NUMA_NODES_MAX as u32 - 1), Some(u32::MAX)] {
            assert_eq!(near(node, || Policy::current().ok()), before, "{node:?}");
        }
    }

    #[test]
    fn no_device_outside_of_the_bus_has_a_node() {
        for address in ["", "..", "../../../class/net/lo", "ffff:ff:1f.7", "N/A"] {
            assert_eq!(node_of_pci(address), None, "{address}");
        }
    }
}
