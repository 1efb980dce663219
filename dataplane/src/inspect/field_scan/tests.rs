//! A field over which rules change, wherever that happens, has the hits that are promised: the old set's up to the
//! hand-over and over it, the new set's from there on.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use dlp_patterns::{Hit, Pack, RuleSet, ScanState};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::inspect::{FlowSteps, Objection, ReloadPolicy};
use crate::limits::{
    PACKET_STEPS_DEFAULT, RULE_SETS_RETIRED_MAX, RULES_FINISH_BYTES_MAX, RULES_FINISH_NS_MAX,
    RULES_OVERLAP_BYTES,
};

const WAY: Direction = Direction::ToServer;
const OVERLAP: usize = RULES_OVERLAP_BYTES as usize;

/// Rules of three sets: id, action, pattern, an example. Some are in two sets, one of them with another action.
type Written = (u32, &'static str, &'static str, &'static str);
const KEY: Written = (1, "drop", "key-[a-z]{2,6}[0-9]", "key-abc1");
const CARD: Written = (2, "alert", "card[0-9]{4,8}", "card1234");
const STRICT_CARD: Written = (2, "reset", "card[0-9]{4,8}", "card1234");
const WORD: Written = (3, "alert", r"\bnew-word\b", "new-word");
const LONG: Written = (4, "drop", "begin[a-z .]*end", "begin.end");
/// Without a window: it is looked for at every byte.
const TOKEN: Written = (5, "alert", "[^.-]{31}", "abcdefghijabcdefghijabcdefghijklm");
const SETS: [&[Written]; 3] = [&[KEY, CARD, LONG, TOKEN], &[KEY, STRICT_CARD, WORD], &[WORD, LONG, TOKEN]];

fn compile(written: &[Written]) -> Arc<RuleSet> {
    let mut text = "[pack]\nname = 'swap'\nversion = '1'\ndescription = 'rules that change'\n".to_owned();
    for (id, action, regex, example) in written {
        text += &format!(
            "[[rule]]\nid = {id}\nname = 'rule {id}'\naction = '{action}'\nseverity = 3\ncategory = 'test'\n\
             fields = ['payload']\nregex = '{regex}'\nmask = 'none'\n\
             examples = {{ positive = ['{example}'], negative = ['none'] }}\n"
        );
    }
    let pack = Pack::parse("swap", &text).expect("a pack");
    Arc::new(RuleSet::compile(&[pack]).expect("it compiles"))
}

fn sets() -> &'static [Arc<RuleSet>; 3] {
    static COMPILED: OnceLock<[Arc<RuleSet>; 3]> = OnceLock::new();
    COMPILED.get_or_init(|| SETS.map(compile))
}

/// What is told of a match: which set (by its place in `sets`), id of the rule, where it begins and ends.
type Told = (usize, u32, u64, u64);

/// A field in chunks, and the sets that come into force before some of them.
struct Bench {
    rules: RuleSets,
    scan: FieldScan,
    findings: Findings,
    /// Which of the sets is that of each epoch.
    by_epoch: Vec<usize>,
    now_ns: u64,
}

impl Bench {
    fn new(finish_bytes: u32) -> Bench {
        let rules = RuleSets::finishing(Arc::clone(&sets()[0]), finish_bytes);
        let scan = FieldScan::default();
        let findings = Findings::new(PACKET_STEPS_DEFAULT, FlowSteps::default());
        Bench { rules, scan, findings, by_epoch: vec![0], now_ns: 1 }
    }

    fn begin(&mut self) {
        self.scan.begin(&mut self.rules, WAY, Field::Payload);
    }

    /// Puts a set in force; how many scans lost theirs by that.
    fn swap(&mut self, set: usize) -> u64 {
        self.by_epoch.push(set);
        self.rules.swap(self.rules.epoch().next(), Arc::clone(&sets()[set]), self.now_ns)
    }

    fn data(&mut self, bytes: &[u8]) {
        self.scan.data(&mut self.rules, WAY, self.now_ns, bytes, &mut self.findings);
    }

    fn end(&mut self) {
        self.scan.end(&mut self.rules, WAY, &mut self.findings);
    }

    /// What was found since the last time.
    fn told(&mut self) -> Vec<Told> {
        let told = self.findings.listed().iter().map(|finding| {
            let set = self.by_epoch[finding.epoch.0 as usize - 1];
            (set, self.rules.rule(finding).id(), finding.hit.start, finding.hit.end)
        });
        let told = told.collect();
        self.findings.clear();
        self.rules.release_unused();
        told
    }
}

