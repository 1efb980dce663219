//! Why a link cannot be opened: one variant for each thing that an operator can set right.

use std::{error, fmt, io, path::PathBuf};

use crate::limits;

/// Why a link cannot be opened or detached. The message names the cause, and [`Error::hint`] the remedy.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The configuration contradicts itself.
    Config {
        /// What is wrong.
        reason: &'static str,
    },
    /// There is no such interface in this network namespace.
    NoInterface {
        /// Its name.
        interface: String,
    },
    /// The two ports have different numbers of RX queues.
    QueueMismatch {
        /// Name and number of RX queues of either port.
        ports: [(String, u32); 2],
    },
    /// The two ports have different MTUs.
    MtuMismatch {
        /// Name of either port, and its MTU in bytes.
        ports: [(String, u32); 2],
    },
    /// The MTU is longer than [`limits::MTU_BYTES_MAX`].
    MtuTooLong {
        /// The two interfaces.
        ports: [String; 2],
        /// The MTU of both, in bytes.
        mtu_bytes: u32,
    },
    /// The link is to fail open, but there is no bridge over both ports to take the frames.
    NoBridge {
        /// The two interfaces.
        ports: [String; 2],
    },
    /// The link is to fail closed, but a bridge over both ports carries frames whenever no program is attached.
    Bridged {
        /// The two interfaces.
        ports: [String; 2],
    },
    /// The link is to fail closed, but its pins, and with them its programs, would end with the engine.
    FleetingPins,
    /// In zero-copy, the driver uses too little of a frame for the MTU, and splits or loses longer ones.
    NarrowFrames {
        /// The port's interface.
        interface: String,
        /// What its driver calls itself.
        driver: String,
        /// Bytes of a frame that it uses.
        usable_bytes: u32,
    },
    /// A port already carries an XDP program that is not this link's.
    ForeignProgram {
        /// The port's interface.
        interface: String,
        /// The kernel's id of that program.
        id: u32,
        /// Its name; empty where the kernel does not tell.
        name: String,
    },
    /// A port is one of another link.
    OtherLink {
        /// The port's interface.
        interface: String,
        /// The other link.
        link: String,
        /// Whether an engine works on it.
        has_engine: bool,
    },
    /// The process lacks a privilege.
    MissingCapability {
        /// What was refused.
        action: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The kernel was built without AF_XDP.
    NoAfXdp,
    /// There is no BPF file system to keep the pins in, and it could not be mounted.
    NoBpffs {
        /// The kernel's answer to the mount.
        source: io::Error,
    },
    /// Everybody may rename what is in the directory above that of the pins.
    OpenDirectory {
        /// The directory above.
        directory: PathBuf,
    },
    /// Another user made something in place of the directory of the pins, and it cannot be moved aside.
    ForeignDirectory {
        /// Where the pins belong.
        directory: PathBuf,
        /// The user's number.
        user: u32,
    },
    /// The driver runs no XDP program for so many queues, or for the MTU that is set, or none at all.
    NativeRefused {
        /// The port's interface.
        interface: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The driver cannot bind zero-copy, which the configuration requires.
    ZeroCopyRefused {
        /// The port's interface.
        interface: String,
        /// The RX queue.
        queue: u32,
        /// Whether the MTU is longer than a UMEM frame holds, which not all drivers with zero-copy support.
        is_multi_buffer: bool,
        /// The kernel's answer.
        source: io::Error,
    },
    /// Another socket owns the queue; most often another engine on the same ports.
    QueueBusy {
        /// The port's interface.
        interface: String,
        /// The RX queue.
        queue: u32,
    },
    /// The limit on locked memory is too low for the UMEM.
    LockedMemory {
        /// Bytes of one UMEM.
        umem_bytes: u64,
    },
    /// The kernel refused something else.
    System {
        /// What was tried, and on what.
        action: String,
        /// The kernel's answer, with all that the library beneath says.
        detail: String,
    },
}

impl Error {
    /// Whether a privilege is missing rather than anything wrong.
    pub fn is_missing_capability(&self) -> bool {
        matches!(self, Error::MissingCapability { .. })
    }

    /// What the operator can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Error::Config { .. } => "correct the link's configuration",
            Error::NoInterface { .. } => {
                "`ip link` lists the interfaces; is this the right network namespace?"
            }
            Error::QueueMismatch { .. } => {
                "give both the same number, for example `ethtool -L DEV combined 1`"
            }
            Error::MtuMismatch { .. } => "give both the same, for example `ip link set DEV mtu 1500`",
            Error::MtuTooLong { .. } => "`ip link set DEV mtu` lowers it for both",
            Error::NoBridge { .. } => {
                "`ip link add NAME type bridge`, `ip link set DEV master NAME` for both and `ip link set NAME up`; or fail closed"
            }
            Error::Bridged { .. } => {
                "it carries frames uninspected before an engine starts, after it has stopped, and where a device is made anew: take one out with `ip link set DEV nomaster`; where it carries the node's own address, `bridge link set dev DEV isolated on` for both keeps them apart; or fail open"
            }
            Error::FleetingPins => {
                "`ip netns exec` mounts a /sys for each command: use `nsenter --net=/run/netns/NAME weir run`; a container or a mount namespace of its own has to share the /sys/fs/bpf of the host; or fail open"
            }
            Error::NarrowFrames { .. } => {
                "`frame_bytes = 4096` (for an MTU of up to 3050), an MTU of at most 1002, or let the kernel copy with `zero_copy = \"never\"`"
            }
            Error::ForeignProgram { name, .. } if name.starts_with("weir_") => {
                "it is Weir's own, pinned in another /sys/fs/bpf (`ip netns exec` mounts one for each command; `nsenter --net=` does not): stop its engine, or where that is gone already, run `weir detach` where its pins are"
            }
            Error::OtherLink { has_engine: true, .. } => {
                "stop that engine first, or call the link by that name here and take it over with `weir run --takeover`"
            }
            Error::OtherLink { has_engine: false, .. } => {
                "its engine is gone: `weir detach LINK` takes its program off, or call the link by that name here"
            }
            Error::ForeignProgram { .. } => {
                "`ip link set DEV xdp off` removes a program; one behind a pinned link goes with its pin"
            }
            Error::MissingCapability { .. } => {
                "run as root, or grant CAP_NET_RAW, CAP_NET_ADMIN, CAP_BPF, CAP_PERFMON and CAP_IPC_LOCK"
            }
            Error::NoAfXdp => "use a kernel with CONFIG_XDP_SOCKETS=y",
            Error::NoBpffs { .. } => "run `mount -t bpf -o mode=0700 bpf /sys/fs/bpf` as root",
            Error::OpenDirectory { .. } => "`chmod 700` it",
            Error::ForeignDirectory { .. } => {
                "remove it as root, and close what is above it to others (`mount -t bpf -o mode=0700`)"
            }
            Error::NativeRefused { .. } => {
                "lower the MTU below 3500 (where a page is 4096 bytes), give the port as many RX queues as its peer has TX queues, or attach generic"
            }
            Error::ZeroCopyRefused { is_multi_buffer: true, .. } => {
                "with an MTU longer than a frame of the UMEM holds, it takes a driver that has zero-copy for frames of several buffers (`xdp-zc-max-segs` above 1); lower the MTU, or let the kernel copy with `zero_copy = \"auto\"`"
            }
            Error::ZeroCopyRefused { source, .. } if source.raw_os_error() == Some(libc::EINVAL) => {
                "the driver has zero-copy, but not like this: virtio-net needs a device with `iommu_platform=on`, others a lower MTU or `frame_bytes = 4096`; with `zero_copy = \"auto\"` the kernel copies"
            }
            Error::ZeroCopyRefused { .. } => {
                "use a driver that has zero-copy (virtio-net: Linux 6.18), or let the kernel copy with `zero_copy = \"auto\"`"
            }
            Error::QueueBusy { .. } => "stop the other engine or the other user of AF_XDP on this port",
            Error::LockedMemory { .. } => {
                "grant CAP_IPC_LOCK, or raise the limit with LimitMEMLOCK or `ulimit -l`"
            }
            Error::System { .. } => "see the kernel log",
        }
    }

    /// Sorts what the kernel answered to `action` on `subject` into the variants above.
    pub(crate) fn from_cause(
        action: &'static str,
        subject: &str,
        cause: &(dyn error::Error + 'static),
    ) -> Error {
        match errno(cause) {
            Some(code @ (libc::EPERM | libc::EACCES)) => {
                Error::MissingCapability { action, source: io::Error::from_raw_os_error(code) }
            }
            Some(libc::EAFNOSUPPORT) => Error::NoAfXdp,
            _ => Error::System { action: format!("{action} {subject}"), detail: chain(cause) },
        }
    }
}

