//! What a parser tells beside the payload that its bytes are: fields drawn out of them, records, anomalies.

use dlp_patterns::Field;

use super::{AppAnomaly, AppProtocol, AppSink, Lane, Record, SpareParsers};
use crate::{content::Decoders, flow::Direction};

/// A parser's way to its listener while a chunk is read.
#[derive(Debug)]
pub(super) struct Beside<'a, S> {
    pub(super) protocol: AppProtocol,
    /// What the flow spoke before it changed to that.
    pub(super) before: Option<AppProtocol>,
    pub(super) sink: &'a mut S,
    /// Room for the record at hand.
    pub(super) record: &'a mut Record,
    /// For content that is compressed.
    pub(super) decoders: &'a mut Decoders,
}

impl<'a, S: AppSink> Beside<'a, S> {
    /// With the room that a worker lends.
    pub(super) fn of(protocol: AppProtocol, sink: &'a mut S, parsers: &'a mut SpareParsers) -> Self {
        let (record, decoders) = parsers.record_and_decoders();
        Beside { protocol, before: None, sink, record, decoders }
    }

    /// The same, of a flow that spoke `before` until it changed.
    pub(super) fn behind(self, before: Option<AppProtocol>) -> Self {
        Beside { before, ..self }
    }

    /// A whole field; nothing is told of an empty one.
    pub(super) fn field(&mut self, direction: Direction, field: Field, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let lane = Lane::beside(direction);
        self.sink.begin(lane, field);
        self.sink.data(lane, bytes);
        self.sink.end(lane);
    }

    /// The same of a field that comes in several pieces.
    pub(super) fn field_of<'f>(
        &mut self,
        direction: Direction,
        field: Field,
        pieces: impl Iterator<Item = &'f [u8]>,
    ) {
        let lane = Lane::beside(direction);
        let mut is_open = false;
        for piece in pieces.filter(|piece| !piece.is_empty()) {
            if !std::mem::replace(&mut is_open, true) {
                self.sink.begin(lane, field);
            }
            self.sink.data(lane, piece);
        }
        if is_open {
            self.sink.end(lane);
        }
    }

    /// A transaction, number `id` of its flow, told by `fill`.
    pub(super) fn record(&mut self, id: u64, fill: impl FnOnce(&mut Record)) {
        self.record.begin(self.protocol, id);
        fill(self.record);
        self.sink.record(self.record);
    }

    /// A file that transaction number `id` carried.
    pub(super) fn file(&mut self, id: u64, fill: impl FnOnce(&mut Record)) {
        self.record.begin_file(self.protocol, id);
        fill(self.record);
        self.sink.record(self.record);
    }

    /// The peers broke the protocol.
    pub(super) fn anomaly(&mut self, direction: Direction, anomaly: AppAnomaly) {
        self.sink.anomaly(direction, self.protocol, anomaly);
    }
}
