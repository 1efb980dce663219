//! [`Stream`]: what one direction of a connection has delivered, in order and without a hole.

mod guess;

use super::held::HeldRanges;
use super::retained::{Comparison, Retained};
use super::sequence::{Sequence, Span};
use super::{HeldBudget, Memory, Segment};
use crate::verdict::DropReason;

/// The largest window that a scaled window field can express, in bytes (RFC 7323 §2.3).
pub(super) const WINDOW_BYTES_MAX: u32 = 1 << 30;

/// How far a segment may always stand from the expected place, in bytes: the largest unscaled window.
/// Smaller windows are not enforced, as an advertisement may be on its way still.
pub(super) const WINDOW_BYTES_MIN: u32 = 1 << 16;

/// The longest segment, in bytes, far beyond any IP packet but a jumbogram: keeps one step well below
/// half of the sequence space.
const SEGMENT_BYTES_MAX: u32 = 1 << 20;

/// How far, in bytes, a number may lag behind `next` before its order to it grows doubtful.
const LAG_BYTES_MAX: u32 = 1 << 30;

/// How a stream ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum End {
    /// The stream has not begun.
    #[default]
    Unopened,
    /// Nobody knows yet.
    Open,
    /// A FIN was seen; it stands at this place and has not been reached.
    FinAt(Sequence),
    /// The FIN at this place was delivered.
    Finished(Sequence),
    /// The connection was reset, and the stream's reader has not been told.
    Aborted,
    /// The connection was reset, and the stream's reader knows.
    Reset,
}

/// Length of what the segment carries, in bytes, cut off or not; `None` beyond any sense.
pub(super) fn segment_bytes(segment: &Segment<'_>) -> Option<u32> {
    let payload_bytes = u32::try_from(segment.payload.len()).ok()?;
    payload_bytes.checked_add(segment.missing_bytes).filter(|&bytes| bytes <= SEGMENT_BYTES_MAX)
}

/// One direction of a connection. Everything before `next` was delivered, or given up as a gap.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// What is delivered next.
    next: Sequence,
    /// The highest acknowledgment of the receiver. Behind `next`: the rest is on its way. Ahead of
    /// `next`: the bytes between went by unseen, and become a gap.
    acknowledged: Sequence,
    /// Covers all gaps whose bytes could still arrive.
    skipped: Span,
    /// The largest window that the receiver advertised, in bytes; 0 where none is known.
    window_bytes: u32,
    end: End,
    /// Whether it was picked up, and its receiver has not confirmed where it stands: what one end said of that may be older
    /// than what passed before.
    is_guess: bool,
    /// Whether bytes that lie before all that was read are to be read next, and the stream's reader was not told.
    is_restarted: bool,
    /// Whether it was given up where it stood once, as its receiver stood elsewhere.
    was_misplaced: bool,
    held: HeldRanges,
    /// What was delivered behind `acknowledged`, as far as there was room for it.
    retained: Retained,
    /// How far the sender itself says that it came, in segments that need not have been read.
    sent_until: Sequence,
    /// What the receiver has of the sender's clock (TS.Recent of RFC 7323 §4.3), and whether it has any: apart, as that
    /// takes less room.
    recent_timestamp: u32,
    has_timestamp: bool,
}

/// What goes out of an admitted segment at its turn.
#[derive(Debug)]
pub(super) struct Admitted<'p> {
    pub(super) payload: &'p [u8],
    /// Where `payload` begins.
    pub(super) start: Sequence,
    /// What is absent before this place will never come.
    pub(super) known_until: Sequence,
}

impl Stream {
    /// Begins anew at `next`.
    pub(super) fn open_at(&mut self, next: Sequence) {
        debug_assert!(self.held.is_empty(), "nothing is held before the handshake is answered");
        debug_assert!(self.retained.is_empty(), "nothing was delivered, or it is kept elsewhere");
        self.next = next;
        self.acknowledged = next;
        self.sent_until = next;
        self.skipped = Span::default();
        self.end = End::Open;
        (self.is_guess, self.is_restarted) = (false, false);
    }

    /// Begins anew at `next`, by the word of one end about what went by unseen.
    pub(super) fn guess_at(&mut self, next: Sequence) {
        self.open_at(next);
        self.is_guess = true;
    }

    pub(super) fn next(&self) -> Sequence {
        self.next
    }

    pub(super) fn is_open(&self) -> bool {
        !matches!(self.end, End::Unopened)
    }

    /// Whether nobody knows where it ends.
    fn is_endless(&self) -> bool {
        matches!(self.end, End::Open)
    }

