//! The cap of every queue, table and buffer that traffic can fill, with its unit and its reason.

mod http;
mod mail;

use dlp_patterns::limits::TAIL_BYTES;
use flow_table::Vlans;

pub use self::http::*;
pub use self::mail::{
    CARRIED_MEMBERS_TOLD_MAX, FILE_NAME_BYTES_MAX, MAIL_ADDRESSES_TOLD_MAX, MAIL_ATTACHMENTS_TOLD_MAX,
    MAIL_BOUNDARY_BYTES_MAX, MAIL_NESTING_MAX, MAIL_URLS_TOLD_MAX,
};

/// VLAN tags that are decoded, those inside of tunnels included; a deeper stack is
/// [`DecodeError::TooManyTags`](crate::decode::DecodeError). A key of a flow holds as many.
pub const VLAN_TAGS_MAX: usize = Vlans::MAX;

/// MPLS labels of one stack; a deeper one is [`DecodeError::TooManyTags`](crate::decode::DecodeError). Traffic
/// engineering and entropy labels make up to about ten.
pub const MPLS_LABELS_MAX: usize = 16;

/// Encapsulations around one packet, stacks of MPLS labels and PPPoE included; more are
/// [`DecodeError::TooManyTunnels`](crate::decode::DecodeError). Networks nest two or three; each takes 44 bytes of stack.
pub const TUNNEL_NESTING_MAX: usize = 4;

/// IPv6 extension headers that are walked; RFC 8200 names seven, and each may stand once.
pub const IPV6_EXTENSIONS_MAX: usize = 8;

/// Pieces of one datagram: 65 535 bytes in those of the smallest MTU that IPv4 hosts use (576 bytes, RFC 879 §3) are 119.
pub const FRAGMENTS_PER_DATAGRAM_MAX: usize = 128;

/// Datagrams of which pieces wait at one worker, or are refused because one was bad: bounds what a flood of first pieces
/// takes beside the frames themselves.
pub const FRAGMENTED_DATAGRAMS_MAX: usize = 1024;

/// Bytes of frames with pieces that wait at one worker, unless told otherwise: Linux's `ipfrag_high_thresh`.
pub const FRAGMENT_BYTES_PER_WORKER_MAX: usize = 4 * 1024 * 1024;

/// Counters of identifications for the datagrams that leave one worker in pieces, some 600 bytes each: so many pairs of hosts
/// that exchange such datagrams hardly ever share one.
pub const IDENTIFICATION_COUNTERS: u16 = 1024;

/// Out-of-order bytes held for one direction of a TCP connection. One receive window of Linux's
/// default `tcp_rmem` after its first doublings.
pub const HELD_BYTES_PER_STREAM_MAX: usize = 256 * 1024;

/// Out-of-order segments held for one direction: bounds the search on insert.
pub const HELD_SEGMENTS_PER_STREAM_MAX: usize = 256;

/// Out-of-order bytes held by one worker over all its flows.
pub const HELD_BYTES_PER_WORKER_MAX: usize = 64 * 1024 * 1024;

/// Bytes of one direction of a TCP connection that were inspected and are kept until they are acknowledged: more than the
/// 6 MiB that Linux' default `tcp_rmem` lets a receive window grow to.
pub const RETAINED_BYTES_PER_STREAM_MAX: usize = 8 * 1024 * 1024;

/// Bytes of all flows of one worker that were inspected and are kept until they are acknowledged: 10 Gbit/s over a round
/// trip of some 50 ms.
pub const RETAINED_BYTES_PER_WORKER_MAX: usize = 64 * 1024 * 1024;

/// Hits of one packet that become alerts; more are counted, not listed.
pub const HITS_PER_PACKET_MAX: usize = 64;

/// Transactions, records and anomalies of one packet that become events; more are counted. A burst of commands of a database that a
/// gap held back has some hundreds; frames of WebSocket of two bytes would be thousands.
pub const APP_EVENTS_PER_PACKET_MAX: u32 = 512;

