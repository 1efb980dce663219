//! IMAP (RFC 9051): commands with their answers, and the mails that are fetched or put.

use std::collections::VecDeque;

use dlp_patterns::Field;
use memchr::{memmem, memrchr};

use self::literal::{Content, Literal};
use super::{
    AppAnomaly, AppProtocol, AppSink,
    beside::Beside,
    carried_file::FileEnd,
    command_line::CommandLine,
    lines::{Line, Lines, ToldLine},
    mail::Email,
    parser::{AppParser, Outcome},
    signature::{Answer, Prefix, Signature},
};
use crate::flow::Direction;
use crate::limits::COMMANDS_PENDING_MAX;

mod literal;
#[cfg(test)]
mod tests;

/// What a server greets with (RFC 9051 §7.1), and clients begin with behind a tag of theirs.
pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Imap, stream: Some(signature), datagram: None };

const GREETINGS: &[&[u8]] = &[b"* OK ", b"* PREAUTH ", b"* BYE "];
const FIRST_COMMANDS: &[&[u8]] = &[b"CAPABILITY\r", b"STARTTLS\r", b"LOGIN ", b"AUTHENTICATE "];
const TAG_BYTES_MAX: usize = 16;

fn signature(prefix: Prefix<'_>) -> Answer {
    if prefix.direction == Direction::ToClient {
        return Answer::begins_any(prefix.bytes, GREETINGS);
    }
    let is_tag = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'$' | b'_' | b'-');
    let tag_bytes = prefix.bytes.iter().take(TAG_BYTES_MAX + 1).take_while(|byte| is_tag(byte)).count();
    match prefix.bytes.get(tag_bytes..) {
        Some(b"") | None if tag_bytes <= TAG_BYTES_MAX => Answer::More,
        Some([b' ', rest @ ..]) if (1..=TAG_BYTES_MAX).contains(&tag_bytes) => {
            match Answer::begins_any_case(rest, FIRST_COMMANDS) {
                Answer::Yes(bytes) => Answer::Yes(tag_bytes + 1 + bytes),
                other => other,
            }
        }
        _ => Answer::No,
    }
}

/// Both ends.
#[derive(Debug)]
pub(super) struct Imap {
    ends: [End; 2],
    /// Commands without an answer, the oldest first.
    pending: VecDeque<Request>,
    /// Number of the next command.
    id: u64,
    /// Whether the client's next line is what it proves itself with.
    is_challenged: bool,
    is_injection_told: bool,
}

/// One direction: lines, which may have literals within (RFC 9051 §4.3).
#[derive(Debug, Default)]
struct End {
    lines: Lines,
    literal: Option<Literal>,
    /// Whether the next line goes on with one that a literal interrupted.
    is_continued: bool,
}

/// A command that waits for its answer.
#[derive(Debug)]
struct Request {
    id: u64,
    tag: ToldLine,
    /// Without what is secret.
    line: ToldLine,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Append,
    Compress,
    Proof,
    StartTls,
    Other,
}

/// What follows behind a line.
#[derive(Debug)]
enum Stop {
    Literal(Literal),
    /// Another protocol, or one in disguise.
    Behind(Outcome),
}

impl Default for Imap {
    fn default() -> Imap {
        let ends = [End::default(), End::default()];
        Imap { ends, pending: VecDeque::new(), id: 0, is_challenged: false, is_injection_told: false }
    }
}

impl AppParser for Imap {
    const FIELDS: &'static [Field] =
        &[Field::Command, Field::MailHeaders, Field::MailBody, Field::FileName, Field::FileData];