/// The hits of a set in a field from an offset on; where a later set takes over at `until`, up to the end of the overlap.
fn hits(set: usize, field: &[u8], from: usize, until: Option<usize>) -> Vec<Told> {
    let (rules, mut state, mut hits) = (&sets()[set], ScanState::default(), Vec::<Hit>::new());
    rules.begin(&mut state, Field::Payload, WAY);
    let (before, mut behind) = field[from..].split_at(until.unwrap_or(field.len()) - from);
    rules.scan(&mut state, before, &mut hits).expect("little work");
    while behind.len() >= OVERLAP {
        let (overlap, rest) = behind.split_at(OVERLAP);
        rules.scan(&mut state, overlap, &mut hits).expect("little work");
        if !rules.is_waiting(&state) {
            behind = b"";
            state = ScanState::default();
            break;
        }
        behind = rest;
    }
    rules.scan(&mut state, behind, &mut hits).expect("little work");
    rules.finish(&mut state, &mut hits);
    let from = from as u64;
    hits.iter().map(|hit| (set, rules.rule(hit.rule).id(), hit.start + from, hit.end + from)).collect()
}

/// From which byte on a field is read by which set; swaps are set and offset, in order.
fn hand_overs(swaps: &[(usize, usize)], finish_bytes: usize, field_bytes: usize) -> Vec<(usize, usize)> {
    let mut hand_overs = vec![(0, 0)];
    let mut waiting = swaps.iter().peekable();
    while let Some((set, offset)) = waiting.next() {
        let at = offset + finish_bytes;
        let mut last = *set;
        while let Some((set, _)) = waiting.next_if(|(_, offset)| *offset <= at) {
            last = *set;
        }
        if at < field_bytes {
            hand_overs.push((last, at));
        }
    }
    hand_overs
}

/// What is promised: each set's hits from the byte before its hand-over to the end of the overlap behind the next;
/// what a later set finds as well, with the same action, is told once.
fn promised(field: &[u8], hand_overs: &[(usize, usize)]) -> BTreeSet<Told> {
    let mut promised = BTreeSet::<Told>::new();
    let mut later: Option<usize> = None;
    for (set, at) in hand_overs.iter().rev() {
        let from = at.saturating_sub(1);
        let is_reading = later.is_none_or(|later| later > 0);
        let found = hits(*set, field, from, later);
        let fresh: Vec<Told> = found
            .into_iter()
            .filter(|(_, id, _, end)| {
                let action = |set: usize| SETS[set].iter().find(|rule| rule.0 == *id).map(|rule| rule.1);
                let is_same = |told: &Told| told.1 == *id && told.3 == *end && action(told.0) == action(*set);
                is_reading && *end > *at as u64 && !promised.iter().any(is_same)
            })
            .collect();
        promised.extend(fresh);
        later = Some(*at);
    }
    promised
}

fn field() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        "key-[a-z]{1,7}[0-9]?",
        "card[0-9]{3,9}",
        "x?new-word[. a-z]?",
        "begin[a-z .]{8,60}end",
        "begin",
        "end",
        "[ .a-z0-9]{0,30}",
        (1usize..700).prop_map(|bytes| ". ".repeat(bytes / 2)),
    ];
    vec(piece, 0..24).prop_map(|pieces| pieces.concat().into_bytes())
}

