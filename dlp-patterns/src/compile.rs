//! From a pattern to what finds it: windows for the sieve, automata to confirm.

use regex_syntax::hir::Hir;

use crate::automaton::{Automaton, Ends, Reads};
use crate::byte_set::ByteSet;
use crate::frequency::Frequency;
use crate::limits::WINDOW_CHANCE_MAX;

pub(crate) mod ahead;
mod sequence;
mod shape;
pub(crate) mod window;

use ahead::Ahead;
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
}

/// How a pattern is found.
#[derive(Debug)]
pub(crate) enum Found {
    /// Where one of its windows is, an automaton confirms.
    ByWindows(Vec<Branch>),
    /// Nothing of it is seldom, or its automata would be too large to be started at each window.
    ByEveryByte(Everywhere),
}

/// An alternative of a pattern, as a prefix and a core; a match is one of each, and some window is where it says.
#[derive(Debug)]
pub(crate) struct Branch {
    /// Reads backward from the begin of the core; `None` if there is nothing before it.
    pub(crate) prefix: Option<Automaton>,
    /// Reads forward from the begin of the core.
    pub(crate) core: Automaton,
    pub(crate) windows: Vec<Window>,
    /// What stands behind its windows, as a look ahead that saves confirmations.
    pub(crate) ahead: Option<Ahead>,
    /// How many bytes before a window have to be known.
    pub(crate) lookback_bytes: usize,
}

/// An automaton that reads every byte, and one that goes back to where the match begins.
#[derive(Debug)]
pub(crate) struct Everywhere {
    pub(crate) forward: Automaton,
    pub(crate) backward: Automaton,
}

/// Compiles a pattern; `None` if its automata would be too large.
pub(crate) fn compile(wanted: Wanted<'_>, frequency: &Frequency) -> Option<Found> {
    // Whoever looks at whole matches has to be shown all of them.
    let is_trimmed = !wanted.is_validated && wanted.behind.is_all();
    let pattern = if is_trimmed { shape::trimmed(wanted.pattern) } else { wanted.pattern.clone() };
    by_windows(&pattern, &wanted, frequency)
        .map(Found::ByWindows)
        .or_else(|| by_every_byte(&pattern, &wanted).map(Found::ByEveryByte))
}

fn by_windows(pattern: &Hir, wanted: &Wanted<'_>, frequency: &Frequency) -> Option<Vec<Branch>> {
    let rows = shape::branches(pattern);
    let splits: Vec<_> = rows.iter().map(|row| window::best_split(row, wanted.behind, frequency)).collect();
    if splits.iter().map(|split| split.chance).sum::<f64>() > WINDOW_CHANCE_MAX {
        return None;
    }
    let ends = if wanted.is_validated { Ends::All } else { Ends::First };
    let branch = |split: window::Split| {
        let (_, longest) = shape::lengths(&split.prefix);
        let prefix_bytes = longest.expect("a prefix has a bound");
        let prefix = if split.prefix.is_empty() {
            None
        } else {
            // Which begin of several counts depends on what stands before it.
            let starts = if wanted.is_validated || !wanted.behind.is_all() { Ends::All } else { Ends::First };
            Some(Automaton::new(&Hir::concat(split.prefix), Reads::Backward, starts)?)
        };
        let offsets = split.windows.iter().map(|window| usize::try_from(window.offset).unwrap_or(0));
        let ends_of = split.windows.iter().map(|window| i16::from(window.offset) + i16::from(window.len));
        let known = usize::try_from(ends_of.max().unwrap_or(0)).unwrap_or(0);
        let ahead = ahead::ahead(&split.core, known, frequency);
        let core = Hir::concat(split.core);
        let plain = if ends == Ends::First { plain_row(&core) } else { None };
        let core = match plain {
            Some(sets) => Automaton::of_row(&sets),
            None => Automaton::new(&core, Reads::Forward, ends)?,
        };
        Some(Branch {
            prefix,
            core,
            ahead,
            // One more, for what stands behind the match.
            lookback_bytes: prefix_bytes + offsets.max().unwrap_or(0) + 1,
            windows: split.windows,
        })
    };
    splits.into_iter().map(branch).collect()
}

fn by_every_byte(pattern: &Hir, wanted: &Wanted<'_>) -> Option<Everywhere> {
    let is_first_enough = !wanted.is_validated && wanted.behind.is_all();
    let ends = if is_first_enough { Ends::First } else { Ends::All };
    Some(Everywhere {
        forward: Automaton::new(pattern, Reads::ForwardFromAnywhere, ends)?,
        backward: Automaton::new(pattern, Reads::Backward, Ends::All)?,
    })
}

impl Found {
    /// States of all automata.
    pub(crate) fn states(&self) -> usize {
        self.automata().map(Automaton::states).sum()
    }

    /// Memory of all automata, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.automata().map(Automaton::bytes).sum()
    }

    fn automata(&self) -> impl Iterator<Item = &Automaton> {
        let (branches, everywhere) = match self {
            Found::ByWindows(branches) => (branches.as_slice(), None),
            Found::ByEveryByte(everywhere) => (&[][..], Some(everywhere)),
        };
        let of_branches = branches.iter().flat_map(|branch| branch.prefix.iter().chain([&branch.core]));
        of_branches.chain(everywhere.into_iter().flat_map(|all| [&all.forward, &all.backward]))
    }
}
