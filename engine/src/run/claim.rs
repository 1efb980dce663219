//! Who works on a link: one process at a time.

use std::io;
use std::iter;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};

use rustix::net::sockopt::socket_peercred;
use rustix::process::Pid;

use super::successor::Successor;
use crate::limits::CALLS_PER_LOOK_MAX;

/// A link's name, held as an abstract socket: the kernel lets go of it with the process, however that ends.
/// Names are those of this network namespace, as the link's interfaces are.
#[derive(Debug)]
pub(super) struct Claim {
    socket: UnixListener,
}

impl Claim {
    /// Claims a link; `None` where another process works on it.
    pub(super) fn link(name: &str) -> io::Result<Option<Claim>> {
        match UnixListener::bind_addr(&address(name)?) {
            Ok(socket) => {
                socket.set_nonblocking(true)?;
                Ok(Some(Claim { socket }))
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The process that works on a link, where there is one.
    pub(super) fn holder(name: &str) -> io::Result<Option<Pid>> {
        Ok(Claim::call(name)?.map(|(pid, _)| pid))
    }

    /// The process that works on a link, where there is one, and a connection to it.
    pub(super) fn call(name: &str) -> io::Result<Option<(Pid, UnixStream)>> {
        match UnixStream::connect_addr(&address(name)?) {
            Ok(socket) => Ok(Some((socket_peercred(&socket)?.pid, socket))),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Somebody who asks for the link, if anybody does. Closes the connections of those who only asked who the holder is:
    /// else these would fill the backlog. So many at a time: anybody may connect, as fast as this can look.
    pub(super) fn successor(&self) -> Option<Successor> {
        let mut calls = iter::from_fn(|| self.socket.accept().ok()).take(CALLS_PER_LOOK_MAX);
        calls.find_map(|(stream, _)| Successor::of(stream))
    }
}

fn address(link: &str) -> io::Result<SocketAddr> {
    SocketAddr::from_abstract_name(format!("weir/link/{link}"))
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::super::hand_over::Knowledge;
    use super::super::incumbent::Incumbent;
    use super::*;

    #[test]
    fn the_holder_of_a_claim_is_known() {
        let name = format!("claim-holder-{}", std::process::id());
        assert_eq!(Claim::holder(&name).expect("asks"), None);
        let claim = Claim::link(&name).expect("sockets can be made").expect("it is free");
        for _ in 0..300 {
            assert_eq!(Claim::holder(&name).expect("asks"), Some(rustix::process::getpid()));
            assert!(claim.successor().is_none());
        }
        drop(claim);
        assert_eq!(Claim::holder(&name).expect("asks"), None);
    }

    #[test]
    fn whoever_asks_for_a_link_is_told_apart() {
        let name = format!("claim-successor-{}", std::process::id());
        let claim = Claim::link(&name).expect("sockets can be made").expect("it is free");
        let waiting = thread::spawn(move || {
            let mut incumbent = Incumbent::of(&name);
            let knowledge = incumbent.release(["lan", "dmz"].into_iter());
            incumbent.relieve();
            knowledge
        });
        let mut successor = iter::repeat_with(|| claim.successor()).flatten().next().expect("it asks");
        assert_eq!(["lan", "dmz", "wan"].map(|link| successor.wants(link)), [true, true, false]);
        assert_eq!(successor.pid(), rustix::process::getpid());
        successor.begin(&Knowledge::default()).expect("it works");
        successor.farewell();
        let knowledge = waiting.join().expect("no panic").expect("released");
        assert_eq!(knowledge, Some(Knowledge::default()));
    }

    #[test]
    fn a_link_is_claimed_once_at_a_time() {
        let name = format!("claim-test-{}", std::process::id());
        let first = Claim::link(&name).expect("sockets can be made");
        assert!(first.is_some());
        assert!(Claim::link(&name).expect("sockets can be made").is_none());
        drop(first);
        assert!(Claim::link(&name).expect("sockets can be made").is_some());
    }
}
