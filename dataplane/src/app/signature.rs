//! How a protocol is recognised by what its ends say first, on whatever port.

use super::{AppProtocol, http::Looked, wire::Wire};
use crate::flow::Direction;
use crate::limits::TEXT_LINE_BYTES_MAX;

/// What one end has said so far, from its first byte on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prefix<'p> {
    /// Which end: what a client says is `ToServer`.
    pub(super) direction: Direction,
    pub(super) bytes: &'p [u8],
    /// What the other end has said so far; of datagrams its last one, or the begin of that.
    pub(super) peer: &'p [u8],
    /// Of datagrams the last one of this end before the one at hand, or the begin of that; nothing in a stream.
    pub(super) last: &'p [u8],
    /// How far HTTP looked at those of a client before, where there were fewer.
    pub(super) looked: Option<&'p Looked>,
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

/// A protocol, and what tells it. Each direction is asked for itself when its end speaks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signature {
    pub(super) protocol: AppProtocol,
    /// In a stream.
    pub(super) stream: Option<fn(Prefix<'_>) -> Answer>,
    /// In one datagram, which is whole: `More` is no answer there.
    pub(super) datagram: Option<fn(Prefix<'_>) -> Answer>,
}

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

    /// Whether bytes begin with one of `firsts`, and behind that with one of `seconds`; in neither one begins with another.
    pub(super) fn begins_with_words(bytes: &[u8], firsts: &[&[u8]], seconds: &[&[u8]]) -> Answer {
        firsts.iter().fold(Answer::No, |answer, first| {
            let behind = bytes.get(first.len()..).unwrap_or_default();
            let second = || match Answer::begins_any(behind, seconds) {
                Answer::Yes(bytes) => Answer::Yes(first.len() + bytes),
                other => other,
            };
            answer.or(Answer::begins(bytes, first).and(second))
        })
    }

    /// Yes for the first `bytes` bytes, once so many are there and `is_so`.
    pub(super) fn when(there: &[u8], bytes: usize, is_so: impl FnOnce(&[u8]) -> bool) -> Answer {
        match there.get(..bytes) {
            None => Answer::More,
            Some(first) if is_so(first) => Answer::Yes(bytes),
            Some(_) => Answer::No,
        }
    }

    /// What `look` says of fields that it takes off the front: `None` while it wants for bytes, which is final where it takes
    /// none but those that it needs to go on.
    pub(super) fn of_fields(bytes: &[u8], look: impl FnOnce(&mut Wire<'_>) -> Option<bool>) -> Answer {
        let mut wire = Wire(bytes);
        match look(&mut wire) {
            None => Answer::More,
            Some(true) => Answer::Yes(bytes.len() - wire.rest().len()),
            Some(false) => Answer::No,
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

impl<'p> Prefix<'p> {
    /// Before anything else was said.
    pub(super) fn of(direction: Direction, bytes: &'p [u8]) -> Prefix<'p> {
        Prefix { direction, bytes, peer: &[], last: &[], looked: None }
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
                best = Some((protocol, bytes));
            }
            Answer::Yes(_) | Answer::No => {}
            Answer::More => otherwise = Answer::More,
        }
    }
    best.ok_or(otherwise)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::app::SIGNATURES;

    /// Begins of what signatures look for, so that some of what is made up comes far.
    const BEGINS: &[&[u8]] = &[
        b"",
        b"\x13BitTorrent protocol",
        b"SSH-2.0-",
        b"GET / HTTP/1.1\r\n",
        b"OPTIONS ",
        b"sip:",
        b"rtsp:",
        b"<34>1 ",
        b"34 <34>Jan ",
        b"<?xml version='1.0'?> ",
        b"<stream:stream",
        b"USER ",
        b"PASS x\r\nNICK ",
        b":irc NOTICE \n",
        b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03",
        b"\0\0\0\x0e\x6a\x0c\x30\x0a\xa1\x03\x02\x01\x05",
        b"\0\0\0\0\0\0\0\x19\x03",
        b"\x05\x01\0\x05\x01\0\x01",
        b"\x04\x01\x01\xbb\0\0\0\x01a\0b\0",
        b"\x80\0\0\x28\0\0\0\x07\0\0\0\0\0\0\0\x02\0\x01\x86\xa3",
        b"\0\x14\0\x01\0\0\x21\x12\xa4\x42",
        b"\0\x11\x80\x00\0\x01",
        b"\0\x0e\x38sessions\0\0\0\0\0",
        b"\x12\x34\0\0\0\x06\x01\x03",
        b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0",
        b"\x81\0\0\x44\x20FHEF",
        b"ES\0\0\0\x11",
        b"\0\0\0\x15\0\x12\0\0\0\0\0\x01\0\x03app",
        b"\x10\x10\0\x04MQTT\x04",
        b"\x82\x06\0\x01\0\x01a\0",
        b"\x32\x05\0\x01a\0\x02",
        b"\xc0\0",
        b"AMQP\0",
        b"INFO {\"",
        b"CONNECT {\"",
        b"CONNECT\r\n",
        b"ruok",
        b"\0\0\0\x2d\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x75\x30\0\0\0\0\0\0\0\0\0\0\0\x10",
    ];

    fn told() -> impl Strategy<Value = Vec<u8>> {
        let begin = prop::sample::select(BEGINS);
        let byte = prop_oneof![0u8..6, any::<u8>(), prop::sample::select(&b" \r\n:<>ABCDEFsip/12"[..])];
        (begin.clone(), begin, vec(byte, 0..40)).prop_map(|(one, two, rest)| [one, two, &rest].concat())
    }

    proptest! {
        /// What a flow is taken for must not depend on how it is cut: before a yes or a no there is nothing but `More`, behind it
        /// nothing else.
        #[test]
        fn answers_are_final(bytes in told(), peer in told(), to_client in any::<bool>()) {
            let direction = if to_client { Direction::ToClient } else { Direction::ToServer };
            for signature in SIGNATURES {
                let Some(stream) = signature.stream else { continue };
                let answer = |count| {
                    stream(Prefix { peer: &peer, ..Prefix::of(direction, &bytes[..count]) })
                };
                let last = answer(bytes.len());
                let mut is_decided = false;
                for count in 0..bytes.len() {
                    let now = answer(count);
                    is_decided |= now != Answer::More;
                    prop_assert!(!is_decided || now == last, "{:?}: {count}", signature.protocol);
                    let is_due = matches!(last, Answer::Yes(needed) if needed <= count);
                    prop_assert!(!is_due || is_decided, "{:?}: {count}", signature.protocol);
                }
                if let Answer::Yes(needed) = last {
                    prop_assert!(needed <= bytes.len());
                }
            }
        }
    }
}
