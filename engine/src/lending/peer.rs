//! Another worker of the link, as one worker sees it: four rings, and what is under way in them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use af_xdp::Port;
use dataplane::defrag::Whole;
use dataplane::pipeline::RxMeta;
use dataplane::verdict::Verdict;
use rtrb::{Consumer, Producer, PushError, RingBuffer};

use super::bell::Bell;
use crate::limits::DATAGRAMS_UNDER_WAY_MAX;

/// A frame on its way to the owner of its flow.
pub struct Loan<F> {
    /// The frame.
    pub frame: F,
    /// What its port knew of it.
    pub meta: RxMeta,
    /// When its batch was received.
    pub received: Instant,
}

/// A frame on its way home.
pub struct Answer<F> {
    /// The frame, as it may be sent.
    pub frame: F,
    /// What becomes of it.
    pub verdict: Verdict,
    /// Resets to inject where it came from, behind the frames of its stream that are home already: one that overtook
    /// these would not be in its receiver's order, and be ignored (RFC 5961 §3.2).
    pub resets: Vec<(Port, Vec<u8>)>,
    /// When its batch was received.
    pub received: Instant,
    /// When its verdict was found.
    pub judged: Instant,
}

/// What the others see of a worker.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) bell: Bell,
    /// Lends nothing any more, has all home that it lent, and nothing under way that it handed over.
    pub(super) is_settled: AtomicBool,
}

/// One worker's ends of the six rings between it and another.
///
/// Invariant: `lent` frames are in the two rings of what was lent from here and in the other's hands; it never exceeds the
/// room of either ring. So no push fails, and whoever answers never waits.
pub(super) struct Peer<F> {
    lent_max: usize,
    lent: usize,
    loans_out: Producer<Loan<F>>,
    answers_in: Consumer<Answer<F>>,
    loans_in: Consumer<Loan<F>>,
    answers_out: Producer<Answer<F>>,
    /// Datagrams that were put together by one and are the other's to judge and to send; nothing comes back.
    datagrams_out: Producer<Box<Whole>>,
    datagrams_in: Consumer<Box<Whole>>,
    /// Frames of the datagrams that were handed over from here.
    handed_over: u64,
    /// Of them, those that are in the other's books.
    taken_there: Arc<AtomicU64>,
    /// The other way round.
    taken_here: Arc<AtomicU64>,
    /// Frames that were judged there and found no room to leave here, until the other corrects its books.
    unsent_here: Arc<AtomicU64>,
    /// The other way round.
    unsent_there: Arc<AtomicU64>,
    desk: Arc<Desk>,
    /// Something was left there since the bell was rung.
    is_owed_a_ring: bool,
}

impl<F> Peer<F> {
    /// Both ends of a pair: the first sees the second's desk and the other way round.
    pub(super) fn pair(desks: [&Arc<Desk>; 2], lent_max: usize) -> [Peer<F>; 2] {
        let loans = [(); 2].map(|()| RingBuffer::new(lent_max));
        let answers = [(); 2].map(|()| RingBuffer::new(lent_max));
        let [unsent, taken] = [(); 2].map(|()| [(); 2].map(|()| Arc::new(AtomicU64::new(0))));
        let datagrams = [(); 2].map(|()| RingBuffer::new(DATAGRAMS_UNDER_WAY_MAX));
        let [(loans_there, loans_at_there), (loans_here, loans_at_here)] = loans;
        let [(answers_there, answers_at_there), (answers_here, answers_at_here)] = answers;
        let [(whole_there, whole_at_there), (whole_here, whole_at_here)] = datagrams;
        let peer = |loans, answers, datagrams, here: usize, desk: &Arc<Desk>| {
            let ((loans_out, loans_in), (answers_out, answers_in)) = (loans, answers);
            let (datagrams_out, datagrams_in) = datagrams;
            Peer {
                lent_max,
                lent: 0,
                loans_out,
                answers_in,
                loans_in,
                answers_out,
                datagrams_out,
                datagrams_in,
                handed_over: 0,
                taken_there: Arc::clone(&taken[1 - here]),
                taken_here: Arc::clone(&taken[here]),
                unsent_here: Arc::clone(&unsent[here]),
                unsent_there: Arc::clone(&unsent[1 - here]),
                desk: Arc::clone(desk),
                is_owed_a_ring: false,
            }
        };
        [
            peer(
                (loans_there, loans_at_here),
                (answers_there, answers_at_here),
                (whole_there, whole_at_here),
                0,
                desks[1],
            ),
            peer(
                (loans_here, loans_at_there),
                (answers_here, answers_at_there),
                (whole_here, whole_at_there),
                1,
                desks[0],
            ),
        ]
    }

