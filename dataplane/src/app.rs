//! Stream chunks → named fields. A parser yields fields and transactions, and takes no verdict.

mod beside;
#[cfg(test)]
mod conversation;
mod emitter;
mod fingerprint;
mod first_line;
mod held;
mod http;
mod lane;
mod lines;
mod messages;
mod opening;
mod parser;
mod payload;
mod probe;
mod protocol;
mod read;
mod record;
#[cfg(test)]
mod recorder;
mod signature;
mod spare_parsers;
mod ssh;
mod tls_records;
mod wire;

use dlp_patterns::Field;

pub use self::http::HttpIdle;
use self::{held::Held, probe::Next, signature::Signature};
pub use self::{
    http::Http,
    lane::{Depth, Lane},
    opening::{Opened, Opening},
    payload::Payload,
    probe::Probe,
    protocol::AppProtocol,
    read::Read,
    record::{Record, Value},
    spare_parsers::SpareParsers,
    tls_records::TlsRecords,
};
use crate::{content::Undecoded, flow::Direction, reassembly::StreamChunk, verdict::DropReason};

/// What tells a protocol by its first bytes.
const SIGNATURES: &[Signature] = &[http::SIGNATURE, ssh::SIGNATURE];

/// The parser of one flow: one variant a protocol, one `match` over them.
#[derive(Debug)]
pub enum App {
    /// The first bytes do not tell yet.
    Probing(Probe),
    /// HTTP/1.x or HTTP/0.9, with something under way.
    Http(Box<Http>),
    /// The same between two exchanges.
    HttpIdle(HttpIdle),
    /// Payload, and beside it read by a parser or for what protocol it is of.
    Read(Box<Read>),
    /// Payload and nothing beside: of no protocol, of one that has no parser, or since one gave up.
    Payload(Payload),
}

impl App {
    /// The parser of a flow that has said nothing yet.
    pub fn new() -> Self {
        App::Probing(Probe::default())
    }

    /// Reads the next piece of one direction. Fields of that direction go to the sink as they are read.
    /// A parser comes from `parsers`, and goes back there when nothing is under way.
    pub fn advance<S: AppSink>(
        &mut self,
        direction: Direction,
        chunk: StreamChunk<'_>,
        parsers: &mut SpareParsers,
        sink: &mut S,
    ) {
        if let App::HttpIdle(idle) = self {
            *self = App::Http(idle.resume(parsers.http()));
        }
        let next = match self {
            App::Probing(probe) => match probe.advance(direction, chunk, parsers, sink) {
                Next::Wait => None,
                Next::Decided(app) => Some(app),
                Next::Replay(app, held) => {
                    *self = app;
                    return self.replay(held.as_deref(), direction, chunk, parsers, sink);
                }
            },
            App::Http(http) => match http.advance(direction, chunk, parsers.decoders(), sink) {
                Err(payload) => Some(App::Payload(payload)),
                // Closed flows are remembered for a while: their parsers need not be.
                Ok(()) if chunk == StreamChunk::Fin => http.remains().map(App::Payload),
                Ok(()) => None,
            },
            App::Read(read) => read.advance(direction, chunk, parsers.record(), sink).map(App::Payload),
            App::Payload(payload) => {
                payload.advance(direction, chunk, sink);
                None
            }
            App::HttpIdle(_) => None,
        };
        if let Some(next) = next {
            *self = next;
        }
        if let App::Http(http) = self
            && let Some(idle) = http.rest()
        {
            let busy = std::mem::replace(self, App::HttpIdle(idle));
            if let App::Http(resting) = busy {
                parsers.take_back(resting);
            }
        }
    }

    /// Shows a flow that was just decided what was held of it, and then the piece at hand where that isn't data, which is held
    /// too.
    fn replay<S: AppSink>(
        &mut self,
        held: Option<&Held>,
        direction: Direction,
        chunk: StreamChunk<'_>,
        parsers: &mut SpareParsers,
        sink: &mut S,
    ) {
        for (of, bytes) in held.into_iter().flat_map(Held::turns) {
            self.advance(of, StreamChunk::Data(bytes), parsers, sink);
        }
        if held.is_none() || !matches!(chunk, StreamChunk::Data(_)) {
            self.advance(direction, chunk, parsers, sink);
        }
    }

