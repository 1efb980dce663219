//! DTLS (RFC 9147, RFC 6347): what the two ends say of themselves before they encrypt, over datagrams.

#[cfg(test)]
mod tests;

use dlp_patterns::Field;

use super::{
    AppAnomaly, AppProtocol, AppSink,
    beside::Beside,
    ordered_pieces::{Added, OrderedPieces},
    parser::{AppParser, Outcome},
    signature::{Answer, Prefix, Signature},
    tls::{
        self, APPLICATION_DATA, Body, CERTIFICATE, CHANGE_CIPHER_SPEC, CLIENT_HELLO, Carrier, HANDSHAKE,
        Handshake, PROTECTED_BYTES_MAX, SERVER_HELLO, SERVER_HELLO_DONE,
    },
    wire::Wire,
};
use crate::flow::Direction;
use crate::limits::{DTLS_DATAGRAMS_MAX, MESSAGE_BYTES_HELD_MAX};

/// A datagram of records, all lengths of which agree.
pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Dtls, stream: None, datagram: Some(begins) };

/// Bytes in front of a record's fragment: type, version, epoch, number, length (RFC 6347 §4.1).
const HEADER_BYTES: usize = 1 + 2 + 2 + 6 + 2;
/// RFC 6347 §4.2.1.
const HELLO_VERIFY_REQUEST: u8 = 3;

/// Both ends up to where they encrypt.
#[derive(Debug, Default)]
pub(super) struct Dtls {
    ends: [End; 2],
    handshake: Handshake,
    datagrams: u8,
    is_told: bool,
}

#[derive(Debug, Default)]
struct End {
    /// The message of which some pieces came.
    message: Option<Message>,
    is_encrypted: bool,
}

#[derive(Debug)]
struct Message {
    number: u16,
    pieces: OrderedPieces,
}

/// A record.
#[derive(Clone, Copy, Debug)]
struct DatagramRecord<'d> {
    kind: u8,
    /// How often the keys have changed.
    epoch: u16,
    fragment: &'d [u8],
}

/// A piece of a handshake message (RFC 6347 §4.2.2).
#[derive(Clone, Copy, Debug)]
struct Piece<'d> {
    kind: u8,
    message_bytes: usize,
    number: u16,
    offset: usize,
    bytes: &'d [u8],
}

fn begins(prefix: Prefix<'_>) -> Answer {
    let mut wire = Wire(prefix.bytes);
    let Some(first) = DatagramRecord::read(&mut wire) else { return Answer::No };
    let is_so = match (first.epoch, first.kind) {
        (0, HANDSHAKE) => Piece::read(&mut Wire(first.fragment)).is_some_and(|piece| {
            matches!(piece.kind, CLIENT_HELLO..=HELLO_VERIFY_REQUEST | CERTIFICATE..=SERVER_HELLO_DONE)
        }),
        (0, _) => false,
        // Encrypted, and the begin was not seen: the datagram ends where a record does.
        (_, HANDSHAKE | APPLICATION_DATA) => {
            while DatagramRecord::read(&mut wire).is_some() {}
            wire.is_empty()
        }
        _ => false,
    };
    if is_so { Answer::Yes(HEADER_BYTES) } else { Answer::No }
}

impl AppParser for Dtls {
    const FIELDS: &'static [Field] = tls::FIELDS;

    fn data<S: AppSink>(&mut self, _: Direction, _: &mut &[u8], _: &mut Beside<'_, S>) -> Outcome {
        // It speaks in datagrams alone.
        Outcome::Over
    }

    fn datagram<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        self.datagrams = self.datagrams.saturating_add(1);
        let mut wire = Wire(bytes);
        while let Some(record) = DatagramRecord::read(&mut wire) {
            if self.read(direction, record, out).is_none() {
                return Outcome::GaveUp;
            }
        }
        let is_over = self.ends.iter().all(|end| end.is_encrypted) || self.datagrams == DTLS_DATAGRAMS_MAX;
        if !is_over {
            return Outcome::More;
        }
        self.finish(out);
        Outcome::Over
    }

    fn finish<S: AppSink>(&mut self, out: &mut Beside<'_, S>) {
        if !std::mem::replace(&mut self.is_told, true) && self.handshake.is_known() {
            out.record(0, |record| self.handshake.tell(record));
        }
    }

    fn is_between_messages(&self) -> bool {
        self.is_told
    }

    fn held_bytes(&self) -> usize {
        self.ends.iter().filter_map(|end| end.message.as_ref()).map(|of| of.pieces.held_bytes()).sum()
    }
}

