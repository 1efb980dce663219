use super::*;
use crate::app::AppAnomaly;
use crate::app::{
    AppProtocol, Value,
    conversation::{Turn, told_however_cut},
};
use Direction::{ToClient, ToServer};

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Message `number` with what stands behind its head.
fn message(command: u8, number: u8, status: u32, is_response: bool, body: &[u8]) -> Vec<u8> {
    let parts: [&[u8]; 9] = [
        b"\xfeSMB\x40\0\0\0",
        &status.to_le_bytes(),
        &[command, 0, 1, 0, is_response.into(), 0, 0, 0, 0, 0, 0, 0],
        &[number, 0, 0, 0, 0, 0, 0, 0],
        &[0; 4],
        &[9, 0, 0, 0],
        &[7, 0, 0, 0, 0, 0, 0, 0],
        &[0; 16],
        body,
    ];
    parts.concat()
}

fn framed(messages: &[&[u8]]) -> Vec<u8> {
    let body = messages.concat();
    [&(body.len() as u32).to_be_bytes()[..], &body].concat()
}

fn asked(command: u8, number: u8, body: &[u8]) -> Turn {
    Turn::client(&framed(&[&message(command, number, 0, false, body)]))
}

fn answered(command: u8, number: u8, status: u32, body: &[u8]) -> Turn {
    Turn::server(&framed(&[&message(command, number, status, true, body)]))
}

/// The same with a number of its own in place of the tree's.
fn answered_late(command: u8, number: u8, status: u32, body: &[u8]) -> Turn {
    const ASYNC: u8 = 2;
    let mut message = message(command, number, status, true, body);
    message[16] |= ASYNC;
    message[32..40].copy_from_slice(&7_u64.to_le_bytes());
    Turn::server(&framed(&[&message]))
}

fn create(name: &str) -> Vec<u8> {
    let name = utf16(name);
    let length = (name.len() as u16).to_le_bytes();
    [&[0x39, 0][..], &[0; 34], &[1, 0, 0, 0], &[0; 4], &[0x78, 0], &length, &[0; 8], &name].concat()
}

fn login() -> Vec<u8> {
    let (domain, user, host) = (utf16("WEIR"), utf16("ann"), utf16("PC"));
    let begins = [64, 72, 78];
    let place = |length: usize, at: usize| [length as u8, 0, length as u8, 0, begins[at], 0, 0, 0];
    let parts: [&[u8]; 11] = [
        b"wrapped NTLMSSP\0\x03\0\0\0",
        &[0; 16],
        &place(domain.len(), 0),
        &place(user.len(), 1),
        &place(host.len(), 2),
        &[0; 8],
        &[1, 0, 0, 0],
        &domain,
        &user,
        &host,
        b"proof",
    ];
    parts.concat()
}

#[test]
fn shares_files_and_logins_are_told() {
    let path = utf16("\\\\srv\\data");
    let tree = [&[9, 0, 0, 0, 0x48, 0, path.len() as u8, 0][..], &path].concat();
    let opened = [&[0x59, 0][..], &[0; 46], &[5, 0, 0, 0, 0, 0, 0, 0], &[0; 24]].concat();
    let turns = [
        asked(0, 0, &[0x24, 0, 1, 0]),
        answered(0, 0, 0, b"\x41\0\x01\0\x11\x03\0\0"),
        asked(1, 1, &login()),
        answered(1, 1, 0xc000_006d, b"\x09\0"),
        asked(3, 2, &tree),
        answered(3, 2, 0, b"\x10\0\x01\0"),
        asked(5, 3, &create("a\\plan.txt")),
        // It takes a while.
        answered_late(5, 3, STATUS_PENDING, b"\x09\0"),
        answered_late(5, 3, 0, &opened),
        asked(8, 4, b"\x31\0\0\0\0\x10\0\0"),
        answered(8, 4, 0, b"\x11\0\x50\0\x05\0\0\0\0\0\0\0\0\0\0\0hello"),
        asked(13, 5, b"\x04\0\0\0"),
        answered(13, 5, 0, b"\x04\0\0\0"),
    ];
    let recorder = told_however_cut(AppProtocol::Smb, &turns);
    assert_eq!(recorder.instances(ToServer, Field::FileName), [b"a\\plan.txt"]);
    assert_eq!(recorder.instances(ToServer, Field::DbUser), [b"ann"]);
    let records = recorder.records();
    assert_eq!(records.len(), 5);
    assert_eq!(records[0].find("dialect"), Some(Value::Text(b"3.11")));
    assert_eq!(records[1].find("status"), Some(Value::Text(b"STATUS_LOGON_FAILURE")));
    assert_eq!(records[1].find("domain"), Some(Value::Text(b"WEIR")));
    assert_eq!(records[1].find("host"), Some(Value::Text(b"PC")));
    assert_eq!(records[2].find("share"), Some(Value::Text(b"\\\\srv\\data")));
    assert_eq!(records[2].find("share_type"), Some(Value::Text(b"FILE")));
    assert_eq!(records[3].find("disposition"), Some(Value::Text(b"FILE_OPEN")));
    assert_eq!(records[3].find("size"), Some(Value::Number(5)));
    assert_eq!(records[3].find("tree_id"), Some(Value::Number(9)));
    assert_eq!(records[4].find("request_bytes"), Some(Value::Number(4096)));
    assert_eq!(records[4].find("moved_bytes"), Some(Value::Number(5)));
    assert_eq!(records[4].find("tree_id"), Some(Value::Number(9)));
    assert!(!recorder.do_records_say(b"proof"));
    assert!(recorder.anomalies().is_empty());
}

#[test]
fn messages_that_are_sent_as_one_are_told_apart() {
    let mut first = message(5, 1, 0, false, &create("one"));
    first.resize(first.len().next_multiple_of(8), 0);
    let next = (first.len() as u32).to_le_bytes();
    first[20..24].copy_from_slice(&next);
    let both = Turn::client(&framed(&[&first, &message(5, 2, 0, false, &create("two"))]));
    let recorder = told_however_cut(AppProtocol::Smb, &[both]);
    assert_eq!(recorder.instances(ToServer, Field::FileName), [b"one", b"two"]);
    assert_eq!(recorder.records().len(), 2);
}

#[test]
fn what_is_encrypted_is_over() {
    let turns = [
        Turn::client(&framed(&[b"\xffSMBr", &[0; 30]])),
        answered(0, 0, 0, b"\x41\0\x01\0\x02\x02\0\0"),
        Turn::client(&framed(&[b"\xfdSMB", &[7; 60]])),
        Turn::client(b"anything"),
    ];
    let recorder = told_however_cut(AppProtocol::Smb, &turns);
    assert_eq!(recorder.records()[0].find("command"), Some(Value::Text(b"SMB1_COMMAND_NEGOTIATE_PROTOCOL")));
    assert!(recorder.anomalies().is_empty());
    let turns = [asked(0, 0, &[0x24, 0]), Turn::server(&framed(&[b"\x00SMB"]))];
    assert_eq!(told_however_cut(AppProtocol::Smb, &turns).anomalies(), [AppAnomaly::Malformed]);
    assert!(told_however_cut(AppProtocol::Smb, &turns).instances(ToClient, Field::FileName).is_empty());
}
