//! [`Name`]: which headers matter to how a message is read, or to an event.

/// The headers that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    ContentLength,
    TransferEncoding,
    Host,
    UserAgent,
    Referer,
    ContentEncoding,
    ContentType,
    Location,
    Upgrade,
    Extensions,
    ContentDisposition,
}

impl Name {
    #[inline]
    pub(super) fn of(name: &[u8]) -> Option<Name> {
        // Length and first letter alone turn down nearly every other header.
        match (name.len(), name.first()?.to_ascii_lowercase()) {
            (4, b'h') => is(name, b"Host").then_some(Name::Host),
            (7, b'r') => is(name, b"Referer").then_some(Name::Referer),
            (7, b'u') => is(name, b"Upgrade").then_some(Name::Upgrade),
            (8, b'l') => is(name, b"Location").then_some(Name::Location),
            (10, b'u') => is(name, b"User-Agent").then_some(Name::UserAgent),
            (12, b'c') => is(name, b"Content-Type").then_some(Name::ContentType),
            (14, b'c') => is(name, b"Content-Length").then_some(Name::ContentLength),
            (16, b'c') => is(name, b"Content-Encoding").then_some(Name::ContentEncoding),
            (19, b'c') => is(name, b"Content-Disposition").then_some(Name::ContentDisposition),
            (24, b's') => is(name, b"Sec-WebSocket-Extensions").then_some(Name::Extensions),
            (17, b't') => is(name, b"Transfer-Encoding").then_some(Name::TransferEncoding),
            _ => None,
        }
    }

    pub(super) fn is_framing(self) -> bool {
        matches!(self, Name::ContentLength | Name::TransferEncoding)
    }
}

/// Whether a name is that one, whatever its case. Nearly all write it alike: then that is a matter of few steps.
#[inline]
fn is<const BYTES: usize>(name: &[u8], usual: &[u8; BYTES]) -> bool {
    name == usual || name.eq_ignore_ascii_case(usual)
}
