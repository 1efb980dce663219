//! [`Sequence`]: a place in the sequence space, compared by serial arithmetic only; [`Span`]: an interval of it.

/// A sequence number. Sums wrap at 2^32, and an order exists only between numbers that lie less than
/// 2^31 apart (RFC 9293 §3.4, RFC 1982 §3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sequence(u32);

impl Sequence {
    pub(super) const fn new(number: u32) -> Self {
        Sequence(number)
    }

    pub(super) const fn get(self) -> u32 {
        self.0
    }

    pub(super) const fn plus(self, bytes: u32) -> Self {
        Sequence(self.0.wrapping_add(bytes))
    }

    pub(super) const fn minus(self, bytes: u32) -> Self {
        Sequence(self.0.wrapping_sub(bytes))
    }

    /// Bytes from `origin` to here; negative where this number is the earlier one.
    pub(super) const fn since(self, origin: Sequence) -> i32 {
        self.0.wrapping_sub(origin.0).cast_signed()
    }

    pub(super) const fn is_before(self, other: Sequence) -> bool {
        self.since(other) < 0
    }

    pub(super) const fn is_after(self, other: Sequence) -> bool {
        self.since(other) > 0
    }

    pub(super) const fn later(self, other: Sequence) -> Sequence {
        if self.is_after(other) { self } else { other }
    }

    pub(super) const fn earlier(self, other: Sequence) -> Sequence {
        if self.is_before(other) { self } else { other }
    }
}

/// The sequence numbers from `start` up to, not including, `end`. Never longer than 2^31 - 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: Sequence,
    pub(super) end: Sequence,
}

impl Span {
    pub(super) const fn new(start: Sequence, end: Sequence) -> Self {
        Span { start, end }
    }

    /// Length in bytes; 0 where the end does not lie behind the start.
    pub(super) fn len(self) -> u32 {
        u32::try_from(self.end.since(self.start)).unwrap_or(0)
    }

    pub(super) fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// What both have; empty where they are disjoint.
    pub(super) fn overlap(self, other: Span) -> Span {
        // An empty span may be a stale one, too far away for any order.
        if self.is_empty() || other.is_empty() {
            return Span::default();
        }
        Span::new(self.start.later(other.start), self.end.earlier(other.end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE_WRAP: Sequence = Sequence::new(u32::MAX - 1);

    fn span(start: u32, end: u32) -> Span {
        Span::new(Sequence::new(start), Sequence::new(end))
    }

    #[test]
    fn order_holds_across_the_wrap() {
        let after = BEFORE_WRAP.plus(5);
        assert_eq!(after.get(), 3);
        assert_eq!(after.since(BEFORE_WRAP), 5);
        assert_eq!(BEFORE_WRAP.since(after), -5);
        assert!(after.is_after(BEFORE_WRAP) && BEFORE_WRAP.is_before(after));
        assert_eq!(after.later(BEFORE_WRAP), after);
        assert_eq!(after.earlier(BEFORE_WRAP), BEFORE_WRAP);
        assert_eq!(after.minus(5), BEFORE_WRAP);
    }

    #[test]
    fn the_order_turns_round_at_half_of_the_space() {
        let origin = Sequence::new(7);
        assert!(origin.plus((1 << 31) - 1).is_after(origin));
        assert!(origin.plus(1 << 31).is_before(origin));
        assert!(origin.plus((1 << 31) + 1).is_before(origin));
    }

    #[test]
    fn spans_across_the_wrap() {
        let wrapping = span(u32::MAX - 9, 10);
        assert_eq!(wrapping.len(), 20);
        assert_eq!(wrapping.overlap(span(0, 100)), span(0, 10));
        assert_eq!(wrapping.overlap(span(u32::MAX - 100, u32::MAX)), span(u32::MAX - 9, u32::MAX));
        assert!(wrapping.overlap(span(10, 20)).is_empty());
        assert!(wrapping.overlap(span(u32::MAX - 20, u32::MAX - 9)).is_empty());
    }

    #[test]
    fn an_empty_span_overlaps_nothing_however_far_it_is() {
        assert!(span((1 << 31) - 5, (1 << 31) + 5).overlap(span(0, 0)).is_empty());
        assert!(span(0, 0).overlap(span((1 << 31) - 5, (1 << 31) + 5)).is_empty());
    }

    #[test]
    fn an_inverted_span_is_empty() {
        assert!(span(10, 9).is_empty());
        assert!(span(10, 10).is_empty());
    }
}
