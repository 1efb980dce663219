//! FTP (RFC 959): the commands of a control connection with their answers, and where data is to go.

use std::collections::VecDeque;

use dlp_patterns::Field;
use memchr::memmem;

use super::{
    AppAnomaly, AppProtocol, AppSink, Record,
    beside::Beside,
    command_line::CommandLine,
    lines::{Line, Lines, ToldLine},
    parser::{AppParser, Outcome},
    signature::{Answer, Prefix, Signature},
};
use crate::flow::Direction;
use crate::limits::{COMMANDS_PENDING_MAX, REPLY_LINES_TOLD_MAX};

/// A server that greets by the name of what it speaks; a client that logs in where no other protocol's server has greeted, or
/// asks for encryption (RFC 4217 §4).
pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Ftp, stream: Some(signature), datagram: None };

const FIRST_COMMANDS: &[&[u8]] = &[b"AUTH TLS\r\n", b"AUTH SSL\r\n", b"FEAT\r\n"];

fn signature(prefix: Prefix<'_>) -> Answer {
    if prefix.direction == Direction::ToClient {
        return Answer::begins_any(prefix.bytes, &[b"220 ", b"220-"]).and(|| prefix.first_line(is_greeting));
    }
    // IRC has four parameters.
    let is_login = |line: &[u8]| line.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).count() < 5;
    let login = || prefix.first_line(is_login);
    let user = Answer::begins_any_case(prefix.bytes, &[b"USER "]).and(login);
    Answer::begins_any_case(prefix.bytes, FIRST_COMMANDS).or(user)
}

fn is_greeting(line: &[u8]) -> bool {
    let line = line.to_ascii_uppercase();
    let has = |word: &[u8]| memmem::find(&line, word).is_some();
    (has(b"FTP") || has(b"FILEZILLA")) && !has(b"SMTP")
}

/// Both ends.
#[derive(Debug, Default)]
pub(super) struct Ftp {
    commands: Lines,
    replies: Lines,
    /// Commands without their last answer, the oldest first.
    pending: VecDeque<Request>,
    reply: Reply,
    /// Number of the command at hand.
    id: u64,
    is_injection_told: bool,
}

/// A command that waits for its answer.
#[derive(Debug)]
struct Request {
    /// Without what is secret.
    line: ToldLine,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The client says where data is to go, at this port.
    Active(u16),
    /// The server will.
    Passive,
    Auth,
    Other,
}

/// The answer at hand: lines that begin with its code, and what stands between (RFC 959 §4.2).
#[derive(Debug, Default)]
struct Reply {
    /// Of the lines under way, while more of them follow.
    code: Option<[u8; 3]>,
    codes: Vec<[u8; 3]>,
    texts: Vec<ToldLine>,
}

/// What follows behind a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    Encrypted,
    GaveUp,
}

impl AppParser for Ftp {
    const FIELDS: &'static [Field] = &[Field::Command, Field::FileName];

    fn data<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        let read = match direction {
            Direction::ToServer => {
                let mut commands = std::mem::take(&mut self.commands);
                let read = commands.read(bytes, |line| self.command(line, out));
                self.commands = commands;
                read
            }
            Direction::ToClient => {
                let mut replies = std::mem::take(&mut self.replies);
                let read = replies.read(bytes, |line| self.reply(line.bytes, out));
                self.replies = replies;
                read
            }
        };
        match read {
            Ok(()) => Outcome::More,
            Err(Stop::Encrypted) => Outcome::Changed,
            Err(Stop::GaveUp) => Outcome::GaveUp,
        }
    }

    fn finish<S: AppSink>(&mut self, out: &mut Beside<'_, S>) {
        while let Some(request) = self.pending.pop_front() {
            self.tell(&request, out);
        }
    }

    fn is_between_messages(&self) -> bool {
        self.pending.is_empty()
    }

    fn held_bytes(&self) -> usize {
        let texts = self.reply.texts.iter().map(ToldLine::held_bytes).sum::<usize>();
        let pending: usize = self.pending.iter().map(|of| size_of::<Request>() + of.line.held_bytes()).sum();
        self.commands.held_bytes() + self.replies.held_bytes() + texts + pending
    }
}

