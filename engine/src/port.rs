//! Where frames come from and go to: the seam between a worker and its queue.

mod counters;
mod memory;
pub(crate) mod xdp;

pub use af_xdp::Port;
use dataplane::flow::FlowRecord;
use dataplane::pipeline::{Handling, LeavingFlow};
use dataplane::verdict::Verdict;

pub use self::counters::{LinkCounters, PortCounters};
pub use self::memory::MemoryQueue;

/// What became of a batch, in frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// On their way out of the other port.
    pub forwarded: u64,
    /// To be forwarded, but the other port had no room.
    pub refused: u64,
}

/// One queue of both ports of a link, owned by one worker.
pub trait PacketIo {
    /// The frames that [`receive`](PacketIo::receive) hands out.
    type Batch<'q>: Batch<Lent = Self::Lent>
    where
        Self: 'q;

    /// A frame that was taken out of a batch to be judged by another worker, with its bytes.
    type Lent: AsMut<[u8]> + Send;

    /// Takes the frames that wait at `port`, up to a batch; none is an empty batch.
    fn receive(&mut self, port: Port) -> Self::Batch<'_>;

    /// Sends a frame of our own. Whether it could be sent.
    fn inject(&mut self, port: Port, frame: &[u8]) -> bool {
        self.inject_all(port, &[frame])
    }

    /// Sends frames of our own, in order, all or none of them. Whether they could be sent.
    fn inject_all(&mut self, port: Port, frames: &[&[u8]]) -> bool;

    /// Takes in a frame that was lent, and answers it. False where it was to be forwarded and the other port had no room.
    fn give_back(&mut self, lent: Self::Lent, verdict: Verdict) -> bool;

    /// Makes sure that what was handed out leaves.
    fn flush(&mut self);

    /// From now on, frames of this flow are handled so and counted before they are received, but for those that begin or
    /// end a connection. False where that cannot be.
    fn settle(&mut self, flow: &FlowRecord, handling: Handling) -> bool;

    /// From now on, frames of these flows, which were settled, are received again; it is `now_ns` since the epoch. Enters
    /// in each what was done with it.
    fn unsettle(&mut self, flows: &mut [LeavingFlow], now_ns: u64);
}

/// Frames just received. They belong to the batch: what is not applied is discarded.
pub trait Batch {
    /// See [`PacketIo::Lent`].
    type Lent;

    /// How many were received.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of one frame, below [`len`](Batch::len), that was not lent.
    fn frame(&mut self, index: usize) -> &mut [u8];

    /// Takes a frame out. Its queue must get it back.
    fn lend(&mut self, index: usize) -> Self::Lent;

    /// Answers the frames that were not lent, one verdict each, in order.
    fn apply(self, verdicts: &[Verdict]) -> Applied;
}
