//! Which new flows are let in: flows of which only one end was heard never take more than their share, and never the
//! place of one that is established.

use std::net::{IpAddr, Ipv6Addr};

use flow_table::{FlowId, FlowKey, Vlans};

use super::Pipeline;
use super::live_flow::words_of;
use super::tracked::Tracked;
use crate::event::{EventSink, FlowEndCause};
use crate::verdict::DropReason;

impl Pipeline {
    /// Lets a new flow in, as half-open. Where its source has as many of these as it may, the oldest of that source makes
    /// room; where all of them have used up their share, or the table is full, the oldest of all. A flood drives out
    /// itself, and whoever comes meanwhile stays for as long as the flood takes to fill the share once. One in a single
    /// source's name fills only what that source may have, and refuses nothing to whose name it is.
    ///
    /// # Errors
    /// [`DropReason::FlowTableFull`] where all that the table holds are established, or whoever would make room
    /// [cannot leave](Pipeline::may_leave).
    pub(super) fn admit<S: EventSink>(
        &mut self,
        key: FlowKey,
        mut tracked: Tracked,
        now_ns: u64,
        sink: &mut S,
    ) -> Result<FlowId, DropReason> {
        let source = self.source_hash(&tracked);
        if !self.is_in_share_of_source(source) {
            let oldest = self.flows.oldest_half_open_of(source);
            self.evict(oldest, FlowEndCause::HalfOpenSourceEvicted, now_ns, sink)?;
        }
        if self.flows.half_open() >= self.settings.half_open_max() {
            self.evict(self.flows.oldest_half_open(), FlowEndCause::HalfOpenEvicted, now_ns, sink)?;
        }
        if self.flows.len() == self.flows.capacity() {
            self.expire(self.newest_ns, sink);
        }
        if self.flows.len() == self.flows.capacity() {
            self.evict(self.flows.oldest_half_open(), FlowEndCause::HalfOpenEvicted, now_ns, sink)?;
        }
        let state = tracked.state();
        let timeout_ns = tracked.timeout_ns_in(state, &self.settings.timeouts);
        let deadline_ns = self.newest_ns.saturating_add(timeout_ns);
        tracked.is_half_open = true;
        let words = words_of(&tracked, state);
        let id = self.flows.insert(key, tracked, words, deadline_ns);
        let id = id.map_err(|_full| DropReason::FlowTableFull)?;
        self.flows.begin_half_open(id, source);
        Ok(id)
    }

    /// Whether a flow that was here before can come back without another's making room.
    pub(super) fn has_place_for(&self, tracked: &Tracked) -> bool {
        let is_in_share = !tracked.is_half_open
            || self.flows.half_open() < self.settings.half_open_max()
                && self.is_in_share_of_source(self.source_hash(tracked));
        is_in_share && self.flows.len() < self.flows.capacity()
    }

    /// Whether a source may have one more without another's making room.
    fn is_in_share_of_source(&self, source: u64) -> bool {
        let max = self.settings.half_open_per_source_max;
        max == 0 || self.flows.half_open_of(source) < max
    }

    /// Enters a flow that was here before, or at another pipeline, and [has a place](Pipeline::has_place_for): a half-open one
    /// as such.
    pub(super) fn restore(&mut self, key: FlowKey, tracked: Tracked, deadline_ns: u64) {
        let half_open_source = tracked.is_half_open.then(|| self.source_hash(&tracked));
        let words = words_of(&tracked, tracked.state());
        let id = self.flows.insert(key, tracked, words, deadline_ns).expect("there is room");
        if let Some(source) = half_open_source {
            self.flows.begin_half_open(id, source);
        }
    }

    fn evict<S: EventSink>(
        &mut self,
        oldest: Option<FlowId>,
        cause: FlowEndCause,
        now_ns: u64,
        sink: &mut S,
    ) -> Result<(), DropReason> {
        let Some(oldest) = oldest else { return Ok(()) };
        self.may_leave(oldest)?;
        self.counters.half_open_evicted += 1;
        self.counters.half_open_source_evicted += u64::from(cause == FlowEndCause::HalfOpenSourceEvicted);
        self.end(oldest, cause, now_ns, sink);
        Ok(())
    }

    /// Names the source of a flow. One of IPv6 is a /64: that is the least that a site has (RFC 6177 §2), and who has one
    /// has all its addresses. Who speaks from the other side of the link is another one: nobody out there uses up what a
    /// host in here may have.
    fn source_hash(&self, tracked: &Tracked) -> u64 {
        let address = match tracked.record.client.0 {
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
            v4 => v4,
        };
        let end = (address, tracked.client_side().map_or(0, |side| 1 + side as u16));
        self.flows.hash(&FlowKey::new(0, end, end, Vlans::default(), tracked.record.link).0)
    }
}
