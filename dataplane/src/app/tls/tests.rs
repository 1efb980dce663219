use dlp_patterns::Field;

use super::*;
use crate::app::{
    App, SpareParsers, Value,
    conversation::{Turn, told_however_cut},
    recorder::Recorder,
};
use crate::reassembly::StreamChunk;
use Direction::{ToClient, ToServer};

/// A certificate of nobody, made for these tests: self-signed, Ed25519.
const CERTIFICATE_DER: &str = "\
    30820207308201b9a003020102020300a1b2300506032b6570305b310b3009060355040613024445311630140603\
    55040a0c0d4578616d706c652c20496e632e3115301306035504030c0c776569722e6578616d706c65311d301b06\
    092a864886f70d010901160e6140776569722e6578616d706c65301e170d3236313132393134333634395a170d33\
    36313132363134333634395a305b310b300906035504061302444531163014060355040a0c0d4578616d706c652c\
    20496e632e3115301306035504030c0c776569722e6578616d706c65311d301b06092a864886f70d010901160e61\
    40776569722e6578616d706c65302a300506032b657003210007a60f97d5f534efd99f1cd81e4f7ab5cca339f9ae\
    89e7fe1799620e90917baea3819f30819c301d0603551d0e041604143679b349a89ced79cf553ea843076b1daf83\
    21b6301f0603551d230418301680143679b349a89ced79cf553ea843076b1daf8321b6304f0603551d1104483046\
    820c776569722e6578616d706c65820e2a2e776569722e6578616d706c658704c0000201871020010db800000000\
    0000000000000001810e6240776569722e6578616d706c6530090603551d1304023000300506032b65700341003e\
    8d5ca1ec35cef834625885aac11168ebfc07e1fb365bfc76fc38c2bca7c1735bd096daf1833690a55cbca4d3c402\
    dd38651bc43f7a29aca245aca0676a9b05";

pub(in crate::app) fn unhex(digits: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("a digit") as u8;
    digits.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

fn with_u16(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes(), bytes].concat()
}

fn with_u24(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes()[1..], bytes].concat()
}

fn numbers(numbers: &[u16]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

fn extension(kind: u16, body: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &with_u16(body)].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &with_u24(body)].concat()
}

fn record(kind: u8, fragment: &[u8]) -> Vec<u8> {
    [&[kind, 3, 1][..], &with_u16(fragment)].concat()
}

/// A ClientHello with GREASE, for `name`, and ECH.
pub(in crate::app) fn client_hello(name: &[u8]) -> Vec<u8> {
    message(CLIENT_HELLO, &hello_body(&[3, 3], &[], &[0x3a3a, 0x0304, 0x0303], name))
}

/// The like of DTLS, without its header.
pub(in crate::app) fn dtls_client_hello(name: &[u8]) -> Vec<u8> {
    hello_body(&[0xfe, 0xfd], &[0], &[0x3a3a, 0xfefd, 0xfeff], name)
}

fn hello_body(version: &[u8], cookie: &[u8], versions: &[u16], name: &[u8]) -> Vec<u8> {
    let alpn = with_u16(b"\x02h2\x08http/1.1");
    let extensions = [
        extension(0x2a2a, b""),
        extension(0, &with_u16(&[&[0][..], &with_u16(name)].concat())),
        extension(10, &with_u16(&numbers(&[0x1a1a, 29, 23]))),
        extension(11, &[1, 0]),
        extension(13, &with_u16(&numbers(&[0x0804, 0x0403]))),
        extension(16, &alpn),
        extension(43, &[&[2 * versions.len() as u8][..], &numbers(versions)].concat()),
        extension(0xfe0d, b"\0"),
    ];
    let body = [
        version,
        &[7; 32],
        &[0],
        cookie,
        &with_u16(&numbers(&[0x4a4a, 0x1302, 0x1301])),
        &[1, 0],
        &with_u16(&extensions.concat()),
    ];
    body.concat()
}

pub(in crate::app) fn server_hello(random: [u8; 32], cipher: u16, extensions: &[u8]) -> Vec<u8> {
    let body = [&[3, 3][..], &random, &[0], &cipher.to_be_bytes(), &[0], &with_u16(extensions)];
    message(SERVER_HELLO, &body.concat())
}

fn certificate(der: &[u8]) -> Vec<u8> {
    message(CERTIFICATE, &with_u24(&with_u24(der)))
}

fn texts<'r>(record: &'r crate::app::Record, list: &str) -> Vec<&'r [u8]> {
    let values = record.values().skip_while(|(name, _)| *name != list).skip(1);
    values
        .map_while(|(_, value)| match value {
            Value::Text(text) => Some(text),
            _ => None,
        })
        .collect()
}

