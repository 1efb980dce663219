//! Records of Kafka, of all three formats: <https://kafka.apache.org/documentation/#recordbatch>.

use dlp_patterns::Field;

use super::reader::signed;
use crate::app::{AppAnomaly, AppSink, Record, beside::Beside, wire::Wire};
use crate::content::{Codings, Decoding};
use crate::flow::Direction;
use crate::limits::{KAFKA_DECODED_BYTES_MAX, KAFKA_RECORDS_TOLD_MAX};

/// What records of one message came to.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// As their batches say.
    count: u64,
    compression: Option<Compression>,
    /// Records that were read.
    read: usize,
    is_cut: bool,
    /// Bytes that came out of compressed batches.
    decoded_bytes: usize,
    /// Whether more would have come out than may.
    is_capped: bool,
}

/// How a batch is compressed: the lowest three bits of its attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compression {
    Gzip,
    Snappy,
    Lz4,
    Zstd,
    Unknown,
}

/// Bytes that are decompressed at a time.
const PIECE_BYTES: usize = 512;

const COMPRESSION: u16 = 7;
/// Of batches that transactions write: nothing of it is a message.
const CONTROL: u16 = 0x20;

impl Compression {
    fn of(attributes: u16) -> Option<Compression> {
        Some(match attributes & COMPRESSION {
            0 => return None,
            1 => Compression::Gzip,
            2 => Compression::Snappy,
            3 => Compression::Lz4,
            4 => Compression::Zstd,
            _ => Compression::Unknown,
        })
    }

    fn as_str(self) -> &'static str {
        match self {
            Compression::Gzip => "gzip",
            Compression::Snappy => "snappy",
            Compression::Lz4 => "lz4",
            Compression::Zstd => "zstd",
            Compression::Unknown => "unknown",
        }
    }
}

impl Records {
    /// Reads batches one behind the other, the last of which may be cut off; what is in them is told.
    pub(super) fn read<S: AppSink>(&mut self, direction: Direction, bytes: &[u8], out: &mut Beside<'_, S>) {
        let mut wire = Wire(bytes);
        while let Some(batch) = take_batch(&mut wire) {
            // The magic stands at the same place in all formats.
            let told = match batch.get(4) {
                Some(0 | 1) => self.message(direction, batch, true, out),
                Some(2) => self.batch(direction, batch, out),
                _ => None,
            };
            if told.is_none() {
                break;
            }
        }
        if std::mem::take(&mut self.is_cut) {
            out.anomaly(direction, AppAnomaly::MessageCut);
        }
    }

    /// A batch of version 2.
    fn batch<S: AppSink>(
        &mut self,
        direction: Direction,
        batch: &[u8],
        out: &mut Beside<'_, S>,
    ) -> Option<()> {
        let mut wire = Wire(batch);
        let (_epoch, _magic, _crc, attributes) = (wire.u32()?, wire.u8()?, wire.u32()?, wire.u16()?);
        let (_last_offset, _first_time, _last_time) = (wire.u32()?, wire.u64()?, wire.u64()?);
        let (_producer, _producer_epoch, _sequence) = (wire.u64()?, wire.u16()?, wire.u32()?);
        let count = wire.u32()?;
        if attributes & CONTROL != 0 {
            return Some(());
        }
        self.count += u64::from(count);
        match Compression::of(attributes) {
            None => self.records(direction, wire, out),
            Some(compression) => {
                self.compression = Some(compression);
                let plain = self.decompress(compression, wire.rest(), direction, out);
                self.records(direction, Wire(&plain), out);
            }
        }
        Some(())
    }

    fn records<S: AppSink>(&mut self, direction: Direction, mut wire: Wire<'_>, out: &mut Beside<'_, S>) {
        while !wire.is_empty() && self.record(direction, &mut wire, out).is_some() {}
    }

    /// Key, value and values of headers.
    fn record<S: AppSink>(
        &mut self,
        direction: Direction,
        wire: &mut Wire<'_>,
        out: &mut Beside<'_, S>,
    ) -> Option<()> {
        let length = usize::try_from(signed(wire)?).ok()?;
        let mut record = Wire(wire.take(length.min(wire.rest().len()))?);
        let (_attributes, _time, _offset) = (record.u8()?, signed(&mut record)?, signed(&mut record)?);
        self.next()?;
        for _key_and_value in 0..2 {
            out.field(direction, Field::MqMessage, take_signed(&mut record)?);
        }
        for _ in 0..signed(&mut record)? {
            self.next()?;
            let _name = take_signed(&mut record)?;
            out.field(direction, Field::MqMessage, take_signed(&mut record)?);
        }
        Some(())
    }

