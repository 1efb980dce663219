//! `weir check`

use super::{CheckArgs, print, read_config};
use crate::config::Config;
use crate::failure::Failure;
use crate::packs;

/// Reports the mistakes of the config, of every pack and of their rules side by side, all at once.
pub(super) fn check(args: &CheckArgs) -> Result<(), Failure> {
    let config = read_config(args.config.as_ref());
    let packs_config = args.packs.or(config.as_ref().unwrap_or(&Config::default()));
    let rules = packs::load(&packs_config).and_then(|packs| Ok((packs.len(), packs::compile(&packs)?)));
    match (config, rules) {
        (Ok(config), Ok((packs, rules))) => {
            print(&format!("ok: {} links, {packs} packs, {} rules", config.links.len(), rules.rules().len()))
        }
        (Err(Failure::Mistakes(mut mistakes)), Err(Failure::Mistakes(more))) => {
            mistakes.extend(more);
            Err(Failure::Mistakes(mistakes))
        }
        (Err(failure), _) | (_, Err(failure)) => Err(failure),
    }
}
