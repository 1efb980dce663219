//! What is found in a dialogue, and how it is judged, does not depend on how it is brought onto the wire: dialogues of
//! captures of others, and requests of others, sent in segments of one byte, in any order, twice, with other bytes in between,
//! in pieces and in tunnels, come to what they came to as they were captured.
//!
//! Needs the corpora; says SKIPPED where they are absent. `WEIR_EVERY_CUT=1` compares all of them, which takes some minutes.

use std::collections::HashSet;
use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use dataplane::decode::protocol;
use dataplane::flow::Direction;
use dataplane::policy::Mode;
use dataplane::verdict::{DropReason, Verdict};
use dlp_patterns::{Pack, RuleSet, check_examples, default_packs};
use tests::capture;
use tests::corpora::{captures, folder, for_each};
use tests::cut::Cut;
use tests::dialogue::Dialogue;
use tests::judged::Judged;
use tests::overheard::Overheard;
use tests::requests::{self, Request};

fn packs() -> Vec<Pack> {
    let text = include_str!("../packs/frequent.toml");
    let mut packs = default_packs();
    packs.push(Pack::parse("frequent.toml", text).expect("the pack is right"));
    packs
}

fn rules() -> Arc<RuleSet> {
    static RULES: OnceLock<Arc<RuleSet>> = OnceLock::new();
    let compile = || Arc::new(RuleSet::compile(&packs()).expect("the packs compile"));
    Arc::clone(RULES.get_or_init(compile))
}

#[test]
fn the_rules_that_find_something_often_are_right() {
    let report = check_examples(&packs()[default_packs().len()..]);
    assert!(report.is_clean(), "{:?}", report.failures);
    assert!(report.rules > 15);
}

/// What differs between two ways of sending, if anything does. `finest` is the one in the smallest pieces: what blocks the
/// dialogue is completed by the first byte that does not pass there.
fn difference(finest: &Judged, other: &Judged) -> Option<String> {
    if finest.blocked != other.blocked || finest.refused != other.refused {
        let outcome = |judged: &Judged| (judged.blocked.clone(), judged.refused);
        return Some(format!("{:?}, but {:?}", outcome(finest), outcome(other)));
    }
    let Some((_, guilty)) = finest.refused else {
        return difference_of_readings(finest, other);
    };
    Direction::BOTH.into_iter().find_map(|direction| {
        let [most, got] = [finest, other].map(|judged| judged.received_bytes[direction as usize]);
        let is_wrong = got > most || direction != guilty && got != most;
        is_wrong.then(|| format!("{got} bytes passed {direction:?}, which are to be {most}"))
    })
}

fn difference_of_readings(finest: &Judged, other: &Judged) -> Option<String> {
    if finest.received_bytes != other.received_bytes {
        return Some(format!("received {:?}, but {:?}", finest.received_bytes, other.received_bytes));
    }
    if finest.apps != other.apps {
        return Some(format!("{:?}, but {:?}", finest.apps, other.apps));
    }
    let are_listed = finest.is_listed && other.is_listed;
    if finest.hits != other.hits || are_listed && finest.alerts != other.alerts {
        let missing: Vec<_> = finest.alerts.iter().filter(|alert| !other.alerts.contains(alert)).collect();
        let more: Vec<_> = other.alerts.iter().filter(|alert| !finest.alerts.contains(alert)).collect();
        return Some(format!("{} hits, but {}: without {missing:?}, with {more:?}", finest.hits, other.hits));
    }
    if finest.anomalies != other.anomalies {
        return Some(format!("{:?}, but {:?}", finest.anomalies, other.anomalies));
    }
    if are_listed && finest.transactions != other.transactions {
        return Some(format!("{:?}, but {:?}", finest.transactions, other.transactions));
    }
    (finest.read != other.read).then(|| format!("read {:?}, but {:?}", finest.read, other.read))
}

