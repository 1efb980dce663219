//! The bare matcher inside of an engine that has no rules.

use dataplane::app::Lane;
use dataplane::event::{Event, EventSink, Reading};
use dataplane::flow::FlowRecord;
use dlp_patterns::{RuleSet, ScanState};

use super::scanner::Scanner;
use super::tally::Tally;

/// Scans whatever the engine would scan if it had the rules, at the moment at which it would.
pub(super) struct InPlace<'r> {
    scanner: Scanner<'r>,
    events: Tally,
    /// By the number of the flow, and by direction.
    flows: Vec<[[Stream; 2]; 2]>,
}

#[derive(Debug, Default)]
struct Stream {
    state: ScanState,
    /// Whether any rule speaks of the open field.
    is_scanned: bool,
}

impl<'r> InPlace<'r> {
    /// Has room for so many flows.
    pub(super) fn new(rules: &'r RuleSet, flows: u64) -> InPlace<'r> {
        InPlace {
            scanner: Scanner::new(rules),
            events: Tally::new(),
            flows: Vec::with_capacity(flows as usize + 1),
        }
    }

    /// Hits by rule.
    pub(super) fn counts(&self) -> &[u64] {
        &self.scanner.counts
    }
}

impl EventSink for InPlace<'_> {
    fn emit(&mut self, event: Event<'_>) {
        if let Event::Flow(end) = &event
            && let Some(streams) = self.flows.get_mut(end.flow.id as usize)
        {
            *streams = Default::default();
        }
        self.events.emit(event);
    }

    fn reads(&mut self, flow: &FlowRecord, lane: Lane, reading: Reading<'_>) {
        let at = flow.id as usize;
        if at >= self.flows.len() {
            self.flows.resize_with(at + 1, Default::default);
        }
        // What is told beside is told at once: each direction needs room for one such field.
        let direction = lane.direction;
        let stream = &mut self.flows[at][usize::from(!lane.is_main())][direction as usize];
        if let Reading::Begin(field) = reading {
            stream.is_scanned = self.scanner.rules.has_rules(field, direction);
        }
        if !stream.is_scanned {
            return;
        }
        match reading {
            Reading::Begin(field) => self.scanner.rules.begin(&mut stream.state, field, direction),
            Reading::Data(bytes) => self.scanner.data(&mut stream.state, bytes),
            Reading::End => self.scanner.end(&mut stream.state),
        }
    }
}
