use super::*;
use crate::app::{
    Value,
    conversation::{Turn, told_however_cut},
};
use Direction::{ToClient, ToServer};

#[test]
fn mails_are_fetched_and_put() {
    let turns = [
        Turn::server(b"* OK [CAPABILITY IMAP4rev1] Weir ready\r\n"),
        Turn::client(b"a1 LOGIN ann secret\r\n"),
        Turn::server(b"a1 OK in\r\n"),
        Turn::client(b"a2 FETCH 1:2 (FLAGS BODY[] BODY[1])\r\n"),
        Turn::server(
            b"* 1 FETCH (FLAGS () BODY[] {20}\r\nSubject: a\r\n\r\ntext\r\n BODY[1] {4}\r\nrawt)\r\n",
        ),
        Turn::server(b"* 2 FETCH (BODY[]<0> {0}\r\n)\r\na2 OK done\r\n"),
        Turn::client(b"a3 APPEND Sent (\\Seen) {17+}\r\nSubject: b\r\n\r\nput\r\na4 NOOP\r\n"),
        Turn::server(b"a3 OK put\r\na4 NO never\r\n"),
    ];
    let recorder = told_however_cut(AppProtocol::Imap, &turns);
    let commands = recorder.instances(ToServer, Field::Command);
    let append = &b"APPEND Sent (\\Seen) {17+}"[..];
    let fetch = &b"FETCH 1:2 (FLAGS BODY[] BODY[1])"[..];
    assert_eq!(commands, [b"LOGIN ann ***", fetch, append, b"NOOP"]);
    assert_eq!(recorder.instances(ToClient, Field::MailBody), [&b"text\r\n"[..], b"rawt"]);
    assert_eq!(recorder.instances(ToServer, Field::MailBody), [b"put"]);
    let subjects: Vec<_> = recorder.records().iter().filter_map(|record| record.find("subject")).collect();
    assert_eq!(subjects, [Value::Text(b"a"), Value::Text(b"b")]);
    let ids: Vec<_> = recorder.records().iter().map(|record| record.id()).collect();
    assert_eq!(ids, [0, 1, 1, 1, 2, 2, 3]);
    assert_eq!(recorder.records()[6].find("status"), Some(Value::Text(b"NO")));
}

#[test]
fn secrets_are_not_told_and_a_literal_that_is_refused_does_not_come() {
    let turns = [
        Turn::client(b"1 AUTHENTICATE PLAIN\r\n"),
        Turn::server(b"+ \r\n"),
        Turn::client(b"c2VjcmV0\r\n"),
        Turn::server(b"1 NO\r\n"),
        Turn::client(b"2 LOGIN {3}\r\n"),
        Turn::server(b"2 BAD no\r\n"),
        Turn::client(b"3 LOGIN {3}\r\n"),
        Turn::server(b"+ go on\r\n"),
        Turn::client(b"ann {6}\r\nsecret\r\n4 NOOP\r\n"),
    ];
    let recorder = told_however_cut(AppProtocol::Imap, &turns);
    let commands = recorder.instances(ToServer, Field::Command);
    assert_eq!(commands, [&b"AUTHENTICATE PLAIN"[..], b"LOGIN {3}", b"LOGIN {3}", b"NOOP"]);
}

#[test]
fn what_follows_starttls_is_another_protocol() {
    let turns = [
        Turn::client(b"x STARTTLS\r\ny LOGIN a b\r\n"),
        Turn::server(b"x OK begin\r\n"),
        Turn::client(b"SSH-2.0-Weir\r\n"),
    ];
    let recorder = told_however_cut(AppProtocol::Ssh, &turns);
    assert_eq!(recorder.anomalies(), [AppAnomaly::StartTlsInjection]);
}
