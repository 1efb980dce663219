//! DNS (RFC 1035) over UDP and TCP, and what shares its format: multicast DNS (RFC 6762) and LLMNR (RFC 4795).
//!
//! A message is told for itself, as soon as it is read: a request and its response are two records, as in Suricata.

mod data;
mod message;
mod name;
mod recognised;
mod registry;
#[cfg(test)]
mod tests;
mod told;

use dlp_patterns::Field;

pub(super) use self::recognised::{LLMNR_SIGNATURE, MDNS_SIGNATURE, SIGNATURE};
use self::{
    data::DataText,
    message::{Cursor, HEADER_BYTES, Header, Resource},
    name::NameError,
    registry::kind,
    told::Told,
};
use super::{
    AppAnomaly, AppSink,
    beside::Beside,
    messages::{Lost, Measure, Messages},
    parser::{AppParser, Outcome},
    wire::Wire,
};
use crate::flow::Direction;
use crate::limits::DNS_ENTRIES_READ_MAX;

/// Both directions; of datagrams nothing is remembered but how many there were.
#[derive(Debug, Default)]
pub(super) struct Dns {
    /// Messages so far.
    count: u64,
    /// Those of each direction, over TCP.
    streams: Option<Box<[Messages; 2]>>,
}

/// What a reader could not follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Name(NameError),
    /// There is more than is read.
    TooMany,
}

impl From<NameError> for Fault {
    fn from(error: NameError) -> Fault {
        Fault::Name(error)
    }
}

impl AppParser for Dns {
    const FIELDS: &'static [Field] = &[Field::DnsAnswer, Field::DnsQuery];

    fn data<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        let Dns { count, streams } = self;
        let messages = &mut streams.get_or_insert_default()[direction as usize];
        let read = messages.read(bytes, measure, |message| {
            // Its length stands in front.
            let bytes = message.bytes.get(2..).unwrap_or_default();
            tell(count, direction, bytes, message.is_cut(), out);
            Ok::<(), Lost>(())
        });
        if read.is_ok() { Outcome::More } else { Outcome::GaveUp }
    }

    fn gap<S: AppSink>(&mut self, direction: Direction, bytes: u32, _: &mut Beside<'_, S>) -> Outcome {
        let skipped = self.streams.get_or_insert_default()[direction as usize].skip(bytes);
        if skipped.is_ok() { Outcome::More } else { Outcome::GaveUp }
    }

    fn datagram<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        tell(&mut self.count, direction, bytes, false, out);
        Outcome::More
    }

    fn is_between_messages(&self) -> bool {
        self.streams.as_ref().is_none_or(|streams| !streams.iter().any(Messages::is_within))
    }
}

/// RFC 1035 §4.2.2: a message has its length in front, which does not count itself.
fn measure(bytes: &[u8]) -> Measure {
    match Wire(bytes).u16() {
        None => Measure::More,
        Some(length) if usize::from(length) < HEADER_BYTES => Measure::Broken,
        Some(length) => Measure::Whole(2 + u64::from(length)),
    }
}

/// Tells of one message, as far as it can be read.
fn tell<S: AppSink>(
    count: &mut u64,
    direction: Direction,
    message: &[u8],
    is_cut: bool,
    out: &mut Beside<'_, S>,
) {
    let Some(header) = Header::read(message) else {
        return out.anomaly(direction, AppAnomaly::Malformed);
    };
    let fault = tell_fields(header, message, direction, out).err();
    let told = Told { number: *count, header, message };
    out.record(*count, |record| {
        record.set_message_bytes(message.len());
        told.fill(record);
    });
    *count += 1;
    match fault {
        None => {}
        Some(Fault::Name(NameError::Cut)) if !is_cut => out.anomaly(direction, AppAnomaly::Malformed),
        Some(Fault::Name(NameError::Cut) | Fault::TooMany) => {
            out.anomaly(direction, AppAnomaly::MessageCut);
        }
        Some(Fault::Name(NameError::Loop)) => out.anomaly(direction, AppAnomaly::DnsPointerLoop),
        Some(Fault::Name(NameError::TooLong)) => out.anomaly(direction, AppAnomaly::DnsNameTooLong),
    }
}

/// Draws out names and answers, and reads the rest of the message to see whether it is sound.
fn tell_fields<S: AppSink>(
    header: Header,
    message: &[u8],
    direction: Direction,
    out: &mut Beside<'_, S>,
) -> Result<(), Fault> {
    let mut cursor = Cursor::new(message);
    let mut left = DNS_ENTRIES_READ_MAX;
    let mut count = || {
        left = left.checked_sub(1).ok_or(Fault::TooMany)?;
        Ok::<(), Fault>(())
    };
    let [questions, answers, others @ ..] = header.counts;
    for _ in 0..questions {
        count()?;
        out.field(direction, Field::DnsQuery, cursor.question()?.name.bytes());
    }
    for _ in 0..answers {
        count()?;
        let resource = cursor.resource()?;
        tell_answer(message, &resource, direction, out);
    }
    for _ in 0..others.map(u32::from).iter().sum() {
        count()?;
        cursor.resource()?;
    }
    Ok(())
}

fn tell_answer<S: AppSink>(
    message: &[u8],
    resource: &Resource,
    direction: Direction,
    out: &mut Beside<'_, S>,
) {
    let data = message.get(resource.data.0..resource.data.1).unwrap_or_default();
    match resource.kind {
        kind::NULL => out.field(direction, Field::DnsAnswer, data),
        kind::TXT | kind::SPF => {
            let mut wire = Wire(data);
            let strings = std::iter::from_fn(|| wire.prefixed_u8());
            out.field_of(direction, Field::DnsAnswer, strings);
        }
        _ => out.field(direction, Field::DnsAnswer, DataText::of(message, resource).bytes()),
    }
}
