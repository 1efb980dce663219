//! What parsers told, so that two tellings can be compared: how data was cut into pieces leaves no trace in it, all else does.

use std::collections::BTreeMap;

use dataplane::app::{AppAnomaly, AppProtocol, AppSink, Depth, HttpTransaction, Lane, Record};
use dataplane::flow::Direction;
use dlp_patterns::Field;

/// One thing told, in order.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    Begin(Lane, Field),
    /// An instance ended, with its bytes.
    End(Lane, Vec<u8>),
    Transaction(Box<HttpTransaction>),
    Record(Record),
    Anomaly(AppAnomaly),
    Carried(Direction, AppProtocol),
}

/// How many instances a direction's own lane has begun, and how many bytes the last one had, if it is open.
type Place = (usize, usize);

/// A listener who panics where a parser breaks the promises of [`AppSink`].
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) told: Vec<Told>,
    /// What two ends may read differently, and where that decides, in each direction. It has no order with what is told beside the
    /// bytes.
    pub(super) ambiguous: Vec<(AppAnomaly, [Place; 2])>,
    /// What is told of members of files: they are read beside the bodies that they stand in, and have no order with what is told of
    /// these.
    pub(super) of_members: Vec<Told>,
    /// Bytes of fields.
    pub(super) field_bytes: usize,
    open: BTreeMap<Lane, Vec<u8>>,
    begun: [usize; 2],
}

impl Heard {
    fn of(&mut self, lane: Lane) -> &mut Vec<Told> {
        if lane.depth == Depth::Member { &mut self.of_members } else { &mut self.told }
    }

    pub(super) fn assert_nothing_open(&self) {
        assert!(self.open.is_empty(), "left open: {:?}", self.open);
    }
}

impl AppSink for Heard {
    fn begin(&mut self, lane: Lane, field: Field) {
        assert_eq!(self.open.insert(lane, Vec::new()), None, "one instance at a time");
        self.begun[lane.direction as usize] += usize::from(lane == Lane::main(lane.direction));
        self.of(lane).push(Told::Begin(lane, field));
    }

    fn data(&mut self, lane: Lane, bytes: &[u8]) {
        assert!(!bytes.is_empty(), "data says something");
        self.field_bytes += bytes.len();
        self.open.get_mut(&lane).expect("data belongs to an instance").extend(bytes);
    }

    fn end(&mut self, lane: Lane) {
        let bytes = self.open.remove(&lane).expect("only what is open ends");
        self.of(lane).push(Told::End(lane, bytes));
    }

    fn transaction(&mut self, transaction: &HttpTransaction) {
        self.told.push(Told::Transaction(Box::new(transaction.clone())));
    }

    fn record(&mut self, record: &Record) {
        self.told.push(Told::Record(record.clone()));
    }

    fn carried(&mut self, direction: Direction, _: AppProtocol, carried: AppProtocol) {
        self.told.push(Told::Carried(direction, carried));
    }

    fn anomaly(&mut self, _: Direction, _: AppProtocol, anomaly: AppAnomaly) {
        if !anomaly.is_ambiguous() {
            return self.told.push(Told::Anomaly(anomaly));
        }
        let place = |direction| {
            let told_bytes = self.open.get(&Lane::main(direction)).map_or(0, Vec::len);
            (self.begun[direction as usize], told_bytes)
        };
        self.ambiguous.push((anomaly, Direction::BOTH.map(place)));
    }
}
