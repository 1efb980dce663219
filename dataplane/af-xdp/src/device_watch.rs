//! Says that some device has changed.

use std::fs::File;
use std::io::{self, Read};
use std::mem;
use std::os::fd::{AsRawFd, OwnedFd};

use crate::netlink::socket;

/// `RTMGRP_LINK` of `<linux/rtnetlink.h>`: devices that come, go and change.
const RTMGRP_LINK: u32 = 1;

/// Hears what the kernel announces of the devices of a network namespace, and only says that there was something: an
/// announcement tells of a moment that is over. So it makes no difference that some are lost where they come too fast.
#[derive(Debug)]
pub struct DeviceWatch {
    socket: File,
}

impl DeviceWatch {
    /// Listens from now on, in this thread's network namespace.
    ///
    /// # Errors
    ///
    /// If the kernel refuses a netlink socket.
    pub fn open() -> io::Result<DeviceWatch> {
        let socket = socket(libc::NETLINK_ROUTE, libc::SOCK_NONBLOCK)?;
        join(&socket)?;
        Ok(DeviceWatch { socket: File::from(socket) })
    }

    /// Whether any device has changed since the last time; never waits.
    ///
    /// # Errors
    ///
    /// If the kernel no longer tells.
    pub fn take_changed(&mut self) -> io::Result<bool> {
        let (mut changed, mut announcement) = (false, [0; 1]);
        loop {
            // The kernel throws away what does not fit; that there was something is all that counts.
            match self.socket.read(&mut announcement) {
                Ok(_) => changed = true,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(changed),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Too many to keep: some were lost.
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => changed = true,
                Err(error) => return Err(error),
            }
        }
    }
}

fn join(socket: &OwnedFd) -> io::Result<()> {
    // SAFETY: all fields are integers, for which zeroes are values; a zero as port means that the kernel chooses.
    let mut address: libc::sockaddr_nl = unsafe { mem::zeroed() };
    address.nl_family = libc::AF_NETLINK as libc::sa_family_t;
    address.nl_groups = RTMGRP_LINK;
    // SAFETY: the pointer and the length describe a sockaddr_nl, which lives until after the call.
    let result = unsafe {
        libc::bind(
            socket.as_raw_fd(),
            (&raw const address).cast(),
            mem::size_of::<libc::sockaddr_nl>() as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