    /// Reads one datagram: it is payload as a whole, and what a parser draws out of it.
    pub fn datagram<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        parsers: &mut SpareParsers,
        sink: &mut S,
    ) {
        App::payload(direction, bytes, sink);
        if let App::Probing(probe) = self
            && let Some(app) = probe.datagram(direction, bytes)
        {
            *self = app;
        }
        if let App::Read(read) = self
            && let Some(payload) = read.datagram(direction, bytes, parsers.record(), sink)
        {
            *self = App::Payload(payload);
        }
    }

    /// A packet that is one payload.
    pub fn payload<S: AppSink>(direction: Direction, bytes: &[u8], sink: &mut S) {
        let lane = Lane::main(direction);
        sink.begin(lane, Field::Payload);
        if !bytes.is_empty() {
            sink.data(lane, bytes);
        }
        sink.end(lane);
    }

    /// The flow is over: open fields end, open transactions are handed out.
    pub fn finish<S: AppSink>(&mut self, parsers: &mut SpareParsers, sink: &mut S) {
        match self {
            App::Probing(probe) => probe.finish(sink),
            App::Http(http) => http.finish(sink),
            App::HttpIdle(_) => {}
            App::Read(read) => read.finish(parsers.record(), sink),
            App::Payload(payload) => payload.finish(sink),
        }
    }

    /// Whether nothing is under way that an `http` event will tell of.
    pub fn is_between_messages(&self) -> bool {
        match self {
            App::Probing(probe) => probe.is_between_messages(),
            App::Http(http) => http.is_between_messages(),
            App::Read(read) => read.is_between_messages(),
            App::HttpIdle(_) | App::Payload(_) => true,
        }
    }

    /// Whether nothing was read.
    pub fn is_untouched(&self) -> bool {
        matches!(self, App::Probing(probe) if probe.is_untouched())
    }

    /// What the flow speaks, as far as it is known.
    pub fn protocol(&self) -> AppProtocol {
        match self {
            App::Probing(_) => AppProtocol::Pending,
            App::Http(http) => http.protocol(),
            App::HttpIdle(_) => AppProtocol::Http,
            App::Read(read) => read.protocol(),
            App::Payload(payload) => payload.protocol(),
        }
    }
}

impl Default for App {
    fn default() -> Self {
        App::new()
    }
}

/// Who listens to a parser. Each lane has at most one field instance open at a time.
pub trait AppSink {
    /// Bytes of a new instance of `field` follow in this lane: offsets start at 0.
    fn begin(&mut self, lane: Lane, field: Field);
    /// The next bytes of the instance that this lane has open; never empty.
    fn data(&mut self, lane: Lane, bytes: &[u8]);
    /// The instance that this lane has open is complete, or what follows it went by unseen.
    fn end(&mut self, lane: Lane);
    /// A request and its response are complete, or will never be.
    fn transaction(&mut self, transaction: &HttpTransaction);
    /// A transaction of another protocol, or a part of one that is told for itself.
    fn record(&mut self, record: &Record);
    /// The peers broke the protocol.
    fn anomaly(&mut self, direction: Direction, protocol: AppProtocol, anomaly: AppAnomaly);
}

/// A request and its response as events tell them. Strings are cut at
/// [`HTTP_LOGGED_BYTES_MAX`](crate::limits::HTTP_LOGGED_BYTES_MAX) and empty where absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpTransaction {
    /// Position in the connection, from 0.
    pub id: u64,
    /// Request method.
    pub method: Vec<u8>,
    /// Request target as on the wire.
    pub url: Vec<u8>,
    /// `HTTP/1.1` and the like, of the request.
    pub protocol: Vec<u8>,
    /// Value of Host.
    pub host: Vec<u8>,
    /// Value of User-Agent.
    pub user_agent: Vec<u8>,
    /// Value of Referer.
    pub referer: Vec<u8>,
    /// Media type of the response, without parameters.
    pub content_type: Vec<u8>,
    /// Status code of the final response; 0 where none came.
    pub status: u16,
    /// Value of Location, for a redirect.
    pub redirect: Vec<u8>,
    /// Bytes of the request body, decoded.
    pub request_bytes: u64,
    /// Bytes of the response body, decoded.
    pub response_bytes: u64,
}

/// How the peers broke a protocol. Framing that two ends may read differently is listed apart from
/// mere oddness by [`AppAnomaly::is_ambiguous`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AppAnomaly {
    /// A request line that no server should read as HTTP/1.x: in a flow that spoke HTTP before, or the first
    /// line of a flow, where it names HTTP.
    RequestLine,
    /// A status line that RFC 9112 §4 does not allow.
    StatusLine,
    /// A header line without a colon, with a space before it, or with a bare CR or NUL.
    HeaderLine,
    /// A line or a header block longer than its cap.
    TooLong,
    /// Content-Length that is no number, or repeated with another value.
    ContentLength,
    /// Both Content-Length and Transfer-Encoding (RFC 9112 §6.3).
    LengthAndCoding,
    /// A transfer coding other than a single, final `chunked`.
    TransferCoding,
    /// A chunk size that is no number, too large, or not followed by CRLF.
    ChunkSize,
    /// A response that nobody asked for.
    UnpairedResponse,
    /// More requests waiting than the cap.
    Pipelined,
    /// Bytes are missing inside of a message.
    Gap,
    /// What an end said is not of the protocol that it spoke; the parser gave up.
    Malformed,
    /// A message is longer than is read; what follows of it was scanned as payload only.
    MessageCut,
    /// A body has a content coding that is not known here: it was scanned as it is.
    ContentCoding,
    /// It has more codings than are taken off.
    ContentLayers,
    /// It is not of its coding from somewhere on, or cut off.
    ContentBroken,
    /// Bytes of it are missing: what follows was scanned as it is.
    ContentGap,
    /// It grows by more than a body may.
    ContentRatio,
    /// It comes to more bytes than a body may.
    ContentSize,
    /// There was no memory to decode it.
    ContentMemory,
}

