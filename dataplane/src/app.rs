//! Stream chunks → named fields. A parser yields fields and transactions, and takes no verdict.

mod emitter;
mod first_line;
mod http;
mod opening;
mod payload;
mod probe;
#[cfg(test)]
mod recorder;
mod spare_parsers;
mod tls_records;

use dlp_patterns::Field;

pub use self::http::HttpIdle;
pub use self::{
    http::Http, opening::Opened, opening::Opening, payload::Payload, probe::Probe,
    spare_parsers::SpareParsers, tls_records::TlsRecords,
};
use crate::{flow::Direction, reassembly::StreamChunk};

/// The parser of one flow: one variant a protocol, one `match` over them.
#[derive(Debug)]
pub enum App {
    /// The first bytes do not tell yet.
    Probing(Probe),
    /// HTTP/1.x or HTTP/0.9, with something under way.
    Http(Box<Http>),
    /// The same between two exchanges.
    HttpIdle(HttpIdle),
    /// No parser claims the bytes, from the begin on or since one gave up.
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
            App::Probing(probe) => probe.advance(direction, chunk, parsers, sink),
            App::Http(http) => match http.advance(direction, chunk, sink) {
                Err(payload) => Some(App::Payload(payload)),
                // Closed flows are remembered for a while: their parsers need not be.
                Ok(()) if chunk == StreamChunk::Fin => http.remains().map(App::Payload),
                Ok(()) => None,
            },
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

    /// The flow is over: open fields end, open transactions are handed out.
    pub fn finish<S: AppSink>(&mut self, sink: &mut S) {
        match self {
            App::Probing(probe) => probe.finish(sink),
            App::Http(http) => http.finish(sink),
            App::HttpIdle(_) => {}
            App::Payload(payload) => payload.finish(sink),
        }
    }

    /// Whether nothing is under way that an `http` event will tell of.
    pub fn is_between_messages(&self) -> bool {
        match self {
            App::Probing(probe) => probe.is_between_messages(),
            App::Http(http) => http.is_between_messages(),
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
            App::Payload(payload) => payload.protocol(),
        }
    }
}

impl Default for App {
    fn default() -> Self {
        App::new()
    }
}

/// The application protocol of a flow, as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AppProtocol {
    /// Too little was seen.
    #[default]
    Pending,
    /// HTTP/1.x (RFC 9112) or a bare HTTP/0.9 request.
    Http,
    /// None that there is a parser for.
    Unknown,
    /// A parser gave up; what followed was scanned as payload.
    Failed,
    /// HTTP opened the way for another protocol (RFC 9110 §7.8, §9.3.6), which is scanned as payload.
    BehindHttp,
}

impl AppProtocol {
    /// The name that events use (`app_proto`).
    pub fn as_str(self) -> &'static str {
        match self {
            AppProtocol::Pending | AppProtocol::Unknown | AppProtocol::BehindHttp => "unknown",
            AppProtocol::Http => "http",
            AppProtocol::Failed => "failed",
        }
    }

    /// The name of what the flow began with, where it speaks something else now (`app_proto_orig`).
    pub fn origin(self) -> Option<&'static str> {
        (self == AppProtocol::BehindHttp).then_some("http")
    }
}

/// Who listens to a parser. Each direction has at most one field instance open at a time.
pub trait AppSink {
    /// Bytes of a new instance of `field` follow in this direction: offsets start at 0.
    fn begin(&mut self, direction: Direction, field: Field);
    /// The next bytes of the instance that this direction has open; never empty.
    fn data(&mut self, direction: Direction, bytes: &[u8]);
    /// The instance that this direction has open is complete, or what follows it went by unseen.
    fn end(&mut self, direction: Direction);
    /// A request and its response are complete, or will never be.
    fn transaction(&mut self, transaction: &HttpTransaction);
    /// The peers broke the protocol.
    fn anomaly(&mut self, direction: Direction, anomaly: AppAnomaly);
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
            AppAnomaly::Gap => "http_gap",
        }
    }

    /// Whether two ends may read the bytes differently, so that an inspector can be led astray.
    pub fn is_ambiguous(self) -> bool {
        !matches!(self, AppAnomaly::UnpairedResponse | AppAnomaly::Gap)
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
