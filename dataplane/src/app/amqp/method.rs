//! A method of AMQP 0-9-1 (§1.2 and on): what a peer asks for, or says that it did.

use dlp_patterns::Field;

use super::table;
use crate::app::{AppSink, Record, beside::Beside, names::named, sasl, wire::Wire};
use crate::flow::Direction;

/// A method by its class and its number, and what stands in it.
#[derive(Debug)]
pub(super) struct Method<'m> {
    name: &'static str,
    said: Said<'m>,
}

#[derive(Debug)]
enum Said<'m> {
    /// `connection.start` and `start-ok`: who a peer is, and who logs in.
    Peer {
        properties: &'m [u8],
        mechanism: &'m [u8],
        user: &'m [u8],
    },
    /// `connection.open`.
    Host(&'m [u8]),
    /// Names of a queue, an exchange, another exchange, and of a route; those that a method has.
    Names {
        queue: &'m [u8],
        exchange: &'m [u8],
        source: &'m [u8],
        route: &'m [u8],
    },
    /// Why a connection or a channel is closed, or a message comes back.
    Reason {
        code: u16,
        text: &'m [u8],
        exchange: &'m [u8],
        route: &'m [u8],
    },
    Nothing,
}

impl<'m> Method<'m> {
    /// The payload of a frame; `None` where it is too short for a method. What follows those whose parts are read is passed by.
    pub(super) fn parse(payload: &'m [u8]) -> Option<Method<'m>> {
        let mut wire = Wire(payload);
        let (class, number) = (wire.u16()?, wire.u16()?);
        let name = name(class, number);
        Some(Method { name, said: Said::parse(name, &mut wire).unwrap_or(Said::Nothing) })
    }

    /// Whether a content follows.
    pub(super) fn has_content(&self) -> bool {
        matches!(self.name, "basic.publish" | "basic.return" | "basic.deliver" | "basic.get-ok")
    }

    /// Whether a record tells of it: what only confirms another one is not worth it.
    pub(super) fn is_told(&self) -> bool {
        !self.name.is_empty()
    }

    pub(super) fn tell_fields<S: AppSink>(&self, direction: Direction, out: &mut Beside<'_, S>) {
        match self.said {
            Said::Peer { properties, user, .. } if direction == Direction::ToServer => {
                out.field(direction, Field::MqClient, client(properties));
                out.field(direction, Field::DbUser, user);
            }
            Said::Host(host) => out.field(direction, Field::DbName, host),
            Said::Names { queue, exchange, source, route } => {
                for name in [queue, exchange, source, route] {
                    out.field(direction, Field::MqTopic, name);
                }
            }
            Said::Reason { exchange, route, .. } => {
                out.field(direction, Field::MqTopic, exchange);
                out.field(direction, Field::MqTopic, route);
            }
            Said::Peer { .. } | Said::Nothing => {}
        }
    }

    pub(super) fn tell(&self, channel: u16, record: &mut Record) {
        self.kept().tell(channel, record);
    }

    /// As records tell it.
    pub(super) fn kept(&self) -> Kept {
        let mut kept = Kept { method: self.name, texts: Vec::new(), code: None };
        match self.said {
            Said::Peer { properties, mechanism, user } => {
                let of = |name: &[u8]| table::text(properties, name).unwrap_or_default();
                kept.text("product", of(b"product"));
                kept.text("version", of(b"version"));
                kept.text("platform", of(b"platform"));
                kept.text("connection_name", of(b"connection_name"));
                kept.text("mechanism", mechanism);
                kept.text("user", user);
            }
            Said::Host(host) => kept.text("virtual_host", host),
            Said::Names { queue, exchange, source, route } => {
                kept.text("queue", queue);
                kept.text("exchange", exchange);
                kept.text("source", source);
                kept.text("routing_key", route);
            }
            Said::Reason { code, text, exchange, route } => {
                kept.code = Some(code);
                kept.text("reply_text", text);
                kept.text("exchange", exchange);
                kept.text("routing_key", route);
            }
            Said::Nothing => {}
        }
        kept
    }
}

impl<'m> Said<'m> {
    fn parse(name: &str, wire: &mut Wire<'m>) -> Option<Said<'m>> {
        let none: &[u8] = &[];
        let names = |queue, exchange, source, route| Some(Said::Names { queue, exchange, source, route });
        match name {
            "connection.start" => {
                let (_major, _minor, properties) = (wire.u8()?, wire.u8()?, wire.prefixed_u32()?);
                Some(Said::Peer { properties, mechanism: wire.prefixed_u32()?, user: none })
            }
            "connection.start-ok" => {
                let (properties, mechanism) = (wire.prefixed_u32()?, wire.prefixed_u8()?);
                let response = wire.prefixed_u32()?;
                let user = match mechanism {
                    b"AMQPLAIN" => table::text(response, b"LOGIN").unwrap_or_default(),
                    _ => sasl::user(mechanism, response),
                };
                Some(Said::Peer { properties, mechanism, user })
            }
            "connection.open" => Some(Said::Host(wire.prefixed_u8()?)),
            "connection.close" | "channel.close" => {
                let (code, text) = (wire.u16()?, wire.prefixed_u8()?);
                Some(Said::Reason { code, text, exchange: none, route: none })
            }
            "basic.return" => {
                let (code, text) = (wire.u16()?, wire.prefixed_u8()?);
                let (exchange, route) = (wire.prefixed_u8()?, wire.prefixed_u8()?);
                Some(Said::Reason { code, text, exchange, route })
            }
            "basic.deliver" => {
                let (_consumer, _tag, _again) = (wire.prefixed_u8()?, wire.u64()?, wire.u8()?);
                names(none, wire.prefixed_u8()?, none, wire.prefixed_u8()?)
            }
            "basic.get-ok" => {
                let (_tag, _again) = (wire.u64()?, wire.u8()?);
                names(none, wire.prefixed_u8()?, none, wire.prefixed_u8()?)
            }
            // The others begin with two bytes that are kept free.
            "exchange.declare" | "exchange.delete" => {
                wire.u16()?;
                names(none, wire.prefixed_u8()?, none, none)
            }
            "exchange.bind" | "exchange.unbind" => {
                wire.u16()?;
                let (exchange, source) = (wire.prefixed_u8()?, wire.prefixed_u8()?);
                names(none, exchange, source, wire.prefixed_u8()?)
            }
            "queue.declare" | "queue.purge" | "queue.delete" | "basic.consume" | "basic.get" => {
                wire.u16()?;
                names(wire.prefixed_u8()?, none, none, none)
            }
            "queue.bind" | "queue.unbind" => {
                wire.u16()?;
                let (queue, exchange) = (wire.prefixed_u8()?, wire.prefixed_u8()?);
                names(queue, exchange, none, wire.prefixed_u8()?)
            }
            "basic.publish" => {
                wire.u16()?;
                names(none, wire.prefixed_u8()?, none, wire.prefixed_u8()?)
            }
            _ => None,
        }
    }
}

/// A method with its own bytes.
#[derive(Debug)]
pub(super) struct Kept {
    method: &'static str,
    texts: Vec<(&'static str, Vec<u8>)>,
    code: Option<u16>,
}

impl Kept {
    fn text(&mut self, name: &'static str, text: &[u8]) {
        if !text.is_empty() {
            self.texts.push((name, named(text)));
        }
    }

