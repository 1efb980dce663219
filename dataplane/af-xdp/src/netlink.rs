//! Questions to the kernel over netlink, one answer each.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::{FromRawFd, OwnedFd},
};

use crate::limits;

// <linux/netlink.h>.
const NLMSG_ERROR: u16 = 2;
const NLM_F_REQUEST: u16 = 1;
const NLA_TYPE_MASK: u16 = 0x3fff;
const HEADER_BYTES: usize = 16;

/// Asks about this thread's network namespace. `kind` is that of the message, whose `body` begins with its own fixed
/// header; returns the body of an answer of the kind `answered`.
pub(crate) fn ask(protocol: libc::c_int, kind: u16, body: &[u8], answered: u16) -> io::Result<Vec<u8>> {
    let mut socket = File::from(socket(protocol, 0)?);
    socket.write_all(&message(kind, body))?;
    let mut answer = vec![0; limits::NETLINK_ANSWER_BYTES_MAX];
    let length = socket.read(&mut answer)?;
    answer.truncate(length);
    answer_body(&answer, answered).map(<[u8]>::to_vec)
}

/// A socket of a netlink protocol, with more flags of socket(2).
pub(crate) fn socket(protocol: libc::c_int, flags: libc::c_int) -> io::Result<OwnedFd> {
    // SAFETY: takes no pointers.
    let fd = unsafe { libc::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC | flags, protocol) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was just opened, and nobody else holds it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn message(kind: u16, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(HEADER_BYTES + body.len()).expect("questions are short");
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(NLM_F_REQUEST.to_ne_bytes());
    // The sequence number; the kernel fills in the rest.
    bytes.extend(1u32.to_ne_bytes());
    bytes.extend([0; 4]);
    bytes.extend(body);
    bytes
}

fn answer_body(message: &[u8], answered: u16) -> io::Result<&[u8]> {
    let (header, body) = message.split_at_checked(HEADER_BYTES).ok_or_else(malformed)?;
    match u16::from_ne_bytes([header[4], header[5]]) {
        kind if kind == answered => Ok(body),
        NLMSG_ERROR => {
            // It begins with the negative error number.
            let code = i32::from_ne_bytes(*body.first_chunk().ok_or_else(malformed)?);
            Err(io::Error::from_raw_os_error(-code))
        }
        _ => Err(malformed()),
    }
}

pub(crate) fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a malformed netlink answer")
}

/// An attribute as a question carries it.
pub(crate) fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(4 + value.len()).expect("attributes of questions are short");
    let mut bytes = length.to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// The value of the first attribute of a kind.
pub(crate) fn find(mut attributes: &[u8], kind: u16) -> Option<&[u8]> {
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

    #[test]
    fn an_attribute_is_found_behind_others_and_broken_ones_end_the_walk() {
        let bytes = [attribute(3, b"eth9\0"), attribute(7 | 0x8000, &[1]), attribute(7, &[2])].concat();
        assert_eq!(find(&bytes, 7), Some(&[1][..]), "the first, whatever flags its kind has");
        assert_eq!(find(&bytes, 8), None);
        assert_eq!(find(&[9, 0, 43], 43), None, "no header fits");
        assert_eq!(find(&[0, 0, 1, 0], 1), None, "a length below the header's");
        assert_eq!(find(&[9, 0, 1, 0, 1], 1), None, "a length beyond the end");
    }

    #[test]
    fn errors_and_broken_answers_are_told_apart() {
        let refused = message(NLMSG_ERROR, &(-libc::ENODEV).to_ne_bytes());
        assert_eq!(answer_body(&refused, 16).expect_err("an error").raw_os_error(), Some(libc::ENODEV));
        assert_eq!(answer_body(&message(16, b"body"), 16).expect("well-formed"), b"body");
        for broken in [&[0; 10][..], &message(NLMSG_ERROR, &[1]), &message(5, b"body")] {
            let error = answer_body(broken, 16).expect_err("broken");
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
    }
}
