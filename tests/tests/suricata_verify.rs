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
use tests::player::Player;
use tests::scoreboard::Scoreboard;
use tests::survey::Survey;
use tests::verify;

/// Expectations that Weir does not share, each with its cause.
const KNOWN_TO_DIFFER: [(&str, &str); 4] = [
    (
        "dns-reversed-udp-1:",
        "Suricata turns a flow round once DNS shows who answers; Weir knows who spoke first",
    ),
    (
        "tcp-stream-after-swap:",
        "Suricata turns a flow round once HTTP shows who answers; Weir knows who spoke first",
    ),
    (
        "firewall__ruletype-firewall-50-ruleset-vs-ping:",
        "Suricata tells ICMP flows apart by message type; nDPI and Weir do not",
    ),
    (
        "http-connect__http-connect-tls:",
        "Suricata names a flow after what a CONNECT opens; Weir after what the flow began with",
    ),
];

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
    /// Alerts among those that passed which no rule told: what they are about never arrives.
    stopped: usize,
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
        let is_stopped =
            is_missing && play("protect").flows().any(|flow| flow["flow"]["drop_reason"] == "app_error");
        let mut boards = boards.lock().expect("no test thread panicked");
        for filter in &filters {
            if is_stopped && filter.misses_alerts(&events) {
                boards.stopped += 1;
                boards.alerts.pass();
                continue;
            }
            let board = if filter.is_of_alerts() { &mut boards.alerts } else { &mut boards.flows };
            filter.compare(&name, &survey, &events, board);
        }
    });
    boards.into_inner().expect("no test thread panicked")
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
    eprintln!("suricata-verify, alerts ({stopped} by resetting ambiguous HTTP): {alerts}");
    assert!(flows.applicable() >= 85, "only {} filters are in scope", flows.applicable());
    assert!(alerts.applicable() >= 100, "only {} filters are in scope", alerts.applicable());
    let failures = flows.failures().len() + alerts.failures().len();
    assert!(failures == 0, "{failures} filters differ");
}
