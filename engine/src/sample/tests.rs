use std::sync::Arc;

use dataplane::policy::Settings;
use dlp_patterns::{RuleSet, default_packs};

use super::*;
use crate::config::EventTypes;
use crate::eve::{EveFile, EveFormat};
use crate::io::pcap::Capture;
use crate::replay::Replay;

fn written() -> Vec<u8> {
    let mut bytes = Vec::new();
    write(&mut bytes).expect("a Vec takes all");
    bytes
}

#[test]
fn the_same_at_every_call() {
    assert_eq!(written(), written());
}

/// Every checksum is verified, so a frame that is built wrongly is dropped as broken.
#[test]
fn attack_and_leak_are_stopped_and_the_rest_passes() {
    let rules = Arc::new(RuleSet::compile(&default_packs()).expect("the packs compile"));
    let sink = EveFile::new(EveFormat::new(EventTypes::ALL, Vec::new()), Vec::new());
    let mut replay = Replay::new(Settings::default(), rules, sink, None);
    let bytes = written();
    replay.play(&mut Capture::open(&bytes[..]).expect("a capture")).expect("readable");
    let summary = replay.finish().expect("a Vec takes all");
    let json: serde_json::Value = serde_json::to_value(&summary).expect("plain");
    assert_eq!(json["frames"], frames().len());
    assert_eq!(json["flows"], 6);
    assert_eq!(json["dropped"]["rule"], 2);
    let dropped: u64 =
        json["dropped"].as_object().expect("a map").values().filter_map(serde_json::Value::as_u64).sum();
    assert_eq!(json["forwarded"].as_u64().expect("a number") + dropped, frames().len() as u64);
    for broken in ["malformed", "bad_checksum", "out_of_window", "app_error"] {
        assert_eq!(json["dropped"][broken], 0, "{broken}");
    }
}
