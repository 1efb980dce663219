//! `weir check`

use super::{CheckArgs, print};
use crate::config::Config;
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
            let links = config.links.len();
            print(&format!("ok: {links} links, {count} packs, {} rules", rules.rules().len()))
        }
        Ok(_) => Err(Failure::Mistakes(mistakes)),
        Err(Failure::Mistakes(more)) => {
            mistakes.extend(more);
            Err(Failure::Mistakes(mistakes))
        }
        Err(failure) => Err(failure),
    }
}
