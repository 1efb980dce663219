//! What a connection speaks behind a protocol that made way for it: a tunnel's content, or what both ends changed to.

use super::{App, AppProtocol, AppSink, SpareParsers, signature::Prefix, stun};
use crate::{flow::Direction, reassembly::StreamChunk};

/// The protocol that follows another one, as deep as that may be: the outermost is kept beside the innermost.
#[derive(Debug)]
pub struct Within {
    outer: AppProtocol,
    app: App,
}

impl Within {
    /// `app` follows a connection of `outer`.
    pub(super) fn new(outer: AppProtocol, app: App) -> Box<Within> {
        Box::new(Within { outer, app })
    }

    pub(super) fn advance<S: AppSink>(
        &mut self,
        direction: Direction,
        chunk: StreamChunk<'_>,
        parsers: &mut SpareParsers,
        sink: &mut S,
    ) {
        self.app.advance(direction, chunk, parsers, sink);
        if let App::Within(deeper) = &mut self.app {
            self.app = std::mem::take(&mut deeper.app);
        }
    }

    /// Shows a datagram to the inner protocol. What opened the way for that still speaks in between.
    pub(super) fn look_at<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        parsers: &mut SpareParsers,
        sink: &mut S,
    ) {
        if self.outer != AppProtocol::Stun || !stun::is_one(Prefix::of(direction, bytes)) {
            self.app.look_at(direction, bytes, parsers, sink);
        }
    }

    /// What is within.
    pub(super) fn app(&self) -> &App {
        &self.app
    }

    /// The same, to be ended.
    pub(super) fn app_mut(&mut self) -> &mut App {
        &mut self.app
    }

    pub(super) fn finish<S: AppSink>(&mut self, parsers: &mut SpareParsers, sink: &mut S) {
        self.app.finish(parsers, sink);
    }

    pub(super) fn is_between_messages(&self) -> bool {
        self.app.is_between_messages()
    }

    /// The inner protocol. Behind STUN nothing need follow: until something that is known does, it is that.
    pub(super) fn protocol(&self) -> AppProtocol {
        let inner = self.app.protocol();
        if self.outer == AppProtocol::Stun && !inner.is_known() { self.outer } else { inner }
    }

    /// As [`App::named_protocol`].
    pub(super) fn named_protocol(&self) -> AppProtocol {
        let named = self.app.named_protocol();
        if named.is_known() { named } else { self.protocol() }
    }

    pub(super) fn outer(&self) -> AppProtocol {
        self.outer
    }
}
