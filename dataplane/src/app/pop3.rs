//! POP3 (RFC 1939): commands with their answers, and the mails that are fetched.

use std::collections::VecDeque;

use dlp_patterns::Field;

use super::{
    AppAnomaly, AppProtocol, AppSink,
    beside::Beside,
    carried_file::FileEnd,
    command_line::CommandLine,
    lines::{Line, Lines, ToldLine},
    mail::{Email, Mail},
    parser::{AppParser, Outcome},
    signature::{Answer, Prefix, Signature},
};
use crate::flow::Direction;
use crate::limits::COMMANDS_PENDING_MAX;

/// A server greets with a text behind its `+OK`, which answers of others don't have; clients begin with what no other protocol
/// knows.
pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Pop3, stream: Some(signature), datagram: None };

const FIRST_COMMANDS: &[&[u8]] = &[b"CAPA\r\n", b"APOP ", b"STLS\r\n"];

fn signature(prefix: Prefix<'_>) -> Answer {
    match prefix.direction {
        Direction::ToClient => Answer::begins_any(prefix.bytes, &[b"+OK "]),
        Direction::ToServer => Answer::begins_any_case(prefix.bytes, FIRST_COMMANDS),
    }
}

/// Both ends.
#[derive(Debug, Default)]
pub(super) struct Pop3 {
    commands: Lines,
    replies: Lines,
    reading: Reading,
    /// Commands without an answer, the oldest first.
    pending: VecDeque<Request>,
    /// Number of the answer at hand.
    id: u64,
    /// Whether the client's next line is what it proves itself with.
    is_challenged: bool,
    is_injection_told: bool,
}

/// What the server's bytes are.
#[derive(Debug, Default)]
enum Reading {
    #[default]
    Replies,
    /// A mail up to a line of a dot, in answer to this.
    Mail(Box<(Mail, Request, ToldLine)>),
    /// Lines up to one of a dot.
    List,
}

/// A command that waits for its answer.
#[derive(Debug)]
struct Request {
    /// Without what is secret.
    line: ToldLine,
    expected: Expected,
}

/// What follows an answer that says yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Line,
    /// Lines, up to one of a dot.
    List,
    Mail,
    Tls,
    /// A challenge, perhaps.
    Proof,
}

impl Expected {
    fn behind(command: CommandLine<'_>) -> Expected {
        let is_bare = command.arguments.is_empty();
        if command.is_any(&[b"RETR", b"TOP"]) {
            Expected::Mail
        } else if command.is(b"CAPA") || (is_bare && command.is_any(&[b"LIST", b"UIDL", b"AUTH"])) {
            Expected::List
        } else if command.is(b"STLS") {
            Expected::Tls
        } else if command.is(b"AUTH") {
            Expected::Proof
        } else {
            Expected::Line
        }
    }
}

/// What a line of the server begins.
#[derive(Debug)]
enum Stop {
    Mail(Request, ToldLine),
    List,
    ListOver,
    /// What follows is encrypted.
    Encrypted,
}

impl AppParser for Pop3 {
    const FIELDS: &'static [Field] =
        &[Field::Command, Field::MailHeaders, Field::MailBody, Field::FileName, Field::FileData];

    fn data<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        match direction {
            Direction::ToServer => {
                let mut commands = std::mem::take(&mut self.commands);
                let read = commands.read(bytes, |line| self.command(line, out));
                self.commands = commands;
                if read.is_ok() { Outcome::More } else { Outcome::GaveUp }
            }
            Direction::ToClient => self.server(bytes, out),
        }
    }

    fn gap<S: AppSink>(&mut self, _: Direction, _bytes: u32, out: &mut Beside<'_, S>) -> Outcome {
        self.end_mail(FileEnd::Gap, out);
        Outcome::GaveUp
    }

    fn finish<S: AppSink>(&mut self, out: &mut Beside<'_, S>) {
        self.end_mail(FileEnd::Truncated, out);
        while let Some(request) = self.pending.pop_front() {
            self.tell(&request, None, None, out);
        }
    }

    fn is_between_messages(&self) -> bool {
        matches!(self.reading, Reading::Replies) && self.pending.is_empty()
    }

    fn held_bytes(&self) -> usize {
        let pending: usize = self.pending.iter().map(|of| size_of::<Request>() + of.line.held_bytes()).sum();
        self.commands.held_bytes() + self.replies.held_bytes() + pending
    }
}

