//! The first bytes of a flow, until they tell its protocol: whatever was read comes out as payload when they
//! tell none.

use super::{
    App, AppProtocol, AppSink, Http, Payload, Read, SIGNATURES, SpareParsers,
    held::{Held, Told},
    http,
    signature::{self, Prefix},
};
use crate::{flow::Direction, limits::SIGNATURE_DATAGRAMS_MAX, reassembly::StreamChunk};

/// A flow whose protocol is undecided.
#[derive(Debug, Default)]
pub enum Probe {
    /// Nothing was said.
    #[default]
    Silent,
    /// What was said may be the begin of several protocols, or of HTTP.
    Held(Box<Held>),
    /// It may be HTTP and nothing else. Asking is running its parser: it holds its start lines back until they are
    /// complete, and hands everything over as payload where the first one contradicts.
    Http(Box<Http>),
    /// So many datagrams told nothing.
    Datagrams(u8),
}

/// How an undecided flow goes on.
pub(super) enum Next {
    /// Undecided.
    Wait,
    /// As this, which has read all.
    Decided(App),
    /// As this, which is to read what was held, and then the piece at hand where it isn't held.
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
        match self {
            Probe::Http(http) => match http.advance(direction, chunk, parsers.decoders(), sink) {
                Err(payload) => Next::Decided(App::Payload(payload)),
                Ok(()) if http.is_proven() => self.take_http(),
                Ok(()) => Next::Wait,
            },
            Probe::Silent | Probe::Held(_) => self.ask(direction, chunk, parsers, sink),
            // What comes in datagrams is no stream.
            Probe::Datagrams(_) => Next::Wait,
        }
    }

    /// What a flow of datagrams goes on as behind this one, which was told as payload; `None` while that is open.
    pub(super) fn datagram(&mut self, direction: Direction, bytes: &[u8]) -> Option<App> {
        let before = if let Probe::Datagrams(count) = self { *count } else { 0 };
        match signature::of_datagram(SIGNATURES, Prefix { direction, bytes }) {
            Some(protocol) => Some(begin(protocol)),
            None if before + 1 == SIGNATURE_DATAGRAMS_MAX => Some(App::Payload(Payload::unknown())),
            None => {
                *self = Probe::Datagrams(before + 1);
                None
            }
        }
    }

    fn take_http(&mut self) -> Next {
        match std::mem::take(self) {
            Probe::Http(http) => Next::Decided(App::Http(http)),
            Probe::Silent | Probe::Held(_) | Probe::Datagrams(_) => Next::Wait,
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
        match chunk {
            StreamChunk::Gap(0) => Next::Wait,
            StreamChunk::Data(bytes) => self.ask_of(direction, bytes, parsers, sink),
            StreamChunk::Fin if matches!(self, Probe::Silent) => Next::Wait,
            // A gap ends its own direction only, and so does the end.
            StreamChunk::Gap(_) | StreamChunk::Fin => Next::Replay(may_be_http(parsers), self.take_held()),
        }
    }

    fn ask_of<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        parsers: &mut SpareParsers,
        sink: &mut S,
    ) -> Next {
        let Some(&first) = bytes.first() else { return Next::Wait };
        // Most are: the others need not be asked, and nothing need be held.
        if matches!(self, Probe::Silent) && http::is_begun_by(direction, bytes).is_yes() {
            return Next::Replay(may_be_http(parsers), None);
        }
        let mut held = self.take_held().unwrap_or_default();
        let told = held.read(SIGNATURES, direction, bytes);
        match told {
            Told::More => *self = Probe::Held(held),
            Told::Protocol(AppProtocol::Http) => return Next::Replay(may_be_http(parsers), Some(held)),
            Told::Protocol(protocol) => return Next::Replay(begin(protocol), Some(held)),
            Told::Unknown | Told::Nothing => {
                let first = held.turns().next().map_or(first, |(_, bytes)| bytes[0]);
                if Http::may_begin_with(direction, first) {
                    return Next::Replay(may_be_http(parsers), Some(held));
                }
                if told == Told::Nothing {
                    return Next::Replay(App::Payload(Payload::unknown()), Some(held));
                }
                let mut read = Read::unknown(*held);
                read.tell_held(sink);
                return Next::Decided(App::Read(read));
            }
        }
        Next::Wait
    }

    fn take_held(&mut self) -> Option<Box<Held>> {
        match std::mem::take(self) {
            Probe::Held(held) => Some(held),
            Probe::Silent | Probe::Http(_) | Probe::Datagrams(_) => None,
        }
    }

    /// Whether nothing was read.
    pub(super) fn is_untouched(&self) -> bool {
        matches!(self, Probe::Silent)
    }

    /// As [`Http::is_between_messages`].
    pub(super) fn is_between_messages(&self) -> bool {
        match self {
            Probe::Silent | Probe::Datagrams(_) => true,
            Probe::Held(_) => false,
            Probe::Http(http) => http.is_between_messages(),
        }
    }

    /// The flow is over.
    pub(super) fn finish<S: AppSink>(&mut self, sink: &mut S) {
        match self {
            Probe::Silent | Probe::Datagrams(_) => {}
            Probe::Http(http) => http.finish(sink),
            Probe::Held(held) => {
                let mut payload = Payload::unknown();
                for (direction, bytes) in held.turns() {
                    payload.advance(direction, StreamChunk::Data(bytes), sink);
                }
                payload.finish(sink);
            }
        }
    }
}

/// What a flow of a known protocol goes on as; its bytes are still to come.
fn begin(protocol: AppProtocol) -> App {
    match Read::begin(protocol) {
        Ok(read) => App::Read(read),
        Err(payload) => App::Payload(payload),
    }
}

fn may_be_http(parsers: &mut SpareParsers) -> App {
    App::Probing(Probe::Http(Http::begin(parsers.http())))
}
