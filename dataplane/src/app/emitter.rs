//! What one direction, or a stream within it, tells its listener: at most one field instance is open at each depth, and none is empty of
//! bytes.

use dlp_patterns::Field;

use super::{AppAnomaly, AppProtocol, AppSink, Depth, HttpProduct, HttpTransaction, Lane};
use crate::content::{Media, Piece, Values};
use crate::flow::Direction;

const _: () = assert!((AppAnomaly::Multipart as u32) < u32::BITS);

/// The state of one direction's output, between the chunks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outlet {
    direction: Direction,
    /// That of the lanes.
    number: u32,
    protocol: AppProtocol,
    /// One bit for each depth.
    open: u16,
    /// One bit for each anomaly of the current message.
    reported: u32,
}

impl Outlet {
    pub(super) fn new(direction: Direction) -> Self {
        Outlet { direction, number: 0, protocol: AppProtocol::Http, open: 0, reported: 0 }
    }

    /// That of stream `number` within a connection of `protocol`.
    pub(super) fn of_stream(direction: Direction, number: u32, protocol: AppProtocol) -> Self {
        Outlet { number, protocol, ..Outlet::new(direction) }
    }

    /// Both directions, in index order.
    pub(super) fn both() -> [Outlet; 2] {
        Direction::BOTH.map(Outlet::new)
    }

    /// Connects the direction with its listener.
    pub(super) fn to<'a, S: AppSink>(&'a mut self, sink: &'a mut S) -> Emitter<'a, S> {
        Emitter { outlet: self, sink }
    }

    fn lane(&self, depth: Depth) -> Lane {
        Lane::at(self.direction, self.number, depth)
    }

    /// Whether no instance is open and nothing of the current message was reported.
    pub(super) fn is_idle(&self) -> bool {
        self.open == 0 && self.reported == 0
    }

    /// Anomalies count once a message: a new one begins.
    pub(super) fn next_message(&mut self) {
        self.reported = 0;
    }
}

/// What values stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueDepth {
    Wire,
    Decoded,
}

/// An [`Outlet`] while a chunk is read.
#[derive(Debug)]
pub(super) struct Emitter<'a, S> {
    outlet: &'a mut Outlet,
    sink: &'a mut S,
}

impl<S: AppSink> Emitter<'_, S> {
    /// The next bytes of `field`, which no other instance may precede unended.
    pub(super) fn data(&mut self, field: Field, bytes: &[u8]) {
        self.data_at(Depth::Wire, field, bytes);
    }

    /// The same, so deep in the message.
    pub(super) fn data_at(&mut self, depth: Depth, field: Field, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let (lane, bit) = (self.outlet.lane(depth), 1 << depth as u8);
        if self.outlet.open & bit == 0 {
            self.outlet.open |= bit;
            self.sink.begin(lane, field);
        }
        self.sink.data(lane, bytes);
    }

    /// Ends the open instances, if there are any, the deepest first.
    pub(super) fn end(&mut self) {
        while let Some(deepest) = self.outlet.open.checked_ilog2() {
            self.end_at(Depth::ALL[deepest as usize]);
        }
    }

    /// Ends the instance that is open so deep, if there is one.
    pub(super) fn end_at(&mut self, depth: Depth) {
        let bit = 1 << depth as u8;
        if self.outlet.open & bit != 0 {
            self.outlet.open &= !bit;
            self.sink.end(self.outlet.lane(depth));
        }
    }

    /// Takes apart the next bytes of what `media` says, of which values are told `depth` deep. Where nobody hears of them they are
    /// not looked for: who does from some byte on is told what begins there.
    #[inline]
    pub(super) fn values(
        &mut self,
        (values, media): (&mut Values, Media),
        depth: ValueDepth,
        field: Field,
        bytes: &[u8],
    ) {
        if media == Media::Other {
            return;
        }
        if self.is_heard(field) {
            if values.are_none() {
                values.begin(media);
            }
            values.push(bytes, |piece| self.value(depth, field, piece));
        } else if !values.are_none() {
            values.finish(|piece| self.value(depth, field, piece));
        }
    }

    /// A whole field, beside the message; nothing is told of an empty one.
    pub(super) fn whole(&mut self, field: Field, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let lane = Lane::beside(self.outlet.direction);
        self.sink.begin(lane, field);
        self.sink.data(lane, bytes);
        self.sink.end(lane);
    }

    /// Whether anybody hears what is told of a field beside its bytes.
    #[inline]
    pub(super) fn is_heard(&self, field: Field) -> bool {
        self.sink.is_heard(self.outlet.direction, field)
    }

    /// Tells a piece of a value, `depth` deep.
    pub(super) fn value(&mut self, depth: ValueDepth, field: Field, piece: Piece<'_>) {
        let (of_values, of_base64) = match depth {
            ValueDepth::Wire => (Depth::WireValues, Depth::WireBase64),
            ValueDepth::Decoded => (Depth::DecodedValues, Depth::DecodedBase64),
        };
        match piece {
            Piece::Text(text) => self.data_at(of_values, field, text),
            Piece::End => self.end_at(of_values),
            Piece::Base64(text) => self.data_at(of_base64, field, text),
            Piece::Base64End => self.end_at(of_base64),
        }
    }

    /// Reports an anomaly, once a message.
    pub(super) fn anomaly(&mut self, anomaly: AppAnomaly) {
        // Only those of messages of HTTP come by here, which are the first; any other would be told each time.
        let bit = 1_u32.checked_shl(anomaly as u32).unwrap_or(0);
        if self.outlet.reported & bit == 0 {
            self.outlet.reported |= bit;
            self.sink.anomaly(self.outlet.direction, self.outlet.protocol, anomaly);
        }
    }

    /// Tells what product answers.
    pub(super) fn product(&mut self, product: HttpProduct) {
        self.sink.product(product);
    }

    /// Hands out a transaction.
    pub(super) fn transaction(&mut self, transaction: &HttpTransaction) {
        self.sink.transaction(transaction);
    }
}
