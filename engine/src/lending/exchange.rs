//! One worker's ends of all rings of its link.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use af_xdp::Port;
use af_xdp::limits::BATCH_FRAMES_MAX;
use dataplane::defrag::Whole;
use dataplane::pipeline::RxMeta;
use dataplane::verdict::Verdict;

use super::bell::Bell;
use super::peer::{Answer, Desk, Loan, Peer};
use crate::limits::LENT_FRAMES_MAX;

/// One worker's ends of the rings to all others of its link.
pub struct Exchange<F> {
    index: usize,
    /// In the order of the workers, without this one.
    peers: Vec<Peer<F>>,
    desk: Arc<Desk>,
    lent_total: u64,
}

/// The ends of each worker of a link, of whose frames `lent_max` may be lent at a time.
///
/// # Errors
/// If the process has no descriptor left.
pub fn between<F>(workers: usize, lent_max: usize) -> io::Result<Vec<Exchange<F>>> {
    let lent_max = (lent_max / workers.saturating_sub(1).max(1)).clamp(1, LENT_FRAMES_MAX);
    let mut exchanges = Vec::new();
    for index in 0..workers {
        let desk = Arc::new(Desk { bell: Bell::new()?, is_settled: AtomicBool::new(false) });
        exchanges.push(Exchange { index, peers: Vec::new(), desk, lent_total: 0 });
    }
    for second in 0..workers {
        for first in 0..second {
            let desks = [&exchanges[first].desk, &exchanges[second].desk];
            let [there, here] = Peer::pair(desks, lent_max);
            exchanges[first].peers.push(there);
            exchanges[second].peers.push(here);
        }
    }
    Ok(exchanges)
}

impl<F> Exchange<F> {
    /// This worker among those of the link.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Whether another worker may be lent one more frame.
    ///
    /// # Panics
    /// If `owner` is this worker, or none of the link.
    pub fn has_room(&self, owner: usize) -> bool {
        self.peers[self.slot(owner)].has_room()
    }

    /// Lends a frame to another worker.
    ///
    /// # Panics
    /// Where that one has no room for it.
    pub fn lend(&mut self, owner: usize, loan: Loan<F>) {
        let slot = self.slot(owner);
        self.peers[slot].lend(loan);
        self.lent_total += 1;
    }

    /// Hands a datagram to the worker that owns its flow; returns it where that one has no room.
    ///
    /// # Panics
    /// As [`has_room`](Self::has_room).
    pub fn hand_over(&mut self, owner: usize, datagram: Box<Whole>) -> Result<(), Box<Whole>> {
        let slot = self.slot(owner);
        self.peers[slot].hand_over(datagram)
    }

    /// Takes the datagrams that others put together, and enters them in the books here. How many frames that were.
    pub fn take_datagrams(&mut self, mut take: impl FnMut(Box<Whole>)) -> usize {
        let mut frames = 0;
        for peer in &mut self.peers {
            while let Some(datagram) = peer.next_datagram() {
                let pieces = datagram.pieces.len();
                take(datagram);
                peer.tell_taken(pieces as u64);
                frames += pieces;
            }
        }
        frames
    }

    /// Takes home what has an answer. `send` says of each whether it did as the answer says; where it could not, the owner
    /// will hear of it. How many frames that were.
    pub fn take_home(&mut self, mut send: impl FnMut(Answer<F>) -> bool) -> usize {
        let mut frames = 0;
        for peer in &mut self.peers {
            // More than were lent cannot come.
            while let Some(answer) = peer.next_answer() {
                frames += 1;
                if !send(answer) {
                    peer.tell_unsent();
                }
            }
        }
        frames
    }

    /// Judges what others lent, up to a batch from each, and sends it home. How many frames that were.
    pub fn judge(
        &mut self,
        mut judge: impl FnMut(&mut F, RxMeta) -> (Verdict, Vec<(Port, Vec<u8>)>),
    ) -> usize {
        let mut frames = 0;
        for peer in &mut self.peers {
            for _ in 0..BATCH_FRAMES_MAX {
                let Some(Loan { mut frame, meta, received }) = peer.next_loan() else { break };
                let (verdict, resets) = judge(&mut frame, meta);
                peer.answer(Answer { frame, verdict, resets, received, judged: Instant::now() });
                frames += 1;
            }
        }
        frames
    }

    /// Frames that were judged here, to be forwarded, and could not leave elsewhere: since the last call.
    pub fn take_unsent(&self) -> u64 {
        self.peers.iter().map(Peer::take_unsent).sum()
    }

    /// Wakes those for whom something was left.
    pub fn ring(&mut self) {
        self.peers.iter_mut().for_each(Peer::ring);
    }

    /// From now on the others ring. Whether nothing was left here before: only then may this worker sleep.
    pub fn lie_down(&self) -> bool {
        self.desk.bell.lie_down();
        self.peers.iter().all(Peer::is_quiet)
    }

    /// This worker is awake again.
    pub fn get_up(&self) {
        self.desk.bell.get_up();
    }

    /// Where to sleep: readable once somebody rang.
    pub fn bell(&self) -> BorrowedFd<'_> {
        self.desk.bell.as_fd()
    }

    /// To be asked over and over by a worker that lends no more, while it takes home and judges: whether it may leave,
    /// since all workers of the link have everything home, nothing under way, and lend no more.
    pub fn may_leave(&self) -> bool {
        if self.peers.iter().all(Peer::is_home) {
            self.desk.is_settled.store(true, Ordering::Release);
        }
        self.desk.is_settled.load(Ordering::Relaxed) && self.peers.iter().all(Peer::is_settled)
    }

    /// Frames lent since the start.
    pub fn lent_total(&self) -> u64 {
        self.lent_total
    }

    /// Frames lent that are not home, and frames of datagrams handed over that were not taken.
    pub fn under_way(&self) -> usize {
        self.peers.iter().map(Peer::under_way).sum()
    }

    fn slot(&self, owner: usize) -> usize {
        assert_ne!(owner, self.index, "nobody lends to itself");
        owner - usize::from(owner > self.index)
    }
}
