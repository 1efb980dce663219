//! The streams of a connection that are under way, at most [`HTTP2_STREAMS_MAX`].

use dlp_patterns::Field;

use super::{Out, grpc::Grpc, header_list::HeaderList};
use crate::app::{AppProtocol, AppSink, Http2Stream, HttpFile, HttpTransaction, body::Body, emitter::Outlet};
use crate::flow::Direction;
use crate::limits::{HTTP_SPARE_TRANSACTIONS_MAX, HTTP2_STREAMS_MAX};

/// A request and its response, each in a direction of one stream (RFC 9113 §5.1).
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) id: u32,
    pub(super) transaction: HttpTransaction,
    pub(super) halves: [Half; 2],
    /// Where it is a call of gRPC.
    pub(super) grpc: Option<Box<Grpc>>,
    /// Memory that it takes, as it was last counted.
    counted_bytes: usize,
}

/// What one direction of a stream said.
#[derive(Debug)]
pub(super) struct Half {
    pub(super) part: Part,
    outlet: Outlet,
    /// What there is to the body beside what it is on the wire; the room for that stays.
    body: Option<Box<Body>>,
    has_body: bool,
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
    fn new() -> Stream {
        Stream {
            id: 0,
            transaction: HttpTransaction::default(),
            halves: Direction::BOTH.map(|direction| Half::new(direction, 0, None)),
            grpc: None,
            counted_bytes: 0,
        }
    }

    fn held_bytes(&self) -> usize {
        let bodies = self.halves.iter().filter_map(|half| half.body.as_deref());
        let bodies = bodies.map(|body| size_of::<Body>() + body.held_bytes()).sum::<usize>();
        let grpc = self.grpc.as_ref().map_or(0, |grpc| size_of::<Grpc>() + grpc.held_bytes());
        size_of::<Stream>() + self.transaction.held_bytes() + bodies + grpc
    }

    /// Forgets all but its memory: another stream.
    fn begin(&mut self, id: u32) {
        self.id = id;
        self.transaction.clear();
        self.transaction.protocol.extend_from_slice(b"HTTP/2");
        self.told().id = id;
        for (direction, half) in Direction::BOTH.into_iter().zip(&mut self.halves) {
            *half = Half::new(direction, id, half.body.take());
        }
        self.grpc = None;
    }

    /// A body begins behind the header list at hand.
    pub(super) fn begin_body<S: AppSink>(
        &mut self,
        direction: Direction,
        list: &HeaderList,
        out: &mut Out<'_, S>,
    ) {
        let (field, content_type) = (body_field(direction), list.content_type());
        let half = &mut self.halves[direction as usize];
        let mut told = half.outlet.to(out.sink);
        half.has_body = !Body::is_plain(list.codings(), &content_type, field, &told);
        if half.has_body {
            let body = half.body.get_or_insert_default();
            body.begin(list.codings(), &content_type, field, out.decoders, &mut told);
        }
    }

    /// The next bytes of the body.
    pub(super) fn body<S: AppSink>(&mut self, direction: Direction, bytes: &[u8], out: &mut Out<'_, S>) {
        let half = &mut self.halves[direction as usize];
        half.bytes += bytes.len() as u64;
        let mut told = half.outlet.to(out.sink);
        match &mut half.body {
            Some(body) if half.has_body => {
                body.data(body_field(direction), bytes, out.decoders, &mut told);
                body.count(bytes.len() as u64);
            }
            _ => told.data(body_field(direction), bytes),
        }
        if let Some(file) = self.file(direction).filter(|_| !bytes.is_empty()) {
            file.begin();
        }
        if let Some(grpc) = &mut self.grpc {
            grpc.body(direction, self.id, bytes, out);
        }
    }

    /// Whether some of what follows of the body may be held.
    pub(super) fn holds_body(&self, direction: Direction) -> bool {
        self.halves[direction as usize].body_at_hand().is_some_and(|body| !body.holds_nothing())
    }

    /// Bytes of the body are missing, so many of its own: those behind them are another instance.
    pub(super) fn gap<S: AppSink>(&mut self, direction: Direction, bytes: u32, out: &mut Out<'_, S>) {
        let half = &mut self.halves[direction as usize];
        half.bytes += u64::from(bytes);
        let mut told = half.outlet.to(out.sink);
        if let Some(body) = half.body.as_mut().filter(|_| half.has_body) {
            body.gap(body_field(direction), &mut told);
            body.count(bytes.into());
        }
        told.end();
        if let Some(file) = self.file(direction) {
            file.has_gap = true;
        }
        if let Some(grpc) = &mut self.grpc {
            grpc.break_off(direction, self.id, out);
        }
    }

