//! The first bytes of a flow, until they tell its protocol. Meanwhile they are payload: what is kept to be read
//! again is scanned as it comes, so that nothing passes for the sake of what it may yet turn out to be.

use super::{
    App, AppProtocol, AppSink, Http, Payload, Read, SIGNATURES, SpareParsers, Within,
    datagrams::Datagrams,
    emitter::Outlet,
    held::{Held, Told},
    http, http2,
    signature::{self, Answer, Prefix},
};
use crate::{flow::Direction, reassembly::StreamChunk};

/// A flow whose protocol is undecided.
#[derive(Debug, Default)]
pub enum Probe {
    /// Nothing was said.
    #[default]
    Silent,
    /// What was said may be the begin of several protocols.
    Undecided(Box<Undecided>),
    /// It begins as HTTP does. Its parser holds start lines back until they are complete, and hands everything over as
    /// payload where the first one contradicts.
    Http(Box<Http>),
    /// Datagrams that told nothing.
    Datagrams(Box<Datagrams>),
}

/// What was said so far, and how much of it was told as payload.
#[derive(Debug)]
pub struct Undecided {
    held: Held,
    payload: Payload,
    /// Bytes that were told, by direction: all but those that are the begin of a word of HTTP, and nothing else as yet.
    told_bytes: [usize; 2],
}

/// How an undecided flow goes on.
pub(super) enum Next {
    /// Undecided.
    Wait,
    /// As this, which has read all.
    Decided(App),
    /// As this, which is to read what was held, or else the piece at hand: all of it was told as payload, as far as it is that.
    Replay(App, Option<Box<Held>>),
}

impl Probe {
    /// Reads the next piece of one direction.
    pub(super) fn advance<S: AppSink>(
        &mut self,
        direction: Direction,
        chunk: StreamChunk<'_>,
        parsers: &mut SpareParsers,
        sink: &mut S,
    ) -> Next {
        match (&mut *self, chunk) {
            (Probe::Http(http), _) => match http.advance(direction, chunk, parsers, sink) {
                Err(payload) => Next::Decided(App::Payload(payload)),
                // It is proven before anything is answered, and so before it makes way for another protocol.
                Ok(_) if http.is_proven() => self.take_http(),
                Ok(_) => Next::Wait,
            },
            (Probe::Silent, StreamChunk::Fin) | (_, StreamChunk::Gap(0)) => Next::Wait,
            (Probe::Silent | Probe::Undecided(_), _) => self.ask(direction, chunk, parsers, sink),
            // What comes in datagrams is no stream.
            (Probe::Datagrams(_), _) => Next::Wait,
        }
    }

    /// What a flow of datagrams goes on as behind this one, which was told as payload; `None` while that is open.
    pub(super) fn datagram(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        parsers: &mut SpareParsers,
    ) -> Option<App> {
        let before = if let Probe::Datagrams(before) = self { Some(&**before) } else { None };
        let prefix = Datagrams::prefix(before, direction, bytes);
        if let Some(protocol) = signature::of_datagram(SIGNATURES, prefix) {
            // ICE (RFC 8445): what it finds a way for follows between the same ports.
            return Some(match protocol {
                AppProtocol::Stun => App::Within(Within::new(protocol, App::new())),
                _ => read(Payload::unknown(), protocol, parsers),
            });
        }
        if !matches!(self, Probe::Datagrams(_)) {
            *self = Probe::Datagrams(Box::default());
        }
        let Probe::Datagrams(before) = self else { return None };
        before.take(direction, bytes);
        before.are_enough().then(|| App::Payload(Payload::unknown()))
    }

    fn take_http(&mut self) -> Next {
        match std::mem::take(self) {
            Probe::Http(http) => Next::Decided(App::Http(http)),
            Probe::Silent | Probe::Undecided(_) | Probe::Datagrams(_) => Next::Wait,
        }
    }

