//! How one direction of a connection ends, and how both are given up: nothing that was taken in is lost.

use dlp_patterns::Field;

use super::{Http, Part, Progress};
use crate::{
    app::{AppProtocol, AppSink, payload::Payload},
    flow::Direction,
    reassembly::StreamChunk,
};

impl Http {
    /// One direction is over: what it has open ends, what it held back comes out.
    pub(super) fn close<S: AppSink>(&mut self, direction: Direction, sink: &mut S) {
        if direction == Direction::ToClient
            && self.server.part == Part::StartLine
            && self.awaits_simple_response()
        {
            self.begin_simple_response(sink);
        }
        let (side, transaction) = match direction {
            Direction::ToServer => (&mut self.client, self.transactions.request()),
            Direction::ToClient => (&mut self.server, self.transactions.response()),
        };
        match side.part {
            Part::StartLine if direction == Direction::ToServer => {
                self.note_unfinished_request();
                self.abandon_request_line(sink);
            }
            Part::StartLine => {
                self.server.outlet.to(sink).data(Field::Payload, self.status_line.held());
                self.status_line.clear();
            }
            Part::Message => {
                let closed = side.message.close(transaction, &mut side.outlet.to(sink));
                if closed == Progress::Complete {
                    self.message_complete(direction, sink);
                }
            }
            Part::Tunnel => {}
        }
        let side = self.side(direction);
        side.part = Part::Tunnel;
        side.outlet.to(sink).end();
    }

    /// A server may have answered a request whose line was never complete: it is told of as far as it goes.
    fn note_unfinished_request(&mut self) {
        if let Some(request) = self.request_line.unfinished()
            && !self.transactions.is_full()
        {
            self.transactions.open(request);
        }
    }

    /// What there is of a request line is none: it comes out as payload, and so does what follows.
    pub(super) fn abandon_request_line<S: AppSink>(&mut self, sink: &mut S) {
        let mut out = self.client.outlet.to(sink);
        self.request_line.abandon(&mut out);
        out.data(Field::Payload, self.request_line.held());
        self.request_line.clear();
        self.client.part = Part::Tunnel;
    }

    /// Gives up at `unread` of `direction`: what is unread in both directions comes out as payload, and what
    /// is open ends unless it is payload already.
    pub(super) fn surrender<S: AppSink>(
        &mut self,
        direction: Direction,
        unread: StreamChunk<'_>,
        sink: &mut S,
    ) -> Payload {
        self.forks.finish(sink);
        let is_first_line = !self.proven && !self.client.lost && self.client.part == Part::StartLine;
        if self.client.part == Part::StartLine {
            if direction == Direction::ToClient {
                self.note_unfinished_request();
            }
            self.request_line.abandon(&mut self.client.outlet.to(sink));
        }
        for side in [&mut self.client, &mut self.server] {
            if side.part != Part::Tunnel {
                side.outlet.to(sink).end();
            }
        }
        self.transactions.finish(&mut self.client.outlet.to(sink));
        let outlets = [self.client.outlet, self.server.outlet];
        let mut payload = if self.proven {
            Payload::failed(AppProtocol::Http, outlets)
        } else {
            Payload::unproven(outlets, is_first_line)
        };
        // The direction at hand comes last: its unread bytes may come in this chunk or with the next one.
        for of in [direction.opposite(), direction] {
            let (side, line) = match of {
                Direction::ToServer => (&mut self.client, self.request_line.held()),
                Direction::ToClient => (&mut self.server, self.status_line.held()),
            };
            for held in [line, side.message.held()] {
                payload.advance(of, StreamChunk::Data(held), sink);
            }
        }
        payload.advance(direction, unread, sink);
        payload
    }
}
