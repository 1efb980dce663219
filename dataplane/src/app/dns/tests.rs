use dlp_patterns::Field;
use proptest::{collection::vec, prelude::*, sample::Index};

use super::message::{AA, QR, RA, RD};
use super::*;
use crate::app::conversation::{Turn, told_however_cut, told_of_datagrams};
use crate::app::recorder::Recorder;
use crate::app::signature::{Prefix, of_datagram, of_stream};
use crate::app::{AppProtocol, Record, SIGNATURES, Value};

const IN: u16 = 1;

/// Labels with their lengths, and the root.
fn name(text: &str) -> Vec<u8> {
    let labels = text.split('.').filter(|label| !label.is_empty());
    let mut bytes: Vec<u8> =
        labels.flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat()).collect();
    bytes.push(0);
    bytes
}

fn question(asked: &str, kind: u16, class: u16) -> Vec<u8> {
    [&name(asked)[..], &kind.to_be_bytes(), &class.to_be_bytes()].concat()
}

fn resource(of: &[u8], kind: u16, class: u16, ttl: u32, data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u16).to_be_bytes();
    [of, &kind.to_be_bytes(), &class.to_be_bytes(), &ttl.to_be_bytes(), &length, data].concat()
}

fn message(id: u16, flags: u16, sections: [&[Vec<u8>]; 4]) -> Vec<u8> {
    let mut bytes = [id.to_be_bytes(), flags.to_be_bytes()].concat();
    sections.iter().for_each(|section| bytes.extend((section.len() as u16).to_be_bytes()));
    sections.iter().for_each(|section| section.iter().for_each(|entry| bytes.extend(entry)));
    bytes
}

/// A pointer to the name of the first question.
const ASKED: &[u8] = &[0xc0, 12];

fn query() -> Vec<u8> {
    let opt = resource(&[0], kind::OPT, 1232, 0x8000, &[]);
    message(7, RD, [&[question("www.example.org", kind::A, IN)], &[], &[], &[opt]])
}

fn response() -> Vec<u8> {
    let alias = resource(ASKED, kind::CNAME, IN, 300, &[3, b'w', b'e', b'b', 0xc0, 16]);
    let address = resource(&name("web.example.org"), kind::A, IN, 60, &[192, 0, 2, 1]);
    let asked = question("www.example.org", kind::A, IN);
    message(7, QR | RD | RA, [&[asked], &[alias, address], &[], &[]])
}

fn texts<'r>(record: &'r Record, name: &str) -> Vec<&'r str> {
    let text = |value| match value {
        Value::Text(bytes) => Some(std::str::from_utf8(bytes).expect("text")),
        _ => None,
    };
    record.values().filter(|(of, _)| *of == name).filter_map(|(_, value)| text(value)).collect()
}

fn assert_told(recorder: &Recorder) {
    use Direction::{ToClient, ToServer};
    assert_eq!(recorder.instances(ToServer, Field::DnsQuery), [b"www.example.org"]);
    assert_eq!(recorder.instances(ToClient, Field::DnsQuery), [b"www.example.org"]);
    assert_eq!(recorder.instances(ToClient, Field::DnsAnswer), [&b"web.example.org"[..], b"192.0.2.1"]);
    let [request, response] = recorder.records()[..] else { panic!("two records") };
    assert_eq!((request.id(), response.id()), (0, 1));
    assert_eq!(texts(request, "type"), ["request"]);
    assert_eq!(texts(request, "rrtype"), ["A", "OPT"]);
    assert_eq!(request.find("do"), Some(Value::Flag(true)));
    assert_eq!(request.find("qr"), None);
    assert_eq!((texts(response, "type"), texts(response, "flags")), (vec!["response"], vec!["8180"]));
    assert_eq!(texts(response, "rdata"), ["web.example.org", "192.0.2.1"]);
    assert_eq!(texts(response, "rrname"), ["www.example.org", "www.example.org", "web.example.org"]);
    assert_eq!(response.find("ttl"), Some(Value::Number(300)));
    assert!(recorder.anomalies().is_empty());
}

#[test]
fn a_query_and_its_answer_are_told_over_udp() {
    let turns = [Turn::client(&query()), Turn::server(&response())];
    assert_told(&told_of_datagrams(AppProtocol::Dns, &turns));
}

#[test]
fn and_over_tcp() {
    let framed = |bytes: Vec<u8>| [&(bytes.len() as u16).to_be_bytes()[..], &bytes].concat();
    let turns = [Turn::client(&framed(query())), Turn::server(&framed(response()))];
    assert_told(&told_however_cut(AppProtocol::Dns, &turns));
    let late = [Turn::client(&framed(query())), Turn::client(&[0, 3, 1, 2, 3])];
    assert_eq!(told_however_cut(AppProtocol::Dns, &late).anomalies(), [AppAnomaly::Malformed]);
}

