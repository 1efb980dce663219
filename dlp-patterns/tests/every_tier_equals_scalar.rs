//! Whatever vector instructions a machine has, a scan reports what it reports without them.

mod random;

use dlp_patterns::{Direction, Field, Hit, Pack, RuleSet, ScanState, Tier, default_packs};
use random::draw;

/// Bytes of the chunks that texts are cut into: one byte, and about a vector, a block and a stripe.
const CHUNK_BYTES: [usize; 5] = [1, 33, 64, 577, usize::MAX];
/// An emulated machine has time for no more.
const TEXTS: usize = 4;

fn nasty_pack() -> Pack {
    Pack::parse("nasty.toml", include_str!("nasty.toml")).expect("it is right")
}

/// All examples in random order with random bytes between them, several times over; in every other text one byte of each
/// example has its upper bit, or the bit of its case, turned round. So windows begin at every place of a vector, and are
/// nearly there.
fn texts(packs: &[Pack]) -> Vec<Vec<u8>> {
    let signatures = || packs.iter().flat_map(Pack::signatures);
    let examples: Vec<&String> =
        signatures().flat_map(|signature| signature.positive().iter().chain(signature.negative())).collect();
    let mut random = 1;
    (0..TEXTS)
        .map(|number| {
            let mut text = Vec::new();
            for _ in 0..examples.len() {
                let mut example = examples[draw(&mut random, examples.len())].clone().into_bytes();
                if number % 2 == 1 && !example.is_empty() {
                    let at = draw(&mut random, example.len());
                    example[at] ^= [0x80, 0x20][draw(&mut random, 2)];
                }
                text.extend(example);
                let noise = draw(&mut random, 40);
                text.extend((0..noise).map(|_| draw(&mut random, 256).to_le_bytes()[0]));
            }
            text
        })
        .collect()
}

/// The hits of texts, each a field of its own, when the text is cut into chunks of so many bytes.
fn hits(rules: &RuleSet, field: Field, direction: Direction, texts: &[Vec<u8>], bytes: usize) -> Vec<Hit> {
    let (mut state, mut hits) = (ScanState::default(), Vec::new());
    for text in texts {
        rules.begin(&mut state, field, direction);
        for chunk in text.chunks(bytes) {
            rules.scan(&mut state, chunk, &mut hits).expect("these texts are harmless");
        }
        rules.finish(&mut state, &mut hits);
    }
    hits
}

fn check(packs: &[Pack]) {
    let texts = texts(packs);
    let mut expected: Vec<(Field, Direction, Vec<Hit>)> = Vec::new();
    for tier in Tier::available() {
        let rules = RuleSet::compile_for(packs, tier).expect("they are right");
        if tier == Tier::Scalar {
            let contexts = Field::ALL.into_iter().flat_map(|field| Direction::BOTH.map(|way| (field, way)));
            let looked_into = contexts.filter(|(field, way)| rules.has_rules(*field, *way));
            expected = looked_into
                .map(|(field, way)| (field, way, hits(&rules, field, way, &texts, usize::MAX)))
                .collect();
            assert!(expected.iter().all(|(_, _, hits)| !hits.is_empty()), "examples are hit");
        }
        assert!(!expected.is_empty(), "the scalar tier comes first");
        for (field, way, expected) in &expected {
            for bytes in CHUNK_BYTES {
                let found = hits(&rules, *field, *way, &texts, bytes);
                assert_eq!(&found, expected, "{} on {field:?} {way:?} by {bytes} bytes", tier.as_str());
            }
        }
        // Whoever runs this for the sake of a tier wants to know that it was there.
        println!("tier {}: scans are equal", tier.as_str());
    }
}

#[test]
fn on_the_default_packs_together() {
    check(&default_packs());
}

/// Those that are compiled soon enough on an emulated machine too.
#[test]
fn on_small_default_packs() {
    let is_small = |pack: &Pack| ["cards", "keys", "traversal"].contains(&pack.name());
    let small: Vec<Pack> = default_packs().into_iter().filter(is_small).collect();
    assert_eq!(small.len(), 3, "the default packs have these names");
    small.into_iter().for_each(|pack| check(&[pack]));
}

#[test]
fn on_a_nasty_pack() {
    check(&[nasty_pack()]);
}

/// So many that their windows are found by grams instead of buckets.
#[test]
fn on_many_literals() {
    let mut random = 7;
    let mut literal = || (0..6).map(|_| char::from(b"aBcdE1"[draw(&mut random, 6)])).collect::<String>();
    let rules: String = (1..=600)
        .map(|id| {
            let literal = literal();
            format!(
                "[[rule]]\nid = {id}\nname = 'n'\naction = 'alert'\nseverity = 1\ncategory = 'c'\nmask = 'none'\n\
                 fields = ['payload']\nliterals = ['{literal}']\n\
                 examples = {{ positive = ['{literal}'], negative = ['x'] }}\n"
            )
        })
        .collect();
    let text = format!("[pack]\nname = 'p'\nversion = '1'\ndescription = 'd'\n{rules}");
    check(&[Pack::parse("p.toml", &text).expect("it is right")]);
}