/// Steps of automata that the scans of one packet may make, unless told otherwise: some 2 ms, for which a ring holds the frames of
/// others. Frames of 1500 and of 9000 bytes with one field stay below it whatever is in them; a gap that closes over hostile
/// bytes, or dozens of pipelined requests of such, do not.
pub const PACKET_STEPS_DEFAULT: u64 = 1 << 20;

/// Steps of automata that the scans of one flow may make beyond what its bytes pay for, unless told otherwise: what one packet
/// may, some 2 ms. Of 1296 captures of all kinds of traffic, no flow comes to 700 by the default packs.
pub const FLOW_STEPS_DEFAULT: u64 = PACKET_STEPS_DEFAULT;

/// Steps of automata that each KiB of a flow pays for, unless told otherwise: half a microsecond, about three times what
/// it costs to carry it through. Plain traffic makes some ten.
pub const FLOW_STEPS_PER_KIB_DEFAULT: u64 = 256;

/// Drops without a flow that become events, in one second of packet time: a flood of broken frames must
/// not become a flood of log lines. All of them are counted.
pub const FLOWLESS_DROP_EVENTS_PER_SECOND_MAX: u32 = 100;

/// Flows that one call of `expire` ends: bounds the pause between two batches.
pub const FLOWS_EXPIRED_PER_CALL_MAX: usize = 256;

/// Blocked flows that one call of `hand_over` offers: those of both ports' batches, and bounds the pause between two.
/// A flow beyond it is offered with its next frame.
pub const FLOWS_OFFERED_PER_CALL_MAX: usize = 128;

/// Flows handled elsewhere that wait to be taken back, beside those of the whole table once it is finished. Two batches, what
/// other workers lend, and what expires make some hundreds a turn. At the cap nothing expires, and a
/// frame that would end one more such flow finds the table full.
pub const FLOWS_LEAVING_MAX: usize = 4096;

/// Bytes of each of them, beside what its parser and scans hold.
pub const LEAVING_FLOW_BYTES_MAX: usize = 2048;
const _: () = assert!(FLOWS_LEAVING_MAX >= 4 * FLOWS_EXPIRED_PER_CALL_MAX);

/// Frames whose flows are asked for ahead at a time: more than a batch has. What is shown beyond them is judged all the same.
pub const FRAMES_FORESEEN_MAX: usize = 256;

/// Flows of a table from which on the memory of a batch's flows is asked for ahead: some 40 MB. With fewer, the look at the
/// headers costs more than the waits.
pub const FLOWS_FORESEEN_MIN: usize = 1 << 15;

/// Share of the flow table that half-open flows may take, in percent, unless told otherwise. Of the default table that is
/// 65 536: at a million spoofed SYNs a second an honest client has 65 ms for its handshake, and established flows have
/// three quarters to themselves.
pub const HALF_OPEN_PERCENT_DEFAULT: u8 = 25;

/// Half-open flows that one source may have, unless told otherwise: a sixteenth of their default share, so that one source
/// alone takes little from all others. At a million spoofed SYNs a second in one's name, that one has 4 ms for a handshake to
/// be followed from its SYN on; a resolver or a proxy with answers within 100 ms may open 40 000 flows a second.
pub const HALF_OPEN_PER_SOURCE_DEFAULT: usize = 4096;

/// Rule sets that one worker keeps beside the one in force, because fields that were open at a swap still need them.
/// Each is some 10 MB that all workers share; more swaps than this in the life of one field restart it.
pub const RULE_SETS_RETIRED_MAX: usize = 8;

/// Scans whose room one worker keeps for fields to come. Each is some 300 bytes, and up to 64 KiB where its field came near to
/// matches; as many as there are fields open at once whose memory is then never asked for again.
pub const FIELD_SCANS_SPARE_MAX: usize = 256;

/// Lists of the lanes of a flow that one worker keeps for flows to come: those with fields open beside their own at once.
pub const LANES_SPARE_MAX: usize = 256;

/// Lanes that such a list may have room for: some 4 KiB, for what all streams of a page have open. A longer one goes with its flow.
pub const LANES_KEPT_MAX: usize = 128;

