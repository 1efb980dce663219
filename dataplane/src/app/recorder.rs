//! A listener that writes down what it is told, so that tests can compare two tellings: how data was cut into
//! pieces leaves no trace in it, everything else does.

use std::collections::BTreeMap;

use dlp_patterns::Field;

use super::{AppAnomaly, AppProtocol, AppSink, HttpProduct, HttpTransaction, Lane, Record, Value};
use crate::flow::Direction;

/// One thing told, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Begin(Lane, Field),
    /// An instance ended, with its bytes.
    End(Lane, Field, Vec<u8>),
    Transaction(Box<HttpTransaction>),
    Record(Record),
    /// What is wrong, and where that decides: how many bytes of the directions' own open instances were told before.
    Anomaly(AppAnomaly, [usize; 2]),
    /// What messages of another protocol carry.
    Carried(Direction, AppProtocol),
    Product(HttpProduct),
}

impl Told {
    fn record(&self) -> Option<&Record> {
        if let Told::Record(record) = self { Some(record) } else { None }
    }

    fn transaction(&self) -> Option<&HttpTransaction> {
        if let Told::Transaction(transaction) = self { Some(transaction) } else { None }
    }
}

/// The recording listener. It panics where a parser breaks the promises of [`AppSink`].
#[derive(Debug, Default)]
pub(super) struct Recorder {
    pub(super) told: Vec<Told>,
    /// Whether it wants to hear of fields' bytes alone.
    pub(super) is_deaf: bool,
    open: BTreeMap<Lane, (Field, Vec<u8>)>,
}

impl Recorder {
    /// The instances of `field` in `direction` that ended, in order.
    pub(super) fn instances(&self, direction: Direction, field: Field) -> Vec<&[u8]> {
        let bytes = |told| match told {
            &Told::End(of, name, ref bytes) if of.direction == direction && name == field => {
                Some(bytes.as_slice())
            }
            _ => None,
        };
        self.told.iter().filter_map(bytes).collect()
    }

    pub(super) fn transactions(&self) -> Vec<&HttpTransaction> {
        self.told.iter().filter_map(Told::transaction).collect()
    }

    pub(super) fn records(&self) -> Vec<&Record> {
        self.told.iter().filter_map(Told::record).collect()
    }

    /// Whether a record has a text with `bytes` in it.
    pub(super) fn do_records_say(&self, bytes: &[u8]) -> bool {
        let says = |text: &[u8]| text.windows(bytes.len()).any(|window| window == bytes);
        let is_said = |record: &&Record| {
            record.values().any(|(_, value)| matches!(value, Value::Text(text) if says(text)))
        };
        self.records().iter().any(is_said)
    }

    pub(super) fn anomalies(&self) -> Vec<AppAnomaly> {
        let anomaly = |told: &Told| match told {
            Told::Anomaly(anomaly, _) => Some(*anomaly),
            _ => None,
        };
        self.told.iter().filter_map(anomaly).collect()
    }

    pub(super) fn carried(&self) -> Vec<(Direction, AppProtocol)> {
        let carried = |told: &Told| match told {
            Told::Carried(direction, protocol) => Some((*direction, *protocol)),
            _ => None,
        };
        self.told.iter().filter_map(carried).collect()
    }

    pub(super) fn products(&self) -> Vec<HttpProduct> {
        let product = |told: &Told| match told {
            Told::Product(product) => Some(*product),
            _ => None,
        };
        self.told.iter().filter_map(product).collect()
    }

    pub(super) fn assert_nothing_open(&self) {
        assert!(self.open.is_empty(), "left open: {:?}", self.open);
    }
}

impl AppSink for Recorder {
    fn begin(&mut self, lane: Lane, field: Field) {
        let before = self.open.insert(lane, (field, Vec::new()));
        assert_eq!(before, None, "one instance at a time");
        self.told.push(Told::Begin(lane, field));
    }

    fn data(&mut self, lane: Lane, bytes: &[u8]) {
        assert!(!bytes.is_empty(), "data says something");
        self.open.get_mut(&lane).expect("data belongs to an instance").1.extend(bytes);
    }

    fn end(&mut self, lane: Lane) {
        let (field, bytes) = self.open.remove(&lane).expect("only what is open ends");
        self.told.push(Told::End(lane, field, bytes));
    }

    fn is_heard(&self, _direction: Direction, _field: Field) -> bool {
        !self.is_deaf
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

    fn product(&mut self, product: HttpProduct) {
        self.told.push(Told::Product(product));
    }

    fn anomaly(&mut self, _direction: Direction, _protocol: AppProtocol, anomaly: AppAnomaly) {
        let open = |direction| self.open.get(&Lane::main(direction));
        let open = |direction| open(direction).filter(|_| anomaly.is_ambiguous());
        let told_bytes = |direction| open(direction).map_or(0, |(_, bytes)| bytes.len());
        self.told.push(Told::Anomaly(anomaly, Direction::BOTH.map(told_bytes)));
    }
}
