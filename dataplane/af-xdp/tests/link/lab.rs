//! Two hosts joined through a third by veth pairs, each in a network namespace of its own; gone when dropped.
//!
//! ```text
//! client (c0) ---- (inside) middle (outside) ---- (s0) server
//! ```

use std::{
    env,
    fs::File,
    io::{self, Read, Write},
    mem,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
    process::{self, Command},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use af_xdp::{LinkConfig, OnEngineLoss};

/// Names the lab in the environment of a child process.
pub(crate) const LAB: &str = "AF_XDP_TEST_LAB";

/// Labs of one process stand one at a time: they have one name.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The name of this process's labs, or of the parent's that started it; also that of the link in them.
pub(crate) fn lab_name() -> String {
    env::var(LAB).unwrap_or_else(|_| format!("xdp-{}", process::id()))
}

/// The network namespace of a host.
pub(crate) fn namespace(host: &str) -> String {
    format!("{}-{host}", lab_name())
}

pub(crate) struct Lab {
    _turn: MutexGuard<'static, ()>,
}

impl Lab {
    /// Lays it out for a test, with `queues` RX and TX queues on every interface. `None`, said loudly, where this
    /// process cannot do AF_XDP.
    pub(crate) fn new(test: &str, queues: u32) -> Option<Lab> {
        if is_skipped(test) {
            return None;
        }
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        remove();
        let lab = Lab { _turn: turn };
        for host in ["client", "middle", "server"] {
            ip(&format!("netns add {}", namespace(host)));
        }
        let middle = namespace("middle");
        for (host, end, port) in [("client", "c0", "inside"), ("server", "s0", "outside")] {
            let host = namespace(host);
            ip(&format!(
                "link add {end} netns {host} numrxqueues {queues} numtxqueues {queues} type veth \
                 peer name {port} netns {middle} numrxqueues {queues} numtxqueues {queues}"
            ));
            ip(&format!("-n {host} link set dev {end} up"));
            ip(&format!("-n {middle} link set dev {port} up"));
        }
        Some(lab)
    }

    /// The link in the middle.
    pub(crate) fn config(&self) -> LinkConfig {
        let mut config = LinkConfig::new(&lab_name(), "inside", "outside");
        // A loaded machine must not look like a lost engine.
        config.heartbeat_timeout_ns = 60_000_000_000;
        config
    }

    /// Sets the MTU of a port and of the host behind it, in bytes.
    pub(crate) fn set_mtu(&self, port: &str, mtu_bytes: u32) {
        let (host, end) = if port == "inside" { ("client", "c0") } else { ("server", "s0") };
        ip(&format!("-n {} link set dev {port} mtu {mtu_bytes}", namespace("middle")));
        ip(&format!("-n {} link set dev {end} mtu {mtu_bytes}", namespace(host)));
    }

    /// Joins the two ports by a bridge, the way around a lost engine.
    pub(crate) fn bridge(&self) {
        let middle = namespace("middle");
        ip(&format!("-n {middle} link add bridge type bridge forward_delay 0 mcast_snooping 0"));
        ip(&format!("-n {middle} link set dev bridge up"));
        for port in ["inside", "outside"] {
            ip(&format!("-n {middle} link set dev {port} master bridge"));
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        remove();
    }
}

fn remove() {
    if std::path::Path::new("/run/netns").join(namespace("middle")).exists() {
        on("middle", || {
            af_xdp::detach_leftover(&lab_name()).expect("pins can be removed");
            // Whoever lets go of it removes the directory of the pins.
            drop(af_xdp::LinkLock::take(&lab_name()).expect("the link can be locked"));
        });
    }
    for host in ["client", "middle", "server"] {
        let _ = Command::new("ip").args(["netns", "del", &namespace(host)]).output();
    }
}

/// Whether this process cannot do AF_XDP; that is said loudly.
pub(crate) fn is_skipped(test: &str) -> bool {
    let obstacle = af_xdp::probe().err();
    if let Some(reason) = &obstacle {
        eprintln!("SKIPPED: {test}: {reason}");
    }
    obstacle.is_some()
}

/// Runs `ip` with these arguments.
pub(crate) fn ip(arguments: &str) {
    let output =
        Command::new("ip").args(arguments.split_whitespace()).output().expect("iproute2 is installed");
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {arguments}: {message}");
}

/// Moves this thread into the namespace of a host for good.
pub(crate) fn enter(host: &str) {
    let namespace = File::open(format!("/run/netns/{}", namespace(host))).expect("the lab stands");
    // SAFETY: takes no pointers, and the descriptor is open.
    let result = unsafe { libc::setns(namespace.as_raw_fd(), libc::CLONE_NEWNET) };
    assert_eq!(result, 0, "{}", io::Error::last_os_error());
}

/// Runs a closure on a thread of its own in the namespace of a host.
pub(crate) fn on<T: Send>(host: &str, run: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            enter(host);
            run()
        });
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// A packet socket on an interface, of the EtherType for experiments, so that nothing else comes in.
pub(crate) struct Wire(File);

/// IEEE 802 local experimental EtherType 1.
const ETHER_TYPE: u16 = 0x88b5;

impl Wire {
    pub(crate) fn new(host: &str, interface: &str) -> Wire {
        on(host, || Wire::open(interface, ETHER_TYPE).expect("a packet socket"))
    }

    /// For packets of IPv4, of which others may come in.
    pub(crate) fn of_ipv4(host: &str, interface: &str) -> Wire {
        on(host, || Wire::open(interface, 0x0800).expect("a packet socket"))
    }

    fn open(interface: &str, ether_type: u16) -> io::Result<Wire> {
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: takes no pointers.
        let fd = unsafe { libc::socket(libc::AF_PACKET, kind, i32::from(ether_type.to_be())) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was just opened, and nobody else holds it.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        let bytes: libc::c_int = 32 << 20;
        let size = mem::size_of_val(&bytes) as libc::socklen_t;
        let option = (&raw const bytes).cast();
        // A receiver that sleeps for a while on a loaded machine must not lose frames.
        // SAFETY: the pointer and the size describe the option's value.
        let result = unsafe { libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, option, size) };
        assert_eq!(result, 0, "{}", io::Error::last_os_error());
        let name = std::ffi::CString::new(interface)?;
        // SAFETY: an all-zero sockaddr_ll is valid.
        let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_protocol = ether_type.to_be();
        // SAFETY: the pointer is to a NUL-terminated string that lives until after the call.
        address.sll_ifindex = unsafe { libc::if_nametoindex(name.as_ptr()) }.cast_signed();
        let length = mem::size_of::<libc::sockaddr_ll>() as libc::socklen_t;
        // SAFETY: the pointer and the length describe the address.
        let result = unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), length) };
        if result == 0 { Ok(Wire(File::from(socket))) } else { Err(io::Error::last_os_error()) }
    }

    pub(crate) fn send(&self, frame: &[u8]) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match (&self.0).write(frame) {
                Ok(length) => return assert_eq!(length, frame.len()),
                Err(error) => assert!(Instant::now() < deadline, "cannot send: {error}"),
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// The next frame, or `None` once `patience` is over.
    pub(crate) fn receive(&self, patience: Duration) -> Option<Vec<u8>> {
        let deadline = Instant::now() + patience;
        let mut frame = vec![0; 16 * 1024];
        loop {
            match (&self.0).read(&mut frame) {
                Ok(length) => {
                    frame.truncate(length);
                    return Some(frame);
                }
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock, "{error}"),
            }
            if Instant::now() >= deadline {
                return None;
            }
            thread::sleep(Duration::from_micros(200));
        }
    }
}