/// Parsers of HTTP that one worker keeps for messages to come: of those under way at once. Each is some 2 KiB.
pub const HTTP_PARSERS_SPARE_MAX: usize = 1024;

/// Bytes of memory that each buffer of such a parser keeps; a larger one goes when its message is over.
pub const HTTP_SPARE_BUFFER_BYTES_MAX: usize = 2048;

/// Flows read by a parser beside their payload whose room one worker keeps for flows to come: of those that end about at once.
/// Each is some 300 bytes.
pub const READS_SPARE_MAX: usize = 1024;

/// Bytes that an open field may go on for under the rules it began with, once others are in force. Most messages end
/// before that, and what never ends (a stream of an unknown protocol) comes under the new rules.
pub const RULES_FINISH_BYTES_MAX: u32 = 1 << 20;

/// How long an open field may go on under the rules it began with, once others are in force, in ns of packet time: a
/// field that trickles would take days for [`RULES_FINISH_BYTES_MAX`].
pub const RULES_FINISH_NS_MAX: u64 = 30_000_000_000;

/// Bytes of a field that both sets read when it comes under new rules, and again as long as a match may be under way.
/// That is known of matches which began more than [`TAIL_BYTES`] ago.
pub const RULES_OVERLAP_BYTES: u32 = 1024;
const _: () = assert!(RULES_OVERLAP_BYTES as usize > TAIL_BYTES);

/// Turns in which the two ends of a connection may have spoken before its protocol is known: greetings take one or two.
pub const SIGNATURE_TURNS_MAX: usize = 8;

/// How often a flow may go on as another protocol: TLS within SMTP behind a proxy is two. Ends that go on and on are read no further,
/// which bounds the calls within calls, too.
pub const APP_CHANGES_MAX: u8 = 8;

/// Datagrams of a flow that are looked at to tell its protocol.
pub const SIGNATURE_DATAGRAMS_MAX: u8 = 8;

/// Bytes that are kept of the last datagram of each end until the protocol of their flow is told: as many as headers have
/// that two datagrams are compared by.
pub const SIGNATURE_DATAGRAM_BYTES_KEPT_MAX: usize = 64;

/// Bytes of one message that a parser sees; what follows of a longer one is scanned as payload only. Statements and
/// handshakes are shorter, and a connection holds no more than this for each direction.
pub const MESSAGE_BYTES_HELD_MAX: usize = 16 * 1024;

/// Bytes of memory that a parser keeps for the next message that comes in pieces.
pub const MESSAGE_BYTES_KEPT_MAX: usize = 512;

/// Bytes of a line of a protocol made of lines; RFC 5321 §4.5.3.1 asks for 1000, RFC 9051 for 8192.
pub const TEXT_LINE_BYTES_MAX: usize = 8192;

/// Values, and begins and ends of objects, of one record: an answer of DNS has some hundred.
pub const RECORD_ITEMS_MAX: usize = 512;

/// Bytes of one text of a record; the rest is cut off.
pub const RECORD_TEXT_BYTES_MAX: usize = 1024;

/// Requests of one connection that may wait for their responses and are told with them: pipelines of clients of databases are
/// shorter. Later ones are told without.
pub const REQUESTS_PENDING_MAX: usize = 128;

/// Requests for which a connection without any keeps room.
pub const REQUESTS_PENDING_KEPT: usize = 4;

/// Prepared statements of one connection whose text is known when they are executed: drivers keep some dozen.
pub const PREPARED_STATEMENTS_MAX: usize = 16;

/// Parameters of a session of PostgreSQL that are kept, of each end: drivers and servers say some fifteen.
pub const PGSQL_PARAMETERS_MAX: usize = 32;

/// Arguments of a command of Redis that are looked at one by one: as many as stand in front of what those that matter are about.
pub const REDIS_ARGUMENTS_READ_MAX: usize = 16;

/// Bytes of the first value of a push of Redis: longer than any word that begins a message.
pub const REDIS_FIRST_BYTES_MAX: usize = 16;

