//! A request of HTTP and its response, of whatever version, as events tell them.

use super::{HttpFile, HttpProduct};
use crate::flow::Direction;

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
    /// What product answered, by what headers of the response show.
    pub product: Option<HttpProduct>,
    /// Bytes of the request body without its transfer coding, as its content codings leave them.
    pub request_bytes: u64,
    /// Bytes of the response body, counted alike.
    pub response_bytes: u64,
    /// What the request and the response carry as a whole.
    pub files: [HttpFile; 2],
    /// Files within what they carry, with which way they went: parts of a form, members of archives.
    pub inner_files: Vec<(Direction, HttpFile)>,
    /// What only HTTP/2 says of it.
    pub http2: Option<Http2Stream>,
}

impl HttpTransaction {
    /// Memory that its texts take, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        let HttpTransaction {
            method,
            url,
            protocol,
            host,
            user_agent,
            referer,
            content_type,
            redirect,
            files,
            inner_files,
            ..
        } = self;
        let texts = [method, url, protocol, host, user_agent, referer, content_type, redirect];
        let headers = self.http2.iter().flat_map(|stream| &stream.headers);
        let inner = inner_files.iter().map(|(_, file)| file.held_bytes() + size_of::<HttpFile>());
        let names = files.iter().map(HttpFile::held_bytes).chain(inner).sum::<usize>();
        texts.into_iter().chain(headers).map(Vec::capacity).sum::<usize>() + names
    }

    /// Forgets all but its memory.
    pub(super) fn clear(&mut self) {
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
            product,
            request_bytes,
            response_bytes,
            files,
            inner_files,
            http2,
        } = self;
        inner_files.clear();
        files.iter_mut().for_each(HttpFile::clear);
        for text in [method, url, protocol, host, user_agent, referer, content_type, redirect] {
            text.clear();
        }
        (*id, *status, *product, *request_bytes, *response_bytes) = (0, 0, None, 0, 0);
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
