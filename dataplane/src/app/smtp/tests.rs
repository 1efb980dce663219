use super::*;
use crate::app::{
    Value,
    conversation::{Turn, told_however_cut},
    recorder::Recorder,
};
use Direction::ToServer;

const HELLO: &[u8] = b"220 mail.example ESMTP Weir\r\n";

fn texts(recorder: &Recorder, name: &str) -> Vec<String> {
    let found = recorder.records().into_iter().filter_map(|record| match record.find(name) {
        Some(Value::Text(text)) => Some(String::from_utf8_lossy(text).into_owned()),
        _ => None,
    });
    found.collect()
}

#[test]
fn envelope_and_mail_are_told() {
    let turns = [
        Turn::server(HELLO),
        Turn::client(b"EHLO client.example\r\n"),
        Turn::server(b"250-mail.example\r\n250 PIPELINING\r\n"),
        Turn::client(b"mail from:<a@weir.example> SIZE=9\r\nRCPT TO: <b@weir.example>\r\nDATA\r\n"),
        Turn::server(b"250 ok\r\n250 ok\r\n354 go on\r\n"),
        Turn::client(b"From: a\r\nSubject: Weir\r\n\r\n..dot\r\n.\r\nQUIT\r\n"),
        Turn::server(b"250 taken\r\n221 bye\r\n"),
    ];
    let recorder = told_however_cut(AppProtocol::Smtp, &turns);
    let [record] = recorder.records()[..] else { panic!("one record") };
    assert_eq!(record.find("helo"), Some(Value::Text(b"client.example")));
    assert_eq!(record.find("mail_from"), Some(Value::Text(b"<a@weir.example>")));
    assert_eq!(record.values_beside().next().map(|(name, _)| name), Some("email"));
    assert_eq!(record.find("status"), Some(Value::Text(b"PARSE_DONE")));
    assert_eq!(record.find("subject"), Some(Value::Text(b"Weir")));
    let envelope = recorder.instances(ToServer, Field::MailEnvelope);
    assert_eq!(envelope, [b"a@weir.example", b"b@weir.example"]);
    assert_eq!(recorder.instances(ToServer, Field::MailBody), [b".dot\r\n"]);
    assert_eq!(recorder.instances(ToServer, Field::Command).last(), Some(&&b"QUIT"[..]));
    assert_eq!(recorder.anomalies(), []);
}

#[test]
fn chunks_make_a_mail_and_nothing_ends_it_but_the_last() {
    let turns = [
        Turn::client(b"EHLO c\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\nBDAT 12\r\nSubject: a\r\n"),
        Turn::client(
            b"BDAT 8 LAST\r\n\r\n.\r\n..\nRSET\r\nMAIL FROM:<c>\r\nBDAT 0 LAST\r\nBDAT x\r\nBDAT 9 X\r\n",
        ),
    ];
    let recorder = told_however_cut(AppProtocol::Smtp, &turns);
    assert_eq!(recorder.instances(ToServer, Field::MailBody), [b".\r\n..\n"]);
    assert_eq!(texts(&recorder, "mail_from"), ["<a>", "<c>"]);
    assert_eq!(texts(&recorder, "subject"), ["a"]);
    assert_eq!(recorder.instances(ToServer, Field::Command).last(), Some(&&b"BDAT 9 X"[..]));
    assert_eq!(recorder.anomalies(), []);
}

#[test]
fn a_mail_that_is_refused_does_not_come_and_one_that_is_answered_is_over() {
    let turns = [
        Turn::client(b"HELO c\r\nMAIL FROM:<a>\r\nDATA\r\n"),
        Turn::server(b"250 hi\r\n250 ok\r\n554 no\r\n"),
        Turn::client(b"MAIL FROM:<b>\r\nDATA\r\n"),
        Turn::server(b"250 ok\r\n354 go on\r\n"),
        Turn::client(b"Subject: b\n\ntext\n.\n"),
        Turn::server(b"250 taken\r\n"),
        Turn::client(b"MAIL FROM:<c>\r\n"),
    ];
    let recorder = told_however_cut(AppProtocol::Smtp, &turns);
    assert_eq!(texts(&recorder, "mail_from"), ["<a>", "<b>", "<c>"]);
    // Where a mail ends is what servers differ in.
    assert_eq!(recorder.anomalies(), [AppAnomaly::MailEnd]);
}

