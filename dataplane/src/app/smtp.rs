//! SMTP (RFC 5321): envelopes, and the mails in them.

use std::collections::VecDeque;

use dlp_patterns::Field;
use memchr::memmem;

use super::{
    AppAnomaly, AppProtocol, AppSink, Record,
    beside::Beside,
    carried_file::FileEnd,
    command_line::CommandLine,
    lines::{Line, Lines},
    mail::{Email, Mail},
    parser::{AppParser, Outcome},
    record::kept,
    signature::{Answer, Prefix, Signature},
};
use crate::flow::Direction;
use crate::limits::{COMMANDS_PENDING_MAX, MAIL_ADDRESSES_TOLD_MAX};

/// A server greets with its name and what it speaks (RFC 5321 §4.3.1); a client with its own name.
pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Smtp, stream: Some(signature), datagram: None };

const GREETINGS: &[&[u8]] = &[b"220 ", b"220-", b"421 ", b"554 ", b"554-"];
const HELLOS: &[&[u8]] = &[b"EHLO ", b"EHLO\r", b"EHLO\n", b"HELO ", b"HELO\r", b"HELO\n", b"LHLO "];

fn signature(prefix: Prefix<'_>) -> Answer {
    let names_it = |line: &[u8]| memmem::find(&line.to_ascii_uppercase(), b"SMTP").is_some();
    let greeting = || prefix.first_line(names_it);
    let hello = Answer::begins_any_case(prefix.bytes, HELLOS);
    Answer::begins_any(prefix.bytes, GREETINGS).and(greeting).or(hello)
}

/// Both ends: the client's commands and mails, and which of them the server has answered.
#[derive(Debug, Default)]
pub(super) struct Smtp {
    commands: Lines,
    replies: Lines,
    reading: Reading,
    /// Whether the server has said its first word, which answers no command (RFC 5321 §3.1).
    is_greeted: bool,
    /// Commands without an answer, the oldest first.
    pending: VecDeque<Sent>,
    hello: Vec<u8>,
    /// Whether there was one, however it named the client.
    has_hello: bool,
    envelope: Envelope,
    /// Number of the envelope at hand.
    id: u64,
    /// Whether the client's next line is what it proves itself with.
    is_challenged: bool,
    is_injection_told: bool,
}

/// What the client's bytes are.
#[derive(Debug, Default)]
enum Reading {
    #[default]
    Commands,
    /// A mail up to a line of a dot.
    Mail(Box<Mail>),
    /// So many bytes of a mail, which may be the last ones (RFC 3030 §2).
    Chunk { left_bytes: u64, is_last: bool },
}

/// Sender and recipients of one mail, and what was read of it.
#[derive(Debug, Default)]
struct Envelope {
    from: Option<Vec<u8>>,
    to: Vec<Vec<u8>>,
    /// A mail that comes in chunks, between two of them.
    mail: Option<Box<Mail>>,
}

/// A command that waits for its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Data,
    /// The end of a mail.
    Dot,
    StartTls,
    Auth,
    Other,
}

/// What follows behind a line of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    Mail,
    Chunk { bytes: u64, is_last: bool },
    GaveUp,
}

/// What the server's answer changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answered {
    /// What follows is encrypted.
    Encrypted,
    /// The mail under way is over, or is not taken.
    MailOver,
    /// The client is not who it says it is.
    LoginRefused,
}

impl Envelope {
    fn tell(&self, hello: &[u8], record: &mut Record) {
        record.text_if_any("helo", hello);
        if let Some(from) = &self.from {
            record.text("mail_from", from);
        }
        if !self.to.is_empty() {
            record.list("rcpt_to", |record| self.to.iter().for_each(|to| record.text("", to)));
        }
    }
}