/// Values of RESP within values: what servers answer goes three or four deep, and none goes deeper than modules nest.
pub const RESP_DEPTH_MAX: usize = 32;

/// Documents of BSON within documents that are shown; its server takes 100, and statements are a few deep.
pub const BSON_DEPTH_MAX: usize = 32;

/// Statements of one batch of CQL that are read: its server warns of batches beyond 5 KiB.
pub const CQL_BATCH_STATEMENTS_MAX: usize = 256;

/// Types of CQL within types, of a column of a result: lists of maps of tuples go three deep.
pub const CQL_TYPE_DEPTH_MAX: usize = 8;

/// Parameters of a call of SQL Server that are read: those in front of the statement of any procedure that has one, and it.
pub const TDS_PARAMETERS_READ_MAX: usize = 4;

/// Bytes of a packet of SSH before its keys are agreed on: RFC 4253 §6.1 asks for 35 000 in all; what is longer than is held is passed
/// by.
pub const SSH_PACKET_BYTES_MAX: u32 = 256 * 1024;

/// Errors of one response of SQL Server that are told as fields: a batch that fails has a few.
pub const TDS_ERRORS_MAX: usize = 8;

/// Bytes of a server that are watched for its word that TLS follows: it is given at the begin of a connection.
pub const START_TLS_BYTES_MAX: usize = 1 << 16;

/// Bytes of a line or an element that gives it: lines of IRC are no longer (RFC 2812 §2.3).
pub const START_TLS_PIECE_BYTES_MAX: usize = 512;

/// Commands of one connection of SMTP, POP3, IMAP or FTP that wait for their answer: mailers send some ten ahead, and one for each
/// recipient.
pub const COMMANDS_PENDING_MAX: usize = 256;

/// Bytes of a command, and of each line of its answer, that an event repeats: RFC 2449 §4 allows 255.
pub const COMMAND_BYTES_TOLD_MAX: usize = 256;

/// Lines of one answer that an event repeats.
pub const REPLY_LINES_TOLD_MAX: usize = 16;

/// Bytes of start line and header lines of a message of SIP or RTSP that are read: those of both fit into a datagram.
pub const HEADED_BYTES_MAX: usize = 16 * 1024;

/// Bytes of memory that an end of such a connection keeps for the next one: those of nearly all of them.
pub const HEADED_BYTES_KEPT_MAX: usize = 2048;

/// Protocols that a ClientHello offers by ALPN, of which an event tells: clients offer two or three.
pub const TLS_ALPNS_MAX: usize = 16;

/// Extensions of a hello of TLS that an event lists: clients have up to some twenty.
pub const TLS_EXTENSIONS_MAX: usize = 64;

/// Names of one certificate that an event tells of: those of content networks have about a hundred.
pub const TLS_CERTIFICATE_NAMES_MAX: usize = 128;

/// Bytes of a handshake message of TLS; a longer one is none. Certificates with their chains are the longest, and OpenSSL
/// takes them up to 100 KB.
pub const TLS_MESSAGE_BYTES_MAX: u32 = 256 * 1024;

/// Pieces of one message in datagrams that wait for what is between them: of its hello in QUIC, Chrome shuffles some twenty.
pub const MESSAGE_PIECES_MAX: usize = 64;

/// Tags of a hello of Google's own QUIC that are looked at: Chrome's had some 25.
pub const QUIC_TAGS_MAX: u16 = 64;

/// Datagrams of a flow of QUIC in which the hellos must come.
pub const QUIC_DATAGRAMS_MAX: u8 = 32;

/// Datagrams of a flow of DTLS in which its handshake must come: each flight is repeated a few times where one is lost.
pub const DTLS_DATAGRAMS_MAX: u8 = 64;

/// Fields of one flow that may be open at once, beside those of its directions themselves: bodies and messages of streams of
/// HTTP/2 under way, some 200 bytes each.
pub const LANES_MAX: usize = 1024;

