//! What a connection speaks behind a protocol that made way for it: a tunnel's content, or what both ends changed to.

use super::{App, AppProtocol, AppSink, SpareParsers};
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

    /// The inner protocol.
    pub(super) fn protocol(&self) -> AppProtocol {
        self.app.protocol()
    }

    pub(super) fn outer(&self) -> AppProtocol {
        self.outer
    }
}