    fn data<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        while !bytes.is_empty() {
            if let Some(literal) = &mut self.ends[direction as usize].literal {
                if literal.data(bytes, out) {
                    self.end_literal(direction, FileEnd::Closed, out);
                }
                continue;
            }
            let mut lines = std::mem::take(&mut self.ends[direction as usize].lines);
            let read = lines.read(bytes, |line| match direction {
                Direction::ToServer => self.command(line, out),
                Direction::ToClient => self.reply(line, out),
            });
            self.ends[direction as usize].lines = lines;
            match read {
                Ok(()) => {}
                Err(Stop::Behind(outcome)) => return outcome,
                Err(Stop::Literal(literal)) => {
                    let is_empty = literal.is_empty();
                    self.ends[direction as usize].literal = Some(literal);
                    if is_empty {
                        self.end_literal(direction, FileEnd::Closed, out);
                    }
                }
            }
        }
        Outcome::More
    }

    fn gap<S: AppSink>(&mut self, direction: Direction, _bytes: u32, out: &mut Beside<'_, S>) -> Outcome {
        self.end_literal(direction, FileEnd::Gap, out);
        Outcome::GaveUp
    }

    fn finish<S: AppSink>(&mut self, out: &mut Beside<'_, S>) {
        for direction in Direction::BOTH {
            self.end_literal(direction, FileEnd::Truncated, out);
        }
        while let Some(request) = self.pending.pop_front() {
            tell(&request, None, out);
        }
    }

    fn is_between_messages(&self) -> bool {
        self.pending.is_empty() && self.ends.iter().all(|end| end.literal.is_none())
    }

    fn held_bytes(&self) -> usize {
        let pending: usize = self.pending.iter().map(|of| size_of::<Request>() + of.line.held_bytes()).sum();
        self.ends.iter().map(|end| end.lines.held_bytes()).sum::<usize>() + pending
    }
}

impl Imap {
    /// A line of the client (RFC 9051 §6).
    fn command<S: AppSink>(&mut self, line: Line<'_>, out: &mut Beside<'_, S>) -> Result<(), Stop> {
        if std::mem::replace(&mut self.is_challenged, false) {
            return Ok(());
        }
        if line.is_cut {
            out.anomaly(Direction::ToServer, AppAnomaly::MessageCut);
        }
        let is_continued = std::mem::replace(&mut self.ends[0].is_continued, false);
        if !is_continued {
            self.begin_command(line.bytes, out)?;
        }
        let Some((_, bytes)) = announced(line.bytes) else { return Ok(()) };
        let kind = self.pending.back().map_or(Kind::Other, |request| request.kind);
        // The name of a mailbox may be one too, but then the mail is still to come.
        let is_mail = kind == Kind::Append && (is_continued || !is_mailbox(line.bytes));
        let content = if is_mail { Content::mail(Direction::ToServer, self.id) } else { Content::Other };
        Err(Stop::Literal(Literal::new(bytes, content)))
    }

    fn begin_command<S: AppSink>(&mut self, line: &[u8], out: &mut Beside<'_, S>) -> Result<(), Stop> {
        let is_encrypted_next = self.pending.iter().any(|request| request.kind == Kind::StartTls);
        if is_encrypted_next && !std::mem::replace(&mut self.is_injection_told, true) {
            out.anomaly(Direction::ToServer, AppAnomaly::StartTlsInjection);
        }
        let tagged = CommandLine::parse(line);
        let command = CommandLine::parse(tagged.arguments);
        let (masked, kind) = match command {
            _ if command.is_any(&[b"LOGIN"]) => (Some(command.masked(1)), Kind::Other),
            _ if command.is(b"AUTHENTICATE") => (Some(command.masked(1)), Kind::Proof),
            _ if command.is(b"APPEND") => (None, Kind::Append),
            _ if command.is(b"STARTTLS") => (None, Kind::StartTls),
            _ if command.is(b"COMPRESS") => (None, Kind::Compress),
            _ => (None, Kind::Other),
        };
        let shown = masked.as_deref().unwrap_or(tagged.arguments);
        // `DONE` ends an IDLE and has no tag (RFC 9051 §6.3.13).
        if command.name.is_empty() {
            out.field(Direction::ToServer, Field::Command, line);
            return Ok(());
        }
        out.field(Direction::ToServer, Field::Command, shown);
        if self.pending.len() == COMMANDS_PENDING_MAX {
            return Err(Stop::Behind(Outcome::GaveUp));
        }
        let (tag, line) = (ToldLine::of(tagged.name), ToldLine::of(shown));
        self.pending.push_back(Request { id: self.id, tag, line, kind });
        self.id += 1;
        Ok(())
    }

    /// A line of the server (RFC 9051 §7).
    fn reply<S: AppSink>(&mut self, line: Line<'_>, out: &mut Beside<'_, S>) -> Result<(), Stop> {
        // A literal that its end announces is read as lines then.
        if line.is_cut {
            out.anomaly(Direction::ToClient, AppAnomaly::MessageCut);
        }
        let line = line.bytes;
        let is_continued = std::mem::replace(&mut self.ends[1].is_continued, false);
        let reply = CommandLine::parse(line);
        if !is_continued && reply.is(b"+") {
            self.is_challenged = self.pending.iter().any(|request| request.kind == Kind::Proof);
            return Ok(());
        }
        let answered =
            self.pending.iter().position(|request| !is_continued && request.tag.bytes() == reply.name);
        if let Some(request) = answered.and_then(|at| self.pending.remove(at)) {
            return self.answer(&request, reply.arguments, out);
        }
        let Some((item, bytes)) = announced(line) else { return Ok(()) };
        let id = self.pending.front().map_or(self.id, |request| request.id);
        Err(Stop::Literal(Literal::new(bytes, Content::of_item(item, id))))
    }

