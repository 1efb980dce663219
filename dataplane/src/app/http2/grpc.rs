//! gRPC in one stream of HTTP/2: its messages, each behind its length.

use arrayvec::ArrayVec;
use dlp_patterns::Field;

use super::{
    Out,
    header_list::{HeaderList, Known},
};
use crate::app::{AppAnomaly, AppProtocol, AppSink, Depth, Lane, Record, http::decimal};
use crate::content::{Codings, Decoding, Growth, Undecoded};
use crate::flow::Direction;
use crate::limits::HTTP_LOGGED_BYTES_MAX;

/// A flag and a length stand in front of each message.
const PREFIX_BYTES: usize = 5;

/// A call.
#[derive(Debug, Default)]
pub(super) struct Grpc {
    halves: [Half; 2],
    status: Option<u64>,
    message: Vec<u8>,
}

/// The messages of one direction.
#[derive(Debug, Default)]
struct Half {
    /// How those are compressed that say so, and as what its name is told.
    codings: Codings,
    coding_name: &'static [u8],
    prefix: ArrayVec<u8, PREFIX_BYTES>,
    /// What is left of the message under way, in bytes.
    left: u32,
    /// The rest of the message can't be decoded: it says nothing beside the body.
    is_skipped: bool,
    /// Its lane has a message open.
    is_open: bool,
    decoding: Option<Decoding>,
    /// What the messages so far came to, as they were decoded.
    growth: Growth,
    /// The stream can't be cut into messages any more.
    is_broken: bool,
    messages: u64,
    bytes: u64,
    reported: ArrayVec<AppAnomaly, 6>,
}

impl Grpc {
    /// Headers or trailers of one direction went by.
    pub(super) fn headers(&mut self, direction: Direction, list: &HeaderList) {
        let half = &mut self.halves[direction as usize];
        if list.has(Known::GrpcEncoding) {
            let value = list.value(Known::GrpcEncoding);
            half.codings = Codings::default();
            half.codings.read(value);
            half.coding_name = coding_name(value);
        }
        if direction == Direction::ToClient && list.has(Known::GrpcStatus) {
            self.status = decimal(list.value(Known::GrpcStatus));
            let message = list.value(Known::GrpcMessage);
            self.message.clear();
            self.message.extend_from_slice(message.get(..HTTP_LOGGED_BYTES_MAX).unwrap_or(message));
        }
    }

    /// Whether who answers has that service: it says otherwise at once.
    pub(super) fn is_served(&self) -> bool {
        const UNIMPLEMENTED: u64 = 12;
        const UNAVAILABLE: u64 = 14;
        !matches!(self.status, Some(UNIMPLEMENTED | UNAVAILABLE))
    }

    /// Memory that it holds beside itself, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.message.capacity()
    }

    /// Reads the next bytes of a body.
    pub(super) fn body<S: AppSink>(
        &mut self,
        direction: Direction,
        stream: u32,
        mut bytes: &[u8],
        out: &mut Out<'_, S>,
    ) {
        let lane = Lane::at(direction, stream, Depth::Message);
        let half = &mut self.halves[direction as usize];
        while !bytes.is_empty() && !half.is_broken {
            if half.left == 0 {
                half.begin(&mut bytes, direction, out);
                continue;
            }
            let count = usize::try_from(half.left).unwrap_or(usize::MAX).min(bytes.len());
            let (piece, rest) = bytes.split_at(count);
            bytes = rest;
            half.left -= count as u32;
            half.bytes += count as u64;
            half.tell(piece, lane, out);
            if half.left == 0 {
                half.end(lane, out);
            }
        }
    }

    /// Bytes of a body are missing, or none follow.
    pub(super) fn break_off<S: AppSink>(&mut self, direction: Direction, stream: u32, out: &mut Out<'_, S>) {
        let half = &mut self.halves[direction as usize];
        half.end(Lane::at(direction, stream, Depth::Message), out);
        half.is_broken = true;
    }

    /// Tells the call.
    pub(super) fn record(&self, path: &[u8], record: &mut Record) {
        // `/package.Service/Method`.
        let path = path.strip_prefix(b"/").unwrap_or(path);
        let (service, method) = match memchr::memrchr(b'/', path) {
            Some(at) => (path.get(..at).unwrap_or_default(), path.get(at + 1..).unwrap_or_default()),
            None => (path, &[][..]),
        };
        record.text_if_any("service", service);
        record.text_if_any("method", method);
        for (name, half) in ["request", "response"].into_iter().zip(&self.halves) {
            record.object(name, |record| {
                record.number("messages", half.messages);
                record.number("bytes", half.bytes);
                record.text_if_any("encoding", half.coding_name);
            });
        }
        if let Some(status) = self.status {
            record.number("status", status);
        }
        record.text_if_any("message", &self.message);
    }
}

