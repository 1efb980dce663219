//! Conversations of their own making.

use dlp_patterns::Field;

use super::{command::Arguments, resp::Item};
use crate::{
    app::{
        AppAnomaly, AppProtocol, Value,
        conversation::{Turn, told_however_cut},
        recorder::Recorder,
    },
    flow::Direction::{ToClient, ToServer},
    limits::{MESSAGE_BYTES_HELD_MAX, REQUESTS_PENDING_MAX},
};

fn told(turns: &[Turn]) -> Recorder {
    told_however_cut(AppProtocol::Redis, turns)
}

fn command(arguments: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", arguments.len());
    for argument in arguments {
        bytes.push_str(&format!("${}\r\n{argument}\r\n", argument.len()));
    }
    bytes.into_bytes()
}

#[test]
fn a_pipeline_is_answered_in_order() {
    let recorder = told(&[
        Turn::client(
            &[command(&["SET", "k", "a b"]), command(&["GET", "k"]), command(&["lrange", "l", "0", "-1"])]
                .concat(),
        ),
        Turn::server(b"+OK\r\n$3\r\na b\r\n*3\r\n:1\r\n*1\r\n$-1\r\n$0\r\n\r\n"),
        Turn::client(&command(&["SELECT", "3"])),
        Turn::server(b"-ERR out of range\r\n"),
    ]);
    let records = recorder.records();
    let [set, get, range, select] = records[..] else { panic!("{records:?}") };
    assert_eq!((set.find("command"), set.find("key")), (Some(Value::Text(b"SET")), Some(Value::Text(b"k"))));
    assert_eq!(
        (set.find("arguments"), set.find("reply")),
        (Some(Value::Number(2)), Some(Value::Text(b"OK")))
    );
    assert_eq!(
        (get.find("reply"), get.find("response_bytes")),
        (Some(Value::Text(b"a b")), Some(Value::Number(9)))
    );
    assert_eq!(range.find("reply"), Some(Value::Text(b"[1, [null], ]")));
    assert_eq!(
        (select.find("success"), select.find("error")),
        (Some(Value::Flag(false)), Some(Value::Text(b"ERR out of range")))
    );
    assert_eq!(recorder.instances(ToServer, Field::DbStatement)[0], b"SET k a b");
    assert_eq!(recorder.instances(ToServer, Field::DbName), [b"3"]);
    assert_eq!(recorder.instances(ToClient, Field::DbError), [b"ERR out of range"]);
}

#[test]
fn secrets_are_masked() {
    let recorder = told(&[
        Turn::client(&command(&["AUTH", "hidden"])),
        Turn::client(&command(&["AUTH", "ann", "hidden"])),
        Turn::client(&command(&["HELLO", "3", "AUTH", "bob", "hidden", "SETNAME", "me"])),
        Turn::client(&command(&["config", "set", "requirepass", "hidden"])),
        Turn::client(&command(&["ACL", "SETUSER", "eve", "on", ">hidden", "~*", ">hidden"])),
    ]);
    let statements = recorder.instances(ToServer, Field::DbStatement);
    let expected: [&[u8]; 5] = [
        b"AUTH ***",
        b"AUTH ann ***",
        b"HELLO 3 AUTH bob *** SETNAME me",
        b"config set requirepass ***",
        b"ACL SETUSER eve on *** ~* ***",
    ];
    assert_eq!(statements, expected);
    assert_eq!(recorder.instances(ToServer, Field::DbUser), [b"ann", b"bob"]);
    let shown: Vec<_> = recorder.records().iter().filter_map(|record| record.find("statement")).collect();
    assert_eq!(shown, expected.map(Value::Text));
}

#[test]
fn what_subscribers_are_told_answers_nothing() {
    let recorder = told(&[
        Turn::client(&command(&["SUBSCRIBE", "c"])),
        Turn::server(b"*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n"),
        Turn::client(&command(&["RESET"])),
        Turn::server(
            b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n>1\r\n+x\r\n|1\r\n+a\r\n:9\r\n+RESET\r\n",
        ),
    ]);
    let replies: Vec<_> = recorder.records().iter().map(|record| record.find("reply")).collect();
    assert_eq!(replies, [None, Some(Value::Text(b"RESET"))]);
}

