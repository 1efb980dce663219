//! gRPC in one stream of HTTP/2: its messages, each behind its length.

use arrayvec::ArrayVec;
use dlp_patterns::Field;

use super::header_list::{HeaderList, Known};
use crate::app::{
    AppAnomaly, AppProtocol, AppSink, Lane, Record,
    http::decimal,
    inflate::{Inflate, InflateError},
};
use crate::flow::Direction;
use crate::limits::{GRPC_INFLATES_MAX, HTTP_LOGGED_BYTES_MAX};

/// A flag and a length stand in front of each message.
const PREFIX_BYTES: usize = 5;

/// Set in the number of the lane of a stream's messages, which stand beside its body.
const LANE_BIT: u32 = 1 << 31;

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
    coding: Coding,
    prefix: ArrayVec<u8, PREFIX_BYTES>,
    /// What is left of the message under way, in bytes.
    left: u32,
    /// The rest of the message can't be inflated, or not within measure: it says nothing beside the body.
    is_skipped: bool,
    /// Its lane has a message open.
    is_open: bool,
    inflate: Option<Box<Inflate>>,
    /// The stream can't be cut into messages any more.
    is_broken: bool,
    messages: u64,
    bytes: u64,
    reported: ArrayVec<AppAnomaly, 3>,
}

/// How many messages of one connection are being inflated: at most [`GRPC_INFLATES_MAX`].
#[derive(Debug, Default)]
pub(super) struct Inflates(usize);

/// How messages are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Coding {
    #[default]
    Identity,
    Gzip,
    Deflate,
    Other,
}

impl Grpc {
    /// The lane of the messages of a stream; the last numbers are others'.
    fn lane(direction: Direction, stream: u32) -> Option<Lane> {
        let number = stream | LANE_BIT;
        (number <= Lane::STREAM_MAX).then_some(Lane { direction, number })
    }

    /// Headers or trailers of one direction went by.
    pub(super) fn headers(&mut self, direction: Direction, list: &HeaderList) {
        let half = &mut self.halves[direction as usize];
        if list.has(Known::GrpcEncoding) {
            half.coding = match list.value(Known::GrpcEncoding) {
                b"identity" => Coding::Identity,
                b"gzip" => Coding::Gzip,
                b"deflate" => Coding::Deflate,
                _ => Coding::Other,
            };
        }
        if direction == Direction::ToClient && list.has(Known::GrpcStatus) {
            self.status = decimal(list.value(Known::GrpcStatus));
            let message = list.value(Known::GrpcMessage);
            self.message.clear();
            self.message.extend_from_slice(message.get(..HTTP_LOGGED_BYTES_MAX).unwrap_or(message));
        }
    }

    /// Reads the next bytes of a body.
    pub(super) fn body<S: AppSink>(
        &mut self,
        direction: Direction,
        stream: u32,
        mut bytes: &[u8],
        inflates: &mut Inflates,
        sink: &mut S,
    ) {
        let Some(lane) = Grpc::lane(direction, stream) else { return };
        let half = &mut self.halves[direction as usize];
        while !bytes.is_empty() && !half.is_broken {
            if half.left == 0 {
                half.begin(&mut bytes, direction, inflates, sink);
                continue;
            }
            let count = usize::try_from(half.left).unwrap_or(usize::MAX).min(bytes.len());
            let (piece, rest) = bytes.split_at(count);
            bytes = rest;
            half.left -= count as u32;
            half.bytes += count as u64;
            half.tell(piece, lane, sink);
            if half.left == 0 {
                half.end(lane, inflates, sink);
            }
        }
    }

    /// Bytes of a body are missing, or none follow.
    pub(super) fn break_off<S: AppSink>(
        &mut self,
        direction: Direction,
        stream: u32,
        inflates: &mut Inflates,
        sink: &mut S,
    ) {
        if let Some(lane) = Grpc::lane(direction, stream) {
            let half = &mut self.halves[direction as usize];
            half.end(lane, inflates, sink);
            half.is_broken = true;
        }
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
                if half.coding != Coding::Identity {
                    record.text("encoding", half.coding.as_str());
                }
            });
        }
        if let Some(status) = self.status {
            record.number("status", status);
        }
        record.text_if_any("message", &self.message);
    }
}

impl Half {
    fn begin<S: AppSink>(
        &mut self,
        bytes: &mut &[u8],
        direction: Direction,
        inflates: &mut Inflates,
        sink: &mut S,
    ) {
        let count = self.prefix.remaining_capacity().min(bytes.len());
        let (taken, rest) = bytes.split_at(count);
        *bytes = rest;
        self.prefix.extend(taken.iter().copied());
        let [flag, a, b, c, d] = *self.prefix.as_slice() else { return };
        self.prefix.clear();
        if flag > 1 {
            self.is_broken = true;
            return self.report(direction, AppAnomaly::Malformed, sink);
        }
        self.left = u32::from_be_bytes([a, b, c, d]);
        self.messages += 1;
        self.is_skipped = false;
        let inflate = match self.coding {
            Coding::Gzip if flag == 1 => Inflate::gzip,
            Coding::Deflate if flag == 1 => Inflate::zlib,
            _ => return,
        };
        // An empty message is over before it ends anything.
        if self.left > 0 {
            self.inflate = inflates.take(inflate);
            self.is_skipped = self.inflate.is_none();
        }
        if self.is_skipped {
            self.report(direction, AppAnomaly::DecompressionCap, sink);
        }
    }

    /// A piece of a message; of a coding that is not known it is told as it is.
    fn tell<S: AppSink>(&mut self, piece: &[u8], lane: Lane, sink: &mut S) {
        if self.is_skipped {
            return;
        }
        let is_open = &mut self.is_open;
        let mut see = |bytes: &[u8]| {
            if !std::mem::replace(is_open, true) {
                sink.begin(lane, Field::GrpcMessage);
            }
            sink.data(lane, bytes);
        };
        let Some(inflate) = &mut self.inflate else {
            return see(piece);
        };
        let Err(error) = inflate.push(piece, &mut see) else { return };
        self.is_skipped = true;
        let anomaly = match error {
            InflateError::Broken => AppAnomaly::DecompressionFailed,
            InflateError::Cap => AppAnomaly::DecompressionCap,
        };
        self.report(lane.direction, anomaly, sink);
    }

    /// Tells an anomaly, once a call and direction.
    fn report<S: AppSink>(&mut self, direction: Direction, anomaly: AppAnomaly, sink: &mut S) {
        if !self.reported.contains(&anomaly) {
            self.reported.push(anomaly);
            sink.anomaly(direction, AppProtocol::Grpc, anomaly);
        }
    }

    fn end<S: AppSink>(&mut self, lane: Lane, inflates: &mut Inflates, sink: &mut S) {
        if std::mem::take(&mut self.is_open) {
            sink.end(lane);
        }
        if self.inflate.take().is_some() {
            inflates.give_back();
        }
    }
}

impl Inflates {
    fn take(&mut self, inflate: fn() -> Inflate) -> Option<Box<Inflate>> {
        if self.0 == GRPC_INFLATES_MAX {
            return None;
        }
        self.0 += 1;
        Some(Box::new(inflate()))
    }

    fn give_back(&mut self) {
        self.0 -= 1;
    }
}

impl Coding {
    fn as_str(self) -> &'static [u8] {
        match self {
            Coding::Identity => b"identity",
            Coding::Gzip => b"gzip",
            Coding::Deflate => b"deflate",
            Coding::Other => b"other",
        }
    }
}
