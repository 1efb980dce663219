use super::*;
use crate::byte_set::ByteSet;
use crate::limits::WINDOW_BYTES;

/// Windows of literals in any case, and of sets where a byte is `#` (a digit) or `*` (a letter).
fn windows(texts: &[&str]) -> Vec<Window> {
    let set = |byte: u8| match byte {
        b'#' => ByteSet::from_fn(|byte| byte.is_ascii_digit()),
        b'*' => ByteSet::from_fn(|byte| byte.is_ascii_alphabetic()),
        byte => ByteSet::from_fn(|other| other.eq_ignore_ascii_case(&byte)),
    };
    let window = |text: &&str| {
        let sets: Vec<ByteSet> = text.bytes().map(set).collect();
        Window::new(&sets, 0)
    };
    texts.iter().map(window).collect()
}

fn looked(sieve: &Sieve, text: &[u8]) -> Vec<(usize, WindowId)> {
    let mut found = Vec::new();
    let mut room = Room::new();
    for from in (0..text.len()).step_by(STRIPE_BYTES) {
        let places = (text.len() - from).min(STRIPE_BYTES);
        let shown = &text[from..text.len().min(from + room.bytes.len())];
        room.bytes.fill(b'\n');
        room.bytes[..shown.len()].copy_from_slice(shown);
        sieve.look(&mut room, places, |window, place| found.push((from + place, window)));
    }
    found.sort_unstable();
    found
}

/// Every place at which a window is; the sieve may tell more.
fn there(windows: &[Window], text: &[u8]) -> Vec<(usize, WindowId)> {
    let mut bytes = text.to_vec();
    bytes.resize(text.len() + WINDOW_BYTES, b'\n');
    let is_there = |place: usize, window: &Window| {
        window.sets.iter().zip(&bytes[place..]).all(|(set, byte)| set.contains(*byte))
    };
    (0..text.len())
        .flat_map(|place| {
            (0..)
                .zip(windows)
                .filter(move |(_, window)| is_there(place, window))
                .map(move |(id, _)| (place, id))
        })
        .collect()
}

/// A text of words of few letters, so that windows are often there and more often nearly.
fn text(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed;
    let mut draw = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as usize
    };
    (0..len).map(|_| b"abcABC12. "[draw() % 10]).collect()
}

fn check(windows: &[Window], texts: impl Iterator<Item = Vec<u8>>) {
    let frequency = Frequency::of_traffic();
    let texts: Vec<Vec<u8>> = texts.collect();
    for tier in Tier::available() {
        let sieve = Sieve::new(windows, tier, &frequency);
        for text in &texts {
            let (looked, there) = (looked(&sieve, text), there(windows, text));
            let missed = there.iter().find(|found| looked.binary_search(found).is_err());
            assert_eq!(missed, None, "{tier:?} in {}", text.escape_ascii());
            let is_twice = looked.windows(2).any(|pair| pair[0] == pair[1]);
            assert!(!is_twice, "{tier:?} tells a window twice");
            let spurious = looked.len() - there.len();
            assert!(spurious <= there.len() + text.len() / 8, "{spurious} of {} are not there", looked.len());
        }
    }
}

#[test]
fn no_window_is_missed_however_few_they_are() {
    let few = windows(&["abc", "ab", "cab1", "aabbccab", "12", "c. a"]);
    check(&few, (1..40).map(|seed| text(seed, 37 * seed as usize)));
    let wide = windows(&["***#", "####", ".###", "*.*.*.", "**********"]);
    check(&wide, (1..40).map(|seed| text(seed, 41 * seed as usize)));
    let mixed = windows(&["abc", "ca#", "****1111", "##.##", "bb ca"]);
    check(&mixed, (1..40).map(|seed| text(seed, 29 * seed as usize)));
}

#[test]
fn no_window_is_missed_however_many_they_are() {
    let mut words: Vec<String> = Vec::new();
    let mut state = 1_u64;
    while words.len() < 3 * BUCKET_WINDOWS_MAX {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let len = 3 + words.len() % 8;
        let word: String =
            (0..len).map(|at| char::from(b"abc12"[(state >> (8 + 5 * at)) as usize % 5])).collect();
        if !words.contains(&word) || len < 5 {
            words.push(word);
        }
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    check(&windows(&words), (1..12).map(|seed| text(seed, 211 * seed as usize)));
}
