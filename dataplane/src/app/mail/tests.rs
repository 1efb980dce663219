use super::*;
use crate::app::{AppProtocol, SpareParsers, Value, recorder::Recorder};
use Direction::ToServer;

/// What a mail tells; fails where that depends on how it is cut.
fn told(mail: &[u8]) -> Recorder {
    let whole = read(mail, usize::MAX);
    for piece_bytes in [1, 2, 7, 100] {
        assert_eq!(read(mail, piece_bytes).told, whole.told, "{piece_bytes} at a time");
    }
    whole
}

fn read(text: &[u8], piece_bytes: usize) -> Recorder {
    let (mut recorder, mut parsers) = (Recorder::default(), SpareParsers::default());
    let mut out = Beside::of(AppProtocol::Smtp, &mut recorder, &mut parsers);
    let mut mail = Mail::new(ToServer, 3);
    for piece in text.chunks(piece_bytes.min(text.len().max(1))) {
        mail.data(piece, &mut out);
    }
    let email = mail.finish(FileEnd::Closed, &mut out);
    email.tell_files(3, &mut out, |_| {});
    out.record(3, |record| email.tell_beside(record));
    recorder.assert_nothing_open();
    recorder
}

fn list(record: &Record) -> Vec<&[u8]> {
    let (_, values) = record.values_beside().next().expect("an email");
    let texts = values.filter_map(|(name, value)| match value {
        Value::Text(text) if name.is_empty() => Some(text),
        _ => None,
    });
    texts.collect()
}

#[test]
fn parts_are_decoded_each_in_its_way() {
    let mail = b"From: Ann <a@weir.example>\r\nTo: \"B, C\" <b@weir.example>,\r\n d@weir.example\r\n\
        Subject: parts\r\nContent-Type: multipart/mixed;\r\n boundary=\"==x\"\r\n\r\npreamble\r\n\
        --==x\r\nContent-Type: multipart/alternative; boundary=y\r\n\r\n--y\r\n\r\nplain\r\n\r\n--y\r\n\
        Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<b>a=3D=\r\nb</b>\r\n\
        --y--\r\n\r\n--==x\r\nContent-Disposition: attachment; filename=a.bin\r\n\
        Content-Transfer-Encoding: BASE64\r\n\r\nd2Vp\r\ncg==\r\n--==x  \r\n\
        Content-Type: application/x; name=\"b.txt\"\r\n\r\n--==xx\r\nlast\r\n\r\n--==x--\r\nepilogue\r\n";
    let recorder = told(mail);
    assert_eq!(recorder.instances(ToServer, Field::MailBody), [&b"plain\r\n"[..], b"<b>a=b</b>"]);
    assert_eq!(recorder.instances(ToServer, Field::FileName), [b"a.bin", b"b.txt"]);
    assert_eq!(recorder.instances(ToServer, Field::FileData), [&b"weir"[..], b"--==xx\r\nlast\r\n"]);
    assert_eq!(recorder.instances(ToServer, Field::MailHeaders).len(), 6);
    let records = recorder.records();
    assert_eq!(records.len(), 3);
    assert_eq!(records[0].kind(), crate::app::RecordKind::File);
    assert_eq!(records[0].find("size"), Some(Value::Number(4)));
    assert_eq!(records[0].find("tx_id"), Some(Value::Number(3)));
    // Of "weir".
    let hash = b"9e1bd4e58bdc27cb9abf4c558b21963a3f3fb6b08c715e8e2bb6c795162994bc";
    assert_eq!(records[0].find("sha256"), Some(Value::Text(hash)));
    let expected: [&[u8]; 4] = [b"\"B, C\" <b@weir.example>", b"d@weir.example", b"a.bin", b"b.txt"];
    assert_eq!(list(records[2]), expected);
}