    /// What the receiver expects: what it acknowledged is past, though its gap may not have been reported yet.
    pub(super) fn expected(&self) -> Sequence {
        self.next.later(self.acknowledged)
    }

    pub(super) fn acknowledged(&self) -> Sequence {
        self.acknowledged
    }

    /// Whether nothing was delivered or acknowledged since the stream was opened.
    pub(super) fn is_fresh(&self) -> bool {
        self.next == self.acknowledged
    }

    /// Whether `acknowledgment` answers something that went by: neither older than what the receiver
    /// said before, nor ahead of what was sent (RFC 9293 §3.4, `SND.UNA =< SEG.ACK =< SND.NXT`).
    pub(super) fn has_sent(&self, acknowledgment: Sequence) -> bool {
        !acknowledgment.is_before(self.acknowledged) && !acknowledgment.is_after(self.next)
    }

    /// The sender speaks of a segment that ends at `end`.
    #[inline]
    pub(super) fn note_sent(&mut self, end: Sequence) {
        if end.since(self.expected()).unsigned_abs() <= self.reach_bytes() {
            self.sent_until = end.later(self.sent_until.later(self.next));
        }
    }

    /// Whether the sender takes a segment with this acknowledgment (RFC 5961 §5.2): one that is not older than any that could
    /// still be under way, and of nothing but what it sent, by its own word. Who does not see the connection may guess a place
    /// in the window of one stream, and knows nothing of the other. Where the stream stands in a guess, nobody can tell.
    #[inline]
    pub(super) fn may_be_answered_by(&self, acknowledgment: Sequence) -> bool {
        let is_old = self.acknowledged.since(acknowledgment) > self.reach_bytes().cast_signed();
        self.is_guess || !is_old && !acknowledgment.is_after(self.sent_until.later(self.next))
    }

    /// Whether the receiver takes a segment with this timestamp for an old duplicate (RFC 7323 §5.3, R1). Nothing is
    /// remembered here for the 24 days after which it would not (§5.5).
    pub(super) fn is_stale(&self, timestamp: u32) -> bool {
        self.has_timestamp && timestamp.wrapping_sub(self.recent_timestamp).cast_signed() < 0
    }

    pub(super) fn recent_timestamp(&self) -> Option<u32> {
        self.has_timestamp.then_some(self.recent_timestamp)
    }

    /// The sender's clock as its SYN shows it.
    pub(super) fn start_clock(&mut self, timestamp: Option<u32>) {
        (self.recent_timestamp, self.has_timestamp) = (timestamp.unwrap_or(0), timestamp.is_some());
    }

    /// Notes the timestamp of an admitted segment that covers `span`, where its receiver does: in a segment that holds the
    /// place that it acknowledged last (RFC 7323 §5.3, R3).
    #[inline]
    pub(super) fn note_timestamp(&mut self, timestamp: u32, span: Span) {
        let is_at_edge = !span.start.is_after(self.acknowledged) && !span.end.is_before(self.acknowledged);
        if is_at_edge && !self.is_stale(timestamp) {
            self.start_clock(Some(timestamp));
        }
    }

    /// The receiver advertised that it takes `window_bytes`.
    pub(super) fn advertise(&mut self, window_bytes: u32) {
        self.window_bytes = self.window_bytes.max(window_bytes);
    }

    /// How far from the expected place a segment may stand, in bytes.
    pub(super) fn reach_bytes(&self) -> u32 {
        self.window_bytes.clamp(WINDOW_BYTES_MIN, WINDOW_BYTES_MAX)
    }

    /// The receiver says that it has everything before `acknowledgment`. Numbers that are older than
    /// the last one, or beyond what a window can hold or the sender's end, say nothing.
    pub(super) fn acknowledge(&mut self, acknowledgment: Sequence, memory: &mut Memory) {
        if self.is_guess {
            self.confirm(acknowledgment);
            self.give_up_guess(acknowledgment, memory);
        }
        // Both are measured from `next`, within a quarter of the space on either side of it.
        let ahead_bytes = acknowledgment.since(self.next);
        let is_newer = ahead_bytes > self.acknowledged.since(self.next);
        let is_plausible = ahead_bytes <= WINDOW_BYTES_MAX.cast_signed();
        if is_newer && is_plausible && !self.ends_before(acknowledgment.minus(1)) {
            self.acknowledged = acknowledgment;
            if !self.retained.is_empty() {
                self.retained.forget_before(acknowledgment, &mut memory.retained);
            }
        }
    }