impl Pop3 {
    /// `Err` where more commands wait than may.
    fn command<S: AppSink>(&mut self, line: Line<'_>, out: &mut Beside<'_, S>) -> Result<(), ()> {
        if std::mem::replace(&mut self.is_challenged, false) {
            return Ok(());
        }
        let is_encrypted_next = self.pending.iter().any(|request| request.expected == Expected::Tls);
        if is_encrypted_next && !std::mem::replace(&mut self.is_injection_told, true) {
            out.anomaly(Direction::ToServer, AppAnomaly::StartTlsInjection);
        }
        if line.is_cut {
            out.anomaly(Direction::ToServer, AppAnomaly::MessageCut);
        }
        let command = CommandLine::parse(line.bytes);
        let masked = match command {
            _ if command.is(b"PASS") => Some(command.masked(0)),
            // RFC 1939 §7, RFC 5034 §4: a digest, and what a mechanism may begin with.
            _ if command.is_any(&[b"APOP", b"AUTH"]) => Some(command.masked(1)),
            _ => None,
        };
        let shown = masked.as_deref().unwrap_or(line.bytes);
        out.field(Direction::ToServer, Field::Command, shown);
        if self.pending.len() == COMMANDS_PENDING_MAX {
            return Err(());
        }
        let line = ToldLine::of(shown);
        self.pending.push_back(Request { line, expected: Expected::behind(command) });
        Ok(())
    }

    fn server<S: AppSink>(&mut self, bytes: &mut &[u8], out: &mut Beside<'_, S>) -> Outcome {
        while !bytes.is_empty() {
            if let Reading::Mail(under_way) = &mut self.reading {
                if under_way.0.dotted(bytes, out) {
                    self.end_mail(FileEnd::Closed, out);
                }
                continue;
            }
            let mut replies = std::mem::take(&mut self.replies);
            let read = replies.read(bytes, |line| self.reply(line.bytes, out));
            self.replies = replies;
            self.reading = match read {
                Ok(()) => continue,
                Err(Stop::Encrypted) => return Outcome::Changed,
                Err(Stop::List) => Reading::List,
                Err(Stop::ListOver) => Reading::Replies,
                Err(Stop::Mail(request, status)) => {
                    Reading::Mail(Box::new((Mail::new(Direction::ToClient, self.id), request, status)))
                }
            };
        }
        Outcome::More
    }

    fn reply<S: AppSink>(&mut self, line: &[u8], out: &mut Beside<'_, S>) -> Result<(), Stop> {
        if matches!(self.reading, Reading::List) {
            return if line == b"." { Err(Stop::ListOver) } else { Ok(()) };
        }
        let reply = CommandLine::parse(line);
        let is_proof = |request: &Request| request.expected == Expected::Proof;
        if reply.is(b"+") && self.pending.front().is_some_and(is_proof) {
            self.is_challenged = true;
            return Ok(());
        }
        // A greeting answers nothing.
        let Some(request) = self.pending.pop_front() else { return Ok(()) };
        let is_yes = reply.is(b"+OK");
        if is_yes && request.expected == Expected::Mail {
            return Err(Stop::Mail(request, ToldLine::of(line)));
        }
        self.tell(&request, Some(&ToldLine::of(line)), None, out);
        match request.expected {
            Expected::Tls if is_yes => Err(Stop::Encrypted),
            Expected::List if is_yes => Err(Stop::List),
            _ => Ok(()),
        }
    }

