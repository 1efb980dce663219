//! What a client of PostgreSQL asks, as records tell it.

use crate::app::{Record, record::kept, wire::Wire};
use crate::limits::PGSQL_PARAMETERS_MAX;

/// A request; texts are kept as far as a record tells them.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request {
    Ssl,
    Gss,
    Cancel {
        process: u32,
        key: u32,
    },
    Startup(Startup),
    /// A password, or the hash of one: never kept.
    Password,
    SaslInitial {
        mechanism: Vec<u8>,
        data: Vec<u8>,
    },
    Sasl(Vec<u8>),
    Query(Vec<u8>),
    Parse {
        name: Vec<u8>,
        text: Vec<u8>,
    },
    Execute {
        name: Vec<u8>,
        text: Vec<u8>,
    },
    Call,
    Copy(CopyIn),
    Sync,
    Terminate,
    /// The server spoke unasked.
    Nothing,
}

/// Who asks, for which database.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Startup {
    version: u32,
    pub(super) user: Vec<u8>,
    parameters: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Data for COPY ... FROM STDIN.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct CopyIn {
    messages: u64,
    bytes: u64,
    /// How it ended.
    pub(super) end: Option<&'static str>,
    /// Whether the statement was one of the extended protocol.
    pub(super) is_extended: bool,
}

/// Bytes of the type and the length of a message.
const HEAD_BYTES: u64 = 5;

impl Startup {
    pub(super) fn parse(version: u32, parameters: &[u8]) -> Startup {
        let mut startup = Startup { version, ..Startup::default() };
        let mut wire = Wire(parameters);
        while let Some(name) = wire.until_nul() {
            let Some(value) = wire.until_nul() else { break };
            if name == b"user" {
                startup.user = kept(value);
            } else if startup.parameters.len() < PGSQL_PARAMETERS_MAX {
                startup.parameters.push((kept(name), kept(value)));
            }
        }
        startup
    }

    /// The database, where it is named; else it is that of the user's name.
    pub(super) fn database(&self) -> &[u8] {
        self.parameters.iter().find(|(name, _)| name == b"database").map_or(&[], |(_, value)| value)
    }

    fn tell(&self, record: &mut Record) {
        record.display("protocol_version", format_args!("{}.{}", self.version >> 16, self.version & 0xffff));
        record.object("startup_parameters", |record| {
            record.text("user", &self.user);
            if !self.parameters.is_empty() {
                record.list("optional_parameters", |record| {
                    for (name, value) in &self.parameters {
                        tell_parameter(name, value, record);
                    }
                });
            }
        });
    }
}

impl CopyIn {
    pub(super) fn new(is_extended: bool) -> CopyIn {
        CopyIn { is_extended, ..CopyIn::default() }
    }

    /// A message of so many bytes in all.
    pub(super) fn add(&mut self, message_bytes: u64) {
        self.messages += 1;
        self.bytes += message_bytes.saturating_sub(HEAD_BYTES);
    }
}

impl Request {
    /// Whether a record tells of it for itself.
    pub(super) fn is_told(&self) -> bool {
        *self != Request::Sync
    }

    /// Whether its response ends where the server is ready for the next query (§53.2.3, §53.2.4).
    pub(super) fn ends_at_ready(&self) -> bool {
        match self {
            Request::Query(_) | Request::Call | Request::Sync => true,
            Request::Copy(copy) => !copy.is_extended,
            _ => false,
        }
    }

    /// Whether it is answered by one CommandComplete or what stands for it.
    pub(super) fn ends_at_completion(&self) -> bool {
        match self {
            Request::Execute { .. } => true,
            Request::Copy(copy) => copy.is_extended,
            _ => false,
        }
    }

    pub(super) fn is_of_login(&self) -> bool {
        matches!(
            self,
            Request::Startup(_) | Request::Password | Request::SaslInitial { .. } | Request::Sasl(_)
        )
    }

    /// Whether it prepares the statement of that name.
    pub(super) fn is_of(&self, statement: &[u8]) -> bool {
        matches!(self, Request::Parse { name, .. } if name == statement)
    }

    pub(super) fn tell(&self, record: &mut Record) {
        match self {
            Request::Ssl => record.text("message", b"SSL Request"),
            Request::Gss => record.text("message", b"GSSENC Request"),
            Request::Cancel { process, key } => {
                record.text("message", b"cancel_request");
                record.number("process_id", (*process).into());
                record.number("secret_key", (*key).into());
            }
            Request::Startup(startup) => startup.tell(record),
            Request::Password => record.flag("password_redacted", true),
            Request::SaslInitial { mechanism, data } => {
                record.text("sasl_authentication_mechanism", mechanism_name(mechanism));
                record.text("sasl_param", data);
            }
            Request::Sasl(data) => record.text("sasl_response", data),
            Request::Query(text) => record.text("simple_query", text),
            Request::Parse { name, text } => {
                record.text("message", b"parse");
                tell_statement(name, text, record);
            }
            Request::Execute { name, text } => {
                record.text("message", b"execute");
                tell_statement(name, text, record);
            }
            Request::Call => record.text("message", b"function_call"),
            Request::Copy(copy) => {
                if copy.messages > 0 {
                    record.object("copy_data_in", |record| {
                        record.number("msg_count", copy.messages);
                        record.number("data_size", copy.bytes);
                    });
                }
                record.text_if_any("message", copy.end.unwrap_or_default().as_bytes());
            }
            Request::Sync => record.text("message", b"sync"),
            Request::Terminate => record.text("message", b"termination_message"),
            Request::Nothing => {}
        }
    }
}

fn tell_statement(name: &[u8], text: &[u8], record: &mut Record) {
    record.text_if_any("statement_name", name);
    record.text_if_any("query", text);
}

/// As Suricata spells it.
fn mechanism_name(mechanism: &[u8]) -> &[u8] {
    match mechanism {
        b"SCRAM-SHA-256" => b"scram_SHA256",
        b"SCRAM-SHA-256-PLUS" => b"scram_SHA256_plus",
        other => other,
    }
}

/// An object of a parameter of a session, under Suricata's name where it has one.
pub(super) fn tell_parameter(name: &[u8], value: &[u8], record: &mut Record) {
    let known = match name {
        b"database" => "database",
        b"replication" => "replication",
        b"options" => "options",
        b"application_name" => "application_name",
        b"client_encoding" => "client_encoding",
        b"DateStyle" | b"datestyle" => "date_style",
        b"default_transaction_read_only" => "default_transaction_read_only",
        b"extra_float_digits" => "extra_float_digits",
        b"in_hot_standby" => "in_hot_standby",
        b"integer_datetimes" => "integer_datetimes",
        b"IntervalStyle" => "interval_style",
        b"is_superuser" => "is_superuser",
        b"search_path" => "search_path",
        b"server_encoding" => "server_encoding",
        b"server_version" => "server_version",
        b"session_authorization" => "session_authorization",
        b"standard_conforming_strings" => "standard_conforming_strings",
        b"TimeZone" | b"timezone" => "time_zone",
        _ => "",
    };
    record.object("", |record| {
        if known.is_empty() {
            record.text("name", name);
            record.text("value", value);
        } else {
            record.text(known, value);
        }
    });
}
