//! What becomes of a frame, and of its flow, once it was read or could not be.

use flow_table::FlowId;

use super::tracked::Inspection;
use super::{FOUND, Pipeline, Resets, RxMeta};
use crate::decode::{Glimpse, Packet};
use crate::event::{Dropped, Event, EventSink, Owner};
use crate::inspect::Objection;
use crate::policy::{BypassCause, Disposition, Exception};
use crate::verdict::{DropReason, Verdict};

/// The verdict on a frame, and why nothing that follows in its flow is looked at, where that is so.
pub(super) struct Answer {
    pub(super) verdict: Verdict,
    pub(super) exempt: Option<BypassCause>,
}

impl From<Verdict> for Answer {
    fn from(verdict: Verdict) -> Answer {
        Answer { verdict, exempt: None }
    }
}

impl Pipeline {
    /// What the content of a packet makes of it, and of its flow: what speaks against it first decides, as it would if the
    /// stream had been cut behind it.
    #[inline]
    pub(super) fn decide(&mut self, id: FlowId, packet: &Packet<'_>) -> Answer {
        if self.findings.has_objections() { self.weigh(id, packet) } else { Verdict::Forward.into() }
    }

    #[cold]
    fn weigh(&mut self, id: FlowId, packet: &Packet<'_>) -> Answer {
        for objection in self.findings.objections() {
            let answer = match objection {
                Objection::Cause(cause) => self.except(id, cause, packet),
                Objection::Rule(action) => {
                    let asked = self.settings.verdict_of_rule(action);
                    self.block_flow(id, asked, packet).into()
                }
            };
            if answer.verdict != Verdict::Forward || answer.exempt.is_some() {
                return answer;
            }
        }
        Verdict::Forward.into()
    }

    /// The answer to a frame of a flow that a cause other than a rule speaks against.
    pub(super) fn except(&mut self, id: FlowId, cause: DropReason, packet: &Packet<'_>) -> Answer {
        if cause != DropReason::FlowBlocked {
            self.flows.value_mut(id).expect(FOUND).met.add(cause);
        }
        let exempt = match self.settings.exception_for(cause) {
            Exception::DropPacket => return Verdict::Drop(cause).into(),
            Exception::DropFlow => return self.block_flow(id, Verdict::Drop(cause), packet).into(),
            Exception::Reject => return self.block_flow(id, Verdict::Reset(cause), packet).into(),
            Exception::PassPacket | Exception::Ignore => None,
            Exception::PassFlow => Some(BypassCause::PassFlow),
            Exception::Bypass => Some(BypassCause::Exception),
        };
        self.counters.excepted[cause as usize] += 1;
        Answer { verdict: Verdict::Forward, exempt }
    }

    /// Whether a segment is inspected though its sender is on the other side of the link.
    pub(super) fn admits_wrong_side(&mut self, id: FlowId) -> bool {
        let is_admitted = self.settings.exception_for(DropReason::WrongSide) == Exception::Ignore;
        if is_admitted {
            let tracked = self.flows.value_mut(id).expect(FOUND);
            tracked.excuse(DropReason::WrongSide, &mut self.counters);
        }
        is_admitted
    }

    /// The verdict on a frame that belongs to no flow. What it tells of itself is only looked at for an event.
    pub(super) fn refuse_flowless<S: EventSink>(
        &mut self,
        cause: DropReason,
        frame: &[u8],
        meta: RxMeta,
        sink: &mut S,
    ) -> Verdict {
        // Of a threat, the flow that is dropped is none yet.
        if !matches!(self.settings.exception_for(cause), Exception::DropPacket | Exception::DropFlow) {
            self.counters.excepted[cause as usize] += 1;
            return Verdict::Forward;
        }
        let verdict = Verdict::Drop(cause);
        if !self.flowless.may_tell(meta.now_ns) {
            self.counters.drops_untold += 1;
            return verdict;
        }
        sink.emit(Event::Drop(Dropped {
            now_ns: meta.now_ns,
            owner: Owner::Nobody {
                link: meta.link,
                glimpse: &Glimpse::of(frame, meta.wire_bytes, meta.link_type),
            },
            side: meta.side,
            reason: cause,
            threat: self.refused_for.filter(|_| cause == DropReason::Threat),
            reset: false,
            wire_bytes: meta.wire_bytes,
        }));
        verdict
    }

    /// Nothing of a flow will be looked at any more: the parser says what is left.
    pub(super) fn finish_reading<S: EventSink>(&mut self, id: FlowId, now_ns: u64, sink: &mut S) {
        let Pipeline { flows, rules, findings, parsers, threats, transfers, .. } = self;
        let mut inspection = Inspection { rules, findings, parsers, threats, transfers, sink, now_ns };
        flows.value_mut(id).expect(FOUND).finish(&mut inspection);
    }

    /// From now on nothing of a flow passes. The verdict on the frame at hand: nobody is reset who cannot be reached.
    fn block_flow(&mut self, id: FlowId, asked: Verdict, packet: &Packet<'_>) -> Verdict {
        let Some(reason) = asked.reason() else { return asked };
        let tracked = self.flows.value_mut(id).expect(FOUND);
        let verdict = match asked {
            Verdict::Reset(reason) if tracked.connection.is_none() || !Resets::reach(packet) => {
                Verdict::Drop(reason)
            }
            verdict => verdict,
        };
        let (reset, epoch) = (matches!(verdict, Verdict::Reset(_)), self.rules.epoch());
        tracked.disposition = Disposition::Blocked { reason, reset, epoch };
        tracked.release(&mut self.memory, &mut self.rules);
        verdict
    }
}
