//! Stream chunks → named fields. A parser yields fields and transactions, and takes no verdict.

mod amqp;
mod anomaly;
mod ber;
mod beside;
mod bittorrent;
mod body;
mod carried_file;
mod cassandra;
mod command_line;
mod content_type;
#[cfg(test)]
mod conversation;
mod couchbase;
mod datagrams;
mod dhcp;
mod dhcpv6;
mod dns;
mod dtls;
mod echo;
mod elasticsearch;
mod emitter;
mod fingerprint;
mod first_line;
mod ftp;
mod headed;
mod held;
mod holding;
mod http;
mod http2;
mod http_file;
mod http_product;
mod http_transaction;
mod ike;
mod imap;
mod irc;
mod kafka;
#[cfg(test)]
mod kept;
mod kerberos;
mod lane;
mod ldap;
mod lines;
mod mail;
mod memcached;
mod messages;
mod mime;
mod modbus;
mod mongodb;
mod mqtt;
mod mysql;
mod names;
mod nats;
mod netbios;
mod ntp;
mod opening;
mod openvpn;
mod openwire;
mod ordered_pieces;
mod parser;
mod payload;
mod pending;
mod pgsql;
mod pop3;
mod ports;
mod prepared;
mod probe;
mod protocol;
mod protocols;
mod quic;
mod radius;
mod rdp;
mod read;
mod record;
#[cfg(test)]
mod recorder;
mod redis;
mod request_part;
mod rpc;
mod rtp;
mod rtsp;
mod sasl;
mod signature;
mod signatures;
mod sip;
mod smb;
mod smtp;
mod snmp;
mod socks;
mod spare_parsers;
mod spark;
mod ssdp;
mod ssh;
mod start_tls;
mod stomp;
mod streamed;
mod stun;
mod syslog;
mod tds;
mod telnet;
mod tftp;
mod tls;
mod tls_records;
mod tns;
mod utf16;
mod vnc;
mod websocket;
mod wire;
mod wireguard;
mod within;
mod xmpp;

mod zookeeper;

use dlp_patterns::Field;