impl Half {
    fn begin<S: AppSink>(&mut self, bytes: &mut &[u8], direction: Direction, out: &mut Out<'_, S>) {
        let count = self.prefix.remaining_capacity().min(bytes.len());
        let (taken, rest) = bytes.split_at(count);
        *bytes = rest;
        self.prefix.extend(taken.iter().copied());
        let [flag, a, b, c, d] = *self.prefix.as_slice() else { return };
        self.prefix.clear();
        if flag > 1 {
            self.is_broken = true;
            return self.report(direction, AppAnomaly::Malformed, out);
        }
        self.left = u32::from_be_bytes([a, b, c, d]);
        self.messages += 1;
        self.is_skipped = false;
        // An empty message is over before it ends anything.
        if flag == 0 || self.left == 0 || self.codings.is_plain() {
            return;
        }
        // Of a coding that is not known it is told as it is.
        if self.codings.is_unknown() {
            return self.report(direction, AppAnomaly::ContentCoding, out);
        }
        if self.codings.is_too_many() {
            return self.report(direction, AppAnomaly::ContentLayers, out);
        }
        match Decoding::begin_behind(self.growth, &self.codings, out.decoders) {
            Ok(decoding) => self.decoding = Some(decoding),
            Err(undecoded) => self.skip(direction, undecoded, out),
        }
    }

    /// A piece of a message.
    fn tell<S: AppSink>(&mut self, piece: &[u8], lane: Lane, out: &mut Out<'_, S>) {
        if self.is_skipped {
            return;
        }
        let is_open = &mut self.is_open;
        let mut see = |bytes: &[u8]| {
            if !std::mem::replace(is_open, true) {
                out.sink.begin(lane, Field::GrpcMessage);
            }
            out.sink.data(lane, bytes);
        };
        let Some(decoding) = &mut self.decoding else {
            return see(piece);
        };
        if let Err(undecoded) = decoding.push(piece, out.decoders, |bytes, _| see(bytes)) {
            self.growth = decoding.growth();
            self.decoding = None;
            self.skip(lane.direction, undecoded, out);
        }
    }

    /// What is left of a message is read as a part of the body alone.
    fn skip<S: AppSink>(&mut self, direction: Direction, undecoded: Undecoded, out: &mut Out<'_, S>) {
        self.is_skipped = true;
        self.report(direction, undecoded.into(), out);
    }

    /// Tells an anomaly, once a call and direction.
    fn report<S: AppSink>(&mut self, direction: Direction, anomaly: AppAnomaly, out: &mut Out<'_, S>) {
        if !self.reported.contains(&anomaly) && self.reported.try_push(anomaly).is_ok() {
            out.sink.anomaly(direction, AppProtocol::Grpc, anomaly);
        }
    }

    fn end<S: AppSink>(&mut self, lane: Lane, out: &mut Out<'_, S>) {
        if std::mem::take(&mut self.is_open) {
            out.sink.end(lane);
        }
        if let Some(decoding) = self.decoding.take() {
            self.growth = decoding.growth();
            if let Err(undecoded) = decoding.end(out.decoders) {
                self.report(lane.direction, undecoded.into(), out);
            }
        }
    }
}

/// A coding as events name it; nothing where there is none.
fn coding_name(value: &[u8]) -> &'static [u8] {
    const KNOWN: [&[u8]; 4] = [b"gzip", b"deflate", b"br", b"zstd"];
    match KNOWN.into_iter().find(|known| *known == value) {
        Some(known) => known,
        None if value.is_empty() || value == b"identity" => b"",
        None => b"other",
    }
}