/// Streams of one connection of HTTP/2 that are told apart, each of some 500 bytes, what events repeat of it, which is 6 KiB at
/// most, and what its bodies hold where they are made of parts; servers allow 100 to 256.
pub const HTTP2_STREAMS_MAX: usize = 512;

/// Bytes of a frame of HTTP/2 that is neither data nor headers: a SETTINGS frame of all settings that there are has 60.
pub const HTTP2_CONTROL_BYTES_MAX: usize = 1024;

/// CONTINUATION frames of one header block; [`HTTP_HEADER_BYTES_MAX`] fit into 8 of the usual size.
pub const HTTP2_CONTINUATIONS_MAX: u16 = 64;

/// Frames of settings of each direction of a connection that become events; more than a handful is abuse.
pub const HTTP2_SETTINGS_TOLD_MAX: u8 = 4;

/// Streams that a client opens, among which the cancelled ones are counted.
pub const HTTP2_RESET_WINDOW_STREAMS: u16 = 256;

/// Of these, streams that may be cancelled before the server said anything. A page that is left cancels at most the 100 or 128
/// that servers let be open at once.
pub const HTTP2_RESETS_MAX: u16 = 192;

/// Frames of settings and pings that an end may send before they are answered; two or three are under way at most.
pub const HTTP2_UNANSWERED_MAX: u16 = 100;

/// Frames in a row that bring nothing: priorities of a page's streams are some dozens, and frames of types that nobody knows a few.
pub const HTTP2_IDLE_FRAMES_MAX: u16 = 1000;

/// Bytes of the headers that one direction of HTTP/2 may refer to, as RFC 7541 §4.1 counts them: browsers ask for as many.
pub const HPACK_TABLE_BYTES_MAX: usize = 64 * 1024;

/// Bytes of a name of DNS with dots between its labels: 255 on the wire (RFC 1035 §3.1), of which the first length and the root
/// are no text.
pub const DNS_NAME_BYTES_MAX: usize = 253;

/// Entries of one message of DNS that are read: a datagram of 4096 bytes, which is what EDNS asks for at most, has 370 of the
/// shortest, and a transfer of a zone is cut into messages of some hundred.
pub const DNS_ENTRIES_READ_MAX: u32 = 1024;

/// Entries of each section of a message of DNS that a record tells: what a record has room for.
pub const DNS_ENTRIES_TOLD_MAX: u32 = 64;

/// The least and the most that a count among the thresholds of a threat may be: any number that some traffic comes to.
pub const THREAT_COUNT_BOUNDS: [u32; 2] = [1, 1_000_000];

/// The same of seconds, up to a day: what is slower is not remembered for so long.
pub const THREAT_SECONDS_BOUNDS: [u32; 2] = [1, 86_400];

/// The same of packets in a window: up to a million a second for some minutes.
pub const THREAT_PACKETS_BOUNDS: [u32; 2] = [1, 100_000_000];

/// The same of ports or addresses that a scan reaches: what [`THREAT_SCAN_BITS`] tell apart well.
pub const THREAT_SCAN_BOUNDS: [u32; 2] = [4, 160];

/// The same of seconds for which a source is blocked, up to a day: 0 is not at all.
pub const THREAT_BLOCK_SECONDS_BOUNDS: [u32; 2] = [0, 86_400];

/// Bits by which a scan's ports or addresses are told apart, by hash.
pub const THREAT_SCAN_BITS: usize = 256;

/// Sources, destinations and pairs of which one worker counts what they send: sets, by hash, of so many. Some 60 bytes each, so 1 MiB
/// with all of them in use; where more are at work, the one of a set that was silent the longest is forgotten.
pub const THREAT_TALLY_SETS: usize = 4096;
/// See [`THREAT_TALLY_SETS`].
pub const THREAT_TALLY_WAYS: usize = 4;

/// The same of pairs of which it remembers ports, addresses, intervals or echoes, each of up to 200 bytes.
pub const THREAT_PAIR_SETS: usize = 2048;
/// See [`THREAT_PAIR_SETS`].
pub const THREAT_PAIR_WAYS: usize = 4;