    /// The body as a file, as long as it is by now. What goes through a tunnel, and messages of calls, are none.
    fn file(&mut self, direction: Direction) -> Option<&mut HttpFile> {
        let body = self.halves[direction as usize].body_at_hand();
        let has_parts = body.is_some_and(Body::has_parts);
        if self.grpc.is_some() || has_parts || self.transaction.method == b"CONNECT" {
            return None;
        }
        let file = &mut self.transaction.files[direction as usize];
        file.bytes = self.halves[direction as usize].content_bytes();
        Some(file)
    }

    /// The body is complete, or what follows is another instance.
    pub(super) fn end<S: AppSink>(&mut self, direction: Direction, out: &mut Out<'_, S>) {
        let half = &mut self.halves[direction as usize];
        let mut told = half.outlet.to(out.sink);
        if let Some(body) = half.body.as_mut().filter(|_| half.has_body) {
            body.end(body_field(direction), out.decoders, &mut told);
            let files = body.take_inner_files().into_iter().flatten();
            self.transaction.inner_files.extend(files.map(|file| (direction, file)));
        }
        told.end();
    }

    /// The same, and there are no more messages of gRPC.
    pub(super) fn end_all<S: AppSink>(&mut self, direction: Direction, out: &mut Out<'_, S>) {
        self.end(direction, out);
        if let Some(grpc) = &mut self.grpc {
            grpc.break_off(direction, self.id, out);
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

impl Half {
    fn new(direction: Direction, id: u32, body: Option<Box<Body>>) -> Half {
        Half {
            part: Part::Head,
            outlet: Outlet::of_stream(direction, id, AppProtocol::Http2),
            body,
            has_body: false,
            bytes: 0,
            length: None,
        }
    }

    /// Of the body without its codings, or else of itself, so far in bytes.
    fn content_bytes(&self) -> u64 {
        self.body_at_hand().map_or(self.bytes, Body::content_bytes)
    }

    fn body_at_hand(&self) -> Option<&Body> {
        self.body.as_deref().filter(|_| self.has_body)
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
    /// Memory that all of them take, as it was last counted.
    held_bytes: usize,
}

impl Streams {
    /// Memory that they take, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Counts the memory of one again, behind headers and what its bodies hold: nothing else makes it more.
    pub(super) fn count(&mut self, id: u32) {
        let Some(stream) = self.find(id) else { return };
        let bytes = stream.held_bytes();
        let before = std::mem::replace(&mut stream.counted_bytes, bytes);
        self.held_bytes = self.held_bytes + bytes - before;
    }

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
        let mut stream = self.spare.pop().unwrap_or_else(Stream::new);
        stream.begin(id);
        stream.transaction.id = self.take_number();
        self.ids.push(id);
        self.open.push(stream);
        self.open.last_mut()
    }

    /// Takes a stream out.
    pub(super) fn close(&mut self, id: u32) -> Option<Stream> {
        let at = self.ids.iter().position(|of| *of == id)?;
        // Whichever is last takes its place: nothing else moves, however many are reset.
        self.ids.swap_remove(at);
        let mut stream = self.open.swap_remove(at);
        self.held_bytes -= std::mem::take(&mut stream.counted_bytes);
        Some(stream)
    }

    /// Takes all of them out, the oldest first.
    pub(super) fn close_all(&mut self) -> Vec<Stream> {
        self.ids.clear();
        let mut streams = std::mem::take(&mut self.open);
        for stream in &mut streams {
            self.held_bytes -= std::mem::take(&mut stream.counted_bytes);
        }
        streams.sort_unstable_by_key(|stream| stream.transaction.id);
        streams
    }

    /// Keeps the memory of one that is over.
    pub(super) fn recycle(&mut self, mut stream: Stream) {
        if self.spare.len() < HTTP_SPARE_TRANSACTIONS_MAX {
            stream.counted_bytes = stream.held_bytes();
            self.held_bytes += stream.counted_bytes;
            self.spare.push(stream);
        }
    }

    /// Gives memory back, while none is under way.
    pub(super) fn trim(&mut self) {
        for stream in self.spare.drain(1.min(self.spare.len())..) {
            self.held_bytes -= stream.counted_bytes;
        }
    }
}