#[test]
fn a_full_handshake_of_tls_1_2() {
    let hello = client_hello(b"weir.example");
    // In two records, and what follows of the server in one.
    let client = [record(HANDSHAKE, &hello[..50]), record(HANDSHAKE, &hello[50..])].concat();
    let chosen = [extension(16, &with_u16(b"\x02h2")), extension(0xff01, b"\0")].concat();
    let server = [
        server_hello([9; 32], 0xc02f, &chosen),
        certificate(&unhex(CERTIFICATE_DER)),
        message(SERVER_HELLO_DONE, b""),
    ];
    let changed = [record(CHANGE_CIPHER_SPEC, &[1]), record(HANDSHAKE, &[0xee; 40])].concat();
    let turns = [
        Turn::client(&client),
        Turn::server(&record(HANDSHAKE, &server.concat())),
        Turn::client(&[record(HANDSHAKE, &message(16, &[5; 66])), changed.clone()].concat()),
        Turn::server(&changed),
        Turn::client(b"\xff whatever this is"),
    ];
    let recorder = told_however_cut(AppProtocol::Tls, &turns);
    let [told] = recorder.records()[..] else { panic!("one record") };
    let expected = [
        ("subject", "C=DE, O=Example, Inc., CN=weir.example, Email=a@weir.example"),
        ("serial", "00:A1:B2"),
        ("fingerprint", "70:1a:5a:87:7b:8e:58:24:0d:52:cb:c0:c0:60:d7:c6:97:87:11:14"),
        ("notbefore", "2026-11-29T14:36:49"),
        ("notafter", "2036-11-26T14:36:49"),
        ("sni", "weir.example"),
        ("version", "TLS 1.2"),
    ];
    for (name, value) in expected {
        assert_eq!(told.find(name), Some(Value::Text(value.as_bytes())), "{name}");
    }
    assert_eq!(told.find("session_resumed"), None);
    assert_eq!(told.find("cipher"), Some(Value::Number(0xc02f)));
    assert_eq!(told.find("ech"), Some(Value::Flag(true)));
    assert_eq!(texts(told, "client_alpns"), [&b"h2"[..], b"http/1.1"]);
    assert_eq!(texts(told, "server_alpns"), [b"h2"]);
    let names = ["weir.example", "*.weir.example", "192.0.2.1", "2001:db8::1", "b@weir.example"];
    assert_eq!(texts(told, "subjectaltname"), names.map(str::as_bytes));
    let strings: Vec<_> = told.values().filter(|(name, _)| *name == "string").collect();
    let ja3 = b"771,4866-4865,0-10-11-13-16-43-65037,29-23,0";
    assert_eq!(strings, [("string", Value::Text(ja3)), ("string", Value::Text(b"771,49199,16-65281"))]);
    assert!(recorder.anomalies().is_empty());

    assert_eq!(recorder.instances(ToServer, Field::TlsSni), [b"weir.example"]);
    let [ja4] = recorder.instances(ToServer, Field::TlsJa4)[..] else { panic!("one JA4") };
    assert!(ja4.starts_with(b"t13d0207h2_"), "{}", String::from_utf8_lossy(ja4));
    let [subject] = recorder.instances(ToClient, Field::TlsCertificate)[..] else {
        panic!("one certificate")
    };
    assert_eq!(subject.split(|byte| *byte == b'\n').count(), 3);
    for (direction, field) in [(ToServer, Field::TlsJa3), (ToClient, Field::TlsJa3s)] {
        assert_eq!(recorder.instances(direction, field)[0].len(), 32);
    }
}

#[test]
fn tls_1_3_behind_a_retry() {
    let version = extension(43, &[3, 4]);
    let resumed = [version.clone(), extension(41, &[0, 0])].concat();
    let retry: [u8; 32] = unhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
        .try_into()
        .expect("32 bytes");
    let change = record(CHANGE_CIPHER_SPEC, &[1]);
    let hello = record(HANDSHAKE, &client_hello(b"weir.example"));
    let retry = record(HANDSHAKE, &server_hello(retry, 0x1302, &version));
    let data = record(APPLICATION_DATA, &[0x5a; 40]);
    let server = [change.clone(), record(HANDSHAKE, &server_hello([9; 32], 0x1301, &resumed)), data.clone()];
    let turns = [
        Turn::client(&hello),
        Turn::server(&retry),
        Turn::client(&[change, hello].concat()),
        Turn::server(&server.concat()),
        Turn::client(&data),
    ];
    let recorder = told_however_cut(AppProtocol::Tls, &turns);
    let [told] = recorder.records()[..] else { panic!("one record") };
    assert_eq!(told.find("version"), Some(Value::Text(b"TLS 1.3")));
    assert_eq!(told.find("cipher"), Some(Value::Number(0x1301)), "of the second answer");
    assert_eq!(told.find("session_resumed"), Some(Value::Flag(true)));
    assert_eq!(recorder.instances(ToServer, Field::TlsSni).len(), 1);
    assert_eq!(recorder.instances(ToClient, Field::TlsJa3s).len(), 1);
}

