//! Endpoints that are treated alike.

use crate::selector::Selector;

/// A group's place in its policy. The last one of all is `external`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupId(pub(crate) u32);

impl GroupId {
    /// As a number below that of the policy's groups, `external` among them.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Endpoints under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The name that rules and events use.
    pub name: String,
    /// An end that any of them selects belongs to it, unless one that tells more selects it for another.
    pub selectors: Vec<Selector>,
    /// How its traffic is treated; the policy's word where it says nothing.
    pub mode: Option<Mode>,
    /// Whether what leaves it is watched for sudden rises.
    pub is_sensitive: bool,
}

impl Group {
    /// A group that has no more to it.
    pub fn new(name: &str, selectors: Vec<Selector>) -> Group {
        Group { name: name.to_owned(), selectors, mode: None, is_sensitive: false }
    }
}

/// What becomes of traffic that no rule allows; each does more than the one before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mode {
    /// It passes, and is learned.
    #[default]
    Discover,
    /// It passes, and is told as one that would be denied.
    Monitor,
    /// It is denied.
    Protect,
}

impl Mode {
    /// Every mode, in order.
    pub const ALL: [Mode; 3] = [Mode::Discover, Mode::Monitor, Mode::Protect];

    /// The name that config and events use.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Discover => "discover",
            Mode::Monitor => "monitor",
            Mode::Protect => "protect",
        }
    }
}

/// Which mode counts between two groups of different ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Meeting {
    /// That of the group which does less: what is promoted to protect itself still speaks to those that are not yet known.
    #[default]
    Basic,
    /// That of the group which does more.
    Restrictive,
}

impl Meeting {
    /// Every one.
    pub const ALL: [Meeting; 2] = [Meeting::Basic, Meeting::Restrictive];

    /// The name that config and events use.
    pub fn as_str(self) -> &'static str {
        match self {
            Meeting::Basic => "basic",
            Meeting::Restrictive => "restrictive",
        }
    }

    /// The mode between two groups.
    pub fn of(self, one: Mode, other: Mode) -> Mode {
        match self {
            Meeting::Basic => one.min(other),
            Meeting::Restrictive => one.max(other),
        }
    }
}
