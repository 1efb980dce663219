//! The named bytes that rules speak of.

use serde::Serialize;

/// Which way bytes travel within a flow; the server is the end that was spoken to first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Direction {
    /// From the initiator of the flow.
    ToServer = 0,
    /// From the end that answered.
    ToClient = 1,
}

impl Direction {
    /// Both directions, in index order.
    pub const BOTH: [Direction; 2] = [Direction::ToServer, Direction::ToClient];

    /// The other way.
    pub fn opposite(self) -> Direction {
        match self {
            Direction::ToServer => Direction::ToClient,
            Direction::ToClient => Direction::ToServer,
        }
    }

    /// The name that packs and events use: `to_server` or `to_client`.
    pub fn as_str(self) -> &'static str {
        match self {
            Direction::ToServer => "to_server",
            Direction::ToClient => "to_client",
        }
    }
}

/// A kind of named bytes, in the order of its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Field {
    /// The request target, percent-decoded once; `+` after the first `?` becomes a space. Parts of it that are escaped in more or
    /// other ways are told without, too.
    HttpUri = 0,
    /// The header lines of a message, `Name: value\r\n` each, as on the wire; also trailers.
    HttpHeaders = 1,
    /// The body of a request with its transfer coding removed, also without its content codings; the values within forms, JSON, XML
    /// and HTML without their escapes; fields of `multipart/form-data` as `name=value`; and text in UTF-16, UTF-7 or another charset
    /// as UTF-8.
    HttpRequestBody = 2,
    /// The body of a response, in the same ways.
    HttpResponseBody = 3,
    /// Bytes as they are: TCP streams but HTTP and WebSocket, whatever a parser draws out of them beside, and what UDP,
    /// ICMP and every other protocol over IP carries, packet by packet.
    Payload = 4,
    /// The server that a client of TLS or QUIC asks for (RFC 6066 §3).
    TlsSni = 5,
    /// JA3 of a ClientHello: 32 hexadecimal digits.
    TlsJa3 = 6,
    /// JA3S of a ServerHello: 32 hexadecimal digits.
    TlsJa3s = 7,
    /// JA4 of a ClientHello, of TLS or QUIC.
    TlsJa4 = 8,
    /// Subject and issuer of a server's certificate, where it is visible: a line each.
    TlsCertificate = 9,
    /// A name that is asked for, with dots, without the last.
    DnsQuery = 10,
    /// The data of an answer: names and addresses in their usual spelling, texts as they are.
    DnsAnswer = 11,
    /// The software that an end of SSH says it is (RFC 4253 §4.2).
    SshSoftware = 12,
    /// HASSH of a client, HASSHServer of a server: 32 hexadecimal digits.
    SshHassh = 13,
    /// A statement or command for a database, as text: SQL, a command with its arguments, or a filter of LDAP.
    DbStatement = 14,
    /// Who logs in to a database, a broker, a directory or a file server.
    DbUser = 15,
    /// The database, keyspace, bucket or virtual host that is chosen, or the entry of a directory.
    DbName = 16,
    /// What a database says went wrong.
    DbError = 17,
    /// Topic, subject, queue or routing key of a message broker, or the path of a node of ZooKeeper.
    MqTopic = 18,
    /// What a client of a message broker says it is.
    MqClient = 19,
    /// The content of a message for or from a broker, decompressed where that can be; of Kafka its key and its headers, too.
    MqMessage = 20,
    /// Sender and recipients of a mail, as its transport names them: one each.
    MailEnvelope = 21,
    /// The header lines of a mail or of a part of one.
    MailHeaders = 22,
    /// The text of a mail, its transfer encoding removed, as UTF-8.
    MailBody = 23,
    /// The name of a file that is transferred, is a part of a body, or stands within an archive.
    FileName = 24,
    /// The content of a file that is transferred or is a part of a body, decoded; members of ZIP, tar and gzip, and streams of
    /// PDF.
    FileData = 25,
    /// A command line of a protocol that is made of lines: FTP, SMTP, IMAP, POP3, SIP and the like.
    Command = 26,
    /// A message of a WebSocket, unmasked and decompressed.
    WebSocketMessage = 27,
    /// A message of gRPC, decompressed.
    GrpcMessage = 28,
}

impl Field {
    /// Every field, in index order.
    pub const ALL: [Field; 29] = [
        Field::HttpUri,
        Field::HttpHeaders,
        Field::HttpRequestBody,
        Field::HttpResponseBody,
        Field::Payload,
        Field::TlsSni,
        Field::TlsJa3,
        Field::TlsJa3s,
        Field::TlsJa4,
        Field::TlsCertificate,
        Field::DnsQuery,
        Field::DnsAnswer,
        Field::SshSoftware,
        Field::SshHassh,
        Field::DbStatement,
        Field::DbUser,
        Field::DbName,
        Field::DbError,
        Field::MqTopic,
        Field::MqClient,
        Field::MqMessage,
        Field::MailEnvelope,
        Field::MailHeaders,
        Field::MailBody,
        Field::FileName,
        Field::FileData,
        Field::Command,
        Field::WebSocketMessage,
        Field::GrpcMessage,
    ];

    /// The name that packs and events use, such as `http.uri`.
    pub fn as_str(self) -> &'static str {
        match self {
            Field::HttpUri => "http.uri",
            Field::HttpHeaders => "http.headers",
            Field::HttpRequestBody => "http.request.body",
            Field::HttpResponseBody => "http.response.body",
            Field::Payload => "payload",
            Field::TlsSni => "tls.sni",
            Field::TlsJa3 => "tls.ja3",
            Field::TlsJa3s => "tls.ja3s",
            Field::TlsJa4 => "tls.ja4",
            Field::TlsCertificate => "tls.certificate",
            Field::DnsQuery => "dns.query",
            Field::DnsAnswer => "dns.answer",
            Field::SshSoftware => "ssh.software",
            Field::SshHassh => "ssh.hassh",
            Field::DbStatement => "db.statement",
            Field::DbUser => "db.user",
            Field::DbName => "db.name",
            Field::DbError => "db.error",
            Field::MqTopic => "mq.topic",
            Field::MqClient => "mq.client",
            Field::MqMessage => "mq.message",
            Field::MailEnvelope => "mail.envelope",
            Field::MailHeaders => "mail.headers",
            Field::MailBody => "mail.body",
            Field::FileName => "file.name",
            Field::FileData => "file.data",
            Field::Command => "command",
            Field::WebSocketMessage => "websocket.message",
            Field::GrpcMessage => "grpc.message",
        }
    }

    /// The field of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Field> {
        Field::ALL.into_iter().find(|field| field.as_str() == name)
    }
}
