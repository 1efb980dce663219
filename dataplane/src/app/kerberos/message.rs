//! One message of Kerberos; names of what records tell are Suricata's.

use crate::app::{
    Record,
    ber::{Ber, SEQUENCE},
    wire::Wire,
};

/// Of a message what is in the clear.
#[derive(Debug, Default)]
pub(super) struct Ticketing<'t> {
    name: &'static str,
    realm: &'t [u8],
    /// Names with `/` between their parts.
    client: Vec<u8>,
    service: Vec<u8>,
    /// How the reply is encrypted, and the ticket in it; of a request, what the client would like best.
    encryption: Option<u64>,
    ticket_encryption: Option<u64>,
    error: Option<u64>,
    error_text: &'t [u8],
}

const AS_REQ: u8 = 0x6a;
const AS_REP: u8 = 0x6b;
const TGS_REQ: u8 = 0x6c;
const TGS_REP: u8 = 0x6d;
const AP_REQ: u8 = 0x6e;
const AP_REP: u8 = 0x6f;
const SAFE: u8 = 0x74;
const PRIVATE: u8 = 0x75;
const CREDENTIALS: u8 = 0x76;
const ERROR: u8 = 0x7e;
/// A ticket (RFC 4120 §5.3).
const TICKET: u8 = 0x61;

impl<'t> Ticketing<'t> {
    /// `None` where it is no message (RFC 4120 §5.10).
    pub(super) fn parse(message: &'t [u8]) -> Option<Ticketing<'t>> {
        let (tag, body) = Ber::value(&mut Wire(message))?;
        let mut wire = Wire(Ber::of(SEQUENCE, &mut Wire(body))?);
        let mut told = Ticketing { name: name(tag)?, ..Ticketing::default() };
        // Where it is not all there, what is there is told.
        let _all = match tag {
            AS_REQ | TGS_REQ => told.request(&mut wire),
            AS_REP | TGS_REP => told.reply(&mut wire),
            ERROR => told.error(&mut wire),
            AP_REQ => told.ticket(part(3, &mut wire)),
            _ => Some(()),
        };
        Some(told)
    }

    /// §5.4.1.
    fn request(&mut self, wire: &mut Wire<'t>) -> Option<()> {
        let (_version, _kind, _proofs) = (part(1, wire)?, part(2, wire)?, part(3, wire));
        let mut body = Wire(Ber::of(SEQUENCE, &mut Wire(part(4, wire)?))?);
        let _options = part(0, &mut body)?;
        self.client = principal(part(1, &mut body).unwrap_or_default());
        self.realm = string(part(2, &mut body)?);
        self.service = principal(part(3, &mut body).unwrap_or_default());
        let (_from, _until, _renewed) = (part(4, &mut body), part(5, &mut body), part(6, &mut body));
        let _nonce = part(7, &mut body)?;
        let mut types = Wire(Ber::of(SEQUENCE, &mut Wire(part(8, &mut body)?))?);
        self.encryption = Ber::number(&mut types);
        Some(())
    }

    /// §5.4.2.
    fn reply(&mut self, wire: &mut Wire<'t>) -> Option<()> {
        let (_version, _kind, _proofs) = (part(0, wire)?, part(1, wire)?, part(2, wire));
        self.realm = string(part(3, wire)?);
        self.client = principal(part(4, wire)?);
        self.ticket(part(5, wire))?;
        self.encryption = encrypted(part(6, wire)?);
        Some(())
    }

    /// §5.3: for what service it is.
    fn ticket(&mut self, bytes: Option<&'t [u8]>) -> Option<()> {
        let mut ticket = Wire(Ber::of(TICKET, &mut Wire(bytes?))?);
        let mut ticket = Wire(Ber::of(SEQUENCE, &mut ticket)?);
        let (_version, realm) = (part(0, &mut ticket)?, part(1, &mut ticket)?);
        if self.realm.is_empty() {
            self.realm = string(realm);
        }
        self.service = principal(part(2, &mut ticket)?);
        self.ticket_encryption = encrypted(part(3, &mut ticket)?);
        Some(())
    }

    /// §5.9.1.
    fn error(&mut self, wire: &mut Wire<'t>) -> Option<()> {
        let (_version, _kind) = (part(0, wire)?, part(1, wire)?);
        for time in 2..=5 {
            let _time = part(time, wire);
        }
        self.error = Ber::number(&mut Wire(part(6, wire)?));
        let client_realm = part(7, wire).map(string).unwrap_or_default();
        self.client = principal(part(8, wire).unwrap_or_default());
        let realm = string(part(9, wire)?);
        self.realm = if client_realm.is_empty() { realm } else { client_realm };
        self.service = principal(part(10, wire)?);
        self.error_text = part(11, wire).map(string).unwrap_or_default();
        Some(())
    }

    pub(super) fn client(&self) -> &[u8] {
        &self.client
    }

    /// What a server says went wrong.
    pub(super) fn error_text(&self) -> &'t [u8] {
        self.error_text
    }

