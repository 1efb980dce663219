//! The part of a frame that a layer may fill.

/// A frame up to the end of the innermost layer that has told its length.
#[derive(Clone, Copy)]
pub(super) struct Span<'p> {
    /// The bytes that are there, from the begin of the frame on: offsets stay those of the frame.
    pub(super) frame: &'p [u8],
    /// How many were announced, or on the wire; more than are there where a capture cut the frame.
    pub(super) wire_bytes: u32,
}

impl<'p> Span<'p> {
    /// The same up to `end`, where that is not beyond what was announced.
    pub(super) fn up_to(self, end: usize) -> Option<Span<'p>> {
        if let Some(frame) = self.frame.get(..end) {
            return Some(Span { frame, wire_bytes: end as u32 });
        }
        let wire_bytes = u32::try_from(end).ok().filter(|&end| end <= self.wire_bytes)?;
        Some(Span { frame: self.frame, wire_bytes })
    }
}