    fn end_mail<S: AppSink>(&mut self, end: FileEnd, out: &mut Beside<'_, S>) {
        if let Reading::Mail(under_way) = std::mem::take(&mut self.reading) {
            let (mail, request, status) = *under_way;
            let email = mail.finish(end, out);
            email.tell_files(self.id, out, |_| {});
            self.tell(&request, Some(&status), Some(&email), out);
        }
    }

    fn tell<S: AppSink>(
        &mut self,
        request: &Request,
        reply: Option<&ToldLine>,
        email: Option<&Email>,
        out: &mut Beside<'_, S>,
    ) {
        out.record(self.id, |record| {
            let command = CommandLine::parse(request.line.for_record(record));
            record.object("request", |record| {
                record.text("command", command.name);
                let words = command.arguments.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
                record.list("args", |record| words.for_each(|word| record.text("", word)));
            });
            if let Some(reply) = reply.map(|reply| CommandLine::parse(reply.for_record(record))) {
                record.object("response", |record| {
                    record.flag("success", reply.is(b"+OK"));
                    let status = reply.name.strip_prefix(b"+").or(reply.name.strip_prefix(b"-"));
                    record.text("status", status.unwrap_or(reply.name));
                    record.text("header", reply.arguments);
                });
            }
            if let Some(email) = email {
                email.tell_beside(record);
            }
        });
        self.id += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{
        Value,
        conversation::{Turn, told_however_cut},
    };
    use Direction::{ToClient, ToServer};

    #[test]
    fn a_mail_is_fetched_and_the_password_is_not_told() {
        let mail = b"+OK 90 octets\r\nSubject: Weir\r\n\r\n..dot\r\ntext\r\n.\r\n-ERR no such mail\r\n";
        let turns = [
            Turn::server(b"+OK Weir ready\r\n"),
            Turn::client(b"USER ann\r\nPASS secret\r\nLIST\r\n"),
            Turn::server(b"+OK\r\n+OK in\r\n+OK 1 mail\r\n1 90\r\n.\r\n"),
            Turn::client(b"RETR 1\r\nRETR 2\r\n"),
            Turn::server(mail),
        ];
        let recorder = told_however_cut(AppProtocol::Pop3, &turns);
        let commands = recorder.instances(ToServer, Field::Command);
        assert_eq!(commands, [&b"USER ann"[..], b"PASS ***", b"LIST", b"RETR 1", b"RETR 2"]);
        assert_eq!(recorder.instances(ToClient, Field::MailBody), [b".dot\r\ntext\r\n"]);
        let records = recorder.records();
        assert_eq!(records.len(), 5);
        assert_eq!(records[3].find("subject"), Some(Value::Text(b"Weir")));
        assert_eq!(records[4].find("status"), Some(Value::Text(b"ERR")));
        assert_eq!(recorder.anomalies(), []);
    }

    #[test]
    fn what_follows_stls_is_another_protocol() {
        let turns = [
            Turn::client(b"STLS\r\nUSER evil\r\n"),
            Turn::server(b"+OK begin\r\n"),
            Turn::client(b"SSH-2.0-Weir\r\n"),
        ];
        let recorder = told_however_cut(AppProtocol::Ssh, &turns);
        assert_eq!(recorder.anomalies(), [AppAnomaly::StartTlsInjection]);
    }

    #[test]
    fn a_proof_is_not_told() {
        let turns = [
            Turn::server(b"+OK Weir\r\n"),
            Turn::client(b"AUTH PLAIN\r\n"),
            Turn::server(b"+ \r\n"),
            Turn::client(b"c2VjcmV0\r\n"),
            Turn::server(b"+OK in\r\n"),
            Turn::client(b"QUIT\r\n"),
        ];
        let recorder = told_however_cut(AppProtocol::Pop3, &turns);
        assert_eq!(recorder.instances(ToServer, Field::Command), [&b"AUTH PLAIN"[..], b"QUIT"]);
        assert_eq!(recorder.records().len(), 2);
    }
}
