//! Kerberos 5 (RFC 4120): who asks for a ticket, for what, and what came of it.

mod message;
mod opening;
#[cfg(test)]
mod tests;

use dlp_patterns::Field;

use self::message::Ticketing;
use super::{
    AppAnomaly, AppSink,
    beside::Beside,
    messages::{Measure, Messages},
    parser::{AppParser, Outcome},
    wire::Wire,
};
use crate::flow::Direction;

pub(super) use self::opening::SIGNATURE;

/// Messages with the groups of a user in their tickets come to some ten KiB.
const MESSAGE_BYTES_MAX: u32 = 1 << 20;

/// Both ends of one flow.
#[derive(Debug, Default)]
pub(super) struct Kerberos {
    ends: [Messages; 2],
    /// Number of the next message.
    next_id: u64,
}

impl AppParser for Kerberos {
    const FIELDS: &'static [Field] = &[Field::DbError, Field::DbUser];

    fn data<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        let Kerberos { ends, next_id } = self;
        let read: Result<(), Outcome> = ends[direction as usize].read(bytes, measure, |message| {
            if message.is_cut() {
                out.anomaly(direction, AppAnomaly::MessageCut);
            }
            see(direction, message.bytes.get(4..).unwrap_or_default(), next_id, out)
        });
        read.err().unwrap_or(Outcome::More)
    }

    fn gap<S: AppSink>(&mut self, direction: Direction, bytes: u32, _: &mut Beside<'_, S>) -> Outcome {
        self.ends[direction as usize].skip(bytes).into()
    }

    fn datagram<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        see(direction, bytes, &mut self.next_id, out).err().unwrap_or(Outcome::More)
    }

    fn held_bytes(&self) -> usize {
        self.ends.iter().map(Messages::held_bytes).sum()
    }
}

fn see<S: AppSink>(
    direction: Direction,
    message: &[u8],
    next_id: &mut u64,
    out: &mut Beside<'_, S>,
) -> Result<(), Outcome> {
    let message = Ticketing::parse(message).ok_or(Outcome::GaveUp)?;
    if direction == Direction::ToServer {
        out.field(direction, Field::DbUser, message.client());
    }
    out.field(direction, Field::DbError, message.error_text());
    out.record(*next_id, |record| message.tell(record));
    *next_id += 1;
    Ok(())
}

/// RFC 4120 §7.2.2: the length does not count itself.
fn measure(bytes: &[u8]) -> Measure {
    match Wire(bytes).u32() {
        None => Measure::More,
        Some(length @ 1..=MESSAGE_BYTES_MAX) => Measure::Whole(4 + u64::from(length)),
        Some(_) => Measure::Broken,
    }
}
