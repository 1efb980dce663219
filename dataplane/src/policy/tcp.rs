//! [`TcpPolicy`]: what becomes of TCP segments that receivers may read in two ways; one reading is left of each.

/// The operator's word for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpPolicy {
    /// Data that is not what was inspected at its place.
    pub overlap: Overlap,
    /// Data that is marked as urgent.
    pub urgent: Urgent,
}

impl TcpPolicy {
    /// For segments that their receivers would not take if they were changed.
    pub const WITHOUT_CHANGES: TcpPolicy = TcpPolicy { overlap: Overlap::Drop, urgent: Urgent::Drop };
}

/// What becomes of a segment that repeats data with other bytes, and whose receiver could read these instead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overlap {
    /// It says what was inspected, and passes. A receiver that missed the first copy gets it so, and the connection goes on;
    /// dropped, its sender would repeat the other bytes until it gave up.
    #[default]
    Rewrite,
    /// It is dropped.
    Drop,
}

/// What becomes of a segment that marks data as urgent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Urgent {
    /// It loses the mark: its receiver reads the byte in its place, as Weir does (RFC 6093 §4).
    #[default]
    Inline,
    /// It is dropped.
    Drop,
}
