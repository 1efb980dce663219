//! `[tcp]`: what becomes of segments that receivers may read in two ways.

use dataplane::policy::{Overlap, TcpPolicy, Urgent};
use dlp_patterns::document::Table;

pub(super) fn read(root: &Table<'_>) -> TcpPolicy {
    let Some(table) = root.optional("tcp").table() else { return TcpPolicy::default() };
    let overlaps = [("rewrite", Overlap::Rewrite), ("drop", Overlap::Drop)];
    let urgent = [("inline", Urgent::Inline), ("drop", Urgent::Drop)];
    TcpPolicy {
        overlap: table.optional("overlap").one_of(&overlaps).unwrap_or_default(),
        urgent: table.optional("urgent").one_of(&urgent).unwrap_or_default(),
    }
}
