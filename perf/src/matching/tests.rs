use std::io::Write;
use std::path::Path;

use bench::workload::PackKind;
use clap::Parser;

use super::*;
use crate::test_pack;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    plan: Plan,
}

#[derive(Parser)]
struct CheckLine {
    #[command(flatten)]
    plan: CheckPlan,
}

const RULES: [(&str, &str, &str); 4] = [
    (
        "key",
        "alert",
        r#"fields = ["payload"]
regex = '\bkey-[0-9A-F]{6}\b'
not_after = '[.]'
examples = { positive = ["key-012345"], negative = ["key"] }"#,
    ),
    (
        "words",
        "alert",
        r#"fields = ["payload", "http.uri"]
direction = "to_server"
literals = ["SeCret", "hidden thing"]
nocase = true
examples = { positive = ["secret"], negative = ["public"] }"#,
    ),
    (
        "elsewhere",
        "alert",
        r#"fields = ["http.uri"]
literals = ["secret"]
examples = { positive = ["secret"], negative = ["public"] }"#,
    ),
    (
        "beyond PCRE",
        "alert",
        r#"fields = ["payload"]
regex = 'word\b{end}'
examples = { positive = ["word"], negative = ["words"] }"#,
    ),
];

/// Three streams: a key across segments, and words; a word, and a key too long; a key right at the end.
const DATA: &[u8] = b"....key-01AB2C....sEcrEt secret hidden thing hidden thing.....1SECRET..................................key-0123AFxkey-0123AF, ..key-ABCDEF";

fn plan(data: &Path, pack: &Path, more: &[&str]) -> Plan {
    let line = ["match", "--rounds", "1", "--stream", "60", "--segment", "7", "--flows", "2", "--data"];
    let files = [data.to_str().expect("UTF-8"), "--pack", pack.to_str().expect("UTF-8")];
    Line::parse_from(line.iter().chain(&files).chain(more)).plan
}

fn files() -> (tempfile::NamedTempFile, tempfile::NamedTempFile) {
    let file = |text: &[u8]| {
        let mut file = tempfile::NamedTempFile::new().expect("a place for files");
        file.write_all(text).expect("room");
        file
    };
    (file(DATA), file(test_pack::pack(&RULES).as_bytes()))
}

#[test]
fn alone_weir_is_measured_without_a_ratio() {
    let (data, pack) = files();
    let report = plan(data.path(), pack.path(), &[]).run().expect("it runs");
    assert_eq!((report.rules, report.elsewhere, report.not_afters), (3, 1, 1));
    let told = report.to_json();
    assert!(told["weir"]["gb_s"].as_f64().expect("a figure") > 0.0);
    assert!(told["ratio"].is_null() && told["peer"].is_null());
    assert_eq!(told["tier"], Tier::best().as_str());
}

#[test]
fn weir_is_measured_on_the_tier_that_is_asked_for() {
    let (data, pack) = files();
    let scalar = plan(data.path(), pack.path(), &["--tier", "scalar"]).run().expect("every machine has it");
    let best = plan(data.path(), pack.path(), &[]).run().expect("it runs");
    assert_eq!((scalar.tier, scalar.weir.hits), ("scalar", best.weir.hits));
    let path = pack.path().to_str().expect("UTF-8");
    let error = CheckLine::try_parse_from(["check", "--pack", path, "--tier", "mmx"]).err().expect("no tier");
    assert!(error.to_string().contains("the tiers of this machine are scalar"), "{error}");
}

