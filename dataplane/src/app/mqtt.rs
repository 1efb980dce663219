//! MQTT 3.1, 3.1.1 and 5 (<https://docs.oasis-open.org/mqtt/mqtt/v5.0/mqtt-v5.0.html>).

mod opening;
mod packet;
#[cfg(test)]
mod tests;

use dlp_patterns::Field;

use self::packet::{Body, Head, Packet};
use super::{
    AppAnomaly, AppSink,
    beside::Beside,
    messages::{Measure, Message, Messages},
    parser::{AppParser, Outcome},
    pending::Pending,
    wire::Wire,
};
use crate::flow::Direction;

pub(super) use self::opening::SIGNATURE;

/// Both ends of one connection; of one that was picked up the broker may have spoken first.
#[derive(Debug, Default)]
pub(super) struct Mqtt {
    ends: [Messages; 2],
    session: Session,
}

#[derive(Debug, Default)]
struct Session {
    /// As a CONNECT said; 0 before.
    version: u8,
    is_connected: bool,
    /// Whether it was told that packets come before the connection is made.
    is_told_early: bool,
    pending: Pending<Exchange>,
    next_id: u64,
}

/// Packets that belong together, of which more are to come.
#[derive(Debug)]
struct Exchange {
    id: u64,
    /// Who began it.
    direction: Direction,
    /// The kind of packet that comes next, from the other end or, where it is a PUBREL, from this one.
    awaits: u8,
    /// Of its packets; 0 of a CONNECT.
    packet_id: u16,
    packets: Vec<Packet>,
}

impl AppParser for Mqtt {
    const FIELDS: &'static [Field] = &[Field::MqTopic, Field::MqClient, Field::MqMessage, Field::DbUser];

    fn data<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        let Mqtt { ends, session } = self;
        let read: Result<(), Outcome> =
            ends[direction as usize].read(bytes, measure, |message| session.packet(direction, message, out));
        read.err().unwrap_or(Outcome::More)
    }

    fn gap<S: AppSink>(&mut self, direction: Direction, bytes: u32, _: &mut Beside<'_, S>) -> Outcome {
        self.ends[direction as usize].skip(bytes).into()
    }

    fn finish<S: AppSink>(&mut self, out: &mut Beside<'_, S>) {
        while let Some(exchange) = self.session.pending.pop() {
            exchange.tell(None, out);
        }
    }

    fn held_bytes(&self) -> usize {
        self.ends.iter().map(Messages::held_bytes).sum::<usize>() + self.session.pending.held_bytes_of(6)
    }

    fn is_between_messages(&self) -> bool {
        self.session.pending.is_empty()
    }
}

impl Session {
    fn packet<S: AppSink>(
        &mut self,
        direction: Direction,
        message: Message<'_>,
        out: &mut Beside<'_, S>,
    ) -> Result<(), Outcome> {
        let mut wire = Wire(message.bytes);
        let head = Head::look(&mut wire).flatten().ok_or(Outcome::GaveUp)?;
        if head.kind == 0 || head.kind == packet::AUTH && self.version != 5 && self.version != 0 {
            out.anomaly(direction, AppAnomaly::MqttUnassignedMessageType);
            return Ok(());
        }
        let body = Body::parse(head, self.version, wire.rest()).ok_or(Outcome::GaveUp)?;
        self.judge(direction, head, &body, out);
        tell_fields(direction, head, &body, out);
        if message.is_cut() {
            out.anomaly(direction, AppAnomaly::MessageCut);
        }
        if let Body::Connect(connect) = &body {
            self.version = connect.version;
        }
        if let Some(awaits) = awaited(head) {
            self.begin(direction, awaits, (head, &body, wire.rest()), out);
        } else {
            self.go_on(direction, (head, &body, wire.rest()), out);
        }
        self.is_connected |= head.kind == packet::CONNACK;
        Ok(())
    }

    /// What is wrong with a packet, whatever came before.
    fn judge<S: AppSink>(
        &mut self,
        direction: Direction,
        head: Head,
        body: &Body<'_>,
        out: &mut Beside<'_, S>,
    ) {
        let is_opening = matches!(head.kind, packet::CONNECT | packet::CONNACK | packet::AUTH);
        if head.kind == packet::CONNECT && self.is_connected {
            out.anomaly(direction, AppAnomaly::MqttDoubleConnect);
        } else if !is_opening && !self.is_connected && !std::mem::replace(&mut self.is_told_early, true) {
            out.anomaly(direction, AppAnomaly::MqttUnintroducedMessage);
        }
        let is_bad = |(_, options): (&[u8], u8)| options & 3 == 3;
        let is_subscription = head.kind == packet::SUBSCRIBE && body.filters(true).any(is_bad);
        if head.kind == packet::PUBLISH && head.qos == 3 || is_subscription {
            out.anomaly(direction, AppAnomaly::MqttInvalidQos);
        }
        let needs_id = head.kind != packet::PUBLISH || head.qos > 0;
        if body.id() == Some(0) && needs_id {
            out.anomaly(direction, AppAnomaly::MqttMissingId);
        }
    }