impl Ftp {
    fn command<S: AppSink>(&mut self, line: Line<'_>, out: &mut Beside<'_, S>) -> Result<(), Stop> {
        let is_encrypted_next = self.pending.iter().any(|request| request.kind == Kind::Auth);
        if is_encrypted_next && !std::mem::replace(&mut self.is_injection_told, true) {
            out.anomaly(Direction::ToServer, AppAnomaly::StartTlsInjection);
        }
        if line.is_cut {
            out.anomaly(Direction::ToServer, AppAnomaly::MessageCut);
        }
        let bytes = behind_telnet(line.bytes);
        let command = CommandLine::parse(bytes);
        let masked = command.is_any(&[b"PASS", b"ACCT"]).then(|| command.masked(0));
        let shown = masked.as_deref().unwrap_or(bytes);
        out.field(Direction::ToServer, Field::Command, shown);
        if command.is_any(&[b"RETR", b"STOR", b"APPE", b"STOU"]) {
            out.field(Direction::ToServer, Field::FileName, command.arguments);
        }
        if self.pending.len() == COMMANDS_PENDING_MAX {
            return Err(Stop::GaveUp);
        }
        let kind = match command {
            _ if command.is(b"AUTH") => Kind::Auth,
            _ if command.is_any(&[b"PASV", b"EPSV"]) => Kind::Passive,
            _ if command.is(b"PORT") => port_of_six(command.arguments).map_or(Kind::Other, Kind::Active),
            _ if command.is(b"EPRT") => extended_port(command.arguments).map_or(Kind::Other, Kind::Active),
            _ => Kind::Other,
        };
        self.pending.push_back(Request { line: ToldLine::of(shown), kind });
        Ok(())
    }

    fn reply<S: AppSink>(&mut self, line: &[u8], out: &mut Beside<'_, S>) -> Result<(), Stop> {
        let Some(code) = self.reply.line(line) else { return Ok(()) };
        // RFC 959 §4.2.1: another answer follows one that is preliminary.
        if code[0] == b'1' && !self.pending.is_empty() {
            return Ok(());
        }
        let Some(request) = self.pending.pop_front() else {
            // A greeting answers nothing.
            self.reply = Reply::default();
            return Ok(());
        };
        self.tell(&request, out);
        // RFC 4217 §4.
        if request.kind == Kind::Auth && &code == b"234" { Err(Stop::Encrypted) } else { Ok(()) }
    }

    fn tell<S: AppSink>(&mut self, request: &Request, out: &mut Beside<'_, S>) {
        let reply = std::mem::take(&mut self.reply);
        out.record(self.id, |record| {
            let command = CommandLine::parse(request.line.for_record(record));
            record.text("command", command.name);
            record.text_if_any("command_data", command.arguments);
            reply.tell(record);
            let port = match request.kind {
                Kind::Active(port) => Some(("active", port)),
                Kind::Passive => reply.port().map(|port| ("passive", port)),
                Kind::Auth | Kind::Other => None,
            };
            if let Some((mode, port)) = port {
                record.number("dynamic_port", port.into());
                record.text("mode", mode.as_bytes());
            }
        });
        self.id += 1;
    }
}

impl Reply {
    /// The next line; the code of an answer that it completes.
    fn line(&mut self, line: &[u8]) -> Option<[u8; 3]> {
        let code = line.first_chunk::<3>().filter(|code| code.iter().all(u8::is_ascii_digit)).copied();
        let behind = line.get(3..).unwrap_or_default();
        let text = if code.is_some() { behind.get(1..).unwrap_or_default() } else { line };
        if self.texts.len() < REPLY_LINES_TOLD_MAX {
            self.texts.push(ToldLine::of(text));
            self.codes.extend(code);
        }
        let is_last = code.is_some() && behind.first() != Some(&b'-');
        match self.code {
            None if is_last => return code,
            None => self.code = code,
            Some(_) if is_last && code == self.code => {
                self.code = None;
                return code;
            }
            Some(_) => {}
        }
        None
    }

    fn tell(&self, record: &mut Record) {
        if self.texts.is_empty() {
            return record.text("reply_received", b"no");
        }
        record.list("reply", |record| {
            self.texts.iter().for_each(|text| {
                let bytes = text.for_record(record);
                record.text("", bytes);
            });
        });
        record.list("completion_code", |record| self.codes.iter().for_each(|code| record.text("", code)));
        record.text("reply_received", b"yes");
    }

    /// The port at which the server waits for data (RFC 959 §4.2, RFC 2428 §3).
    fn port(&self) -> Option<u16> {
        let (code, text) = (self.codes.last()?, self.texts.last()?.bytes());
        let open = memchr::memchr(b'(', text)? + 1;
        let inner = text.get(open..)?;
        let inner = inner.get(..memchr::memchr(b')', inner)?)?;
        match code {
            b"227" => port_of_six(inner),
            b"229" => extended_port(inner),
            _ => None,
        }
    }
}

/// Of `h1,h2,h3,h4,p1,p2` (RFC 959 §4.1.2).
fn port_of_six(text: &[u8]) -> Option<u16> {
    let mut numbers = text.split(|byte| *byte == b',');
    let (high, low) = (numbers.nth(4)?, numbers.next()?);
    let number = |text: &[u8]| std::str::from_utf8(text.trim_ascii()).ok()?.parse::<u8>().ok();
    Some(u16::from_be_bytes([number(high)?, number(low)?]))
}

