//! Whether this process can do AF_XDP here at all.

use std::{io, os::fd::FromRawFd, os::fd::OwnedFd};

use crate::{
    Error, LinkConfig, bpffs,
    programs::{Build, Programs},
};

/// Tries what needs a privilege or a kernel feature, without touching any interface: an AF_XDP socket, loading
/// the program, and the BPF file system, which it mounts where that is missing. The user who had made something in place of
/// the directory of all pins, if one had: that was moved aside.
///
/// # Errors
///
/// The first thing that is missing.
pub fn probe() -> Result<Option<u32>, Error> {
    drop(unbound_socket()?);
    Programs::load(Build::Linear, &LinkConfig::new("probe", "", ""), 1, 0)?;
    bpffs::prepare()
}

/// An AF_XDP socket of no device.
pub(crate) fn unbound_socket() -> Result<OwnedFd, Error> {
    // SAFETY: takes no pointers.
    let fd = unsafe { libc::socket(libc::AF_XDP, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
    if fd < 0 {
        return Err(Error::from_cause("open", "an AF_XDP socket", &io::Error::last_os_error()));
    }
    // SAFETY: the descriptor was just opened, and nobody else holds it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