#[test]
fn a_session_is_resumed_where_the_server_encrypts_at_once() {
    let change = record(CHANGE_CIPHER_SPEC, &[1]);
    let turns = [
        Turn::client(&record(HANDSHAKE, &client_hello(b"weir.example"))),
        Turn::server(&[record(HANDSHAKE, &server_hello([9; 32], 0xc02f, b"")), change.clone()].concat()),
        Turn::client(&change),
    ];
    let recorder = told_however_cut(AppProtocol::Tls, &turns);
    assert_eq!(recorder.records()[0].find("session_resumed"), Some(Value::Flag(true)));
}

#[test]
fn drafts_say_their_number() {
    let body = [&[0x7f, 0x12][..], &[9; 32], &[0x13, 0x01], &with_u16(&extension(51, &[0]))].concat();
    let turns = [
        Turn::client(&record(HANDSHAKE, &client_hello(b"weir.example"))),
        Turn::server(&record(HANDSHAKE, &message(SERVER_HELLO, &body))),
    ];
    let recorder = told_however_cut(AppProtocol::Tls, &turns);
    assert_eq!(recorder.records()[0].find("version"), Some(Value::Text(b"TLS 1.3 draft-18")));
}

/// A ClientHello of SSL 2.0.
fn ssl2_hello(version: u16) -> Vec<u8> {
    let body =
        [&[1][..], &version.to_be_bytes(), &[0, 6, 0, 0, 0, 16], &[1, 0, 0x80, 0, 0, 5], &[7; 16]].concat();
    [&[0x80, body.len() as u8][..], &body].concat()
}

#[test]
fn ssl_2_and_what_is_begun_by_it() {
    let der = unhex(CERTIFICATE_DER);
    let answer = [
        &[4, 0, 1, 0, 2][..],
        &(der.len() as u16).to_be_bytes(),
        &[0, 3, 0, 16],
        &der,
        &[1, 0, 0x80],
        &[7; 16],
    ]
    .concat();
    let head = (answer.len() as u16 | 0x8000).to_be_bytes();
    let turns = [Turn::client(&ssl2_hello(2)), Turn::server(&[&head[..], &answer].concat())];
    let recorder = told_however_cut(AppProtocol::Tls, &turns);
    let told = recorder.records()[0];
    assert_eq!(told.find("version"), Some(Value::Text(b"SSLv2")));
    assert_eq!(told.find("serial"), Some(Value::Text(b"00:A1:B2")));

    let answer = record(HANDSHAKE, &server_hello([9; 32], 0x002f, b""));
    let turns = [Turn::client(&ssl2_hello(0x0301)), Turn::server(&answer)];
    let recorder = told_however_cut(AppProtocol::Tls, &turns);
    assert_eq!(recorder.records()[0].find("version"), Some(Value::Text(b"TLS 1.2")));
    assert!(recorder.anomalies().is_empty());
}

#[test]
fn a_key_of_ssl_2_with_a_long_argument_is_told() {
    let key = |argument_bytes: u8| {
        let body = [&[2][..], &[1, 0, 0x80, 0, 0, 0, 4, 0, argument_bytes], &[7; 4]].concat();
        [&[0x80, body.len() as u8][..], &body, &vec![8; argument_bytes.into()]].concat()
    };
    let anomalies = |key: &[u8]| {
        let turn = Turn::client(&[&ssl2_hello(2), key].concat());
        told_however_cut(AppProtocol::Tls, &[turn]).anomalies()
    };
    assert_eq!(anomalies(&key(8)), []);
    assert_eq!(anomalies(&key(9)), [AppAnomaly::Ssl2KeyArgument]);
    assert_eq!(anomalies(&[&[0x80, 3][..], &[4, 0, 9]].concat()), [], "it is no key");
}