/// What was compared.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    dialogues: usize,
    bytes: usize,
    blocked: usize,
    hits: u64,
    comparisons: usize,
    frames: u64,
}

/// Sends a dialogue in each way; every difference.
fn compare(name: &str, dialogue: &Dialogue, seed: u64, tally: &mut Tally) -> Vec<String> {
    let mut differences = Vec::new();
    tally.dialogues += 1;
    tally.bytes += dialogue.bytes();
    for mode in [Mode::Monitor, Mode::Protect] {
        let judge = |cut| {
            let judged = AssertUnwindSafe(|| Judged::of(dialogue, cut, seed, mode, &rules()));
            panic::catch_unwind(judged).map_err(|_| format!("{name}: {cut:?}, {mode:?}: panicked"))
        };
        let mut finest = None;
        for cut in Cut::ALL.into_iter().filter(|cut| cut.applies(dialogue)) {
            match judge(cut) {
                Err(panic) => differences.push(panic),
                Ok(judged) => {
                    tally.frames += judged.frames;
                    let finest = finest.get_or_insert_with(|| judged.clone());
                    let what = difference(finest, &judged);
                    differences.extend(what.map(|what| format!("{name}: {cut:?}, {mode:?}: {what}")));
                    tally.comparisons += 1;
                }
            }
        }
        let Some(finest) = finest else { continue };
        if finest.refused.is_none() && finest.received_bytes != dialogue.said() {
            let (got, said) = (finest.received_bytes, dialogue.said());
            differences.push(format!("{name}: {mode:?}: {got:?} arrived of {said:?}"));
        }
        tally.blocked += usize::from(finest.refused.is_some());
        tally.hits += if mode == Mode::Monitor { finest.hits } else { 0 };
    }
    differences
}

/// One in so many captures is compared, and of each dialogue so many bytes, unless all are asked for.
const CAPTURES_EVERY: u64 = 3;
const DIALOGUE_BYTES_MAX: usize = 8 << 10;
/// Of those that are, too: longer ones are the same kind of traffic on and on.
const EVERY_DIALOGUE_BYTES_MAX: usize = 256 << 10;

#[test]
fn dialogues_of_others_are_judged_alike_however_they_are_cut() {
    let Some(corpora) = folder("dialogues_of_others_are_judged_alike_however_they_are_cut") else { return };
    let is_every = std::env::var_os("WEIR_EVERY_CUT").is_some();
    let bytes_max = if is_every { EVERY_DIALOGUE_BYTES_MAX } else { DIALOGUE_BYTES_MAX };
    let all = captures(&corpora);
    let relative = |path: &Path| path.strip_prefix(&corpora).expect("below it").display().to_string();
    let chosen: Vec<&PathBuf> = all
        .iter()
        .filter(|path| is_every || digest(&relative(path)).is_multiple_of(CAPTURES_EVERY))
        .collect();
    let known = Mutex::new(HashSet::new());
    let tally = compare_all(&chosen, |path| {
        let frames = capture::read(&fs::read(path).expect("captures are readable")).frames;
        let mut dialogues = Vec::new();
        for (place, mut dialogue) in Overheard::of(&frames).into_iter().enumerate() {
            dialogue.truncate(bytes_max);
            if known.lock().expect("no test thread panicked").insert(dialogue.digest()) {
                dialogues.push((format!("{}, dialogue {place}", relative(path)), dialogue));
            }
        }
        dialogues
    });
    eprintln!("{} of {} captures: {tally:?}", chosen.len(), all.len());
    assert!(tally.dialogues > 1000, "only {} dialogues were compared", tally.dialogues);
    assert!(tally.hits > 10_000, "only {} hits were compared", tally.hits);
    assert!(tally.blocked > 200, "only {} dialogues were blocked", tally.blocked);
}

/// One in so many requests is compared, unless all are asked for.
const REQUESTS_EVERY: u64 = 40;

