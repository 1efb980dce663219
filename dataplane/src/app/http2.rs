//! HTTP/2 (RFC 9113): one connection, whose directions take turns in streams and share a table of headers each.
//!
//! Bodies are fields of a lane for each stream; what stands in front of them is told whole, once it is.

mod abuse;
mod control;
mod frames;
mod grpc;
mod header_list;
mod hpack;
mod messages;
mod preface;
mod static_table;
mod streams;
#[cfg(test)]
mod tests;

pub use self::control::error_name;
pub(super) use self::preface::{SIGNATURE, preface};
use dlp_patterns::Field;

use self::{
    abuse::Abuse,
    frames::{FrameHead, Frames, Step, flag},
    header_list::HeaderList,
    hpack::Hpack,
    preface::PREFACE,
    streams::{Part, Streams, body_field},
};
use super::{
    AppAnomaly, AppProtocol, AppSink, HttpTransaction, Lane, Record, SpareParsers, emitter::Outlet,
    payload::Payload,
};
use crate::{content::Decoders, flow::Direction, limits::HTTP_HEADER_BYTES_MAX, reassembly::StreamChunk};

/// What is told of gRPC, beside what HTTP/2 is.
pub(super) const GRPC_FIELDS: &[Field] = &[
    Field::HttpUri,
    Field::HttpHeaders,
    Field::HttpRequestBody,
    Field::HttpResponseBody,
    Field::GrpcMessage,
];

/// Bytes of payload that a frame may have unless its receiver said otherwise (RFC 9113 §6.5.2).
const FRAME_BYTES_MAX_DEFAULT: u32 = 16_384;

/// The parser of one connection.
#[derive(Debug)]
pub struct Http2 {
    /// How much of the client's preface went by, in bytes.
    preface_bytes: usize,
    is_grpc: bool,
    sides: [Side; 2],
    streams: Streams,
    abuse: Abuse,
    /// Of the block at hand.
    list: HeaderList,
}

/// One direction.
#[derive(Debug)]
struct Side {
    frames: Frames,
    hpack: Hpack,
    block: Option<Block>,
    /// Fragments of the block under way; its memory stays.
    block_bytes: Vec<u8>,
    /// What its receiver said.
    frame_bytes_max: u32,
    /// The highest stream that was begun from this side.
    last_stream: u32,
    /// The lane of the DATA frame under way, whose stream is not known any more, and whether its field is open.
    stray: Option<(Lane, bool)>,
    settings_told: u8,
    /// Whether a frame went by.
    is_begun: bool,
    is_closed: bool,
    outlet: Outlet,
    /// A bit for each anomaly that was told.
    reported: u64,
}

/// A header block under way (RFC 9113 §4.3).
#[derive(Clone, Copy, Debug)]
struct Block {
    stream: u32,
    /// The stream that it promises.
    promised: Option<u32>,
    weight: Option<u8>,
    is_last: bool,
    continuations: u16,
}

/// What is read with, and where it is told.
struct Out<'o, S> {
    record: &'o mut Record,
    decoders: &'o mut Decoders,
    sink: &'o mut S,
}

impl Side {
    fn new(direction: Direction) -> Side {
        Side {
            frames: Frames::default(),
            hpack: Hpack::default(),
            block: None,
            block_bytes: Vec::new(),
            frame_bytes_max: FRAME_BYTES_MAX_DEFAULT,
            last_stream: 0,
            stray: None,
            settings_told: 0,
            is_begun: false,
            is_closed: false,
            outlet: Outlet::new(direction),
            reported: 0,
        }
    }
}

impl Default for Http2 {
    fn default() -> Self {
        Http2 {
            preface_bytes: 0,
            is_grpc: false,
            sides: Direction::BOTH.map(Side::new),
            streams: Streams::default(),
            abuse: Abuse::default(),
            list: HeaderList::default(),
        }
    }
}

impl Http2 {
    /// What follows a request of HTTP/1 that the server answers as HTTP/2: it is the first stream's (RFC 7540 §3.2).
    pub(super) fn upgraded(request: &HttpTransaction) -> Http2 {
        let mut http2 = Http2::default();
        http2.sides[Direction::ToServer as usize].last_stream = 1;
        if let Some(stream) = http2.streams.open(1) {
            let transaction = &mut stream.transaction;
            for (to, from) in [
                (&mut transaction.method, &request.method),
                (&mut transaction.url, &request.url),
                (&mut transaction.host, &request.host),
                (&mut transaction.user_agent, &request.user_agent),
                (&mut transaction.referer, &request.referer),
            ] {
                to.clone_from(from);
            }
            stream.halves[Direction::ToServer as usize].part = Part::Over;
        }
        http2
    }

