//! From a pattern to what finds it: windows for the sieve, automata to confirm.

use regex_syntax::hir::Hir;
use serde::{Deserialize, Serialize};

use crate::automaton::{Automaton, Ends, Reads};
use crate::byte_set::ByteSet;
use crate::frequency::Frequency;
use crate::limits::{AUTOMATON_STATES_MAX, PREFIX_BYTES_MAX, WINDOW_CHANCE_MAX};
use crate::nfa::Nfa;

pub(crate) mod ahead;
pub(crate) mod head;
pub(crate) mod literal;
mod sequence;
mod shape;
pub(crate) mod window;

use ahead::Ahead;
use head::Head;
use literal::Literal;
pub(crate) use shape::plain_row;
use window::Window;

/// What is to be found, and what is looked at besides the pattern.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'p> {
    pub(crate) pattern: &'p Hir,
    /// What may stand before a match.
    pub(crate) behind: ByteSet,
    /// A validator looks at whole matches.
    pub(crate) is_validated: bool,
    /// A larger automaton that reads forward is simulated instead, in bytes.
    pub(crate) table_bytes_max: usize,
}

/// How a pattern is found.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Found {
    /// Where one of its windows is, a comparison or an automaton confirms.
    ByWindows(Vec<Branch>),
    /// Nothing of it is seldom.
    ByEveryByte(Box<Everywhere>),
    /// Nothing of it is seldom, and the automata that read every byte would be too large: they are simulated.
    Simulated(Box<Nfa>),
}

/// An alternative of a pattern, as a prefix and a core; a match is one of each, and some window is where it says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Branch {
    /// Reads backward from the begin of the core; `None` if there is nothing before it.
    pub(crate) prefix: Option<Automaton>,
    /// Reads forward from the begin of the core.
    pub(crate) core: Core,
    /// What each match of the core begins with, if that is known; `None` if the core is a literal.
    pub(crate) head: Option<Head>,
    pub(crate) windows: Vec<Window>,
    /// What stands behind its windows, as a look ahead that saves confirmations.
    pub(crate) ahead: Option<Ahead>,
    /// The chance that one of them is at a given place of ordinary traffic.
    pub(crate) chance: f64,
    /// How many bytes before a window have to be known.
    pub(crate) lookback_bytes: usize,
}

/// What reads the core of a branch.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Core {
    /// Nothing but values: they are compared.
    Literal(Literal),
    Table(Automaton),
    /// Its table would be too large.
    Simulated(Nfa),
}

/// An automaton that reads every byte, and one that goes back to where the match begins.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Everywhere {
    pub(crate) forward: Automaton,
    pub(crate) backward: Automaton,
}

/// Compiles a pattern; `None` if even its simulation would be too large.
pub(crate) fn compile(wanted: Wanted<'_>, frequency: &Frequency) -> Option<Found> {
    // Whoever looks at whole matches has to be shown all of them.
    let is_trimmed = !wanted.is_validated && wanted.behind.is_all();
    let pattern = if is_trimmed { shape::trimmed(wanted.pattern) } else { wanted.pattern.clone() };
    by_windows(&pattern, &wanted, frequency)
        .map(Found::ByWindows)
        .or_else(|| {
            by_every_byte(&pattern, &wanted).map(|everywhere| Found::ByEveryByte(Box::new(everywhere)))
        })
        .or_else(|| simulated(&pattern, &wanted).map(|nfa| Found::Simulated(Box::new(nfa))))
}

