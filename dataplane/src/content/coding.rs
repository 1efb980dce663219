//! [`Codings`]: what was done to a body, in that order, as its header lines tell.

use arrayvec::ArrayVec;

use crate::limits::CONTENT_LAYERS_MAX;

/// One coding (RFC 9110 §8.4.1, RFC 7932, RFC 8878).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// RFC 1952, of any number of members.
    Gzip,
    /// RFC 1950, or RFC 1951 as it is, which some servers send and clients take.
    Deflate,
    /// RFC 1951 as it is, of which more may follow behind its end: messages of WebSocket (RFC 7692 §7.2). No header names it.
    RawDeflate,
    /// RFC 1951 as it is, behind whose end something else follows: members of ZIP. No header names it.
    Member,
    /// RFC 1950, or RFC 1951 as it is, behind whose end something else follows: streams of PDF. No header names it.
    Stream,
    /// RFC 7932.
    Brotli,
    /// RFC 8878.
    Zstd,
}

/// The codings of a body, the one that was applied first in front.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Codings {
    known: ArrayVec<Coding, CONTENT_LAYERS_MAX>,
    is_unknown: bool,
    is_too_many: bool,
}

impl Coding {
    /// The coding of that name (RFC 9110 §18.6), letters of either case.
    fn of(name: &[u8]) -> Option<Coding> {
        let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        match name.len() {
            2 if is("br") => Some(Coding::Brotli),
            4 if is("gzip") => Some(Coding::Gzip),
            4 if is("zstd") => Some(Coding::Zstd),
            6 if is("x-gzip") => Some(Coding::Gzip),
            7 if is("deflate") => Some(Coding::Deflate),
            _ => None,
        }
    }
}

impl Codings {
    /// Those of compressed messages of WebSocket.
    pub fn of_websocket() -> Codings {
        Codings { known: [Coding::RawDeflate].into_iter().collect(), ..Codings::default() }
    }

    /// Another line of the header; its value is a list (RFC 9110 §8.4).
    pub fn read(&mut self, value: &[u8]) {
        value.split(|byte| *byte == b',').for_each(|name| self.push(name));
    }

    /// Another coding, applied behind those so far.
    pub fn push(&mut self, name: &[u8]) {
        let name = name.trim_ascii();
        if name.is_empty() || name.eq_ignore_ascii_case(b"identity") {
            return;
        }
        match Coding::of(name) {
            Some(coding) => self.is_too_many |= self.known.try_push(coding).is_err(),
            None => self.is_unknown = true,
        }
    }

    /// What they are cannot be told.
    pub fn give_up(&mut self) {
        self.is_unknown = true;
    }

    /// Those of `later` are applied behind these.
    pub fn followed_by(&self, later: &Codings) -> Codings {
        let mut all = self.clone();
        for coding in &later.known {
            all.is_too_many |= all.known.try_push(*coding).is_err();
        }
        all.is_unknown |= later.is_unknown;
        all.is_too_many |= later.is_too_many;
        all
    }

    /// Whether the body is as it is.
    pub fn is_plain(&self) -> bool {
        self.known.is_empty() && !self.is_unknown
    }

    /// Whether one is none that is known here.
    pub fn is_unknown(&self) -> bool {
        self.is_unknown
    }

    /// Whether there are more than are taken off.
    pub fn is_too_many(&self) -> bool {
        self.is_too_many
    }

    /// As they are taken off.
    pub(super) fn to_take_off(&self) -> impl Iterator<Item = Coding> {
        self.known.iter().rev().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_add_up_and_what_is_no_coding_is_not_lost() {
        let mut codings = Codings::default();
        codings.read(b" identity ,, ");
        assert!(codings.is_plain());
        codings.read(b"GZip, br");
        codings.read(b"deflate");
        assert!(codings.to_take_off().eq([Coding::Deflate, Coding::Brotli, Coding::Gzip]));
        assert!(!codings.is_unknown() && !codings.is_too_many());
        let mut other = codings.clone();
        other.read(b"gz ip");
        assert!(other.is_unknown());
        codings.read(b"zstd");
        assert!(!codings.is_too_many());
        codings.read(b"gzip");
        assert!(codings.is_too_many());
    }
}