#[test]
fn replies_that_are_turned_off_are_not_awaited() {
    let recorder = told(&[
        Turn::client(&command(&["CLIENT", "REPLY", "SKIP"])),
        Turn::client(&command(&["PING"])),
        Turn::client(&command(&["ECHO", "x"])),
        Turn::server(b"$1\r\nx\r\n"),
    ]);
    let replies: Vec<_> = recorder.records().iter().map(|record| record.find("reply")).collect();
    assert_eq!(replies, [None, None, Some(Value::Text(b"x"))]);
}

#[test]
fn commands_in_lines_are_read() {
    let recorder = told(&[Turn::client(b"PING\r\n\r\nget  k\r\n"), Turn::server(b"+PONG\r\n_\r\n")]);
    assert_eq!(recorder.instances(ToServer, Field::DbStatement), [&b"PING"[..], b"get k"]);
}

#[test]
fn a_long_pipeline_is_told_without_its_end() {
    let count = REQUESTS_PENDING_MAX + 2;
    let replies: Vec<u8> = (0..count).flat_map(|at| format!(":{at}\r\n").into_bytes()).collect();
    let recorder = told(&[
        Turn::client(&command(&["PING"]).repeat(count)),
        Turn::server(&replies),
        Turn::client(&command(&["PING"])),
        Turn::server(b"+last\r\n"),
    ]);
    let records = recorder.records();
    assert_eq!(records.len(), count + 1);
    assert_eq!(records.iter().filter(|record| record.find("reply").is_none()).count(), 2);
    assert_eq!(records.last().and_then(|record| record.find("reply")), Some(Value::Text(b"last")));
    assert_eq!(recorder.anomalies(), [AppAnomaly::TooManyRequests]);
}

#[test]
fn empty_arguments_take_no_more_room_than_others() {
    let mut arguments = Arguments::default();
    for _ in 0..2 * MESSAGE_BYTES_HELD_MAX {
        arguments.take(Item::String { kind: b'$', length: Some(0) });
    }
    assert_eq!((arguments.text().len(), arguments.is_cut()), (MESSAGE_BYTES_HELD_MAX, true));
}

#[test]
fn what_is_no_resp_is_malformed() {
    let recorder = told(&[Turn::client(b"*1\r\n$4\r\nPINGxx")]);
    assert_eq!(recorder.anomalies(), [AppAnomaly::Malformed]);
    let deep = b"*1\r\n".repeat(crate::limits::RESP_DEPTH_MAX + 1);
    let recorder = told(&[Turn::client(&command(&["PING"])), Turn::server(&deep)]);
    assert_eq!(recorder.anomalies(), [AppAnomaly::Malformed]);
}

#[test]
fn a_copy_of_the_database_is_no_reply() {
    let recorder = told(&[
        Turn::client(&command(&["PSYNC", "?", "-1"])),
        Turn::server(b"+FULLRESYNC 0 0\r\n$4\r\nREDI!"),
    ]);
    assert_eq!(recorder.records().len(), 1);
    assert_eq!(recorder.anomalies(), []);
}

#[test]
fn what_a_server_answers_tells_where_the_command_does_not() {
    for answer in
        [&b"*2\r\n:1\r\n:2\r\n"[..], b"|1\r\n+ttl\r\n:3\r\n*1\r\n:5\r\n", b"%1\r\n$1\r\na\r\n,0.1\r\n"]
    {
        let recorder = told(&[Turn::client(b"NEW COMMAND\r\n"), Turn::server(answer)]);
        assert_eq!(recorder.records().len(), 1, "{}", answer.escape_ascii());
        assert_eq!(recorder.records()[0].find("command"), Some(Value::Text(b"NEW")));
    }
    let recorder = told(&[Turn::client(b"AUTH somebody secret\r\n"), Turn::server(b"+OK\r\n")]);
    assert_eq!(recorder.records().len(), 1);
    let of_mails = [Turn::client(b"AUTH PLAIN AHdlaXIAd2Vpcg==\r\n"), Turn::server(b"*no number\r\n")];
    told_however_cut(AppProtocol::Unknown, &of_mails);
}