/// What a record says of one answer with that data.
fn data_of(kind: u16, data: &[u8]) -> Record {
    let answer = resource(ASKED, kind, IN, 1, data);
    let bytes = message(1, QR, [&[question("a.test", kind, IN)], &[answer], &[], &[]]);
    let recorder = told_of_datagrams(AppProtocol::Dns, &[Turn::server(&bytes)]);
    assert!(recorder.anomalies().is_empty());
    recorder.records()[0].clone()
}

#[test]
fn data_is_told_in_its_usual_spelling() {
    let name = name("x.test");
    let with = |head: &[u8]| [head, &name].concat();
    let service = with(&[0, 1]);
    let parameters =
        [0, 1, 0, 6, 2, b'h', b'2', 2, b'h', b'3', 0, 4, 0, 4, 192, 0, 2, 1, 0, 3, 0, 2, 1, 0xbb];
    let signature = with(&[0, 1, 8, 2, 0, 0, 0, 9, 0, 0, 0, 8, 0, 0, 0, 7, 0, 6]);
    let cases: [(u16, Vec<u8>, &str); 16] = [
        (kind::AAAA, [&[0x20, 1, 0xd, 0xb8][..], &[0; 11], &[1]].concat(), "2001:db8::1"),
        (kind::NS, name.clone(), "x.test"),
        (kind::PTR, name.clone(), "x.test"),
        (kind::MX, with(&[0, 10]), "x.test"),
        (kind::SPF, b"\x02ab\x00\x01c".to_vec(), "abc"),
        (kind::HINFO, b"\x01a\x01b".to_vec(), "a b"),
        (kind::NULL, b"\x00raw".to_vec(), "\0raw"),
        (kind::CAA, b"\x00\x05issueca.test".to_vec(), "0 issue \"ca.test\""),
        (kind::DS, vec![0, 5, 8, 2, 0xab, 0x01], "5 8 2 AB01"),
        (kind::DNSKEY, vec![1, 1, 3, 8, 1, 2, 3], "257 3 8"),
        (kind::RRSIG, signature, "A 8 2 9 8 7 6 x.test"),
        (
            kind::HTTPS,
            [&service[..], &parameters].concat(),
            "1 x.test alpn=h2,h3 ipv4hint=192.0.2.1 port=443",
        ),
        (kind::SVCB, vec![0, 0, 0], "0 ."),
        (kind::SVCB, vec![0, 0, 0, 0xff, 0, 0, 1], ""),
        (999, vec![1, 0xff], "\\# 2 01FF"),
        (kind::A, vec![1, 2, 3], ""),
    ];
    for (kind, data, expected) in cases {
        assert_eq!(texts(&data_of(kind, &data), "rdata"), [expected], "type {kind}");
    }
    let [mname, numbers] = [name.clone(), (1..=5u32).flat_map(u32::to_be_bytes).collect()];
    let soa = data_of(kind::SOA, &[mname.clone(), mname, numbers].concat());
    assert_eq!((soa.find("minimum"), texts(&soa, "mname")), (Some(Value::Number(5)), vec!["x.test"]));
    assert_eq!(texts(&data_of(kind::TXT, b"\x02ab\x00\x01c"), "rdata"), ["ab", "", "c"]);
    let srv = data_of(kind::SRV, &with(&[0, 1, 0, 2, 0x13, 0xc4]));
    assert_eq!((srv.find("port"), texts(&srv, "name")), (Some(Value::Number(5060)), vec!["x.test"]));
    assert_eq!(texts(&data_of(kind::SSHFP, &[1, 2, 0xab, 0xcd]), "fingerprint"), ["ab:cd"]);
}

#[test]
fn what_is_asked_of_all_is_told_apart() {
    let asked = question("printer.local", kind::A, IN | 0x8000);
    let multicast = message(0, 0, [&[asked], &[], &[], &[]]);
    let answer = resource(&name("printer.local"), kind::A, IN | 0x8000, 120, &[192, 0, 2, 9]);
    let told = message(0, QR | AA, [&[], &[answer], &[], &[]]);
    let recorder = told_of_datagrams(AppProtocol::Mdns, &[Turn::client(&multicast), Turn::client(&told)]);
    assert_eq!(recorder.records()[0].find("unicast_response"), Some(Value::Flag(true)));
    assert_eq!(recorder.records()[1].find("cache_flush"), Some(Value::Flag(true)));
    let link_local = message(9, 0, [&[question("fileserver", kind::A, IN)], &[], &[], &[]]);
    told_of_datagrams(AppProtocol::Llmnr, &[Turn::client(&link_local)]);
    // Asked of a resolver, the same name is DNS.
    let asked = message(9, RD, [&[question("printer.local", kind::A, IN)], &[], &[], &[]]);
    told_of_datagrams(AppProtocol::Dns, &[Turn::client(&asked)]);
}