    /// What the connection speaks.
    pub(super) fn protocol(&self) -> AppProtocol {
        if self.is_grpc { AppProtocol::Grpc } else { AppProtocol::Http2 }
    }

    /// Whether no transaction is under way.
    pub(super) fn is_between_messages(&self) -> bool {
        self.streams.is_empty() && self.sides.iter().all(|side| side.block.is_none())
    }

    /// Reads the next piece of one direction. On an error the parser is through with the connection, or gave up: everything that
    /// it did not read is delivered as payload, and the flow goes on as that.
    pub(super) fn advance<S: AppSink>(
        &mut self,
        direction: Direction,
        chunk: StreamChunk<'_>,
        parsers: &mut SpareParsers,
        sink: &mut S,
    ) -> Result<(), Payload> {
        let (record, decoders) = parsers.record_and_decoders();
        let mut out = Out { record, decoders, sink };
        match chunk {
            StreamChunk::Data(bytes) => self.read(direction, bytes, &mut out),
            StreamChunk::Gap(0) => Ok(()),
            StreamChunk::Gap(bytes) => self.gap(direction, bytes, &mut out),
            StreamChunk::Fin => {
                self.sides[direction as usize].is_closed = true;
                if self.sides.iter().any(|side| !side.is_closed) {
                    return Ok(());
                }
                self.end_all(&mut out);
                Err(Payload::behind(self.protocol(), self.outlets()))
            }
        }
    }

