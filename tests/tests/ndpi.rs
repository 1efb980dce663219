//! What nDPI's test suite says that flows speak is what Weir says.
//!
//! Needs the corpora; says SKIPPED where they are absent.

use std::fs;
use std::sync::Mutex;

use dataplane::decode::ChecksumMode;
use tests::capture;
use tests::corpora::{folder, for_each};
use tests::ndpi::{Expectations, labels::Labels};
use tests::player::Player;
use tests::survey::Survey;

/// Flows without rules and without an end by time, as nDPI has them.
const CONFIG: &str = r#"
mode = "monitor"

[packs]
default = false

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
fn protocols_equal_those_of_ndpi() {
    let Some(corpora) = folder("protocols_equal_those_of_ndpi") else { return };
    let folder = corpora.join("ndpi");
    let expectations = fs::read(folder.join("flows.json")).expect("the suite has its expectations");
    let expectations: Expectations = serde_json::from_slice(&expectations).expect("they are JSON");
    let player = Player::new(CONFIG, ChecksumMode::Ignore);
    let labels = Mutex::new(Labels::default());
    for_each(&expectations.into_iter().collect::<Vec<_>>(), |(name, expected)| {
        let file = fs::read(folder.join(name)).expect("captures are readable");
        let survey = Survey::of(&capture::read(&file).frames);
        let flows: Vec<_> = player.play(&file).expect("no panic").flows().cloned().collect();
        labels.lock().expect("no test thread panicked").compare(name, expected, &survey, &flows);
    });
    let labels = labels.into_inner().expect("no test thread panicked");
    eprintln!("nDPI protocols: {labels}");
}
