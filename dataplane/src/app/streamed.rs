//! Fields that are told piece by piece beside the payload of a direction.

use dlp_patterns::Field;

use super::{AppSink, Lane, beside::Beside};
use crate::flow::Direction;

/// What a direction has open on [`Lane::STREAMED`]: at most one field, and none without bytes.
#[derive(Debug)]
pub(super) struct Streamed {
    lane: Lane,
    is_open: bool,
}

impl Streamed {
    pub(super) fn new(direction: Direction) -> Streamed {
        Streamed { lane: Lane::streamed(direction), is_open: false }
    }

    pub(super) fn direction(&self) -> Direction {
        self.lane.direction
    }

    /// The next bytes of `field`; another one must have ended.
    pub(super) fn data<S: AppSink>(&mut self, field: Field, bytes: &[u8], out: &mut Beside<'_, S>) {
        if bytes.is_empty() {
            return;
        }
        if !std::mem::replace(&mut self.is_open, true) {
            out.sink.begin(self.lane, field);
        }
        out.sink.data(self.lane, bytes);
    }

    /// The field is complete, or what follows of it is not seen.
    pub(super) fn end<S: AppSink>(&mut self, out: &mut Beside<'_, S>) {
        if std::mem::replace(&mut self.is_open, false) {
            out.sink.end(self.lane);
        }
    }
}
