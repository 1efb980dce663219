//! The captures of others, each through a pipeline of its own; some of them through the program that users run.
//!
//! Needs the corpora; says SKIPPED where they are absent.

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use dataplane::decode::ChecksumMode;
use dataplane::limits::FLOW_STEPS_DEFAULT;
use tests::corpora::{captures, folder, for_each};
use tests::flow_event::merged;
use tests::player::Player;
use tests::scoreboard::Scoreboard;
use tests::survey::Survey;
use tests::weir;
use tests::{capture, ndpi};

/// Flows are counted alike without rules. Verdicts would not change the books, but monitor mode makes sure.
const NO_PACKS: &str = r#"
mode = "monitor"

[packs]
default = false
"#;

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
    let player = Player::new(&[NO_PACKS, ENDLESS].concat(), ChecksumMode::Ignore);
    let board = Mutex::new(Scoreboard::default());
    for_each(&expectations.into_iter().collect::<Vec<_>>(), |(name, expected)| {
        let file = fs::read(folder.join(name)).expect("captures are readable");
        let survey = Survey::of(&capture::read(&file).frames);
        let flows = merged(player.play(&file).expect("no panic").flows());
        ndpi::compare(name, expected, &survey, flows, &mut board.lock().expect("no test thread panicked"));
    });
    let board = board.into_inner().expect("no test thread panicked");
    eprintln!("nDPI flows: {board}");
    assert!(board.applicable() >= 3140, "only {} of 3202 flows are in scope", board.applicable());
    assert!(board.failures().is_empty(), "{} flows differ", board.failures().len());
}

/// Link types that are decoded.
const LINK_TYPES: [u16; 13] = [0, 1, 9, 12, 14, 50, 101, 104, 108, 113, 228, 229, 276];

/// With the packs that users have: no capture makes the engine panic, what a reader of another hand reads is
/// replayed to the last frame, and every frame is accounted for.
#[test]
fn every_frame_of_every_capture_is_accounted_for() {
    let Some(corpora) = folder("every_frame_of_every_capture_is_accounted_for") else { return };
    let paths = captures(&corpora);
    assert!(paths.len() > 900, "only {} captures found", paths.len());
    let player = Player::new("", ChecksumMode::Verify);
    let wrong = Mutex::new(Vec::new());
    let (frames, whole) = (AtomicUsize::new(0), AtomicUsize::new(0));
    for_each(&paths, |path| match account(&player, &fs::read(path).expect("captures are readable")) {
        Ok(counts) => {
            frames.fetch_add(counts.0, Ordering::Relaxed);
            whole.fetch_add(usize::from(counts.1), Ordering::Relaxed);
        }
        Err(what) => {
            let line = format!("{}: {what}", path.display());
            wrong.lock().expect("no test thread panicked").push(line);
        }
    });
    let wrong = wrong.into_inner().expect("no test thread panicked");
    assert!(wrong.is_empty(), "{} captures:\n{}", wrong.len(), wrong.join("\n"));
    let (frames, whole) = (frames.into_inner(), whole.into_inner());
    eprintln!("{} captures, {whole} whole, {frames} frames, every one accounted for", paths.len());
    assert!(frames > 100_000, "only {frames} frames were replayed");
    assert!(whole > 900, "only {whole} captures are whole");
}

/// What the default packs are read with may cost a flow less than this, in steps beyond what its bytes pay for, whatever it
/// carries: a small part of what it may.
const FLOW_STEPS_SEEN: u64 = FLOW_STEPS_DEFAULT / 64;

/// No flow of the captures comes near to the end of its steps, though nothing is blocked and wrong checksums are no matter.
#[test]
fn no_flow_of_any_capture_costs_what_it_may() {
    let Some(corpora) = folder("no_flow_of_any_capture_costs_what_it_may") else { return };
    let paths = captures(&corpora);
    assert!(paths.len() > 900, "only {} captures found", paths.len());
    let player = Player::new("mode = \"monitor\"", ChecksumMode::Ignore);
    let highest = Mutex::new(Vec::new());
    for_each(&paths, |path| {
        let file = fs::read(path).expect("captures are readable");
        let counters = player.play(&file).expect("no panic").counters;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        highest.lock().expect("no test thread panicked").push((counters.flow_steps_highest, name));
        assert_eq!(counters.flow_steps_exceeded, 0, "{}", path.display());
    });
    let mut highest = highest.into_inner().expect("no test thread panicked");
    highest.sort_unstable_by(|one, other| other.cmp(one));
    eprintln!("of {FLOW_STEPS_DEFAULT} steps that a flow may cause, at most: {:?}", &highest[..8]);
    assert!(highest[0].0 > 0, "steps are counted");
    assert!(highest[0].0 < FLOW_STEPS_SEEN, "{:?}", highest[0]);
}

/// Replays a capture; how many frames it had, and whether it was played to its end. Fails with what is wrong.
fn account(player: &Player, file: &[u8]) -> Result<(usize, bool), String> {
    let known = capture::read(file);
    let played = player.play(file).map_err(|panic| format!("panicked: {panic}"))?;
    let counted = |name: &str| played.summary[name].as_u64().unwrap_or(0);
    let dropped = played.summary["dropped"].as_object();
    let dropped: u64 = dropped.into_iter().flatten().filter_map(|(_, count)| count.as_u64()).sum();
    let frames = counted("frames");
    if frames != counted("forwarded") + dropped {
        return Err(format!("the books do not balance: {}", played.summary));
    }
    let decodable = known.frames.iter().take_while(|frame| LINK_TYPES.contains(&frame.link_type)).count();
    let is_decodable = decodable == known.frames.len();
    if frames != decodable as u64 {
        return Err(format!("{frames} of {decodable} frames: {:?}", played.fault));
    }
    if is_decodable && known.is_whole && played.fault.is_some() {
        return Err(format!("it is whole, but {:?}", played.fault));
    }
    Ok((decodable, played.fault.is_none()))
}

/// One in so many captures is also replayed by the program.
const BY_PROGRAM_EVERY: usize = 150;

/// A pipeline of the library is what `weir replay` runs: both tell the same, of whole captures and of damaged ones.
#[test]
fn the_program_says_what_the_library_says() {
    let Some(corpora) = folder("the_program_says_what_the_library_says") else { return };
    let scratch = tempfile::tempdir().expect("a temporary folder can be made");
    let mut paths: Vec<PathBuf> = captures(&corpora).into_iter().step_by(BY_PROGRAM_EVERY).collect();
    let torn = scratch.path().join("torn.pcap");
    let read = |path: &PathBuf| fs::read(path).expect("captures are readable");
    // Of which something is left to play.
    let file = paths.iter().map(read).find(|file| capture::read(file).frames.len() > 1);
    let file = file.expect("a capture has several frames");
    fs::write(&torn, &file[..file.len() - 1]).expect("the temporary folder is writable");
    paths.push(torn);
    let player = Player::new("", ChecksumMode::Verify);
    let mut codes = Vec::new();
    for path in &paths {
        let expected = player.play(&fs::read(path).expect("captures are readable")).expect("no panic");
        let replay = weir::replay(path, &[]);
        assert_eq!(replay.summary, expected.summary, "{}", path.display());
        assert_eq!(replay.events, expected.events, "{}", path.display());
        assert_eq!(replay.code, Some(i32::from(expected.fault.is_some())), "{}", path.display());
        codes.push(replay.code);
    }
    assert!(codes.len() > 5 && codes.contains(&Some(0)) && codes.contains(&Some(1)), "{codes:?}");
}
