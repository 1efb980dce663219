use std::io::Write;
use std::path::Path;

use bench::http::Kind;
use clap::Parser;

use super::*;
use crate::{generate, test_pack};

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    plan: Plan,
}

const FLOWS: u32 = 20;

/// A rule that each response hits, one that each request does, which would be dropped for it, and one for datagrams.
const RULES: [(&str, &str, &str); 3] = [
    (
        "title",
        "alert",
        r#"fields = ["http.response.body"]
literals = ["<title>"]
examples = { positive = ["<title>"], negative = ["title"] }"#,
    ),
    (
        "page",
        "drop",
        r#"fields = ["http.uri", "payload"]
regex = '[?]page=[0-9]+&'
examples = { positive = ["?page=1&"], negative = ["?page="] }"#,
    ),
    (
        "echo",
        "alert",
        r#"fields = ["payload"]
literals = ["echo echo"]
examples = { positive = ["echo echo"], negative = ["echo"] }"#,
    ),
];

fn capture() -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a place for files");
    generate::run(Kind::HttpSmall, FLOWS, file.path()).expect("it is written");
    file
}

fn pack() -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a place for files");
    file.write_all(test_pack::pack(&RULES).as_bytes()).expect("room");
    file
}

fn rules() -> Arc<RuleSet> {
    let packs = read_packs(&[pack().path().to_owned()]).expect("it is right");
    Arc::new(RuleSet::compile(&packs).expect("it compiles"))
}

fn plan(pcap: &Path, pack: &Path) -> Plan {
    let path = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    let line = ["glue", "--pcap", &path(pcap), "--pack", &path(pack), "--rounds", "2"].map(str::to_owned);
    Line::parse_from(line).plan
}

#[test]
fn engine_and_matcher_read_and_find_the_same() {
    let (pcap, pack) = (capture(), pack());
    let report = plan(pcap.path(), pack.path()).run_for(0.0).expect("the hits are equal");
    let json = report.to_json();
    assert_eq!(json["hits"], 2 * FLOWS);
    assert_eq!(json["fields"], 2 * FLOWS, "a request's target and a response's body each");
    assert_eq!(json["turns"], 1);
    assert_eq!(json["ratio_rounds"].as_array().map(Vec::len), Some(2));
    let told = report.to_string();
    assert!(told.contains("40 hits") && told.contains("(with - without) / alone"), "{told}");
}

#[test]
fn a_capture_that_the_rules_read_nothing_of_is_refused() {
    let pack = pack();
    let file = tempfile::NamedTempFile::new().expect("a place for files");
    generate::run(Kind::HttpSmall, 0, file.path()).expect("it is written");
    let error = plan(file.path(), pack.path()).run_for(0.0).map(|_| ()).expect_err("there is nothing");
    assert!(error.to_string().contains("the rules read nothing of"), "{error:#}");
}

#[test]
fn a_difference_is_told_by_rule() {
    let rules = rules();
    let capture = std::fs::read(capture().path()).expect("it is there");
    let (tally, counters) = play(&capture, &rules, Tally::new()).expect("it is a capture");
    let found = u64::from(FLOWS);
    assert_eq!(counters.hits_unlisted, 0);
    assert!(differences(&rules, &tally, &[found, found, 0], 0).is_empty());
    let told = differences(&rules, &tally, &[found, found + 1, 0], 0);
    assert_eq!(told, ["rule 2: 20 hits in the engine, 21 alone"]);
    assert_eq!(differences(&rules, &tally, &[found - 1, found, 0], 0).len(), 1);
    // What the engine counts without a list of it need not be listed, but it has to be there.
    assert!(differences(&rules, &tally, &[found, found + 1, 0], 1).is_empty());
    assert_eq!(differences(&rules, &tally, &[found, found, 0], 1).len(), 1);
}

#[test]
fn what_datagrams_carry_is_recorded_too() {
    let mut capture = Vec::new();
    engine::sample::write(&mut capture).expect("a Vec takes all");
    let rules = rules();
    let (recorder, counters) = play(&capture, &rules, Recorder::new(Arc::clone(&rules))).expect("a capture");
    let (tally, _) = play(&capture, &rules, Tally::new()).expect("a capture");
    let (in_place, _) = play(&capture, &rules, InPlace::new(&rules, counters.flows)).expect("a capture");
    let (scanned, _) = recorder.finish().play(&rules);
    assert_eq!(scanned[2], 2, "an echo and its reply");
    assert!(differences(&rules, &tally, &scanned, 0).is_empty());
    assert_eq!(in_place.counts(), scanned);
}
