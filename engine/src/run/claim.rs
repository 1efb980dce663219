//! Who works on a link: one process at a time.

use std::io;
use std::iter;
use std::os::unix::net::UnixStream;

use af_xdp::LinkLock;
use anyhow::{Context, anyhow};
use rustix::process::Pid;

use super::call::Call;
use super::call_socket::{self, CallSocket};
use crate::limits::CALLS_PER_LOOK_MAX;

/// A link, locked, and where others call who works on it. Nobody but the owner of the pins can keep it from an engine.
///
/// Invariant: the socket at the link's path is that of the process that holds its lock, or nobody's.
#[derive(Debug)]
pub(super) struct Claim {
    /// Goes before the lock: else it could be the next engine's that is removed.
    socket: Option<CallSocket>,
    _lock: LinkLock,
}

impl Claim {
    /// Claims a link; `None` where another process works on it. Where no socket can be made, one works on it all the same.
    pub(super) fn link(name: &str) -> Result<Option<Claim>, af_xdp::Error> {
        let path = call_socket::path(name)?;
        let Some(lock) = Claim::lock(name)? else { return Ok(None) };
        let listening = CallSocket::listen(path.clone()).inspect_err(|error| {
            tracing::warn!(
                link = name,
                path = %path.display(),
                %error,
                "nobody can ask this engine for a reload, an upgrade or the link\n  hint: it makes a socket there"
            );
        });
        Ok(Some(Claim { socket: listening.ok(), _lock: lock }))
    }

    /// Only keeps others from a link. `None` where another process works on it.
    pub(super) fn lock(name: &str) -> Result<Option<LinkLock>, af_xdp::Error> {
        let lock = LinkLock::take(name)?;
        if let Some(user) = lock.as_ref().and_then(LinkLock::intruder) {
            tracing::warn!(
                user,
                "another user had taken the place of the pins under /sys/fs/bpf: moved aside, as weir-displaced-*\n  \
                 hint: remove it, and mount the BPF file system with `-o mode=0700`"
            );
        }
        Ok(lock)
    }

    /// Calls the process that works on a link, where one can be called.
    ///
    /// # Errors
    /// If the name is not one of a link, this user may not call it, or somebody else has taken its place.
    pub(super) fn call(name: &str) -> Result<Option<(Pid, UnixStream)>, anyhow::Error> {
        let path = call_socket::path(name).map_err(|error| anyhow!("link {name}: {error}"))?;
        let called = |error: &io::Error| format!("link {name}: {} cannot be called: {error}", path.display());
        call_socket::call(&path)
            .map_err(|error| anyhow!(called(&error)))
            .context("cannot see who works on it")
    }

    /// Somebody who wants something, if anybody does. Closes the connections of those who only asked who the holder is: else
    /// these would fill the backlog.
    pub(super) fn next_call(&self) -> Option<Call> {
        let socket = self.socket.as_ref()?;
        iter::from_fn(|| socket.accept()).take(CALLS_PER_LOOK_MAX).find_map(Call::of)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Write};
    use std::thread;

    use super::super::asker::{RELOAD, YES};
    use super::super::hand_over::{Knowledge, Told, read_line};
    use super::super::incumbent::Incumbent;
    use super::*;

    /// A claim on a link of this test's own. `None`, said loudly, where this user may make none.
    fn claim(name: &str) -> Option<Claim> {
        match Claim::link(name) {
            Ok(claim) => Some(claim.expect("it is free")),
            Err(error) => {
                eprintln!("SKIPPED: no link can be claimed here: {error}");
                None
            }
        }
    }

    fn next_call(claim: &Claim) -> Call {
        iter::repeat_with(|| claim.next_call()).flatten().next().expect("it asks")
    }

    #[test]
    fn the_holder_of_a_claim_is_known() {
        let name = format!("claim-holder-{}", std::process::id());
        assert!(Claim::call(&name).expect("asks").is_none());
        let Some(claim) = claim(&name) else { return };
        for _ in 0..300 {
            let (pid, _) = Claim::call(&name).expect("asks").expect("there is one");
            assert_eq!(pid, rustix::process::getpid());
            assert!(claim.next_call().is_none());
        }
        drop(claim);
        assert!(Claim::call(&name).expect("asks").is_none());
    }

    #[test]
    fn a_link_is_claimed_once_at_a_time() {
        let name = format!("claim-once-{}", std::process::id());
        let Some(first) = claim(&name) else { return };
        assert!(Claim::link(&name).expect("it can be asked for").is_none());
        assert!(Claim::call(&name).expect("asks").is_some(), "the socket of the first is untouched");
        drop(first);
        assert!(Claim::link(&name).expect("it can be asked for").is_some());
    }

    #[test]
    fn whoever_asks_for_a_link_is_told_apart() {
        let name = format!("claim-successor-{}", std::process::id());
        let Some(claim) = claim(&name) else { return };
        let waiting = thread::spawn(move || {
            let mut incumbent = Incumbent::of(&name);
            let told = incumbent.release(["lan", "dmz"].into_iter());
            incumbent.relieve();
            told
        });
        let Call::HandOver(mut successor) = next_call(&claim) else { panic!("it asks for links") };
        assert_eq!(["lan", "dmz", "wan"].map(|link| successor.wants(link)), [true, true, false]);
        assert_eq!(successor.pid(), rustix::process::getpid());
        successor.begin(&Knowledge::default()).expect("it works");
        successor.farewell();
        let told = waiting.join().expect("no panic").expect("released");
        assert!(matches!(told, Told::All(knowledge) if knowledge == Knowledge::default()));
    }

    #[test]
    fn whoever_asks_for_a_reload_is_answered() {
        let name = format!("claim-asker-{}", std::process::id());
        let Some(claim) = claim(&name) else { return };
        let (_, mut stream) = Claim::call(&name).expect("asks").expect("there is one");
        stream.write_all(format!("{RELOAD}\n").as_bytes()).expect("it hears");
        let Call::Reload(asker) = next_call(&claim) else { panic!("it asks for a reload") };
        asker.yes("two\nlines");
        assert_eq!(read_line(&mut BufReader::new(stream)).expect("a word"), format!("{YES} two lines"));
    }
}
