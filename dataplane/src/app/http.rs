//! HTTP/1.x (RFC 9112) and HTTP/0.9: both directions of one connection, which agree on whose response it is.

#[cfg(test)]
mod bodies;
mod chunked;
#[cfg(test)]
pub(super) mod conversations;
mod ending;
#[cfg(test)]
mod every_reading;
mod forks;
mod framing;
mod framings;
mod gaps;
mod head;
mod header_block;
mod header_name;
mod idle;
#[cfg(test)]
mod leniency;
mod line_buffer;
mod marks;
mod message;
#[cfg(test)]
mod parts;
#[cfg(test)]
mod readings;
mod request_line;
mod side;
mod status_line;
mod switch;
mod transactions;
mod uri_decode;

use dlp_patterns::Field;

pub(super) use self::request_line::Looked;
use self::{
    forks::{Forks, is_empty, passed},
    head::Kind,
    message::{GaveUp, Progress},
    request_line::{LineRead, RequestLine},
    side::{Part, Side},
    status_line::{Status, StatusLine},
    transactions::Transactions,
};
pub use self::{framing::HttpFraming, idle::HttpIdle};
pub(super) use self::{
    head::{decimal, media_type},
    switch::Switch,
    uri_decode::UriDecoder,
};
use super::{
    AppAnomaly, AppProtocol, AppSink, SpareParsers,
    payload::Payload,
    signature::{Answer, Prefix, Signature},
};
use crate::{content::Decoders, flow::Direction, reassembly::StreamChunk};

/// A request line that is read as leniently as servers do, or a response.
pub(super) const SIGNATURE: Signature = Signature {
    protocol: AppProtocol::Http,
    stream: Some(|Prefix { direction, bytes, looked, .. }| {
        words(direction, bytes).or_else(|| match direction {
            Direction::ToServer => RequestLine::of(bytes, looked),
            Direction::ToClient => Answer::No,
        })
    }),
    datagram: None,
};

/// What its parser tells.
pub(super) const FIELDS: &[Field] = &[
    Field::HttpUri,
    Field::HttpHeaders,
    Field::HttpRequestBody,
    Field::HttpResponseBody,
    Field::FileName,
    Field::FileData,
];

/// What need not be read any further: nothing else begins like this.
const METHODS: &[&[u8]] = &[
    b"GET /",
    b"POST /",
    b"PUT /",
    b"DELETE /",
    b"HEAD /",
    b"PATCH /",
    b"OPTIONS /",
    b"TRACE /",
    b"PROPFIND /",
    b"GET http",
    b"POST http",
];

/// Whether one end begins with words that say that it speaks HTTP, and nothing beside.
pub(super) fn words(direction: Direction, bytes: &[u8]) -> Answer {
    match direction {
        Direction::ToServer => Answer::begins_any(bytes, METHODS),
        Direction::ToClient => Answer::begins(bytes, b"HTTP/1."),
    }
}

/// The parser of one connection.
#[derive(Debug)]
pub struct Http {
    /// Whether a start line was complete: before, nothing is known to be HTTP.
    proven: bool,
    /// Whether the client's direction is a tunnel once its current request is complete.
    tunnelled: bool,
    request_line: RequestLine,
    status_line: StatusLine,
    client: Side,
    server: Side,
    after_response: AfterResponse,
    /// Whether a response was complete.
    is_behind_response: bool,
    transactions: Transactions,
    /// Whether it may hold more or less than when it was asked the last time.
    touched: bool,
    /// What follows the response at hand.
    switch: Option<Switch>,
    /// Other readings of the same bytes.
    forks: Forks,
    /// Whether it was told that they do not know which response has no body.
    is_unpaired_told: bool,
}

/// How a connection goes on behind a piece of it.
#[derive(Debug)]
pub(super) enum Went<'c> {
    On,
    /// As another protocol, in both directions: it begins with what is left of the piece.
    Switched(Switch, StreamChunk<'c>),
}

