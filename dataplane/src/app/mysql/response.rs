//! What a server of MySQL answers to one command.

use super::{
    handshake::Capabilities,
    packet::{Packet, integer, rest},
};
use crate::app::{Record, record::kept, wire::Wire};

/// What may answer a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Expects {
    /// OK, EOF, or an error.
    #[default]
    Ok,
    /// The same, behind any steps of a proof.
    Login,
    /// The same, or a set of rows; several of them, one after another.
    Rows,
    /// Columns up to an EOF.
    Columns,
    /// A prepared statement.
    Prepared,
    /// Rows up to an EOF.
    Fetched,
    /// One packet of text.
    Text,
    /// Events without end.
    Stream,
}

/// A response as far as it has come.
#[derive(Debug, Default)]
pub(super) struct Response {
    state: State,
    is_complete: bool,
    affected_rows: Option<u64>,
    rows: u64,
    bytes: u64,
    has_rows: bool,
    error: Option<Error>,
    /// The statement that was prepared.
    pub(super) prepared: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Nothing,
    First(Expects),
    /// So many columns are to come, and whether an EOF follows even so.
    Columns(u64),
    /// The EOF behind them.
    EndOfColumns,
    Rows,
    /// Parameters and columns of a prepared statement, and the EOF packets behind them.
    Definitions(u64),
}

/// How a response goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    More,
    Done,
    /// The client is to send a file.
    File,
    /// It has no end.
    Stream,
    Broken,
}

/// What the server says went wrong.
#[derive(Debug)]
pub(super) struct Error {
    code: u16,
    state: Vec<u8>,
    message: Vec<u8>,
}

const OK: u8 = 0;
const FILE: u8 = 0xfb;
const EOF: u8 = 0xfe;
const ERROR: u8 = 0xff;
/// An EOF packet is shorter than a row that begins with the same byte.
const EOF_BYTES_MAX: u64 = 8;
/// A row that begins with it has more than 16 MiB.
const END_BYTES_MAX: u64 = 0xff_ffff;
const MORE_RESULTS: u16 = 8;

impl Error {
    /// Behind its first byte.
    pub(super) fn parse(mut wire: Wire<'_>) -> Option<Error> {
        let code = wire.u16_le()?;
        let state = match wire.rest() {
            [b'#', state @ ..] => state.get(..5).unwrap_or_default(),
            _ => &[],
        };
        let message = wire.rest().get(if state.is_empty() { 0 } else { 6 }..).unwrap_or_default();
        Some(Error { code, state: kept(state), message: kept(message) })
    }
}

impl Response {
    pub(super) fn new(expects: Expects) -> Response {
        Response { state: State::First(expects), ..Response::default() }
    }

    /// The server takes no client.
    pub(super) fn refused(error: Error) -> Response {
        Response { error: Some(error), is_complete: true, ..Response::default() }
    }

    pub(super) fn is_error(&self) -> bool {
        self.error.is_some()
    }

    /// Code and message.
    pub(super) fn error_text(&self) -> Vec<u8> {
        self.error
            .as_ref()
            .map_or_else(Vec::new, |error| [error.code.to_string().as_bytes(), &error.message].join(&b' '))
    }

    /// Takes in the next packet.
    pub(super) fn read(&mut self, packet: Packet<'_>, capabilities: Capabilities) -> Progress {
        self.bytes += packet.body_bytes;
        if packet.body.first() == Some(&ERROR) && self.state != State::Nothing {
            self.error = Error::parse(Wire(packet.body.get(1..).unwrap_or_default()));
            return if self.error.is_some() { self.done() } else { Progress::Broken };
        }
        match self.state {
            State::Nothing => Progress::Broken,
            State::First(expects) => self.first(expects, packet, capabilities),
            State::Columns(left) => {
                self.state = match left {
                    2.. => State::Columns(left - 1),
                    _ if capabilities.deprecates_eof() => State::Rows,
                    _ => State::EndOfColumns,
                };
                Progress::More
            }
            State::EndOfColumns => {
                self.state = State::Rows;
                // Rows that wait behind a cursor are fetched later: this was all.
                match packet.body.get(3..5).and_then(|status| Wire(status).u16_le()) {
                    Some(status) if status & CURSOR_EXISTS != 0 => self.done(),
                    _ => Progress::More,
                }
            }
            State::Rows => self.row(packet, capabilities),
            State::Definitions(left) => {
                self.state = State::Definitions(left.saturating_sub(1));
                if left <= 1 { self.done() } else { Progress::More }
            }
        }
    }

