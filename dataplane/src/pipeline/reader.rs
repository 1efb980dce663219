//! [`Reader`]: the part of a flow that reads its streams, while its connection puts them in order.

use super::flow_label::FlowLabel;
use super::listener::{Listener, ToldOfApp};
use super::secrets::Secrets;
use super::tracked::Inspection;
use crate::app::{App, Holding, Opened, Opening, TlsRecords};
use crate::event::EventSink;
use crate::flow::{Direction, FlowRecord};
use crate::inspect::Lanes;
use crate::policy::Threat;
use crate::reassembly::StreamChunk;

/// What the streams of a flow are read with, apart from its connection.
pub(super) struct Reader<'t> {
    pub(super) record: &'t mut FlowRecord,
    /// Whether client and server have each other's names in what follows, and in the record.
    pub(super) is_turned: bool,
    pub(super) opening: &'t mut Option<Opening>,
    pub(super) app: &'t mut App,
    pub(super) holding: &'t mut Holding,
    pub(super) told_of_app: &'t mut ToldOfApp,
    pub(super) threat: &'t mut Option<Threat>,
    pub(super) tls: &'t mut Option<TlsRecords>,
    pub(super) scans: &'t mut Lanes,
    pub(super) secrets: &'t mut Secrets,
}

impl Reader<'_> {
    /// Shows a piece of a stream to the parser, and what it yields to the rules. The direction is named as it was when the
    /// packet came.
    #[inline]
    pub(super) fn read<S: EventSink>(
        &mut self,
        direction: Direction,
        chunk: StreamChunk<'_>,
        inspection: &mut Inspection<'_, S>,
    ) {
        if self.opening.is_some() && !self.open(direction, chunk, inspection) {
            return;
        }
        self.advance(self.named(direction), chunk, inspection);
    }

    /// Finds out who is who. False where that is open, and the piece is held.
    #[cold]
    fn open<S: EventSink>(
        &mut self,
        direction: Direction,
        chunk: StreamChunk<'_>,
        inspection: &mut Inspection<'_, S>,
    ) -> bool {
        let Some(opening) = self.opening else { return true };
        match opening.look(direction, chunk) {
            Opened::Undecided => return false,
            Opened::AsIs => {}
            Opened::Turned => {
                self.is_turned = true;
                self.record.turn();
            }
        }
        if let Some((direction, bytes)) = self.opening.take().as_ref().and_then(Opening::held) {
            self.advance(self.named(direction), StreamChunk::Data(bytes), inspection);
        }
        true
    }

    fn named(&self, direction: Direction) -> Direction {
        if self.is_turned { direction.opposite() } else { direction }
    }

    #[inline]
    fn advance<S: EventSink>(
        &mut self,
        direction: Direction,
        chunk: StreamChunk<'_>,
        inspection: &mut Inspection<'_, S>,
    ) {
        if self.told_of_app.label == FlowLabel::FtpData {
            inspection.transfers.see_data(self.record, direction, chunk);
        }
        let (mut listener, parsers) = Listener::new(self.record, self.scans, self.secrets, inspection);
        self.app.advance(direction, chunk, parsers, &mut listener);
        self.app.settle(direction, self.holding, parsers, &mut listener);
        listener.note_app(self.app, self.told_of_app);
        *self.threat = listener.shown().of_flow(*self.threat);
        if let Some(tls) = self.tls {
            tls.advance(direction, chunk);
            if tls.is_broken() {
                *self.tls = None;
            }
        }
        if !self.secrets.is_empty() && self.app.is_between_messages() {
            self.secrets.clear();
        }
    }
}
