//! How much each sign of a tunnel counts. The threshold is the operator's; by default it is 100 points.

use super::encoding::Encoding;

/// Points of the shape of one name at most: a few of them alone are none.
const SHAPE_MAX: usize = 24;

/// A type whose data may be anything, and that hosts do not ask for: NULL (RFC 1035 §3.3.10), and those without a name, among
/// them the ones for private use (RFC 6895 §3.1).
fn is_bare(kind: &[u8]) -> bool {
    kind == b"NULL" || kind.first().is_some_and(u8::is_ascii_digit)
}

/// A type whose data who answers chooses as he likes, and more of it than an address has.
pub(super) fn is_free_form(kind: &[u8]) -> bool {
    is_bare(kind) || matches!(kind, b"TXT" | b"CNAME" | b"MX" | b"SRV" | b"DNAME" | b"KEY" | b"SPF")
}

/// Points of a new name that is asked for by that type.
pub(super) fn of_name(kind: &[u8], encoding: &Encoding) -> u32 {
    let mut points = 0;
    if encoding.is_encoded() {
        // Twice as much data is more than twice as rare: a host named by number has 10 digits, a session some 32.
        points += encoding.bytes * encoding.bytes / 64;
    }
    if encoding.unusual >= 2 {
        points += 8;
    }
    points = points.min(SHAPE_MAX);
    // It is new, and asked for by a type that few ask for at all.
    points += match kind {
        _ if is_bare(kind) => 16,
        _ if is_free_form(kind) => 4,
        _ => 0,
    };
    let plain = if is_plain(encoding) { PLAIN } else { 0 };
    points as u32 + plain
}

/// Points of new data in an answer of that type.
pub(super) fn of_answer(kind: &[u8], encoding: &Encoding) -> u32 {
    match kind {
        _ if is_bare(kind) => 8,
        b"TXT" | b"CNAME" | b"MX" | b"SRV" | b"DNAME" | b"KEY" if encoding.is_encoded() => 4,
        _ => 0,
    }
}

/// Whether a name is nothing but data that was encoded in base64 and filled up: no host has such a name, however short the
/// talk.
pub(super) fn is_plain(encoding: &Encoding) -> bool {
    encoding.filled > 0 && encoding.bytes >= 48 && encoding.is_encoded()
}

/// Points of such a name beside: as many as the default threshold.
const PLAIN: u32 = 100;