/// Runs a field in chunks, whose ends are at `cuts`; before the chunk of each index in `swaps` that set comes in.
fn run(
    field: &[u8],
    cuts: &BTreeSet<usize>,
    swaps: &[(usize, usize)],
    finish_bytes: u32,
) -> (BTreeSet<Told>, usize) {
    let mut bench = Bench::new(finish_bytes);
    bench.begin();
    let ends: Vec<usize> = cuts.iter().copied().chain([field.len()]).collect();
    let (mut at, mut told) = (0, Vec::new());
    for end in ends {
        for (set, _) in swaps.iter().filter(|(_, offset)| *offset == at) {
            assert_eq!(bench.swap(*set), 0, "few sets are kept");
        }
        if at < end {
            bench.data(&field[at..end]);
            told.extend(bench.told());
        }
        at = end;
    }
    bench.end();
    told.extend(bench.told());
    let count = told.len();
    let set: BTreeSet<Told> = told.into_iter().collect();
    assert_eq!(set.len(), count, "nothing is told twice");
    (set, bench.rules.retired())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_swap_anywhere_has_the_hits_that_are_promised(
        field in field(),
        cuts in vec(any::<prop::sample::Index>(), 0..12),
        swapped in vec((0usize..3, any::<prop::sample::Index>()), 0..4),
        finish_bytes in prop_oneof![Just(0u32), 1u32..40, 100u32..2000, Just(RULES_FINISH_BYTES_MAX)],
    ) {
        let place = |index: &prop::sample::Index| index.index(field.len() + 1);
        let mut swaps: Vec<(usize, usize)> =
            swapped.iter().map(|(set, at)| (*set, place(at))).filter(|(_, at)| *at < field.len()).collect();
        swaps.sort_by_key(|(_, at)| *at);
        let cuts: BTreeSet<usize> = cuts.iter().map(place).chain(swaps.iter().map(|(_, at)| *at)).collect();
        let (told, retired) = run(&field, &cuts, &swaps, finish_bytes);
        prop_assert_eq!(retired, 0, "a field that is over needs no set");
        let hand_overs = hand_overs(&swaps, finish_bytes as usize, field.len());
        prop_assert_eq!(&told, &promised(&field, &hand_overs));

        // And without a gap: what a set finds in the whole field is told, where it began under that set, unless the rule
        // was sooner, with another match.
        for (number, (set, from)) in hand_overs.iter().enumerate() {
            let until = hand_overs.get(number + 1).map_or(field.len(), |(_, at)| *at);
            for (_, id, start, end) in hits(*set, &field, 0, None) {
                if (*from as u64..until as u64).contains(&start) {
                    let is_told =
                        told.iter().any(|told| told.1 == id && (*from as u64 + 1..=end).contains(&told.3));
                    prop_assert!(is_told, "{id} at {start}..{end}, {hand_overs:?}: {told:?}");
                }
            }
        }
    }
}

#[test]
fn a_match_across_the_swap_is_the_old_sets() {
    for policy in [ReloadPolicy::Finish, ReloadPolicy::Restart] {
        let mut bench = Bench::new(policy.finish_bytes());
        bench.begin();
        bench.data(b"...key-a");
        bench.swap(2);
        bench.data(b"bc1...");
        assert_eq!(bench.told(), [(0, 1, 3, 11)], "{policy:?}: no set but the old one has this rule");
        bench.data(b"new-word.");
        let expected: &[Told] = if policy == ReloadPolicy::Finish { &[] } else { &[(2, 3, 14, 22)] };
        assert_eq!(bench.told(), expected, "{policy:?}");
        bench.end();
        bench.begin();
        bench.data(b"new-word.");
        assert_eq!(bench.told(), [(2, 3, 0, 8)], "{policy:?}: the next field is under the new set");
    }
}

#[test]
fn what_stands_before_the_hand_over_is_known() {
    let mut bench = Bench::new(0);
    bench.begin();
    bench.data(b"re");
    bench.swap(2);
    bench.data(b"new-word, new-word.");
    assert_eq!(bench.told(), [(2, 3, 12, 20)], "`renew-word` is another word");
}

#[test]
fn of_one_match_the_stricter_action_counts_and_both_are_told() {
    let mut bench = Bench::new(0);
    bench.begin();
    bench.data(b"abc1 ");
    bench.swap(1);
    bench.data(b"card1234.");
    assert_eq!(bench.findings.objections().as_slice(), [Objection::Rule(dlp_patterns::Action::Reset)]);
    assert_eq!(bench.told(), [(1, 2, 5, 13), (0, 2, 5, 13)]);
}

#[test]
fn of_two_matches_the_first_one_counts_whichever_set_it_is_of() {
    for (text, decides) in
        [("end card1234.", dlp_patterns::Action::Drop), ("card1234 end.", dlp_patterns::Action::Reset)]
    {
        let mut bench = Bench::new(0);
        bench.begin();
        bench.data(b"begin ");
        bench.swap(1);
        bench.data(text.replace("card1234", "and card1234").as_bytes());
        assert_eq!(bench.findings.objections().as_slice(), [Objection::Rule(decides)], "{text}");
    }
}