#[test]
fn names_that_go_round_and_on_are_told() {
    let pointing = |target: u8| resource(&[0xc0, target], kind::A, IN, 1, &[0; 4]);
    let looped = |of: Vec<u8>| message(1, QR, [&[question("a.test", kind::A, IN)], &[of], &[], &[]]);
    let told = |bytes: &[u8]| told_of_datagrams(AppProtocol::Dns, &[Turn::client(bytes)]);
    let at = looped(Vec::new()).len() as u8;
    assert_eq!(told(&looped(pointing(at))).anomalies(), [AppAnomaly::DnsPointerLoop]);
    let long = [&[&[63][..], &[b'x'; 63]].concat().repeat(4)[..], &[0; 11]].concat();
    assert_eq!(told(&looped(long)).anomalies(), [AppAnomaly::DnsNameTooLong]);
    let mut short = response();
    short.pop();
    let recorder = told(&short);
    assert_eq!(recorder.anomalies(), [AppAnomaly::Malformed]);
    assert_eq!(texts(recorder.records()[0], "rdata"), ["web.example.org"], "what can be read is told");
    let many = vec![resource(ASKED, kind::A, IN, 1, &[9; 4]); 1100];
    let many = message(1, QR, [&[question("a.test", kind::A, IN)], &many, &[], &[]]);
    let cut = told_of_datagrams(AppProtocol::Dns, &[Turn::client(&query()), Turn::server(&many)]);
    assert_eq!(cut.anomalies(), [AppAnomaly::MessageCut]);
    assert_eq!(cut.instances(Direction::ToClient, Field::DnsAnswer).len(), 1023);
}

#[test]
fn what_looks_alike_is_not_taken_for_it() {
    let direction = Direction::ToServer;
    let of = |bytes: &[u8]| of_datagram(SIGNATURES, Prefix::of(direction, bytes));
    let netbios =
        message(5, 0x0110, [&[question("CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 33, IN)], &[], &[], &[]]);
    assert_eq!(of(&netbios), Some(AppProtocol::NetBios));
    let status = resource(&name("CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), 33, IN, 0, &[0; 47]);
    assert_ne!(of(&message(5, QR | AA, [&[], &[status], &[], &[]])), Some(AppProtocol::Dns));
    assert_eq!(of(&[0; 48]), None);
    assert_eq!(of(&[&query()[..12], &[0xff; 40]].concat()), None);
    assert_eq!(of(&query()), Some(AppProtocol::Dns));
}

proptest! {
    #[test]
    fn chance_is_never_taken_for_it(bytes in vec(any::<u8>(), 0..600)) {
        let prefix = Prefix::of(Direction::ToServer, &bytes);
        prop_assert_eq!(of_datagram(&[SIGNATURE, MDNS_SIGNATURE, LLMNR_SIGNATURE], prefix), None);
        prop_assert!(of_stream(&[SIGNATURE], prefix).is_err());
    }

    /// And nothing panics: what a parser may be shown once a flow is known.
    #[test]
    fn broken_messages_are_read_as_far_as_they_go(changes in vec((any::<Index>(), any::<u8>()), 0..8)) {
        let mut bytes = response();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let turns = [Turn::client(&query()), Turn::server(&bytes), Turn::client(&bytes)];
        let recorder = told_of_datagrams(AppProtocol::Dns, &turns);
        prop_assert!(recorder.records().len() == 3);
    }

    #[test]
    fn answers_are_final(cut in any::<Index>(), tail in vec(any::<u8>(), 0..40)) {
        let whole = [&(query().len() as u16).to_be_bytes()[..], &query()].concat();
        let begun = [&whole[..cut.index(whole.len())], &tail].concat();
        let answer = |bytes| of_stream(&[SIGNATURE], Prefix::of(Direction::ToServer, bytes));
        let mut last = None;
        for end in 0..=begun.len() {
            let next = answer(&begun[..end]);
            if last.is_some_and(|last| last != Err(crate::app::signature::Answer::More)) {
                prop_assert_eq!(Some(next), last);
            }
            last = Some(next);
        }
    }
}