    pub(super) fn tell(&self, channel: u16, record: &mut Record) {
        record.text("method", self.method.as_bytes());
        record.number("channel", channel.into());
        for (name, text) in &self.texts {
            record.text(name, text);
        }
        if let Some(code) = self.code {
            record.number("reply_code", code.into());
        }
    }
}

/// What a client says it is: the name that its user gave it, or else its product.
fn client(properties: &[u8]) -> &[u8] {
    let name = table::text(properties, b"connection_name");
    name.or_else(|| table::text(properties, b"product")).unwrap_or_default()
}

/// Of methods that are told.
fn name(class: u16, number: u16) -> &'static str {
    match (class, number) {
        (10, 10) => "connection.start",
        (10, 11) => "connection.start-ok",
        (10, 40) => "connection.open",
        (10, 50) => "connection.close",
        (20, 40) => "channel.close",
        (40, 10) => "exchange.declare",
        (40, 20) => "exchange.delete",
        (40, 30) => "exchange.bind",
        (40, 40) => "exchange.unbind",
        (50, 10) => "queue.declare",
        (50, 20) => "queue.bind",
        (50, 30) => "queue.purge",
        (50, 40) => "queue.delete",
        (50, 50) => "queue.unbind",
        (60, 20) => "basic.consume",
        (60, 40) => "basic.publish",
        (60, 50) => "basic.return",
        (60, 60) => "basic.deliver",
        (60, 70) => "basic.get",
        (60, 71) => "basic.get-ok",
        _ => "",
    }
}
