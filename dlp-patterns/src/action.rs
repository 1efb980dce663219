//! What a rule wants done.

/// What a rule wants done with a flow that it hit; the operator's mode decides whether it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Report, and let the flow go on.
    Alert = 0,
    /// Block the flow silently.
    Drop = 1,
    /// Block the flow and reset both ends.
    Reset = 2,
}

impl Action {
    /// Every action with the name that packs use.
    pub const NAMES: [(&'static str, Action); 3] =
        [("alert", Action::Alert), ("drop", Action::Drop), ("reset", Action::Reset)];

    /// The name that packs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Alert => "alert",
            Action::Drop => "drop",
            Action::Reset => "reset",
        }
    }
}
