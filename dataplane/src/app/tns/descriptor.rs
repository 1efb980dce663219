//! Texts within packets of Oracle: what a client connects to, statements, and errors.

use memchr::memmem;

use crate::app::{Record, record::kept};

/// `(DESCRIPTION=(CONNECT_DATA=(SERVICE_NAME=...)(CID=(PROGRAM=...)(HOST=...)(USER=...)))...)`.
#[derive(Debug, Default)]
pub(super) struct Descriptor {
    /// The service, or the instance by its SID.
    pub(super) service: Vec<u8>,
    program: Vec<u8>,
    host: Vec<u8>,
    /// Who runs the program: not who logs in.
    os_user: Vec<u8>,
}

impl Descriptor {
    /// The descriptor that stands in these bytes.
    pub(super) fn find(bytes: &[u8]) -> Option<Descriptor> {
        let begin =
            memmem::find(bytes, b"(DESCRIPTION=").or_else(|| memmem::find(bytes, b"(CONNECT_DATA="))?;
        let text = bytes.get(begin..)?;
        let client = memmem::find(text, b"(CID=").and_then(|at| text.get(at..)).unwrap_or_default();
        let service = value(text, b"(SERVICE_NAME=").or_else(|| value(text, b"(SID=")).unwrap_or_default();
        let of_client = |name| kept(value(client, name).unwrap_or_default());
        Some(Descriptor {
            service: kept(service),
            program: of_client(b"(PROGRAM="),
            host: of_client(b"(HOST="),
            os_user: of_client(b"(USER="),
        })
    }

    pub(super) fn tell(&self, record: &mut Record) {
        record.text_if_any("service", &self.service);
        record.text_if_any("program", &self.program);
        record.text_if_any("host", &self.host);
        record.text_if_any("os_user", &self.os_user);
    }
}

/// What stands between a name and the bracket behind it.
fn value<'t>(text: &'t [u8], name: &[u8]) -> Option<&'t [u8]> {
    let begin = memmem::find(text, name)? + name.len();
    let text = text.get(begin..)?;
    text.get(..memchr::memchr2(b'(', b')', text)?)
}

/// Why a server takes no client: `(DESCRIPTION=(ERR=12505)...)`.
pub(super) fn refusal(body: &[u8]) -> &[u8] {
    let begin = memchr::memchr(b'(', body).unwrap_or(body.len());
    body.get(begin..).unwrap_or_default().trim_ascii()
}

/// Words that begin a statement.
const WORDS: [&[u8]; 15] = [
    b"SELECT ",
    b"INSERT ",
    b"UPDATE ",
    b"DELETE ",
    b"MERGE ",
    b"CREATE ",
    b"ALTER ",
    b"DROP ",
    b"TRUNCATE ",
    b"GRANT ",
    b"REVOKE ",
    b"BEGIN",
    b"DECLARE ",
    b"CALL ",
    b"WITH ",
];

/// The first text that begins as a statement does, up to what is no text: lengths in front of it are of several kinds.
pub(super) fn statement(body: &[u8]) -> Option<&[u8]> {
    let is_begin = |text: &[u8]| {
        WORDS.iter().any(|word| text.get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word)))
    };
    let mut at = 0;
    while let Some(text) = body.get(at..).filter(|text| !text.is_empty()) {
        // A word that is part of another one begins nothing.
        let is_inner = at > 0
            && body.get(at - 1).is_some_and(u8::is_ascii_alphanumeric)
            && body.get(at - 1) != Some(&b'@');
        if is_begin(text) && !(is_inner && is_part(body, at)) {
            let end = text.iter().position(|byte| !is_text(*byte)).unwrap_or(text.len());
            return text.get(..end);
        }
        at += 1;
    }
    None
}

/// Whether three letters stand in front: a length in front of a statement may look like one or two.
fn is_part(body: &[u8], at: usize) -> bool {
    let before = body.get(at.saturating_sub(3)..at).unwrap_or_default();
    before.len() == 3 && before.iter().all(u8::is_ascii_alphanumeric)
}

fn is_text(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~' | 0x80..)
}

/// `ORA-01017: invalid username/password; logon denied`, up to the end of its line.
pub(super) fn error(body: &[u8]) -> &[u8] {
    let Some(begin) = memmem::find(body, b"ORA-") else { return &[] };
    let text = body.get(begin..).unwrap_or_default();
    let end = text.iter().position(|byte| matches!(byte, 0..=0x1f)).unwrap_or(text.len());
    text.get(..end).filter(|text| text.get(4).is_some_and(u8::is_ascii_digit)).unwrap_or_default()
}