#[test]
fn requests_of_others_are_judged_alike_however_they_are_cut() {
    let Some(corpora) = folder("requests_of_others_are_judged_alike_however_they_are_cut") else { return };
    let every = if std::env::var_os("WEIR_EVERY_CUT").is_some() { 1 } else { REQUESTS_EVERY };
    let files = requests::files(&corpora);
    let mut chosen: Vec<Request> = files.iter().flat_map(|file| requests::read(file)).collect();
    let all = chosen.len();
    chosen.retain(|request| digest(&request.id).is_multiple_of(every));
    let tally = compare_all(&chosen, |request| {
        let ends = ["10.0.0.1:40000", "192.0.2.1:80"].map(|end| end.parse().expect("an address"));
        let mut dialogue = Dialogue::new(protocol::TCP, ends);
        dialogue.say(Direction::ToServer, &request.bytes);
        vec![(request.id.clone(), dialogue)]
    });
    eprintln!("{} of {all} requests: {tally:?}", chosen.len());
    assert!(tally.dialogues > 1000, "only {} requests were compared", tally.dialogues);
    assert!(tally.blocked > 300, "only {} requests were blocked", tally.blocked);
}

/// Compares the dialogues of each item, which have names. Fails with every difference.
fn compare_all<T: Sync>(items: &[T], dialogues: impl Fn(&T) -> Vec<(String, Dialogue)> + Sync) -> Tally {
    let (tally, differences) = (Mutex::new(Tally::default()), Mutex::new(Vec::new()));
    for_each(items, |item| {
        let mut own = Tally::default();
        for (name, dialogue) in dialogues(item) {
            let found = compare(&name, &dialogue, digest(&name), &mut own);
            differences.lock().expect("no test thread panicked").extend(found);
        }
        tally.lock().expect("no test thread panicked").add(own);
    });
    let (tally, differences) = (tally.into_inner().expect("whole"), differences.into_inner().expect("whole"));
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
    tally
}

impl Tally {
    fn add(&mut self, other: Tally) {
        self.dialogues += other.dialogues;
        self.bytes += other.bytes;
        self.blocked += other.blocked;
        self.hits += other.hits;
        self.comparisons += other.comparisons;
        self.frames += other.frames;
    }
}

