//! memcached: <https://github.com/memcached/memcached/blob/master/doc/protocol.txt> and its binary protocol.

mod binary;
#[cfg(test)]
mod tests;
mod text;

pub(super) use self::binary::{Binary, FLEXIBLE_REQUEST, Frame, is_begun_by as binary_begins};
use self::text::Text;
use dlp_patterns::Field;

use super::{
    AppProtocol, AppSink,
    beside::Beside,
    parser::{AppParser, Outcome},
    signature::{Answer, Prefix, Signature},
};
use crate::flow::Direction;

/// A command in a line, or the head of a binary one; in datagrams behind a head of their own.
pub(super) const SIGNATURE: Signature = Signature {
    protocol: AppProtocol::Memcached,
    stream: Some(is_begun_by),
    datagram: Some(|prefix| match Datagram::parse(prefix.bytes) {
        Some(datagram) => is_begun_by(Prefix { bytes: datagram.body, ..prefix }),
        None => Answer::No,
    }),
};

fn is_begun_by(prefix: Prefix<'_>) -> Answer {
    text::is_begun_by(prefix).or(binary_begins(prefix, binary::is_memcached))
}

/// Both ends of one connection, or of datagrams.
#[derive(Debug, Default)]
pub(super) struct Memcached {
    spoken: Spoken,
}

/// Which of the two protocols: the client's first byte tells.
#[derive(Debug, Default)]
enum Spoken {
    #[default]
    Nothing,
    Text(Text),
    Binary(Binary),
}

impl AppParser for Memcached {
    const FIELDS: &'static [Field] = &[Field::DbError, Field::DbName, Field::DbStatement, Field::DbUser];

    fn data<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        if let (Spoken::Nothing, Some(&first)) = (&self.spoken, bytes.first()) {
            self.spoken = match first {
                binary::REQUEST | binary::RESPONSE => Spoken::Binary(Binary::default()),
                _ => Spoken::Text(Text::default()),
            };
        }
        match &mut self.spoken {
            Spoken::Nothing => Outcome::More,
            Spoken::Text(text) => text.read(direction, bytes, out),
            Spoken::Binary(binary) => binary.read(direction, bytes, out),
        }
    }

    fn gap<S: AppSink>(&mut self, direction: Direction, bytes: u32, _: &mut Beside<'_, S>) -> Outcome {
        let is_passed = match &mut self.spoken {
            Spoken::Nothing => false,
            Spoken::Text(text) => text.skip(direction, bytes),
            Spoken::Binary(binary) => binary.skip(direction, bytes),
        };
        if is_passed { Outcome::More } else { Outcome::GaveUp }
    }

    fn datagram<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        // Those behind the first of a long answer hold no head of it.
        let Some(datagram) = Datagram::parse(bytes).filter(|datagram| datagram.number == 0) else {
            return Outcome::More;
        };
        let mut body = datagram.body;
        let outcome = self.data(direction, &mut body, out);
        if let Spoken::Text(text) = &mut self.spoken {
            text.end_of_datagram(direction);
        }
        if outcome == Outcome::GaveUp {
            self.spoken = Spoken::Nothing;
        }
        outcome
    }

    fn finish<S: AppSink>(&mut self, out: &mut Beside<'_, S>) {
        match &mut self.spoken {
            Spoken::Nothing => {}
            Spoken::Text(text) => text.finish(out),
            Spoken::Binary(binary) => binary.finish(out),
        }
    }

    fn is_between_messages(&self) -> bool {
        match &self.spoken {
            Spoken::Nothing => true,
            Spoken::Text(text) => text.is_idle(),
            Spoken::Binary(binary) => binary.is_idle(),
        }
    }

    fn held_bytes(&self) -> usize {
        match &self.spoken {
            Spoken::Nothing => 0,
            Spoken::Text(text) => text.held_bytes(),
            Spoken::Binary(binary) => binary.held_bytes(),
        }
    }
}

/// A datagram: number of the request, number of the datagram, how many there are, and two bytes of nothing.
#[derive(Clone, Copy, Debug)]
struct Datagram<'d> {
    number: u16,
    body: &'d [u8],
}

impl Datagram<'_> {
    fn parse(bytes: &[u8]) -> Option<Datagram<'_>> {
        let mut wire = super::wire::Wire(bytes);
        let (_request, number) = (wire.u16()?, wire.u16()?);
        let (count, reserved) = (wire.u16()?, wire.u16()?);
        (number < count && reserved == 0).then_some(Datagram { number, body: wire.rest() })
    }
}
