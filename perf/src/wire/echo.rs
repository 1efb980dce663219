//! Round trips of small datagrams between two threads, one in the client's and one in the server's namespace.

use std::net::UdpSocket;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::lab::{CLIENT, Lab, SERVER};
use crate::measure::pin;

const PORT: u16 = 7;
const DATAGRAM_BYTES: usize = 64;
/// Between an answer and the next question.
const PAUSE: Duration = Duration::from_micros(500);
/// After that, a datagram is lost.
const PATIENCE: Duration = Duration::from_millis(100);

/// Times of round trips.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RoundTrips {
    /// Of those that came back.
    pub(crate) times_ns: Vec<u64>,
    /// How many did not.
    pub(crate) lost: u64,
}

impl RoundTrips {
    /// The smallest time that `share` of all are not above (nearest rank), in microseconds; none of none.
    pub(crate) fn percentile_us(&self, share: f64) -> Option<f64> {
        let mut sorted = self.times_ns.clone();
        sorted.sort_unstable();
        let rank = (share * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.saturating_sub(1)).map(|time_ns| *time_ns as f64 / 1e3)
    }
}

/// Asks and answers for `time`, both on `core`, before everything else that runs there.
pub(crate) fn round_trips(lab: &Lab, core: usize, time: Duration) -> Result<RoundTrips> {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let (listens, is_listening) = mpsc::channel();
        let server = scope.spawn({
            let stop = &stop;
            move || answer(lab, core, listens, stop)
        });
        // Nothing is ever sent: it returns when the other end is dropped, on failure too.
        let _ = is_listening.recv();
        let client = scope.spawn(|| {
            let asked = ask(lab, core, time);
            stop.store(true, Relaxed);
            asked
        });
        let asked = client.join().expect("asking does not panic");
        server.join().expect("answering does not panic")?;
        asked
    })
}

/// Drops `listens` once it does, and answers until told to stop, looked at after each wait.
fn answer(lab: &Lab, core: usize, listens: Sender<()>, stop: &AtomicBool) -> Result<()> {
    settle_in(lab, "server", core)?;
    let socket = UdpSocket::bind((SERVER, PORT)).context("cannot answer")?;
    socket.set_read_timeout(Some(PATIENCE))?;
    drop(listens);
    let mut datagram = [0; DATAGRAM_BYTES];
    while !stop.load(Relaxed) {
        if let Ok((len, from)) = socket.recv_from(&mut datagram) {
            // What can't be sent is a lost answer, and counted where it is awaited.
            let _ = socket.send_to(&datagram[..len], from);
        }
    }
    Ok(())
}

fn ask(lab: &Lab, core: usize, time: Duration) -> Result<RoundTrips> {
    settle_in(lab, "client", core)?;
    let socket = UdpSocket::bind((CLIENT, 0)).context("cannot ask")?;
    socket.connect((SERVER, PORT))?;
    let mut trips = RoundTrips::default();
    let (started, mut number) = (Instant::now(), 0_u64);
    while started.elapsed() < time {
        number += 1;
        match round_trip(&socket, number)? {
            Some(taken) => trips.times_ns.push(taken.as_nanos() as u64),
            None => trips.lost += 1,
        }
        thread::sleep(PAUSE);
    }
    Ok(trips)
}

/// How long the answer to one question took; none where it did not come in time. Late answers to others are passed over.
fn round_trip(socket: &UdpSocket, number: u64) -> Result<Option<Duration>> {
    let mut datagram = [0; DATAGRAM_BYTES];
    datagram[..8].copy_from_slice(&number.to_be_bytes());
    let sent = Instant::now();
    socket.send(&datagram).context("cannot ask")?;
    while let Some(left) = PATIENCE.checked_sub(sent.elapsed()).filter(|left| !left.is_zero()) {
        socket.set_read_timeout(Some(left))?;
        let mut answer = [0; DATAGRAM_BYTES];
        let is_answer = socket.recv(&mut answer).is_ok() && answer == datagram;
        if is_answer {
            return Ok(Some(sent.elapsed()));
        }
    }
    Ok(None)
}

/// Moves this thread to its namespace and core, and before the flood that it shares the core with.
fn settle_in(lab: &Lab, host: &str, core: usize) -> Result<()> {
    lab.enter(host)?;
    pin(Some(core))?;
    let thread = rustix::thread::gettid().as_raw_nonzero().to_string();
    let status = Command::new("chrt").args(["--fifo", "--pid", "1", &thread]).status();
    ensure!(
        status.context("chrt (util-linux) does not start")?.success(),
        "chrt grants no real-time priority"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As measured between two namespaces, in microseconds, in the order of asking.
    const SAMPLES_US: &str =
        "11.2 9.8 10.1 9.9 10.0 10.4 9.7 35.6 10.2 9.9 10.3 9.8 10.0 10.1 9.9 11.0 10.6 9.8 10.0 212.4";

    fn trips(samples_us: &str) -> RoundTrips {
        let time_ns = |us: &str| (us.parse::<f64>().expect("a number") * 1e3).round() as u64;
        RoundTrips { times_ns: samples_us.split_whitespace().map(time_ns).collect(), lost: 0 }
    }

    #[test]
    fn a_percentile_is_the_sample_of_its_rank() {
        let trips = trips(SAMPLES_US);
        let us = |share| trips.percentile_us(share).expect("there are samples");
        assert_eq!([us(0.5), us(0.95), us(0.99), us(0.999)], [10.0, 35.6, 212.4, 212.4]);
        assert_eq!(us(0.0), 9.7);
        assert_eq!(RoundTrips::default().percentile_us(0.5), None);
    }

    #[test]
    fn one_in_a_hundred_does_not_move_the_99th_percentile() {
        let mut samples = "10.0 ".repeat(99);
        samples.push_str("900.0");
        assert_eq!(trips(&samples).percentile_us(0.99), Some(10.0));
        assert_eq!(trips(&samples).percentile_us(0.999), Some(900.0));
    }

    #[test]
    fn nobody_answers_and_it_is_lost() {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback is there");
        socket.connect(socket.local_addr().expect("it is bound")).expect("to itself");
        assert!(round_trip(&socket, 1).expect("no error").is_some(), "what it says comes back to it");
        let deaf = UdpSocket::bind("127.0.0.1:0").expect("loopback is there");
        socket.connect(deaf.local_addr().expect("it is bound")).expect("to the deaf");
        assert_eq!(round_trip(&socket, 2).expect("no error"), None);
    }
}
