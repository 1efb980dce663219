//! What one direction tells its listener: at most one field instance is open, and none is empty of bytes
//! unless its parser began it by name.

use dlp_patterns::Field;

use super::{AppAnomaly, AppProtocol, AppSink, HttpTransaction, Lane};
use crate::flow::Direction;

/// The state of one direction's output, between the chunks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outlet {
    direction: Direction,
    open: bool,
    /// One bit for each anomaly of the current message.
    reported: u16,
}

impl Outlet {
    pub(super) fn new(direction: Direction) -> Self {
        Outlet { direction, open: false, reported: 0 }
    }

    /// Both directions, in index order.
    pub(super) fn both() -> [Outlet; 2] {
        Direction::BOTH.map(Outlet::new)
    }

    /// Connects the direction with its listener.
    pub(super) fn to<'a, S: AppSink>(&'a mut self, sink: &'a mut S) -> Emitter<'a, S> {
        Emitter { outlet: self, sink }
    }

    /// Whether no instance is open and nothing of the current message was reported.
    pub(super) fn is_idle(&self) -> bool {
        !self.open && self.reported == 0
    }

    /// Anomalies count once a message: a new one begins.
    pub(super) fn next_message(&mut self) {
        self.reported = 0;
    }
}

/// An [`Outlet`] while a chunk is read.
#[derive(Debug)]
pub(super) struct Emitter<'a, S> {
    outlet: &'a mut Outlet,
    sink: &'a mut S,
}

impl<S: AppSink> Emitter<'_, S> {
    /// Opens an instance of `field`, unless it is open already.
    pub(super) fn begin(&mut self, field: Field) {
        if !self.outlet.open {
            self.outlet.open = true;
            self.sink.begin(Lane::main(self.outlet.direction), field);
        }
    }

    /// The next bytes of `field`, which no other instance may precede unended.
    pub(super) fn data(&mut self, field: Field, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.begin(field);
        self.sink.data(Lane::main(self.outlet.direction), bytes);
    }

    /// Ends the open instance, if there is one.
    pub(super) fn end(&mut self) {
        if self.outlet.open {
            self.outlet.open = false;
            self.sink.end(Lane::main(self.outlet.direction));
        }
    }

    /// Reports an anomaly, once a message.
    pub(super) fn anomaly(&mut self, anomaly: AppAnomaly) {
        // Only those of HTTP/1 come by here; any other would be told each time.
        let bit = 1_u16.checked_shl(anomaly as u32).unwrap_or(0);
        if self.outlet.reported & bit == 0 {
            self.outlet.reported |= bit;
            self.sink.anomaly(self.outlet.direction, AppProtocol::Http, anomaly);
        }
    }

    /// Hands out a transaction.
    pub(super) fn transaction(&mut self, transaction: &HttpTransaction) {
        self.sink.transaction(transaction);
    }
}
