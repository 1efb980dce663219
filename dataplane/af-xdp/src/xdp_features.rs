//! Whether frames can be redirected to a device, and whether it has zero-copy, as the kernel tells by the generic netlink family `netdev`.

use std::io;

use crate::netlink::{ask, attribute, find, malformed};

// <linux/genetlink.h>.
const GENL_ID_CTRL: u16 = 16;
const CTRL_CMD_GETFAMILY: u8 = 3;
const CTRL_ATTR_FAMILY_ID: u16 = 1;
const CTRL_ATTR_FAMILY_NAME: u16 = 2;
const GENLMSGHDR_BYTES: usize = 4;
// <linux/netdev.h>.
const NETDEV_CMD_DEV_GET: u8 = 1;
const NETDEV_A_DEV_IFINDEX: u16 = 1;
const NETDEV_A_DEV_XDP_FEATURES: u16 = 3;
const NETDEV_XDP_ACT_NDO_XMIT: u64 = 4;
const NETDEV_XDP_ACT_XSK_ZEROCOPY: u64 = 8;
const NETDEV_XDP_ACT_NDO_XMIT_SG: u64 = 64;

/// Asks the kernel whether a program that runs in a driver may send its frames out of this device of this thread's
/// network namespace, also those of several buffers where `is_multi_buffer`. A kernel that does not know the question (before Linux 6.3) says no.
///
/// On veth the answer depends on the other end, and on many NICs on a program of their own: it is to be asked once that
/// is attached.
pub(crate) fn takes_redirected(interface_index: u32, is_multi_buffer: bool) -> io::Result<bool> {
    let needed = NETDEV_XDP_ACT_NDO_XMIT | if is_multi_buffer { NETDEV_XDP_ACT_NDO_XMIT_SG } else { 0 };
    Ok(features(interface_index)? & needed == needed)
}

/// Asks the kernel whether the driver of a device of this thread's network namespace has zero-copy. A kernel that does not
/// know the question says no.
pub(crate) fn has_zero_copy(interface_index: u32) -> io::Result<bool> {
    Ok(features(interface_index)? & NETDEV_XDP_ACT_XSK_ZEROCOPY != 0)
}

fn features(interface_index: u32) -> io::Result<u64> {
    let family = match family(c"netdev".to_bytes_with_nul()) {
        Ok(family) => family,
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => return Ok(0),
        Err(error) => return Err(error),
    };
    let device = attribute(NETDEV_A_DEV_IFINDEX, &interface_index.to_ne_bytes());
    Ok(parse_features(&ask_family(family, NETDEV_CMD_DEV_GET, &device)?))
}

/// The number that a family has on this machine.
fn family(name: &[u8]) -> io::Result<u16> {
    let answer = ask_family(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, &attribute(CTRL_ATTR_FAMILY_NAME, name))?;
    parse_family(&answer).ok_or_else(malformed)
}

/// Asks a family; returns the attributes of its answer.
fn ask_family(family: u16, command: u8, attributes: &[u8]) -> io::Result<Vec<u8>> {
    let question = [&[command, 1, 0, 0], attributes].concat();
    let mut answer = ask(libc::NETLINK_GENERIC, family, &question, family)?;
    if answer.len() < GENLMSGHDR_BYTES {
        return Err(malformed());
    }
    Ok(answer.split_off(GENLMSGHDR_BYTES))
}

fn parse_family(attributes: &[u8]) -> Option<u16> {
    find(attributes, CTRL_ATTR_FAMILY_ID)?.first_chunk().map(|id| u16::from_ne_bytes(*id))
}

fn parse_features(attributes: &[u8]) -> u64 {
    let features = find(attributes, NETDEV_A_DEV_XDP_FEATURES).and_then(|value| value.first_chunk());
    features.map_or(0, |bits| u64::from_ne_bytes(*bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let device = attribute(NETDEV_A_DEV_IFINDEX, &7u32.to_ne_bytes());
        let told = |features: u64| {
            [device.clone(), attribute(2, &[]), attribute(NETDEV_A_DEV_XDP_FEATURES, &features.to_ne_bytes())]
                .concat()
        };
        assert_eq!(parse_features(&told(0x27)), 0x27);
        assert_eq!(parse_features(&device), 0, "not told");
        assert_eq!(parse_features(&attribute(NETDEV_A_DEV_XDP_FEATURES, &[7])), 0, "too short");
        let named = [attribute(CTRL_ATTR_FAMILY_NAME, b"netdev\0"), attribute(CTRL_ATTR_FAMILY_ID, &[35, 0])];
        assert_eq!(parse_family(&named.concat()), Some(u16::from_ne_bytes([35, 0])));
        assert_eq!(parse_family(&device[..4]), None);
    }

    #[test]
    fn nothing_can_be_redirected_to_a_loopback() {
        assert!(!takes_redirected(1, false).expect("every namespace has one"));
    }
}
