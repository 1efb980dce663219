//! All that is looked for in a field of one direction.

use serde::{Deserialize, Serialize};

use crate::compile::Found;
use crate::compile::ahead::Ahead;
use crate::compile::literal::{LiteralId, Literals};
use crate::compile::window::Window;
use crate::frequency::Frequency;
use crate::limits::{TAIL_BYTES, WINDOW_BYTES};
use crate::matcher::{Matcher, MatcherId, Matches};
use crate::sieve::{Sieve, WindowId};
use crate::simd::Tier;

/// Where a window leads: which branch of which matcher it may be a part of, and where. What its branch and matcher say too is
/// repeated here, so that most windows are told from matches without a look at either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lead {
    pub(crate) matcher: MatcherId,
    /// Index into the branches of the matcher.
    pub(crate) branch: u16,
    /// Where the window begins, counted from the begin of the core.
    pub(crate) offset: i8,
    /// How many bytes it has.
    pub(crate) len: u8,
    /// What has to stand behind it, by index.
    ahead: Option<u16>,
    /// What every match of the core begins with, if that is known.
    pub(crate) literal: Option<LiteralId>,
    /// The literal is a match, and nothing else about it matters.
    pub(crate) literal_is_match: bool,
    /// Which matches of the matcher matter.
    pub(crate) matches: Matches,
}

/// The windows and automata of the rules that look into a field of one direction.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Context {
    sieve: Sieve,
    /// By window.
    leads: Vec<Lead>,
    /// Each only once, for many rules want the same.
    aheads: Vec<Ahead>,
    /// Those of the leads, one for each branch.
    literals: Literals,
    /// The matchers whose automata read every byte.
    everywhere: Vec<MatcherId>,
    /// The matchers whose automata are simulated for every byte.
    simulated: Vec<MatcherId>,
    /// How many matchers there are.
    matchers: usize,
    /// Some rule has to know of every match of a part.
    is_counting: bool,
}

impl Context {
    pub(crate) fn new<'r>(
        matchers: impl Iterator<Item = (MatcherId, &'r Matcher)>,
        tier: Tier,
        frequency: &Frequency,
    ) -> Context {
        let mut windows: Vec<Window> = Vec::new();
        let mut leads = Vec::new();
        let mut aheads: Vec<Ahead> = Vec::new();
        let mut literals = Literals::default();
        let (mut everywhere, mut simulated) = (Vec::new(), Vec::new());
        let (mut count, mut is_counting) = (0, false);
        for (id, matcher) in matchers {
            count += 1;
            is_counting |= matcher.matches() == Matches::Every;
            match matcher.found() {
                Found::ByWindows(_) => {}
                Found::ByEveryByte(_) => everywhere.push(id),
                Found::Simulated(_) => simulated.push(id),
            }
            for (at, branch) in matcher.found().branches().iter().enumerate() {
                assert!(
                    branch.lookback_bytes + WINDOW_BYTES <= TAIL_BYTES,
                    "prefixes and windows are bounded"
                );
                let at = u16::try_from(at).expect("a pattern has few branches");
                let ahead = branch.ahead.map(|ahead| {
                    let known = aheads.iter().position(|other| *other == ahead);
                    let index = known.unwrap_or(aheads.len());
                    if known.is_none() {
                        aheads.push(ahead);
                    }
                    u16::try_from(index).expect("rules that look ahead are few")
                });
                let literal = branch.literal().and_then(|literal| literals.push(literal));
                for window in &branch.windows {
                    windows.push(*window);
                    leads.push(Lead {
                        matcher: id,
                        branch: at,
                        offset: window.offset,
                        len: window.len,
                        ahead,
                        literal,
                        literal_is_match: matcher.is_literal(branch),
                        matches: matcher.matches(),
                    });
                }
            }
        }
        let sieve = Sieve::new(&windows, tier, frequency);
        Context { sieve, leads, aheads, literals, everywhere, simulated, matchers: count, is_counting }
    }

    #[inline]
    pub(crate) fn sieve(&self) -> &Sieve {
        &self.sieve
    }

    #[inline]
    pub(crate) fn lead(&self, window: WindowId) -> &Lead {
        &self.leads[window as usize]
    }

    /// What has to stand behind a window, if anything is known of that.
    #[inline]
    pub(crate) fn ahead(&self, lead: &Lead) -> Option<&Ahead> {
        Some(&self.aheads[usize::from(lead.ahead?)])
    }

    /// Whether these bytes, as many as it has, are the literal that a lead has.
    #[inline]
    pub(crate) fn is_literal(&self, literal: LiteralId, bytes: &[u8]) -> bool {
        self.literals.is(literal, bytes)
    }

    /// The matchers whose automata read every byte.
    pub(crate) fn everywhere(&self) -> &[MatcherId] {
        &self.everywhere
    }

    /// The matchers whose automata are simulated for every byte.
    pub(crate) fn simulated(&self) -> &[MatcherId] {
        &self.simulated
    }

    /// How many matchers there are.
    #[inline]
    pub(crate) fn matchers(&self) -> usize {
        self.matchers
    }

    /// Whether some rule has to know of every match of a part.
    #[inline]
    pub(crate) fn is_counting(&self) -> bool {
        self.is_counting
    }

    /// Whether it can be scanned with, whatever comes, with that tier and these matchers; it may be from a file.
    pub(crate) fn is_sound(&self, tier: Tier, matchers: &[Matcher]) -> bool {
        let found = |id: &MatcherId| matchers.get(id.0 as usize).map(Matcher::found);
        // What a lead repeats of its branch is what the branch says.
        let is_lead = |lead: &Lead| {
            let Some(of) = matchers.get(lead.matcher.0 as usize) else { return false };
            let Some(branch) = of.found().branches().get(usize::from(lead.branch)) else { return false };
            let is_its_literal = |literal: LiteralId| {
                branch.literal().is_some_and(|own| own.len() == usize::from(literal.len))
                    && self.literals.has(literal)
            };
            lead.matches == of.matches()
                && lead.literal_is_match == of.is_literal(branch)
                && lead.literal.is_none_or(is_its_literal)
        };
        let is_window =
            |lead: &Lead| (1..=WINDOW_BYTES).contains(&usize::from(lead.len)) && lead.offset >= -1;
        let is_ahead = |lead: &Lead| lead.ahead.is_none_or(|at| usize::from(at) < self.aheads.len());
        let is_everywhere = |id: &MatcherId| matches!(found(id), Some(Found::ByEveryByte(_)));
        let is_simulated = |id: &MatcherId| matches!(found(id), Some(Found::Simulated(_)));
        self.leads.iter().all(|lead| is_lead(lead) && is_window(lead) && is_ahead(lead))
            && self.aheads.iter().all(Ahead::is_sound)
            && self.everywhere.iter().all(is_everywhere)
            && self.simulated.iter().all(is_simulated)
            && self.sieve.is_sound(tier, self.leads.len())
    }

    /// How many windows are looked for.
    pub(crate) fn windows(&self) -> usize {
        self.leads.len()
    }

    /// Its memory, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.sieve.bytes()
            + size_of_val(self.leads.as_slice())
            + size_of_val(self.aheads.as_slice())
            + self.literals.bytes()
    }
}