fn by_windows(pattern: &Hir, wanted: &Wanted<'_>, frequency: &Frequency) -> Option<Vec<Branch>> {
    let rows = shape::branches(pattern);
    if rows.len() > usize::from(u16::MAX) {
        return None;
    }
    let split = |row: &Vec<Hir>, prefix_bytes_max| {
        window::best_split(row, wanted.behind, prefix_bytes_max, frequency)
    };
    let best: Vec<_> = rows.iter().map(|row| split(row, PREFIX_BYTES_MAX)).collect();
    if !are_selective(&best) {
        return None;
    }
    let with_prefix = |(best, row): (window::Split, &Vec<Hir>)| match prefix_of(&best, wanted) {
        Some(prefix) => (best, prefix),
        None => (split(row, 0), None),
    };
    let (splits, prefixes): (Vec<_>, Vec<_>) = best.into_iter().zip(&rows).map(with_prefix).unzip();
    if !are_selective(&splits) {
        return None;
    }
    let branch = |(split, prefix): (window::Split, Option<Automaton>)| {
        let (_, longest) = shape::lengths(&split.prefix);
        let prefix_bytes = longest.expect("a prefix has a bound");
        let offsets = split.windows.iter().map(|window| usize::try_from(window.offset).unwrap_or(0));
        let ends_of = split.windows.iter().map(|window| i16::from(window.offset) + i16::from(window.len));
        let known = usize::try_from(ends_of.max().unwrap_or(0)).unwrap_or(0);
        let ahead = ahead::ahead(&split.core, known, frequency);
        let core = core_of(split.core.clone(), wanted)?;
        Some(Branch {
            prefix,
            head: Head::of(&split.core, &core),
            core,
            ahead,
            // One more, for what stands behind the match.
            lookback_bytes: prefix_bytes + offsets.max().unwrap_or(0) + 1,
            windows: split.windows,
            chance: split.chance,
        })
    };
    splits.into_iter().zip(prefixes).map(branch).collect()
}

fn are_selective(splits: &[window::Split]) -> bool {
    splits.iter().map(|split| split.chance).sum::<f64>() <= WINDOW_CHANCE_MAX
}

/// The automaton of a prefix, if there is one; `None` if it would be too large.
fn prefix_of(split: &window::Split, wanted: &Wanted<'_>) -> Option<Option<Automaton>> {
    if split.prefix.is_empty() {
        return Some(None);
    }
    // Which begin of several counts depends on what stands before it.
    let starts = if wanted.is_validated || !wanted.behind.is_all() { Ends::All } else { Ends::First };
    Automaton::new(&Hir::concat(split.prefix.clone()), Reads::Backward, starts).map(Some)
}

fn core_of(core: Vec<Hir>, wanted: &Wanted<'_>) -> Option<Core> {
    let ends = if wanted.is_validated { Ends::All } else { Ends::First };
    let core = Hir::concat(core);
    if let Some(literal) = plain_row(&core).and_then(|sets| Literal::of_row(&sets)) {
        return Some(Core::Literal(literal));
    }
    let table = wanted.table(&core, Reads::Forward, ends).map(Core::Table);
    table.or_else(|| simulated(&core, wanted).map(Core::Simulated))
}

fn by_every_byte(pattern: &Hir, wanted: &Wanted<'_>) -> Option<Everywhere> {
    let is_first_enough = !wanted.is_validated && wanted.behind.is_all();
    let ends = if is_first_enough { Ends::First } else { Ends::All };
    Some(Everywhere {
        forward: wanted.table(pattern, Reads::ForwardFromAnywhere, ends)?,
        backward: Automaton::new(pattern, Reads::Backward, Ends::All)?,
    })
}

/// A simulation knows only the latest start of a match, and a validator may refuse that one and take another.
fn simulated(pattern: &Hir, wanted: &Wanted<'_>) -> Option<Nfa> {
    if wanted.is_validated { None } else { Nfa::new(pattern) }
}

impl Wanted<'_> {
    /// A table-driven automaton, unless that is too large for this pattern.
    fn table(&self, pattern: &Hir, reads: Reads, ends: Ends) -> Option<Automaton> {
        let bytes_max = if self.is_validated { usize::MAX } else { self.table_bytes_max };
        if bytes_max == 0 {
            return None;
        }
        let is_plain = reads == Reads::Forward && ends == Ends::First;
        let table = match plain_row(pattern).filter(|_| is_plain) {
            // One state for each byte, one behind them, and one that is dead.
            Some(sets) if sets.len() + 2 > AUTOMATON_STATES_MAX => return None,
            Some(sets) => Automaton::of_row(&sets),
            None => Automaton::new(pattern, reads, ends)?,
        };
        Some(table).filter(|table| table.bytes() <= bytes_max)
    }
}

