//! What a record says of a login that a server refused, or of an access that it denied, in whatever its protocol has for that.

use memchr::memmem;

use crate::app::{AppProtocol, Record, Value};

/// Error codes of MySQL and MariaDB: access denied to a database, to a user, with or without a password; a host that is not
/// let in; an account that is locked; access denied without a proof (ER_DBACCESS_DENIED_ERROR and those like it).
const MYSQL: [u64; 6] = [1044, 1045, 1130, 1698, 3118, 3955];
/// SQLSTATEs of PostgreSQL (appendix A): invalid authorization, and invalid password.
const PGSQL: [&[u8]; 2] = [b"28000", b"28P01"];
/// Errors of SQL Server: a login that failed, of an untrusted domain, of a locked account, and a database that is not opened.
const TDS: [u64; 4] = [18456, 18452, 18486, 4060];
/// Of Oracle: invalid username or password, no password, a locked account.
const TNS: [&[u8]; 3] = [b"ORA-01017", b"ORA-01005", b"ORA-28000"];
/// What errors of Redis begin with.
const REDIS: [&[u8]; 4] = [b"WRONGPASS", b"NOAUTH", b"NOPERM", b"ERR invalid password"];
/// Of MongoDB: Unauthorized, AuthenticationFailed.
const MONGODB: [&[u8]; 2] = [b"13", b"18"];
/// Of CQL (§9): bad credentials, unauthorized.
const CASSANDRA: [u64; 2] = [0x0100, 0x2100];
/// Of Kerberos (RFC 4120 §7.5.9): a proof that is wrong, and a name that nobody has.
const KERBEROS: [&[u8]; 2] = [b"KDC_ERR_PREAUTH_FAILED", b"KDC_ERR_C_PRINCIPAL_UNKNOWN"];
/// Of Kafka (`org.apache.kafka.common.protocol.Errors`): TOPIC_, GROUP_, CLUSTER_ and TRANSACTIONAL_ID_AUTHORIZATION_FAILED, and
/// SASL_AUTHENTICATION_FAILED.
const KAFKA: [u64; 5] = [29, 30, 31, 53, 58];
/// What a CONNACK of MQTT returns: a bad user name or password, and not authorized (3.1.1 §3.2.2.3, 5.0 §3.2.2.2); banned, and a
/// bad method of authentication.
const MQTT: [u64; 6] = [4, 5, 0x86, 0x87, 0x8a, 0x8c];
/// Of AMQP 0-9-1 (§1.1): access-refused; and not-allowed, which is what a virtual host is refused with.
const AMQP: [u64; 2] = [403, 530];
/// What errors of NATS say.
const NATS: [&[u8]; 4] = [
    b"'authorization violation",
    b"'permissions violation",
    b"'user authentication",
    b"'authentication timeout",
];
/// What messages of ERROR frames of STOMP say, of brokers: RabbitMQ, ActiveMQ, Artemis.
const STOMP: [&[u8]; 4] = [b"bad connect", b"access refused", b"password is invalid", b"security error"];
/// Commands of POP3 and IMAP by which a client says who it is (RFC 1939 §7, RFC 5034, RFC 9051 §6.2).
const LOGINS: [&[u8]; 5] = [b"PASS", b"APOP", b"AUTH", b"LOGIN", b"AUTHENTICATE"];

