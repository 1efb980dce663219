//! A steady load of small UDP frames from the client, sent by whoever calls often enough.
//!
//! The [flood](super::flood) keeps its rate inside the kernel, where nothing on its core comes before it: round trips measured
//! beside it would wait for it, and that only where a contestant answers from another core.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::sys::socket::{setsockopt, sockopt::UdpGsoSegment};

use super::lab::{CLIENT, Lab, NOBODY};

/// Discard (RFC 863).
const PORT: u16 = 9;
/// Payload of a frame of 60 bytes.
const DATAGRAM_BYTES: usize = 60 - 14 - 20 - 8;
/// Bursts a second at most: of more frames a second, several leave at once.
const BURSTS_PER_S_MAX: u64 = 50_000;
/// The kernel's `UDP_MAX_SEGMENTS` before Linux 6.9.
const FRAMES_PER_BURST_MAX: u64 = 64;

/// A load under way.
pub(crate) struct Load {
    socket: UdpSocket,
    burst: Vec<u8>,
    interval: Duration,
    due: Instant,
    started: Instant,
    sent: u64,
}

impl Load {
    /// A load of `pps` frames a second, above zero, as far as calls come often enough.
    pub(crate) fn new(lab: &Lab, pps: u64) -> Result<Load> {
        let socket =
            lab.within("client", || Ok(UdpSocket::bind((CLIENT, 0))?)).context("no load can be sent")?;
        socket.connect((NOBODY, PORT))?;
        setsockopt(&socket, UdpGsoSegment, &(DATAGRAM_BYTES as i32)).context("no bursts can be sent")?;
        let frames = pps.div_ceil(BURSTS_PER_S_MAX).clamp(1, FRAMES_PER_BURST_MAX);
        let now = Instant::now();
        Ok(Load {
            socket,
            burst: vec![0; DATAGRAM_BYTES * frames as usize],
            interval: Duration::from_secs(frames) / u32::try_from(pps)?,
            due: now,
            started: now,
            sent: 0,
        })
    }

    /// Sends what is due.
    pub(crate) fn send_due(&mut self) -> Result<()> {
        let now = Instant::now();
        if now >= self.due {
            self.socket.send(&self.burst).context("no load can be sent")?;
            self.sent += (self.burst.len() / DATAGRAM_BYTES) as u64;
            // Who was held up for long does not catch up: that would be another load.
            self.due = (self.due + self.interval).max(now - self.interval);
        }
        Ok(())
    }

    /// Frames a second that were sent so far, in millions.
    pub(crate) fn mpps(&self) -> f64 {
        self.sent as f64 / self.started.elapsed().as_secs_f64() / 1e6
    }
}
