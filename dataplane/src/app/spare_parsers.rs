//! Parsers whose message is over, for the next ones to take the room of.

use super::{Http, Record};
use crate::content::Decoders;
use crate::limits::HTTP_PARSERS_SPARE_MAX;
use crate::spare::Spare;

/// The parsers of a worker that no flow is using: one has a parser only while something is under way in it.
#[derive(Debug, Default)]
pub struct SpareParsers {
    http: Spare<Http, HTTP_PARSERS_SPARE_MAX>,
    /// Room for the record that a parser tells.
    record: Record,
    decoders: Decoders,
}

impl SpareParsers {
    /// A parser that rests.
    pub(super) fn http(&mut self) -> Box<Http> {
        self.http.pop().unwrap_or_default()
    }

    pub(super) fn record(&mut self) -> &mut Record {
        &mut self.record
    }

    pub(super) fn decoders(&mut self) -> &mut Decoders {
        &mut self.decoders
    }

    /// Takes one in that rests.
    pub(super) fn take_back(&mut self, http: Box<Http>) {
        self.http.push(http);
    }
}