/// Whether it says so.
pub(super) fn is_told(record: &Record) -> bool {
    let text =
        |name, known: &[&[u8]]| matches!(record.find(name), Some(Value::Text(text)) if known.contains(&text));
    let begins = |known: &[&[u8]]| {
        matches!(record.find("error"), Some(Value::Text(error)) if known.iter().any(|begin| {
            error.starts_with(begin)
        }))
    };
    let said = |name, known: &[&[u8]]| {
        matches!(record.find(name), Some(Value::Text(text)) if {
            let text = text.to_ascii_lowercase();
            known.iter().any(|known| memmem::find(&text, known).is_some())
        })
    };
    let number =
        |name, known: &[u64]| matches!(record.find(name), Some(Value::Number(code)) if known.contains(&code));
    match record.protocol() {
        AppProtocol::Kafka => number("error_code", &KAFKA),
        AppProtocol::Mqtt => number("return_code", &MQTT),
        AppProtocol::Amqp => {
            let is_close = text("method", &[b"connection.close", b"channel.close"]);
            is_close && number("reply_code", &AMQP)
        }
        AppProtocol::Nats => text("command", &[b"-ERR"]) && said("error", &NATS),
        AppProtocol::Stomp => text("command", &[b"ERROR"]) && said("message", &STOMP),
        AppProtocol::MySql => number("code", &MYSQL),
        AppProtocol::PgSql => text("code", &PGSQL),
        AppProtocol::Tds => number("code", &TDS),
        AppProtocol::Tns => begins(&TNS),
        AppProtocol::Redis => begins(&REDIS),
        AppProtocol::MongoDb => text("code", &MONGODB),
        AppProtocol::Cassandra => number("code", &CASSANDRA),
        // RFC 4511 §4.1.9.
        AppProtocol::Ldap => text("result_code", &[b"invalid_credentials"]),
        AppProtocol::Kerberos => text("error_code", &KERBEROS),
        AppProtocol::Smb => text("status", &[b"STATUS_LOGON_FAILURE"]),
        // RFC 959 §5.4.
        AppProtocol::Ftp => text("command", &[b"PASS"]) && codes(record).any(|code| code == b"530"),
        AppProtocol::Imap => is_login(record) && text("status", &[b"NO"]),
        AppProtocol::Pop3 => is_login(record) && record.find("success") == Some(Value::Flag(false)),
        _ => false,
    }
}

fn is_login(record: &Record) -> bool {
    let is_one = |command: &[u8]| LOGINS.iter().any(|login| command.eq_ignore_ascii_case(login));
    matches!(record.find("command"), Some(Value::Text(command)) if is_one(command))
}

/// The codes of the answers to a command of FTP.
fn codes(record: &Record) -> impl Iterator<Item = &[u8]> {
    let listed = record.values().skip_while(|(name, _)| *name != "completion_code").skip(1);
    listed.map_while(|(_, value)| match value {
        Value::Text(code) => Some(code),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::samples::{denied, ftp, pop3, record};
    use super::*;

    #[test]
    fn each_protocol_says_it_in_its_own_words() {
        for protocol in [
            AppProtocol::MySql,
            AppProtocol::PgSql,
            AppProtocol::Tds,
            AppProtocol::Tns,
            AppProtocol::Redis,
            AppProtocol::MongoDb,
            AppProtocol::Cassandra,
            AppProtocol::Imap,
            AppProtocol::Ldap,
            AppProtocol::Kerberos,
            AppProtocol::Smb,
            AppProtocol::Kafka,
            AppProtocol::Mqtt,
            AppProtocol::Amqp,
            AppProtocol::Nats,
            AppProtocol::Stomp,
        ] {
            assert!(is_told(&denied(protocol)), "{protocol:?}");
            let mut other = denied(protocol);
            other.begin(protocol, 0);
            assert!(!is_told(&other), "{protocol:?}");
        }
        let nearly = [
            record(AppProtocol::Kafka, |record| record.number("error_code", 3)),
            record(AppProtocol::Mqtt, |record| {
                record.object("connack", |record| record.number("return_code", 0));
            }),
            record(AppProtocol::Mqtt, |record| {
                record.object("disconnect", |record| record.number("reason_code", 4));
            }),
            record(AppProtocol::Amqp, |record| {
                record.text("method", b"connection.close");
                record.number("reply_code", 320);
            }),
            record(AppProtocol::Nats, |record| {
                record.text("command", b"-ERR");
                record.text("error", b"'Unknown Protocol Operation'");
            }),
            record(AppProtocol::Stomp, |record| {
                record.text("command", b"MESSAGE");
                record.text("message", b"Access refused");
            }),
        ];
        assert!(!nearly.iter().any(is_told));
        assert!(is_told(&ftp("PASS", &["331", "530"])));
        assert!(!is_told(&ftp("PASS", &["230"])));
        assert!(!is_told(&ftp("RETR", &["530"])));
        assert!(is_told(&pop3("PASS", false)));
        assert!(is_told(&pop3("apop", false)));
        assert!(!is_told(&pop3("PASS", true)));
        assert!(!is_told(&pop3("RETR", false)));
    }
}
