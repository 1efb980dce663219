//! [`RequestPart`]: what of a request is under way, for who cares how long it takes.

/// A part of a request of HTTP/1 of which an end is to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestPart {
    /// Its request line, or its headers.
    Head = 0,
    /// Its body, or the trailers behind it.
    Body = 1,
}
