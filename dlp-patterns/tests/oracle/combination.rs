//! Whether matches make a hit, by the book: from each place at which a combination may begin, over all matches.

use dlp_patterns::{Part, Role, Signature};

use super::Match;

/// Whether the parts of `all` and `any` are fulfilled by some of the matches, near enough and in order.
pub(super) fn holds(signature: &Signature, matches: &[Match]) -> bool {
    let begins = matches.iter().map(|found| found.start);
    begins.into_iter().any(|begin| holds_from(signature, matches, begin))
}

/// Whether some combination begins at that place or later, and isn't farther from it than it may be.
fn holds_from(signature: &Signature, matches: &[Match], begin: usize) -> bool {
    let within = signature.within_bytes().map_or(usize::MAX, |bytes| usize::try_from(bytes).expect("small"));
    let end = begin.saturating_add(within);
    let parts =
        |role: Role| signature.parts().iter().enumerate().filter(move |(_, part)| part.role() == role);
    let mut all_end = begin;
    let has_all = parts(Role::All).all(|part| {
        let from = if signature.is_in_order() { all_end } else { begin };
        let fulfilled = fulfilled_at(part, matches, from).filter(|fulfilled| *fulfilled <= end);
        all_end = fulfilled.unwrap_or(from);
        fulfilled.is_some()
    });
    let is_any = |part| fulfilled_at(part, matches, begin).is_some_and(|any_end| any_end <= end);
    has_all && (parts(Role::Any).next().is_none() || parts(Role::Any).any(is_any))
}

/// Where the last of as many matches ends as the part asks for, if all begin at a place or later.
fn fulfilled_at((at, part): (usize, &Part), matches: &[Match], from: usize) -> Option<usize> {
    let mut ends: Vec<usize> = matches
        .iter()
        .filter(|found| found.part == at && found.start >= from)
        .map(|found| found.end)
        .collect();
    ends.sort_unstable();
    ends.get(part.count() as usize - 1).copied()
}
