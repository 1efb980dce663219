//! Who works on a link: one process at a time.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

/// A link's name, held as an abstract socket: the kernel lets go of it with the process, however that ends.
/// Names are those of this network namespace, as the link's interfaces are.
#[derive(Debug)]
pub(super) struct Claim {
    _socket: UnixListener,
}

impl Claim {
    /// Claims a link; `None` where another process works on it.
    pub(super) fn link(name: &str) -> io::Result<Option<Claim>> {
        let address = SocketAddr::from_abstract_name(format!("weir/link/{name}"))?;
        match UnixListener::bind_addr(&address) {
            Ok(socket) => Ok(Some(Claim { _socket: socket })),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
