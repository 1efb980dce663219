//! Random texts of the rules in flows that are cut anywhere and interleaved, and their reduction to what matters.

use std::fmt;

use bench::random::Random;
use bench::sampler::{Alphabet, sample};
use regex_syntax::hir::Hir;

use super::streams::Step;

/// What stands between two pieces: nothing, what ends a word, what doesn't, and bytes beyond ASCII.
const BETWEEN: [&[u8]; 12] = [b"", b"", b" ", b"\n", b"_", b"a", b"0", b"-", b"=", b"\"", b"\0", b"\xff"];
/// Bytes that a mutation writes.
const WRITTEN: &[u8] = b"aZ09_- .=:/\n\r'\"\0\xff";

/// Flows with their texts.
///
/// Invariant: the cuts of a flow ascend strictly within its text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Case {
    /// The flows that are open at once.
    pub(crate) flows: Vec<Flow>,
    /// The flow of each segment in the order of arrival.
    order: Vec<usize>,
}

/// One flow's text, and where it is cut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flow {
    /// All bytes.
    pub(crate) text: Vec<u8>,
    /// Offsets at which a segment ends and the next begins.
    cuts: Vec<usize>,
}

impl Case {
    /// Draws a case of up to `flows` flows with texts of at most `longest` bytes.
    pub(crate) fn draw(patterns: &[Hir], flows: usize, longest: usize, random: &mut Random) -> Case {
        let count = 1 + random.below(flows as u32);
        let flows: Vec<Flow> = (0..count).map(|_| Flow::draw(patterns, longest, random)).collect();
        let each = flows.iter().enumerate();
        let mut order: Vec<usize> =
            each.flat_map(|(flow, text)| std::iter::repeat_n(flow, text.cuts.len() + 1)).collect();
        for last in (1..order.len()).rev() {
            order.swap(last, random.below(last as u32 + 1) as usize);
        }
        Case { flows, order }
    }

    /// One flow alone.
    pub(crate) fn alone(flow: Flow) -> Case {
        let order = vec![0; flow.cuts.len() + 1];
        Case { flows: vec![flow], order }
    }

    /// What a contestant plays.
    pub(crate) fn steps(&self) -> Vec<Step<'_>> {
        let mut steps = Vec::with_capacity(self.order.len() + 2 * self.flows.len());
        steps.extend((0..self.flows.len()).map(|flow| Step::Begin { flow }));
        let mut segments: Vec<_> = self.flows.iter().map(Flow::segments).collect();
        for &flow in &self.order {
            steps.extend(segments[flow].next().map(|bytes| Step::Segment { flow, bytes }));
        }
        steps.extend((0..self.flows.len()).map(|flow| Step::End { flow, stream: flow }));
        steps
    }

    /// The smallest case found that is still wrong: one flow if one is enough, without the bytes and cuts that don't matter.
    pub(crate) fn reduced(self, mut is_wrong: impl FnMut(&Case) -> bool) -> Case {
        let alone = self.flows.iter().cloned().map(Case::alone).find(|case| is_wrong(case));
        let mut case = alone.unwrap_or(self);
        for index in 0..case.flows.len() {
            let mut size = case.flows[index].text.len();
            while size > 0 {
                let mut at = 0;
                while at < case.flows[index].text.len() {
                    let mut smaller = case.clone();
                    smaller.flows[index].remove(at, size);
                    if is_wrong(&smaller) {
                        case = smaller;
                    } else {
                        at += size;
                    }
                }
                size /= 2;
            }
            for cut in (0..case.flows[index].cuts.len()).rev() {
                let mut smaller = case.clone();
                smaller.flows[index].cuts.remove(cut);
                if is_wrong(&smaller) {
                    case = smaller;
                }
            }
        }
        if let [flow] = case.flows.as_slice() { Case::alone(flow.clone()) } else { case }
    }
}

impl Flow {
    fn draw(patterns: &[Hir], longest: usize, random: &mut Random) -> Flow {
        let mut text = Vec::new();
        let alphabet = if random.below(2) == 0 { Alphabet::Any } else { Alphabet::Printable };
        for _ in 0..1 + random.below(4) {
            text.extend_from_slice(BETWEEN[random.below(BETWEEN.len() as u32) as usize]);
            let begin = text.len();
            sample(&patterns[random.below(patterns.len() as u32) as usize], alphabet, random, &mut text);
            if random.below(3) == 0 {
                mutate(&mut text, begin, random);
            }
        }
        text.extend_from_slice(BETWEEN[random.below(BETWEEN.len() as u32) as usize]);
        text.truncate(longest);
        let cuts = cuts(text.len(), random);
        Flow { text, cuts }
    }