/// A broadcast frame of `length` bytes that carries `number`, also in how it is filled.
pub(crate) fn frame(number: u32, length: usize) -> Vec<u8> {
    let mut frame = vec![0xff; 6];
    frame.extend([2, 0, 0, 0, 0, 9]);
    frame.extend(ETHER_TYPE.to_be_bytes());
    frame.extend(number.to_be_bytes());
    frame.extend((frame.len()..length).map(|at| (at as u32).wrapping_mul(number | 1) as u8));
    frame
}

/// The number that a frame carries.
pub(crate) fn number(frame: &[u8]) -> u32 {
    u32::from_be_bytes(frame[14..18].try_into().expect("four bytes"))
}

/// A worker over every queue of a link, until it is stopped: forwards what `forward` says, and counts.
pub(crate) fn engine_until(
    stop: &AtomicBool,
    queues: &mut [af_xdp::Queue],
    heartbeat: &af_xdp::Heartbeat,
    mut forward: impl FnMut(&mut [u8]) -> bool,
) -> af_xdp::Applied {
    let mut total = af_xdp::Applied::default();
    while !stop.load(Ordering::Relaxed) {
        let mut received = 0;
        for queue in &mut *queues {
            heartbeat.beat(queue.index());
            for port in af_xdp::Port::BOTH {
                let mut batch = queue.receive(port);
                let action =
                    |forward| if forward { af_xdp::Action::Forward } else { af_xdp::Action::Recycle };
                let actions: Vec<_> = (0..batch.len()).map(|at| action(forward(batch.frame(at)))).collect();
                received += actions.len();
                let applied = batch.apply(&actions);
                total.forwarded += applied.forwarded;
                total.recycled += applied.recycled;
                total.tx_full += applied.tx_full;
            }
            queue.flush();
        }
        if received == 0 {
            thread::sleep(Duration::from_micros(100));
        }
    }
    total
}

/// The configuration of a link that passes frames on to the bridge when its engine is lost.
pub(crate) fn fail_open(lab: &Lab) -> LinkConfig {
    lab.bridge();
    let mut config = lab.config();
    config.on_engine_loss = OnEngineLoss::Forward;
    config
}