    /// Memory that it holds beside itself, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        let sides = self
            .sides
            .iter()
            .map(|side| side.frames.held_bytes() + side.hpack.held_bytes() + side.block_bytes.capacity());
        sides.sum::<usize>() + self.streams.held_bytes() + self.list.held_bytes()
    }

    /// There is no room for what it holds: all that it did not read is payload, and so is what follows.
    pub(super) fn give_up<S: AppSink>(
        &mut self,
        direction: Direction,
        parsers: &mut SpareParsers,
        sink: &mut S,
    ) -> Payload {
        let (record, decoders) = parsers.record_and_decoders();
        self.surrender(direction, None, &[], &mut Out { record, decoders, sink })
    }

    /// The flow is over.
    pub(super) fn finish<S: AppSink>(&mut self, parsers: &mut SpareParsers, sink: &mut S) {
        let (record, decoders) = parsers.record_and_decoders();
        self.end_all(&mut Out { record, decoders, sink });
    }

    fn read<S: AppSink>(
        &mut self,
        direction: Direction,
        mut input: &[u8],
        out: &mut Out<'_, S>,
    ) -> Result<(), Payload> {
        if direction == Direction::ToServer && !self.read_preface(&mut input) {
            return Err(self.surrender(direction, Some(AppAnomaly::Http2Preface), &[input], out));
        }
        let mut frames = std::mem::take(&mut self.sides[direction as usize].frames);
        loop {
            let (told, shown) = match frames.next(&mut input) {
                Ok(Step::More) => break,
                Ok(Step::Head(head)) => (self.begin_frame(direction, head, out), None),
                Ok(Step::Data(head, bytes)) => (self.body(direction, head.stream, bytes, out), None),
                Ok(Step::Plain(bytes)) => {
                    self.plain(direction, bytes, out);
                    continue;
                }
                Ok(Step::End(head, payload)) => {
                    let shown = payload.unwrap_or(frames.held());
                    (self.end_frame(direction, head, shown, out), payload)
                }
                Err(frames::BadPadding) => (Err(AppAnomaly::Http2Frame), None),
            };
            if let Err(anomaly) = told {
                let (head, held, shown) = (frames.raw_head(), frames.held(), shown.unwrap_or_default());
                return Err(self.surrender(direction, Some(anomaly), &[head, held, shown, input], out));
            }
        }
        self.sides[direction as usize].frames = frames;
        if self.is_between_messages() {
            self.trim();
        }
        Ok(())
    }

    /// Reads the client's preface; false for what is none, as it may be behind a request of HTTP/1.
    fn read_preface(&mut self, input: &mut &[u8]) -> bool {
        let wanted = PREFACE.get(self.preface_bytes..).unwrap_or_default();
        let count = wanted.len().min(input.len());
        let (read, rest) = input.split_at(count);
        if !wanted.starts_with(read) {
            return false;
        }
        *input = rest;
        self.preface_bytes += count;
        true
    }

    /// Whether a frame may begin like this here (RFC 9113 §4, §5.1.1, §6).
    fn begin_frame<S: AppSink>(
        &mut self,
        direction: Direction,
        head: FrameHead,
        out: &mut Out<'_, S>,
    ) -> Result<(), AppAnomaly> {
        let side = &mut self.sides[direction as usize];
        let is_first = !std::mem::replace(&mut side.is_begun, true);
        let is_preface = head.kind == frames::SETTINGS && !head.has(flag::ACK);
        let continued = side.block.map(|block| block.stream);
        let awaited = (head.kind == frames::CONTINUATION).then_some(head.stream);
        let is_of_order = continued == awaited && is_sound(head);
        // RFC 9113 §4.2. One with data ends where it says, for whoever puts up with it.
        let is_beyond_size = head.length > side.frame_bytes_max;
        let is_sound = is_of_order && (!is_beyond_size || head.kind == frames::DATA);
        let is_too_long = head.is_of_block() && head.length as usize > HTTP_HEADER_BYTES_MAX;
        // RFC 9113 §3.4: settings come first, but for an end that speaks something else, or knows that it will be forgiven.
        let is_late = is_first && !is_preface;
        if !is_sound {
            return Err(if is_late { AppAnomaly::Malformed } else { AppAnomaly::Http2Frame });
        }
        if is_too_long {
            return Err(AppAnomaly::Http2HeaderList);
        }
        self.report(direction, is_late.then_some(AppAnomaly::Malformed), out);
        self.report(direction, is_beyond_size.then_some(AppAnomaly::Http2Frame), out);
        let flood = self.abuse.frame(direction, head);
        self.report(direction, flood, out);
        if head.kind == frames::DATA { self.begin_data(direction, head, out) } else { Ok(()) }
    }

    fn begin_data<S: AppSink>(
        &mut self,
        direction: Direction,
        head: FrameHead,
        out: &mut Out<'_, S>,
    ) -> Result<(), AppAnomaly> {
        let part = self.streams.find(head.stream).map(|stream| stream.halves[direction as usize].part);
        match part {
            Some(Part::Body) => Ok(()),
            // RFC 9113 §8.1: in front of its headers.
            Some(Part::Head) => Err(AppAnomaly::Http2Frame),
            None if self.is_idle(direction, head.stream) => Err(AppAnomaly::Http2Frame),
            // It was cancelled, and its sender could not know, or it is one too many: nobody reads on behind this frame.
            Some(Part::Over) | None => {
                let is_reused = part.is_some();
                self.report(direction, is_reused.then_some(AppAnomaly::Http2StreamReuse), out);
                self.sides[direction as usize].stray = Some((Lane::main(direction), false));
                Ok(())
            }
        }
    }

    /// Whether nobody has begun that stream.
    fn is_idle(&self, direction: Direction, stream: u32) -> bool {
        let is_of_client = !stream.is_multiple_of(2);
        let opener = if is_of_client { Direction::ToServer } else { Direction::ToClient };
        // What a server promises it alone speaks in.
        stream > self.sides[opener as usize].last_stream
            || (!is_of_client && direction == Direction::ToServer)
    }

    fn body<S: AppSink>(
        &mut self,
        direction: Direction,
        id: u32,
        bytes: &[u8],
        out: &mut Out<'_, S>,
    ) -> Result<(), AppAnomaly> {
        if let Some((lane, is_open)) = &mut self.sides[direction as usize].stray {
            if !std::mem::replace(is_open, true) {
                out.sink.begin(*lane, body_field(direction));
            }
            out.sink.data(*lane, bytes);
            return Ok(());
        }
        let Some(stream) = self.streams.find(id) else { return Ok(()) };
        let is_held = stream.holds_body(direction);
        let half = &stream.halves[direction as usize];
        let left = half.length.and_then(|length| length.checked_sub(half.bytes));
        // What is too much is told where it begins.
        let excess = left.and_then(|left| bytes.split_at_checked(usize::try_from(left).ok()?));
        if let Some((body, excess)) = excess.filter(|(_, excess)| !excess.is_empty()) {
            stream.body(direction, body, out);
            self.report(direction, Some(AppAnomaly::ContentLength), out);
            if let Some(stream) = self.streams.find(id) {
                stream.body(direction, excess, out);
            }
        } else {
            stream.body(direction, bytes, out);
        }
        if is_held {
            self.streams.count(id);
        }
        Ok(())
    }

    /// What is of no message is payload: whoever takes it for something may find anything in it.
    fn plain<S: AppSink>(&mut self, direction: Direction, bytes: &[u8], out: &mut Out<'_, S>) {
        let side = &mut self.sides[direction as usize];
        if let Some((lane, is_open)) = &mut side.stray
            && std::mem::take(is_open)
        {
            out.sink.end(*lane);
        }
        side.outlet.to(out.sink).data(Field::Payload, bytes);
    }

    fn end_data<S: AppSink>(&mut self, direction: Direction, head: FrameHead, out: &mut Out<'_, S>) {
        match self.sides[direction as usize].stray.take() {
            Some((lane, true)) => out.sink.end(lane),
            Some(_) => {}
            None if head.has(flag::END_STREAM) => self.end_half(direction, head.stream, out),
            None => {}
        }
    }

    /// Bytes are missing: in a body they are passed by, elsewhere nobody can read on.
    fn gap<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: u32,
        out: &mut Out<'_, S>,
    ) -> Result<(), Payload> {
        let Some(skipped) = self.sides[direction as usize].frames.skip(bytes) else {
            return Err(self.surrender(direction, Some(AppAnomaly::Gap), &[], out));
        };
        self.report(direction, Some(AppAnomaly::Gap), out);
        self.sides[direction as usize].outlet.to(out.sink).end();
        let id = skipped.head.stream;
        if let Some((lane, is_open)) = &mut self.sides[direction as usize].stray {
            if std::mem::take(is_open) {
                out.sink.end(*lane);
            }
        } else if let Some(stream) = self.streams.find(id) {
            stream.gap(direction, skipped.data_bytes, out);
            self.streams.count(id);
        }
        if skipped.is_end {
            self.end_data(direction, skipped.head, out);
        }
        Ok(())
    }

    /// Tells an anomaly, once a connection and direction.
    fn report<S: AppSink>(
        &mut self,
        direction: Direction,
        anomaly: Option<AppAnomaly>,
        out: &mut Out<'_, S>,
    ) {
        let Some(anomaly) = anomaly else { return };
        let reported = &mut self.sides[direction as usize].reported;
        let bit = 1u64.checked_shl(anomaly as u32).unwrap_or_default();
        if *reported & bit == 0 {
            *reported |= bit;
            out.sink.anomaly(direction, self.protocol(), anomaly);
        }
    }

    /// Gives up: what is open ends, and what was not read comes out as payload: header blocks, and `unread`.
    fn surrender<S: AppSink>(
        &mut self,
        direction: Direction,
        anomaly: Option<AppAnomaly>,
        unread: &[&[u8]],
        out: &mut Out<'_, S>,
    ) -> Payload {
        self.report(direction, anomaly, out);
        self.end_all(out);
        let mut payload = Payload::failed(self.protocol(), self.outlets());
        // Of a preface that is complete nothing is payload.
        let is_broken_off = self.preface_bytes < PREFACE.len();
        let preface = PREFACE.get(..self.preface_bytes).filter(|_| is_broken_off).unwrap_or_default();
        for of in [direction.opposite(), direction] {
            let side = &self.sides[of as usize];
            let preface = if of == Direction::ToServer { preface } else { &[] };
            let [head, held] = side.frames.unread();
            for bytes in [preface, &side.block_bytes, head, held] {
                payload.advance(of, StreamChunk::Data(bytes), out.sink);
            }
        }
        for bytes in unread {
            payload.advance(direction, StreamChunk::Data(bytes), out.sink);
        }
        payload
    }

    fn end_all<S: AppSink>(&mut self, out: &mut Out<'_, S>) {
        for side in &mut self.sides {
            if let Some((lane, true)) = side.stray.take() {
                out.sink.end(lane);
            }
            side.outlet.to(out.sink).end();
        }
        for stream in self.streams.close_all() {
            self.tell_stream(stream, out);
        }
    }

    fn outlets(&self) -> [Outlet; 2] {
        let [client, server] = &self.sides;
        [client.outlet, server.outlet]
    }
}

/// Whether a frame's stream and length are those of its type (RFC 9113 §6).
fn is_sound(head: FrameHead) -> bool {
    let is_of_stream = head.stream != 0;
    match head.kind {
        frames::DATA | frames::HEADERS | frames::CONTINUATION | frames::PUSH_PROMISE => is_of_stream,
        // Another length is an error of its stream alone (§6.3).
        frames::PRIORITY => is_of_stream,
        frames::RST_STREAM => is_of_stream && head.length == 4,
        frames::SETTINGS if head.has(flag::ACK) => !is_of_stream && head.length == 0,
        frames::SETTINGS => !is_of_stream && head.length.is_multiple_of(6),
        frames::PING => !is_of_stream && head.length == 8,
        frames::GOAWAY => !is_of_stream && head.length >= 8,
        frames::WINDOW_UPDATE => head.length == 4,
        _ => true,
    }
}
