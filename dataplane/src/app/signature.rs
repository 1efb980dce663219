//! How a protocol is recognised by what its ends say first, on whatever port.

use super::AppProtocol;
use crate::flow::Direction;
use crate::limits::TEXT_LINE_BYTES_MAX;

/// What one end has said so far, from its first byte on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prefix<'p> {
    /// Which end: what a client says is `ToServer`.
    pub(super) direction: Direction,
    pub(super) bytes: &'p [u8],
}

/// Whether a prefix is of a protocol.
///
/// An answer is final: more bytes change neither `No` nor `Yes`. So what a flow is taken for does not depend on how it is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    No,
    /// Too few bytes.
    More,
    /// The first so many bytes say so.
    Yes(usize),
}

/// A protocol, and what tells it. Each looks at one end alone, and each direction is asked for itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signature {
    pub(super) protocol: AppProtocol,
    /// In a stream.
    pub(super) stream: Option<fn(Prefix<'_>) -> Answer>,
    /// In one datagram, which is whole: `More` is no answer there.
    pub(super) datagram: Option<fn(Prefix<'_>) -> Answer>,
}

/// The longest method of RTSP, `GET_PARAMETER`, has 13; SIP has none so long.
const METHOD_BYTES_MAX: usize = 16;

impl Answer {
    /// Whether bytes begin with `magic`.
    pub(super) fn begins(bytes: &[u8], magic: &[u8]) -> Answer {
        let common = bytes.iter().zip(magic).take_while(|(byte, wanted)| byte == wanted).count();
        match common {
            _ if common == magic.len() => Answer::Yes(magic.len()),
            _ if common == bytes.len() => Answer::More,
            _ => Answer::No,
        }
    }

    /// Whether bytes begin with one of `magics`, none of which begins with another.
    pub(super) fn begins_any(bytes: &[u8], magics: &[&[u8]]) -> Answer {
        magics.iter().fold(Answer::No, |answer, magic| answer.or(Answer::begins(bytes, magic)))
    }

    /// As [`Answer::begins_any`], with letters of either case; `magics` are of capital ones.
    pub(super) fn begins_any_case(bytes: &[u8], magics: &[&[u8]]) -> Answer {
        let one = |magic: &[u8]| {
            let front = bytes.get(..magic.len()).unwrap_or(bytes);
            let is_so = front.iter().zip(magic).all(|(byte, wanted)| byte.to_ascii_uppercase() == *wanted);
            match is_so {
                false => Answer::No,
                true if front.len() == magic.len() => Answer::Yes(magic.len()),
                true => Answer::More,
            }
        };
        magics.iter().fold(Answer::No, |answer, magic| answer.or(one(magic)))
    }

    /// Yes for the first `bytes` bytes, once so many are there and `is_so`.
    pub(super) fn when(there: &[u8], bytes: usize, is_so: impl FnOnce(&[u8]) -> bool) -> Answer {
        match there.get(..bytes) {
            None => Answer::More,
            Some(first) if is_so(first) => Answer::Yes(bytes),
            Some(_) => Answer::No,
        }
    }

    /// The better of two: the one that needs fewer bytes.
    pub(super) fn or(self, other: Answer) -> Answer {
        match (self, other) {
            (Answer::Yes(one), Answer::Yes(two)) => Answer::Yes(one.min(two)),
            (Answer::Yes(bytes), _) | (_, Answer::Yes(bytes)) => Answer::Yes(bytes),
            (Answer::More, _) | (_, Answer::More) => Answer::More,
            (Answer::No, Answer::No) => Answer::No,
        }
    }

    /// What `next` says, where this is a no.
    pub(super) fn or_else(self, next: impl FnOnce() -> Answer) -> Answer {
        match self {
            Answer::No => next(),
            Answer::More | Answer::Yes(_) => self,
        }
    }

    /// What `next` says, where this is a yes.
    pub(super) fn and(self, next: impl FnOnce() -> Answer) -> Answer {
        match (self, self.is_yes().then(next)) {
            (Answer::Yes(one), Some(Answer::Yes(two))) => Answer::Yes(one.max(two)),
            (_, Some(answer)) => answer,
            (answer, None) => answer,
        }
    }

    pub(super) fn is_yes(self) -> bool {
        matches!(self, Answer::Yes(_))
    }
}

impl Prefix<'_> {
    /// What `is_so` says of the first line, where it begins with a method as SIP and RTSP have them: up to
    /// [`METHOD_BYTES_MAX`] capital letters or `_`, and a space.
    pub(super) fn request_line(&self, is_so: impl FnOnce(&[u8]) -> bool) -> Answer {
        let is_letter = |byte: &u8| byte.is_ascii_uppercase() || *byte == b'_';
        let letters = self.bytes.iter().take(METHOD_BYTES_MAX + 1).take_while(|byte| is_letter(byte)).count();
        match self.bytes.get(letters) {
            None if letters <= METHOD_BYTES_MAX => Answer::More,
            Some(b' ') if (1..=METHOD_BYTES_MAX).contains(&letters) => self.first_line(is_so),
            _ => Answer::No,
        }
    }

    /// What `is_so` says of the first line, without its CRLF or LF, once it is there. Lines longer than
    /// [`TEXT_LINE_BYTES_MAX`] are of no protocol.
    pub(super) fn first_line(&self, is_so: impl FnOnce(&[u8]) -> bool) -> Answer {
        let within = self.bytes.get(..TEXT_LINE_BYTES_MAX).unwrap_or(self.bytes);
        match memchr::memchr(b'\n', within) {
            Some(at) => {
                let line = within.get(..at).unwrap_or_default();
                let is_so = is_so(line.strip_suffix(b"\r").unwrap_or(line));
                if is_so { Answer::Yes(at + 1) } else { Answer::No }
            }
            None if within.len() == TEXT_LINE_BYTES_MAX => Answer::No,
            None => Answer::More,
        }
    }
}

/// The protocol of a stream by what one end said, and how many bytes tell it: the fewest, of several the first of the list. `More`
/// where a longer prefix may tell.
pub(super) fn of_stream(
    signatures: &[Signature],
    prefix: Prefix<'_>,
) -> Result<(AppProtocol, usize), Answer> {
    best(signatures.iter().filter_map(|signature| Some((signature.protocol, signature.stream?(prefix)))))
}

/// The protocol of a datagram.
pub(super) fn of_datagram(signatures: &[Signature], prefix: Prefix<'_>) -> Option<AppProtocol> {
    let answers =
        signatures.iter().filter_map(|signature| Some((signature.protocol, signature.datagram?(prefix))));
    best(answers).ok().map(|(protocol, _)| protocol)
}

fn best(answers: impl Iterator<Item = (AppProtocol, Answer)>) -> Result<(AppProtocol, usize), Answer> {
    let mut best: Option<(AppProtocol, usize)> = None;
    let mut otherwise = Answer::No;
    for (protocol, answer) in answers {
        match answer {
            Answer::Yes(bytes) if best.is_none_or(|(_, least)| bytes < least) => {
                best = Some((protocol, bytes))
            }
            Answer::Yes(_) | Answer::No => {}
            Answer::More => otherwise = Answer::More,
        }
    }
    best.ok_or(otherwise)
}