    /// Asks the signatures.
    fn ask<S: AppSink>(
        &mut self,
        direction: Direction,
        chunk: StreamChunk<'_>,
        parsers: &mut SpareParsers,
        sink: &mut S,
    ) -> Next {
        if let (Probe::Silent, StreamChunk::Data(bytes)) = (&*self, chunk)
            && let Ok((protocol, told_by)) = signature::of_stream(SIGNATURES, Prefix::of(direction, bytes))
        {
            // As nearly always: nothing need be held.
            let mut payload = match protocol {
                AppProtocol::Http => Payload::behind(AppProtocol::Unknown, Outlet::both()),
                _ => Payload::unknown(),
            };
            let told_bytes = payload_bytes(protocol, told_by, direction, bytes);
            payload.advance(direction, StreamChunk::Data(bytes.get(..told_bytes).unwrap_or(bytes)), sink);
            return decided(protocol, payload, None, parsers, sink);
        }
        let mut undecided = match std::mem::take(self) {
            Probe::Undecided(undecided) => undecided,
            Probe::Silent | Probe::Http(_) | Probe::Datagrams(_) => Box::new(Undecided::new()),
        };
        match undecided.read(direction, chunk, sink) {
            Told::More => {
                *self = Probe::Undecided(undecided);
                Next::Wait
            }
            Told::Protocol(protocol, _) => {
                let Undecided { held, payload, .. } = *undecided;
                decided(protocol, payload, Some(Box::new(held)), parsers, sink)
            }
            Told::Unknown => {
                let Undecided { held, payload, .. } = *undecided;
                Next::Decided(App::Read(Read::probing(payload, held)))
            }
            Told::Nothing => Next::Decided(App::Payload(undecided.payload)),
        }
    }

    /// Whether nothing was read.
    pub(super) fn is_untouched(&self) -> bool {
        matches!(self, Probe::Silent)
    }

    /// Memory that it holds beside itself, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        match self {
            Probe::Silent | Probe::Datagrams(_) => 0,
            Probe::Undecided(undecided) => undecided.held.held_bytes(),
            Probe::Http(http) => http.held_bytes(),
        }
    }

    /// There is no room for what it holds: the flow is payload.
    pub(super) fn give_up<S: AppSink>(&mut self, direction: Direction, sink: &mut S) -> Payload {
        match std::mem::take(self) {
            Probe::Silent | Probe::Datagrams(_) => Payload::unknown(),
            Probe::Http(mut http) => http.give_up(direction, sink),
            Probe::Undecided(mut undecided) => {
                undecided.tell_all(sink);
                undecided.payload
            }
        }
    }

    /// As [`Http::is_between_messages`].
    pub(super) fn is_between_messages(&self) -> bool {
        match self {
            Probe::Silent | Probe::Datagrams(_) => true,
            Probe::Undecided(_) => false,
            Probe::Http(http) => http.is_between_messages(),
        }
    }

    /// The flow is over.
    pub(super) fn finish<S: AppSink>(&mut self, sink: &mut S) {
        match self {
            Probe::Silent | Probe::Datagrams(_) => {}
            Probe::Http(http) => http.finish(sink),
            Probe::Undecided(undecided) => {
                undecided.tell_all(sink);
                undecided.payload.finish(sink);
            }
        }
    }
}

impl Undecided {
    fn new() -> Undecided {
        Undecided { held: Held::default(), payload: Payload::unknown(), told_bytes: [0; 2] }
    }

