//! OpenWire of ActiveMQ (<https://activemq.apache.org/components/classic/documentation/openwire-version-2-specification>): which
//! commands go over, and how long they are. How values within them are spelled, both ends have agreed upon.

use super::{
    AppProtocol, AppSink,
    beside::Beside,
    messages::{Measure, Message, Messages},
    parser::{AppParser, Outcome},
    signature::{Answer, Signature},
    wire::Wire,
};
use crate::flow::Direction;

/// WireFormatInfo, which both ends begin with: a length, its type, and a magic word.
pub(super) const SIGNATURE: Signature = Signature {
    protocol: AppProtocol::OpenWire,
    stream: Some(|prefix| {
        Answer::of_fields(prefix.bytes, |wire| {
            wire.u32()?;
            Some(wire.u8()? == WIRE_FORMAT_INFO && wire.take(8)? == b"ActiveMQ")
        })
    }),
    datagram: None,
};

const WIRE_FORMAT_INFO: u8 = 1;
/// `maxFrameSize` of its broker.
const COMMAND_BYTES_MAX: u32 = 100 << 20;

/// Both ends of one connection.
#[derive(Debug, Default)]
pub(super) struct OpenWire {
    ends: [Messages; 2],
    /// Number of the next command that is told.
    next_id: u64,
}

impl AppParser for OpenWire {
    fn data<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        let OpenWire { ends, next_id } = self;
        let read: Result<(), Outcome> = ends[direction as usize].read(bytes, measure, |message| {
            see(direction, message, next_id, out);
            Ok(())
        });
        read.err().unwrap_or(Outcome::More)
    }

    fn gap<S: AppSink>(&mut self, direction: Direction, bytes: u32, _: &mut Beside<'_, S>) -> Outcome {
        self.ends[direction as usize].skip(bytes).into()
    }

    fn held_bytes(&self) -> usize {
        self.ends.iter().map(Messages::held_bytes).sum()
    }
}

/// What only keeps a connection alive, or confirms, is not told.
fn see<S: AppSink>(direction: Direction, message: Message<'_>, next_id: &mut u64, out: &mut Beside<'_, S>) {
    let mut wire = Wire(message.bytes);
    let (Some(_length), Some(command)) = (wire.u32(), wire.u8()) else { return };
    let Some(name) = name(command) else { return };
    out.record(*next_id, |record| {
        record.text("command", name.as_bytes());
        record.number("command_type", command.into());
        record.text("direction", direction.as_str().as_bytes());
        record.number("bytes", message.total_bytes);
    });
    *next_id += 1;
}

fn name(command: u8) -> Option<&'static str> {
    Some(match command {
        WIRE_FORMAT_INFO => "WireFormatInfo",
        2 => "BrokerInfo",
        3 => "ConnectionInfo",
        4 => "SessionInfo",
        5 => "ConsumerInfo",
        6 => "ProducerInfo",
        7 => "TransactionInfo",
        8 => "DestinationInfo",
        9 => "RemoveSubscriptionInfo",
        11 => "ShutdownInfo",
        12 => "RemoveInfo",
        14 => "ControlCommand",
        16 => "ConnectionError",
        17 => "ConsumerControl",
        18 => "ConnectionControl",
        21 => "MessageDispatch",
        23 => "ActiveMQMessage",
        24 => "ActiveMQBytesMessage",
        25 => "ActiveMQMapMessage",
        26 => "ActiveMQObjectMessage",
        27 => "ActiveMQStreamMessage",
        28 => "ActiveMQTextMessage",
        29 => "ActiveMQBlobMessage",
        // What a broker or a client makes of it creates objects by their names (CVE-2023-46604).
        31 => "ExceptionResponse",
        _ => return None,
    })
}

/// The length does not count itself.
fn measure(bytes: &[u8]) -> Measure {
    match Wire(bytes).u32() {
        None => Measure::More,
        Some(length @ 1..=COMMAND_BYTES_MAX) => Measure::Whole(4 + u64::from(length)),
        Some(_) => Measure::Broken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{
        AppAnomaly, Value,
        conversation::{Turn, told_however_cut},
    };

    #[test]
    fn either_end_tells_and_commands_are_told() {
        let info = b"\0\0\0\x14\x01ActiveMQ\0\0\0\x0c\x01\0\0\0\0\0\0";
        told_however_cut(AppProtocol::OpenWire, &[Turn::client(info)]);
        let turns = [
            Turn::server(info),
            Turn::client(info),
            Turn::client(b"\0\0\0\x03\x1cxx\0\0\0\x01\x0a\0\0\0\x02\x1fx"),
        ];
        let recorder = told_however_cut(AppProtocol::OpenWire, &turns);
        let commands: Vec<_> =
            recorder.records().iter().filter_map(|record| record.find("command")).collect();
        let expected: [&[u8]; 4] =
            [b"WireFormatInfo", b"WireFormatInfo", b"ActiveMQTextMessage", b"ExceptionResponse"];
        assert_eq!(commands, expected.map(Value::Text));
        let broken = told_however_cut(AppProtocol::OpenWire, &[Turn::client(info), Turn::client(&[0xff; 5])]);
        assert_eq!(broken.anomalies(), [AppAnomaly::Malformed]);
        let other = b"\0\0\0\x14\x02ActiveMQ\0\0\0\x0c\x01\0\0\0\0\0\0";
        told_however_cut(AppProtocol::Unknown, &[Turn::client(other)]);
    }
}
