//! The directories of the pins, on a BPF file system: one for each link and network namespace, open to its owner alone.

use std::{
    ffi::CStr,
    fs::{self, File},
    io,
    mem::MaybeUninit,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::{
    Error, Port,
    config::is_link_name,
    limits::{MOUNT_LOCK_INTERVAL_MS, MOUNT_LOCK_MS_MAX},
};

const MOUNT_POINT: &CStr = c"/sys/fs/bpf";
pub(crate) const MOUNT_DIRECTORY: &str = "/sys/fs/bpf";
pub(crate) const PIN_DIRECTORY: &str = "/sys/fs/bpf/weir";

/// Only their owner may see or change what is in the directories of the pins.
const OWNER_ONLY: u32 = 0o700;
/// What is not in the way is moved at most so often: whoever makes it anew each time is told of.
const CLEARINGS_MAX: usize = 16;

/// What is called by the name of a link, told apart from links of other network namespaces: `lan@4026531840`, the number
/// being that of this thread's namespace, as `ls -L -i /proc/self/ns/net` shows it. (BPF file systems allow no dots.)
///
/// # Errors
///
/// If the name is not one of a link, or `/proc` is not there.
pub fn link_key(link_name: &str) -> Result<String, Error> {
    const NAMESPACE: &str = "/proc/thread-self/ns/net";
    if !is_link_name(link_name) {
        return Err(Error::Config { reason: "the link's name must be 1 to 32 letters, digits, '-' or '_'" });
    }
    let namespace = fs::metadata(NAMESPACE)
        .map_err(|error| Error::from_cause("see the network namespace", NAMESPACE, &error))?;
    Ok(format!("{link_name}@{}", namespace.ino()))
}

/// Where the XDP links of both ports of a link are pinned.
pub(crate) fn pin_directory(link_name: &str) -> Result<PathBuf, Error> {
    Ok(Path::new(PIN_DIRECTORY).join(link_key(link_name)?))
}

/// Where the XDP link of one port is pinned.
pub(crate) fn pin_path(link_name: &str, port: Port) -> Result<PathBuf, Error> {
    Ok(pin_directory(link_name)?.join(port.as_str()))
}

/// Mounts the BPF file system where it is missing, and creates the directory of all pins. The user who had made something
/// else in its place, if one had: that is moved aside.
pub(crate) fn prepare() -> Result<Option<u32>, Error> {
    mount_once(Path::new(MOUNT_DIRECTORY), is_mounted, mount).map_err(|source| Error::NoBpffs { source })?;
    own(Path::new(MOUNT_DIRECTORY), Path::new(PIN_DIRECTORY))
}

/// Makes the directory of a link's pins, which whoever holds the lock of the link has.
pub(crate) fn make_link_directory(link_name: &str) -> Result<(), Error> {
    let directory = pin_directory(link_name)?;
    make_private(&directory)
        .map_err(|error| Error::from_cause("create the directory", &directory.display().to_string(), &error))
}

/// Makes a directory that only this user may enter, where there is none.
pub(crate) fn make_private(directory: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(OWNER_ONLY).create(directory) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// Whether this user owns what is open or was seen.
pub(crate) fn is_own(metadata: &fs::Metadata) -> bool {
    // SAFETY: the call takes nothing, and cannot fail.
    let user = unsafe { libc::geteuid() };
    metadata.uid() == user
}

/// Has `directory`, in `parent`, be one that this user owns and nobody else may enter. In a parent in which everybody may make
/// something, as where the file system was mounted without a mode, somebody may have: the owner of the parent puts that
/// under another name, and whose it was is told.
fn own(parent: &Path, directory: &Path) -> Result<Option<u32>, Error> {
    let failed =
        |action| move |error: io::Error| Error::from_cause(action, &directory.display().to_string(), &error);
    let above = fs::metadata(parent).map_err(failed("see what is above"))?;
    let mode = above.permissions().mode();
    if mode & 0o022 != 0 && mode & 0o1000 == 0 {
        return Err(Error::OpenDirectory { directory: parent.to_owned() });
    }
    let mut intruder = None;
    for _ in 0..CLEARINGS_MAX {
        make_private(directory).map_err(failed("create the directory"))?;
        // Not following a symbolic link, which somebody else may have made.
        let found = fs::symlink_metadata(directory).map_err(failed("see"))?;
        if found.is_dir() && is_own(&found) {
            if found.permissions().mode() & 0o777 != OWNER_ONLY {
                fs::set_permissions(directory, fs::Permissions::from_mode(OWNER_ONLY))
                    .map_err(failed("close to others"))?;
            }
            return Ok(intruder);
        }
        intruder = Some(found.uid());
        if !is_own(&above) {
            break;
        }
        // A name that nobody has made anything under, to be in the way again. It may be gone by itself.
        let now_ns = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
        let _ = fs::rename(directory, parent.join(format!("weir-displaced-{now_ns}")));
    }
    let user = intruder.unwrap_or_default();
    Err(Error::ForeignDirectory { directory: directory.to_owned(), user })
}

/// Mounts what is not mounted yet. Of two that start at once the second would hide what the first has pinned: so whoever
/// mounts has the directory below locked, and looks again.
fn mount_once(
    directory: &Path,
    is_mounted: impl Fn() -> bool,
    mount: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    if is_mounted() {
        return Ok(());
    }
    let below = File::open(directory)?;
    let deadline = Instant::now() + Duration::from_millis(MOUNT_LOCK_MS_MAX);
    // Every user may lock it, and keeps no engine from starting.
    while below.try_lock().is_err() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(MOUNT_LOCK_INTERVAL_MS));
    }
    if is_mounted() { Ok(()) } else { mount() }
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

/// Open to its owner alone: by default everybody may make directories there.
fn mount() -> io::Result<()> {
    let (kind, options) = (c"bpf".as_ptr(), c"mode=0700");
    // SAFETY: all strings are NUL-terminated literals, and the options of bpffs are such a string.
    let result =
        unsafe { libc::mount(kind, MOUNT_POINT.as_ptr(), kind, libc::MS_NOSUID, options.as_ptr().cast()) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use std::{
        env,
        os::unix::fs::chown,
        process,
        sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    };

    use super::*;

    /// A directory in which everybody may make something, as a BPF file system is by default.
    fn parent(name: &str, mode: u32) -> PathBuf {
        let parent = env::temp_dir().join(format!("weir-bpffs-{name}-{}", process::id()));
        fs::create_dir_all(&parent).expect("a folder");
        fs::set_permissions(&parent, fs::Permissions::from_mode(mode)).expect("a mode");
        parent
    }

    #[test]
    fn a_link_has_a_key_for_each_namespace() {
        let key = link_key("lan").expect("there is a namespace");
        let (name, namespace) = key.split_once('@').expect("both");
        assert_eq!(name, "lan");
        assert!(namespace.parse::<u64>().expect("a number") > 0);
        assert!(matches!(link_key("../lan"), Err(Error::Config { .. })));
    }

    #[test]
    fn of_many_that_start_at_once_one_mounts() {
        let directory = parent("mount", 0o700);
        let (mounted, mounts) = (AtomicBool::new(false), AtomicUsize::new(0));
        let mount = || {
            mounts.fetch_add(1, Ordering::SeqCst);
            // Long enough for the others to have looked before.
            thread::sleep(Duration::from_millis(20));
            mounted.store(true, Ordering::SeqCst);
            Ok(())
        };
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    mount_once(&directory, || mounted.load(Ordering::SeqCst), mount)
                        .expect("it can be mounted");
                });
            }
        });
        assert_eq!(mounts.into_inner(), 1);
        fs::remove_dir_all(&directory).expect("removable");
    }

    #[test]
    fn who_only_holds_the_lock_keeps_nobody_from_mounting() {
        let directory = parent("held", 0o700);
        let held = File::open(&directory).expect("a folder");
        held.lock().expect("it is free");
        let mut mounts = 0;
        let mount = || {
            mounts += 1;
            Ok(())
        };
        mount_once(&directory, || false, mount).expect("it can be mounted");
        assert_eq!(mounts, 1);
        fs::remove_dir_all(&directory).expect("removable");
    }

    #[test]
    fn the_directory_is_the_owners_alone() {
        let parent = parent("own", 0o1777);
        let directory = parent.join("weir");
        for mode in [OWNER_ONLY, 0o755] {
            assert_eq!(own(&parent, &directory).expect("it can be made"), None);
            assert_eq!(fs::metadata(&directory).expect("made").mode() & 0o777, OWNER_ONLY);
            fs::set_permissions(&directory, fs::Permissions::from_mode(mode)).expect("a mode");
        }
        assert_eq!(own(&parent, &directory).expect("it is ours"), None);
        assert_eq!(fs::metadata(&directory).expect("there").mode() & 0o777, OWNER_ONLY);
        fs::remove_dir_all(&parent).expect("removable");
    }

    #[test]
    fn what_another_user_made_in_its_place_is_moved_aside() {
        let parent = parent("displace", 0o1777);
        let directory = parent.join("weir");
        fs::create_dir(&directory).expect("a folder");
        fs::write(directory.join("pin"), "").expect("a file");
        if chown(&directory, Some(65534), None).is_err() {
            eprintln!("SKIPPED: this user cannot act as another");
            return fs::remove_dir_all(&parent).expect("removable");
        }
        assert_eq!(own(&parent, &directory).expect("it can be made"), Some(65534));
        assert_eq!(fs::read_dir(&directory).expect("ours").count(), 0);
        assert_eq!(own(&parent, &directory).expect("it is ours"), None);
        // A link to another's directory is no directory of ours.
        fs::remove_dir(&directory).expect("removable");
        std::os::unix::fs::symlink("/proc", &directory).expect("a link");
        own(&parent, &directory).expect("it can be made");
        assert!(fs::symlink_metadata(&directory).expect("there").is_dir());
        fs::remove_dir_all(&parent).expect("removable");
    }

    #[test]
    fn where_everybody_may_rename_nothing_is_pinned() {
        let parent = parent("open", 0o777);
        let refused = own(&parent, &parent.join("weir"));
        assert!(matches!(refused, Err(Error::OpenDirectory { .. })), "{refused:?}");
        fs::remove_dir_all(&parent).expect("removable");
    }
}
