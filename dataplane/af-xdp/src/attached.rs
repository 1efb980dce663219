//! What the kernel says of a device: the XDP program on it, whoever put it there, and the bridge above it.

use std::io;

use crate::netlink::{ask, find, malformed};

// <linux/rtnetlink.h> and <linux/if_link.h>.
pub(crate) const RTM_NEWLINK: u16 = 16;
pub(crate) const RTM_GETLINK: u16 = 18;
pub(crate) const IFINFOMSG_BYTES: usize = 16;
const IFLA_MASTER: u16 = 10;
const IFLA_LINKINFO: u16 = 18;
const IFLA_INFO_SLAVE_KIND: u16 = 4;
const IFLA_INFO_SLAVE_DATA: u16 = 5;
const IFLA_BRPORT_ISOLATED: u16 = 33;
const IFLA_XDP: u16 = 43;
const IFLA_XDP_ATTACHED: u16 = 2;
const IFLA_XDP_PROG_ID: u16 = 4;
const IFLA_XDP_DRV_PROG_ID: u16 = 5;
const IFLA_XDP_SKB_PROG_ID: u16 = 6;
const IFLA_XDP_HW_PROG_ID: u16 = 7;
const XDP_ATTACHED_SKB: u8 = 2;

/// A program on a device, as netlink reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attached {
    pub(crate) program_id: u32,
    /// Whether it runs in the generic path.
    pub(crate) generic: bool,
}

/// Asks the kernel which program runs on a device of this thread's network namespace.
pub(crate) fn attached(interface_index: u32) -> io::Result<Option<Attached>> {
    Ok(parse_program(&attributes(interface_index)?))
}

/// What a device is a port of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Membership {
    /// The index of the device above, most often a bridge.
    pub(crate) master: u32,
    /// Whether a bridge keeps its frames from other ports that are isolated (`bridge link set dev DEV isolated on`).
    pub(crate) is_isolated: bool,
}

/// Asks the kernel what a device is a port of.
pub(crate) fn membership(interface_index: u32) -> io::Result<Option<Membership>> {
    Ok(parse_membership(&attributes(interface_index)?))
}

/// All that the kernel tells of a device.
fn attributes(interface_index: u32) -> io::Result<Vec<u8>> {
    let mut question = [0; IFINFOMSG_BYTES];
    question[4..8].copy_from_slice(&interface_index.to_ne_bytes());
    let mut answer = ask(libc::NETLINK_ROUTE, RTM_GETLINK, &question, RTM_NEWLINK)?;
    if answer.len() < IFINFOMSG_BYTES {
        return Err(malformed());
    }
    Ok(answer.split_off(IFINFOMSG_BYTES))
}

pub(crate) fn parse_master(attributes: &[u8]) -> Option<u32> {
    find(attributes, IFLA_MASTER)?.first_chunk().map(|index| u32::from_ne_bytes(*index))
}

fn parse_membership(attributes: &[u8]) -> Option<Membership> {
    let master = parse_master(attributes)?;
    let link = find(attributes, IFLA_LINKINFO).unwrap_or_default();
    let is_bridge = find(link, IFLA_INFO_SLAVE_KIND).is_some_and(|kind| kind.starts_with(b"bridge"));
    let port = find(link, IFLA_INFO_SLAVE_DATA).filter(|_| is_bridge).unwrap_or_default();
    let is_isolated = find(port, IFLA_BRPORT_ISOLATED).is_some_and(|on| on.first() == Some(&1));
    Some(Membership { master, is_isolated })
}

fn parse_program(attributes: &[u8]) -> Option<Attached> {
    let xdp = find(attributes, IFLA_XDP)?;
    // With programs at several places at once there is no single id: take that of any place.
    let ids = [IFLA_XDP_PROG_ID, IFLA_XDP_DRV_PROG_ID, IFLA_XDP_SKB_PROG_ID, IFLA_XDP_HW_PROG_ID];
    let program_id =
        ids.iter().find_map(|&id| find(xdp, id)?.first_chunk().map(|id| u32::from_ne_bytes(*id)));
    let generic = find(xdp, IFLA_XDP_ATTACHED).and_then(<[u8]>::first) == Some(&XDP_ATTACHED_SKB);
    program_id.map(|program_id| Attached { program_id, generic })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::attribute;

    #[test]
    fn finds_the_program_behind_other_attributes() {
        let xdp = [
            attribute(IFLA_XDP_ATTACHED, &[XDP_ATTACHED_SKB]),
            attribute(IFLA_XDP_PROG_ID, &77u32.to_ne_bytes()),
        ];
        let found = [attribute(3, b"eth9\0"), attribute(IFLA_XDP | 0x8000, &xdp.concat())].concat();
        assert_eq!(parse_program(&found), Some(Attached { program_id: 77, generic: true }));
        assert_eq!(parse_membership(&found), None);
    }

    #[test]
    fn finds_the_bridge_and_whether_it_keeps_the_port_apart() {
        let found = [attribute(3, b"eth9\0"), attribute(IFLA_MASTER, &5u32.to_ne_bytes())].concat();
        assert_eq!(parse_master(&found), Some(5));
        assert_eq!(parse_membership(&found), Some(Membership { master: 5, is_isolated: false }));
        let of = |kind: &[u8], on: u8| {
            let data = attribute(IFLA_INFO_SLAVE_DATA, &attribute(IFLA_BRPORT_ISOLATED, &[on]));
            let link = [attribute(IFLA_INFO_SLAVE_KIND, kind), data].concat();
            let found = [found.clone(), attribute(IFLA_LINKINFO, &link)].concat();
            parse_membership(&found).expect("it has a master").is_isolated
        };
        assert!(of(b"bridge\0", 1));
        assert!(!of(b"bridge\0", 0));
        assert!(!of(b"bond\0", 1), "there the number means something else");
    }

    #[test]
    fn a_device_without_program_has_none() {
        let xdp = attribute(IFLA_XDP_ATTACHED, &[0]);
        assert_eq!(parse_program(&attribute(IFLA_XDP, &xdp)), None);
    }

    #[test]
    fn the_kernel_tells_of_devices_that_exist() {
        assert_eq!(membership(1).expect("every namespace has a loopback"), None);
        let missing = attached(u32::MAX >> 1).expect_err("no such device");
        assert_eq!(missing.raw_os_error(), Some(libc::ENODEV));
    }
}