impl AppParser for Smtp {
    const FIELDS: &'static [Field] = &[
        Field::Command,
        Field::MailEnvelope,
        Field::MailHeaders,
        Field::MailBody,
        Field::FileName,
        Field::FileData,
    ];

    fn data<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        match direction {
            Direction::ToServer => self.client(bytes, out),
            Direction::ToClient => self.server(bytes, out),
        }
    }

    /// Where the mail ends is not known any more.
    fn gap<S: AppSink>(&mut self, _: Direction, _bytes: u32, out: &mut Beside<'_, S>) -> Outcome {
        self.end(FileEnd::Gap, out);
        Outcome::GaveUp
    }

    fn finish<S: AppSink>(&mut self, out: &mut Beside<'_, S>) {
        self.end(FileEnd::Truncated, out);
    }

    fn is_between_messages(&self) -> bool {
        matches!(self.reading, Reading::Commands) && self.envelope.from.is_none()
    }

    fn held_bytes(&self) -> usize {
        let Envelope { from, to, mail } = &self.envelope;
        let addresses = to.iter().chain(from).map(Vec::capacity).sum::<usize>();
        let mail = mail.as_ref().map_or(0, |mail| mail.held_bytes());
        self.commands.held_bytes() + self.replies.held_bytes() + addresses + mail
    }
}

impl Smtp {
    fn client<S: AppSink>(&mut self, bytes: &mut &[u8], out: &mut Beside<'_, S>) -> Outcome {
        while !bytes.is_empty() {
            match &mut self.reading {
                Reading::Commands => {
                    let mut commands = std::mem::take(&mut self.commands);
                    let read = commands.read(bytes, |line| self.command(line, out));
                    self.commands = commands;
                    match read {
                        Ok(()) => {}
                        Err(Stop::GaveUp) => return Outcome::GaveUp,
                        Err(Stop::Mail) => {
                            // Behind chunks it is out of order (RFC 3030 §3): whoever takes it adds to them.
                            let begun = self.envelope.mail.take();
                            self.reading = Reading::Mail(begun.unwrap_or_else(|| self.new_mail()));
                        }
                        Err(Stop::Chunk { bytes, is_last }) => self.begin_chunk(bytes, is_last, out),
                    }
                }
                Reading::Mail(mail) => {
                    if mail.dotted(bytes, out) {
                        self.end_mail(FileEnd::Closed, out);
                        if self.expect(Sent::Dot).is_err() {
                            return Outcome::GaveUp;
                        }
                    }
                }
                Reading::Chunk { left_bytes, is_last } => {
                    let count = usize::try_from(*left_bytes).unwrap_or(usize::MAX).min(bytes.len());
                    let (chunk, rest) = bytes.split_at(count);
                    *left_bytes -= count as u64;
                    let (is_over, is_last) = (*left_bytes == 0, *is_last);
                    if let Some(mail) = &mut self.envelope.mail {
                        mail.data(chunk, out);
                    }
                    *bytes = rest;
                    if is_over {
                        self.end_chunk(is_last, out);
                    }
                }
            }
        }
        Outcome::More
    }

    /// One line of the client (RFC 5321 §4.1).
    fn command<S: AppSink>(&mut self, line: Line<'_>, out: &mut Beside<'_, S>) -> Result<(), Stop> {
        if std::mem::replace(&mut self.is_challenged, false) {
            return Ok(());
        }
        if self.pending.contains(&Sent::StartTls) && !std::mem::replace(&mut self.is_injection_told, true) {
            out.anomaly(Direction::ToServer, AppAnomaly::StartTlsInjection);
        }
        if line.is_cut {
            out.anomaly(Direction::ToServer, AppAnomaly::MessageCut);
        }
        let line = line.bytes;
        let command = CommandLine::parse(line);
        if command.is(b"AUTH") {
            // RFC 4954 §4: the mechanism, and what it may begin with.
            out.field(Direction::ToServer, Field::Command, &command.masked(1));
            return self.expect(Sent::Auth);
        }
        out.field(Direction::ToServer, Field::Command, line);
        if command.is_any(&[b"EHLO", b"HELO", b"LHLO"]) {
            self.reset(out);
            (self.hello, self.has_hello) = (kept(command.arguments), true);
        } else if command.is(b"MAIL") {
            self.reset(out);
            self.envelope.from = Some(address(command.arguments, b"FROM:", out));
        } else if command.is(b"RCPT") {
            let to = address(command.arguments, b"TO:", out);
            if self.envelope.to.len() < MAIL_ADDRESSES_TOLD_MAX {
                self.envelope.to.push(to);
            }
        } else if command.is(b"RSET") {
            self.reset(out);
        } else if command.is(b"DATA") {
            self.expect(Sent::Data)?;
            return Err(Stop::Mail);
        } else if command.is(b"BDAT") {
            return self.bdat(command.arguments);
        } else if command.is(b"STARTTLS") {
            return self.expect(Sent::StartTls);
        }
        self.expect(Sent::Other)
    }