#[test]
fn in_batches_weir_finds_what_it_finds_segment_by_segment() {
    let (data, pack) = files();
    let plan = |more: &[&str]| plan(data.path(), pack.path(), more);
    let cut = Cut {
        stream_bytes: NonZeroUsize::new(17).expect("not zero"),
        segment_bytes: NonZeroUsize::MIN,
        // The flows of a turn are more than a batch.
        flows: NonZeroUsize::new(99).expect("not zero"),
    };
    let data = DATA.repeat(12);
    let steps = cut.steps(&data);
    let first_hits = |is_batching| {
        let mut weir = plan(&[]).setup.compile(Tier::best(), 99).expect("it compiles").weir;
        if is_batching {
            weir.batch();
        }
        weir.first_hits(&steps)
    };
    let expected = first_hits(false);
    assert!(expected.len() > 12);
    assert_eq!(first_hits(true), expected);
    let report = plan(&["--batch"]).run().expect("it runs");
    assert_eq!(report.to_json()["batch"], true);
    let alone = Plan { flows: NonZeroUsize::MIN, ..plan(&["--batch"]) };
    let refused = alone.run().expect_err("there is nothing to scan together").to_string();
    assert!(refused.contains("--flows 2"), "{refused}");
    assert_eq!(report.weir.hits, plan(&[]).run().expect("it runs").weir.hits);
}

#[test]
fn a_peer_that_is_here_has_the_same_hits() {
    if let Err(error) = peer::Peer::Hyperscan.load(None).map(|_| ()) {
        eprintln!("SKIPPED: {error:#}");
        return;
    }
    let (data, pack) = files();
    let report = plan(data.path(), pack.path(), &["--peer", "hyperscan"]).run().expect("the hits are equal");
    assert_eq!(report.rules, 2);
    let [left_out] = report.left_out.as_slice() else { panic!("one rule: {:?}", report.left_out) };
    assert_eq!((left_out.id, left_out.by), (4, "translation"));
    let peer = report.peer.as_ref().expect("it was there");
    assert_eq!((report.weir.hits, peer.hits), (4, 4));
    assert!(peer.state_bytes > 0 && peer.memory_bytes > 0);
    let told = report.to_string();
    assert!(told.contains("beyond PCRE by translation") && told.contains("ratio "), "{told}");
}

#[test]
fn hits_that_differ_end_the_measurement_unless_the_peer_is_wrong() {
    let (data, pack) = files();
    let plan = plan(data.path(), pack.path(), &[]);
    let subjects = plan.setup.compile(Tier::best(), 1).expect("it compiles").subjects;
    let hit = |end| FirstHit { stream: 0, id: 1, end };
    let compare = |weir, peer| plan.compare(&[hit(weir)], &[hit(peer)], &subjects, DATA);
    assert_eq!(compare(14, 14).expect("they are equal"), 0);
    assert_eq!(compare(14, 15).expect("the peer is wrong"), 1);
    let error = compare(15, 14).expect_err("Weir is wrong");
    assert!(error.to_string().ends_with("\nstream 0, rule 1: Weir end 15, peer end 14"), "{error}");
}

#[test]
fn a_check_of_a_right_matcher_finds_nothing() {
    let (_, pack) = files();
    for peer in ["none", "hyperscan"] {
        if let Err(error) = peer::Peer::Hyperscan.load(None).map(|_| ())
            && peer != "none"
        {
            eprintln!("SKIPPED: {error:#}");
            continue;
        }
        let path = pack.path().to_str().expect("UTF-8");
        let line = [
            "check",
            "--pack",
            path,
            "--scans",
            "2000",
            "--automata-every",
            "4",
            "--tier",
            "all",
            "--peer",
            peer,
        ];
        CheckLine::parse_from(line).plan.run().expect("no difference");
    }
}

/// Drawn packs are what is measured, and long checks run on; this is the begin of one.
#[test]
fn a_check_of_drawn_packs_on_every_tier_finds_nothing() {
    for kind in [PackKind::Dlp, PackKind::Request] {
        let mut pack = tempfile::NamedTempFile::new().expect("a place for files");
        pack.write_all(kind.text().expect("it is right").as_bytes()).expect("room");
        let path = pack.path().to_str().expect("UTF-8");
        let line = ["check", "--pack", path, "--scans", "10000", "--automata-every", "8", "--tier", "all"];
        CheckLine::parse_from(line).plan.run().expect("no difference");
    }
}
