//! All that the rules read of a capture, to be read again without an engine.

use std::collections::HashMap;
use std::hint::black_box;
use std::iter::repeat_with;
use std::sync::Arc;

use dataplane::app::{Depth, Lane};
use dataplane::event::{Event, EventSink, Reading};
use dataplane::flow::FlowRecord;
use dlp_patterns::{Direction, Field, RuleSet, ScanState};

use super::scanner::Scanner;
use crate::measure::timed;

/// Data of a block: small beside the caches, large beside what a look at the clock costs.
const BLOCK_BYTES: usize = 128 << 10;

/// A step of a scan. A stream is one direction of a flow, and has a state of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// A field begins.
    Begin(Field, Direction),
    /// The next bytes of the field: so many behind those of the data before.
    Data(u32),
    /// The field is complete.
    End,
    /// Nothing follows in the stream: its state goes.
    Close,
}

/// What the rules read, in the order in which the engine showed it to them.
#[derive(Debug)]
pub(super) struct Recording {
    blocks: Vec<Block>,
    /// Of all blocks.
    data: Vec<u8>,
    streams_open_max: usize,
}

/// So many steps as have data that is in the cache at once.
#[derive(Debug, Default)]
struct Block {
    /// Each with the place of its stream among those that are open at once.
    steps: Vec<(usize, Step)>,
    bytes: usize,
}

impl Block {
    fn play(&self, mut data: &[u8], scanner: &mut Scanner<'_>, states: &mut [ScanState]) {
        for (stream, step) in &self.steps {
            let state = &mut states[*stream];
            match *step {
                Step::Begin(field, direction) => scanner.rules.begin(state, field, direction),
                Step::Data(bytes) => {
                    let (chunk, behind) = data.split_at(bytes as usize);
                    data = behind;
                    scanner.data(state, chunk);
                }
                Step::End => scanner.end(state),
                Step::Close => *state = ScanState::default(),
            }
        }
    }
}

impl Recording {
    /// Scans everything once; hits by rule, and the time it took, in seconds.
    ///
    /// The engine scans what it has just read to check its sum. So the clock stands while data is brought into the cache,
    /// or captures that are larger than that would make the scan seem slow.
    pub(super) fn play(&self, rules: &RuleSet) -> (Vec<u64>, f64) {
        let mut scanner = Scanner::new(rules);
        let mut states: Vec<ScanState> =
            repeat_with(ScanState::default).take(self.streams_open_max).collect();
        let (mut rest, mut time_s) = (self.data.as_slice(), 0.0);
        for block in &self.blocks {
            let (data, behind) = rest.split_at(block.bytes);
            rest = behind;
            black_box(data.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte)));
            time_s += timed(|| block.play(data, &mut scanner, &mut states)).1;
        }
        (scanner.counts, time_s)
    }

    /// Fields that begin.
    pub(super) fn fields(&self) -> usize {
        self.steps().filter(|step| matches!(step, Step::Begin(..))).count()
    }

    /// Pieces that fields came in.
    pub(super) fn chunks(&self) -> usize {
        self.steps().filter(|step| matches!(step, Step::Data(_))).count()
    }

    /// Bytes of all fields.
    pub(super) fn bytes(&self) -> usize {
        self.data.len()
    }

    fn steps(&self) -> impl Iterator<Item = Step> {
        self.blocks.iter().flat_map(|block| &block.steps).map(|(_, step)| *step)
    }
}

/// Writes down what some rules read.
#[derive(Debug)]
pub(super) struct Recorder {
    rules: Arc<RuleSet>,
    /// Each with the number of its stream.
    steps: Vec<(usize, Step)>,
    data: Vec<u8>,
    /// By flow and direction.
    streams: HashMap<(u64, Lane), Stream>,
    /// Streams so far.
    count: usize,
}

#[derive(Clone, Copy, Debug)]
struct Stream {
    number: usize,
    /// Whether any rule speaks of the open field.
    is_scanned: bool,
}

impl Recorder {
    /// Nothing was read yet.
    pub(super) fn new(rules: Arc<RuleSet>) -> Recorder {
        Recorder { rules, steps: Vec::new(), data: Vec::new(), streams: HashMap::new(), count: 0 }
    }

    /// What was read.
    pub(super) fn finish(self) -> Recording {
        let Recorder { steps, data, count, .. } = self;
        let mut last = vec![0; count];
        for (at, (number, _)) in steps.iter().enumerate() {
            last[*number] = at;
        }
        // A place is taken by a stream from its first step to its last, and then by another.
        let (mut places, mut free, mut streams_open_max) = (vec![None; count], Vec::new(), 0);
        let mut blocks = vec![Block::default()];
        for (at, (number, step)) in steps.into_iter().enumerate() {
            let place = *places[number].get_or_insert_with(|| {
                free.pop().unwrap_or_else(|| {
                    streams_open_max += 1;
                    streams_open_max - 1
                })
            });
            if blocks.last().is_some_and(|block| block.bytes >= BLOCK_BYTES) {
                blocks.push(Block::default());
            }
            let block = blocks.last_mut().expect("there is a first");
            block.steps.push((place, step));
            if let Step::Data(bytes) = step {
                block.bytes += bytes as usize;
            }
            if last[number] == at {
                block.steps.push((place, Step::Close));
                free.push(place);
            }
        }
        Recording { blocks, data, streams_open_max }
    }
}

impl EventSink for Recorder {
    fn emit(&mut self, event: Event<'_>) {
        if let Event::Flow(end) = event {
            for direction in Direction::BOTH {
                let lanes = Depth::ALL.map(|depth| Lane::at(direction, 0, depth));
                for lane in lanes.into_iter().chain([Lane::beside(direction), Lane::streamed(direction)]) {
                    self.streams.remove(&(end.flow.id, lane));
                }
            }
        }
    }

    fn reads(&mut self, flow: &FlowRecord, lane: Lane, reading: Reading<'_>) {
        let (key, direction) = ((flow.id, lane), lane.direction);
        if let Reading::Begin(field) = reading {
            let is_scanned = self.rules.has_rules(field, direction);
            if let Some(stream) = self.streams.get_mut(&key) {
                stream.is_scanned = is_scanned;
            } else if is_scanned {
                self.streams.insert(key, Stream { number: self.count, is_scanned });
                self.count += 1;
            }
        }
        let Some(Stream { number, is_scanned: true }) = self.streams.get(&key).copied() else { return };
        let step = match reading {
            Reading::Begin(field) => Step::Begin(field, direction),
            Reading::Data(bytes) => {
                self.data.extend_from_slice(bytes);
                Step::Data(u32::try_from(bytes.len()).expect("a frame is shorter, and so is a line"))
            }
            Reading::End => Step::End,
        };
        self.steps.push((number, step));
    }
}
