//! Texts that are made to be slow.

/// What is repeated by hand: the beginnings of rules that overlap themselves, and what keeps a gap open.
const PIECES: [&str; 44] = [
    "../",
    "..\\",
    "..//",
    "./.",
    "..",
    "/etc/",
    "/etc/../",
    "%2e%2e%2f",
    "..%2f",
    "%252e%252e%252f",
    "%c0%ae%c0%ae/",
    "${",
    "${a",
    "${lower:",
    "${${",
    "${${::-",
    "${jndi",
    "$${",
    "%{",
    "${a:-",
    "%24%7b",
    "\\u0024\\u007b",
    "${%6a",
    "${\\u006a",
    "union ",
    "union/*",
    "union(",
    "union all select ",
    "/*!50000union ",
    "' or ",
    "'or(",
    "') or (",
    "1 or ",
    "1 and 1",
    "4111 ",
    "4111-",
    "4111111111111111 ",
    "0123456789",
    "AKIA",
    "-----BEGIN ",
    "DE89 3704 ",
    ";drop ",
    "from ",
    "=file:/",
];

/// Each text is this long: longer than a match may be, so that candidates have piled up as far as they can.
const TEXT_BYTES: usize = 1536;

/// Random texts, each strung together out of the beginnings of examples.
const RANDOM_TEXTS: usize = 64;

/// Texts with what they are called: each piece, and each beginning of each example, again and again; each pair of
/// pieces; and random strings of beginnings.
pub(crate) fn texts<'e>(examples: impl Iterator<Item = &'e str>) -> Vec<(String, Vec<u8>)> {
    let mut beginnings = Vec::new();
    for example in examples {
        let ends = (2..=example.len()).filter(|&end| end <= 48 || end == example.len());
        beginnings.extend(ends.filter_map(|end| example.get(..end)).map(str::to_owned));
    }
    beginnings.sort_unstable();
    beginnings.dedup();
    let pairs = PIECES.iter().flat_map(|a| PIECES.iter().map(move |b| format!("{a}{b}")));
    let repeated =
        PIECES.iter().map(|piece| (*piece).to_owned()).chain(beginnings.iter().cloned()).chain(pairs);
    let mut texts: Vec<_> =
        repeated.map(|piece| (piece.clone(), fill(std::iter::repeat(piece.as_str())))).collect();
    let mut random = 1u64;
    for number in 0..RANDOM_TEXTS {
        let pieces = std::iter::repeat_with(|| beginnings[draw(&mut random, beginnings.len())].as_str());
        texts.push((format!("random {number}"), fill(pieces)));
    }
    texts
}

fn fill<'p>(pieces: impl Iterator<Item = &'p str>) -> Vec<u8> {
    pieces.flat_map(str::bytes).take(TEXT_BYTES).collect()
}

/// Xorshift: a random number below `bound`.
fn draw(random: &mut u64, bound: usize) -> usize {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    usize::try_from(*random >> 33).expect("31 bits") % bound
}
