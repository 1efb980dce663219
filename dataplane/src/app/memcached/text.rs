//! The text protocol of memcached: lines, and data between them.

use dlp_patterns::Field;
use memchr::memmem;

use crate::{
    app::{
        AppAnomaly, AppSink,
        beside::Beside,
        lines::Lines,
        parser::Outcome,
        pending::Pending,
        record::kept,
        signature::{Answer, Prefix},
    },
    flow::Direction,
};

/// Both ends.
#[derive(Debug, Default)]
pub(super) struct Text {
    client: End,
    server: End,
    pending: Pending<Exchange>,
    next_id: u64,
}

#[derive(Debug, Default)]
struct End {
    lines: Lines,
    /// Bytes to come of the data behind a line, their CRLF included.
    data_bytes: u64,
}

/// A command that waits for its answer.
#[derive(Debug)]
struct Exchange {
    id: u64,
    line: Vec<u8>,
    bytes: u64,
    values: u64,
    response_bytes: u64,
}

/// Commands with keys and no data.
const PLAIN: &[&[u8]] = &[
    b"get ", b"gets ", b"gat ", b"gats ", b"delete ", b"incr ", b"decr ", b"touch ", b"mg ", b"md ", b"ma ",
    b"me ",
];
/// Commands with data behind them: a key, flags, a time, and a length.
const STORING: &[&[u8]] = &[b"set ", b"add ", b"replace ", b"append ", b"prepend ", b"cas "];
/// Commands that are whole.
const BARE: &[&[u8]] =
    &[b"stats\r\n", b"stats ", b"version\r\n", b"flush_all\r\n", b"flush_all ", b"verbosity ", b"mn\r\n"];
const KEY_BYTES_MAX: usize = 250;
/// `-I` of its server goes no further.
const DATA_BYTES_MAX: u64 = 1 << 30;

/// A command as clients say it, the shape of its line included: many protocols begin with a word in lower case.
pub(super) fn is_begun_by(prefix: Prefix<'_>) -> Answer {
    if prefix.direction == Direction::ToClient {
        return Answer::begins_any(prefix.bytes, &[b"VALUE ", b"STAT pid ", b"STORED\r\n", b"CLIENT_ERROR "]);
    }
    let with_key = Answer::begins_any(prefix.bytes, PLAIN).and(|| prefix.first_line(is_line_of_keys));
    let storing = Answer::begins_any(prefix.bytes, STORING)
        .or(Answer::begins(prefix.bytes, b"ms "))
        .and(|| prefix.first_line(|line| data_bytes(line).is_some()));
    Answer::begins_any(prefix.bytes, BARE).or(with_key).or(storing)
}

/// A word, then keys and numbers: no path, as in a line of HTTP, and nothing but graphic signs.
fn is_line_of_keys(line: &[u8]) -> bool {
    let mut words = line.split(|byte| *byte == b' ').skip(1);
    let is_key =
        |word: &[u8]| (1..=KEY_BYTES_MAX).contains(&word.len()) && word.iter().all(u8::is_ascii_graphic);
    words.next().is_some_and(|word| is_key(word) && word.first() != Some(&b'/')) && words.all(is_key)
}

/// Bytes of the data behind a command, where data is.
fn data_bytes(line: &[u8]) -> Option<u64> {
    let mut words = line.split(|byte| *byte == b' ');
    let at = match words.next()? {
        b"set" | b"add" | b"replace" | b"append" | b"prepend" | b"cas" => 3,
        b"ms" => 1,
        _ => return None,
    };
    words.nth(at).and_then(number)
}

fn number(word: &[u8]) -> Option<u64> {
    std::str::from_utf8(word).ok()?.parse().ok().filter(|number| *number <= DATA_BYTES_MAX)
}