/// Sources of which one worker knows how many flows they have: sets, by hash, of so many.
pub const THREAT_SESSION_SETS: usize = 8192;
/// See [`THREAT_SESSION_SETS`].
pub const THREAT_SESSION_WAYS: usize = 4;

/// Echoes between two ends that are remembered, to tell those that bring other data.
pub const ICMP_ECHOES_REMEMBERED: usize = 8;

/// Requests of HTTP/1 under way that one worker looks after, to see which are slow; those beyond are not looked after. Some 80 bytes
/// each.
pub const SLOW_REQUESTS_MAX: usize = 16 * 1024;

/// Requests under way that are looked at in one call between two batches: some 100 ns each.
pub const SLOW_REQUESTS_PER_CALL_MAX: usize = 64;

/// The least and the most that a threshold of the version of TLS may be: SSL 2.0 as 2, TLS 1.3 as 13.
pub const THREAT_TLS_VERSION_BOUNDS: [u32; 2] = [2, 13];

/// The same of bytes of a datagram: RFC 1035 §2.3.4 lets a message of DNS have 512, and UDP no more than the other one.
pub const THREAT_DATAGRAM_BYTES_BOUNDS: [u32; 2] = [512, 65_535];

/// Pairs of ends of which one worker remembers that it told of a threat which one thing shows by itself: sets, by hash, of so
/// many. Each takes some 40 bytes; where there are more, one is told of again.
pub const SIGHTING_SETS: usize = 1024;
/// See [`SIGHTING_SETS`].
pub const SIGHTING_WAYS: usize = 4;

/// The same of clients that servers refuse, whose refusals are counted: more than a worker has at a time, unless all of a network
/// guesses, of whom the one of a set that was silent the longest is forgotten.
pub const BRUTE_FORCE_SETS: usize = 1024;
/// See [`BRUTE_FORCE_SETS`].
pub const BRUTE_FORCE_WAYS: usize = 4;

/// Resolvers of DNS over HTTPS that an operator may name as his own: each is held against every handshake with a known one.
pub const OWN_RESOLVERS_MAX: usize = 64;

/// Connections for data of FTP that one worker waits for or follows, in sets: more than clients have under way at a time; of a set, the
/// one that was told of first gives way, and is a connection like any other.
pub const FTP_TRANSFER_SETS: usize = 256;
/// See [`FTP_TRANSFER_SETS`].
pub const FTP_TRANSFER_WAYS: usize = 4;
/// Seconds in which such a connection is to come, behind the answer that tells its port: clients open it at once.
pub const FTP_TRANSFER_WAIT_S: u64 = 60;

/// Bytes of a session of SSH, in both directions and with all headers, in which a login may have failed: a handshake takes some
/// 6 KiB, each try some hundred, and six are allowed.
pub const SSH_SHORT_BYTES_MAX: u64 = 16 * 1024;

/// Bytes of an end's messages in WebSocket that are held to see what they carry: more than any of what is looked for needs.
pub const CARRIED_BYTES_HELD_MAX: usize = 32;

/// Pairs of client and parent domain of which one worker remembers what was asked: sets, by hash, of so many. A hundred clients that
/// ask for forty domains each within some minutes; each takes some 250 bytes. Where there are more, the one of a set that was
/// silent the longest is forgotten.
pub const DNS_TUNNEL_SETS: usize = 1024;
/// See [`DNS_TUNNEL_SETS`].
pub const DNS_TUNNEL_WAYS: usize = 4;

/// Names and answers of such a pair that are remembered, to tell new ones: repetitions come soon or are no tunnel.
pub const DNS_TUNNEL_NAMES_REMEMBERED: usize = 32;

/// Content codings that are taken off one body: two have a use.
pub const CONTENT_LAYERS_MAX: usize = 4;

/// Bytes that a body may come to for each that it has on the wire: Apache's `DeflateInflateRatioLimit`. Text comes to some ten;
/// deflate can come to 1032, Brotli and Zstandard to thousands.
pub const CONTENT_RATIO_MAX: u64 = 200;

