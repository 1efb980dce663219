//! A connection between two exchanges, without its parser.

use super::{Http, Part, Side};
use crate::app::{AppProtocol, RequestPart, payload::Payload};
use crate::limits::HTTP_SPARE_BUFFER_BYTES_MAX;

/// What a connection needs of its parser while nothing is under way: most connections at most times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpIdle {
    next_transaction: u64,
}

impl HttpIdle {
    /// Goes on where the connection stood, in the room of any parser.
    pub(in crate::app) fn resume(self, mut http: Box<Http>) -> Box<Http> {
        (http.proven, http.is_behind_response) = (true, true);
        http.transactions.number_from(self.next_transaction);
        http
    }
}

impl Http {
    /// How a connection goes on of which both directions are through with HTTP and all is told: what still
    /// comes is payload, as it would be here.
    pub(in crate::app) fn remains(&self) -> Option<Payload> {
        let is_over = self.client.part == Part::Tunnel
            && self.server.part == Part::Tunnel
            && self.transactions.is_idle();
        is_over.then(|| Payload::behind(AppProtocol::Http, [self.client.outlet, self.server.outlet]))
    }

    /// What of a request is under way.
    pub(in crate::app) fn request_part(&self) -> Option<RequestPart> {
        match self.client.part {
            Part::StartLine if self.proven && !self.request_line.is_idle() => Some(RequestPart::Head),
            Part::StartLine | Part::Tunnel => None,
            Part::Message => self.client.message.request_part(),
        }
    }

    /// A new connection, in the room of a parser that rests.
    pub(in crate::app) fn begin(mut http: Box<Http>) -> Box<Http> {
        (http.proven, http.is_behind_response) = (false, false);
        http.transactions.number_from(0);
        http
    }

    /// Lets a parser rest that is as if new, but for what [`HttpIdle`] knows and for its memory.
    pub(in crate::app) fn rest(&mut self) -> Option<HttpIdle> {
        let is_idle = self.is_between_messages()
            && self.proven
            && !self.tunnelled
            && [&self.client, &self.server].iter().all(|side| side.is_idle())
            && self.status_line.held().is_empty();
        if !is_idle {
            return None;
        }
        self.request_line.trim(HTTP_SPARE_BUFFER_BYTES_MAX);
        self.status_line.trim(HTTP_SPARE_BUFFER_BYTES_MAX);
        self.client.message.trim(HTTP_SPARE_BUFFER_BYTES_MAX);
        self.server.message.trim(HTTP_SPARE_BUFFER_BYTES_MAX);
        self.transactions.trim();
        Some(HttpIdle { next_transaction: self.transactions.next_id() })
    }
}

impl Side {
    fn is_idle(&self) -> bool {
        self.part == Part::StartLine && !self.lost && !self.forked && self.outlet.is_idle()
    }
}
