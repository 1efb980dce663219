//! Parsers whose message is over, for the next ones to take the room of.

use super::{Http, HttpFraming, Read, Record};
use crate::account::Account;
use crate::content::Decoders;
use crate::limits::{APP_BYTES_PER_WORKER_MAX, HTTP_PARSERS_SPARE_MAX, READS_SPARE_MAX};
use crate::spare::Spare;

/// The parsers of a worker that no flow is using: one has a parser only while something is under way in it.
#[derive(Debug)]
pub struct SpareParsers {
    /// What parsers and decoders hold.
    account: Account,
    http: Spare<Http, HTTP_PARSERS_SPARE_MAX>,
    reads: Spare<Read, READS_SPARE_MAX>,
    /// Room for the record that a parser tells.
    record: Record,
    http_framing: HttpFraming,
    decoders: Decoders,
}

impl Default for SpareParsers {
    fn default() -> SpareParsers {
        SpareParsers::with_bytes_max(APP_BYTES_PER_WORKER_MAX)
    }
}

impl SpareParsers {
    /// None yet; all parsers of the worker and their decoders may hold so many bytes.
    pub fn with_bytes_max(bytes_max: usize) -> SpareParsers {
        let account = Account::new(bytes_max);
        SpareParsers {
            http: Spare::default(),
            reads: Spare::default(),
            record: Record::default(),
            http_framing: HttpFraming::default(),
            decoders: Decoders::charged_to(account.clone()),
            account,
        }
    }

    /// What parsers and decoders hold now, in bytes, as it is charged.
    pub fn held_bytes(&self) -> usize {
        self.account.taken_bytes()
    }

    /// The same, which read messages of HTTP/1 like that.
    #[must_use]
    pub fn framed(self, http_framing: HttpFraming) -> SpareParsers {
        SpareParsers { http_framing, ..self }
    }

    /// How messages of HTTP/1 are read whose framing has several readings.
    pub(crate) fn http_framing(&self) -> HttpFraming {
        self.http_framing
    }

    pub(super) fn account(&self) -> &Account {
        &self.account
    }

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

    /// Room for a record, and what bodies are decoded with.
    pub(super) fn record_and_decoders(&mut self) -> (&mut Record, &mut Decoders) {
        (&mut self.record, &mut self.decoders)
    }

    pub(super) fn decoders(&mut self) -> &mut Decoders {
        &mut self.decoders
    }

    /// Takes one in that rests.
    pub(super) fn take_back(&mut self, http: Box<Http>) {
        self.http.push(http);
    }
}
