//! Parsers whose message is over, for the next ones to take the room of.

use super::{Http, Read, Record};
use crate::content::Decoders;
use crate::limits::{HTTP_PARSERS_SPARE_MAX, READS_SPARE_MAX};
use crate::spare::Spare;

/// The parsers of a worker that no flow is using: one has a parser only while something is under way in it.
#[derive(Debug, Default)]
pub struct SpareParsers {
    http: Spare<Http, HTTP_PARSERS_SPARE_MAX>,
    reads: Spare<Read, READS_SPARE_MAX>,
    /// Room for the record that a parser tells.
    record: Record,
    decoders: Decoders,
}

impl SpareParsers {
    /// A parser that rests.
    pub(super) fn http(&mut self) -> Box<Http> {
        self.http.pop().unwrap_or_default()
    }

    /// This one, in the room of one that is over where there is any.
    pub(super) fn read(&mut self, read: Read) -> Box<Read> {
        match self.reads.pop() {
            Some(mut room) => {
                *room = read;
                room
            }
            None => Box::new(read),
        }
    }

    /// Takes one in that is over.
    pub(super) fn take_back_read(&mut self, read: Box<Read>) {
        self.reads.push(read);
    }

    pub(super) fn record(&mut self) -> &mut Record {
        &mut self.record
    }

    pub(super) fn decoders(&mut self) -> &mut Decoders {
        &mut self.decoders
    }

    /// What a parser that reads beside the payload works with.
    pub(super) fn record_and_decoders(&mut self) -> (&mut Record, &mut Decoders) {
        (&mut self.record, &mut self.decoders)
    }

    /// Takes one in that rests.
    pub(super) fn take_back(&mut self, http: Box<Http>) {
        self.http.push(http);
    }
}
