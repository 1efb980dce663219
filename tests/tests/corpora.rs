//! The captures of others, through the program that users run.
//!
//! Needs the corpora; says SKIPPED where they are absent.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tests::corpora::{captures, folder};
use tests::flow_event::merged;
use tests::scoreboard::Scoreboard;
use tests::survey::Survey;
use tests::weir::replay;
use tests::{capture, ndpi, verify};

/// Flows are counted alike without rules. Verdicts would not change the books, but monitor mode makes sure.
const NO_PACKS: &str = r#"
mode = "monitor"

[packs]
default = false
"#;

/// Expectations that Weir does not share, each with its cause.
const KNOWN_TO_DIFFER: [(&str, &str); 3] = [
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
];

/// As long as a flow may be silent, for nDPI does not end flows by time.
const ENDLESS: &str = r#"
[flows]
tcp_new_s = 86400
tcp_established_s = 86400
tcp_closed_s = 86400
udp_new_s = 86400
udp_established_s = 86400
icmp_s = 86400
other_s = 86400
"#;

#[test]
fn flows_equal_those_of_ndpi() {
    let Some(corpora) = folder("flows_equal_those_of_ndpi") else { return };
    let folder = corpora.join("ndpi");
    let expectations = fs::read(folder.join("flows.json")).expect("the suite has its expectations");
    let expectations: ndpi::Expectations = serde_json::from_slice(&expectations).expect("they are JSON");
    let scratch = tempfile::tempdir().expect("a temporary folder can be made");
    let config = config(scratch.path(), &[NO_PACKS, ENDLESS]);
    let arguments = ["--ignore-checksums", "--config", &config];
    let board = Mutex::new(Scoreboard::default());
    for_each(&expectations.into_iter().collect::<Vec<_>>(), |(name, expected)| {
        let path = folder.join(name);
        let survey = survey(&path);
        let replay = replay(&path, &arguments);
        let flows = merged(replay.flows());
        ndpi::compare(name, expected, &survey, flows, &mut board.lock().expect("no test thread panicked"));
    });
    let board = board.into_inner().expect("no test thread panicked");
    eprintln!("nDPI flows: {board}");
    assert!(board.applicable() >= 2950, "only {} of about 3200 flows are in scope", board.applicable());
    assert!(board.failures().is_empty(), "{} flows differ", board.failures().len());
}

#[test]
fn flows_equal_those_of_suricata_verify() {
    let Some(corpora) = folder("flows_equal_those_of_suricata_verify") else { return };
    let scratch = tempfile::tempdir().expect("a temporary folder can be made");
    let config = config(scratch.path(), &[NO_PACKS]);
    let arguments = ["--ignore-checksums", "--config", &config];
    let mut board = Scoreboard::default();
    let mut cases: Vec<PathBuf> = captures(&corpora.join("suricata-verify"));
    cases.retain(|path| path.with_file_name("test.yaml").is_file());
    for path in &cases {
        let yaml = fs::read_to_string(path.with_file_name("test.yaml")).expect("a case has its checks");
        let filters = verify::filters(&yaml);
        if filters.is_empty() {
            continue;
        }
        let name = path.parent().and_then(Path::file_name).expect("a case has a folder").to_string_lossy();
        let survey = survey(path);
        let events = verify::with_netflow(replay(path, &arguments).flows());
        for filter in &filters {
            filter.compare(&name, &survey, &events, &mut board);
        }
    }
    for (start, cause) in KNOWN_TO_DIFFER {
        assert_eq!(board.known(start, cause), 1, "{start} no longer differs");
    }
    eprintln!("suricata-verify flow filters: {board}");
    assert!(board.applicable() >= 65, "only {} filters are in scope", board.applicable());
    assert!(board.failures().is_empty(), "{} filters differ", board.failures().len());
}

/// With the packs that users have: no capture makes the engine panic, and every frame is accounted for.
#[test]
fn every_frame_of_every_capture_is_accounted_for() {
    let Some(corpora) = folder("every_frame_of_every_capture_is_accounted_for") else { return };
    let paths = captures(&corpora);
    assert!(paths.len() > 900, "only {} captures found", paths.len());
    let wrong = Mutex::new(Vec::new());
    let frames = AtomicUsize::new(0);
    for_each(&paths, |path| {
        let replay = replay(path, &[]);
        let counted = |name: &str| replay.summary[name].as_u64().unwrap_or(0);
        let dropped = replay.summary["dropped"].as_object();
        let dropped: u64 = dropped.into_iter().flatten().filter_map(|(_, count)| count.as_u64()).sum();
        frames.fetch_add(counted("frames") as usize, Ordering::Relaxed);
        let known = capture::read(&fs::read(path).expect("captures are readable"));
        let readable =
            known.iter().all(|frame| [0, 1, 12, 14, 101, 108, 113, 276].contains(&frame.link_type));
        let ended =
            matches!(replay.code, Some(0 | 1)) || !readable && replay.code.is_some_and(|code| code < 100);
        let balanced = counted("frames") == counted("forwarded") + dropped;
        let complete = !readable || replay.code == Some(1) || counted("frames") == known.len() as u64;
        if !ended || !balanced || !complete || replay.stderr.contains("panicked") {
            let line = format!("{}: {:?} {} {}", path.display(), replay.code, replay.summary, replay.stderr);
            wrong.lock().expect("no test thread panicked").push(line);
        }
    });
    let wrong = wrong.into_inner().expect("no test thread panicked");
    assert!(wrong.is_empty(), "{} captures:\n{}", wrong.len(), wrong.join("\n"));
    let frames = frames.into_inner();
    eprintln!("{} captures, {frames} frames, every one accounted for", paths.len());
    assert!(frames > 100_000, "only {frames} frames were replayed");
}

fn survey(path: &Path) -> Survey {
    Survey::of(&capture::read(&fs::read(path).expect("captures are readable")))
}

fn config(scratch: &Path, parts: &[&str]) -> String {
    let config = scratch.join("weir.toml");
    fs::write(&config, parts.concat()).expect("the temporary folder is writable");
    config.to_str().expect("it has a plain name").to_owned()
}

/// Does the work for each item on as many threads as the machine has cores.
fn for_each<T: Sync>(items: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(item);
                }
            });
        }
    });
}
