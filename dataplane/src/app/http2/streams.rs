//! The streams of a connection that are under way, at most [`HTTP2_STREAMS_MAX`].

use dlp_patterns::Field;

use super::grpc::{Grpc, Inflates};
use crate::app::{AppSink, Http2Stream, HttpTransaction, Lane};
use crate::flow::Direction;
use crate::limits::{HTTP_SPARE_TRANSACTIONS_MAX, HTTP2_STREAMS_MAX};

/// A request and its response, each in a direction of one stream (RFC 9113 §5.1).
#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) id: u32,
    pub(super) transaction: HttpTransaction,
    pub(super) halves: [Half; 2],
    /// Where it is a call of gRPC.
    pub(super) grpc: Option<Box<Grpc>>,
}

/// What one direction of a stream said.
#[derive(Debug, Default)]
pub(super) struct Half {
    pub(super) part: Part,
    /// Its lane has the body open.
    is_open: bool,
    /// Of the body so far, in bytes.
    pub(super) bytes: u64,
    /// What Content-Length says of it.
    pub(super) length: Option<u64>,
}

/// How far a direction of a stream is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Part {
    #[default]
    Head,
    Body,
    Over,
}

impl Stream {
    /// The next bytes of the body.
    pub(super) fn body<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        inflates: &mut Inflates,
        sink: &mut S,
    ) {
        if bytes.is_empty() {
            return;
        }
        let lane = Lane { direction, number: self.id };
        let half = &mut self.halves[direction as usize];
        if !std::mem::replace(&mut half.is_open, true) {
            sink.begin(lane, body_field(direction));
        }
        sink.data(lane, bytes);
        half.bytes += bytes.len() as u64;
        // What goes through a tunnel, and messages of calls, are no file.
        if self.grpc.is_none() && self.transaction.method != b"CONNECT" {
            let file = &mut self.transaction.files[direction as usize];
            file.begin();
            file.bytes = half.bytes;
        }
        if let Some(grpc) = &mut self.grpc {
            grpc.body(direction, self.id, bytes, inflates, sink);
        }
    }

    /// No messages of gRPC follow that could be told apart.
    pub(super) fn end_messages<S: AppSink>(
        &mut self,
        direction: Direction,
        inflates: &mut Inflates,
        sink: &mut S,
    ) {
        if let Some(grpc) = &mut self.grpc {
            grpc.break_off(direction, self.id, inflates, sink);
        }
    }

    /// The body is complete, or what follows is another instance.
    pub(super) fn end<S: AppSink>(&mut self, direction: Direction, sink: &mut S) {
        if std::mem::take(&mut self.halves[direction as usize].is_open) {
            sink.end(Lane { direction, number: self.id });
        }
    }

    /// What only HTTP/2 says of the transaction.
    pub(super) fn told(&mut self) -> &mut Http2Stream {
        self.transaction.http2.get_or_insert_default()
    }

    /// Whether both directions are over.
    pub(super) fn is_over(&self) -> bool {
        self.halves.iter().all(|half| half.part == Part::Over)
    }
}

/// The field of bodies in a direction.
pub(super) fn body_field(direction: Direction) -> Field {
    match direction {
        Direction::ToServer => Field::HttpRequestBody,
        Direction::ToClient => Field::HttpResponseBody,
    }
}

/// The streams under way, and emptied ones for reuse.
#[derive(Debug, Default)]
pub(super) struct Streams {
    /// Of `open`, in the same order.
    ids: Vec<u32>,
    open: Vec<Stream>,
    spare: Vec<Stream>,
    next_transaction: u64,
}

impl Streams {
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// The number of the next transaction.
    pub(super) fn take_number(&mut self) -> u64 {
        let number = self.next_transaction;
        self.next_transaction += 1;
        number
    }

    pub(super) fn find(&mut self, id: u32) -> Option<&mut Stream> {
        let at = self.ids.iter().position(|of| *of == id)?;
        self.open.get_mut(at)
    }

    /// A stream begins that is not under way; `None` where there are as many as may be.
    pub(super) fn open(&mut self, id: u32) -> Option<&mut Stream> {
        if self.open.len() == HTTP2_STREAMS_MAX {
            return None;
        }
        let mut stream = self.spare.pop().unwrap_or_default();
        stream.id = id;
        stream.transaction.clear();
        stream.transaction.id = self.take_number();
        stream.transaction.protocol.extend_from_slice(b"HTTP/2");
        stream.told().id = id;
        stream.halves = Default::default();
        stream.grpc = None;
        self.ids.push(id);
        self.open.push(stream);
        self.open.last_mut()
    }

    /// Takes a stream out.
    pub(super) fn close(&mut self, id: u32) -> Option<Stream> {
        let at = self.ids.iter().position(|of| *of == id)?;
        self.ids.remove(at);
        Some(self.open.remove(at))
    }

    /// Takes the oldest one out.
    pub(super) fn close_oldest(&mut self) -> Option<Stream> {
        self.close(*self.ids.first()?)
    }

    /// Keeps the memory of one that is over.
    pub(super) fn recycle(&mut self, stream: Stream) {
        if self.spare.len() < HTTP_SPARE_TRANSACTIONS_MAX {
            self.spare.push(stream);
        }
    }

    /// Gives memory back, while none is under way.
    pub(super) fn trim(&mut self) {
        self.spare.truncate(1);
    }
}
