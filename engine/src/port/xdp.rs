//! A queue of AF_XDP sockets: what a worker runs with.

use af_xdp::{Action, Port, Queue, RxBatch};
use dataplane::verdict::Verdict;

use super::{Applied, Batch, PacketIo};

impl PacketIo for Queue {
    type Batch<'q> = RxBatch<'q>;

    fn receive(&mut self, port: Port) -> RxBatch<'_> {
        Queue::receive(self, port)
    }

    fn inject(&mut self, port: Port, frame: &[u8]) -> bool {
        Queue::inject(self, port, frame)
    }

    fn flush(&mut self) {
        Queue::flush(self);
    }
}

impl Batch for RxBatch<'_> {
    fn len(&self) -> usize {
        RxBatch::len(self)
    }

    fn frame(&mut self, index: usize) -> &mut [u8] {
        RxBatch::frame(self, index)
    }

    fn apply(self, verdicts: &[Verdict]) -> Applied {
        let applied = RxBatch::apply_with(self, |index| match verdicts[index] {
            Verdict::Forward => Action::Forward,
            Verdict::Drop(_) | Verdict::Reset(_) => Action::Recycle,
        });
        Applied { forwarded: applied.forwarded as u64, refused: applied.tx_full as u64 }
    }
}
