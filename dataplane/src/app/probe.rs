//! The first bytes of a flow, until they tell its protocol: whatever was read comes out as payload when they
//! tell none.

use super::{App, AppSink, Http, Payload, SpareParsers};
use crate::{flow::Direction, reassembly::StreamChunk};

/// A flow whose protocol is undecided.
///
/// There is one parser to ask, and asking it is running it: it holds its start lines back until they are
/// complete, and hands everything over as payload where the first one contradicts. Most flows never get
/// that far, because their first byte settles the matter without any memory.
#[derive(Debug, Default)]
pub struct Probe {
    http: Option<Box<Http>>,
}

impl Probe {
    /// Reads the next piece of one direction; `Some` is how the flow goes on once it is decided.
    pub(super) fn advance<S: AppSink>(
        &mut self,
        direction: Direction,
        chunk: StreamChunk<'_>,
        parsers: &mut SpareParsers,
        sink: &mut S,
    ) -> Option<App> {
        if self.http.is_none() {
            match chunk {
                StreamChunk::Data(bytes) if Http::may_begin_with(direction, *bytes.first()?) => {}
                // A gap ends its own direction only.
                StreamChunk::Gap(1..) => {}
                StreamChunk::Data(_) => {
                    let mut payload = Payload::unknown();
                    payload.advance(direction, chunk, sink);
                    return Some(App::Payload(payload));
                }
                StreamChunk::Gap(0) | StreamChunk::Fin => return None,
            }
        }
        let http = self.http.get_or_insert_with(|| Http::begin(parsers.http()));
        if let Err(payload) = http.advance(direction, chunk, sink) {
            return Some(App::Payload(payload));
        }
        if http.is_proven() { self.http.take().map(App::Http) } else { None }
    }

    /// Whether nothing was read.
    pub(super) fn is_untouched(&self) -> bool {
        self.http.is_none()
    }

    /// As [`Http::is_between_messages`].
    pub(super) fn is_between_messages(&self) -> bool {
        self.http.as_ref().is_none_or(|http| http.is_between_messages())
    }

    pub(super) fn finish<S: AppSink>(&mut self, sink: &mut S) {
        if let Some(http) = &mut self.http {
            http.finish(sink);
        }
    }
}