impl Text {
    /// Memory that it holds, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.client.lines.held_bytes() + self.server.lines.held_bytes() + self.pending.held_bytes()
    }

    pub(super) fn read<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        while !bytes.is_empty() {
            let end = self.end(direction);
            if end.data_bytes > 0 {
                let count = usize::try_from(end.data_bytes).unwrap_or(usize::MAX).min(bytes.len());
                end.data_bytes -= count as u64;
                *bytes = bytes.get(count..).unwrap_or_default();
                continue;
            }
            // A line at a time: data may follow it.
            let mut line = None;
            let read = end.lines.read(bytes, |read| {
                line = Some((read.bytes.to_vec(), read.is_cut));
                Err(())
            });
            let (Err(()), Some((line, is_cut))) = (read, line) else { break };
            match direction {
                Direction::ToServer => self.command(&line, is_cut, out),
                Direction::ToClient => self.answer(&line, out),
            }
        }
        Outcome::More
    }

    fn end(&mut self, direction: Direction) -> &mut End {
        match direction {
            Direction::ToServer => &mut self.client,
            Direction::ToClient => &mut self.server,
        }
    }

    /// So many bytes are missing; whether nothing but data is.
    pub(super) fn skip(&mut self, direction: Direction, bytes: u32) -> bool {
        let end = self.end(direction);
        let left = end.data_bytes.checked_sub(bytes.into());
        end.data_bytes = left.unwrap_or(0);
        left.is_some()
    }

    /// No line goes on in the next datagram.
    pub(super) fn end_of_datagram(&mut self, direction: Direction) {
        *self.end(direction) = End::default();
    }

    fn command<S: AppSink>(&mut self, line: &[u8], is_cut: bool, out: &mut Beside<'_, S>) {
        let Some(name) = line.split(|byte| *byte == b' ').next().filter(|name| !name.is_empty()) else {
            return;
        };
        out.field(Direction::ToServer, Field::DbStatement, line);
        if is_cut {
            out.anomaly(Direction::ToServer, AppAnomaly::MessageCut);
        }
        let data = data_bytes(line);
        // The data ends in a CRLF.
        self.client.data_bytes = data.map_or(0, |bytes| bytes + 2);
        let id = self.next_id;
        self.next_id += 1;
        let bytes = data.unwrap_or(0);
        let exchange = Exchange { id, line: kept(line), bytes, values: 0, response_bytes: 0 };
        let is_quiet = match name {
            b"mg" | b"ms" | b"md" | b"ma" => memmem::find(line, b" q").is_some(),
            _ => line.ends_with(b" noreply") || matches!(name, b"quit" | b"shutdown"),
        };
        if is_quiet {
            exchange.tell(None, out);
        } else {
            self.pending.hold(exchange, Direction::ToServer, out, |exchange, out| exchange.tell(None, out));
        }
    }

    fn answer<S: AppSink>(&mut self, line: &[u8], out: &mut Beside<'_, S>) {
        let mut words = line.split(|byte| *byte == b' ');
        let first = words.next().unwrap_or_default();
        let data = match first {
            b"VALUE" => words.nth(2).and_then(number),
            b"VA" => words.next().and_then(number),
            _ => None,
        };
        self.server.data_bytes = data.map_or(0, |bytes| bytes + 2);
        if matches!(first, b"ERROR" | b"CLIENT_ERROR" | b"SERVER_ERROR") {
            out.field(Direction::ToClient, Field::DbError, line);
        }
        if let Some(exchange) = self.pending.front() {
            exchange.values += u64::from(data.is_some());
            exchange.response_bytes += data.unwrap_or(0);
            // What was asked for quietly is answered in front of what ends it.
            if exchange.line.starts_with(b"mn") && first != b"MN" {
                return;
            }
        }
        if !matches!(first, b"VALUE" | b"STAT" | b"ITEM")
            && let Some(exchange) = self.pending.pop()
        {
            exchange.tell(Some(line), out);
        }
    }

    pub(super) fn finish<S: AppSink>(&mut self, out: &mut Beside<'_, S>) {
        while let Some(exchange) = self.pending.pop() {
            exchange.tell(None, out);
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.pending.is_empty()
    }
}

impl Exchange {
    fn tell<S: AppSink>(&self, answer: Option<&[u8]>, out: &mut Beside<'_, S>) {
        let mut words = self.line.split(|byte| *byte == b' ');
        let (name, key) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        // What a get touches with comes in front of its keys.
        let key = if matches!(name, b"gat" | b"gats") { words.next().unwrap_or_default() } else { key };
        out.record(self.id, |record| {
            record.text("command", name);
            let has_key = !matches!(name, b"stats" | b"flush_all" | b"verbosity");
            if has_key {
                record.text_if_any("key", key);
            }
            record.text("statement", &self.line);
            if self.bytes > 0 {
                record.number("request_bytes", self.bytes);
            }
            let Some(answer) = answer else { return };
            let is_error = ERRORS.iter().any(|error| answer.starts_with(error));
            record.flag("success", !is_error);
            record.text(if is_error { "error" } else { "response" }, answer);
            record.number("values", self.values);
            record.number("response_bytes", self.response_bytes);
        });
    }
}

const ERRORS: [&[u8]; 3] = [b"ERROR", b"CLIENT_ERROR", b"SERVER_ERROR"];
