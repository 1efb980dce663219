//! One chunk on its way through a context.

use std::cell::RefCell;

use super::begins::each_begin;
use super::courses::Courses;
use super::kept::{Kept, Live};
use super::memo::Memo;
use super::pending::Match;
use super::simulations::Reading;
use super::text::Text;
use crate::Hit;
use crate::automaton::State;
use crate::compile::{Branch, Core, Everywhere, Found};
use crate::condition;
use crate::context::{Context, Lead};
use crate::limits::{STEPS_PER_CONFIRMATION, WINDOW_BYTES};
use crate::matcher::{Matcher, MatcherId, Matches};
use crate::rule_set::RuleSet;
use crate::sieve::{Room, WindowId};
use crate::simd::STRIPE_BYTES;

mod confirm;
mod every_byte;

/// Bytes before the chunk at which a window may begin that isn't complete yet, and one more to make it a machine word.
pub(super) const BACK_BYTES: usize = WINDOW_BYTES;

thread_local! {
    /// What the work on a stripe needs, and leaves nothing in that means anything.
    pub(super) static ROOM: RefCell<Room> = const { RefCell::new(Room::new()) };
}

/// Takes a chunk through a context: finds windows, confirms what begins or goes on there, and settles which matches are hits.
///
/// Invariant: what is looked at next never depends on what was found before, but for what has nothing more to say. So the
/// order in which the sieve tells windows doesn't matter.
pub(super) struct Run<'r> {
    rules: &'r RuleSet,
    context: &'r Context,
    text: Text<'r>,
    kept: &'r mut Option<Box<Kept>>,
    /// Steps that may still be made.
    steps: u64,
    is_exhausted: bool,
    memo: Option<Memo>,
}

/// Where a confirmation begins.
#[derive(Clone, Copy)]
struct Start {
    matcher: MatcherId,
    branch: u16,
    /// Place of the first byte of the match.
    start: isize,
}

/// Where a core begins, and what is known of it.
#[derive(Clone, Copy)]
struct Begin {
    at: isize,
    /// The byte before it; `None` at the begin of the field.
    behind: Option<u8>,
    /// How many of its bytes were compared: those of its literal or head, or none.
    known: usize,
}

