use std::net::Ipv4Addr;

use super::*;
use crate::flow::protocol;

const S: u64 = 1_000_000_000;

fn flow(client: u8) -> FlowRecord {
    FlowRecord {
        id: 1,
        link: 0,
        client: (Ipv4Addr::new(192, 0, 2, client).into(), 4000),
        server: (Ipv4Addr::new(198, 51, 100, 1).into(), 53),
        protocol: protocol::UDP,
        vlans: Default::default(),
        tunnels: Box::default(),
        icmp: None,
        start_ns: 0,
        last_ns: 0,
        frames: [1, 0],
        bytes: [0; 2],
        tcp_flags: [0; 2],
    }
}

fn message(name: &str, kind: &str, answers: &[&str]) -> Record {
    let mut record = Record::default();
    record.begin(AppProtocol::Dns, 0);
    record.list("queries", |record| {
        record.object("", |record| {
            record.text("rrname", name.as_bytes());
            record.text("rrtype", kind.as_bytes());
        });
    });
    record.list("answers", |record| {
        for answer in answers {
            record.object("", |record| {
                record.text("rrname", name.as_bytes());
                record.text("rrtype", kind.as_bytes());
                record.text("rdata", answer.as_bytes());
            });
        }
    });
    record
}

/// How many of the messages of one client it takes until a tunnel is told.
fn told_after(messages: impl Iterator<Item = Record>) -> Option<usize> {
    let mut tunnels = DnsTunnels::new(&ThreatPolicy::default(), [1, 2]);
    let mut evidence = Record::default();
    let found = |(at, message)| tunnels.see(&flow(1), &message, at as u64 * S, &mut evidence).is_some();
    let mut found = found;
    messages.enumerate().position(|(at, message)| found((at, message))).map(|at| at + 1)
}

/// Numbers that look like chance, in letters and digits.
fn encoded(number: u64, bytes: usize) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let letter = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(LETTERS[(state >> 59) as usize])
    };
    (0..bytes).map(letter).collect()
}

#[test]
fn new_names_that_carry_data_are_a_tunnel() {
    let names = |number| message(&format!("{}.t.example.org", encoded(number, 40)), "A", &[]);
    let after = told_after((0..40).map(names)).expect("told");
    assert!((6..=20).contains(&after), "{after}");
    let bare = |number| message(&format!("{number}.example.org"), "NULL", &["x"]);
    assert!(told_after((0..40).map(bare)).expect("told") <= 20);
    let padded = "H4sICN03x2QAA3Rlc3QudHh0AAvJyCxWAKJEheLU5KLUEoW0zJxULgAge==.example.org";
    assert_eq!(told_after([message(padded, "A", &[])].into_iter()), Some(1));
}

#[test]
fn what_is_not_new_or_carries_nothing_is_none() {
    let same = |_| message(&format!("{}.example.org", encoded(7, 40)), "TXT", &["v=spf1 -all"]);
    assert_eq!(told_after((0..200).map(same)), None, "the same name again and again");
    let hosts = |number| message(&format!("host{number}.example.org"), "A", &["192.0.2.1"]);
    assert_eq!(told_after((0..200).map(hosts)), None);
    let reverse = |number| message(&format!("{number}.2.0.192.in-addr.arpa"), "PTR", &["a.example.org"]);
    assert_eq!(told_after((0..200).map(reverse)), None);
    let domains = |number| message(&format!("{}.{number}x.org", encoded(number, 40)), "A", &[]);
    assert_eq!(told_after((0..200).map(domains)), None, "each below another domain");
    let case = |number: u64| message(&format!("wWw{}.ExAmPlEsItE.cOm", number % 20), "A", &[]);
    assert_eq!(told_after((0..200).map(case)), None, "case by chance");
}

#[test]
fn it_is_told_once_and_each_message_is_part_of_it() {
    let mut tunnels = DnsTunnels::new(&ThreatPolicy::default(), [1, 2]);
    let (mut evidence, mut told, mut part) = (Record::default(), 0, 0);
    for number in 0..30 {
        let name = format!("{}.example.org", encoded(number, 40));
        let found = tunnels.see(&flow(1), &message(&name, "A", &[]), number * S, &mut evidence);
        part += usize::from(found.is_some());
        told += usize::from(found.is_some_and(|found| found.evidence.is_some()));
    }
    assert_eq!(told, 1);
    assert!(part > 20);
    assert_eq!(evidence.find("domain"), Some(Value::Text(b"example.org")));
    let mut see = |client, now_ns| {
        let other = message("www.example.org", "A", &[]);
        tunnels.see(&flow(client), &other, now_ns, &mut Record::default()).is_some()
    };
    assert!(!see(2, 31 * S), "others are free to ask");
    assert!(see(1, 32 * S));
    assert!(!see(1, 10_000 * S), "it is forgotten");
}

#[test]
fn what_was_counted_outlives_another_policy_and_nothing_else() {
    let mut policy = ThreatPolicy::default();
    let mut tunnels = DnsTunnels::new(&policy, [1, 2]);
    let mut numbers = 0..;
    let mut see = |tunnels: &mut DnsTunnels| {
        let name = format!("{}.example.org", encoded(numbers.next().expect("it has no end"), 40));
        let mut evidence = Record::default();
        tunnels.see(&flow(1), &message(&name, "A", &[]), S, &mut evidence).map(|found| found.action)
    };
    assert_eq!((see(&mut tunnels), see(&mut tunnels)), (None, None));
    policy.set_threshold(Threat::DnsTunnel, "names_min", 3);
    policy.set_threshold(Threat::DnsTunnel, "score", 50);
    policy.set_action(Threat::DnsTunnel, ThreatAction::Drop);
    tunnels.set_policy(&policy);
    assert_eq!(see(&mut tunnels), Some(ThreatAction::Drop));
    policy.set_action(Threat::DnsTunnel, ThreatAction::Ignore);
    tunnels.set_policy(&policy);
    assert_eq!(see(&mut tunnels), None);
    policy.set_action(Threat::DnsTunnel, ThreatAction::Alert);
    tunnels.set_policy(&policy);
    assert_eq!(see(&mut tunnels), None, "it was forgotten");
}

#[test]
fn domains_of_registries_are_told_apart() {
    let parent =
        |name: &'static str| parent_domain(name.as_bytes()).map(|name| String::from_utf8_lossy(name));
    assert_eq!(parent("a.b.example.org").as_deref(), Some("example.org"));
    assert_eq!(parent("a.example.co.uk").as_deref(), Some("example.co.uk"));
    assert_eq!(parent("a.example.io").as_deref(), Some("example.io"));
    assert_eq!(
        (parent("example.org"), parent("co.uk"), parent("local"), parent("")),
        (None, None, None, None)
    );
}
