//! Stream chunks → named fields. A parser yields fields and transactions, and takes no verdict.

mod beside;
#[cfg(test)]
mod conversation;
mod emitter;
mod fingerprint;
mod first_line;
mod held;
mod http;
mod http2;
mod inflate;
mod lane;
mod lines;
mod messages;
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
mod websocket;
mod wire;
mod within;

use dlp_patterns::Field;

pub use self::http2::error_name as http2_error_name;
use self::{held::Held, http::Went, probe::Next, signature::Signature, websocket::Deflate};
pub use self::{
    http::{Http, HttpIdle},
    http2::Http2,
    lane::Lane,
    payload::Payload,
    probe::Probe,
    protocol::AppProtocol,
    read::Read,
    record::{Record, Value},
    spare_parsers::SpareParsers,
    tls_records::TlsRecords,
    websocket::WebSocket,
    within::Within,
};
use crate::{flow::Direction, reassembly::StreamChunk};

/// What tells a protocol by its first bytes.
const SIGNATURES: &[Signature] = &[http::SIGNATURE, http2::SIGNATURE, ssh::SIGNATURE];

/// The parser of one flow: one variant a protocol, one `match` over them.
#[derive(Debug)]
pub enum App {
    /// The first bytes do not tell yet.
    Probing(Probe),
    /// HTTP/1.x or HTTP/0.9, with something under way.
    Http(Box<Http>),
    /// The same between two exchanges.
    HttpIdle(HttpIdle),
    /// HTTP/2, and what speaks over it.
    Http2(Box<Http2>),
    /// WebSocket, behind its handshake.
    WebSocket(Box<WebSocket>),
    /// What follows a protocol that made way for it.
    Within(Box<Within>),
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
            App::Http(http) => match http.advance(direction, chunk, sink) {
                Err(payload) => Some(App::Payload(payload)),
                Ok(Went::Switched(switch, rest)) => {
                    let early = http.take_early(sink);
                    *self = App::Within(Within::new(AppProtocol::Http, switch.app()));
                    self.advance(Direction::ToServer, StreamChunk::Data(&early), parsers, sink);
                    return self.advance(direction, rest, parsers, sink);
                }
                // Closed flows are remembered for a while: their parsers need not be.
                Ok(Went::On) if chunk == StreamChunk::Fin => http.remains().map(App::Payload),
                Ok(Went::On) => None,
            },
            App::Http2(http2) => {
                http2.advance(direction, chunk, parsers.record(), sink).err().map(App::Payload)
            }
            App::WebSocket(websocket) => {
                websocket.advance(direction, chunk, parsers.record(), sink).err().map(App::Payload)
            }
            App::Within(within) => {
                within.advance(direction, chunk, parsers, sink);
                None
            }
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
            App::Http2(http2) => http2.finish(parsers.record(), sink),
            App::WebSocket(websocket) => websocket.finish(sink),
            App::Within(within) => within.finish(parsers, sink),
            App::Read(read) => read.finish(parsers.record(), sink),
            App::Payload(payload) => payload.finish(sink),
        }
    }

    /// Whether nothing is under way that an `http` event will tell of.
    pub fn is_between_messages(&self) -> bool {
        match self {
            App::Probing(probe) => probe.is_between_messages(),
            App::Http(http) => http.is_between_messages(),
            App::Http2(http2) => http2.is_between_messages(),
            App::WebSocket(websocket) => websocket.is_between_messages(),
            App::Within(within) => within.is_between_messages(),
            App::Read(read) => read.is_between_messages(),
            App::HttpIdle(_) | App::Payload(_) => true,
        }
    }

    /// What the flow speaks, as far as it is known.
    pub fn protocol(&self) -> AppProtocol {
        match self {
            App::Probing(_) => AppProtocol::Pending,
            App::Http(_) | App::HttpIdle(_) => AppProtocol::Http,
            App::Http2(http2) => http2.protocol(),
            App::WebSocket(_) => AppProtocol::WebSocket,
            App::Within(within) => within.protocol(),
            App::Read(read) => read.protocol(),
            App::Payload(payload) => payload.protocol(),
        }
    }

    /// What the flow spoke before, where that made way for [`App::protocol`].
    pub fn outer_protocol(&self) -> Option<AppProtocol> {
        match self {
            App::Within(within) => Some(within.outer()).filter(|outer| *outer != within.protocol()),
            _ => None,
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
    /// What only HTTP/2 says of it.
    pub http2: Option<Http2Stream>,
}

impl HttpTransaction {
    /// Forgets all but its memory.
    fn clear(&mut self) {
        let HttpTransaction {
            id,
            method,
            url,
            protocol,
            host,
            user_agent,
            referer,
            content_type,
            status,
            redirect,
            request_bytes,
            response_bytes,
            http2,
        } = self;
        for text in [method, url, protocol, host, user_agent, referer, content_type, redirect] {
            text.clear();
        }
        (*id, *status, *request_bytes, *response_bytes) = (0, 0, 0, 0);
        if let Some(Http2Stream { id, headers, error_codes, priorities }) = http2 {
            headers.iter_mut().for_each(Vec::clear);
            (*id, *error_codes, *priorities) = (0, [None; 2], [None; 2]);
        }
    }
}

/// What HTTP/2 says of a transaction beside what HTTP/1 would; by direction, the client's first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Http2Stream {
    /// The stream.
    pub id: u32,
    /// Header lists as lines of `name: value\r\n`, pseudo-header fields included; as many lines as fit into
    /// [`HTTP_LOGGED_BYTES_MAX`](crate::limits::HTTP_LOGGED_BYTES_MAX).
    pub headers: [Vec<u8>; 2],
    /// Why an end reset the stream (RFC 9113 §7).
    pub error_codes: [Option<u32>; 2],
    /// Weights of the stream (RFC 7540 §5.3.2), less 1.
    pub priorities: [Option<u8>; 2],
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
    /// What a client of HTTP/2 begins with is not what it has to be.
    Http2Preface,
    /// A frame of HTTP/2 that may not be there, or not of that length.
    Http2Frame,
    /// A header block that HPACK does not allow (RFC 7541).
    Http2HeaderBlock,
    /// A header list longer than its cap, as it is or decompressed.
    Http2HeaderList,
    /// More CONTINUATION frames for one header block than their cap.
    Http2Continuation,
    /// A header with bytes that end it in HTTP/1, or that no name has (RFC 9113 §8.2.1).
    Http2Header,
    /// A header that is of one connection alone (RFC 9113 §8.2.2).
    Http2ConnectionHeader,
    /// Pseudo-header fields that are missing, repeated, misplaced or unknown (RFC 9113 §8.3).
    Http2PseudoHeader,
    /// Host names another host than `:authority`.
    Http2Host,
    /// More streams under way than are told apart.
    Http2Streams,
    /// An end goes on in a stream that it ended.
    Http2StreamReuse,
    /// A setting or a window that HTTP/2 does not have.
    Http2Settings,
    /// Streams are opened and cancelled in a row (CVE-2023-44487).
    Http2RapidReset,
    /// Frames in a row that say nothing, or that nobody can answer.
    Http2Flood,
    /// Compressed content that can't be decompressed.
    DecompressionFailed,
    /// Content that grows beyond all measure when it is decompressed; the rest of it is not read.
    DecompressionCap,
    /// What follows a handshake of WebSocket is no frame of it.
    WebSocketFrame,
    /// A client does not mask its frames, or a server does (RFC 6455 §5.1).
    WebSocketMask,
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
            AppAnomaly::Http2Preface => "http2_invalid_client_magic",
            AppAnomaly::Http2Frame => "http2_invalid_frame",
            AppAnomaly::Http2HeaderBlock => "http2_invalid_header_block",
            AppAnomaly::Http2HeaderList => "http2_header_list_too_long",
            AppAnomaly::Http2Continuation => "http2_continuation_flood",
            AppAnomaly::Http2Header => "http2_invalid_header",
            AppAnomaly::Http2ConnectionHeader => "http2_connection_header",
            AppAnomaly::Http2PseudoHeader => "http2_pseudo_header",
            AppAnomaly::Http2Host => "http2_authority_host_mismatch",
            AppAnomaly::Http2Streams => "http2_too_many_streams",
            AppAnomaly::Http2StreamReuse => "http2_stream_id_reuse",
            AppAnomaly::Http2Settings => "http2_invalid_settings",
            AppAnomaly::Http2RapidReset => "http2_rapid_reset",
            AppAnomaly::Http2Flood => "http2_control_flood",
            AppAnomaly::DecompressionFailed => "failed_decompression",
            AppAnomaly::DecompressionCap => "decompression_cap",
            AppAnomaly::WebSocketFrame => "websocket_invalid_frame",
            AppAnomaly::WebSocketMask => "websocket_mask",
        }
    }

    /// Whether two ends may read the bytes differently, so that an inspector can be led astray.
    pub fn is_ambiguous(self) -> bool {
        !matches!(
            self,
            AppAnomaly::UnpairedResponse
                | AppAnomaly::Gap
                | AppAnomaly::Malformed
                | AppAnomaly::MessageCut
                | AppAnomaly::Http2Settings
                | AppAnomaly::Http2RapidReset
                | AppAnomaly::Http2Flood
                | AppAnomaly::DecompressionFailed
                | AppAnomaly::WebSocketFrame
                | AppAnomaly::WebSocketMask
        )
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
