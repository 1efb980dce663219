//! Where a stream stands that was picked up: a guess, until its receiver acknowledges bytes that were read.

use super::{DropReason, End, Memory, Segment, Sequence, Span, Stream, WINDOW_BYTES_MAX, WINDOW_BYTES_MIN};

impl Stream {
    /// The receiver tells where it stands in a stream that was picked up. It does so surely when it acknowledges bytes that
    /// were read here, and no others: it has none behind them, then.
    pub(super) fn confirm(&mut self, acknowledgment: Sequence) {
        let is_of_read = acknowledgment.is_after(self.acknowledged) && !acknowledgment.is_after(self.next);
        self.is_guess &= !is_of_read;
    }

    /// What was read where no window of its receiver reaches was never its sender's: the stream stands where its receiver
    /// says. But once: else a receiver could have matches torn wherever it likes.
    pub(super) fn give_up_guess(&mut self, acknowledgment: Sequence, memory: &mut Memory) {
        let is_far = acknowledgment.since(self.next).unsigned_abs() > WINDOW_BYTES_MAX
            && acknowledgment.since(self.acknowledged).unsigned_abs() > WINDOW_BYTES_MAX;
        if !self.is_guess || !is_far || self.was_misplaced || self.end != End::Open {
            return;
        }
        let is_read = !self.is_fresh();
        self.release(memory);
        self.guess_at(acknowledgment);
        (self.is_restarted, self.was_misplaced) = (is_read, true);
    }

    /// Moves a guess to where `segment` begins: ahead as long as nothing was read, or back, and then all is read once more.
    pub(super) fn guess_again(
        &mut self,
        span: Span,
        segment: &Segment<'_>,
        is_last: bool,
        memory: &mut Memory,
    ) -> Result<(), DropReason> {
        let is_unread = self.is_fresh() && self.held.is_empty();
        let is_moved = span.start.is_before(self.acknowledged) || is_unread && span.start != self.next;
        // Of a stream of which nothing was read, the other end spoke, or somebody in its name: its sender knows better.
        let is_near = is_unread || span.start.since(self.next).unsigned_abs() <= self.reach_bytes();
        let is_readable = is_unread || !is_last && !self.acknowledged.is_after(self.next);
        let is_open = self.end == End::Open && !self.is_given_up(span);
        if !is_moved || span.is_empty() || !is_near || !is_readable || !is_open {
            return Ok(());
        }
        self.agrees(span.start, segment.payload, memory)?;
        self.hold_again(memory)?;
        (self.next, self.acknowledged, self.is_restarted) = (span.start, span.start, !is_unread);
        Ok(())
    }

    /// What was delivered waits once more, as bytes before it are to come.
    fn hold_again(&mut self, memory: &mut Memory) -> Result<(), DropReason> {
        let read = Span::new(self.acknowledged, self.next);
        let kept = read.overlap(self.retained.span());
        if kept.len() < read.len() || read.len() > WINDOW_BYTES_MIN {
            return Err(DropReason::ReassemblyMemory);
        }
        let pieces = self.retained.pieces(kept, &memory.retained);
        let bytes: Vec<u8> = pieces.flat_map(|(_, kept)| kept).copied().collect();
        self.held.hold(kept.start, &bytes, 0, &mut memory.held)?;
        self.retained.release(&mut memory.retained);
        Ok(())
    }

    /// Whether only the receiver knows how a segment joins with what was read: as long as it has not said where it
    /// stands, it may take bytes for contiguous that would wait here, and read bytes that lie before all that was read.
    pub(super) fn is_out_of_guess(&self, span: Span) -> bool {
        self.is_guess && (span.start.is_before(self.acknowledged) || span.start.is_after(self.next))
    }
}
