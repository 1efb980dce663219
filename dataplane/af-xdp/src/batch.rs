//! Frames just received: answered once, all together, or given back.

use crate::{LentFrame, Port, Queue};

/// The answer to one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send it out of the other port, from where it lies.
    Forward,
    /// Give its memory back to be received into.
    Recycle,
}

/// What became of the frames of a batch; the three add up to its length, less the frames lent.
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

    /// How many frames were received, at most [`BATCH_FRAMES_MAX`](crate::limits::BATCH_FRAMES_MAX).
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
    /// If `index` is not below [`len`](Self::len), or if the frame was lent.
    pub fn frame(&mut self, index: usize) -> &mut [u8] {
        self.queue.frames_mut().bytes_mut(index)
    }

    /// Takes a frame out, to be judged by somebody else and brought back by [`Queue::give_back`]. It counts among the
    /// frames that its port has to receive into: who lends more than [`Queue::lent_max`] starves the port.
    ///
    /// # Panics
    ///
    /// If `index` is not below [`len`](Self::len), or if the frame was lent.
    pub fn lend(&mut self, index: usize) -> LentFrame {
        let port = self.port;
        self.queue.frames_mut().lend(index, port)
    }

    /// Answers every frame: the actions stand in the order of the frames; those of lent ones mean nothing. Call [`Queue::flush`] to send.
    ///
    /// # Panics
    ///
    /// If there is not exactly one action for each frame.
    pub fn apply(self, actions: &[Action]) -> Applied {
        assert_eq!(actions.len(), self.len(), "one action for each frame");
        self.apply_with(|index| actions[index])
    }

    /// Answers every frame that was not lent, by its index, in order. Call [`Queue::flush`] to send.
    pub fn apply_with(self, mut action: impl FnMut(usize) -> Action) -> Applied {
        let mut recycled = 0;
        let forward = |index| {
            let is_forward = action(index) == Action::Forward;
            recycled += usize::from(!is_forward);
            is_forward
        };
        let (forwarded, tx_full) = self.queue.answer(forward, self.port.other());
        Applied { forwarded, recycled, tx_full }
    }
}

impl Drop for RxBatch<'_> {
    fn drop(&mut self) {
        self.queue.recycle();
    }
}