/// FNV-1a: the same captures are chosen in every run, by every compiler.
fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |digest, byte| {
        (digest ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// A rule that blocks, another that resets, and framing that resets.
const DECISIVE: &str = "[pack]\nname = 'order'\nversion = '1'\ndescription = 'what blocks in two ways'\n\
    [[rule]]\nid = 1\nname = 'drops'\naction = 'drop'\nseverity = 1\ncategory = 'test'\n\
    fields = ['http.uri', 'http.headers', 'http.request.body', 'payload']\nliterals = ['silently']\nmask = 'none'\n\
    examples = { positive = ['silently'], negative = ['none'] }\n\
    [[rule]]\nid = 2\nname = 'resets'\naction = 'reset'\nseverity = 1\ncategory = 'test'\n\
    fields = ['http.uri', 'http.headers', 'http.request.body', 'payload']\nliterals = ['loudly']\nmask = 'none'\n\
    examples = { positive = ['loudly'], negative = ['none'] }\n";

/// Of what speaks against a packet in several ways, the first in stream order decides, as it does where it came in a packet of
/// its own.
#[test]
fn the_earliest_byte_decides() {
    use Verdict::{Drop, Reset};
    let pack = Pack::parse("order.toml", DECISIVE).expect("the pack is right");
    let rules = Arc::new(RuleSet::compile(&[pack]).expect("the pack compiles"));
    let (rule, framing) = (DropReason::Rule, DropReason::AppError);
    let requests: [(&[u8], Verdict); 10] = [
        (b"GET / HTTP/1.1\r\nA: silently, loudly\r\n\r\n", Drop(rule)),
        (b"GET / HTTP/1.1\r\nA: loudly, silently\r\n\r\n", Reset(rule)),
        (b"GET /loudly HTTP/1.1\r\nA: silently\r\n\r\n", Reset(rule)),
        (b"GET / HTTP/1.1\r\nno colon\r\nA: silently\r\n\r\n", Reset(framing)),
        (b"GET / HTTP/1.1\r\nA: silently\r\nno colon\r\n\r\n", Drop(rule)),
        (b"GET / HTTP/1.1\r\nsilently: a\rb\r\n\r\n", Drop(rule)),
        (b"GET /?a HTTP/1.1\r\nno colon\r\n\r\nGET /silently HTTP/1.1\r\n\r\n", Reset(framing)),
        (b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc silently", Reset(framing)),
        (b"GET /a b HTTP/1.1\r\nA: silently\r\n\r\n", Reset(framing)),
        (b"GET /silently b HTTP/1.1\r\n\r\n", Drop(rule)),
    ];
    for (bytes, verdict) in requests {
        let ends = ["10.0.0.1:40000", "192.0.2.1:80"].map(|end| end.parse().expect("an address"));
        let mut dialogue = Dialogue::new(protocol::TCP, ends);
        dialogue.say(Direction::ToServer, bytes);
        for cut in Cut::ALL {
            let what = format!("{cut:?}: {}", bytes.escape_ascii());
            let judged = Judged::of(&dialogue, cut, digest(&what), Mode::Protect, &rules);
            assert_eq!(judged.blocked, [verdict.reason()], "{what}");
            if matches!(cut, Cut::Bytes | Cut::AsIs | Cut::Random | Cut::Duplicated) {
                assert_eq!(judged.refusal, Some(verdict), "{what}");
            }
        }
    }
}

/// A comparison that can't fail compares nothing: each part of what is judged is one that is looked at.
#[test]
fn what_differs_is_seen() {
    let ends = ["10.0.0.1:40000", "192.0.2.1:80"].map(|end| end.parse().expect("an address"));
    let mut dialogue = Dialogue::new(protocol::TCP, ends);
    dialogue.say(Direction::ToServer, b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    dialogue.say(Direction::ToClient, b"HTTP/1.1 200 OK\r\nServer: nginx/1.2\r\nContent-Length: 2\r\n\r\nok");
    let judge = |dialogue: &Dialogue, mode| Judged::of(dialogue, Cut::AsIs, 1, mode, &rules());
    let mut other = dialogue.clone();
    other.turns[1].bytes[9..12].copy_from_slice(b"404");
    let mut harmless = dialogue.clone();
    harmless.turns[1].bytes.iter_mut().filter(|byte| **byte == b'/').skip(1).for_each(|byte| *byte = b'_');
    for (mode, other) in [(Mode::Monitor, &other), (Mode::Protect, &harmless)] {
        let plain = judge(&dialogue, mode);
        assert_eq!(difference(&plain, &judge(&dialogue, mode)), None);
        assert!(difference(&plain, &judge(other, mode)).is_some(), "{mode:?}");
    }
    let plain = judge(&dialogue, Mode::Monitor);
    let changes: [&dyn Fn(&mut Judged); 6] = [
        &|judged| judged.received_bytes[0] -= 1,
        &|judged| judged.apps.clear(),
        &|judged| judged.hits += 1,
        &|judged| judged.anomalies.push((Direction::ToServer, "gap")),
        &|judged| judged.transactions[0].status += 1,
        &|judged| judged.blocked[0] = Some(DropReason::OutOfWindow),
    ];
    for (place, change) in changes.into_iter().enumerate() {
        let mut changed = plain.clone();
        change(&mut changed);
        assert!(difference(&plain, &changed).is_some(), "change {place}");
    }
    let blocked = judge(&dialogue, Mode::Protect);
    assert_eq!(blocked.refused, Some((1, Direction::ToClient)));
    let mut late = blocked.clone();
    late.received_bytes[1] += 1;
    assert!(difference(&blocked, &late).is_some());
}
