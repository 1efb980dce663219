//! The two ends of a link.

/// One of the two ports of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Port {
    /// The port towards the protected side.
    Inside = 0,
    /// The port towards the rest of the world.
    Outside = 1,
}

impl Port {
    /// Both ports, in the order in which arrays over ports are indexed.
    pub const BOTH: [Port; 2] = [Port::Inside, Port::Outside];

    /// The port at the other end: where a forwarded frame leaves.
    pub fn other(self) -> Port {
        match self {
            Port::Inside => Port::Outside,
            Port::Outside => Port::Inside,
        }
    }

    /// The word for this port in pins, messages and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Port::Inside => "inside",
            Port::Outside => "outside",
        }
    }
}
