//! Stream chunks → named fields. A parser yields fields and transactions, and takes no verdict.

use dlp_patterns::Field;

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
}

impl AppProtocol {
    /// The name that events use (`app_proto`).
    pub fn as_str(self) -> &'static str {
        match self {
            AppProtocol::Pending | AppProtocol::Unknown => "unknown",
            AppProtocol::Http => "http",
            AppProtocol::Failed => "failed",
        }
    }
}

/// Who listens to a parser.
pub trait AppSink {
    /// Bytes of a new instance of `field` follow: offsets start at 0.
    fn begin(&mut self, field: Field);
    /// The next bytes of the instance that began last.
    fn data(&mut self, bytes: &[u8]);
    /// The instance that began last is complete.
    fn end(&mut self);
    /// A request and its response are complete, or will never be.
    fn transaction(&mut self, transaction: &HttpTransaction);
    /// The peers broke the protocol.
    fn anomaly(&mut self, anomaly: AppAnomaly);
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
    /// A request line that no grammar of HTTP/1.x fits, in a flow that spoke HTTP before.
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
