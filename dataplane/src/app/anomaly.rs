//! What parsers say against the peers.

use crate::{content::Undecoded, verdict::DropReason};

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
    /// Content-Length below zero: who reads it as unsigned waits for, or makes room for, almost all that there can be.
    NegativeLength,
    /// Both Content-Length and Transfer-Encoding (RFC 9112 §6.3).
    LengthAndCoding,
    /// A transfer coding other than a single, final `chunked`.
    TransferCoding,
    /// Framing that can be read in more ways than are followed at once, where all are to be (`compat`).
    Readings,
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
    /// The parts of a body, or their names, are not what all read them as.
    Multipart,
    /// A mail seems to end in a line of a dot, whose ends are not those that RFC 5321 §4.1.1.4 asks for: servers differ in whether
    /// commands follow.
    MailEnd,
    /// More was said behind a command that asks for encryption, before its answer: a server may take it for part of what comes
    /// encrypted.
    StartTlsInjection,
    /// A server does not let a client in that says who it is.
    LoginRefused,
    /// A compressed name of DNS leads to itself, or to what stands behind it.
    DnsPointerLoop,
    /// A name of DNS is longer than any may be, or has a label of no known kind.
    DnsNameTooLong,
    /// A heartbeat of TLS says that it has a longer payload than its record has room for.
    TlsHeartbeat,
    /// The argument of a key in SSL 2.0 is longer than any cipher takes (CVE-2002-0656).
    Ssl2KeyArgument,
    /// A certificate of TLS can't be read.
    TlsCertificate,
    /// More requests wait for their responses than are kept; later ones are told without theirs.
    TooManyRequests,
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
    /// A piece of a message in datagrams says something else than what came before in its place, which is what was read.
    Overlap,
    /// There was no memory for what its parser holds: the rest of the flow is payload.
    AppMemory,
    /// What follows a handshake of WebSocket is no frame of it.
    WebSocketFrame,
    /// A client does not mask its frames, or a server does (RFC 6455 §5.1).
    WebSocketMask,
    /// A broker of MQTT accepts a connection that nobody asked for.
    MqttMissingConnect,
    /// An end of MQTT acknowledges a message that was not sent.
    MqttMissingPublish,
    /// A broker of MQTT answers a subscription that was not asked for.
    MqttMissingSubscribe,
    /// A broker of MQTT answers the end of a subscription that was not asked for.
    MqttMissingUnsubscribe,
    /// A client of MQTT connects again in a connection that was accepted.
    MqttDoubleConnect,
    /// An end of MQTT goes on before the connection was accepted; told once.
    MqttUnintroducedMessage,
    /// A quality of service that MQTT does not have.
    MqttInvalidQos,
    /// A packet of MQTT has the identifier 0, which none may have.
    MqttMissingId,
    /// A packet of MQTT is of a kind that its version does not have.
    MqttUnassignedMessageType,
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
            AppAnomaly::NegativeLength => "http_negative_length",
            AppAnomaly::LengthAndCoding => "http_length_and_coding",
            AppAnomaly::TransferCoding => "http_transfer_coding",
            AppAnomaly::Readings => "http_readings",
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
            AppAnomaly::Multipart => "multipart",
            AppAnomaly::MailEnd => "mail_end",
            AppAnomaly::StartTlsInjection => "starttls_injection",
            AppAnomaly::LoginRefused => "login_refused",
            AppAnomaly::DnsPointerLoop => "dns_pointer_loop",
            AppAnomaly::DnsNameTooLong => "dns_name_too_long",
            AppAnomaly::TlsHeartbeat => "tls_overflow_heartbeat_message",
            AppAnomaly::Ssl2KeyArgument => "ssl2_key_argument",
            AppAnomaly::TlsCertificate => "tls_certificate_invalid",
            AppAnomaly::TooManyRequests => "too_many_requests",
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
            AppAnomaly::Overlap => "message_overlap_different_data",
            AppAnomaly::AppMemory => "app_memory",
            AppAnomaly::WebSocketFrame => "websocket_invalid_frame",
            AppAnomaly::WebSocketMask => "websocket_mask",
            AppAnomaly::MqttMissingConnect => "missing_connect",
            AppAnomaly::MqttMissingPublish => "missing_publish",
            AppAnomaly::MqttMissingSubscribe => "missing_subscribe",
            AppAnomaly::MqttMissingUnsubscribe => "missing_unsubscribe",
            AppAnomaly::MqttDoubleConnect => "double_connect",
            AppAnomaly::MqttUnintroducedMessage => "unintroduced_message",
            AppAnomaly::MqttInvalidQos => "invalid_qos_level",
            AppAnomaly::MqttMissingId => "missing_msg_id",
            AppAnomaly::MqttUnassignedMessageType => "unassigned_msg_type",
        }
    }

    /// Whether two ends may read the bytes differently, so that an inspector can be led astray.
    pub fn is_ambiguous(self) -> bool {
        self.cause() == Some(DropReason::AppError)
    }

    /// Whether a message of HTTP/1 with it is read in every way, where that is asked for.
    pub fn is_read_in_every_way(self) -> bool {
        matches!(
            self,
            AppAnomaly::HeaderLine
                | AppAnomaly::ContentLength
                | AppAnomaly::NegativeLength
                | AppAnomaly::LengthAndCoding
                | AppAnomaly::TransferCoding
        )
    }

    /// What it is among the causes that the operator has a word for; `None` where it is only told.
    pub fn cause(self) -> Option<DropReason> {
        match self {
            AppAnomaly::ContentLayers | AppAnomaly::ContentRatio | AppAnomaly::ContentSize => {
                Some(DropReason::ContentCap)
            }
            AppAnomaly::ContentCoding
            | AppAnomaly::ContentBroken
            | AppAnomaly::ContentGap
            | AppAnomaly::Multipart => Some(DropReason::ContentUnread),
            AppAnomaly::ContentMemory | AppAnomaly::AppMemory => Some(DropReason::AppMemory),
            AppAnomaly::UnpairedResponse
            | AppAnomaly::Gap
            | AppAnomaly::Malformed
            | AppAnomaly::MessageCut
            | AppAnomaly::MailEnd
            | AppAnomaly::StartTlsInjection
            | AppAnomaly::LoginRefused
            | AppAnomaly::DnsPointerLoop
            | AppAnomaly::DnsNameTooLong
            | AppAnomaly::TlsHeartbeat
            | AppAnomaly::Ssl2KeyArgument
            | AppAnomaly::TlsCertificate
            | AppAnomaly::TooManyRequests
            | AppAnomaly::Overlap
            | AppAnomaly::Http2Settings
            | AppAnomaly::Http2RapidReset
            | AppAnomaly::Http2Flood
            | AppAnomaly::WebSocketFrame
            | AppAnomaly::WebSocketMask
            | AppAnomaly::MqttMissingConnect
            | AppAnomaly::MqttMissingPublish
            | AppAnomaly::MqttMissingSubscribe
            | AppAnomaly::MqttMissingUnsubscribe
            | AppAnomaly::MqttDoubleConnect
            | AppAnomaly::MqttUnintroducedMessage
            | AppAnomaly::MqttInvalidQos
            | AppAnomaly::MqttMissingId
            | AppAnomaly::MqttUnassignedMessageType => None,
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