impl Branch {
    /// The bytes that each match of its core begins with, if they are known.
    pub(crate) fn literal(&self) -> Option<&Literal> {
        self.core.literal().or(self.head.as_ref().map(|head| &head.literal))
    }

    /// Whether a match of it is a literal and nothing else.
    pub(crate) fn is_literal(&self) -> bool {
        self.prefix.is_none() && self.core.literal().is_some()
    }

    fn is_sound(&self) -> bool {
        self.head.as_ref().is_none_or(|head| head.is_sound(&self.core))
    }
}

impl Core {
    fn table(&self) -> Option<&Automaton> {
        match self {
            Core::Table(table) => Some(table),
            Core::Literal(_) | Core::Simulated(_) => None,
        }
    }

    fn literal(&self) -> Option<&Literal> {
        match self {
            Core::Literal(literal) => Some(literal),
            Core::Table(_) | Core::Simulated(_) => None,
        }
    }

    fn simulation(&self) -> Option<&Nfa> {
        match self {
            Core::Simulated(nfa) => Some(nfa),
            Core::Literal(_) | Core::Table(_) => None,
        }
    }
}

impl Found {
    /// States of all automata.
    pub(crate) fn states(&self) -> usize {
        self.tables().map(Automaton::states).sum()
    }

    /// Positions of all automata that are simulated.
    pub(crate) fn positions(&self) -> usize {
        self.simulations().map(Nfa::positions).sum()
    }

    /// Memory of all that confirms, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.literals().map(Literal::bytes).sum::<usize>()
            + self.tables().map(Automaton::bytes).sum::<usize>()
            + self.simulations().map(Nfa::bytes).sum::<usize>()
    }

    pub(crate) fn branches(&self) -> &[Branch] {
        match self {
            Found::ByWindows(branches) => branches,
            Found::ByEveryByte(_) | Found::Simulated(_) => &[],
        }
    }

    /// Whether it can be scanned with, whatever comes: it may be from a file.
    pub(crate) fn is_sound(&self) -> bool {
        self.branches().iter().all(Branch::is_sound)
            && self.literals().all(Literal::is_sound)
            && self.tables().all(Automaton::is_sound)
            && self.non_empty_tables().all(Automaton::matches_no_empty_string)
            && self.simulations().all(Nfa::is_sound)
    }

    fn literals(&self) -> impl Iterator<Item = &Literal> {
        self.branches().iter().filter_map(Branch::literal)
    }

    fn tables(&self) -> impl Iterator<Item = &Automaton> {
        let prefixes = self.branches().iter().filter_map(|branch| branch.prefix.as_ref());
        prefixes.chain(self.non_empty_tables())
    }

    /// Those whose matches must not be empty: all but prefixes.
    fn non_empty_tables(&self) -> impl Iterator<Item = &Automaton> {
        let everywhere = match self {
            Found::ByEveryByte(everywhere) => Some(&**everywhere),
            Found::ByWindows(_) | Found::Simulated(_) => None,
        };
        let cores = self.branches().iter().filter_map(|branch| branch.core.table());
        cores.chain(everywhere.into_iter().flat_map(|all| [&all.forward, &all.backward]))
    }

    fn simulations(&self) -> impl Iterator<Item = &Nfa> {
        let everywhere = match self {
            Found::Simulated(nfa) => Some(&**nfa),
            Found::ByWindows(_) | Found::ByEveryByte(_) => None,
        };
        let of_branches = self.branches().iter().filter_map(|branch| branch.core.simulation());
        of_branches.chain(everywhere)
    }
}
