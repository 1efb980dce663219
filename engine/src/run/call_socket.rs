//! Where an engine that works on a link is called: a socket in a directory that only its own user may enter.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::net::sockopt::socket_peercred;
use rustix::process::{Pid, Uid, geteuid};

/// The sockets of all links.
const DIRECTORY: &str = "/run/weir";

/// The path of a link's socket.
///
/// # Errors
/// If the name is not one of a link.
pub(super) fn path(link: &str) -> Result<PathBuf, af_xdp::Error> {
    Ok(Path::new(DIRECTORY).join(af_xdp::link_key(link)?))
}

/// A socket that others call on. It decides nothing: who works on a link is a matter of its lock, and whoever holds that
/// puts this socket in place of one that a killed engine left.
#[derive(Debug)]
pub(super) struct CallSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl CallSocket {
    /// Listens at a path, in a directory that is made where there is none.
    pub(super) fn listen(path: PathBuf) -> io::Result<CallSocket> {
        if let Some(directory) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        }
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        listener.set_nonblocking(true)?;
        let socket = CallSocket { listener, path };
        // Whatever the directory is like.
        fs::set_permissions(&socket.path, Permissions::from_mode(0o600))?;
        Ok(socket)
    }

    /// The next who calls, if anybody does.
    pub(super) fn accept(&self) -> Option<UnixStream> {
        self.listener.accept().ok().map(|(stream, _)| stream)
    }
}

impl Drop for CallSocket {
    fn drop(&mut self) {
        // It may be gone, with all of /run/weir.
        let _ = fs::remove_file(&self.path);
    }
}

/// Calls who listens at a path: its process, and a connection to it. `None` where nobody does.
///
/// # Errors
/// If this user may not call, or who listens is a process of a user whose word would mean nothing.
pub(super) fn call(path: &Path) -> io::Result<Option<(Pid, UnixStream)>> {
    let stream = match UnixStream::connect(path) {
        Ok(stream) => stream,
        Err(error) => {
            return match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Ok(None),
                _ => Err(error),
            };
        }
    };
    match trusted_peer(&stream)? {
        Ok(pid) => Ok(Some((pid, stream))),
        Err(Stranger { pid, uid }) => {
            let told = format!("user {uid} has taken its place, with process {pid}");
            Err(io::Error::new(io::ErrorKind::PermissionDenied, told))
        }
    }
}

/// A process of a user who has no say here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stranger {
    pub(super) pid: i32,
    pub(super) uid: u32,
}

/// The process at the other end, if it is of this user or of root.
pub(super) fn trusted_peer(stream: &UnixStream) -> io::Result<Result<Pid, Stranger>> {
    let peer = socket_peercred(stream)?;
    if peer.uid == geteuid() || peer.uid == Uid::ROOT {
        return Ok(Ok(peer.pid));
    }
    Ok(Err(Stranger { pid: peer.pid.as_raw_nonzero().get(), uid: peer.uid.as_raw() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_listens_is_known_for_as_long_as_it_does() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("weir").join("lan@1");
        assert!(call(&path).expect("asks").is_none());
        let socket = CallSocket::listen(path.clone()).expect("it can be made");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(path.parent().expect("a folder")), mode(&path)), (0o700, 0o600));
        assert!(socket.accept().is_none());
        let (pid, _stream) = call(&path).expect("asks").expect("somebody listens");
        assert_eq!(pid, rustix::process::getpid());
        assert!(socket.accept().is_some());
        drop(socket);
        assert!(!path.exists());
        assert!(call(&path).expect("asks").is_none());
    }

    #[test]
    fn who_listens_is_believed_only_where_it_is_of_this_user_or_root() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).expect("a mode");
        let path = folder.path().join("lan@1");
        let at = path.clone();
        // Of this thread only.
        let stranger = std::thread::spawn(move || {
            let user = Uid::from_raw(65534);
            rustix::thread::set_thread_res_uid(user, user, user).ok()?;
            Some(UnixListener::bind(at).expect("it can be made"))
        });
        let Some(_listener) = stranger.join().expect("no panic") else {
            return eprintln!("SKIPPED: this user cannot act as another");
        };
        let error = call(&path).expect_err("it is a stranger's");
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert!(error.to_string().contains("user 65534"), "{error}");
    }

    #[test]
    fn what_a_killed_engine_left_is_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lan@1");
        drop(UnixListener::bind(&path).expect("it can be made"));
        assert!(path.exists(), "it is left behind");
        assert!(call(&path).expect("asks").is_none());
        let socket = CallSocket::listen(path.clone()).expect("it is replaced");
        assert!(call(&path).expect("asks").is_some());
        assert!(socket.accept().is_some());
    }
}
