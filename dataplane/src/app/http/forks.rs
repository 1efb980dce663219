//! Readings of a connection beside the main one: each goes on from a head whose message may end elsewhere, in a lane of its own.

use dlp_patterns::Field;

use super::{
    Http, Part, Progress,
    head::{Framing, Head},
};
use crate::{
    app::{AppAnomaly, AppProtocol, AppSink, HttpTransaction, Lane, Record, body::Body, emitter::Outlet},
    content::Decoders,
    flow::Direction,
    limits::HTTP_READINGS_MAX,
    reassembly::StreamChunk,
};

/// The readings that are followed; none of them has others.
#[derive(Debug, Default)]
pub(super) struct Forks(Vec<Fork>);

#[derive(Debug)]
struct Fork {
    /// That of its lanes: 0 is the main reading's.
    number: u32,
    /// Only this direction is read.
    direction: Direction,
    http: Box<Http>,
}

impl Forks {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Memory that they hold, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.0.iter().map(|fork| size_of::<Http>() + fork.http.held_bytes()).sum()
    }

    /// Another reading begins behind `head`. False where there is no room for it.
    pub(super) fn begin<S: AppSink>(
        &mut self,
        direction: Direction,
        (head, framing): (&Head, Framing),
        decoders: &mut Decoders,
        sink: &mut S,
    ) -> bool {
        let reads_all =
            |fork: &mut Fork| fork.direction == direction && fork.http.reads_until_close(direction);
        if framing == Framing::UntilClose
            && is_plain(direction, head, sink)
            && self.0.iter_mut().any(reads_all)
        {
            return true;
        }
        if self.0.len() == HTTP_READINGS_MAX {
            return false;
        }
        let is_free = |number: &u32| self.0.iter().all(|fork| fork.number != *number);
        let Some(number) = (1..).find(is_free) else { return false };
        let mut http = Box::<Http>::default();
        http.proven = true;
        http.is_behind_response = true;
        for of in Direction::BOTH {
            http.side(of).outlet = Outlet::of_stream(of, number, AppProtocol::Http);
        }
        // What the other end says is read by the main reading: nothing is paired here.
        http.side(direction.opposite()).lost = true;
        let mut sink = ForkSink(sink);
        let side = http.side(direction);
        side.part = Part::Message;
        let out = &mut side.outlet.to(&mut sink);
        if side.message.resume(head, framing, decoders, out) == Progress::Complete {
            http.message_complete(direction, &mut sink);
        }
        self.0.push(Fork { number, direction, http });
        true
    }

    /// Reads on what the main reading went through. A reading that no receiver can have ends; what one meets that has several
    /// readings itself is [`AppAnomaly::Readings`]. False where one asked for a response without a body.
    pub(super) fn advance<S: AppSink>(
        &mut self,
        direction: Direction,
        chunk: StreamChunk<'_>,
        decoders: &mut Decoders,
        sink: &mut S,
    ) -> bool {
        let mut are_paired = true;
        self.0.retain_mut(|fork| {
            if fork.direction != direction {
                return true;
            }
            let mut unread = chunk;
            let read = fork.http.read_on(direction, &mut unread, decoders, &mut ForkSink(sink));
            let has_others = fork.http.side(direction).message.take_others().is_some();
            are_paired &= !fork.http.transactions.is_any_bodiless();
            if has_others {
                sink.anomaly(direction, AppProtocol::Http, AppAnomaly::Readings);
            }
            let goes_on = read.is_ok() && !has_others && chunk != StreamChunk::Fin;
            if !goes_on {
                // What was held back of it means nothing to anybody.
                fork.http.side(direction).outlet.to(&mut ForkSink(sink)).end();
            }
            goes_on
        });
        are_paired
    }

    /// Nothing follows.
    pub(super) fn finish<S: AppSink>(&mut self, sink: &mut S) {
        for mut fork in self.0.drain(..) {
            fork.http.finish_reading(&mut ForkSink(sink));
        }
    }
}

impl Http {
    /// Follows the other readings of the head that was just read. False where it has none.
    pub(super) fn fork<S: AppSink>(
        &mut self,
        direction: Direction,
        decoders: &mut Decoders,
        sink: &mut S,
    ) -> bool {
        let side = match direction {
            Direction::ToServer => &mut self.client,
            Direction::ToClient => &mut self.server,
        };
        let Some(others) = side.message.take_others() else { return false };
        side.forked = true;
        let mut is_room = others.is_all();
        for framing in others.iter() {
            is_room &= self.forks.begin(direction, (side.message.head(), framing), decoders, sink);
        }
        if !is_room {
            sink.anomaly(direction, AppProtocol::Http, AppAnomaly::Readings);
        }
        self.tell_unpaired(direction, true, sink);
        true
    }