    fn answer<S: AppSink>(
        &mut self,
        request: &Request,
        status: &[u8],
        out: &mut Beside<'_, S>,
    ) -> Result<(), Stop> {
        tell(request, Some(status), out);
        let is_yes = CommandLine::parse(status).is(b"OK");
        match request.kind {
            Kind::StartTls if is_yes => return Err(Stop::Behind(Outcome::Changed)),
            // RFC 4978: what follows is compressed.
            Kind::Compress if is_yes => return Err(Stop::Behind(Outcome::Over)),
            _ => {}
        }
        // A literal that is refused does not come.
        let client = &mut self.ends[0];
        if client.literal.as_ref().is_some_and(Literal::is_untouched) {
            (client.literal, client.is_continued) = (None, false);
        }
        Ok(())
    }

    fn end_literal<S: AppSink>(&mut self, direction: Direction, file_end: FileEnd, out: &mut Beside<'_, S>) {
        let end = &mut self.ends[direction as usize];
        let Some(literal) = end.literal.take() else { return };
        end.is_continued = true;
        if let Some((id, email)) = literal.finish(file_end, out) {
            let request = self.pending.iter().find(|request| request.id == id);
            tell_mail(id, request, &email, out);
        }
    }
}

/// A literal that a line announces: what stands in front of it, and its bytes (RFC 9051 §4.3).
fn announced(line: &[u8]) -> Option<(&[u8], u64)> {
    let inner = line.strip_suffix(b"}")?;
    let at = memrchr(b'{', inner)?;
    let (item, digits) = (inner.get(..at)?, inner.get(at + 1..)?);
    let digits = digits.strip_suffix(b"+").or(digits.strip_suffix(b"-")).unwrap_or(digits);
    let bytes = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some((item.trim_ascii_end(), bytes))
}

/// Whether the literal of an APPEND is the name of its mailbox: nothing stands before.
fn is_mailbox(line: &[u8]) -> bool {
    let command = CommandLine::parse(CommandLine::parse(line).arguments);
    command.arguments.starts_with(b"{")
}

fn tell<S: AppSink>(request: &Request, status: Option<&[u8]>, out: &mut Beside<'_, S>) {
    out.record(request.id, |record| {
        request.tell(record);
        if let Some(status) = status.map(CommandLine::parse) {
            record.object("response", |record| {
                record.text("status", status.name);
                record.text("text", status.arguments);
            });
        }
    });
}

/// A mail that was fetched or put, for itself.
fn tell_mail<S: AppSink>(id: u64, request: Option<&Request>, email: &Email, out: &mut Beside<'_, S>) {
    email.tell_files(id, out, |_| {});
    out.record(id, |record| {
        if let Some(request) = request {
            request.tell(record);
        }
        email.tell_beside(record);
    });
}

impl Request {
    fn tell(&self, record: &mut super::Record) {
        record.object("request", |record| {
            let (tag, line) = (self.tag.for_record(record), self.line.for_record(record));
            let command = CommandLine::parse(line);
            record.text("tag", tag);
            record.text("command", command.name);
            record.text_if_any("arguments", command.arguments);
        });
    }
}

/// Whether an item of an answer is a mail, or the header of one, from its begin on (RFC 9051 §7.5.2).
fn is_mail(item: &[u8]) -> bool {
    let at = memrchr(b' ', item).map_or(0, |at| at + 1);
    let name = item.get(at..).unwrap_or_default().to_ascii_uppercase();
    let name = name.strip_prefix(b"(").unwrap_or(&name);
    let name = name.strip_suffix(b"<0>").unwrap_or(name);
    let is_list_of_fields = item.ends_with(b")]") && memmem::rfind(item, b"[HEADER.FIELDS").is_some();
    is_list_of_fields || matches!(name, b"BODY[]" | b"BODY[HEADER]" | b"RFC822" | b"RFC822.HEADER")
}