    /// Keeps `bytes`, which are delivered next, until their receiver acknowledges them.
    #[inline]
    pub(super) fn retain(&mut self, bytes: &[u8], memory: &mut Memory) {
        if self.acknowledged.is_after(self.next) {
            return;
        }
        // One that is never acknowledged must not be taken for what follows a whole sequence space later.
        if !self.retained.is_empty()
            && self.next.since(self.retained.span().end).unsigned_abs() > LAG_BYTES_MAX
        {
            self.retained.release(&mut memory.retained);
        }
        self.retained.append(self.next, bytes, &mut memory.retained);
    }

    /// Judges `segment` and takes in what waits of it. A refused segment changes nothing.
    #[inline]
    pub(super) fn admit<'p>(
        &mut self,
        start: Sequence,
        segment: &Segment<'p>,
        is_last: bool,
        memory: &mut Memory,
    ) -> Result<Admitted<'p>, DropReason> {
        let length_bytes = segment_bytes(segment).ok_or(DropReason::OutOfWindow)?;
        let span = Span::new(start, start.plus(length_bytes));
        if self.is_guess && start != self.next {
            self.guess_again(span, segment, is_last, memory)?;
        }
        let is_plain = start == self.next && self.is_endless() && self.is_settled(start);
        let is_in_order = is_plain || self.judge(span, segment, is_last, memory)?;
        if !is_in_order {
            self.held.hold(start, segment.payload, segment.missing_bytes, &mut memory.held)?;
        }
        if is_last && self.is_endless() {
            self.end = End::FinAt(span.end);
        }
        if !is_in_order {
            return Ok(self.nothing());
        }
        Ok(Admitted { payload: segment.payload, start, known_until: span.end })
    }

    /// Whether a segment that covers `span` is acceptable, and begins no later than expected.
    fn judge(
        &self,
        span: Span,
        segment: &Segment<'_>,
        is_last: bool,
        memory: &Memory,
    ) -> Result<bool, DropReason> {
        let base = self.expected();
        let ahead_bytes = span.start.since(base);
        let is_near = ahead_bytes.unsigned_abs() <= self.reach_bytes()
            && Span::new(self.next, span.start).len() <= WINDOW_BYTES_MAX;
        let is_acceptable = is_near
            && !self.is_out_of_guess(span)
            && !self.is_given_up(span)
            && !self.contradicts_end(span, is_last, base);
        if !is_acceptable {
            return Err(DropReason::OutOfWindow);
        }
        self.agrees(span.start, segment.payload, memory)?;
        Ok(ahead_bytes <= 0)
    }

    /// Whether `payload`, which begins at `start`, says what was read first where its receiver may still choose.
    fn agrees(&self, start: Sequence, payload: &[u8], memory: &Memory) -> Result<(), DropReason> {
        let old = self.comparable(start, payload);
        let comparison = self.retained.compare(start, payload, old, &memory.retained);
        if comparison == Comparison::Differs || !self.held.agrees_with(start, payload) {
            return Err(DropReason::OverlapConflict);
        }
        if comparison == Comparison::Unknown {
            return Err(DropReason::OverlapUnverified);
        }
        Ok(())
    }

    /// The part of `payload`, which begins at `start`, that was delivered and whose receiver may still read another copy.
    fn comparable(&self, start: Sequence, payload: &[u8]) -> Span {
        // Payloads are far shorter than the sequence space.
        let known = Span::new(start, start.plus(payload.len() as u32));
        known.overlap(Span::new(self.acknowledged, self.next))
    }

    /// Makes `payload`, which begins at `start`, say what was read first, as far as that is known here.
    pub(super) fn restore(&self, start: Sequence, payload: &mut [u8], memory: &Memory) {
        let old = self.comparable(start, payload);
        self.retained.restore(start, payload, old, &memory.retained);
        self.held.restore(start, payload);
    }

    /// What a segment brings that has no effect.
    pub(super) fn nothing<'p>(&self) -> Admitted<'p> {
        Admitted { payload: &[], start: self.next, known_until: self.next }
    }

    /// Whether a part of `span` was reported as a gap, or is about to be.
    fn is_given_up(&self, span: Span) -> bool {
        let pending = Span::new(self.next, self.acknowledged);
        !span.overlap(self.skipped).is_empty() || !span.overlap(pending).is_empty()
    }

    /// Whether the segment has data beyond the sender's FIN, or sets the FIN elsewhere than an earlier
    /// segment did or in the middle of data.
    fn contradicts_end(&self, span: Span, is_last: bool, base: Sequence) -> bool {
        if let End::FinAt(fin) | End::Finished(fin) = self.end {
            return span.end.is_after(fin) && !span.is_empty() || is_last && span.end != fin;
        }
        let seen_until = self.held.end().map_or(base, |end| end.later(base));
        is_last && span.end.is_before(seen_until)
    }

    /// Whether the sender's FIN stands before `place`.
    fn ends_before(&self, place: Sequence) -> bool {
        matches!(self.end, End::FinAt(fin) | End::Finished(fin) if place.is_after(fin))
    }

    /// The connection was reset: nothing more is delivered but a gap that waits, and the end.
    pub(super) fn abort(&mut self, memory: &mut Memory) {
        self.release(memory);
        self.end = match self.end {
            End::Open | End::FinAt(_) => End::Aborted,
            end @ (End::Unopened | End::Finished(_) | End::Aborted | End::Reset) => end,
        };
    }

    /// Gives back what is held.
    pub(super) fn release(&mut self, memory: &mut Memory) {
        self.held.release(&mut memory.held);
        self.retained.release(&mut memory.retained);
    }

    /// Whether something can be delivered without a further segment.
    pub(super) fn is_pending(&self) -> bool {
        self.acknowledged.is_after(self.next) || matches!(self.end, End::Aborted) || self.is_restarted
    }

    /// Whether nothing can be delivered any more, as all before `known_until` is known.
    #[inline]
    pub(super) fn is_settled(&self, known_until: Sequence) -> bool {
        let ends = matches!(self.end, End::FinAt(_) | End::Aborted);
        self.held.is_empty()
            && !ends
            && !self.is_restarted
            && !known_until.later(self.acknowledged).is_after(self.next)
    }

    /// Whether the FIN was delivered.
    pub(super) fn is_finished(&self) -> bool {
        matches!(self.end, End::Finished(_))
    }

    /// Whether the FIN was delivered, and the receiver acknowledged it.
    pub(super) fn is_finish_acknowledged(&self) -> bool {
        self.is_finished() && self.acknowledged == self.next
    }

    /// `bytes` more were delivered.
    pub(super) fn advance(&mut self, bytes: u32) {
        self.next = self.next.plus(bytes);
        if Span::new(self.acknowledged, self.next).len() > LAG_BYTES_MAX {
            self.acknowledged = self.next.minus(LAG_BYTES_MAX);
        }
        if Span::new(self.skipped.end, self.next).len() > LAG_BYTES_MAX {
            self.skipped = Span::default();
        }
    }

    /// Takes the held bytes that stand at `next`, cut to begin there, and where their segment ended.
    pub(super) fn take_held(&mut self, budget: &mut HeldBudget) -> Option<(Box<[u8]>, usize, Sequence)> {
        if self.held.is_empty() {
            return None;
        }
        let range = self.held.take_at(self.next, budget)?;
        let end = range.end();
        let old_bytes = Span::new(range.start, self.next).len() as usize;
        Some((range.bytes, old_bytes, end))
    }

    /// Whether what is read next does not follow what was read last; true once.
    #[inline]
    pub(super) fn take_restart(&mut self) -> bool {
        std::mem::take(&mut self.is_restarted)
    }

    /// Steps over the bytes at `next` that are absent and will never come, as all before `known_until`
    /// is known and data waits at `payload_start`. Returns how many they are.
    pub(super) fn skip_gap(&mut self, known_until: Sequence, payload_start: Option<Sequence>) -> Option<u32> {
        let mut end = known_until.later(self.acknowledged);
        let fin = match self.end {
            End::FinAt(fin) => Some(fin),
            _ => None,
        };
        for stop in [payload_start, self.held.start(), fin].into_iter().flatten() {
            end = end.earlier(stop);
        }
        let gap = Span::new(self.next, end);
        if gap.is_empty() {
            return None;
        }
        let unseen = Span::new(gap.start, gap.end.earlier(self.acknowledged));
        if !unseen.is_empty() {
            self.remember_skipped(unseen);
        }
        self.advance(gap.len());
        Some(gap.len())
    }

    /// Extends what was skipped up to the end of `gap`, and forgets what no segment reaches back to.
    fn remember_skipped(&mut self, gap: Span) {
        let oldest = gap.end.minus(LAG_BYTES_MAX);
        let start = if self.skipped.is_empty() { gap.start } else { self.skipped.start.later(oldest) };
        self.skipped = Span::new(start, gap.end);
    }

    /// Whether the end is reached; true once.
    pub(super) fn finish(&mut self) -> bool {
        match self.end {
            End::FinAt(fin) if fin == self.next => {
                // RFC 9293 §3.4: the FIN takes a sequence number.
                self.end = End::Finished(fin);
                self.advance(1);
                true
            }
            End::Aborted => {
                self.end = End::Reset;
                true
            }
            _ => false,
        }
    }
}
