//! What peers do with a connection of HTTP/2 to wear each other out, counted in frames: a parser knows no time.

use super::frames::{self, FrameHead, flag};
use crate::app::AppAnomaly;
use crate::flow::Direction;
use crate::limits::{
    HTTP2_IDLE_FRAMES_MAX, HTTP2_RESET_WINDOW_STREAMS, HTTP2_RESETS_MAX, HTTP2_UNANSWERED_MAX,
};

/// The counts of one connection.
#[derive(Debug, Default)]
pub(super) struct Abuse {
    /// Streams that the client opened in the current window.
    opened: u16,
    /// Of these, those that were cancelled before the server said anything.
    cancelled: u16,
    /// By direction, frames that ask for an answer which did not come.
    unanswered: [u16; 2],
    /// By direction, frames in a row that bring nothing.
    idle: [u16; 2],
}

impl Abuse {
    /// The client opened a stream.
    pub(super) fn opened(&mut self) {
        if self.opened == HTTP2_RESET_WINDOW_STREAMS {
            (self.opened, self.cancelled) = (0, 0);
        }
        self.opened += 1;
    }

    /// A stream ended before the server said anything of it: rapid reset (CVE-2023-44487), or the same by frames that make
    /// the server do it (CVE-2025-8671).
    pub(super) fn cancelled(&mut self) -> Option<AppAnomaly> {
        self.cancelled = self.cancelled.saturating_add(1);
        (self.cancelled > HTTP2_RESETS_MAX).then_some(AppAnomaly::Http2RapidReset)
    }

    /// A frame is complete: floods of settings and pings that nobody can answer so fast (CVE-2019-9512, CVE-2019-9515), and of
    /// priorities and empty frames (CVE-2019-9513, CVE-2019-9518).
    pub(super) fn frame(&mut self, direction: Direction, head: FrameHead) -> Option<AppAnomaly> {
        let is_answer = head.has(flag::ACK);
        let is_idle = match head.kind {
            frames::SETTINGS | frames::PING if is_answer => {
                let asked = &mut self.unanswered[direction.opposite() as usize];
                *asked = asked.saturating_sub(1);
                return None;
            }
            frames::SETTINGS | frames::PING => {
                let asked = &mut self.unanswered[direction as usize];
                *asked = asked.saturating_add(1);
                return (*asked > HTTP2_UNANSWERED_MAX).then_some(AppAnomaly::Http2Flood);
            }
            frames::PRIORITY | frames::GOAWAY => true,
            // Of types that nobody knows, or that few have a use for.
            kind if kind > frames::CONTINUATION => true,
            frames::DATA => head.length == 0 && !head.has(flag::END_STREAM),
            frames::HEADERS | frames::CONTINUATION => head.length == 0,
            _ => return None,
        };
        let idle = &mut self.idle[direction as usize];
        *idle = if is_idle { idle.saturating_add(1) } else { 0 };
        (*idle > HTTP2_IDLE_FRAMES_MAX).then_some(AppAnomaly::Http2Flood)
    }
}
