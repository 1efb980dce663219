//! Commands of a client of MySQL.

use super::{
    handshake::{Capabilities, Login},
    packet::{integer, rest, string},
    response::Expects,
};
use crate::app::{Record, record::kept, wire::Wire};

/// A command as records tell it; texts are kept as far as they go there.
#[derive(Debug)]
pub(super) struct Command {
    name: &'static str,
    /// The statement, or the argument of a command that has one.
    pub(super) text: Vec<u8>,
    user: Vec<u8>,
    database: Vec<u8>,
    plugin: Vec<u8>,
    pub(super) is_login: bool,
    pub(super) is_tls: bool,
    pub(super) expects: Expects,
}

/// A command as it is read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Read<'p> {
    name: &'static str,
    expects: Expects,
    /// Text of a statement.
    pub(super) statement: &'p [u8],
    argument: &'p [u8],
    pub(super) user: &'p [u8],
    pub(super) database: &'p [u8],
    /// The prepared statement that is executed.
    pub(super) executes: Option<u32>,
    /// The prepared statement that is forgotten.
    pub(super) closes: Option<u32>,
    pub(super) is_answered: bool,
    pub(super) is_told: bool,
}

impl Command {
    /// Who logs in.
    pub(super) fn login(login: Login) -> Command {
        Command {
            text: login.user.clone(),
            user: login.user,
            database: login.database,
            plugin: login.plugin,
            is_login: true,
            is_tls: login.is_tls_request,
            ..Command::named("login", Expects::Login)
        }
    }

    /// The server speaks first.
    pub(super) fn nothing() -> Command {
        Command::named("", Expects::Ok)
    }

    fn named(name: &'static str, expects: Expects) -> Command {
        let (user, database, plugin) = Default::default();
        Command { name, text: Vec::new(), user, database, plugin, is_login: false, is_tls: false, expects }
    }

    pub(super) fn parse(body: &[u8], capabilities: Capabilities) -> Read<'_> {
        let mut wire = Wire(body);
        let code = wire.u8().unwrap_or(0);
        let (name, expects) = of_code(code);
        let mut read = Read { name, expects, is_answered: true, is_told: true, ..Read::default() };
        match code {
            1 => read.is_answered = false,
            2 | 5 | 6 => {
                read.argument = wire.rest();
                read.database = wire.rest();
            }
            3 => {
                if capabilities.has_query_attributes() {
                    pass_attributes(&mut wire);
                }
                read.statement = wire.rest();
            }
            4 => read.argument = wire.until_nul().unwrap_or(wire.rest()),
            17 => {
                read.user = wire.until_nul().unwrap_or_default();
                read.argument = read.user;
                let _proof = wire.prefixed_u8();
                read.database = wire.until_nul().unwrap_or_default();
            }
            22 => read.statement = wire.rest(),
            23 | 26 | 28 | 0xfa => read.executes = wire.u32_le(),
            // Neither long data nor the end of a statement is answered, and neither says much.
            24 => (read.is_answered, read.is_told) = (false, false),
            25 => {
                read.closes = wire.u32_le();
                (read.is_answered, read.is_told) = (false, false);
            }
            _ => {}
        }
        read
    }

    pub(super) fn tell(&self, record: &mut Record) {
        // Suricata tells the statement, where there is one.
        if self.text.is_empty() || self.is_login {
            record.text_if_any("command", self.name.as_bytes());
        } else {
            record.text("command", &self.text);
        }
        record.text_if_any("cmd", self.name.as_bytes());
        record.text_if_any("arg", &self.text);
        record.text_if_any("user", &self.user);
        record.text_if_any("database", &self.database);
        record.text_if_any("auth_plugin", &self.plugin);
    }
}

impl Read<'_> {
    /// As it is kept; `text` is that of the statement that it executes.
    pub(super) fn told(&self, text: Option<Vec<u8>>) -> Command {
        let own = if self.statement.is_empty() { self.argument } else { self.statement };
        Command {
            text: text.unwrap_or_else(|| kept(own)),
            user: kept(self.user),
            database: kept(self.database),
            ..Command::named(self.name, self.expects)
        }
    }
}

/// Name of a command, and what answers it.
fn of_code(code: u8) -> (&'static str, Expects) {
    match code {
        0 => ("sleep", Expects::Ok),
        1 => ("quit", Expects::Ok),
        2 => ("init_db", Expects::Ok),
        3 => ("query", Expects::Rows),
        4 => ("field_list", Expects::Columns),
        5 => ("create_db", Expects::Ok),
        6 => ("drop_db", Expects::Ok),
        7 => ("refresh", Expects::Ok),
        8 => ("shutdown", Expects::Ok),
        9 => ("statistics", Expects::Text),
        10 => ("process_info", Expects::Rows),
        12 => ("process_kill", Expects::Ok),
        13 => ("debug", Expects::Ok),
        14 => ("ping", Expects::Ok),
        17 => ("change_user", Expects::Login),
        18 => ("binlog_dump", Expects::Stream),
        19 => ("table_dump", Expects::Stream),
        21 => ("register_slave", Expects::Ok),
        22 => ("stmt_prepare", Expects::Prepared),
        23 => ("stmt_execute", Expects::Rows),
        24 => ("stmt_send_long_data", Expects::Ok),
        25 => ("stmt_close", Expects::Ok),
        26 => ("stmt_reset", Expects::Ok),
        27 => ("set_option", Expects::Ok),
        28 => ("stmt_fetch", Expects::Fetched),
        30 => ("binlog_dump_gtid", Expects::Stream),
        31 => ("reset_connection", Expects::Ok),
        0xfa => ("stmt_bulk_execute", Expects::Rows),
        _ => ("unknown", Expects::Ok),
    }
}

/// Attributes in front of a query: their number, and how many sets of them there are, which is one.
fn pass_attributes(wire: &mut Wire<'_>) {
    let mut ahead = *wire;
    let passed = (|| {
        let count = integer(&mut ahead)?;
        let _sets = integer(&mut ahead)?;
        if count > 0 { pass_values(&mut ahead, count) } else { Some(()) }
    })();
    if passed.is_some() {
        *wire = ahead;
    }
}

fn pass_values(wire: &mut Wire<'_>, count: u64) -> Option<()> {
    let count = usize::try_from(count).ok()?;
    let nulls = wire.take(count.div_ceil(8))?;
    let is_null = |at: usize| nulls.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1);
    let _are_types_bound = wire.u8()?;
    // A type is there for each: there are no more of them than bytes are left.
    let mut types = Vec::with_capacity(count.min(wire.rest().len() / 3));
    for _ in 0..count {
        types.push(wire.u16_le()? & 0xff);
        let _name = string(wire)?;
    }
    for (at, kind) in types.into_iter().enumerate() {
        if !is_null(at) {
            pass_value(wire, kind)?;
        }
    }
    Some(())
}

/// A value of the binary protocol.
fn pass_value(wire: &mut Wire<'_>, kind: u16) -> Option<()> {
    match kind {
        6 => &[],
        1 => wire.take(1)?,
        2 | 13 => wire.take(2)?,
        3 | 4 | 9 => wire.take(4)?,
        5 | 8 => wire.take(8)?,
        7 | 10 | 11 | 12 => wire.prefixed_u8()?,
        _ => string(wire).unwrap_or_else(|| rest(wire)),
    };
    Some(())
}