/// The operating system's error number at the bottom of an error.
pub(crate) fn errno(error: &(dyn error::Error + 'static)) -> Option<i32> {
    let io_errno = |error: &(dyn error::Error + 'static)| error.downcast_ref::<io::Error>()?.raw_os_error();
    std::iter::successors(Some(error), |error| error.source()).find_map(io_errno)
}

/// An error and all its causes on one line.
fn chain(error: &(dyn error::Error + 'static)) -> String {
    let mut messages: Vec<String> = Vec::new();
    for cause in std::iter::successors(Some(error), |error| error.source()) {
        let message = cause.to_string();
        if !messages.iter().any(|known| known.contains(&message)) {
            messages.push(message);
        }
    }
    messages.join(": ")
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Config { reason } => f.write_str(reason),
            Error::NoInterface { interface } => write!(f, "there is no interface {interface}"),
            Error::QueueMismatch { ports: [(inside, inside_queues), (outside, outside_queues)] } => {
                write!(f, "{inside} has {inside_queues} RX queues, but {outside} has {outside_queues}")
            }
            Error::MtuMismatch { ports: [(inside, inside_bytes), (outside, outside_bytes)] } => {
                write!(f, "{inside} has an MTU of {inside_bytes} bytes, but {outside} of {outside_bytes}")
            }
            Error::MtuTooLong { ports: [inside, outside], mtu_bytes } => {
                write!(
                    f,
                    "{inside} and {outside} have an MTU of {mtu_bytes} bytes, but at most {} can be carried",
                    limits::MTU_BYTES_MAX
                )
            }
            Error::NoBridge { ports: [inside, outside] } => {
                write!(f, "to forward without an engine, {inside} and {outside} must be ports of one bridge, and not both isolated")
            }
            Error::Bridged { ports: [inside, outside] } => {
                write!(f, "to drop without an engine, {inside} and {outside} must not be ports of one bridge that joins them")
            }
            Error::FleetingPins => f.write_str(
                "to drop without an engine, its programs have to outlive it, but the BPF file system on /sys/fs/bpf here ends with this command",
            ),
            Error::NarrowFrames { interface, driver, usable_bytes } => {
                write!(
                    f,
                    "in zero-copy, the driver of {interface} ({driver}) uses {usable_bytes} bytes of a frame of the UMEM, too few for its MTU"
                )
            }
            Error::ForeignProgram { interface, id, name } => {
                let name = if name.is_empty() { "without a name" } else { name };
                write!(f, "{interface} already carries another XDP program: {name} (id {id})")
            }
            Error::OtherLink { interface, link, has_engine } => {
                let engine = if *has_engine { ", and an engine works on it" } else { "" };
                write!(f, "{interface} is a port of link {link} already{engine}")
            }
            Error::MissingCapability { action, source } => write!(f, "not allowed to {action}: {source}"),
            Error::NoAfXdp => f.write_str("this kernel has no AF_XDP"),
            Error::NoBpffs { source } => write!(f, "no BPF file system on /sys/fs/bpf: {source}"),
            Error::OpenDirectory { directory } => {
                write!(f, "everybody may change what is in {}", directory.display())
            }
            Error::ForeignDirectory { directory, user } => {
                write!(f, "user {user} has taken the place of {}", directory.display())
            }
            Error::NativeRefused { interface, source } => {
                write!(f, "the driver of {interface} refuses the XDP program: {source}")
            }
            Error::ZeroCopyRefused { interface, queue, source, .. } => {
                write!(f, "{interface} refuses zero-copy on queue {queue}: {source}")
            }
            Error::QueueBusy { interface, queue } => {
                write!(f, "queue {queue} of {interface} belongs to another AF_XDP socket")
            }
            Error::LockedMemory { umem_bytes } => {
                write!(f, "may not lock the {umem_bytes} bytes of a UMEM")
            }
            Error::System { action, detail } => write!(f, "cannot {action}: {detail}"),
        }
    }
}

impl error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_to_take_the_program_of_an_engine_off_by_force() {
        let hint =
            |name: &str| Error::ForeignProgram { interface: "eth1".into(), id: 7, name: name.into() }.hint();
        for port in [crate::Port::Inside, crate::Port::Outside] {
            let own = hint(crate::programs::name(port));
            assert!(own.contains("`weir detach`") && !own.contains("xdp off"), "{own}");
        }
        assert!(hint("flood").contains("xdp off"));
    }

    #[test]
    fn nobody_is_told_to_detach_a_link_that_an_engine_works_on() {
        let error =
            |has_engine| Error::OtherLink { interface: "eth1".into(), link: "lan".into(), has_engine };
        assert!(!error(true).hint().contains("detach") && error(false).hint().contains("`weir detach LINK`"));
        assert_eq!(error(true).to_string(), "eth1 is a port of link lan already, and an engine works on it");
    }

    #[test]
    fn a_refused_privilege_is_told_from_other_errors() {
        let refused = io::Error::from_raw_os_error(libc::EPERM);
        assert!(Error::from_cause("load the program", "p", &refused).is_missing_capability());
        let other = io::Error::from_raw_os_error(libc::ENOMEM);
        let error = Error::from_cause("load the program", "p", &other);
        assert!(!error.is_missing_capability());
        assert!(error.to_string().starts_with("cannot load the program p: "), "{error}");
    }
}
