//! The directory of the pins, on a BPF file system.

use std::{
    ffi::CStr,
    fs, io,
    mem::MaybeUninit,
    path::{Path, PathBuf},
    ptr,
};

use crate::{Error, Port};

const MOUNT_POINT: &CStr = c"/sys/fs/bpf";
const PIN_DIRECTORY: &str = "/sys/fs/bpf/weir";

/// Where the XDP link of one port is pinned.
pub(crate) fn pin_path(link_name: &str, port: Port) -> PathBuf {
    Path::new(PIN_DIRECTORY).join(format!("{link_name}-{}", port.as_str()))
}

/// Mounts the BPF file system where it is missing, and creates the directory of the pins.
pub(crate) fn prepare() -> Result<(), Error> {
    if !is_mounted() {
        mount().map_err(|source| Error::NoBpffs { source })?;
    }
    fs::create_dir_all(PIN_DIRECTORY)
        .map_err(|error| Error::from_cause("create the directory", PIN_DIRECTORY, &error))
}

fn is_mounted() -> bool {
    let mut statfs = MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: the path is NUL-terminated, and the buffer is of the size that the call fills.
    let result = unsafe { libc::statfs(MOUNT_POINT.as_ptr(), statfs.as_mut_ptr()) };
    if result != 0 {
        return false;
    }
    // SAFETY: a statfs that returned 0 has filled the buffer.
    let statfs = unsafe { statfs.assume_init() };
    statfs.f_type == libc::BPF_FS_MAGIC
}

fn mount() -> io::Result<()> {
    let kind = c"bpf".as_ptr();
    // SAFETY: all strings are NUL-terminated literals, and bpffs allows its options to be absent.
    let result = unsafe { libc::mount(kind, MOUNT_POINT.as_ptr(), kind, libc::MS_NOSUID, ptr::null()) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
