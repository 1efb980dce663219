//! Where a key that stands twice in one table stood first.

use std::ops::Range;

use toml::de::DeTable;

/// What the TOML reader says of a key that its table has already.
pub(super) const MESSAGE: &str = "duplicate key";

/// The offset at which the key at `again` stands in its table before; `None` where it is written in another way there.
///
/// Which table a key is in is the reader's to say, and it does not tell: so what looks like the key is given other names, from
/// `again` backwards, until the reader finds nothing wrong with it any more.
pub(super) fn first_of(text: &str, again: &Range<usize>) -> Option<usize> {
    let (key, before) = (text.get(again.clone())?, text.get(..again.start)?);
    let places: Vec<usize> = before.rmatch_indices(key).map(|(at, _)| at).collect();
    let is_wrong_without = |renamed: usize| {
        let mut other = text.to_owned();
        for &at in &places[..renamed] {
            other.replace_range(at..at + key.len(), &"_".repeat(key.len()));
        }
        let (_, errors) = DeTable::parse_recoverable(&other);
        errors.iter().any(|error| error.message() == MESSAGE && error.span().as_ref() == Some(again))
    };
    // The more of them have other names, the less is wrong with the key.
    let counts: Vec<usize> = (0..places.len()).collect();
    let first = counts.partition_point(|&count| is_wrong_without(count + 1));
    places.get(first).copied()
}