#[test]
fn a_mail_within_a_mail_is_read_and_its_subject_is_not_the_mails() {
    let mail = b"Subject: outer\r\nContent-Type: multipart/digest; boundary=z\r\n\r\n--z\r\n\
        Content-Type: message/rfc822\r\n\r\nSubject: inner\r\nContent-Transfer-Encoding: base64\r\n\r\ndGV4dA==\r\n\
        --z\r\n\r\nbehind\r\n--z--\r\n";
    let recorder = told(mail);
    assert_eq!(recorder.instances(ToServer, Field::MailBody), [b"text", &b"behind"[..]]);
    let [record] = recorder.records()[..] else { panic!("one record") };
    assert_eq!(record.find("subject"), Some(Value::Text(b"outer")));
}

#[test]
fn a_body_needs_no_header_and_no_line_end() {
    let recorder = told(b"text that is no header\r\nmore\n\nand: more");
    let body = recorder.instances(ToServer, Field::MailBody);
    assert_eq!(body, [b"text that is no header\r\nmore\n\nand: more"]);
    assert!(recorder.instances(ToServer, Field::MailHeaders).is_empty());
}

#[test]
fn a_parameter_that_was_to_be_folded_ends_no_header() {
    let mail = b"Content-Type: text/html;\r\ncharset=\"utf-8\"\r\nContent-Transfer-Encoding: base64\r\n\r\n\
        aHR0cDovL2EuZXhhbXBsZS8=\r\n";
    let recorder = told(mail);
    assert_eq!(recorder.instances(ToServer, Field::MailBody), [b"http://a.example/"]);
    let recorder = told(b"Subject: a\r\ncharset=b\r\n");
    assert_eq!(recorder.instances(ToServer, Field::MailBody), [b"charset=b\r\n"]);
}

#[test]
fn a_long_line_is_decoded_to_its_end() {
    let mut mail = b"Content-Transfer-Encoding: base64\r\n\r\n".to_vec();
    mail.extend(std::iter::repeat_n(*b"YWJj", 10_000).flatten());
    let recorder = told(&mail);
    assert_eq!(recorder.instances(ToServer, Field::MailBody), [b"abc".repeat(10_000)]);
}

#[test]
fn what_is_nested_too_deep_is_told() {
    let mut mail = Vec::new();
    for at in 0..=MAIL_NESTING_MAX {
        mail.extend(format!("Content-Type: multipart/mixed; boundary=b{at}\r\n\r\n--b{at}\r\n").into_bytes());
    }
    mail.extend(b"\r\ntext");
    let recorder = told(&mail);
    assert_eq!(recorder.anomalies(), [AppAnomaly::MessageCut]);
    // As text: nothing is passed by.
    assert_eq!(
        recorder.instances(ToServer, Field::MailBody),
        [format!("--b{MAIL_NESTING_MAX}\r\n\r\ntext").as_bytes()]
    );
}

#[test]
fn texts_of_other_charsets_are_told_as_utf8_and_members_of_archives_as_files() {
    let mail = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
        Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
        caf=E9\r\n--b\r\nContent-Type: text/plain; charset=utf-16\r\nContent-Transfer-Encoding: base64\r\n\r\n\
        //5hAGIA\r\n--b\r\nContent-Disposition: attachment; filename=z.zip\r\n\
        Content-Transfer-Encoding: base64\r\n\r\nUEsDBBQAAAAAAAAAAAAAAAAABAAAAAQAAAABAAAAYXdlaXI=\r\n--b--\r\n";
    let recorder = told(mail);
    let bodies = recorder.instances(ToServer, Field::MailBody);
    assert_eq!(bodies, ["caf\u{e9}".as_bytes(), b"ab"]);
    assert_eq!(recorder.instances(ToServer, Field::FileName), [&b"z.zip"[..], b"a"]);
    assert!(recorder.instances(ToServer, Field::FileData).contains(&&b"weir"[..]));
    let records = recorder.records();
    let names: Vec<_> = records.iter().filter_map(|record| record.find("filename")).collect();
    assert_eq!(names, [Value::Text(b"a"), Value::Text(b"z.zip")]);
    assert_eq!(records[0].find("state"), Some(Value::Text(b"CLOSED")));
}