    /// The main reading came to where no message begins. Where there were others, whoever has it answers with an error: it ends, and
    /// what follows is payload to it.
    pub(super) fn ends_for_want_of_sense<S: AppSink>(&mut self, direction: Direction, sink: &mut S) -> bool {
        let side = self.side(direction);
        if !side.forked || side.part != Part::StartLine {
            return false;
        }
        side.lost = true;
        match direction {
            Direction::ToServer => self.abandon_request_line(sink),
            Direction::ToClient => self.close(direction, sink),
        }
        true
    }

    /// Reads on in the other readings, up to where the main one stands.
    pub(super) fn advance_forks<S: AppSink>(
        &mut self,
        direction: Direction,
        passed: StreamChunk<'_>,
        decoders: &mut Decoders,
        sink: &mut S,
    ) {
        if !self.forks.is_empty() {
            let are_paired = self.forks.advance(direction, passed, decoders, sink);
            self.tell_unpaired(direction, are_paired, sink);
        }
    }

    /// Whether there are other readings, of which none knows which response has no body.
    pub(super) fn is_unpaired(&self) -> bool {
        !self.forks.is_empty() && self.transactions.is_any_bodiless()
    }

    /// Tells of that, once: it cannot be followed.
    fn tell_unpaired<S: AppSink>(&mut self, direction: Direction, are_paired: bool, sink: &mut S) {
        if !self.is_unpaired_told && (!are_paired || self.is_unpaired()) {
            self.is_unpaired_told = true;
            sink.anomaly(direction, AppProtocol::Http, AppAnomaly::Readings);
        }
    }

    /// Whether all that follows in a direction is one body.
    fn reads_until_close(&mut self, direction: Direction) -> bool {
        let side = self.side(direction);
        side.part == Part::Message && side.message.is_until_close()
    }
}

/// Whether a body without an end is the same wherever it begins: nothing is decoded, and nobody hears of what stands within.
fn is_plain<S: AppSink>(direction: Direction, head: &Head, sink: &mut S) -> bool {
    let field = match direction {
        Direction::ToServer => Field::HttpRequestBody,
        Direction::ToClient => Field::HttpResponseBody,
    };
    let codings = head.codings(Framing::UntilClose);
    Body::is_plain(&codings, head.content_type(), field, &Outlet::new(direction).to(sink))
}

/// What of `at_hand` was read, where `unread` is left of it.
pub(super) fn passed<'c>(at_hand: StreamChunk<'c>, unread: StreamChunk<'c>) -> StreamChunk<'c> {
    match (at_hand, unread) {
        (StreamChunk::Data(all), StreamChunk::Data(rest)) => {
            StreamChunk::Data(all.get(..all.len() - rest.len()).unwrap_or_default())
        }
        _ => at_hand,
    }
}

pub(super) fn is_empty(chunk: StreamChunk<'_>) -> bool {
    !matches!(chunk, StreamChunk::Data([_, ..]))
}

/// Hears of the fields of a reading. Exchanges are told by the main one, and that a reading makes no sense says nothing against the
/// peers: whoever has it answers with an error.
struct ForkSink<'s, S>(&'s mut S);

impl<S: AppSink> AppSink for ForkSink<'_, S> {
    fn begin(&mut self, lane: Lane, field: Field) {
        self.0.begin(lane, field);
    }

    fn data(&mut self, lane: Lane, bytes: &[u8]) {
        self.0.data(lane, bytes);
    }

    fn end(&mut self, lane: Lane) {
        self.0.end(lane);
    }

    fn is_heard(&self, direction: Direction, field: Field) -> bool {
        self.0.is_heard(direction, field)
    }

    fn transaction(&mut self, _: &HttpTransaction) {}

    fn record(&mut self, _: &Record) {}

    fn anomaly(&mut self, direction: Direction, protocol: AppProtocol, anomaly: AppAnomaly) {
        let is_nonsense = matches!(anomaly, AppAnomaly::RequestLine | AppAnomaly::StatusLine);
        if anomaly.cause().is_some() && !anomaly.is_read_in_every_way() && !is_nonsense {
            self.0.anomaly(direction, protocol, anomaly);
        }
    }
}
