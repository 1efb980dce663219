//! What parsers told, so that two tellings can be compared: how data was cut into pieces leaves no trace in it, all else does.

use std::collections::BTreeMap;

use dataplane::app::{AppAnomaly, AppProtocol, AppSink, HttpTransaction, Lane, Record};
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
    /// What is wrong, and where that decides: how many bytes of the directions' own open instances were told before.
    Anomaly(AppAnomaly, [usize; 2]),
    Carried(Direction, AppProtocol),
}

/// A listener who panics where a parser breaks the promises of [`AppSink`].
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) told: Vec<Told>,
    /// Bytes of fields.
    pub(super) field_bytes: usize,
    open: BTreeMap<Lane, Vec<u8>>,
}

impl Heard {
    pub(super) fn assert_nothing_open(&self) {
        assert!(self.open.is_empty(), "left open: {:?}", self.open);
    }
}

impl AppSink for Heard {
    fn begin(&mut self, lane: Lane, field: Field) {
        assert_eq!(self.open.insert(lane, Vec::new()), None, "one instance at a time");
        self.told.push(Told::Begin(lane, field));
    }

    fn data(&mut self, lane: Lane, bytes: &[u8]) {
        assert!(!bytes.is_empty(), "data says something");
        self.field_bytes += bytes.len();
        self.open.get_mut(&lane).expect("data belongs to an instance").extend(bytes);
    }

    fn end(&mut self, lane: Lane) {
        let bytes = self.open.remove(&lane).expect("only what is open ends");
        self.told.push(Told::End(lane, bytes));
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
        let open = |direction| self.open.get(&Lane::main(direction)).filter(|_| anomaly.is_ambiguous());
        let told_bytes = |direction| open(direction).map_or(0, Vec::len);
        self.told.push(Told::Anomaly(anomaly, Direction::BOTH.map(told_bytes)));
    }
}