#[test]
fn a_second_end_of_a_mail_is_told() {
    let turns = [
        Turn::client(b"HELO c\r\nMAIL FROM:<a>\r\nDATA\r\n"),
        Turn::client(b"Subject: a\r\n\r\ntext\n.\r\nMAIL FROM:<evil>\r\n.\r\n"),
    ];
    let recorder = told_however_cut(AppProtocol::Smtp, &turns);
    assert_eq!(recorder.anomalies(), [AppAnomaly::MailEnd]);
    assert_eq!(texts(&recorder, "mail_from"), ["<a>"]);
}

#[test]
fn secrets_are_not_told() {
    let turns = [
        Turn::client(b"EHLO c\r\nAUTH PLAIN c2VjcmV0\r\n"),
        Turn::server(b"220 hi SMTP\r\n250 hi\r\n535 no\r\n"),
        Turn::client(b"AUTH LOGIN\r\n"),
        Turn::server(b"334 VXNlcm5hbWU6\r\n"),
        Turn::client(b"YW5u\r\n"),
        Turn::server(b"334 UGFzc3dvcmQ6\r\n"),
        Turn::client(b"c2VjcmV0\r\n"),
        Turn::server(b"235 in\r\n"),
        Turn::client(b"QUIT\r\n"),
    ];
    let recorder = told_however_cut(AppProtocol::Smtp, &turns);
    let commands = recorder.instances(ToServer, Field::Command);
    assert_eq!(commands, [&b"EHLO c"[..], b"AUTH PLAIN ***", b"AUTH LOGIN", b"QUIT"]);
}

#[test]
fn a_login_that_is_refused_is_told() {
    let turns = [
        Turn::server(HELLO),
        Turn::client(b"EHLO c\r\n"),
        Turn::server(b"250 hi\r\n"),
        Turn::client(b"AUTH PLAIN c2VjcmV0\r\n"),
        Turn::server(b"535 no\r\n"),
        Turn::client(b"AUTH PLAIN c2VjcmV1\r\n"),
        Turn::server(b"235 in\r\n"),
    ];
    let recorder = told_however_cut(AppProtocol::Smtp, &turns);
    assert_eq!(recorder.anomalies(), [AppAnomaly::LoginRefused]);
}

#[test]
fn what_follows_starttls_is_another_protocol() {
    let turns = [
        Turn::server(HELLO),
        Turn::client(b"EHLO c\r\nSTARTTLS\r\nMAIL FROM:<evil>\r\n"),
        Turn::server(b"250 hi\r\n220 begin\r\n"),
        Turn::client(b"SSH-2.0-Weir\r\n"),
    ];
    let recorder = told_however_cut(AppProtocol::Ssh, &turns);
    assert_eq!(recorder.anomalies(), [AppAnomaly::StartTlsInjection]);
    assert_eq!(texts(&recorder, "helo"), ["c"]);
}

#[test]
fn an_envelope_without_a_mail_is_told_when_another_begins() {
    let turns = [
        Turn::client(b"EHLO c\r\nMAIL FROM:<a>\r\nEHLO d\r\nMAIL FROM:<b>\r\nRSET\r\n"),
        Turn::client(b"QUIT\r\n"),
    ];
    let recorder = told_however_cut(AppProtocol::Smtp, &turns);
    assert_eq!(texts(&recorder, "helo"), ["c", "d"]);
    assert_eq!(texts(&recorder, "mail_from"), ["<a>", "<b>"]);
}

#[test]
fn a_file_with_a_gap_is_told_as_that() {
    use crate::{
        app::{App, SpareParsers},
        reassembly::StreamChunk::{Data, Gap},
    };
    let mail = b"HELO c\r\nMAIL FROM:<a>\r\nDATA\r\nContent-Disposition: attachment; filename=a\r\n\r\nsome";
    let (mut app, mut parsers, mut recorder) = (App::new(), SpareParsers::default(), Recorder::default());
    for chunk in [Data(&mail[..]), Gap(7), Data(b".\r\n")] {
        app.advance(ToServer, chunk, &mut parsers, &mut recorder);
    }
    app.finish(&mut parsers, &mut recorder);
    recorder.assert_nothing_open();
    assert_eq!(recorder.instances(ToServer, Field::FileData), [b"some"]);
    assert_eq!(recorder.records()[0].find("gaps"), Some(Value::Flag(true)));
    assert_eq!(texts(&recorder, "state"), ["TRUNCATED"]);
    assert_eq!(texts(&recorder, "mail_from"), ["<a>"; 2], "of the file and of the mail");
    let beside: Vec<_> = recorder.records()[0].values_beside().map(|(name, _)| name).collect();
    assert_eq!(beside, ["smtp", "email"]);
    assert_eq!(recorder.anomalies(), [AppAnomaly::Gap]);
}
