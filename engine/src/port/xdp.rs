//! A queue of AF_XDP sockets: what a worker runs with.

use af_xdp::{Action, LentFrame, Port, Queue, RxBatch, SettledCounts, SettledFlows, SettledKey};
use dataplane::flow::{Elsewhere, FlowRecord};
use dataplane::pipeline::{Handling, LeavingFlow, Side};
use dataplane::verdict::Verdict;

use super::{Applied, Batch, PacketIo};

impl PacketIo for Queue {
    type Batch<'q> = RxBatch<'q>;
    type Lent = LentFrame;

    fn receive(&mut self, port: Port) -> RxBatch<'_> {
        Queue::receive(self, port)
    }

    fn inject_all(&mut self, port: Port, frames: &[&[u8]]) -> bool {
        Queue::inject_all(self, port, frames)
    }

    fn give_back(&mut self, lent: LentFrame, verdict: Verdict) -> bool {
        Queue::give_back(self, lent, action(verdict))
    }

    fn flush(&mut self) {
        Queue::flush(self);
    }

    fn settle(&mut self, flow: &FlowRecord, handling: Handling) -> bool {
        enter(self.settled(), flow, handling)
    }

    fn unsettle(&mut self, flows: &mut [LeavingFlow], now_ns: u64) {
        if let Some(settled) = self.settled() {
            settled.take_all(
                flows,
                |flow| key(flow.record()),
                |flow, counts| flow.account(&elsewhere(counts, now_ns)),
            );
        }
    }
}

/// Has the XDP programs handle the frames of a flow; false where they cannot, or do already.
pub(crate) fn enter(settled: Option<&mut SettledFlows>, flow: &FlowRecord, handling: Handling) -> bool {
    let (Some(key), Some(settled)) = (key(flow), settled) else { return false };
    settled.insert(&key, told(handling))
}

/// Has the XDP programs handle the frames of a flow no longer, whatever they did with them.
pub(crate) fn remove(settled: Option<&mut SettledFlows>, flow: &FlowRecord) {
    if let (Some(key), Some(settled)) = (key(flow), settled) {
        settled.take(&key);
    }
}

/// Enters what the XDP programs did with the frames of flows until `now_ns` since the epoch. They go on.
pub(crate) fn look_up(settled: Option<&SettledFlows>, flows: &mut [LeavingFlow], now_ns: u64) {
    let Some(settled) = settled else { return };
    for flow in flows {
        if let Some(counts) = key(flow.record()).and_then(|key| settled.counts(&key)) {
            flow.account(&elsewhere(counts, now_ns));
        }
    }
}

fn elsewhere(counts: SettledCounts, now_ns: u64) -> Elsewhere {
    let last_ns = counts.idle_ns.map(|idle_ns| now_ns.saturating_sub(idle_ns));
    Elsewhere { frames: counts.frames, bytes: counts.bytes, last_ns }
}

/// A flow as the XDP programs name it. Its client is the source, as the counts begin with those to the server.
fn key(flow: &FlowRecord) -> Option<SettledKey> {
    SettledKey::new(flow.protocol, flow.client, flow.server, &flow.vlans.ids())
}

/// The client is the source of the keys.
fn told(handling: Handling) -> af_xdp::Handling {
    let port = |side| match side {
        Side::Inside => Port::Inside,
        Side::Outside => Port::Outside,
    };
    match handling {
        Handling::Drop => af_xdp::Handling::Drop,
        Handling::PassOn { client_side } => af_xdp::Handling::PassOn { source_port: client_side.map(port) },
    }
}

fn action(verdict: Verdict) -> Action {
    match verdict {
        Verdict::Forward => Action::Forward,
        // What is held is a copy.
        Verdict::Hold | Verdict::Drop(_) | Verdict::Reset(_) => Action::Recycle,
    }
}

impl Batch for RxBatch<'_> {
    type Lent = LentFrame;

    fn len(&self) -> usize {
        RxBatch::len(self)
    }

    fn frame(&mut self, index: usize) -> &mut [u8] {
        RxBatch::frame(self, index)
    }

    fn lend(&mut self, index: usize) -> LentFrame {
        RxBatch::lend(self, index)
    }

    fn apply(self, verdicts: &[Verdict]) -> Applied {
        let mut verdicts = verdicts.iter();
        let applied = RxBatch::apply_with(self, |_| {
            action(*verdicts.next().expect("each frame that was not lent has a verdict"))
        });
        Applied { forwarded: applied.forwarded as u64, refused: applied.tx_full as u64 }
    }
}