pub use self::http2::error_name as http2_error_name;
pub use self::{
    anomaly::AppAnomaly,
    holding::Holding,
    http::{Http, HttpFraming, HttpIdle},
    http_file::{HttpFile, HttpFileStage},
    http_product::HttpProduct,
    http_transaction::{Http2Stream, HttpTransaction},
    http2::Http2,
    lane::{Depth, Lane},
    opening::{Opened, Opening},
    payload::Payload,
    ports::at_home,
    probe::Probe,
    protocol::AppProtocol,
    protocols::{ProtocolInfo, protocols},
    read::Read,
    record::{Record, RecordKind, Value},
    request_part::RequestPart,
    spare_parsers::SpareParsers,
    tls_records::TlsRecords,
    websocket::WebSocket,
    within::Within,
};
use self::{
    emitter::Outlet, held::Held, http::Went, probe::Next, signatures::SIGNATURES, websocket::Deflate,
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
                    return self.replay(held.as_deref(), (direction, chunk), parsers, sink);
                }
            },
            App::Http(http) => match http.advance(direction, chunk, parsers, sink) {
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
            App::Http2(http2) => http2.advance(direction, chunk, parsers, sink).err().map(App::Payload),
            App::WebSocket(websocket) => {
                websocket.advance(direction, chunk, parsers, sink).err().map(App::Payload)
            }
            App::Within(within) => {
                within.advance(direction, chunk, parsers, sink);
                None
            }
            App::Read(read) => read.advance(direction, chunk, parsers, sink).map(App::Payload),
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

    /// Shows a flow that was just decided what was held of it, or else the piece at hand: what was told as payload goes to its
    /// parser alone. HTTP reads all itself, and where one end contradicts it, what the other one said is payload.
    fn replay<S: AppSink>(
        &mut self,
        held: Option<&Held>,
        piece: (Direction, StreamChunk<'_>),
        parsers: &mut SpareParsers,
        sink: &mut S,
    ) {
        let at_hand = held.is_none().then_some(piece);
        // What has fields of its own was not told as payload, whatever becomes of it.
        let is_told = matches!(self, App::Read(_) | App::Payload(_));
        for (direction, chunk) in held.into_iter().flat_map(Held::turns).chain(at_hand) {
            match self {
                App::Read(read) if is_told => read.replay(direction, chunk, parsers, sink),
                _ if is_told => {}
                _ => self.advance(direction, chunk, parsers, sink),
            }
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
        self.look_at(direction, bytes, parsers, sink);
    }

    /// Shows a datagram, which was told as payload, to whoever is to say what it speaks, or to its parser.
    fn look_at<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        parsers: &mut SpareParsers,
        sink: &mut S,
    ) {
        if let App::Within(within) = self {
            return within.look_at(direction, bytes, parsers, sink);
        }
        if let App::Probing(probe) = self
            && let Some(app) = probe.datagram(direction, bytes, parsers)
        {
            *self = app;
        }
        if let App::Read(read) = self
            && let Some(payload) = read.datagram(direction, bytes, parsers, sink)
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
            App::Http2(http2) => http2.finish(parsers, sink),
            App::WebSocket(websocket) => websocket.finish(sink),
            App::Within(within) => within.finish(parsers, sink),
            App::Read(read) => {
                read.finish(parsers, sink);
                let payload = App::Payload(read.remains());
                if let App::Read(over) = std::mem::replace(self, payload) {
                    parsers.take_back_read(over);
                }
            }
            App::Payload(payload) => payload.finish(sink),
        }
    }

    fn held_bytes(&self) -> usize {
        match self {
            App::Probing(probe) => probe.held_bytes(),
            App::Http(http) => http.held_bytes(),
            App::Http2(http2) => http2.held_bytes(),
            App::Within(within) => within.app().held_bytes(),
            App::Read(read) => read.held_bytes(),
            // What inflates its messages is charged apart.
            App::WebSocket(_) | App::HttpIdle(_) | App::Payload(_) => 0,
        }
    }

    fn give_up<S: AppSink>(&mut self, direction: Direction, parsers: &mut SpareParsers, sink: &mut S) {
        let payload = match self {
            App::Probing(probe) => probe.give_up(direction, sink),
            App::Http(http) => http.give_up(direction, sink),
            App::Http2(http2) => http2.give_up(direction, parsers, sink),
            App::Within(within) => return within.app_mut().give_up(direction, parsers, sink),
            App::Read(read) => read.abandon(parsers, sink),
            App::WebSocket(_) | App::HttpIdle(_) | App::Payload(_) => return,
        };
        *self = App::Payload(payload);
    }

    /// Nothing of the flow is read any more: all that is kept is what it spoke.
    pub fn forget(&mut self, holding: &mut Holding) {
        holding.release();
        match self {
            App::Within(within) => return within.app_mut().forget(holding),
            App::Read(read) => *self = App::Payload(read.remains()),
            App::Payload(_) => {}
            _ => *self = App::Payload(Payload::behind(self.protocol(), Outlet::both())),
        }
        if let App::Payload(payload) = self {
            payload.forget();
        }
    }

    /// What of a request of HTTP/1 is under way.
    #[inline]
    pub fn request_part(&self) -> Option<RequestPart> {
        match self {
            App::Http(http) => http.request_part(),
            _ => None,
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

    /// Whether nothing was read.
    pub fn is_untouched(&self) -> bool {
        matches!(self, App::Probing(probe) if probe.is_untouched())
    }

    /// What the flow speaks, as far as it is known.
    #[inline]
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

    /// What the flow spoke last that has a name: where an end broke its protocol, that.
    pub fn named_protocol(&self) -> AppProtocol {
        let broken = match self {
            App::Payload(payload) => payload.broken(),
            App::Within(within) => return within.named_protocol(),
            _ => None,
        };
        broken.unwrap_or(self.protocol())
    }

    /// What the flow spoke before, where that made way for [`App::protocol`].
    pub fn outer_protocol(&self) -> Option<AppProtocol> {
        let outer = match self {
            App::Within(within) => Some(within.outer()),
            App::Read(read) => read.before(),
            App::Payload(payload) => payload.before(),
            _ => None,
        };
        outer.filter(|outer| *outer != self.protocol())
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
    /// Whether anybody hears what is told of a field beside its bytes as they come: values within it, their escapes taken off.
    fn is_heard(&self, _direction: Direction, _field: Field) -> bool {
        true
    }
    /// A request and its response are complete, or will never be.
    fn transaction(&mut self, transaction: &HttpTransaction);
    /// A transaction of another protocol, or a part of one that is told for itself.
    fn record(&mut self, record: &Record);
    /// The peers broke the protocol.
    fn anomaly(&mut self, direction: Direction, protocol: AppProtocol, anomaly: AppAnomaly);
    /// Messages of `carrier` begin as a connection of another protocol does.
    fn carried(&mut self, _direction: Direction, _carrier: AppProtocol, _carried: AppProtocol) {}
    /// The head of a response of HTTP shows what product answers.
    fn product(&mut self, _product: HttpProduct) {}
}

/// Nobody listens.
impl AppSink for () {
    fn is_heard(&self, _: Direction, _: Field) -> bool {
        false
    }
    fn begin(&mut self, _: Lane, _: Field) {}
    fn data(&mut self, _: Lane, _: &[u8]) {}
    fn end(&mut self, _: Lane) {}
    fn transaction(&mut self, _: &HttpTransaction) {}
    fn record(&mut self, _: &Record) {}
    fn anomaly(&mut self, _: Direction, _: AppProtocol, _: AppAnomaly) {}
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
