//! Both engines behind the same steps, so that their scans can be timed and their hits compared.

use std::fmt;

use arrayvec::ArrayVec;
use dlp_patterns::{BatchItem, Direction, Field, Hit, RuleSet, ScanState};

use super::hyperscan::{Found, Scanner};
use super::streams::Step;

/// Segments of a batch: as many as frames that a worker takes off a ring at once.
const BATCH_SEGMENTS_MAX: usize = 64;

/// Where a rule matched first in a stream; ordered so that lists of both engines can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FirstHit {
    /// Number of the stream in the file.
    pub(crate) stream: usize,
    /// Id of the signature.
    pub(crate) id: u32,
    /// Offset behind the last matched byte, in the stream.
    pub(crate) end: u64,
}

/// A matcher that plays the steps of flows.
pub(crate) trait Contestant {
    /// Plays all steps, and tells every hit when its stream ends.
    fn play(&mut self, steps: &[Step<'_>], told: &mut dyn FnMut(FirstHit));

    /// The first hit of each rule in each stream, in order.
    fn first_hits(&mut self, steps: &[Step<'_>]) -> Vec<FirstHit> {
        let mut hits = Vec::new();
        self.play(steps, &mut |hit| hits.push(hit));
        hits.sort_unstable();
        hits.dedup_by_key(|hit| (hit.stream, hit.id));
        hits
    }
}

/// Weir's rule set with a state for each open flow.
pub(crate) struct Weir {
    rules: RuleSet,
    field: Field,
    direction: Direction,
    flows: Vec<(ScanState, Vec<Hit>)>,
    /// Segments that follow each other, each of another flow, are scanned together.
    is_batching: bool,
    /// Fields in which the scan kept not all candidates.
    pub(crate) overflows: u64,
}

impl Weir {
    /// Scans `flows` flows at once as `field` in `direction`.
    pub(crate) fn new(rules: RuleSet, field: Field, direction: Direction, flows: usize) -> Weir {
        let flows = (0..flows).map(|_| (ScanState::default(), Vec::new())).collect();
        Weir { rules, field, direction, flows, is_batching: false, overflows: 0 }
    }

    /// Scans segments that follow each other together from now on, as many as a batch of frames may carry.
    pub(crate) fn batch(&mut self) {
        self.is_batching = true;
    }

    /// The rule set.
    pub(crate) fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// Scans the segments at the begin of the steps, each of a flow behind the one before; how many they were.
    fn scan_batch(&mut self, steps: &[Step<'_>]) -> usize {
        let mut items = ArrayVec::<_, BATCH_SEGMENTS_MAX>::new();
        let mut flows = self.flows.iter_mut().enumerate();
        for step in steps.iter().take(BATCH_SEGMENTS_MAX) {
            let Step::Segment { flow, bytes } = *step else { break };
            let Some((_, (state, hits))) = flows.find(|(at, _)| *at == flow) else { break };
            items.push(BatchItem::new(state, bytes, hits));
        }
        self.rules.scan_batch(&mut items);
        self.overflows += items.iter().filter(|item| item.result.is_err()).count() as u64;
        items.len()
    }
}

impl Contestant for Weir {
    fn play(&mut self, steps: &[Step<'_>], told: &mut dyn FnMut(FirstHit)) {
        let mut rest = steps;
        while let Some((step, others)) = rest.split_first() {
            match *step {
                Step::Begin { flow } => self.rules.begin(&mut self.flows[flow].0, self.field, self.direction),
                Step::Segment { .. } if self.is_batching => {
                    let scanned = self.scan_batch(rest);
                    rest = &rest[scanned..];
                    continue;
                }
                Step::Segment { flow, bytes } => {
                    let (state, hits) = &mut self.flows[flow];
                    if self.rules.scan(state, bytes, hits).is_err() {
                        self.overflows += 1;
                    }
                }
                Step::End { flow, stream } => {
                    let (state, hits) = &mut self.flows[flow];
                    self.rules.finish(state, hits);
                    for hit in hits.drain(..) {
                        told(FirstHit { stream, id: self.rules.rule(hit.rule).id(), end: hit.end });
                    }
                }
            }
            rest = others;
        }
    }
}

/// The peer's scanner with a stream for each open flow.
pub(crate) struct Peer {
    scanner: Scanner,
    flows: Vec<Vec<Found>>,
}

impl Peer {
    /// Scans as many flows at once as the scanner was made for.
    pub(crate) fn new(scanner: Scanner, flows: usize) -> Peer {
        Peer { scanner, flows: vec![Vec::new(); flows] }
    }

    /// The scanner.
    pub(crate) fn scanner(&self) -> &Scanner {
        &self.scanner
    }
}

impl Contestant for Peer {
    fn play(&mut self, steps: &[Step<'_>], told: &mut dyn FnMut(FirstHit)) {
        for step in steps {
            match *step {
                Step::Begin { .. } => {}
                Step::Segment { flow, bytes } => self.scanner.scan(flow, bytes, &mut self.flows[flow]),
                Step::End { flow, stream } => {
                    self.scanner.end(flow, &mut self.flows[flow]);
                    for found in self.flows[flow].drain(..) {
                        told(FirstHit { stream, id: found.id, end: found.end });
                    }
                }
            }
        }
    }
}

/// A rule whose first hits in a stream differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// Number of the stream in the file.
    pub(crate) stream: usize,
    /// Id of the signature.
    pub(crate) id: u32,
    /// Where Weir says that it ends, if it hits.
    pub(crate) weir: Option<u64>,
    /// Where the other says that it ends, if it hits.
    pub(crate) other: Option<u64>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = |end: Option<u64>| end.map_or("no hit".to_owned(), |end| format!("end {end}"));
        write!(
            f,
            "stream {}, rule {}: Weir {}, peer {}",
            self.stream,
            self.id,
            end(self.weir),
            end(self.other)
        )
    }
}

/// Compares lists of first hits, both in order.
pub(crate) fn differences(weir: &[FirstHit], other: &[FirstHit]) -> Vec<Difference> {
    let mut found = Vec::new();
    let (mut left, mut right) = (weir.iter().peekable(), other.iter().peekable());
    loop {
        let place = |hit: &&FirstHit| (hit.stream, hit.id);
        // Whichever list is at its end has its next place beyond all others.
        let (ours, theirs) = (left.peek().map(place), right.peek().map(place));
        let Some(next) = ours.into_iter().chain(theirs).min() else { return found };
        let ours = left.next_if(|hit| place(hit) == next).map(|hit| hit.end);
        let theirs = right.next_if(|hit| place(hit) == next).map(|hit| hit.end);
        if ours != theirs {
            found.push(Difference { stream: next.0, id: next.1, weir: ours, other: theirs });
        }
    }
}

/// Differences, one a line, up to `most`.
pub(crate) fn said(differences: &[Difference], most: usize) -> String {
    differences.iter().take(most).map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(stream: usize, id: u32, end: u64) -> FirstHit {
        FirstHit { stream, id, end }
    }

    #[test]
    fn each_difference_is_said_once() {
        let weir = [hit(0, 1, 5), hit(0, 2, 7), hit(2, 1, 9)];
        let peer = [hit(0, 2, 8), hit(1, 1, 4), hit(2, 1, 9)];
        let found = differences(&weir, &peer);
        assert_eq!(found.len(), 3);
        let first_two = "stream 0, rule 1: Weir end 5, peer no hit\nstream 0, rule 2: Weir end 7, peer end 8";
        assert_eq!(said(&found, 2), first_two);
        assert_eq!(differences(&weir, &weir), []);
    }
}
