//! For how long pins last: for as long as their BPF file system is mounted anywhere.

use std::{fs, os::unix::fs::MetadataExt, process};

use crate::{Error, bpffs::MOUNT_DIRECTORY};

/// The first process of this PID namespace: what it has mounted outlives any engine beside it.
const FIRST_PROCESS: u32 = 1;
const FIRST_MOUNTS: &str = "/proc/1/mountinfo";

/// Whether the pins, and with them the programs, outlive an engine that is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinLife {
    /// They do: the first process of this PID namespace has the same BPF file system mounted.
    Lasting,
    /// They end with the last process of this mount namespace, most often with the engine.
    Fleeting,
    /// Nobody tells: the engine is the first process itself, or may not see what that one has mounted.
    Unknown,
}

impl PinLife {
    /// Looks at the BPF file system that this process pins into.
    ///
    /// # Errors
    ///
    /// If there is nothing at its place.
    pub fn read() -> Result<PinLife, Error> {
        let here = fs::metadata(MOUNT_DIRECTORY)
            .map_err(|error| Error::from_cause("see", MOUNT_DIRECTORY, &error))?;
        // Only the contents tell, not the path: a sandbox may have another path, or a bind mount of the same.
        let mounts =
            if process::id() == FIRST_PROCESS { None } else { fs::read_to_string(FIRST_MOUNTS).ok() };
        Ok(judge(here.dev(), mounts.as_deref()))
    }
}

fn judge(device: u64, mounts: Option<&str>) -> PinLife {
    match mounts {
        // It has a root at least: an empty text was kept from us.
        None | Some("") => PinLife::Unknown,
        Some(mounts) if mounts.lines().any(|line| is_bpffs(line, device)) => PinLife::Lasting,
        Some(_) => PinLife::Fleeting,
    }
}

/// Whether a line of a `mountinfo` (proc(5)) is a mount of the BPF file system with this device number.
fn is_bpffs(line: &str, device: u64) -> bool {
    let number = format!("{}:{}", libc::major(device), libc::minor(device));
    let kind = line.split_once(" - ").and_then(|(_, source)| source.split(' ').next());
    line.split(' ').nth(2) == Some(&number) && kind == Some("bpf")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
        23 1 0:21 / /sys rw,nosuid - sysfs sysfs rw\n\
        46 23 0:39 / /sys/fs/bpf rw,nosuid,relatime shared:9 - bpf bpf rw,mode=700\n\
        47 23 0:40 / /run rw - tmpfs tmpfs rw\n";

    #[test]
    fn pins_last_where_the_first_process_has_the_same_file_system() {
        let device = |minor| libc::makedev(0, minor);
        assert_eq!(judge(device(39), Some(MOUNTS)), PinLife::Lasting);
        assert_eq!(judge(device(41), Some(MOUNTS)), PinLife::Fleeting, "another one");
        assert_eq!(judge(device(40), Some(MOUNTS)), PinLife::Fleeting, "no BPF file system");
        assert_eq!(judge(device(3), Some(MOUNTS)), PinLife::Fleeting, "the number as a whole");
        assert_eq!(judge(device(39), None), PinLife::Unknown);
        assert_eq!(judge(device(39), Some("")), PinLife::Unknown);
    }
}
