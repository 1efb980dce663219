//! One operation of NATS: a line.

use std::borrow::Cow;

use dlp_patterns::Field;
use serde::Deserialize;

use crate::app::{AppSink, Record, beside::Beside};
use crate::flow::Direction;
use crate::limits::NATS_MESSAGE_BYTES_MAX;

/// An operation and what it says.
#[derive(Debug)]
pub(super) struct Operation<'o> {
    /// In capital letters, as the protocol has it; clients may spell it otherwise.
    name: &'static str,
    said: Said<'o>,
}

#[derive(Debug)]
enum Said<'o> {
    /// INFO and CONNECT.
    Introduced(Introduction<'o>),
    /// PUB, HPUB, MSG, HMSG.
    Message {
        subject: &'o [u8],
        subscription: &'o [u8],
        reply: &'o [u8],
        bytes: u64,
    },
    /// SUB, UNSUB.
    Subscribed {
        subject: &'o [u8],
        queue: &'o [u8],
        subscription: &'o [u8],
    },
    Error(&'o [u8]),
    Nothing,
}

/// Of INFO and CONNECT what is no secret.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Introduction<'o> {
    #[serde(borrow)]
    user: Option<Cow<'o, str>>,
    #[serde(borrow)]
    name: Option<Cow<'o, str>>,
    #[serde(borrow)]
    lang: Option<Cow<'o, str>>,
    #[serde(borrow)]
    version: Option<Cow<'o, str>>,
    #[serde(borrow)]
    server_id: Option<Cow<'o, str>>,
    #[serde(borrow)]
    server_name: Option<Cow<'o, str>>,
    tls_required: Option<bool>,
    auth_required: Option<bool>,
}

const NAMES: [&str; 12] =
    ["INFO", "CONNECT", "PUB", "HPUB", "SUB", "UNSUB", "MSG", "HMSG", "PING", "PONG", "+OK", "-ERR"];
/// Words of a line, its name included; HMSG has six.
const WORDS_MAX: usize = 6;

impl<'o> Operation<'o> {
    /// A line without its end; `None` where it is no operation. Of a line that is cut nothing is known but its name.
    pub(super) fn parse(line: &'o [u8], is_cut: bool) -> Option<Operation<'o>> {
        let end = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
        let (word, arguments) = line.split_at(end);
        let name = NAMES.into_iter().find(|name| word.eq_ignore_ascii_case(name.as_bytes()))?;
        let arguments = arguments.trim_ascii();
        let said = match name {
            "INFO" | "CONNECT" if is_cut => Said::Nothing,
            "INFO" | "CONNECT" => serde_json::from_slice(arguments).map_or(Said::Nothing, Said::Introduced),
            "-ERR" => Said::Error(arguments),
            "PING" | "PONG" | "+OK" => Said::Nothing,
            _ => Said::of_words(name, arguments)?,
        };
        Some(Operation { name, said })
    }

    /// How long the message is that follows, where one does.
    pub(super) fn message_bytes(&self) -> Option<u64> {
        if let Said::Message { bytes, .. } = self.said { Some(bytes) } else { None }
    }

    /// Whether a record tells of it.
    pub(super) fn is_told(&self) -> bool {
        !matches!(self.name, "PING" | "PONG" | "+OK")
    }

    pub(super) fn tell_fields<S: AppSink>(&self, direction: Direction, out: &mut Beside<'_, S>) {
        let text = |text: &Option<Cow<'o, str>>| text.as_deref().unwrap_or_default().as_bytes().to_vec();
        match &self.said {
            Said::Introduced(introduced) if self.name == "CONNECT" => {
                out.field(direction, Field::MqClient, &text(&introduced.name));
                out.field(direction, Field::DbUser, &text(&introduced.user));
            }
            Said::Message { subject, .. } | Said::Subscribed { subject, .. } => {
                out.field(direction, Field::MqTopic, subject);
            }
            Said::Introduced(_) | Said::Error(_) | Said::Nothing => {}
        }
    }

    pub(super) fn tell(&self, record: &mut Record) {
        record.text("command", self.name.as_bytes());
        match &self.said {
            Said::Introduced(introduced) => introduced.tell(record),
            Said::Message { subject, subscription, reply, bytes } => {
                record.text("subject", subject);
                record.text_if_any("sid", subscription);
                record.text_if_any("reply_to", reply);
                record.number("message_bytes", *bytes);
            }
            Said::Subscribed { subject, queue, subscription } => {
                record.text_if_any("subject", subject);
                record.text_if_any("queue_group", queue);
                record.text("sid", subscription);
            }
            Said::Error(error) => record.text("error", error),
            Said::Nothing => {}
        }
    }
}

impl<'o> Said<'o> {
    fn of_words(name: &str, arguments: &'o [u8]) -> Option<Said<'o>> {
        let mut words = [&[][..]; WORDS_MAX];
        let mut count = 0;
        for word in arguments.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()) {
            *words.get_mut(count)? = word;
            count += 1;
        }
        let none: &[u8] = &[];
        let message = |subject, subscription, reply, bytes| {
            Some(Said::Message { subject, subscription, reply, bytes: number(bytes)? })
        };
        match (name, words.get(..count)?) {
            ("PUB", &[subject, bytes]) | ("HPUB", &[subject, _, bytes]) => {
                message(subject, none, none, bytes)
            }
            ("PUB", &[subject, reply, bytes]) | ("HPUB", &[subject, reply, _, bytes]) => {
                message(subject, none, reply, bytes)
            }
            ("MSG", &[subject, of, bytes]) | ("HMSG", &[subject, of, _, bytes]) => {
                message(subject, of, none, bytes)
            }
            ("MSG", &[subject, of, reply, bytes]) | ("HMSG", &[subject, of, reply, _, bytes]) => {
                message(subject, of, reply, bytes)
            }
            ("SUB", &[subject, subscription]) => {
                Some(Said::Subscribed { subject, queue: none, subscription })
            }
            ("SUB", &[subject, queue, subscription]) => {
                Some(Said::Subscribed { subject, queue, subscription })
            }
            ("UNSUB", &[subscription] | &[subscription, _]) => {
                Some(Said::Subscribed { subject: none, queue: none, subscription })
            }
            _ => None,
        }
    }
}

impl Introduction<'_> {
    fn tell(&self, record: &mut Record) {
        let texts = [
            ("server_id", &self.server_id),
            ("server_name", &self.server_name),
            ("name", &self.name),
            ("user", &self.user),
            ("lang", &self.lang),
            ("version", &self.version),
        ];
        for (name, text) in texts {
            record.text_if_any(name, text.as_deref().unwrap_or_default().as_bytes());
        }
        for (name, flag) in [("tls_required", self.tls_required), ("auth_required", self.auth_required)] {
            if let Some(flag) = flag {
                record.flag(name, flag);
            }
        }
    }
}

/// Bytes of a message.
fn number(digits: &[u8]) -> Option<u64> {
    let number: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (number <= NATS_MESSAGE_BYTES_MAX).then_some(number)
}
