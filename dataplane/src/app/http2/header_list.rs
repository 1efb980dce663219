//! One header list of HTTP/2, judged by what a message may say (RFC 9113 §8), and as HTTP/1 would have spelled it.

use arrayvec::ArrayVec;
use memchr::{memchr3, memmem};

use super::hpack::HpackError;
use crate::app::{
    AppAnomaly, HttpProduct,
    content_type::ContentType,
    http::{decimal, media_type},
};
use crate::content::Codings;
use crate::limits::{HTTP_HEADER_BYTES_MAX, HTTP_LOGGED_BYTES_MAX};

/// What a list is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListKind {
    Request,
    Response,
    Trailers,
}

/// Values that matter here, each the first of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    Method,
    Path,
    Scheme,
    Authority,
    Status,
    Protocol,
    Host,
    UserAgent,
    Referer,
    ContentType,
    Location,
    GrpcEncoding,
    GrpcStatus,
    GrpcMessage,
    ContentDisposition,
}

const KNOWN: usize = Known::ContentDisposition as usize + 1;

/// A list under way; its memory stays for the next one.
#[derive(Debug, Default)]
pub(super) struct HeaderList {
    /// Header lines as HTTP/1 has them, `host` for `:authority`.
    lines: Vec<u8>,
    /// All of it as events repeat it: no more than [`HTTP_LOGGED_BYTES_MAX`], lines that are whole.
    logged: Vec<u8>,
    /// Values of pseudo-header fields.
    pseudo: Vec<u8>,
    /// Where the values are, in `pseudo` or `lines`.
    known: [Option<(usize, usize)>; KNOWN],
    /// As RFC 9113 §6.5.2 counts it.
    list_bytes: usize,
    length: Option<u64>,
    codings: Codings,
    has_regular: bool,
    /// What product its headers show, where they are a response's.
    product: Option<HttpProduct>,
    faults: ArrayVec<AppAnomaly, 8>,
}

/// What a header counts beside its bytes.
const HEADER_OVERHEAD_BYTES: usize = 32;