    /// Whether one more frame may be lent.
    pub(super) fn has_room(&self) -> bool {
        self.lent < self.lent_max
    }

    /// Lends a frame.
    ///
    /// # Panics
    /// Where it has no room.
    pub(super) fn lend(&mut self, loan: Loan<F>) {
        assert!(self.has_room(), "who lends has asked for room");
        self.lent += 1;
        self.is_owed_a_ring = true;
        self.loans_out.push(loan).expect("the ring holds all that may be lent");
    }

    /// Hands a datagram over; returns it where there is no room, or nobody any more.
    pub(super) fn hand_over(&mut self, datagram: Box<Whole>) -> Result<(), Box<Whole>> {
        if self.datagrams_out.is_abandoned() {
            return Err(datagram);
        }
        self.is_owed_a_ring = true;
        let frames = datagram.pieces.len() as u64;
        self.datagrams_out.push(datagram).map_err(|PushError::Full(datagram)| datagram)?;
        self.handed_over += frames;
        Ok(())
    }

    /// The next datagram that was put together there.
    pub(super) fn next_datagram(&mut self) -> Option<Box<Whole>> {
        self.datagrams_in.pop().ok()
    }

    /// Tells the worker that put a datagram together that so many frames are in the books here.
    pub(super) fn tell_taken(&self, frames: u64) {
        self.taken_here.fetch_add(frames, Ordering::Release);
    }

    /// The next frame that comes home.
    pub(super) fn next_answer(&mut self) -> Option<Answer<F>> {
        let answer = self.answers_in.pop().ok()?;
        self.lent -= 1;
        Some(answer)
    }

    /// Tells the owner of a frame that it found no room to leave.
    pub(super) fn tell_unsent(&self) {
        self.unsent_here.fetch_add(1, Ordering::Release);
    }

    /// The next frame that was lent from there.
    pub(super) fn next_loan(&mut self) -> Option<Loan<F>> {
        self.loans_in.pop().ok()
    }

    /// Sends a frame home.
    pub(super) fn answer(&mut self, answer: Answer<F>) {
        self.is_owed_a_ring = true;
        self.answers_out.push(answer).expect("the ring holds all that may be lent");
    }

    /// Frames that were judged here and found no room to leave there, since the last call.
    pub(super) fn take_unsent(&self) -> u64 {
        match self.unsent_there.load(Ordering::Acquire) {
            0 => 0,
            _ => self.unsent_there.swap(0, Ordering::Acquire),
        }
    }

    /// Rings there if something was left since the last call.
    pub(super) fn ring(&mut self) {
        if self.is_owed_a_ring {
            self.is_owed_a_ring = false;
            self.desk.bell.ring();
        }
    }

    /// Whether nothing waits here.
    pub(super) fn is_quiet(&self) -> bool {
        self.answers_in.is_empty() && self.loans_in.is_empty() && self.datagrams_in.is_empty()
    }

    /// Whether all that was lent is home and all that was handed over is taken, or lost with a worker that is gone.
    pub(super) fn is_home(&self) -> bool {
        self.under_way() == 0 || self.is_gone()
    }

    /// Whether nothing will be lent from there any more.
    pub(super) fn is_settled(&self) -> bool {
        self.desk.is_settled.load(Ordering::Acquire) || self.is_gone()
    }

    /// Frames lent that are not home, and frames handed over that were not taken.
    pub(super) fn under_way(&self) -> usize {
        self.lent + (self.handed_over - self.taken_there.load(Ordering::Acquire)) as usize
    }

    /// A worker that is gone left its ends of the rings; what it sent home before is taken first.
    fn is_gone(&self) -> bool {
        self.answers_in.is_abandoned() && self.is_quiet()
    }
}