#[test]
fn the_old_set_stays_while_a_match_of_it_is_under_way() {
    let filler = vec![b'.'; 3 * OVERLAP];
    let mut bench = Bench::new(0);
    bench.begin();
    bench.data(b"begin");
    bench.swap(1);
    bench.data(&filler);
    assert_eq!((bench.told().len(), bench.rules.retired()), (0, 1));
    bench.data(b"end");
    assert_eq!(bench.told(), [(0, 4, 0, 5 + 3 * OVERLAP as u64 + 3)]);
    bench.data(&filler[..OVERLAP]);
    bench.told();
    assert_eq!(bench.rules.retired(), 0, "nothing is under way any more");
}

#[test]
fn a_field_that_never_ends_comes_under_the_new_rules() {
    let filler = vec![b'.'; RULES_FINISH_BYTES_MAX as usize];
    let mut bench = Bench::new(RULES_FINISH_BYTES_MAX);
    bench.begin();
    bench.data(b"begun ");
    bench.swap(2);
    bench.data(&filler[..filler.len() - 9]);
    bench.data(b"new-word.new-word.");
    assert_eq!(bench.told().len(), 1, "by bytes: the second one is behind the hand-over");
    bench.data(&filler[..OVERLAP]);
    bench.told();
    assert_eq!(bench.rules.retired(), 0, "the old set is let go behind the overlap");

    bench.swap(0);
    bench.now_ns += RULES_FINISH_NS_MAX - 1;
    bench.data(b"key-abc1.");
    assert_eq!(bench.told(), [], "before its time is over");
    bench.now_ns += 1;
    bench.data(b"key-abc1.");
    assert_eq!(bench.told().len(), 1, "by time");
}

#[test]
fn of_too_many_sets_the_oldest_goes_and_its_scans_begin_anew() {
    let mut bench = Bench::new(RULES_FINISH_BYTES_MAX);
    let mut silent = Vec::new();
    for _ in 0..RULE_SETS_RETIRED_MAX {
        let mut scan = FieldScan::default();
        scan.begin(&mut bench.rules, WAY, Field::Payload);
        scan.data(&mut bench.rules, WAY, 1, b"key-a", &mut bench.findings);
        silent.push(scan);
        assert_eq!(bench.swap(0), 0);
    }
    bench.begin();
    assert_eq!((bench.rules.retired(), bench.swap(1)), (RULE_SETS_RETIRED_MAX, 1));
    let tail: &[u8] = b"bc1 card1234.";
    let Bench { rules, findings, .. } = &mut bench;
    silent[0].data(rules, WAY, 1, tail, findings);
    assert_eq!(bench.told(), [(1, 2, 9, 17)], "it goes on under the set in force");
    let Bench { rules, findings, .. } = &mut bench;
    silent[1].data(rules, WAY, 1, tail, findings);
    assert_eq!(bench.told(), [(0, 1, 0, 8), (0, 2, 9, 17)], "the others finish");
    silent.iter_mut().for_each(|scan| scan.abandon(&mut bench.rules));
    bench.end();
    bench.told();
    assert_eq!(bench.rules.retired(), 0);
}

#[test]
fn rules_speak_of_a_field_until_no_open_field_needs_them() {
    let (mut rules, mut scan) =
        (RuleSets::finishing(Arc::clone(&sets()[0]), RULES_FINISH_BYTES_MAX), FieldScan::default());
    assert!(rules.speak_of(Field::Payload, WAY) && !rules.speak_of(Field::HttpUri, WAY));
    scan.begin(&mut rules, WAY, Field::Payload);
    let none = RuleSet::compile(&Vec::<Pack>::new()).expect("no pack compiles");
    rules.swap(rules.epoch().next(), Arc::new(none), 1);
    assert!(rules.speak_of(Field::Payload, WAY), "it is still read under the old ones");
    scan.abandon(&mut rules);
    rules.release_unused();
    assert!(!rules.speak_of(Field::Payload, WAY));
}

#[test]
fn a_field_that_no_rule_spoke_of_comes_under_new_ones_at_once() {
    let none = RuleSet::compile(&Vec::<Pack>::new()).expect("no pack compiles");
    let mut bench = Bench::new(RULES_FINISH_BYTES_MAX);
    bench.rules = RuleSets::finishing(Arc::new(none), RULES_FINISH_BYTES_MAX);
    let field = b"card1234 new-word new-word card1234 ";
    let (unread, read) = field.split_at("card1234 new".len());
    bench.begin();
    bench.data(unread);
    bench.swap(1);
    bench.data(read);
    bench.end();
    // Only one byte is known of what stood before.
    assert_eq!(bench.told(), hits(1, field, unread.len() - 1, None));
    assert_eq!(bench.rules.retired(), 0);
}
