//! What a server of PostgreSQL answered to one request, as records tell it.

use super::request::tell_parameter;
use crate::app::{Record, record::kept, wire::Wire};
use crate::limits::PGSQL_PARAMETERS_MAX;

/// A response as far as it has come: messages of the same kind are one value.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Response {
    pub(super) ssl_accepted: Option<bool>,
    /// The last step of the login, under Suricata's name.
    step: Option<&'static str>,
    salt: Vec<u8>,
    sasl_final: Vec<u8>,
    parameters: Vec<(Vec<u8>, Vec<u8>)>,
    key: Option<(u32, u32)>,
    copy_in_columns: Option<u16>,
    copy_out_columns: Option<u16>,
    copied: Rows,
    field_count: Option<u16>,
    rows: Rows,
    completed: Vec<u8>,
    /// Values of an ErrorResponse, or of a NoticeResponse, by the bytes that name them.
    notice: Vec<(u8, Vec<u8>)>,
    is_error: bool,
}

/// How much came.
#[derive(Debug, Default, PartialEq, Eq)]
struct Rows {
    count: u64,
    bytes: u64,
}

/// Bytes of the type and the length of a message.
const HEAD_BYTES: u64 = 5;

impl Response {
    /// A message that is neither of the login nor an error; its length counts its head.
    pub(super) fn add(&mut self, kind: u8, mut wire: Wire<'_>, total_bytes: u64) {
        let body_bytes = total_bytes.saturating_sub(HEAD_BYTES);
        match kind {
            b'S' if self.parameters.len() < PGSQL_PARAMETERS_MAX => {
                if let (Some(name), Some(value)) = (wire.until_nul(), wire.until_nul()) {
                    self.parameters.push((kept(name), kept(value)));
                }
            }
            b'K' => self.key = wire.u32().zip(wire.u32()),
            b'T' => self.field_count = wire.u16(),
            b'D' => {
                // The number of columns, and in front of each its length.
                let columns = wire.u16().unwrap_or(0);
                self.rows.add(body_bytes.saturating_sub(2 + 4 * u64::from(columns)));
            }
            b'd' => self.copied.add(body_bytes),
            b'G' => self.copy_in_columns = wire.u8().and_then(|_format| wire.u16()),
            b'H' | b'W' => self.copy_out_columns = wire.u8().and_then(|_format| wire.u16()),
            b'C' => self.completed = kept(super::until_nul(&mut wire)),
            b'N' if !self.is_error => self.notice = values(wire),
            _ => {}
        }
    }

    /// A step of the login (§53.2.1).
    pub(super) fn authentication(&mut self, kind: u32, data: &[u8]) {
        match kind {
            5 => self.salt = kept(data),
            12 => self.sasl_final = kept(data),
            _ => {
                self.step = match kind {
                    0 => Some("authentication_ok"),
                    2 => Some("authentication_kerberos_v5"),
                    3 => Some("authentication_cleartext_password"),
                    7 => Some("authentication_gss"),
                    8 => Some("authentication_gss_continue"),
                    9 => Some("authentication_sspi"),
                    10 => Some("authentication_sasl"),
                    11 => Some("authentication_sasl_continue"),
                    _ => None,
                }
            }
        }
    }

    /// An ErrorResponse (§53.8).
    pub(super) fn error(&mut self, data: &[u8]) {
        self.notice = values(Wire(data));
        self.is_error = true;
    }

    pub(super) fn is_error(&self) -> bool {
        self.is_error
    }

    /// Code and message.
    pub(super) fn error_text(&self) -> Vec<u8> {
        [self.value(b'C'), self.value(b'M')].join(&b' ')
    }

    fn value(&self, name: u8) -> &[u8] {
        self.notice.iter().find(|(of, _)| *of == name).map_or(&[], |(_, value)| value)
    }

    pub(super) fn tell(&self, record: &mut Record) {
        if let Some(is_accepted) = self.ssl_accepted {
            record.flag("ssl_accepted", is_accepted);
        }
        record.text_if_any("message", self.step.unwrap_or_default().as_bytes());
        record.text_if_any("authentication_md5_password", &self.salt);
        record.text_if_any("authentication_sasl_final", &self.sasl_final);
        if !self.parameters.is_empty() {
            record.list("parameter_status", |record| {
                for (name, value) in &self.parameters {
                    tell_parameter(name, value, record);
                }
            });
        }
        if let Some((process, key)) = self.key {
            record.number("process_id", process.into());
            record.number("secret_key", key.into());
        }
        self.tell_result(record);
        for (name, value) in &self.notice {
            if let Some(name) = name_of(*name) {
                record.text(name, value);
            }
        }
    }

    fn tell_result(&self, record: &mut Record) {
        for (name, columns) in
            [("copy_in_response", self.copy_in_columns), ("copy_out_response", self.copy_out_columns)]
        {
            if let Some(columns) = columns {
                record.object(name, |record| record.number("columns", columns.into()));
            }
        }
        if self.copied.count > 0 {
            record.object("copy_data_out", |record| {
                record.number("row_count", self.copied.count);
                record.number("data_size", self.copied.bytes);
            });
        }
        if let Some(count) = self.field_count {
            record.number("field_count", count.into());
        }
        if self.rows.count > 0 {
            record.number("data_rows", self.rows.count);
            record.number("data_size", self.rows.bytes);
        }
        record.text_if_any("command_completed", &self.completed);
    }
}

impl Rows {
    fn add(&mut self, bytes: u64) {
        self.count += 1;
        self.bytes += bytes;
    }
}

/// Of one message: each value has a byte in front that names it.
fn values(mut wire: Wire<'_>) -> Vec<(u8, Vec<u8>)> {
    let mut values = Vec::new();
    while let Some(name @ 1..) = wire.u8() {
        let value = super::until_nul(&mut wire);
        if name_of(name).is_some() && !values.iter().any(|(of, _)| *of == name) {
            values.push((name, kept(value)));
        }
    }
    values
}

/// Suricata's name of a value of an error or a notice (§53.8).
fn name_of(value: u8) -> Option<&'static str> {
    Some(match value {
        b'S' => "severity_localizable",
        b'V' => "severity_non_localizable",
        b'C' => "code",
        b'M' => "message",
        b'D' => "detail",
        b'H' => "hint",
        b'P' => "position",
        b'p' => "internal_position",
        b'q' => "internal_query",
        b'W' => "where",
        b's' => "schema_name",
        b't' => "table_name",
        b'c' => "column_name",
        b'd' => "data_type_name",
        b'n' => "constraint_name",
        b'F' => "file",
        b'L' => "line",
        b'R' => "routine",
        _ => return None,
    })
}
