//! Sends at an even rate.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::ops::Range;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Source port of the numbered datagrams.
const NUMBERED_PORT: u16 = 1023;
/// Source ports of the forbidden datagrams, one after another and one a millisecond: so a run seldom meets the ports of the
/// one before, whose flows are blocked already.
const FORBIDDEN_PORTS: Range<u16> = 1024..65_000;

/// What was sent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sent {
    /// Numbered datagrams: their numbers are those below.
    pub(crate) numbered: u64,
    /// Datagrams with the forbidden word.
    pub(crate) forbidden: u64,
}

/// Sends `rate` numbered datagrams a second, and beside each one that is forbidden where there is a word for it.
pub(crate) fn send(to: SocketAddr, rate: u32, seconds: u32, forbidden: Option<&str>) -> io::Result<Sent> {
    let socket = bind(to, NUMBERED_PORT)?;
    let interval = Duration::from_secs(1) / rate;
    let (begun, mut sent) = (Instant::now(), Sent::default());
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
    let first = since_epoch.as_millis() % FORBIDDEN_PORTS.len() as u128;
    let mut ports = FORBIDDEN_PORTS.cycle().skip(first as usize);
    for number in 0..u64::from(rate) * u64::from(seconds) {
        let due = begun + interval * u32::try_from(number).expect("a run of minutes at most");
        thread::sleep(due.saturating_duration_since(Instant::now()));
        // An answer to an earlier one that nobody listens may stand in the way once.
        let datagram = number.to_be_bytes();
        socket.send_to(&datagram, to).or_else(|_| socket.send_to(&datagram, to))?;
        sent.numbered += 1;
        if let (Some(word), Some(port)) = (forbidden, ports.next()) {
            bind(to, port)?.send_to(word.as_bytes(), to)?;
            sent.forbidden += 1;
        }
    }
    Ok(sent)
}

fn bind(to: SocketAddr, port: u16) -> io::Result<UdpSocket> {
    match to {
        SocketAddr::V4(_) => UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)),
        SocketAddr::V6(_) => UdpSocket::bind((Ipv6Addr::UNSPECIFIED, port)),
    }
}
