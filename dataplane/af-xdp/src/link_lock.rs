//! The right to a link, which one process at a time has: whoever holds it owns the pins.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use crate::{
    Error,
    bpffs::{self, is_own, make_private},
};

/// A link of this network namespace, locked: flock(2) on the directory of its pins, which only the owner of the pins may
/// enter. The kernel lets go of it with the process, however that ends. Dropping it, too, and an empty directory is removed.
///
/// Invariant: the directory that is locked is the one that stands at its path, for as long as this value lives.
#[derive(Debug)]
pub struct LinkLock {
    directory: PathBuf,
    intruder: Option<u32>,
    /// Holds the lock; closed last.
    _handle: File,
}

impl LinkLock {
    /// Locks a link of this thread's network namespace; `None` where another process has.
    ///
    /// # Errors
    ///
    /// If the name is not one of a link, there is no BPF file system, or this user may not pin anything there.
    pub fn take(link_name: &str) -> Result<Option<LinkLock>, Error> {
        let directory = bpffs::pin_directory(link_name)?;
        let intruder = bpffs::prepare()?;
        let handle = lock(&directory).map_err(|error| {
            Error::from_cause("lock the directory", &directory.display().to_string(), &error)
        })?;
        Ok(handle.map(|_handle| LinkLock { directory, intruder, _handle }))
    }

    /// The user who had made something in place of the directory of all pins, if one had. That was moved aside.
    pub fn intruder(&self) -> Option<u32> {
        self.intruder
    }
}

impl Drop for LinkLock {
    fn drop(&mut self) {
        // Locked still, so nobody else has it. With pins in it, it stays for the next engine.
        let _ = fs::remove_dir(&self.directory);
    }
}

/// Whether somebody has the link locked whose directory that is. Looking, it is locked for a moment.
pub(crate) fn is_held(directory: &Path) -> bool {
    File::open(directory).is_ok_and(|handle| matches!(handle.try_lock(), Err(TryLockError::WouldBlock)))
}

/// Makes a directory and locks it; `None` where another process has. Whoever had it locked may remove it in between: each
/// turn follows upon an end of another's lock.
fn lock(directory: &Path) -> io::Result<Option<File>> {
    loop {
        make_private(directory)?;
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(libc::O_DIRECTORY | libc::O_NOFOLLOW);
        let handle = match options.open(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            opened => opened?,
        };
        let held = handle.metadata()?;
        if !is_own(&held) {
            return Err(io::Error::other(format!("it belongs to user {}", held.uid())));
        }
        match handle.try_lock() {
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
            Ok(()) => {}
        }
        let is_there = fs::symlink_metadata(directory)
            .is_ok_and(|found| (found.dev(), found.ino()) == (held.dev(), held.ino()));
        if is_there {
            return Ok(Some(handle));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        env,
        os::unix::fs::PermissionsExt,
        process,
        sync::atomic::{AtomicUsize, Ordering},
        thread,
    };

    use super::*;

    fn directory(name: &str) -> PathBuf {
        env::temp_dir().join(format!("weir-lock-{name}-{}", process::id()))
    }

    fn take(directory: &Path) -> Option<LinkLock> {
        let handle = lock(directory).expect("it can be locked");
        handle.map(|_handle| LinkLock { directory: directory.to_owned(), intruder: None, _handle })
    }

    #[test]
    fn a_link_is_locked_once_at_a_time() {
        let directory = directory("once");
        let first = take(&directory).expect("it is free");
        assert_eq!(fs::metadata(&directory).expect("made").permissions().mode() & 0o777, 0o700);
        assert!(take(&directory).is_none() && is_held(&directory));
        drop(first);
        assert!(!directory.exists(), "nothing is left");
        drop(take(&directory).expect("it is free again"));
    }

    #[test]
    fn a_directory_with_pins_stays() {
        let directory = directory("pins");
        let first = take(&directory).expect("it is free");
        fs::write(directory.join("inside"), "").expect("a file");
        drop(first);
        assert!(!is_held(&directory));
        let second = take(&directory).expect("it is free again");
        fs::remove_file(directory.join("inside")).expect("it stayed");
        drop(second);
        assert!(!directory.exists());
    }

    #[test]
    fn a_symbolic_link_is_not_followed() {
        let directory = directory("symlink");
        std::os::unix::fs::symlink("/", &directory).expect("a link");
        assert!(lock(&directory).is_err());
        fs::remove_file(&directory).expect("removable");
    }

    #[test]
    fn two_never_hold_it_while_its_directory_comes_and_goes() {
        let (directory, holders, taken) = (directory("race"), AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..2000 {
                        let Some(lock) = take(&directory) else { continue };
                        assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0, "one at a time");
                        thread::yield_now();
                        holders.fetch_sub(1, Ordering::SeqCst);
                        taken.fetch_add(1, Ordering::SeqCst);
                        drop(lock);
                    }
                });
            }
        });
        assert!(taken.into_inner() > 0);
        assert!(!directory.exists());
    }
}