impl HeaderList {
    /// Memory that it holds, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.lines.capacity() + self.logged.capacity() + self.pseudo.capacity()
    }

    /// Forgets all, and memory beyond so many bytes.
    pub(super) fn clear(&mut self, bytes_max: usize) {
        let mut emptied = HeaderList {
            lines: std::mem::take(&mut self.lines),
            logged: std::mem::take(&mut self.logged),
            pseudo: std::mem::take(&mut self.pseudo),
            ..HeaderList::default()
        };
        for text in [&mut emptied.lines, &mut emptied.logged, &mut emptied.pseudo] {
            text.clear();
            text.shrink_to(bytes_max);
        }
        *self = emptied;
    }

    /// Takes the next header in.
    pub(super) fn add(&mut self, name: &[u8], value: &[u8]) -> Result<(), HpackError> {
        self.list_bytes += name.len() + value.len() + HEADER_OVERHEAD_BYTES;
        if self.list_bytes > HTTP_HEADER_BYTES_MAX {
            return Err(HpackError::TooLong);
        }
        self.log(name, value);
        // RFC 9113 §8.2.1: what would break up in HTTP/1.
        if memchr3(b'\r', b'\n', 0, value).is_some() {
            self.fault(AppAnomaly::Http2Header);
        }
        match name.strip_prefix(b":") {
            Some(pseudo) => self.pseudo(pseudo, value),
            None => self.regular(name, value),
        }
        Ok(())
    }

    /// What is wrong with the list.
    pub(super) fn faults(&mut self, kind: ListKind) -> &[AppAnomaly] {
        let has = |known: Known| self.known[known as usize].is_some();
        let is_connect = self.value(Known::Method) == b"CONNECT" && !has(Known::Protocol);
        let is_of_request = [Known::Method, Known::Path, Known::Scheme, Known::Authority, Known::Protocol];
        // RFC 9113 §8.3.1, §8.3.2, §8.1, §8.5, RFC 8441 §4.
        let is_sound = match kind {
            ListKind::Request if is_connect => {
                has(Known::Authority) && !has(Known::Path) && !has(Known::Scheme) && !has(Known::Status)
            }
            ListKind::Request => {
                has(Known::Method)
                    && has(Known::Scheme)
                    && !self.value(Known::Path).is_empty()
                    && !has(Known::Status)
            }
            ListKind::Response => self.status().is_some() && !is_of_request.into_iter().any(has),
            ListKind::Trailers => self.pseudo.is_empty(),
        };
        let (host, authority) = (self.value(Known::Host), self.value(Known::Authority));
        let is_other_host =
            has(Known::Host) && has(Known::Authority) && !host.eq_ignore_ascii_case(authority);
        if !is_sound {
            self.fault(AppAnomaly::Http2PseudoHeader);
        }
        if is_other_host {
            self.fault(AppAnomaly::Http2Host);
        }
        &self.faults
    }

    /// The first value of that name; empty where there is none.
    pub(super) fn value(&self, known: Known) -> &[u8] {
        let text = if is_pseudo(known) { &self.pseudo } else { &self.lines };
        self.known[known as usize].and_then(|(begin, end)| text.get(begin..end)).unwrap_or_default()
    }

    /// A status of three digits.
    pub(super) fn status(&self) -> Option<u16> {
        match *self.value(Known::Status) {
            [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] => {
                Some([a, b, c].iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0')))
            }
            _ => None,
        }
    }

    /// Whether it has a value of that name.
    pub(super) fn has(&self, known: Known) -> bool {
        self.known[known as usize].is_some()
    }

    /// What product its headers show, where they are a response's.
    pub(super) fn product(&self) -> Option<HttpProduct> {
        self.product
    }

    /// What Content-Length says.
    pub(super) fn length(&self) -> Option<u64> {
        self.length
    }

    /// What was done to the body, in that order.
    pub(super) fn codings(&self) -> &Codings {
        &self.codings
    }

    /// What the body is said to be.
    pub(super) fn content_type(&self) -> ContentType {
        ContentType::of(self.value(Known::ContentType))
    }

    /// Whether the message is of gRPC.
    pub(super) fn is_grpc(&self) -> bool {
        let media_type = media_type(self.value(Known::ContentType));
        matches!(media_type.strip_prefix(b"application/grpc"), Some([] | [b'+', ..]))
    }

    pub(super) fn lines(&self) -> &[u8] {
        &self.lines
    }

    pub(super) fn logged(&self) -> &[u8] {
        &self.logged
    }

    fn pseudo(&mut self, name: &[u8], value: &[u8]) {
        let known = match name {
            b"method" => Known::Method,
            b"path" => Known::Path,
            b"scheme" => Known::Scheme,
            b"authority" => Known::Authority,
            b"status" => Known::Status,
            b"protocol" => Known::Protocol,
            _ => return self.fault(AppAnomaly::Http2PseudoHeader),
        };
        if self.has_regular || self.has(known) {
            self.fault(AppAnomaly::Http2PseudoHeader);
        }
        // A space or a control byte in these would end it in a request line.
        if value.iter().any(|byte| *byte <= b' ' || *byte == 0x7f) {
            self.fault(AppAnomaly::Http2Header);
        }
        let begin = self.pseudo.len();
        self.pseudo.extend_from_slice(value);
        self.know(known, begin, self.pseudo.len());
        if known == Known::Authority {
            self.line(b"host", value);
        }
    }

    fn regular(&mut self, name: &[u8], value: &[u8]) {
        self.has_regular = true;
        // RFC 9113 §8.2.1.
        let is_odd = |byte: &u8| *byte <= b' ' || *byte >= 0x7f || *byte == b':' || byte.is_ascii_uppercase();
        if name.is_empty() || name.iter().any(is_odd) {
            self.fault(AppAnomaly::Http2Header);
        }
        let end = self.line(name, value);
        if let Some(known) = regular(name) {
            self.know(known, end - value.len(), end);
        } else if let Some(product) = HttpProduct::of_header(name, value) {
            HttpProduct::see(&mut self.product, product);
        }
        if name.eq_ignore_ascii_case(b"content-length") {
            match decimal(value) {
                Some(bytes) if self.length.is_none_or(|before| before == bytes) => self.length = Some(bytes),
                None if value.strip_prefix(b"-").and_then(decimal).is_some() => {
                    self.fault(AppAnomaly::NegativeLength);
                }
                _ => self.fault(AppAnomaly::ContentLength),
            }
        }
        if name.eq_ignore_ascii_case(b"content-encoding") {
            self.codings.read(value);
        }
        if is_of_connection(name, value) {
            self.fault(AppAnomaly::Http2ConnectionHeader);
        }
    }

    /// Writes a line; says where its value ends.
    fn line(&mut self, name: &[u8], value: &[u8]) -> usize {
        for part in [name, b": ", value] {
            self.lines.extend_from_slice(part);
        }
        let end = self.lines.len();
        self.lines.extend_from_slice(b"\r\n");
        end
    }

    fn know(&mut self, known: Known, begin: usize, end: usize) {
        self.known[known as usize].get_or_insert((begin, end));
    }

    /// Line ends and NUL would be the log's own: they become `?` there.
    fn log(&mut self, name: &[u8], value: &[u8]) {
        if self.logged.len() + name.len() + value.len() + b": \r\n".len() > HTTP_LOGGED_BYTES_MAX {
            return;
        }
        let begin = self.logged.len();
        for part in [name, b": ", value] {
            self.logged.extend_from_slice(part);
        }
        for byte in self.logged.iter_mut().skip(begin).filter(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            *byte = b'?';
        }
        self.logged.extend_from_slice(b"\r\n");
    }

    fn fault(&mut self, anomaly: AppAnomaly) {
        if !self.faults.contains(&anomaly) {
            self.faults.push(anomaly);
        }
    }
}

fn is_pseudo(known: Known) -> bool {
    (known as usize) < Known::Host as usize
}

