//! What makes a rule dear, and what helps.

use super::{FoundBy, RuleCost};

/// Of a rule that is looked for at windows these are seldom; more candidates than this in 1024 bytes of ordinary traffic
/// are a hundredth of the time that a scan has for them.
const CANDIDATES_PER_KIB_MAX: f64 = 2.0;

/// Memory of one rule, in bytes: with more than this its automata, and those of the other rules, push each other out of a
/// core's cache.
const BYTES_MAX: usize = 256 << 10;

/// Bytes that are read back before the candidates in 1024 bytes of ordinary traffic.
const READ_BACK_PER_KIB_MAX: f64 = 64.0;

/// Windows of one rule. What looks for windows tells them apart the worse the more there are.
const WINDOWS_MAX: usize = 64;

/// Something that makes a rule dear. None depends on how fast the machine is, so that everybody is told the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remark {
    /// Every byte of the fields is simulated for it.
    SimulatesEveryByte,
    /// A table reads every byte of the fields for it.
    ReadsEveryByte,
    /// From its windows on an automaton is simulated.
    Simulates,
    /// Its windows are not seldom.
    ManyCandidates,
    /// It has many windows.
    ManyWindows,
    /// It takes much memory.
    Large,
    /// Much is read back before its windows.
    LongLookback,
}

impl Remark {
    /// All of them, the gravest first.
    pub const ALL: [Remark; 7] = [
        Remark::SimulatesEveryByte,
        Remark::ReadsEveryByte,
        Remark::Simulates,
        Remark::ManyCandidates,
        Remark::ManyWindows,
        Remark::Large,
        Remark::LongLookback,
    ];

    /// Its name in outputs that are read by programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Remark::SimulatesEveryByte => "simulates-every-byte",
            Remark::ReadsEveryByte => "reads-every-byte",
            Remark::Simulates => "simulates",
            Remark::ManyCandidates => "many-candidates",
            Remark::ManyWindows => "many-windows",
            Remark::Large => "large",
            Remark::LongLookback => "long-lookback",
        }
    }

    /// Why the rule is dear.
    pub fn reason(self) -> &'static str {
        match self {
            Remark::SimulatesEveryByte => {
                "every byte is simulated for it: it has no bytes that are seldom in traffic, and its automaton is too \
                 large for a table"
            }
            Remark::ReadsEveryByte => "every byte is read for it: it has no bytes that are seldom in traffic",
            Remark::Simulates => {
                "from where its seldom bytes are it is simulated, since its automaton is too large for a table"
            }
            Remark::ManyCandidates => "the bytes that are looked for are not seldom in traffic",
            Remark::ManyWindows => "many different strings have to be looked for",
            Remark::Large => "its automata take much memory, and so crowd the cache",
            Remark::LongLookback => "before each of many candidates much is read back",
        }
    }

    /// What makes the rule cheaper.
    pub fn hint(self) -> &'static str {
        match self {
            Remark::SimulatesEveryByte | Remark::ReadsEveryByte => {
                "begin it with, or put near its begin, three or more bytes that have to be there"
            }
            Remark::Simulates => {
                "shorten counted gaps such as `.{1,120}`, or exclude from them what follows, as in `[^<]{1,120}<`"
            }
            Remark::ManyCandidates => "make the fixed bytes longer, or more peculiar",
            Remark::ManyWindows => "split its alternatives into rules, or begin them with the same bytes",
            Remark::Large => {
                "shorten counted repetitions, above all those that overlap with what stands before them"
            }
            Remark::LongLookback => "shorten what stands before the fixed bytes",
        }
    }

    pub(super) fn applies_to(self, cost: &RuleCost) -> bool {
        match self {
            Remark::SimulatesEveryByte => cost.found_by == FoundBy::SimulatedEveryByte,
            Remark::ReadsEveryByte => cost.found_by == FoundBy::EveryByte,
            Remark::Simulates => cost.found_by == FoundBy::SimulatedWindows,
            Remark::ManyCandidates => {
                cost.found_by < FoundBy::EveryByte && cost.candidates_per_kib > CANDIDATES_PER_KIB_MAX
            }
            Remark::ManyWindows => cost.windows > WINDOWS_MAX,
            Remark::Large => cost.bytes > BYTES_MAX,
            Remark::LongLookback => {
                cost.lookback_bytes as f64 * cost.candidates_per_kib > READ_BACK_PER_KIB_MAX
            }
        }
    }
}
