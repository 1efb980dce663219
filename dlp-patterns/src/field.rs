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
    /// The request target, percent-decoded once; `+` after the first `?` becomes a space.
    HttpUri = 0,
    /// The header lines of a message, `Name: value\r\n` each, as on the wire; also trailers.
    HttpHeaders = 1,
    /// The body of a request with its transfer coding removed.
    HttpRequestBody = 2,
    /// The body of a response with its transfer coding removed.
    HttpResponseBody = 3,
    /// Bytes that no parser claims: TCP streams of unknown protocol, and what UDP, ICMP and every other
    /// protocol over IP carries, packet by packet.
    Payload = 4,
}

impl Field {
    /// Every field, in index order.
    pub const ALL: [Field; 5] =
        [Field::HttpUri, Field::HttpHeaders, Field::HttpRequestBody, Field::HttpResponseBody, Field::Payload];

    /// The name that packs and events use, such as `http.uri`.
    pub fn as_str(self) -> &'static str {
        match self {
            Field::HttpUri => "http.uri",
            Field::HttpHeaders => "http.headers",
            Field::HttpRequestBody => "http.request.body",
            Field::HttpResponseBody => "http.response.body",
            Field::Payload => "payload",
        }
    }

    /// The field of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Field> {
        Field::ALL.into_iter().find(|field| field.as_str() == name)
    }
}