    fn first(&mut self, expects: Expects, packet: Packet<'_>, capabilities: Capabilities) -> Progress {
        let mut wire = Wire(packet.body);
        let Some(kind) = wire.u8() else { return Progress::Broken };
        match (expects, kind) {
            (Expects::Stream, _) => Progress::Stream,
            (Expects::Text, _) => self.done(),
            // The proof goes on: another method, or the next step of this one.
            (Expects::Login, 1 | EOF) => Progress::More,
            (Expects::Prepared, OK) => self.prepared(wire, capabilities),
            (Expects::Rows, FILE) => Progress::File,
            (Expects::Columns | Expects::Fetched, _) => {
                self.state = State::Rows;
                self.has_rows = expects == Expects::Fetched;
                self.row(packet, capabilities)
            }
            (_, OK) => self.ok(wire, expects),
            (Expects::Ok, EOF) => self.done(),
            (Expects::Rows, _) => self.columns(Wire(packet.body), capabilities),
            _ => Progress::Broken,
        }
    }

    fn ok(&mut self, mut wire: Wire<'_>, expects: Expects) -> Progress {
        let (affected, _insert_id) = (integer(&mut wire), integer(&mut wire));
        self.affected_rows = Some(self.affected_rows.unwrap_or(0).saturating_add(affected.unwrap_or(0)));
        self.end_of_result(wire.u16_le(), expects)
    }

    /// A result is complete; another one may follow.
    fn end_of_result(&mut self, status: Option<u16>, expects: Expects) -> Progress {
        if expects == Expects::Rows && status.is_some_and(|status| status & MORE_RESULTS != 0) {
            self.state = State::First(Expects::Rows);
            return Progress::More;
        }
        self.done()
    }

    fn columns(&mut self, mut wire: Wire<'_>, capabilities: Capabilities) -> Progress {
        let has_flag = capabilities.has_optional_metadata();
        let is_left_out = has_flag && wire.u8() == Some(0);
        let Some(count @ 1..) = integer(&mut wire) else { return Progress::Broken };
        let is_cached = capabilities.has_cached_metadata() && wire.u8() == Some(0);
        self.has_rows = true;
        self.state = match is_left_out || is_cached {
            false => State::Columns(count),
            true if capabilities.deprecates_eof() => State::Rows,
            true => State::EndOfColumns,
        };
        Progress::More
    }

    fn row(&mut self, packet: Packet<'_>, capabilities: Capabilities) -> Progress {
        let mut wire = Wire(packet.body);
        let is_end = match wire.u8() {
            Some(EOF) if capabilities.deprecates_eof() => packet.body_bytes < END_BYTES_MAX,
            Some(EOF) => packet.body_bytes <= EOF_BYTES_MAX,
            _ => false,
        };
        if !is_end {
            self.rows += u64::from(self.has_rows);
            return Progress::More;
        }
        if capabilities.deprecates_eof() && packet.body_bytes > EOF_BYTES_MAX - 3 {
            let _ = (integer(&mut wire), integer(&mut wire));
            return self.end_of_result(wire.u16_le(), Expects::Rows);
        }
        let (_warnings, status) = (wire.u16_le(), wire.u16_le());
        self.end_of_result(status, Expects::Rows)
    }

    /// COM_STMT_PREPARE_OK.
    fn prepared(&mut self, mut wire: Wire<'_>, capabilities: Capabilities) -> Progress {
        let (Some(id), Some(columns), Some(parameters)) = (wire.u32_le(), wire.u16_le(), wire.u16_le())
        else {
            return Progress::Broken;
        };
        self.prepared = Some(id);
        let _rest = rest(&mut wire);
        let end = u64::from(!capabilities.deprecates_eof());
        let packets = |count: u16| if count > 0 { u64::from(count) + end } else { 0 };
        self.state = State::Definitions(packets(columns) + packets(parameters));
        if self.state == State::Definitions(0) { self.done() } else { Progress::More }
    }

    fn done(&mut self) -> Progress {
        self.is_complete = true;
        Progress::Done
    }

    pub(super) fn tell(&self, record: &mut Record) {
        if self.is_complete {
            record.flag("success", self.error.is_none());
        }
        if let Some(rows) = self.affected_rows {
            record.number("affected_rows", rows);
        }
        if self.has_rows {
            record.number("rows", self.rows);
        }
        if self.bytes > 0 {
            record.number("response_bytes", self.bytes);
        }
        if let Some(error) = &self.error {
            record.object("error", |record| {
                record.number("code", error.code.into());
                record.text_if_any("sql_state", &error.state);
                record.text("message", &error.message);
            });
        }
    }
}

const CURSOR_EXISTS: u16 = 0x40;