    pub(super) fn tell(&self, record: &mut Record) {
        record.text("msg_type", self.name.as_bytes());
        record.text_if_any("cname", &self.client);
        record.text_if_any("realm", self.realm);
        record.text_if_any("sname", &self.service);
        if let Some(error) = self.error {
            record.display("error_code", ErrorCode(error));
        }
        record.text_if_any("error_text", self.error_text);
        let encryptions = [
            ("encryption", "weak_encryption", self.encryption),
            ("ticket_encryption", "ticket_weak_encryption", self.ticket_encryption),
        ];
        for (name, weak, encryption) in encryptions {
            if let Some(encryption) = encryption {
                record.display(name, Encryption(encryption));
                record.flag(weak, Encryption(encryption).is_weak());
            }
        }
    }
}

/// The part of that number, where it comes next.
fn part<'w>(number: u8, wire: &mut Wire<'w>) -> Option<&'w [u8]> {
    Ber::of(0xa0 | number, wire)
}

fn string(value: &[u8]) -> &[u8] {
    Ber::value(&mut Wire(value)).map(|(_, text)| text).unwrap_or_default()
}

/// §5.2.2: a type, and the parts of a name.
fn principal(value: &[u8]) -> Vec<u8> {
    let parts = || {
        let mut wire = Wire(Ber::of(SEQUENCE, &mut Wire(value))?);
        let _kind = part(0, &mut wire)?;
        Some(Wire(Ber::of(SEQUENCE, &mut Wire(part(1, &mut wire)?))?))
    };
    let mut name = Vec::new();
    let mut parts = parts().unwrap_or(Wire(&[]));
    while let Some((_, text)) = Ber::value(&mut parts) {
        if !name.is_empty() {
            name.push(b'/');
        }
        name.extend_from_slice(text);
    }
    name
}

/// §5.2.9: the type of what is encrypted.
fn encrypted(value: &[u8]) -> Option<u64> {
    let mut wire = Wire(Ber::of(SEQUENCE, &mut Wire(value))?);
    Ber::number(&mut Wire(part(0, &mut wire)?))
}

fn name(tag: u8) -> Option<&'static str> {
    Some(match tag {
        AS_REQ => "KRB_AS_REQ",
        AS_REP => "KRB_AS_REP",
        TGS_REQ => "KRB_TGS_REQ",
        TGS_REP => "KRB_TGS_REP",
        AP_REQ => "KRB_AP_REQ",
        AP_REP => "KRB_AP_REP",
        SAFE => "KRB_SAFE",
        PRIVATE => "KRB_PRIV",
        CREDENTIALS => "KRB_CRED",
        ERROR => "KRB_ERROR",
        _ => return None,
    })
}

/// <https://www.iana.org/assignments/kerberos-parameters>.
struct Encryption(u64);

impl Encryption {
    /// RFC 6649, RFC 8429: DES, 3DES and RC4.
    fn is_weak(&self) -> bool {
        matches!(self.0, 1..=16 | 23 | 24)
    }
}

impl std::fmt::Display for Encryption {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self.0 {
            1 => "des-cbc-crc",
            2 => "des-cbc-md4",
            3 => "des-cbc-md5",
            16 => "des3-cbc-sha1",
            17 => "aes128-cts-hmac-sha1-96",
            18 => "aes256-cts-hmac-sha1-96",
            19 => "aes128-cts-hmac-sha256-128",
            20 => "aes256-cts-hmac-sha384-192",
            23 => "rc4-hmac",
            24 => "rc4-hmac-exp",
            other => return write!(formatter, "{other}"),
        })
    }
}

/// §7.5.9.
struct ErrorCode(u64);

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self.0 {
            6 => "KDC_ERR_C_PRINCIPAL_UNKNOWN",
            7 => "KDC_ERR_S_PRINCIPAL_UNKNOWN",
            12 => "KDC_ERR_POLICY",
            13 => "KDC_ERR_BADOPTION",
            14 => "KDC_ERR_ETYPE_NOSUPP",
            18 => "KDC_ERR_CLIENT_REVOKED",
            23 => "KDC_ERR_KEY_EXPIRED",
            24 => "KDC_ERR_PREAUTH_FAILED",
            25 => "KDC_ERR_PREAUTH_REQUIRED",
            31 => "KRB_AP_ERR_BAD_INTEGRITY",
            32 => "KRB_AP_ERR_TKT_EXPIRED",
            37 => "KRB_AP_ERR_SKEW",
            41 => "KRB_AP_ERR_MODIFIED",
            52 => "KRB_ERR_RESPONSE_TOO_BIG",
            60 => "KRB_ERR_GENERIC",
            68 => "KDC_ERR_WRONG_REALM",
            other => return write!(formatter, "{other}"),
        })
    }
}