impl AppAnomaly {
    /// The name that events use.
    pub fn as_str(self) -> &'static str {
        match self {
            AppAnomaly::RequestLine => "http_request_line",
            AppAnomaly::StatusLine => "http_status_line",
            AppAnomaly::HeaderLine => "http_header_line",
            AppAnomaly::TooLong => "http_too_long",
            AppAnomaly::ContentLength => "http_content_length",
            AppAnomaly::LengthAndCoding => "http_length_and_coding",
            AppAnomaly::TransferCoding => "http_transfer_coding",
            AppAnomaly::ChunkSize => "http_chunk_size",
            AppAnomaly::UnpairedResponse => "http_unpaired_response",
            AppAnomaly::Pipelined => "http_pipelined",
            AppAnomaly::Gap => "gap",
            AppAnomaly::Malformed => "malformed",
            AppAnomaly::MessageCut => "message_cut",
            AppAnomaly::ContentCoding => "content_coding",
            AppAnomaly::ContentLayers => "content_layers",
            AppAnomaly::ContentBroken => "content_broken",
            AppAnomaly::ContentGap => "content_gap",
            AppAnomaly::ContentRatio => "content_ratio",
            AppAnomaly::ContentSize => "content_size",
            AppAnomaly::ContentMemory => "content_memory",
        }
    }

    /// Whether two ends may read the bytes differently, so that an inspector can be led astray.
    pub fn is_ambiguous(self) -> bool {
        self.cause() == Some(DropReason::AppError)
    }

    /// What it is among the causes that the operator has a word for; `None` where it is only told.
    pub fn cause(self) -> Option<DropReason> {
        match self {
            AppAnomaly::ContentLayers | AppAnomaly::ContentRatio | AppAnomaly::ContentSize => {
                Some(DropReason::ContentCap)
            }
            AppAnomaly::ContentCoding | AppAnomaly::ContentBroken | AppAnomaly::ContentGap => {
                Some(DropReason::ContentUnread)
            }
            // The last one is for want of what all flows share: none is ended for what others have taken.
            AppAnomaly::UnpairedResponse
            | AppAnomaly::Gap
            | AppAnomaly::Malformed
            | AppAnomaly::MessageCut
            | AppAnomaly::ContentMemory => None,
            _ => Some(DropReason::AppError),
        }
    }
}

impl From<Undecoded> for AppAnomaly {
    fn from(undecoded: Undecoded) -> AppAnomaly {
        match undecoded {
            Undecoded::Broken => AppAnomaly::ContentBroken,
            Undecoded::Ratio => AppAnomaly::ContentRatio,
            Undecoded::Size => AppAnomaly::ContentSize,
            Undecoded::Memory => AppAnomaly::ContentMemory,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{http::conversations::listen, *};

    #[test]
    fn a_parser_goes_when_both_ends_finished_and_all_is_told() {
        use Direction::{ToClient, ToServer};
        let request = (ToServer, StreamChunk::Data(b"GET / HTTP/1.1\r\n\r\n"));
        let response = (ToClient, StreamChunk::Data(b"HTTP/1.1 200 OK\r\n\r\nbody"));
        let late = (ToServer, StreamChunk::Data(b"late"));
        let fins = [(ToServer, StreamChunk::Fin), (ToClient, StreamChunk::Fin)];

        let (app, recorder) = listen(&[request, response, fins[0], fins[1], late]);
        assert!(matches!(app, App::Payload(_)));
        assert_eq!(app.protocol(), AppProtocol::Http);
        assert_eq!(recorder.instances(ToServer, Field::Payload), [b"late"]);
        assert_eq!(recorder.transactions().len(), 1);

        let (app, recorder) = listen(&[request, fins[0], fins[1]]);
        assert!(matches!(app, App::Http(_)), "the request is told of when the flow is over");
        assert_eq!(recorder.transactions().len(), 1);
    }
}