/// Of `|protocol|address|port|`, whatever the delimiter is (RFC 2428 §2).
fn extended_port(text: &[u8]) -> Option<u16> {
    let delimiter = text.first()?;
    let port = text.split(|byte| byte == delimiter).nth(3)?;
    std::str::from_utf8(port).ok()?.parse().ok()
}

/// Clients put signals of Telnet in front of ABOR (RFC 959 §4.1.3).
fn behind_telnet(mut line: &[u8]) -> &[u8] {
    while let Some((b"\xff", [_, rest @ ..])) = line.split_at_checked(1) {
        line = rest;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{
        Value,
        conversation::{Turn, told_however_cut},
    };

    #[test]
    fn commands_are_told_with_their_answers_and_ports() {
        let turns = [
            Turn::server(b"220-Weir\r\n220 FTP\r\n"),
            Turn::client(b"USER ann\r\n"),
            Turn::server(b"331 Password please\r\n"),
            Turn::client(b"PASS secret\r\nPASV\r\nEPSV\r\nPORT 10,0,0,1,4,1\r\nEPRT |2|::1|1026|\r\n"),
            Turn::server(b"230-Hello\r\n 230 more\r\n230 in\r\n227 Passive (10,0,0,2,4,3)\r\n"),
            Turn::server(b"229 Extended (|||1028|)\r\n200 ok\r\n200 ok\r\n"),
            Turn::client(b"RETR a b.txt\r\n\xff\xf4\xff\xf2ABOR\r\n"),
            Turn::server(b"150 Opening\r\n226 Done\r\n"),
        ];
        let recorder = told_however_cut(AppProtocol::Ftp, &turns);
        let commands = recorder.instances(Direction::ToServer, Field::Command);
        assert_eq!(commands[..2], [&b"USER ann"[..], b"PASS ***"]);
        assert_eq!(commands.last(), Some(&&b"ABOR"[..]));
        assert_eq!(recorder.instances(Direction::ToServer, Field::FileName), [b"a b.txt"]);
        let records = recorder.records();
        assert_eq!(records.len(), 8);
        let ports: Vec<_> = records.iter().filter_map(|record| record.find("dynamic_port")).collect();
        assert_eq!(ports, [1027, 1028, 1025, 1026].map(Value::Number));
        assert_eq!(records[1].find("command_data"), Some(Value::Text(b"***")));
        let texts = |at: usize| {
            let texts =
                records[at].values().filter(|(name, value)| name.is_empty() && *value != Value::Close);
            texts.map(|(_, value)| value).collect::<Vec<_>>()
        };
        let hello: [&[u8]; 5] = [b"Hello", b" 230 more", b"in", b"230", b"230"];
        assert_eq!(texts(1), hello.map(Value::Text));
        assert_eq!(texts(6), [&b"Opening"[..], b"Done", b"150", b"226"].map(Value::Text));
        assert_eq!(records[7].find("reply_received"), Some(Value::Text(b"no")));
    }

    #[test]
    fn a_long_command_is_told_in_part() {
        let record = |arguments: usize| {
            let line = [&b"STAT "[..], &vec![b'a'; arguments], b"\r\n"].concat();
            let recorder =
                told_however_cut(AppProtocol::Ftp, &[Turn::server(b"220 FTP\r\n"), Turn::client(&line)]);
            let record = recorder.records()[0];
            (record.is_cut(), record.find("command_data") == Some(Value::Text(&vec![b'a'; arguments])))
        };
        assert_eq!((record(251), record(252)), ((false, true), (true, false)));
    }

    #[test]
    fn what_follows_auth_is_another_protocol() {
        let turns = [
            Turn::client(b"AUTH TLS\r\nUSER evil\r\n"),
            Turn::server(b"234 begin\r\n"),
            Turn::client(b"SSH-2.0-Weir\r\n"),
        ];
        let recorder = told_however_cut(AppProtocol::Ssh, &turns);
        assert_eq!(recorder.anomalies(), [AppAnomaly::StartTlsInjection]);
    }

    #[test]
    fn greetings_of_others_are_none() {
        let greet = |line: &[u8]| signature(Prefix::of(Direction::ToClient, line));
        assert_eq!(greet(b"220 ftp.example ESMTP\r\n"), Answer::No);
        assert_eq!(greet(b"220 Welcome\r\n"), Answer::No);
        let irc = Prefix::of(Direction::ToServer, b"USER a 0 * :b\r\n");
        assert_eq!(signature(irc), Answer::No);
    }
}