    fn segments(&self) -> impl Iterator<Item = &[u8]> {
        let begins = std::iter::once(0).chain(self.cuts.iter().copied());
        let ends = self.cuts.iter().copied().chain([self.text.len()]);
        begins.zip(ends).map(|(begin, end)| &self.text[begin..end])
    }

    fn remove(&mut self, at: usize, size: usize) {
        let end = (at + size).min(self.text.len());
        self.text.drain(at..end);
        for cut in &mut self.cuts {
            *cut = if *cut >= end { *cut - (end - at) } else { (*cut).min(at) };
        }
        self.cuts.dedup();
        let length = self.text.len();
        self.cuts.retain(|cut| *cut > 0 && *cut < length);
    }
}

/// Changes what stands from `begin` on in one way or another.
fn mutate(text: &mut Vec<u8>, begin: usize, random: &mut Random) {
    let length = text.len() - begin;
    if length == 0 {
        return;
    }
    let at = begin + random.below(length as u32) as usize;
    match random.below(7) {
        0 => text[at] = WRITTEN[random.below(WRITTEN.len() as u32) as usize],
        1 => text[at] = random.below(256) as u8,
        2 => {
            text.remove(at);
        }
        3 => text.insert(at, WRITTEN[random.below(WRITTEN.len() as u32) as usize]),
        4 => text.truncate(at),
        5 => text[at] ^= 0x20,
        _ => {
            // What almost matched goes on with what matches from there.
            let tail = text[begin..].to_vec();
            text.truncate(at);
            text.extend_from_slice(&tail);
        }
    }
}

/// Nowhere, everywhere, at one place, or here and there.
fn cuts(length: usize, random: &mut Random) -> Vec<usize> {
    let step = match random.below(8) {
        0 => return Vec::new(),
        1 => 1,
        2 | 3 => return Vec::from_iter((length > 1).then(|| 1 + random.below(length as u32 - 1) as usize)),
        4 | 5 => 8,
        _ => 64,
    };
    let mut cuts = Vec::new();
    let mut at = 0;
    loop {
        at += 1 + random.below(step) as usize;
        if at >= length {
            return cuts;
        }
        cuts.push(at);
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, flow) in self.flows.iter().enumerate() {
            writeln!(f, "flow {index}: b\"{}\" cut at {:?}", flow.text.escape_ascii(), flow.cuts)?;
        }
        if self.flows.len() > 1 {
            writeln!(f, "segments arrive for flows {:?}", self.order)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns() -> Vec<Hir> {
        let mut parser = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build();
        ["key-[0-9]{3,9}", "(?i)a.{2}b*"].map(|regex| parser.parse(regex).expect("a regex")).to_vec()
    }

    #[test]
    fn steps_carry_each_byte_once_and_in_order() {
        let mut random = Random::new(5);
        let mut segments = 0;
        for _ in 0..300 {
            let case = Case::draw(&patterns(), 3, 50, &mut random);
            let mut texts = vec![Vec::new(); case.flows.len()];
            for step in case.steps() {
                if let Step::Segment { flow, bytes } = step {
                    texts[flow].extend_from_slice(bytes);
                    segments += 1;
                    assert!(!bytes.is_empty() || case.flows[flow].text.is_empty());
                }
            }
            assert!(texts.iter().zip(&case.flows).all(|(text, flow)| *text == flow.text));
            assert!(case.flows.iter().all(|flow| flow.text.len() <= 50));
        }
        assert!(segments > 1000);
    }

    #[test]
    fn a_wrong_case_is_reduced_to_what_is_wrong_about_it() {
        let flow = |text: &[u8], cuts: &[usize]| Flow { text: text.to_vec(), cuts: cuts.to_vec() };
        let case = Case {
            flows: vec![flow(b"harmless", &[3]), flow(b"some of THE bytes", &[2, 9, 13])],
            order: vec![0, 1, 1, 0, 1, 1],
        };
        let is_wrong = |case: &Case| {
            case.flows.iter().any(|flow| {
                let at = flow.text.windows(2).position(|window| window == b"TH");
                at.is_some_and(|at| flow.cuts.contains(&(at + 1)))
            })
        };
        assert!(is_wrong(&case));
        let reduced = case.reduced(is_wrong);
        assert_eq!(reduced, Case::alone(flow(b"TH", &[1])));
        assert_eq!(reduced.to_string(), "flow 0: b\"TH\" cut at [1]\n");
    }
}
