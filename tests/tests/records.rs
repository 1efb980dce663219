//! What Zeek's logs and Suricata's own tests say of messages of each protocol is what Weir's records tell.
//!
//! Needs the corpora; says SKIPPED where they are absent.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use dataplane::decode::ChecksumMode;
use tests::corpora::{captures, folder, for_each};
use tests::player::Player;
use tests::record_filters;
use tests::record_mappings::MAPPINGS;
use tests::scoreboard::Scoreboard;

/// As the suites were run: what passes is told, and nothing is dropped.
const CONFIG: &str = "mode = 'monitor'\n[packs]\ndefault = false\n";

/// Captures whose flows Weir does not see, by how the name of a log begins.
const OUT_OF_SCOPE: [(&str, &str); 8] = [
    ("nflog-http.", "link header that Weir does not read: NFLOG"),
    ("ssh/server-pre-banner-data.", "lines before the version, which no server says"),
    ("tunnels/gre-over-udp-4754.", "tunnel that Weir does not read: GRE in UDP (RFC 8086)"),
    ("tunnels/gre-pptp.", "tunnel that Weir does not read: PPTP"),
    ("tunnels/ayiya3.", "tunnel that Weir does not read: AYIYA"),
    ("tunnels/teredo", "tunnel that Weir does not read: Teredo"),
    ("snap-tcp.", "link header that Weir does not read: SNAP"),
    ("tls/tls12-decryption.", "TLS that Zeek was given the keys of"),
];

/// Cases whose messages Weir does not see.
const CASES_OUT_OF_SCOPE: [(&str, &str); 7] = [
    ("decode-teredo-01", "tunnel that Weir does not read: Teredo"),
    ("dns-over-http2", "DNS inside of HTTP/2"),
    (
        "firewall__ruletype-firewall-129-smtp-rset-next-tx-blocked-sender",
        "messages that the case's rules block",
    ),
    ("http-evader__http-evader-393", "a response that is refused for NUL in its status line"),
    ("http-evader__http-evader-399", "a response that is refused for CR alone behind its status line"),
    ("smb-length-5786", "files in SMB, which Weir does not read"),
    ("smtp-url-schemes-bug-5174", "addresses without their schemes, as the case's configuration asks for"),
];

/// Comparisons that differ, by how a failure begins, each with who is right.
const KNOWN_TO_DIFFER: [(&str, &str); 7] = [
    (
        "bug-5713-02-ja4:",
        "without signature algorithms JA4 hashes the extensions alone, as its specification says",
    ),
    (
        "http-not09:",
        "behind a request without a version nginx reads no header, as HTTP/0.9 has none, and Python's http.server does",
    ),
    ("http-not09-file:", "the client speaks no HTTP: what its server says to that in HTTP is payload"),
    (
        "bug-4953: expected 1 fileinfo of fileinfo.filename=\"/IEyF/",
        "Suricata counts some of the bytes that are missing: 107320 were seen of the 142628 that there are",
    ),
    ("http-gap-simple: expected 2 fileinfo", "the body is as long as Content-Length says, which is 12"),
    (
        "http/http-single-conn-22.pcap",
        "a stream of 12649 bytes, of which its head has 19: Zeek counts two more",
    ),
    ("http/missing-zlib-header.pcap", "Zeek counts a body decoded, Suricata and Weir as it was sent"),
];

/// Shares of what is in scope that must be equal, in percent, by protocol.
const PERCENT_MIN: &[(&str, usize)] = &[
    ("dns", 95),
    ("fileinfo", 95),
    ("http", 95),
    ("mysql", 95),
    ("pgsql", 95),
    ("quic", 95),
    ("redis", 95),
    ("smtp", 95),
    ("ssh", 95),
    ("tls", 95),
    ("websocket", 95),
];

/// What each suite has.
const OF_ZEEK: &[&str] = &["dns", "http", "mysql", "quic", "redis", "ssh", "tls"];
const OF_SURICATA: &[&str] = &["dns", "fileinfo", "http", "pgsql", "quic", "smtp", "ssh", "tls", "websocket"];