    /// An exchange begins.
    fn begin<S: AppSink>(
        &mut self,
        direction: Direction,
        awaits: u8,
        (head, body, bytes): (Head, &Body<'_>, &[u8]),
        out: &mut Beside<'_, S>,
    ) {
        let packets = vec![Packet::kept(head, self.version, bytes)];
        let packet_id = body.id().unwrap_or(0);
        let exchange = Exchange { id: self.next_id, direction, awaits, packet_id, packets };
        self.next_id += 1;
        self.pending.hold(exchange, direction, out, |exchange, out| exchange.tell(None, out));
    }

    /// A packet that goes on with an exchange, or is told for itself.
    fn go_on<S: AppSink>(
        &mut self,
        direction: Direction,
        (head, body, bytes): (Head, &Body<'_>, &[u8]),
        out: &mut Beside<'_, S>,
    ) {
        let id = body.id().unwrap_or(0);
        let other = if head.kind == packet::PUBREL { direction } else { direction.opposite() };
        let is_next = |exchange: &Exchange| {
            (exchange.awaits, exchange.packet_id, exchange.direction) == (head.kind, id, other)
        };
        let after = match head.kind {
            packet::PUBREC => Some(packet::PUBREL),
            packet::PUBREL => Some(packet::PUBCOMP),
            _ => None,
        };
        if let Some(awaits) = after
            && let Some(exchange) = self.pending.find(is_next)
        {
            exchange.awaits = awaits;
            exchange.packets.push(Packet::kept(head, self.version, bytes));
            return;
        }
        if let Some(exchange) = self.pending.take(is_next) {
            return exchange.tell(Some((head, body)), out);
        }
        if let Some(missing) = missing(head.kind) {
            out.anomaly(direction, missing);
        }
        out.record(self.next_id, |record| packet::tell(head, body, record));
        self.next_id += 1;
    }
}

impl Exchange {
    fn tell<S: AppSink>(&self, last: Option<(Head, &Body<'_>)>, out: &mut Beside<'_, S>) {
        out.record(self.id, |record| {
            self.packets.iter().for_each(|packet| packet.tell(record));
            if let Some((head, body)) = last {
                packet::tell(head, body, record);
            }
        });
    }
}

fn tell_fields<S: AppSink>(direction: Direction, head: Head, body: &Body<'_>, out: &mut Beside<'_, S>) {
    match body {
        Body::Connect(connect) => {
            out.field(direction, Field::MqClient, connect.client);
            out.field(direction, Field::DbUser, connect.user);
            out.field(direction, Field::MqTopic, connect.will_topic);
            out.field(direction, Field::MqMessage, connect.will_message);
        }
        Body::Publish { topic, message, .. } => {
            out.field(direction, Field::MqTopic, topic);
            out.field(direction, Field::MqMessage, message);
        }
        Body::Filters { .. } => {
            for (filter, _) in body.filters(head.kind == packet::SUBSCRIBE) {
                out.field(direction, Field::MqTopic, filter);
            }
        }
        _ => {}
    }
}

/// What an exchange waits for that begins with such a packet.
fn awaited(head: Head) -> Option<u8> {
    match (head.kind, head.qos) {
        (packet::CONNECT, _) => Some(packet::CONNACK),
        (packet::PUBLISH, 1) => Some(packet::PUBACK),
        (packet::PUBLISH, 2) => Some(packet::PUBREC),
        (packet::SUBSCRIBE, _) => Some(packet::SUBACK),
        (packet::UNSUBSCRIBE, _) => Some(packet::UNSUBACK),
        (packet::PINGREQ, _) => Some(packet::PINGRESP),
        _ => None,
    }
}

/// What is missing where such a packet goes on with nothing.
fn missing(kind: u8) -> Option<AppAnomaly> {
    match kind {
        packet::CONNACK => Some(AppAnomaly::MqttMissingConnect),
        packet::PUBACK..=packet::PUBCOMP => Some(AppAnomaly::MqttMissingPublish),
        packet::SUBACK => Some(AppAnomaly::MqttMissingSubscribe),
        packet::UNSUBACK => Some(AppAnomaly::MqttMissingUnsubscribe),
        _ => None,
    }
}

fn measure(bytes: &[u8]) -> Measure {
    let mut wire = Wire(bytes);
    match Head::look(&mut wire) {
        None => Measure::More,
        Some(None) => Measure::Broken,
        Some(Some(head)) => Measure::Whole((bytes.len() - wire.rest().len()) as u64 + head.length),
    }
}