    /// A message of version 0 or 1; a compressed one has others as its value.
    fn message<S: AppSink>(
        &mut self,
        direction: Direction,
        message: &[u8],
        is_outer: bool,
        out: &mut Beside<'_, S>,
    ) -> Option<()> {
        let mut wire = Wire(message);
        let (_crc, magic, attributes) = (wire.u32()?, wire.u8()?, wire.u8()?);
        if magic == 1 {
            let _time = wire.u64()?;
        }
        let key = take_plain(&mut wire)?;
        let value = take_plain(&mut wire)?;
        let compression = Compression::of(attributes.into()).filter(|_| is_outer);
        if let Some(compression) = compression {
            self.compression = Some(compression);
            let plain = self.decompress(compression, value, direction, out);
            let mut inner = Wire(&plain);
            while let Some(message) = take_batch(&mut inner) {
                self.message(direction, message, false, out)?;
            }
            return Some(());
        }
        self.next()?;
        self.count += 1;
        out.field(direction, Field::MqMessage, key);
        out.field(direction, Field::MqMessage, value);
        Some(())
    }

    /// What comes out of compressed records, as far as they are there; nothing of those whose coding is not known here.
    fn decompress<S: AppSink>(
        &mut self,
        compression: Compression,
        bytes: &[u8],
        direction: Direction,
        out: &mut Beside<'_, S>,
    ) -> Vec<u8> {
        let mut plain = Vec::new();
        if !matches!(compression, Compression::Gzip | Compression::Zstd) || self.is_capped {
            return plain;
        }
        let mut codings = Codings::default();
        codings.push(compression.as_str().as_bytes());
        let Ok(mut decoding) = Decoding::begin(&codings, out.decoders) else {
            out.anomaly(direction, AppAnomaly::ContentMemory);
            return plain;
        };
        let room = KAFKA_DECODED_BYTES_MAX - self.decoded_bytes;
        let mut pushed = Ok(());
        // Piece by piece, so that little is decompressed beyond the cap.
        for piece in bytes.chunks(PIECE_BYTES) {
            if pushed.is_err() || self.is_capped {
                break;
            }
            pushed = decoding.push(piece, out.decoders, |decoded, _| {
                let room = room - plain.len();
                self.is_capped |= decoded.len() > room;
                plain.extend_from_slice(decoded.get(..room).unwrap_or(decoded));
            });
        }
        // Where the message was cut it is not complete, which is told of the message.
        let _incomplete = decoding.end(out.decoders);
        self.decoded_bytes += plain.len();
        if let Err(undecoded) = pushed {
            out.anomaly(direction, undecoded.into());
        }
        // A batch may be long: what comes out of it is cut like what comes as it is.
        self.is_cut |= self.is_capped;
        plain
    }

    pub(super) fn tell(&self, record: &mut Record) {
        if self.count > 0 {
            record.number("records", self.count);
        }
        if let Some(compression) = self.compression {
            record.text("compression", compression.as_str().as_bytes());
        }
    }

    /// Counts a record that is read; `None` where it is one too many.
    fn next(&mut self) -> Option<()> {
        self.is_cut |= self.read == KAFKA_RECORDS_TOLD_MAX;
        self.read += 1;
        (self.read <= KAFKA_RECORDS_TOLD_MAX).then_some(())
    }
}

/// A batch, or a message of the old formats, behind its offset and its length; the last one as far as it is there.
fn take_batch<'w>(wire: &mut Wire<'w>) -> Option<&'w [u8]> {
    let (_offset, length) = (wire.u64()?, usize::try_from(wire.u32()?).ok()?);
    wire.take(length.min(wire.rest().len()))
}

/// Bytes with their length in front, as far as they are there; of null none.
fn take_signed<'w>(wire: &mut Wire<'w>) -> Option<&'w [u8]> {
    let length = usize::try_from(signed(wire)?).unwrap_or(0);
    wire.take(length.min(wire.rest().len()))
}

/// The same with a length of four bytes.
fn take_plain<'w>(wire: &mut Wire<'w>) -> Option<&'w [u8]> {
    let length = match wire.u32()? {
        u32::MAX => 0,
        length => usize::try_from(length).ok()?,
    };
    wire.take(length.min(wire.rest().len()))
}
