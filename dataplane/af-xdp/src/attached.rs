//! What the kernel says of a device: the XDP program on it, whoever put it there, and the bridge above it.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::{FromRawFd, OwnedFd},
};

use crate::limits;

// <linux/rtnetlink.h>, <linux/netlink.h> and <linux/if_link.h>.
const RTM_NEWLINK: u16 = 16;
const RTM_GETLINK: u16 = 18;
const NLM_F_REQUEST: u16 = 1;
const NLMSGHDR_BYTES: usize = 16;
const IFINFOMSG_BYTES: usize = 16;
const NLA_TYPE_MASK: u16 = 0x3fff;
const IFLA_MASTER: u16 = 10;
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
    Ok(parse_program(attributes(&answer(interface_index)?)?))
}

/// Asks the kernel for the index of the device, most often a bridge, that a device is a port of.
pub(crate) fn master(interface_index: u32) -> io::Result<Option<u32>> {
    Ok(parse_master(attributes(&answer(interface_index)?)?))
}

fn answer(interface_index: u32) -> io::Result<Vec<u8>> {
    // SAFETY: takes no pointers.
    let fd =
        unsafe { libc::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC, libc::NETLINK_ROUTE) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was just opened, and nobody else holds it.
    let mut socket = File::from(unsafe { OwnedFd::from_raw_fd(fd) });
    socket.write_all(&request(interface_index))?;
    let mut answer = vec![0; limits::NETLINK_ANSWER_BYTES_MAX];
    let length = socket.read(&mut answer)?;
    answer.truncate(length);
    Ok(answer)
}

fn request(interface_index: u32) -> [u8; NLMSGHDR_BYTES + IFINFOMSG_BYTES] {
    let mut bytes = [0; NLMSGHDR_BYTES + IFINFOMSG_BYTES];
    let length = bytes.len() as u32;
    bytes[0..4].copy_from_slice(&length.to_ne_bytes());
    bytes[4..6].copy_from_slice(&RTM_GETLINK.to_ne_bytes());
    bytes[6..8].copy_from_slice(&NLM_F_REQUEST.to_ne_bytes());
    bytes[8..12].copy_from_slice(&1u32.to_ne_bytes());
    bytes[20..24].copy_from_slice(&interface_index.to_ne_bytes());
    bytes
}

/// The attributes of an answer that describes a device.
fn attributes(message: &[u8]) -> io::Result<&[u8]> {
    let malformed = || io::Error::new(io::ErrorKind::InvalidData, "a malformed netlink answer");
    let (header, body) = message.split_at_checked(NLMSGHDR_BYTES).ok_or_else(malformed)?;
    let kind = u16::from_ne_bytes([header[4], header[5]]);
    if kind != RTM_NEWLINK {
        // NLMSG_ERROR begins with the negative error number.
        let code = i32::from_ne_bytes(*body.first_chunk().ok_or_else(malformed)?);
        return Err(io::Error::from_raw_os_error(-code));
    }
    body.get(IFINFOMSG_BYTES..).ok_or_else(malformed)
}

fn parse_master(attributes: &[u8]) -> Option<u32> {
    find(attributes, IFLA_MASTER)?.first_chunk().map(|index| u32::from_ne_bytes(*index))
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

/// The value of the first attribute of a kind.
fn find(mut attributes: &[u8], kind: u16) -> Option<&[u8]> {
    loop {
        let (header, rest) = attributes.split_first_chunk::<4>()?;
        let length = usize::from(u16::from_ne_bytes([header[0], header[1]])).checked_sub(4)?;
        if u16::from_ne_bytes([header[2], header[3]]) & NLA_TYPE_MASK == kind {
            return rest.get(..length);
        }
        attributes = rest.get(length.next_multiple_of(4)..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let mut bytes = (value.len() as u16 + 4).to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn answer(attributes: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; NLMSGHDR_BYTES + IFINFOMSG_BYTES];
        bytes[4..6].copy_from_slice(&RTM_NEWLINK.to_ne_bytes());
        bytes.extend(attributes);
        bytes
    }

    #[test]
    fn finds_the_program_behind_other_attributes() {
        let xdp = [
            attribute(IFLA_XDP_ATTACHED, &[XDP_ATTACHED_SKB]),
            attribute(IFLA_XDP_PROG_ID, &77u32.to_ne_bytes()),
        ];
        let attributes = [attribute(3, b"eth9\0"), attribute(IFLA_XDP | 0x8000, &xdp.concat())];
        let message = answer(&attributes.concat());
        let found = super::attributes(&message).expect("well-formed");
        assert_eq!(parse_program(found), Some(Attached { program_id: 77, generic: true }));
        assert_eq!(parse_master(found), None);
    }

    #[test]
    fn finds_the_bridge() {
        let attributes = [attribute(3, b"eth9\0"), attribute(IFLA_MASTER, &5u32.to_ne_bytes())];
        let message = answer(&attributes.concat());
        assert_eq!(parse_master(super::attributes(&message).expect("well-formed")), Some(5));
    }

    #[test]
    fn a_device_without_program_and_broken_answers() {
        let xdp = attribute(IFLA_XDP_ATTACHED, &[0]);
        assert_eq!(parse_program(&attribute(IFLA_XDP, &xdp)), None);
        assert_eq!(parse_program(&[9, 0, 43]), None, "no attribute fits");
        assert_eq!(parse_program(&[0, 0, 1, 0]), None, "a length below the header's ends the walk");
        assert!(super::attributes(&[0; 10]).is_err());
        let mut refused = vec![0; 20];
        refused[4] = 2;
        refused[16..20].copy_from_slice(&(-libc::ENODEV).to_ne_bytes());
        assert_eq!(super::attributes(&refused).expect_err("an error").raw_os_error(), Some(libc::ENODEV));
    }
}
