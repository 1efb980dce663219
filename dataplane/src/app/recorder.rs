//! A listener that writes down what it is told, so that tests can compare two tellings: how data was cut into
//! pieces leaves no trace in it, everything else does.

use dlp_patterns::Field;

use super::{AppAnomaly, AppSink, HttpTransaction};
use crate::flow::Direction;

/// One thing told, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Begin(Direction, Field),
    /// An instance ended, with its bytes.
    End(Direction, Field, Vec<u8>),
    Transaction(HttpTransaction),
    /// What is wrong, and how many bytes of the open instances were told before, by direction.
    Anomaly(AppAnomaly, [usize; 2]),
}

impl Told {
    fn transaction(&self) -> Option<&HttpTransaction> {
        if let Told::Transaction(transaction) = self { Some(transaction) } else { None }
    }
}

/// The recording listener. It panics where a parser breaks the promises of [`AppSink`].
#[derive(Debug, Default)]
pub(super) struct Recorder {
    pub(super) told: Vec<Told>,
    open: [Option<(Field, Vec<u8>)>; 2],
}

impl Recorder {
    /// The instances of `field` in `direction` that ended, in order.
    pub(super) fn instances(&self, direction: Direction, field: Field) -> Vec<&[u8]> {
        let bytes = |told| match told {
            &Told::End(of, name, ref bytes) if of == direction && name == field => Some(bytes.as_slice()),
            _ => None,
        };
        self.told.iter().filter_map(bytes).collect()
    }

    pub(super) fn transactions(&self) -> Vec<&HttpTransaction> {
        self.told.iter().filter_map(Told::transaction).collect()
    }

    pub(super) fn anomalies(&self) -> Vec<AppAnomaly> {
        let anomaly = |told: &Told| match told {
            Told::Anomaly(anomaly, _) => Some(*anomaly),
            _ => None,
        };
        self.told.iter().filter_map(anomaly).collect()
    }

    pub(super) fn assert_nothing_open(&self) {
        assert_eq!(self.open, [None, None]);
    }
}

impl AppSink for Recorder {
    fn begin(&mut self, direction: Direction, field: Field) {
        let before = self.open[direction as usize].replace((field, Vec::new()));
        assert_eq!(before, None, "one instance at a time");
        self.told.push(Told::Begin(direction, field));
    }

    fn data(&mut self, direction: Direction, bytes: &[u8]) {
        assert!(!bytes.is_empty(), "data says something");
        self.open[direction as usize].as_mut().expect("data belongs to an instance").1.extend(bytes);
    }

    fn end(&mut self, direction: Direction) {
        let (field, bytes) = self.open[direction as usize].take().expect("only what is open ends");
        self.told.push(Told::End(direction, field, bytes));
    }

    fn transaction(&mut self, transaction: &HttpTransaction) {
        self.told.push(Told::Transaction(transaction.clone()));
    }

    fn anomaly(&mut self, _direction: Direction, anomaly: AppAnomaly) {
        let told_bytes = |open: &Option<(Field, Vec<u8>)>| open.as_ref().map_or(0, |(_, bytes)| bytes.len());
        self.told.push(Told::Anomaly(anomaly, self.open.each_ref().map(told_bytes)));
    }
}