#[test]
fn a_heartbeat_longer_than_its_record_is_told() {
    let hello = record(HANDSHAKE, &client_hello(b"weir.example"));
    let sound = record(HEARTBEAT, &[&[1, 0, 4][..], &[7; 20]].concat());
    let recorder = told_however_cut(AppProtocol::Tls, &[Turn::client(&[hello.clone(), sound].concat())]);
    assert!(recorder.anomalies().is_empty());
    // The known attack, and one byte too many.
    for forged in [vec![1, 0x40, 0], [&[1, 0, 5][..], &[7; 20]].concat()] {
        let turn = Turn::client(&[hello.clone(), record(HEARTBEAT, &forged)].concat());
        let recorder = told_however_cut(AppProtocol::Tls, &[turn]);
        assert_eq!(recorder.anomalies(), [AppAnomaly::TlsHeartbeat]);
    }
}

#[test]
fn what_is_broken_ends_the_reading_but_not_what_is_known() {
    let hello = record(HANDSHAKE, &client_hello(b"weir.example"));
    let recorder = told_however_cut(
        AppProtocol::Tls,
        &[Turn::client(&hello), Turn::server(b"HTTP/1.1 400 Bad Request\r\n\r\n")],
    );
    assert_eq!(recorder.anomalies(), [AppAnomaly::Malformed]);
    assert_eq!(recorder.records()[0].find("version"), Some(Value::Text(b"TLS 1.3")), "as offered");

    let garbage = record(HANDSHAKE, &[&server_hello([9; 32], 0xc02f, b"")[..], &certificate(b"?")].concat());
    let recorder = told_however_cut(AppProtocol::Tls, &[Turn::client(&hello), Turn::server(&garbage)]);
    assert_eq!(recorder.anomalies(), [AppAnomaly::TlsCertificate]);
    assert!(recorder.records()[0].find("fingerprint").is_some());
}

#[test]
fn a_certificate_that_is_too_long_is_told_as_cut() {
    let hello = record(HANDSHAKE, &client_hello(b"weir.example"));
    let long = certificate(&[0x30; 20_000]);
    let mut answer = record(HANDSHAKE, &server_hello([9; 32], 0xc02f, b""));
    for fragment in long.chunks(16_000) {
        answer.extend(record(HANDSHAKE, fragment));
    }
    answer.extend(record(HANDSHAKE, &message(SERVER_HELLO_DONE, b"")));
    let recorder = told_however_cut(AppProtocol::Tls, &[Turn::client(&hello), Turn::server(&answer)]);
    assert_eq!(recorder.anomalies(), [AppAnomaly::MessageCut]);
}

#[test]
fn a_gap_leaves_the_other_direction() {
    let hello = record(HANDSHAKE, &client_hello(b"weir.example"));
    let answer = record(HANDSHAKE, &server_hello([9; 32], 0xc02f, b""));
    // Within a message, and over the end of a header.
    for (before, behind) in [(&hello[..40], &hello[50..]), (&hello[..3], &[0xff; 20][..])] {
        let (mut app, mut parsers, mut recorder) = (App::new(), SpareParsers::default(), Recorder::default());
        let pieces = [
            (ToServer, StreamChunk::Data(&hello)),
            (ToServer, StreamChunk::Data(before)),
            (ToServer, StreamChunk::Gap(10)),
            (ToServer, StreamChunk::Data(behind)),
            (ToClient, StreamChunk::Data(&answer)),
        ];
        for (direction, chunk) in pieces {
            app.advance(direction, chunk, &mut parsers, &mut recorder);
        }
        app.finish(&mut parsers, &mut recorder);
        assert_eq!(recorder.anomalies(), [AppAnomaly::Gap]);
        let [told] = recorder.records()[..] else { panic!("one record") };
        assert_eq!(told.find("sni"), Some(Value::Text(b"weir.example")));
        assert_eq!(told.find("version"), Some(Value::Text(b"TLS 1.2")));
    }
}

#[test]
fn only_what_is_surely_tls_is_taken_for_it() {
    let answer = |direction, bytes: &[u8]| begins(Prefix::of(direction, bytes));
    for bytes in [
        &b"\x16\x03\x01\x00\x05\x05"[..],
        b"\x16\x02",
        b"\x16\x03\x05",
        b"\x17\x03\x03\x00\x08",
        b"\x80\x2e\x02",
    ] {
        assert_eq!(answer(ToServer, bytes), Answer::No, "{bytes:?}");
    }
    assert_eq!(answer(ToServer, &ssl2_hello(2)[..10]), Answer::More);
    assert!(answer(ToServer, &ssl2_hello(2)).is_yes());
    assert_eq!(answer(ToClient, &ssl2_hello(2)), Answer::No);
    let mut odd = ssl2_hello(2);
    odd[1] += 1;
    assert_eq!(answer(ToServer, &odd), Answer::No, "its lengths do not agree");
}
