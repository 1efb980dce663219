//! Parsers whose message is over, for the next ones to take the room of.

use super::Http;
use crate::limits::HTTP_PARSERS_SPARE_MAX;
use crate::spare::Spare;

/// The parsers of a worker that no flow is using: one has a parser only while something is under way in it.
#[derive(Debug, Default)]
pub struct SpareParsers {
    http: Spare<Http, HTTP_PARSERS_SPARE_MAX>,
}

impl SpareParsers {
    /// A parser that rests.
    pub(super) fn http(&mut self) -> Box<Http> {
        self.http.pop().unwrap_or_default()
    }

    /// Takes one in that rests.
    pub(super) fn take_back(&mut self, http: Box<Http>) {
        self.http.push(http);
    }
}
