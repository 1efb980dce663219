//! Receives until told that nothing more is to come.

use std::io;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use crate::arrivals::Arrivals;

/// How long it may take to notice that nothing more is to come.
const LOOK_UP: Duration = Duration::from_millis(50);

/// What arrives at a socket until `is_over`. A datagram of eight bytes is a number, one that holds the forbidden word is not.
pub(crate) fn receive(
    socket: &UdpSocket,
    forbidden: Option<&str>,
    is_over: impl Fn() -> bool,
) -> io::Result<Arrivals> {
    socket.set_read_timeout(Some(LOOK_UP))?;
    let mut arrivals = Arrivals::default();
    let mut buffer = [0; 2048];
    while !is_over() {
        let datagram = match socket.recv(&mut buffer) {
            Ok(bytes) => &buffer[..bytes],
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                continue;
            }
            Err(error) => return Err(error),
        };
        if forbidden.is_some_and(|word| datagram == word.as_bytes()) {
            arrivals.forbidden();
        } else if let Ok(number) = datagram.try_into() {
            arrivals.number(u64::from_be_bytes(number), Instant::now());
        }
    }
    Ok(arrivals)
}
