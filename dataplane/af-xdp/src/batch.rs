//! Frames just received: answered once, all together, or given back.

use crate::{Port, Queue};

/// The answer to one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send it out of the other port, from where it lies.
    Forward,
    /// Give its memory back to be received into.
    Recycle,
}

/// What became of the frames of a batch; the three add up to its length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Frames queued for sending out of the other port.
    pub forwarded: usize,
    /// Frames given back as asked.
    pub recycled: usize,
    /// Frames that should have been sent and were given back, because the other port has its share in sending.
    pub tx_full: usize,
}

/// The frames that one port received last. They go back to be received into when this is dropped unanswered.
#[derive(Debug)]
pub struct RxBatch<'q> {
    queue: &'q mut Queue,
    port: Port,
}

impl<'q> RxBatch<'q> {
    pub(crate) fn new(queue: &'q mut Queue, port: Port) -> RxBatch<'q> {
        RxBatch { queue, port }
    }

    /// The port that received the frames.
    pub fn port(&self) -> Port {
        self.port
    }

    /// How many frames there are, at most [`BATCH_FRAMES_MAX`](crate::limits::BATCH_FRAMES_MAX).
    pub fn len(&self) -> usize {
        self.queue.frames().received()
    }

    /// Whether nothing was received.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of a frame, from its Ethernet header on; what is changed here is what is forwarded.
    ///
    /// # Panics
    ///
    /// If `index` is not below [`len`](Self::len).
    pub fn frame(&mut self, index: usize) -> &mut [u8] {
        self.queue.frames_mut().bytes_mut(index)
    }

    /// Answers every frame: the actions stand in the order of the frames. Call [`Queue::flush`] to send.
    ///
    /// # Panics
    ///
    /// If there is not exactly one action for each frame.
    pub fn apply(self, actions: &[Action]) -> Applied {
        assert_eq!(actions.len(), self.len(), "one action for each frame");
        self.apply_with(|index| actions[index])
    }

    /// Answers every frame by its index. Call [`Queue::flush`] to send.
    pub fn apply_with(self, action: impl Fn(usize) -> Action) -> Applied {
        let len = self.len();
        let (forwarded, tx_full) =
            self.queue.answer(|index| action(index) == Action::Forward, self.port.other());
        Applied { forwarded, recycled: len - forwarded - tx_full, tx_full }
    }
}

impl Drop for RxBatch<'_> {
    fn drop(&mut self) {
        self.queue.recycle();
    }
}
