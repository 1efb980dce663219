//! What Suricata's own tests expect of flows and alerts is what Weir tells.
//!
//! Needs the corpora; says SKIPPED where they are absent.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use dataplane::decode::ChecksumMode;
use tests::capture;
use tests::case_rules::CaseRules;
use tests::corpora::{captures, folder, for_each};
use tests::player::{Played, Player};
use tests::scoreboard::Scoreboard;
use tests::survey::Survey;
use tests::verify;

/// Expectations that Weir does not share, each with its cause.
const KNOWN_TO_DIFFER: [(&str, &str); 1] = [(
    "dns-reversed-udp-1:",
    "Suricata turns a flow of one datagram round because it reads as a DNS response; Weir reads no DNS, and a sender who chose \
     the direction by the port or the bytes of a datagram would choose which rules are asked",
)];

/// Alerts that Weir does not share, each with its cause.
const ALERTS_KNOWN_TO_DIFFER: [(&str, &str); 2] = [
    (
        "alert-no-3whs-established:",
        "Suricata calls no flow established whose begin was not seen; Weir reads it unless it is told to drop it",
    ),
    (
        "eve-payload-02-tcp-exact-overlap-policy-oldlinux:",
        "told to read the second copy, as an old receiver; of Weir every receiver gets the first one",
    ),
];

/// What came of all cases.
#[derive(Default)]
struct Boards {
    flows: Scoreboard,
    alerts: Scoreboard,
    /// Alerts that no rule told, of flows that were blocked for their framing before: what they are about never arrives. They
    /// count apart, as neither passed nor failed.
    stopped: Vec<String>,
}

/// Flows and alerts of all cases.
fn compare_all(corpora: &Path) -> Boards {
    let boards = Mutex::new(Boards::default());
    let mut cases: Vec<PathBuf> = captures(&corpora.join("suricata-verify"));
    cases.retain(|path| path.with_file_name("test.yaml").is_file());
    for_each(&cases, |path| {
        let folder = path.parent().expect("a case has a folder");
        let file = fs::read(path).expect("captures are readable");
        let rules = CaseRules::read(folder, &file);
        let yaml = fs::read_to_string(folder.join("test.yaml")).expect("a case has its checks");
        let filters = verify::filters(&yaml, &rules);
        if filters.is_empty() {
            return;
        }
        let play = |mode: &str| {
            let config = format!("mode = '{mode}'\n[packs]\ndefault = false\n");
            Player::with_packs(&config, ChecksumMode::Ignore, &rules.packs()).play(&file).expect("no panic")
        };
        let survey = Survey::of(&capture::read(&file).frames);
        let played = play(if rules.is_inline() { "protect" } else { "monitor" });
        let mut events = verify::with_netflow(played.flows());
        let alerts = played.events.iter().filter(|event| event["event_type"] == "alert");
        events.extend(alerts.filter(|alert| rules.has_ends_of(alert)).cloned());
        let name = folder.file_name().expect("a case has a name").to_string_lossy();
        let is_missing = filters.iter().any(|filter| filter.misses_alerts(&events));
        let is_stopped = is_missing && are_all_stopped(&play("protect"));
        let mut boards = boards.lock().expect("no test thread panicked");
        for filter in &filters {
            if is_stopped && filter.misses_alerts(&events) {
                boards.stopped.push(name.to_string());
                continue;
            }
            let board = if filter.is_of_alerts() { &mut boards.alerts } else { &mut boards.flows };
            filter.compare(&name, &survey, &events, board);
        }
    });
    boards.into_inner().expect("no test thread panicked")
}

/// Whether each connection of a capture was blocked because its framing is ambiguous.
fn are_all_stopped(played: &Played) -> bool {
    let mut connections = played.flows().filter(|flow| flow["proto"] == "TCP").peekable();
    connections.peek().is_some() && connections.all(|flow| flow["flow"]["drop_reason"] == "app_error")
}

#[test]
fn flows_and_alerts_equal_those_of_suricata_verify() {
    let Some(corpora) = folder("flows_and_alerts_equal_those_of_suricata_verify") else { return };
    let Boards { mut flows, mut alerts, stopped } = compare_all(&corpora);
    for (start, cause) in KNOWN_TO_DIFFER {
        assert_eq!(flows.known(start, cause), 1, "{start} no longer differs");
    }
    for (start, cause) in ALERTS_KNOWN_TO_DIFFER {
        assert!(alerts.known(start, cause) > 0, "{start} no longer differs");
    }
    eprintln!("suricata-verify, flows: {flows}");
    eprintln!("suricata-verify, alerts by the same rule: {alerts}");
    let told = alerts.applicable() + stopped.len();
    eprintln!(
        "suricata-verify, alerts: of {told}, {} are told by the same rule, and {} are of streams that are blocked before, as \
         their framing is ambiguous: {stopped:?}",
        alerts.passed(),
        stopped.len()
    );
    assert!(flows.applicable() >= 85, "only {} filters are in scope", flows.applicable());
    assert!(flows.passed() * 100 >= flows.applicable() * 98, "of the flows, too few are told alike");
    assert!(told >= 100, "only {told} filters are in scope");
    let failures = flows.failures().len() + alerts.failures().len();
    assert!(failures == 0, "{failures} filters differ");
}
