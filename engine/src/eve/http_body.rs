//! What an `http` event says of a request and its response, in Suricata's names.

use dataplane::app::{Http2Stream, HttpProduct, HttpTransaction, http2_error_name};
use serde::{Serialize, Serializer};

use super::text::Text;

#[derive(Serialize)]
pub(super) struct HttpBody<'e> {
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'static str>,
    #[serde(skip_serializing_if = "Text::is_empty")]
    hostname: Text<'e>,
    /// Behind the name of the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    http_port: Option<u16>,
    #[serde(skip_serializing_if = "Text::is_empty")]
    url: Text<'e>,
    #[serde(skip_serializing_if = "Text::is_empty")]
    http_user_agent: Text<'e>,
    #[serde(skip_serializing_if = "Text::is_empty")]
    http_content_type: Text<'e>,
    #[serde(skip_serializing_if = "Text::is_empty")]
    http_refer: Text<'e>,
    #[serde(skip_serializing_if = "Text::is_empty")]
    http_method: Text<'e>,
    #[serde(skip_serializing_if = "Text::is_empty")]
    protocol: Text<'e>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Text::is_empty")]
    redirect: Text<'e>,
    /// What answered, by its headers.
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<&'static str>,
    /// Of the response body, in bytes.
    length: u64,
    #[serde(skip_serializing_if = "Headers::is_empty")]
    request_headers: Headers<'e>,
    #[serde(skip_serializing_if = "Headers::is_empty")]
    response_headers: Headers<'e>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http2: Option<Http2Body>,
}

/// What HTTP/2 has beside the message.
#[derive(Serialize)]
struct Http2Body {
    stream_id: u32,
    request: FramesBody,
    response: FramesBody,
}

/// What one end said of the stream.
#[derive(Serialize)]
struct FramesBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<ErrorCode>,
}

struct ErrorCode(u32);

/// Lines of `name: value`, as a list of objects.
struct Headers<'e>(&'e [u8]);

#[derive(Serialize)]
struct Header<'e> {
    name: Text<'e>,
    value: Text<'e>,
}

impl HttpBody<'_> {
    pub(super) fn new(transaction: &HttpTransaction) -> HttpBody<'_> {
        let http2 = transaction.http2.as_ref();
        let [request_headers, response_headers] =
            http2.map_or([&[][..]; 2], |stream| stream.headers.each_ref().map(Vec::as_slice));
        let (hostname, http_port) = host_and_port(&transaction.host);
        HttpBody {
            version: http2.map(|_| "2"),
            hostname: Text(hostname),
            http_port,
            url: Text(&transaction.url),
            http_user_agent: Text(&transaction.user_agent),
            http_content_type: Text(&transaction.content_type),
            http_refer: Text(&transaction.referer),
            http_method: Text(&transaction.method),
            // Of HTTP/2 the version says it.
            protocol: Text(if http2.is_some() { b"" } else { &transaction.protocol }),
            status: (transaction.status != 0).then_some(transaction.status),
            redirect: Text(&transaction.redirect),
            product: transaction.product.map(HttpProduct::as_str),
            length: transaction.response_bytes,
            request_headers: Headers(request_headers),
            response_headers: Headers(response_headers),
            http2: http2.map(Http2Body::new),
        }
    }
}

/// The two parts of a Host (RFC 9110 §7.2). What is no port belongs to the name.
fn host_and_port(host: &[u8]) -> (&[u8], Option<u16>) {
    let parts = || {
        let colon = host.iter().rposition(|byte| *byte == b':')?;
        let (name, port) = (host.get(..colon)?, host.get(colon + 1..)?);
        // RFC 3986 §3.2.2: an address of IPv6 stands in brackets.
        let is_name = !name.contains(&b':') || name.starts_with(b"[") && name.ends_with(b"]");
        let is_port = is_name && port.iter().all(u8::is_ascii_digit);
        Some((name, std::str::from_utf8(port).ok()?.parse().ok().filter(|_| is_port)?))
    };
    parts().map_or((host, None), |(name, port)| (name, Some(port)))
}

impl Http2Body {
    fn new(stream: &Http2Stream) -> Http2Body {
        let [request, response] = [0, 1].map(|direction| FramesBody {
            priority: stream.priorities[direction],
            error_code: stream.error_codes[direction].map(ErrorCode),
        });
        Http2Body { stream_id: stream.id, request, response }
    }
}

impl Headers<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let lines = self.0.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let headers = lines.filter(|line| !line.is_empty()).map(|line| {
            // Names of pseudo-header fields begin with a colon.
            let colon = line.iter().skip(1).position(|byte| *byte == b':').map_or(line.len(), |at| at + 1);
            let (name, value) = line.split_at(colon);
            Header { name: Text(name), value: Text(value.strip_prefix(b": ").unwrap_or(value)) }
        });
        serializer.collect_seq(headers)
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match http2_error_name(self.0) {
            Some(name) => serializer.serialize_str(name),
            None => serializer.collect_str(&self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_a_host_stands_apart() {
        for (host, told) in [
            (&b"a.example:8080"[..], (&b"a.example"[..], Some(8080))),
            (b"[::1]:80", (b"[::1]", Some(80))),
            (b"[::1]", (b"[::1]", None)),
            (b"::1", (b"::1", None)),
            (b"a.example", (b"a.example", None)),
            (b"a.example:", (b"a.example:", None)),
            (b"a.example:+1", (b"a.example:+1", None)),
            (b"a.example:65536", (b"a.example:65536", None)),
        ] {
            assert_eq!(host_and_port(host), told, "{}", host.escape_ascii());
        }
    }
}