    /// RFC 3030 §2: `BDAT` and how many bytes follow, and whether they are the last.
    fn bdat(&mut self, arguments: &[u8]) -> Result<(), Stop> {
        let mut words = arguments.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let digits = words.next().and_then(|word| std::str::from_utf8(word).ok());
        let bytes = digits.and_then(|digits| digits.parse().ok());
        let is_last = words.next().map(|word| word.eq_ignore_ascii_case(b"LAST"));
        // No chunk follows a command that is none.
        let (Some(bytes), None | Some(true)) = (bytes, is_last) else { return self.expect(Sent::Other) };
        let is_last = is_last.is_some();
        self.expect(if is_last { Sent::Dot } else { Sent::Other })?;
        Err(Stop::Chunk { bytes, is_last })
    }

    fn expect(&mut self, sent: Sent) -> Result<(), Stop> {
        if self.pending.len() == COMMANDS_PENDING_MAX {
            return Err(Stop::GaveUp);
        }
        self.pending.push_back(sent);
        Ok(())
    }

    fn new_mail(&self) -> Box<Mail> {
        Box::new(Mail::new(Direction::ToServer, self.id))
    }

    fn begin_chunk<S: AppSink>(&mut self, left_bytes: u64, is_last: bool, out: &mut Beside<'_, S>) {
        if self.envelope.mail.is_none() {
            self.envelope.mail = Some(self.new_mail());
        }
        if left_bytes > 0 {
            self.reading = Reading::Chunk { left_bytes, is_last };
        } else {
            self.end_chunk(is_last, out);
        }
    }

    fn end_chunk<S: AppSink>(&mut self, is_last: bool, out: &mut Beside<'_, S>) {
        self.reading = Reading::Commands;
        if is_last && let Some(mail) = self.envelope.mail.take() {
            self.reading = Reading::Mail(mail);
            self.end_mail(FileEnd::Closed, out);
        }
    }

    fn server<S: AppSink>(&mut self, bytes: &mut &[u8], out: &mut Beside<'_, S>) -> Outcome {
        let mut replies = std::mem::take(&mut self.replies);
        while !bytes.is_empty() {
            match replies.read(bytes, |line| self.reply(line.bytes)) {
                Ok(()) => {}
                Err(Answered::Encrypted) => return Outcome::Changed,
                Err(Answered::MailOver) => self.end_mail(FileEnd::Truncated, out),
                Err(Answered::LoginRefused) => out.anomaly(Direction::ToClient, AppAnomaly::LoginRefused),
            }
        }
        self.replies = replies;
        Outcome::More
    }