fn assert_enough(suite: &str, protocols: &[&str], mut boards: BTreeMap<&str, Scoreboard>) {
    for protocol in protocols {
        assert!(boards.contains_key(protocol), "{suite} has nothing of {protocol}");
    }
    let mut short = Vec::new();
    for (protocol, board) in &mut boards {
        for (start, who) in KNOWN_TO_DIFFER {
            board.known(start, who);
        }
        let asked = PERCENT_MIN.iter().find(|(of, _)| of == protocol);
        let (_, percent) = asked.unwrap_or_else(|| panic!("{suite}: no share is asked of {protocol}"));
        eprintln!("{suite}, {protocol}: {board}");
        if board.passed() * 100 < board.applicable() * percent || board.applicable() == 0 {
            short.push(protocol);
        }
    }
    assert!(short.is_empty(), "{suite}: too few are equal of {short:?}");
}

/// The logs of a capture, with the protocol that each is of.
fn logs(path: &Path) -> Vec<(usize, PathBuf)> {
    let name = path.file_name().expect("a file").to_string_lossy().into_owned();
    let logs = fs::read_dir(path.parent().expect("in a folder")).expect("it is readable").flatten();
    let mut logs: Vec<PathBuf> = logs.map(|log| log.path()).collect();
    logs.sort();
    let protocol = |log: &PathBuf| {
        let log = log.file_name()?.to_str()?.strip_prefix(&format!("{name}."))?;
        let is_quic = path.components().any(|part| part.as_os_str() == "quic");
        MAPPINGS.iter().position(|mapping| {
            log.ends_with(&format!(".{}.log", mapping.log)) && (mapping.protocol != "quic" || is_quic)
        })
    };
    logs.into_iter().filter_map(|log| Some((protocol(&log)?, log))).collect()
}

#[test]
fn records_equal_the_logs_of_zeek() {
    let Some(corpora) = folder("records_equal_the_logs_of_zeek") else { return };
    let player = Player::new(CONFIG, ChecksumMode::Ignore);
    let mut boards = BTreeMap::new();
    for path in captures(&corpora.join("zeek")) {
        let logs = logs(&path);
        if logs.is_empty() {
            continue;
        }
        let file = fs::read(&path).expect("captures are readable");
        let played = player.play(&file).expect("no panic");
        for (mapping, log) in logs {
            let mapping = &MAPPINGS[mapping];
            let board: &mut Scoreboard = boards.entry(mapping.protocol).or_default();
            let text = fs::read_to_string(&log).expect("logs are readable");
            let name = log.strip_prefix(corpora.join("zeek")).expect("below it").display().to_string();
            match OUT_OF_SCOPE.iter().find(|(start, _)| name.starts_with(start)) {
                Some((_, cause)) => board.skip(cause),
                None => mapping.compare(&name, &text, &played.events, board),
            }
        }
    }
    assert_enough("Zeek's logs", OF_ZEEK, boards);
}

#[test]
fn records_equal_those_of_suricata_verify() {
    let Some(corpora) = folder("records_equal_those_of_suricata_verify") else { return };
    let player = Player::new(CONFIG, ChecksumMode::Ignore);
    let boards = Mutex::new(BTreeMap::new());
    let mut cases: Vec<PathBuf> = captures(&corpora.join("suricata-verify"));
    cases.retain(|path| path.with_file_name("test.yaml").is_file());
    for_each(&cases, |path| {
        let folder = path.parent().expect("a case has a folder");
        let yaml = fs::read_to_string(folder.join("test.yaml")).expect("a case has its checks");
        let filters = record_filters::filters(&yaml);
        if filters.is_empty() {
            return;
        }
        let file = fs::read(path).expect("captures are readable");
        let played = player.play(&file).expect("no panic");
        let name = folder.file_name().expect("a case has a name").to_string_lossy();
        let mut boards = boards.lock().expect("no test thread panicked");
        for filter in &filters {
            let protocol = record_filters::PROTOCOLS.into_iter().find(|of| *of == filter.protocol);
            let board: &mut Scoreboard = boards.entry(protocol.expect("one of these")).or_default();
            match CASES_OUT_OF_SCOPE.iter().find(|(case, _)| *case == name) {
                Some((_, cause)) => board.skip(cause),
                None => filter.compare(&name, &played.events, board),
            }
        }
    });
    assert_enough("suricata-verify", OF_SURICATA, boards.into_inner().expect("no test thread panicked"));
}