impl Dtls {
    /// `None` for what can't be a record.
    fn read<S: AppSink>(
        &mut self,
        direction: Direction,
        record: DatagramRecord<'_>,
        out: &mut Beside<'_, S>,
    ) -> Option<()> {
        let end = &mut self.ends[direction as usize];
        if record.epoch > 0 || record.kind == CHANGE_CIPHER_SPEC {
            if record.kind == CHANGE_CIPHER_SPEC {
                self.handshake.note_change(direction);
            }
            end.is_encrypted = true;
        }
        if end.is_encrypted || record.kind != HANDSHAKE {
            return Some(());
        }
        let mut wire = Wire(record.fragment);
        while !wire.is_empty() {
            let piece = Piece::read(&mut wire)?;
            if !matches!(piece.kind, CLIENT_HELLO | SERVER_HELLO | CERTIFICATE | SERVER_HELLO_DONE) {
                continue;
            }
            end.read(direction, piece, &mut self.handshake, out)?;
        }
        Some(())
    }
}

impl End {
    fn read<S: AppSink>(
        &mut self,
        direction: Direction,
        piece: Piece<'_>,
        handshake: &mut Handshake,
        out: &mut Beside<'_, S>,
    ) -> Option<()> {
        if piece.bytes.len() == piece.message_bytes {
            let body = Body { bytes: piece.bytes, is_cut: false };
            return handshake.read(Carrier::Dtls, direction, piece.kind, body, out);
        }
        // Of a message that is longer than is held the begin is read, as of any other.
        let held_bytes = piece.message_bytes.min(MESSAGE_BYTES_HELD_MAX);
        let is_new = self.message.as_ref().is_none_or(|message| message.number != piece.number);
        if is_new {
            self.message = Some(Message { number: piece.number, pieces: OrderedPieces::default() });
        }
        let message = self.message.as_mut()?;
        let room = held_bytes.saturating_sub(piece.offset);
        let kept = piece.bytes.get(..room).unwrap_or(piece.bytes);
        match message.pieces.add(piece.offset as u64, kept) {
            Added::Contradicts => out.anomaly(direction, AppAnomaly::Overlap),
            Added::Beyond if !kept.is_empty() => out.anomaly(direction, AppAnomaly::MessageCut),
            Added::Beyond | Added::Taken => {}
        }
        let Some(bytes) = message.pieces.begin().get(..held_bytes) else { return Some(()) };
        let body = Body { bytes, is_cut: held_bytes < piece.message_bytes };
        let read = handshake.read(Carrier::Dtls, direction, piece.kind, body, out);
        self.message = None;
        read
    }
}

impl<'d> DatagramRecord<'d> {
    fn read(wire: &mut Wire<'d>) -> Option<DatagramRecord<'d>> {
        let mut ahead = *wire;
        let (kind, version, epoch) = (ahead.u8()?, ahead.u16()?, ahead.u16()?);
        let _number = (ahead.u16()?, ahead.u32()?);
        let fragment = ahead.prefixed_u16()?;
        // DTLS 1.0, 1.2, and what OpenSSL spoke before there was a standard.
        let is_so = matches!(kind, CHANGE_CIPHER_SPEC..=APPLICATION_DATA)
            && matches!(version, 0xfeff | 0xfefd | 0x0100)
            && fragment.len() <= usize::from(PROTECTED_BYTES_MAX);
        *wire = ahead;
        is_so.then_some(DatagramRecord { kind, epoch, fragment })
    }
}

impl<'d> Piece<'d> {
    fn read(wire: &mut Wire<'d>) -> Option<Piece<'d>> {
        let (kind, message_bytes) = (wire.u8()?, wire.u24()? as usize);
        let (number, offset, length) = (wire.u16()?, wire.u24()? as usize, wire.u24()? as usize);
        let bytes = wire.take(length)?;
        (offset + length <= message_bytes).then_some(Piece { kind, message_bytes, number, offset, bytes })
    }
}