fn regular(name: &[u8]) -> Option<Known> {
    Some(match name {
        b"host" => Known::Host,
        b"user-agent" => Known::UserAgent,
        b"referer" => Known::Referer,
        b"content-type" => Known::ContentType,
        b"content-disposition" => Known::ContentDisposition,
        b"location" => Known::Location,
        b"grpc-encoding" => Known::GrpcEncoding,
        b"grpc-status" => Known::GrpcStatus,
        b"grpc-message" => Known::GrpcMessage,
        _ => return None,
    })
}

/// What says something of one connection: it would do so to HTTP/1 behind a gateway (RFC 9113 §8.2.2).
fn is_of_connection(name: &[u8], value: &[u8]) -> bool {
    // Whoever splits names at odd bytes would find one.
    let is_hidden = |of: &[u8]| memmem::find(name, of).is_some();
    match name {
        b"connection" | b"keep-alive" | b"proxy-connection" | b"upgrade" => true,
        b"te" => !value.eq_ignore_ascii_case(b"trailers"),
        _ => is_hidden(b"transfer-encoding"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(kind: ListKind, headers: &[(&str, &str)]) -> Vec<AppAnomaly> {
        let mut list = HeaderList::default();
        for (name, value) in headers {
            list.add(name.as_bytes(), value.as_bytes()).expect("it is short");
        }
        list.faults(kind).to_vec()
    }

    const REQUEST: [(&str, &str); 4] =
        [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a")];

    #[test]
    fn a_sound_list_has_no_fault() {
        let more = [("te", "trailers"), ("content-length", "1"), ("host", "A"), ("cookie", "a=b")];
        assert_eq!(faults(ListKind::Request, &[&REQUEST[..], &more].concat()), []);
        assert_eq!(faults(ListKind::Request, &[(":method", "CONNECT"), (":authority", "a:1")]), []);
        assert_eq!(faults(ListKind::Response, &[(":status", "200")]), []);
        assert_eq!(faults(ListKind::Trailers, &[("x", "y")]), []);
    }

    #[test]
    fn what_would_be_another_message_in_http1_is_told() {
        use AppAnomaly::*;
        for (name, value, fault) in [
            ("transfer-encoding", "chunked", Http2ConnectionHeader),
            ("connection", "close", Http2ConnectionHeader),
            ("te", "gzip", Http2ConnectionHeader),
            ("upgrade", "h2c", Http2ConnectionHeader),
            ("x", "a\r\nb: c", Http2Header),
            ("x", "a\nb", Http2Header),
            ("x", "a\0", Http2Header),
            ("X", "a", Http2Header),
            ("a b", "c", Http2Header),
            ("a:b", "c", Http2Header),
            ("", "c", Http2Header),
            ("content-length", "+1", ContentLength),
            ("content-length", "-1", NegativeLength),
            ("content-length", "1, 1", ContentLength),
            ("host", "b", Http2Host),
            (":path", "/b", Http2PseudoHeader),
            (":else", "b", Http2PseudoHeader),
            (":status", "200", Http2PseudoHeader),
        ] {
            let list = [&REQUEST[..], &[(name, value)]].concat();
            assert_eq!(faults(ListKind::Request, &list), [fault], "{name}: {value}");
        }
        for (at, value) in [(0, "GET /x"), (2, "/ HTTP/1.1\r\nx: y"), (3, "a b")] {
            let mut list = REQUEST;
            list[at].1 = value;
            assert_eq!(faults(ListKind::Request, &list), [Http2Header], "{value}");
        }
        for missing in 0..3 {
            let mut list = REQUEST.to_vec();
            list.remove(missing);
            assert_eq!(faults(ListKind::Request, &list), [Http2PseudoHeader]);
        }
        assert_eq!(faults(ListKind::Response, &[(":status", "20")]), [Http2PseudoHeader]);
        assert_eq!(faults(ListKind::Trailers, &[(":status", "200")]), [Http2PseudoHeader]);
        assert_eq!(
            faults(ListKind::Request, &[&[("a", "b")], &REQUEST[..]].concat()),
            [Http2PseudoHeader],
            "in front of the pseudo-header fields"
        );
    }

    #[test]
    fn lines_are_as_http1_has_them() {
        let mut list = HeaderList::default();
        for (name, value) in [&REQUEST[..], &[("user-agent", "u"), ("user-agent", "v")]].concat() {
            list.add(name.as_bytes(), value.as_bytes()).expect("it is short");
        }
        assert_eq!(list.lines(), b"host: a\r\nuser-agent: u\r\nuser-agent: v\r\n");
        assert_eq!((list.value(Known::UserAgent), list.value(Known::Path)), (&b"u"[..], &b"/"[..]));
        assert!(list.logged().starts_with(b":method: GET\r\n"));
    }

    #[test]
    fn a_list_that_grows_out_of_its_block_is_refused() {
        let mut list = HeaderList::default();
        let told = (0..10_000).map(|_| list.add(b"a", b"")).take_while(Result::is_ok).count();
        assert_eq!(told, HTTP_HEADER_BYTES_MAX / 33);
    }
}