/// Bytes that it may come to beyond that: a page that is nothing but one line again and again.
pub const CONTENT_RATIO_FREE_BYTES: u64 = 128 * 1024;

/// Bytes of a body on the wire that are allowed for at once, so that a cap is reached at the same byte however they are cut.
pub const CONTENT_BLOCK_BYTES: u64 = 1024;

/// Bytes that one body may come to: nothing is kept of it, but what never ends is not worth reading for ever.
pub const CONTENT_BYTES_MAX: u64 = 2 << 30;

/// Bytes that the parsers and decoders of one worker may hold, unless told otherwise: some 2700 bodies of gzip under way at once, or
/// eight of Brotli with its longest window.
pub const APP_BYTES_PER_WORKER_MAX: usize = 128 * 1024 * 1024;

/// Bytes that the parser of each flow may hold whatever those of others do: a head of HTTP, or a statement. At the cap of all, no
/// flow that holds less is given up.
pub const APP_BYTES_FREE_PER_FLOW: usize = 4096;

/// Base-2 logarithm of the longest window of Zstandard: RFC 9659 §3.
pub const CONTENT_ZSTD_WINDOW_BITS_MAX: u32 = 23;

/// Decoders of a kind that one worker keeps for bodies to come.
pub const CONTENT_DECODERS_SPARE_MAX: usize = 64;

/// Bytes of memory of such a decoder; a larger one goes with its body.
pub const CONTENT_SPARE_BYTES_MAX: usize = 1 << 20;

/// Bytes that a decoder writes at a time, for each layer of the body at hand.
pub const CONTENT_ROOM_BYTES: usize = 16 * 1024;

/// Archives within archives that are opened: a document of ZIP in an archive of tar that gzip compressed.
pub const CONTENT_ARCHIVE_LEVELS_MAX: usize = 3;

/// Bytes of a text of another charset that are told as UTF-8 at a time.
pub const CONTENT_TEXT_ROOM_BYTES: usize = 1024;

/// Bytes that must be text before a value is taken for Base64: of values that are none, one in 100 000 has as many.
pub const CONTENT_BASE64_SIGN_BYTES: usize = 12;

/// Bytes of a value before its first escape that are told with it: more than a rule looks back over.
pub const CONTENT_CONTEXT_BYTES: usize = 256;

/// Names of topics, queues or groups of one request to a broker that an event repeats: clients ask for a few.
pub const MQ_NAMES_TOLD_MAX: usize = 16;

/// Bytes of each: topics of Kafka have 249 at most, names of AMQP 255.
pub const MQ_NAME_BYTES_TOLD_MAX: usize = 256;

/// Records of one message of Kafka that are told: with [`MESSAGE_BYTES_HELD_MAX`] those of nearly all of them.
pub const KAFKA_RECORDS_TOLD_MAX: usize = 1024;

/// Bytes that the batches of one message of Kafka are decompressed to: those of a batch that its clients make, which is 16 KiB, many
/// times over.
pub const KAFKA_DECODED_BYTES_MAX: usize = 256 * 1024;

/// Bytes of a packet of MQTT that are kept until the other end has answered: a text of the longest that an event repeats, and what
/// stands around it.
pub const MQTT_PACKET_BYTES_KEPT_MAX: usize = 2048;

/// Bytes of a message of NATS; its server takes 64 MiB at most, and unless told otherwise 1 MiB. A line that announces a longer
/// one is none.
pub const NATS_MESSAGE_BYTES_MAX: u64 = 64 << 20;

/// Contents of one direction of AMQP that are under way at once, one a channel: clients finish one before they begin another.
pub const AMQP_CONTENTS_MAX: usize = 64;

/// Filters of LDAP within filters that are shown: those of directories' clients are three or four deep.
pub const LDAP_FILTER_DEPTH_MAX: usize = 16;

/// Topics of one connection of Kafka whose names are known by their identifiers: a client asks for some dozen.
pub const KAFKA_TOPIC_IDS_MAX: usize = 64;
