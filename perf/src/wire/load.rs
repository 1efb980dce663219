//! A steady load of small UDP frames from the client, whose sender gives its core to whoever comes before it.
//!
//! The [flood](super::flood) keeps its rate inside the kernel, where nothing on its core comes before it: round trips measured
//! beside it would wait for it, and that only where a contestant answers from another core.

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::sys::socket::{setsockopt, sockopt::UdpGsoSegment};

use super::lab::{CLIENT, Lab, NOBODY};
use crate::measure::pin;

/// Discard (RFC 863).
const PORT: u16 = 9;
/// Payload of a frame of 60 bytes.
const DATAGRAM_BYTES: usize = 60 - 14 - 20 - 8;
/// Bursts a second at most: above that many frames a second, several leave at once.
const BURSTS_PER_S_MAX: u64 = 20_000;
/// The kernel's `UDP_MAX_SEGMENTS` before Linux 6.9.
const FRAMES_PER_BURST_MAX: u64 = 64;

/// A load under way; ended when dropped.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    sender: Option<JoinHandle<Result<f64>>>,
}

impl Load {
    /// Sends `pps` frames a second from `core` until it is ended; as many as it can where that is less.
    pub(crate) fn start(lab: &Lab, core: usize, pps: u64) -> Result<Load> {
        let stop = Arc::new(AtomicBool::new(false));
        // A socket belongs to the namespace of the thread that opened it, whoever uses it.
        let opened = thread::scope(|scope| scope.spawn(|| open(lab)).join());
        let socket = opened.expect("opening a socket does not panic")?;
        let sender = thread::spawn({
            let stop = Arc::clone(&stop);
            move || {
                pin(Some(core))?;
                send(&socket, pps, &stop)
            }
        });
        Ok(Load { stop, sender: Some(sender) })
    }

    /// Ends it; returns the frames a second that were sent, in millions.
    pub(crate) fn finish(mut self) -> Result<f64> {
        self.stop.store(true, Relaxed);
        let sender = self.sender.take().expect("only this takes it");
        sender.join().expect("sending does not panic")
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
    }
}

fn open(lab: &Lab) -> Result<UdpSocket> {
    lab.enter("client")?;
    let socket = UdpSocket::bind((CLIENT, 0)).context("no load can be sent")?;
    socket.connect((NOBODY, PORT))?;
    setsockopt(&socket, UdpGsoSegment, &(DATAGRAM_BYTES as i32)).context("no bursts can be sent")?;
    Ok(socket)
}

fn send(socket: &UdpSocket, pps: u64, stop: &AtomicBool) -> Result<f64> {
    let frames_per_burst = pps.div_ceil(BURSTS_PER_S_MAX).clamp(1, FRAMES_PER_BURST_MAX);
    let interval = Duration::from_secs(frames_per_burst) / u32::try_from(pps)?;
    let burst = vec![0; DATAGRAM_BYTES * frames_per_burst as usize];
    let (started, mut sent, mut due) = (Instant::now(), 0, Instant::now());
    while !stop.load(Relaxed) {
        while Instant::now() < due {
            std::hint::spin_loop();
        }
        socket.send(&burst).context("no load can be sent")?;
        sent += frames_per_burst;
        // Who was held up does not catch up: that would be another load.
        due = (due + interval).max(Instant::now());
    }
    Ok(sent as f64 / started.elapsed().as_secs_f64() / 1e6)
}