    /// One line of the server (RFC 5321 §4.2.1): what a reply says is told by its last one.
    fn reply(&mut self, line: &[u8]) -> Result<(), Answered> {
        let Some((code, behind)) = line.split_first_chunk::<3>() else { return Ok(()) };
        if !code.iter().all(u8::is_ascii_digit) || behind.first() == Some(&b'-') {
            return Ok(());
        }
        let is_mail = matches!(self.reading, Reading::Mail(_));
        // Of a connection that was picked up it may be the answer to a STARTTLS.
        let is_first = !std::mem::replace(&mut self.is_greeted, true);
        if is_first && code == b"220" && self.pending.front() != Some(&Sent::StartTls) {
            return Ok(());
        }
        match self.pending.pop_front() {
            Some(Sent::StartTls) if code[0] == b'2' => return Err(Answered::Encrypted),
            Some(Sent::Auth) if code == b"334" => {
                self.is_challenged = true;
                self.pending.push_front(Sent::Auth);
            }
            // RFC 4954 §6.
            Some(Sent::Auth) if code == b"535" => return Err(Answered::LoginRefused),
            Some(Sent::Data) if code[0] != b'3' && is_mail => return Err(Answered::MailOver),
            // A server answers when it takes the mail to be over, whatever ends it.
            None if is_mail => return Err(Answered::MailOver),
            _ => {}
        }
        Ok(())
    }

    /// The mail under way is over.
    fn end_mail<S: AppSink>(&mut self, end: FileEnd, out: &mut Beside<'_, S>) {
        if let Reading::Mail(mail) = std::mem::take(&mut self.reading) {
            let email = mail.finish(end, out);
            self.tell(Some(&email), out);
        }
    }

    /// No more is read: tells what is there.
    fn end<S: AppSink>(&mut self, end: FileEnd, out: &mut Beside<'_, S>) {
        let mail = match std::mem::take(&mut self.reading) {
            Reading::Mail(mail) => Some(mail),
            Reading::Commands | Reading::Chunk { .. } => self.envelope.mail.take(),
        };
        let email = mail.map(|mail| mail.finish(end, out));
        let is_untold = self.id == 0 && self.has_hello;
        if is_untold || email.is_some() || self.envelope.from.is_some() {
            self.tell(email.as_ref(), out);
        }
    }

    /// Another envelope begins (RFC 5321 §4.1.4, §4.1.1.5): what there is of one is told.
    fn reset<S: AppSink>(&mut self, out: &mut Beside<'_, S>) {
        let email = self.envelope.mail.take().map(|mail| mail.finish(FileEnd::Truncated, out));
        if self.envelope.from.is_some() || email.is_some() {
            self.tell(email.as_ref(), out);
        }
        self.envelope = Envelope::default();
    }

    fn tell<S: AppSink>(&mut self, email: Option<&Email>, out: &mut Beside<'_, S>) {
        let envelope = std::mem::take(&mut self.envelope);
        let hello = &self.hello;
        if let Some(email) = email {
            email.tell_files(self.id, out, |record| {
                record.beside("smtp", |record| envelope.tell(hello, record));
            });
        }
        out.record(self.id, |record| {
            envelope.tell(hello, record);
            if let Some(email) = email {
                email.tell_beside(record);
            }
        });
        self.id += 1;
    }
}

/// An address with its angle brackets, behind `FROM:` or `TO:` (RFC 5321 §4.1.1.2); parameters may follow.
fn address<S: AppSink>(arguments: &[u8], keyword: &[u8], out: &mut Beside<'_, S>) -> Vec<u8> {
    let path = match arguments.split_at_checked(keyword.len()) {
        Some((front, path)) if front.eq_ignore_ascii_case(keyword) => path.trim_ascii(),
        _ => arguments,
    };
    let is_end = |byte: &u8| if path.starts_with(b"<") { *byte == b'>' } else { byte.is_ascii_whitespace() };
    let end = path.iter().position(is_end).map_or(path.len(), |at| at + usize::from(path.starts_with(b"<")));
    let path = path.get(..end).unwrap_or(path);
    let bare = path.strip_prefix(b"<").unwrap_or(path);
    out.field(Direction::ToServer, Field::MailEnvelope, bare.strip_suffix(b">").unwrap_or(bare));
    kept(path)
}

#[cfg(test)]
mod tests;
