//! Round trips of small datagrams between the two ends of the wire, while it carries a load.
//!
//! One thread is both ends and the load, and never sleeps: what waking up costs, most of all on another core of a virtual
//! machine, is no matter of who is in the middle.

use std::io::ErrorKind;
use std::net::UdpSocket;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::lab::{CLIENT, Lab, SERVER};
use super::load::Load;
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

/// Both ends, on one thread.
struct Ends {
    client: UdpSocket,
    server: UdpSocket,
}

/// Asks and answers on `core`, beside `load`: first the load alone, then both, for these `times`.
pub(crate) fn round_trips(
    lab: &Lab,
    core: usize,
    load: Option<&mut Load>,
    times: [Duration; 2],
) -> Result<RoundTrips> {
    // This thread keeps its cores.
    let done = thread::scope(|scope| {
        let pinned = scope.spawn(|| {
            pin(Some(core))?;
            ask_and_answer(lab, load, times)
        });
        pinned.join()
    });
    done.expect("asking does not panic")
}

fn ask_and_answer(lab: &Lab, mut load: Option<&mut Load>, [lead, time]: [Duration; 2]) -> Result<RoundTrips> {
    let ends = Ends::open(lab)?;
    let mut load_goes_on = || load.as_mut().map_or(Ok(()), |load| load.send_due());
    let started = Instant::now();
    while started.elapsed() < lead {
        load_goes_on()?;
    }
    let (mut trips, mut number) = (RoundTrips::default(), 0_u64);
    while started.elapsed() < lead + time {
        number += 1;
        match ends.round_trip(number, &mut load_goes_on)? {
            Some(taken) => trips.times_ns.push(taken.as_nanos() as u64),
            None => trips.lost += 1,
        }
        let done = Instant::now();
        while done.elapsed() < PAUSE {
            load_goes_on()?;
        }
    }
    Ok(trips)
}

impl Ends {
    fn open(lab: &Lab) -> Result<Ends> {
        let server =
            lab.within("server", || Ok(UdpSocket::bind((SERVER, PORT))?)).context("cannot answer")?;
        let client = lab.within("client", || Ok(UdpSocket::bind((CLIENT, 0))?)).context("cannot ask")?;
        client.connect((SERVER, PORT))?;
        Ends::of(client, server)
    }

    fn of(client: UdpSocket, server: UdpSocket) -> Result<Ends> {
        client.set_nonblocking(true)?;
        server.set_nonblocking(true)?;
        Ok(Ends { client, server })
    }

    /// How long the answer to one question took; none where it did not come in time. Late answers to others are passed over.
    fn round_trip(&self, number: u64, mut meanwhile: impl FnMut() -> Result<()>) -> Result<Option<Duration>> {
        let mut question = [0; DATAGRAM_BYTES];
        question[..8].copy_from_slice(&number.to_be_bytes());
        let sent = Instant::now();
        self.client.send(&question).context("cannot ask")?;
        while sent.elapsed() < PATIENCE {
            let mut datagram = [0; DATAGRAM_BYTES];
            if let Some((bytes, from)) = arrived(self.server.recv_from(&mut datagram))? {
                // What can't be sent is a lost answer.
                let _ = self.server.send_to(&datagram[..bytes], from);
            }
            if arrived(self.client.recv(&mut datagram))?.is_some() && datagram == question {
                return Ok(Some(sent.elapsed()));
            }
            meanwhile()?;
        }
        Ok(None)
    }
}

/// What came, if anything did.
fn arrived<T>(received: std::io::Result<T>) -> Result<Option<T>> {
    match received {
        Ok(it) => Ok(Some(it)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error).context("nothing can be received"),
    }
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
    fn an_answer_is_awaited_and_its_absence_noticed() {
        let bind = || UdpSocket::bind("127.0.0.1:0").expect("loopback is there");
        let (client, server, deaf) = (bind(), bind(), bind());
        client.connect(server.local_addr().expect("it is bound")).expect("to the server");
        let ends = Ends::of(client, server).expect("sockets do as told");
        let mut turns = 0;
        let mut meanwhile = || {
            turns += 1;
            Ok(())
        };
        assert!(ends.round_trip(1, &mut meanwhile).expect("no error").is_some());
        ends.client.connect(deaf.local_addr().expect("it is bound")).expect("to the deaf");
        assert_eq!(ends.round_trip(2, &mut meanwhile).expect("no error"), None);
        assert!(turns > 0, "the load goes on while it waits");
    }
}
