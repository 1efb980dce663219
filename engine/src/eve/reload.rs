//! What became of a reload of the packs, as the body of a `ruleset_reload` event.

use serde::Serialize;

use crate::limits::RELOAD_MISTAKES_TOLD_MAX;

/// What became of a request to load the packs anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reload {
    /// The rules that are in force now, by their number since the start.
    pub epoch: u32,
    /// Packs that were loaded; 0 where they could not be.
    pub packs: usize,
    /// Rules that are in force now.
    pub rules: usize,
    /// How long it took to read and compile, in ms.
    pub ms: u64,
    /// Whether the folder of compiled sets had it, in a word; `None` without such a folder, or where the old rules stay.
    pub cache: Option<&'static str>,
    /// Why the old rules stay in force; none where new ones are.
    pub mistakes: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct ReloadBody<'e> {
    result: &'static str,
    epoch: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    packs: Option<usize>,
    rules: usize,
    ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache: Option<&'static str>,
    /// All that were found, of which the first are told.
    #[serde(skip_serializing_if = "Option::is_none")]
    mistakes_total: Option<usize>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    mistakes: &'e [String],
}

impl ReloadBody<'_> {
    pub(super) fn new(reload: &Reload) -> ReloadBody<'_> {
        let Reload { epoch, packs, rules, ms, cache, mistakes } = reload;
        let failed = !mistakes.is_empty();
        ReloadBody {
            result: if failed { "failed" } else { "ok" },
            epoch: *epoch,
            packs: (!failed).then_some(*packs),
            rules: *rules,
            ms: *ms,
            cache: *cache,
            mistakes_total: failed.then_some(mistakes.len()),
            mistakes: mistakes.get(..RELOAD_MISTAKES_TOLD_MAX).unwrap_or(mistakes),
        }
    }
}
