//! The folder that compiled sets are kept in.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::limits::CACHED_SETS_MAX;

const EXTENSION: &str = "ruleset";
const TEMPORARY_EXTENSION: &str = "ruleset-tmp";

/// How old a file has to be that somebody was writing, for it to have been left behind by one who crashed.
const ABANDONED: Duration = Duration::from_secs(3600);

/// Files in a folder, each whole and never changed: it is written under a temporary name, and renamed.
#[derive(Debug)]
pub(super) struct Store<'d>(&'d Path);

impl<'d> Store<'d> {
    pub(super) fn new(dir: &'d Path) -> Store<'d> {
        Store(dir)
    }

    /// Opens a file that nobody else could have written to, or can.
    pub(super) fn open(&self, name: &str) -> io::Result<File> {
        // Without waiting: what is no file may have nobody at its other end.
        let nonblock = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        let file = OpenOptions::new().read(true).custom_flags(nonblock).open(self.path(name))?;
        let about = file.metadata()?;
        if !about.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
        }
        refuse_others("it", &about)?;
        refuse_others("its folder", &fs::metadata(self.0)?)?;
        Ok(file)
    }

    /// Puts a file under a name, in place of what was there. Of several who do so at once, the last one wins.
    pub(super) fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(self.0)?;
        refuse_others("this folder", &fs::metadata(self.0)?)?;
        let suffix = format!(".{TEMPORARY_EXTENSION}");
        // For the owner alone, and removed if anything goes wrong from here on.
        let mut file = tempfile::Builder::new().suffix(&suffix).tempfile_in(self.0)?;
        file.write_all(bytes)?;
        // Else a crash could leave the name without the bytes.
        file.as_file().sync_all()?;
        file.persist(self.path(name)).map_err(|error| error.error)?;
        self.prune(name);
        Ok(())
    }

    /// Removes all but the newest files, and what was left behind. Whatever can't be removed stays.
    fn prune(&self, newest: &str) {
        let Ok(entries) = fs::read_dir(self.0) else { return };
        let mut sets = Vec::new();
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            let Ok(changed) = fs::symlink_metadata(&path).and_then(|about| about.modified()) else {
                continue;
            };
            let has = |extension: &str| path.extension().is_some_and(|other| other == extension);
            if has(EXTENSION) && path != self.path(newest) {
                sets.push((changed, path));
            } else if has(TEMPORARY_EXTENSION) && is_older(changed, ABANDONED) {
                let _ = fs::remove_file(&path);
            }
        }
        sets.sort_unstable_by(|one, other| other.cmp(one));
        for (_, path) in sets.iter().skip(CACHED_SETS_MAX - 1) {
            let _ = fs::remove_file(path);
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.{EXTENSION}"))
    }
}

fn is_older(changed: SystemTime, age: Duration) -> bool {
    SystemTime::now().duration_since(changed).is_ok_and(|since| since > age)
}

/// Refuses what others than this user and root may write to, and says why.
fn refuse_others(what: &str, about: &fs::Metadata) -> io::Result<()> {
    let refuse = |reason| Err(io::Error::new(io::ErrorKind::PermissionDenied, reason));
    let user = rustix::process::geteuid().as_raw();
    if ![0, user].contains(&about.uid()) {
        return refuse(format!("{what} belongs to user {}, not to user {user} or root", about.uid()));
    }
    let mode = about.mode() & 0o7777;
    if mode & 0o022 != 0 {
        return refuse(format!("{what} has mode {mode:03o}, so that others may write to it"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).expect("a folder");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_newest_files_stay() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = Store::new(dir.path());
        fs::write(dir.path().join("mine.txt"), "stays").expect("writes");
        let old = SystemTime::now() - Duration::from_secs(9000);
        for (at, name) in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"].into_iter().enumerate() {
            store.put(name, b"set").expect("puts");
            let file = File::options().write(true).open(store.path(name)).expect("opens");
            file.set_modified(old + Duration::from_secs(at as u64)).expect("it is ours");
        }
        let left = File::create(dir.path().join(format!("left.{TEMPORARY_EXTENSION}"))).expect("creates");
        left.set_modified(old).expect("it is ours");
        File::create(dir.path().join(format!("written.{TEMPORARY_EXTENSION}"))).expect("creates");
        store.put("a", b"set").expect("puts");
        let kept = ["a", "d", "e", "f", "g", "h", "i", "j"].map(|name| format!("{name}.{EXTENSION}"));
        let others = ["mine.txt".to_owned(), format!("written.{TEMPORARY_EXTENSION}")];
        assert_eq!(names(dir.path()), [kept.as_slice(), others.as_slice()].concat());
    }

    #[test]
    fn what_others_may_write_to_is_not_opened() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = Store::new(dir.path());
        store.put("a", b"set").expect("puts");
        assert_eq!(fs::metadata(store.path("a")).expect("it is there").permissions().mode() & 0o777, 0o600);
        assert!(store.open("a").is_ok());
        fs::set_permissions(store.path("a"), fs::Permissions::from_mode(0o620)).expect("it is ours");
        let refusal = || {
            let refused = store.open("a").expect_err("others may write to it");
            assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
            refused.to_string()
        };
        assert_eq!(refusal(), "it has mode 620, so that others may write to it");
        fs::set_permissions(store.path("a"), fs::Permissions::from_mode(0o600)).expect("it is ours");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).expect("it is ours");
        assert_eq!(refusal(), "its folder has mode 777, so that others may write to it");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).expect("it is ours");
        assert_eq!(store.open("b").expect_err("it isn't there").kind(), io::ErrorKind::NotFound);
    }
}