impl<'r> Run<'r> {
    /// A run has room for many notes, so it stays where it is made.
    #[inline]
    pub(super) fn new(
        rules: &'r RuleSet,
        context: &'r Context,
        text: Text<'r>,
        kept: &'r mut Option<Box<Kept>>,
        steps: u64,
    ) -> Run<'r> {
        Run { rules, context, text, kept, steps, is_exhausted: false, memo: None }
    }

    /// Scans the chunk; the steps that are left, or `None` if they were too few.
    /// `before` is what came before it.
    pub(super) fn scan(&mut self, before: &[u8; BACK_BYTES], hits: &mut Vec<Hit>) -> Option<u64> {
        if !self.context.everywhere().is_empty() {
            self.read_every_byte();
        }
        self.scan_read(before, hits)
    }

    /// As [`scan`](Run::scan), where the automata that read every byte have done so.
    pub(super) fn scan_read(&mut self, before: &[u8; BACK_BYTES], hits: &mut Vec<Hit>) -> Option<u64> {
        self.scan_by(hits, |run| run.look(before))
    }

    /// As [`scan_read`](Run::scan_read), where also the windows of the chunk are known, with their places.
    pub(super) fn scan_seen(
        &mut self,
        seen: impl Iterator<Item = (WindowId, isize)>,
        hits: &mut Vec<Hit>,
    ) -> Option<u64> {
        let context = self.context;
        self.scan_by(hits, |run| seen.for_each(|(window, at)| run.follow(context.lead(window), at)))
    }

    #[inline]
    fn scan_by(&mut self, hits: &mut Vec<Hit>, follow_windows: impl FnOnce(&mut Run<'r>)) -> Option<u64> {
        if let Some(kept) = &mut self.kept {
            let owed = std::mem::take(&mut kept.owed_steps);
            let are_live = !kept.live.is_empty();
            self.pay(owed);
            if are_live {
                self.go_on();
            }
        }
        follow_windows(self);
        self.simulate();
        self.settle(hits);
        (!self.is_exhausted).then_some(self.steps)
    }

    /// Decides what waits for the next byte: there is none. Returns the steps that are left.
    pub(super) fn finish(&mut self, hits: &mut Vec<Hit>) -> u64 {
        let moment = self.text.offset_of(self.text.end()) + 1;
        let mut ending = self.kept.as_mut().map(|kept| std::mem::take(&mut kept.live)).unwrap_or_default();
        for live in ending.drain(..) {
            let core = &branch_of(self.rules.matcher(live.matcher), live.branch).core;
            if matches!(core, Core::Table(table) if table.matches_at_end(live.state)) {
                let start = self.text.place_of(live.start);
                self.report(live.matcher, start, self.text.end(), moment);
            }
        }
        if let Some(kept) = self.kept {
            // Nothing is alive any more, but its memory stays for the next field.
            kept.live = ending;
        }
        let states = self.kept.as_mut().map(|kept| std::mem::take(&mut kept.everywhere));
        for (matcher, state) in self.context.everywhere().iter().zip(states.unwrap_or_default()) {
            let forward = &everywhere_of(self.rules.matcher(*matcher)).forward;
            if !self.is_done(*matcher) && forward.matches_at_end(state) {
                let earliest = self.text.place_of(self.end_of(*matcher));
                // The field is over, so each may spend what there is.
                self.report_backward(*matcher, earliest, self.text.end(), moment, &mut 0);
            }
        }
        let reading = self.reading();
        if let Some(kept) = self.kept {
            let mut simulations = std::mem::take(&mut kept.simulations);
            simulations.finish(reading, kept);
            kept.simulations = simulations;
        }
        self.settle(hits);
        self.steps
    }

    /// Lets the automata that are simulated read the chunk, once all windows are known.
    fn simulate(&mut self) {
        let has_begun = self.kept.as_ref().is_some_and(|kept| !kept.simulations.are_idle());
        if self.context.simulated().is_empty() && !has_begun {
            return;
        }
        let reading = self.reading();
        let kept = self.kept.get_or_insert_default();
        let mut simulations = std::mem::take(&mut kept.simulations);
        self.is_exhausted |= !simulations.read(reading, kept, &mut self.steps);
        kept.simulations = simulations;
    }

    fn reading(&self) -> Reading<'r> {
        Reading { rules: self.rules, context: self.context, text: self.text }
    }

    /// Lets the confirmations that outlived the last chunk go on.
    fn go_on(&mut self) {
        let kept = self.kept.as_mut().expect("it is asked for before");
        // Those that outlive this chunk too gather where those did that outlived the one before the last.
        let spare = std::mem::take(&mut kept.spare);
        let mut live = std::mem::replace(&mut kept.live, spare);
        for Live { matcher, branch, state, start } in live.drain(..) {
            if !self.is_done(matcher) {
                let start = Start { matcher, branch, start: self.text.place_of(start) };
                match &branch_of(self.rules.matcher(matcher), branch).core {
                    Core::Literal(literal) => self.compare(start, literal, state, 0),
                    Core::Table(table) => self.confirm(start, table, state, 0),
                    Core::Simulated(_) => unreachable!("a branch that is simulated has no state"),
                }
            }
        }
        self.kept.as_mut().expect("it stays").spare = live;
    }

    /// Looks for windows: those that begin in the last bytes before the chunk, and all that begin within it. Stripe by
    /// stripe its bytes are put behind those before them, so that no window reaches out of what is looked at.
    fn look(&mut self, before: &[u8; BACK_BYTES]) {
        ROOM.with_borrow_mut(|room| {
            let mut before = *before;
            let mut from = -(BACK_BYTES as isize);
            let mut pieces = self.text.chunk().chunks(STRIPE_BYTES - BACK_BYTES).peekable();
            while let Some(piece) = pieces.next() {
                room.bytes[..BACK_BYTES].copy_from_slice(&before);
                room.bytes[BACK_BYTES..][..piece.len()].copy_from_slice(piece);
                // The last bytes of a piece are looked at with the next one.
                let is_last = pieces.peek().is_none();
                let places = if is_last { BACK_BYTES + piece.len() } else { piece.len() };
                self.context.sieve().look(room, places, |window, place| {
                    self.follow(self.context.lead(window), from + place as isize);
                });
                from += piece.len() as isize;
                before = *piece.last_chunk().unwrap_or(&before);
            }
        });
    }

    /// Follows a window that is at a place.
    #[inline]
    fn follow(&mut self, lead: &Lead, at: isize) {
        let end = at + isize::from(lead.len);
        // A window is followed once: in the chunk that its last byte is in.
        if end <= 0 || end > self.text.end() {
            return;
        }
        let core = at - isize::from(lead.offset);
        let Some(behind) = self.text.behind(core) else { return };
        if self.is_decided(lead.matcher, core) {
            return;
        }
        let Some(known) = self.precheck(lead, core) else { return };
        let core = Begin { at: core, behind, known };
        let matcher = self.rules.matcher(lead.matcher);
        let branch = branch_of(matcher, lead.branch);
        let start = Start { matcher: lead.matcher, branch: lead.branch, start: core.at };
        let Some(prefix) = &branch.prefix else {
            if matcher.may_follow(behind) {
                self.begin(start, branch, core);
            }
            return;
        };
        let text = self.text;
        let (_, read) =
            each_begin(prefix, prefix.start(text.byte(core.at)), text, isize::MIN..core.at, |begin| {
                let may_follow = text.behind(begin).is_some_and(|behind| matcher.may_follow(behind));
                if may_follow {
                    self.begin(Start { start: begin, ..start }, branch, core);
                }
                may_follow && !matcher.is_validated()
            });
        self.pay(read);
    }

    /// Looks at what can be told without an automaton: how many bytes of the core are there for certain; `None` if there is
    /// no match, or it is noted already.
    #[inline]
    fn precheck(&mut self, lead: &Lead, core: isize) -> Option<usize> {
        // Nothing is for nothing, neither this nor the look back over the prefix.
        if self.steps < STEPS_PER_CONFIRMATION {
            self.is_exhausted = true;
            return None;
        }
        let mut known = 0;
        if let Some(literal) = lead.literal
            && let Some(bytes) = self.text.in_chunk(core, usize::from(literal.len))
        {
            if !self.pay(1 + bytes.len() as u64 / 8) || !self.context.is_literal(literal, bytes) {
                return None;
            }
            if lead.literal_is_match {
                // To note a match and put it in order is dearer than to compare it.
                if !self.pay(STEPS_PER_CONFIRMATION) {
                    return None;
                }
                let [start, end] =
                    [core, core + bytes.len() as isize].map(|place| self.text.offset_of(place));
                self.note(Match { matcher: lead.matcher, start, end, moment: end }, lead.matches);
                return None;
            }
            known = bytes.len();
        }
        let Some(ahead) = self.context.ahead(lead) else { return Some(known) };
        (self.pay(1) && !self.text.lacks(core, ahead)).then_some(known)
    }

    /// Begins to confirm a match whose core begins at a place, or has it begun once all windows are known.
    #[inline]
    fn begin(&mut self, start: Start, branch: &Branch, core: Begin) {
        if self.steps < STEPS_PER_CONFIRMATION {
            self.is_exhausted = true;
            return;
        }
        self.steps -= STEPS_PER_CONFIRMATION;
        match &branch.core {
            Core::Literal(literal) => {
                let known = State::try_from(core.known).expect("a state counts the bytes of a literal");
                self.compare(start, literal, known, core.at + core.known as isize);
            }
            Core::Table(table) => {
                let head = branch.head.as_ref().filter(|_| core.known > 0);
                match head.and_then(|head| head.state(core.behind)) {
                    Some(state) => self.confirm(start, table, state, core.at + core.known as isize),
                    None => self.confirm(start, table, table.start(core.behind), core.at),
                }
            }
            Core::Simulated(_) => {
                let (core, begin) = (self.text.offset_of(core.at), self.text.offset_of(start.start));
                let kept = self.kept.get_or_insert_default();
                kept.simulations.begin((start.matcher, start.branch), core, begin);
            }
        }
    }

    fn pay(&mut self, steps: u64) -> bool {
        self.is_exhausted |= self.steps < steps;
        self.steps = self.steps.saturating_sub(steps);
        !self.is_exhausted
    }

    #[inline]
    fn is_done(&self, matcher: MatcherId) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.is_done(matcher))
    }

    /// Whether no match that begins here or later matters.
    #[inline]
    fn is_decided(&self, matcher: MatcherId, core: isize) -> bool {
        self.kept.as_ref().is_some_and(|kept| {
            let ends_before =
                || kept.pending.best_of(matcher).is_some_and(|best| best.end <= self.text.offset_of(core));
            kept.is_done(matcher) || ends_before()
        })
    }

    /// Notes a match; `false` if a validator refuses it.
    fn report(&mut self, matcher: MatcherId, start: isize, end: isize, moment: u64) -> bool {
        let of = self.rules.matcher(matcher);
        if of.is_validated() && !of.accepts(&self.text.excerpt(start, end)) {
            return false;
        }
        let (start, end) = (self.text.offset_of(start), self.text.offset_of(end));
        self.note(Match { matcher, start, end, moment }, of.matches());
        true
    }

    /// Notes a match that counts, of a matcher of which `matches` matter.
    fn note(&mut self, found: Match, matches: Matches) {
        let pending = &mut self.kept.get_or_insert_default().pending;
        match matches {
            Matches::Every => pending.note(found),
            Matches::Hit | Matches::First => pending.note_best(found),
        }
    }

    /// Where the last match of the matcher ended, as an offset; 0 if only its first one matters.
    fn end_of(&self, matcher: MatcherId) -> u64 {
        let of = self.rules.matcher(matcher);
        self.kept.as_ref().map_or(0, |kept| kept.courses.end_of(of.rule(), of.part()))
    }

    /// Makes of the matches of this chunk what they are: hits, or what a rule asks for among other things.
    fn settle(&mut self, hits: &mut Vec<Hit>) {
        let Some(kept) = self.kept.as_mut().filter(|kept| !kept.pending.is_empty()) else { return };
        let Kept { live, pending, courses, done, .. } = &mut **kept;
        let (rules, text) = (self.rules, self.text);
        let end_of = |matcher, courses: &Courses| {
            let of = rules.matcher(matcher);
            courses.end_of(of.rule(), of.part())
        };
        for Match { matcher, start, end, .. } in pending.drain_in_order(|matcher| end_of(matcher, courses)) {
            if done.contains(matcher) {
                continue;
            }
            let (of, excerpt) =
                (rules.matcher(matcher), || text.excerpt(text.place_of(start), text.place_of(end)));
            let rule = of.rule();
            if of.matches() == Matches::Hit {
                done.insert(matcher);
                hits.push(Hit { rule, start, end, excerpt: excerpt() });
                continue;
            }
            if of.matches() == Matches::First {
                done.insert(matcher);
            }
            let found = condition::Found { part: of.part(), start, end };
            let (hit, is_over) = courses.advance(rule, rules.rule(rule).condition(), found, excerpt);
            hits.extend(hit);
            if is_over {
                rules.rule(rule).matchers().for_each(|matcher| done.insert(matcher));
            }
        }
        live.retain(|live| !done.contains(live.matcher) && live.start >= end_of(live.matcher, courses));
    }
}

fn branch_of(matcher: &Matcher, branch: u16) -> &Branch {
    match matcher.found() {
        Found::ByWindows(branches) => &branches[usize::from(branch)],
        Found::ByEveryByte(_) | Found::Simulated(_) => unreachable!("windows lead to branches"),
    }
}

pub(super) fn everywhere_of(matcher: &Matcher) -> &Everywhere {
    match matcher.found() {
        Found::ByEveryByte(everywhere) => everywhere,
        Found::ByWindows(_) | Found::Simulated(_) => {
            unreachable!("contexts list only matchers that are found by every byte")
        }
    }
}