/// How the server's direction goes on when a response is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AfterResponse {
    /// With the response to the next request.
    Next,
    /// With another response to the same request (RFC 9110 §15.2).
    Again,
    /// With the protocol that a 101 names (RFC 9110 §15.2.2).
    Upgrade,
    /// With what the other end of a tunnel says: 2xx to CONNECT.
    Tunnel,
}

impl Default for Http {
    fn default() -> Self {
        Http {
            proven: false,
            tunnelled: false,
            request_line: RequestLine::default(),
            status_line: StatusLine::default(),
            client: Side::new(Direction::ToServer),
            server: Side::new(Direction::ToClient),
            after_response: AfterResponse::Next,
            is_behind_response: false,
            transactions: Transactions::default(),
            touched: true,
            switch: None,
            forks: Forks::default(),
            is_unpaired_told: false,
        }
    }
}

impl Http {
    /// Whether no request line is being read and no transaction is under way.
    pub(super) fn is_between_messages(&self) -> bool {
        self.request_line.is_idle() && self.transactions.is_idle()
    }

    /// Whether this is HTTP for sure.
    pub(super) fn is_proven(&self) -> bool {
        self.proven
    }

    /// Reads the next piece of one direction. On an error the parser gave up: everything that it did not
    /// read is delivered as payload, and the flow goes on as that.
    pub(super) fn advance<'c, S: AppSink>(
        &mut self,
        direction: Direction,
        chunk: StreamChunk<'c>,
        parsers: &mut SpareParsers,
        sink: &mut S,
    ) -> Result<Went<'c>, Payload> {
        let mut unread = chunk;
        let framing = parsers.http_framing();
        let decoders = parsers.decoders();
        self.touched |= !self.forks.is_empty() || !self.side(direction).is_of_body(chunk);
        loop {
            let at_hand = unread;
            self.side(direction).message.read_as(framing);
            let read = self.read_on(direction, &mut unread, decoders, sink);
            self.advance_forks(direction, passed(at_hand, unread), decoders, sink);
            match read {
                Ok(()) if self.fork(direction, decoders, sink) && !is_empty(unread) => {}
                Ok(()) if self.switch.is_some() || is_empty(unread) => break,
                Ok(()) => {}
                Err(GaveUp) if self.ends_for_want_of_sense(direction, sink) => {
                    if is_empty(unread) {
                        break;
                    }
                }
                Err(GaveUp) => return Err(self.surrender(direction, unread, sink)),
            }
        }
        if self.switch.is_some() && !self.forks.is_empty() {
            // What follows has one reading only.
            sink.anomaly(direction, AppProtocol::Http, AppAnomaly::Readings);
            self.forks.finish(sink);
        }
        let Some(switch) = self.switch.take() else { return Ok(Went::On) };
        Ok(Went::Switched(switch, unread))
    }

    /// Reads on, up to the end of `unread`, or to where the connection switches, or behind a head that has other readings.
    fn read_on<S: AppSink>(
        &mut self,
        direction: Direction,
        unread: &mut StreamChunk<'_>,
        decoders: &mut Decoders,
        sink: &mut S,
    ) -> Result<(), GaveUp> {
        match (unread, direction) {
            (StreamChunk::Data(rest), Direction::ToServer) => self.requests(rest, decoders, sink),
            (StreamChunk::Data(rest), Direction::ToClient) => self.responses(rest, decoders, sink),
            (StreamChunk::Gap(0), _) => Ok(()),
            (StreamChunk::Gap(bytes), _) => self.gap(direction, *bytes, sink),
            (StreamChunk::Fin, _) => {
                self.close(direction, sink);
                Ok(())
            }
        }
    }

    /// Whether it may [hold](Self::held_bytes) more or less than it did when this was asked the last time.
    #[inline]
    pub(super) fn take_touched(&mut self) -> bool {
        std::mem::take(&mut self.touched)
    }

    /// Memory that it holds beside itself, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        let sides = self.client.message.held_bytes() + self.server.message.held_bytes();
        self.request_line.held_bytes()
            + self.status_line.held_bytes()
            + sides
            + self.transactions.held_bytes()
            + self.forks.held_bytes()
    }

    /// There is no room for what it holds: all that it did not read is payload, and so is what follows.
    pub(super) fn give_up<S: AppSink>(&mut self, direction: Direction, sink: &mut S) -> Payload {
        self.surrender(direction, StreamChunk::Data(&[]), sink)
    }

    /// The flow is over.
    pub(super) fn finish<S: AppSink>(&mut self, sink: &mut S) {
        self.forks.finish(sink);
        self.finish_reading(sink);
    }

    /// Its own, and no other.
    fn finish_reading<S: AppSink>(&mut self, sink: &mut S) {
        for direction in Direction::BOTH {
            self.close(direction, sink);
        }
        self.transactions.finish(&mut self.client.outlet.to(sink));
    }

    #[inline(never)]
    fn requests<S: AppSink>(
        &mut self,
        input: &mut &[u8],
        decoders: &mut Decoders,
        sink: &mut S,
    ) -> Result<(), GaveUp> {
        while !input.is_empty() {
            match self.client.part {
                Part::StartLine => {
                    self.read_request_line(input, sink)?;
                    if self.is_unpaired() && !self.is_unpaired_told {
                        return Ok(());
                    }
                }
                Part::Message => {
                    let mut out = self.client.outlet.to(sink);
                    let request = self.transactions.request();
                    let read = self.client.message.read(input, request, decoders, &mut out)?;
                    let is_forked = self.client.message.has_others();
                    if read == Progress::Complete {
                        self.request_complete(sink);
                    }
                    if is_forked {
                        return Ok(());
                    }
                }
                Part::Tunnel => self.client.outlet.to(sink).data(Field::Payload, std::mem::take(input)),
            }
        }
        Ok(())
    }

    fn read_request_line<S: AppSink>(&mut self, input: &mut &[u8], sink: &mut S) -> Result<(), GaveUp> {
        let mut out = self.client.outlet.to(sink);
        if self.request_line.is_idle() && self.transactions.is_full() {
            if !self.server.lost {
                out.anomaly(AppAnomaly::Pipelined);
                return Err(GaveUp);
            }
            self.transactions.give_up_oldest(&mut out);
        }
        let transactions = &mut self.transactions;
        let read = self.request_line.read(input, &mut out, |request| {
            transactions.open(request);
            (request.is_simple(), request.is_1_0())
        });
        match read {
            LineRead::More => return Ok(()),
            LineRead::Not(anomaly) => {
                if self.proven && !(self.client.forked && anomaly == AppAnomaly::RequestLine) {
                    out.anomaly(anomaly);
                }
                return Err(GaveUp);
            }
            LineRead::Line((true, _)) => {
                self.transactions.request_complete(&mut out);
                self.client.part = Part::Tunnel;
            }
            LineRead::Line((false, is_1_0)) => {
                self.client.begin(Kind { direction: Direction::ToServer, is_1_0, bodiless: false });
            }
        }
        self.proven = true;
        Ok(())
    }

    fn request_complete<S: AppSink>(&mut self, sink: &mut S) {
        self.client.part = if self.tunnelled { Part::Tunnel } else { Part::StartLine };
        self.client.outlet.next_message();
        self.transactions.request_complete(&mut self.client.outlet.to(sink));
    }

    #[inline(never)]
    fn responses<S: AppSink>(
        &mut self,
        input: &mut &[u8],
        decoders: &mut Decoders,
        sink: &mut S,
    ) -> Result<(), GaveUp> {
        while !input.is_empty() {
            match self.server.part {
                Part::StartLine => self.read_status_line(input, sink)?,
                Part::Message => {
                    let response = match self.after_response {
                        AfterResponse::Again => None,
                        AfterResponse::Next | AfterResponse::Upgrade | AfterResponse::Tunnel => {
                            self.transactions.response()
                        }
                    };
                    let mut out = self.server.outlet.to(sink);
                    let read = self.server.message.read(input, response, decoders, &mut out)?;
                    let is_forked = self.server.message.has_others();
                    if read == Progress::Complete {
                        self.response_complete(sink);
                    }
                    if is_forked || self.switch.is_some() {
                        return Ok(());
                    }
                }
                Part::Tunnel => self.server.outlet.to(sink).data(Field::Payload, std::mem::take(input)),
            }
        }
        Ok(())
    }

    fn read_status_line<S: AppSink>(&mut self, input: &mut &[u8], sink: &mut S) -> Result<(), GaveUp> {
        // RFC 9112 §2.2 asks it of servers: most clients, too, pass by what a body has behind its length.
        let is_next = self.is_behind_response && self.status_line.held().is_empty();
        if is_next && !self.awaits_simple_response() {
            let blank = input.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            *input = input.get(blank..).unwrap_or_default();
            if input.is_empty() {
                return Ok(());
            }
        }
        match self.status_line.read(input) {
            LineRead::More => {}
            LineRead::Line(status) => {
                self.proven = true;
                self.begin_response(status, sink);
            }
            LineRead::Not(_) if self.awaits_simple_response() => self.begin_simple_response(sink),
            LineRead::Not(anomaly) => {
                if self.proven && !(self.server.forked && anomaly == AppAnomaly::StatusLine) {
                    self.server.outlet.to(sink).anomaly(anomaly);
                }
                return Err(GaveUp);
            }
        }
        Ok(())
    }

    fn begin_response<S: AppSink>(&mut self, status: Status, sink: &mut S) {
        let method = self.transactions.awaiting().map(|transaction| transaction.method.as_slice());
        let connected = method == Some(b"CONNECT") && status.code / 100 == 2;
        let bodiless = method == Some(b"HEAD")
            || connected
            || status.code / 100 == 1
            || matches!(status.code, 204 | 304);
        self.after_response = match status.code {
            101 => AfterResponse::Upgrade,
            _ if connected => AfterResponse::Tunnel,
            100..=199 => AfterResponse::Again,
            _ => AfterResponse::Next,
        };
        self.server.begin(Kind { direction: Direction::ToClient, is_1_0: status.is_1_0, bodiless });
        let paired = self.after_response == AfterResponse::Again || self.transactions.answer(status);
        // Who lost sight of the requests cannot tell that there was none.
        if !paired && !self.client.lost {
            self.server.outlet.to(sink).anomaly(AppAnomaly::UnpairedResponse);
        }
    }

    fn response_complete<S: AppSink>(&mut self, sink: &mut S) {
        self.server.part = Part::StartLine;
        self.is_behind_response = true;
        self.server.outlet.next_message();
        match self.after_response {
            AfterResponse::Again => {}
            AfterResponse::Next => self.transactions.response_complete(&mut self.server.outlet.to(sink)),
            AfterResponse::Upgrade | AfterResponse::Tunnel => {
                self.switch(self.after_response == AfterResponse::Upgrade, sink);
                self.server.part = Part::Tunnel;
                self.tunnelled = true;
                if self.switch.is_none() && self.client.part == Part::StartLine {
                    self.abandon_request_line(sink);
                }
            }
        }
    }

    /// Whether the next response may be the bare body of HTTP/0.9.
    fn awaits_simple_response(&self) -> bool {
        self.transactions.awaiting().is_some_and(|transaction| transaction.protocol == b"HTTP/0.9")
    }

    /// The response has neither status line nor header block: what was held of one is body.
    fn begin_simple_response<S: AppSink>(&mut self, sink: &mut S) {
        self.after_response = AfterResponse::Next;
        self.server.part = Part::Message;
        self.server.message.begin_bare_body(
            self.status_line.held(),
            self.transactions.response(),
            &mut self.server.outlet.to(sink),
        );
        self.status_line.clear();
    }

    fn message_complete<S: AppSink>(&mut self, direction: Direction, sink: &mut S) {
        match direction {
            Direction::ToServer => self.request_complete(sink),
            Direction::ToClient => self.response_complete(sink),
        }
    }

    fn side(&mut self, direction: Direction) -> &mut Side {
        match direction {
            Direction::ToServer => &mut self.client,
            Direction::ToClient => &mut self.server,
        }
    }
}