    /// Takes in the next piece, which is payload unless it is known to be something else.
    fn read<S: AppSink>(&mut self, direction: Direction, chunk: StreamChunk<'_>, sink: &mut S) -> Told {
        let told = match chunk {
            StreamChunk::Data(bytes) if self.held.is_ended(direction) => {
                self.payload.advance(direction, StreamChunk::Data(bytes), sink);
                return self.held.told();
            }
            StreamChunk::Data(bytes) => self.held.read(SIGNATURES, direction, bytes),
            // A gap ends its own direction only, and so does the end.
            StreamChunk::Gap(bytes) => self.held.gap(direction, bytes),
            StreamChunk::Fin => self.held.fin(direction),
        };
        // HTTP with an end that said something else before may be a lie: all stays payload, and is watched.
        let is_answer = self.told_bytes[direction.opposite() as usize] > 0;
        let told = match told {
            Told::Protocol(AppProtocol::Http, _) if is_answer => self.held.give_up(direction),
            told => told,
        };
        let held = self.held.bytes(direction);
        match told {
            Told::More if self.held.is_ended(direction) => {
                self.tell(direction, held.len(), sink);
                self.payload.advance(direction, chunk, sink);
            }
            Told::More if is_begun_word(direction, held) => {}
            Told::More => self.tell(direction, held.len(), sink),
            Told::Protocol(protocol @ (AppProtocol::Http | AppProtocol::Http2), told_by) => {
                // Known by the end of its first line at the latest, which is no news then.
                self.payload.unwatch();
                self.tell(direction, payload_bytes(protocol, told_by, direction, held), sink);
            }
            // A server of HTTP may take for a request what begins as another protocol does: `SSH-` begins a method, too. So it
            // stays watched.
            Told::Protocol(..) | Told::Unknown | Told::Nothing => {
                // Of this direction some may have been told before.
                self.tell(direction, self.held.bytes(direction).len(), sink);
                self.tell_all(sink);
                if !matches!(chunk, StreamChunk::Data(_)) {
                    self.payload.advance(direction, chunk, sink);
                }
            }
        }
        told
    }

    /// Tells what is held of a direction, up to `end`.
    fn tell<S: AppSink>(&mut self, direction: Direction, end: usize, sink: &mut S) {
        let told_bytes = &mut self.told_bytes[direction as usize];
        let bytes = self.held.bytes(direction).get(*told_bytes..end).unwrap_or_default();
        *told_bytes = end.max(*told_bytes);
        self.payload.advance(direction, StreamChunk::Data(bytes), sink);
    }

    fn tell_all<S: AppSink>(&mut self, sink: &mut S) {
        for direction in Direction::BOTH {
            self.tell(direction, self.held.bytes(direction).len(), sink);
        }
    }
}

/// How many of the bytes that one end begins with are payload, where the first `told_by` of them tell the protocol: of HTTP those
/// that it took, unless all are a word of it, which says nothing.
fn payload_bytes(protocol: AppProtocol, told_by: usize, direction: Direction, bytes: &[u8]) -> usize {
    match protocol {
        AppProtocol::Http if http::words(direction, bytes).is_yes() => 0,
        AppProtocol::Http2 => 0,
        AppProtocol::Http => told_by,
        _ => bytes.len(),
    }
}

/// How a flow goes on, of which what `payload` is to tell was told. Its parser is still to read that.
fn decided<S: AppSink>(
    protocol: AppProtocol,
    mut payload: Payload,
    held: Option<Box<Held>>,
    parsers: &mut SpareParsers,
    sink: &mut S,
) -> Next {
    let app = match protocol {
        AppProtocol::Http => App::Probing(Probe::Http(Http::begin(parsers.http()))),
        AppProtocol::Http2 => App::Http2(Box::default()),
        _ => return Next::Replay(read(payload, protocol, parsers), held),
    };
    // Its fields begin anew where the flow does.
    payload.finish(sink);
    Next::Replay(app, held)
}

/// Whether bytes that a direction begins with are the begin of a word of HTTP, and nothing beside: that says nothing.
fn is_begun_word(direction: Direction, bytes: &[u8]) -> bool {
    http::words(direction, bytes).or(http2::preface(direction, bytes)) == Answer::More
}

/// What a flow of a known protocol goes on as.
fn read(payload: Payload, protocol: AppProtocol, parsers: &mut SpareParsers) -> App {
    match Read::begin(payload, protocol, parsers) {
        Ok(read) => App::Read(read),
        Err(payload) => App::Payload(payload),
    }
}

#[cfg(test)]
mod tests;
