//! `weir check`

use super::{CheckArgs, print};
use crate::config::Config;
use crate::count::Count;
use crate::failure::Failure;
use crate::packs::Packs;
use crate::run;

/// Reports the mistakes of the config, of every pack and of their rules side by side, all at once. What passes, `weir
/// run` accepts.
pub(super) fn check(args: &CheckArgs) -> Result<(), Failure> {
    let (config, mut mistakes) = match &args.config {
        Some(path) => {
            let (config, mut mistakes) = Config::examine(path);
            if mistakes.is_empty() {
                mistakes.extend(run::without_link(path, &config));
            }
            (config, mistakes)
        }
        None => (Config::default(), Vec::new()),
    };
    let packs = Packs::read(&args.packs.or(&config));
    let count = packs.count();
    match packs.compile() {
        Ok(rules) if mistakes.is_empty() => {
            let links = Count(config.links.len(), "link");
            let (packs, rules) = (Count(count, "pack"), Count(rules.rules().len(), "rule"));
            print(&format!("ok: {links}, {packs}, {rules}"))
        }
        Ok(_) => Err(Failure::Mistakes(mistakes)),
        Err(Failure::Mistakes(more)) => {
            mistakes.extend(more);
            Err(Failure::Mistakes(mistakes))
        }
        Err(failure) => Err(failure),
    }
}
