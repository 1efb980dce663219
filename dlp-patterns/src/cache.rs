//! Compiled sets on disk, so that packs which were compiled before don't have to be compiled again.

use std::io;
use std::path::PathBuf;

use crate::document::Mistake;
use crate::simd::Tier;
use crate::{Pack, RuleSet};

mod file;
mod key;
#[allow(unsafe_code, reason = "a file can be mapped only on the word that nobody writes to it")]
mod mapped_file;
mod store;
pub(crate) mod table;

use key::Key;
use mapped_file::MappedFile;
use store::Store;

/// A folder of compiled sets. It is made when there is something to put into it.
///
/// Whatever is wrong with it, a set is compiled that is right; the outcome says what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheDir(PathBuf);

/// Whether a folder had a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// It had.
    Hit,
    /// It had none of these rules and this tier.
    Miss,
    /// It had one that other code compiled.
    Stale,
    /// It had one that must not be used, for that reason: this user can't read it, or others could have written it.
    Refused(String),
    /// It had one that can't be used, for that reason.
    Damaged(String),
}

impl Lookup {
    /// The name that logs and events use.
    pub fn as_str(&self) -> &'static str {
        match self {
            Lookup::Hit => "hit",
            Lookup::Miss => "miss",
            Lookup::Stale => "stale",
            Lookup::Refused(_) => "refused",
            Lookup::Damaged(_) => "damaged",
        }
    }
}

/// What a folder was good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheOutcome {
    /// Whether it had the set.
    pub lookup: Lookup,
    /// The file that the set is in now; `None` if it couldn't be put there.
    pub file: Option<PathBuf>,
    /// Its size, in bytes; 0 without a file.
    pub file_bytes: u64,
    /// Why the set couldn't be put there; it was compiled and is used all the same.
    pub unwritable: Option<String>,
}

impl CacheDir {
    /// The folder at a path, whether it is there or not.
    pub fn new(path: impl Into<PathBuf>) -> CacheDir {
        CacheDir(path.into())
    }

    /// Reads a set; why that can't be, if not.
    fn load(&self, packs: &[Pack], tier: Tier, key: &Key) -> Result<(RuleSet, u64), Lookup> {
        let unusable = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => Lookup::Miss,
            io::ErrorKind::PermissionDenied => Lookup::Refused(error.to_string()),
            _ => Lookup::Damaged(error.to_string()),
        };
        let file = Store::new(&self.0).open(&key.to_string()).map_err(unusable)?;
        let map = MappedFile::new(&file).map_err(unusable)?;
        let body = file::decode(key, &map)?;
        let rules = RuleSet::decode(packs, tier, body)
            .ok_or_else(|| Lookup::Damaged("it holds no set of these rules".to_owned()))?;
        Ok((rules, map.len() as u64))
    }

    fn put(&self, key: &Key, rules: &RuleSet, lookup: Lookup) -> CacheOutcome {
        let file = file::encode(key, &rules.encode());
        let store = Store::new(&self.0);
        let name = key.to_string();
        match store.put(&name, &file) {
            Ok(()) => CacheOutcome {
                lookup,
                file: Some(store.path(&name)),
                file_bytes: file.len() as u64,
                unwritable: None,
            },
            Err(error) => {
                let unwritable = Some(format!("{}: {error}", self.0.display()));
                CacheOutcome { lookup, file: None, file_bytes: 0, unwritable }
            }
        }
    }
}

impl RuleSet {
    /// As [`compile`](RuleSet::compile), but for a set that is in the folder already; else it is put there.
    ///
    /// # Errors
    /// As [`compile`](RuleSet::compile), and never because of the folder.
    pub fn compile_cached(packs: &[Pack], cache: &CacheDir) -> Result<(RuleSet, CacheOutcome), Vec<Mistake>> {
        RuleSet::compile_cached_for(packs, Tier::best(), cache)
    }

    /// As [`compile_cached`](RuleSet::compile_cached), for a family of vector instructions.
    ///
    /// # Errors
    /// As [`compile_cached`](RuleSet::compile_cached).
    ///
    /// # Panics
    /// If the machine lacks the tier.
    pub fn compile_cached_for(
        packs: &[Pack],
        tier: Tier,
        cache: &CacheDir,
    ) -> Result<(RuleSet, CacheOutcome), Vec<Mistake>> {
        assert!(Tier::available().any(|available| available == tier), "the machine lacks {}", tier.as_str());
        let key = Key::new(packs, tier);
        match cache.load(packs, tier, &key) {
            Ok((rules, file_bytes)) => {
                let file = Some(Store::new(&cache.0).path(&key.to_string()));
                Ok((rules, CacheOutcome { lookup: Lookup::Hit, file, file_bytes, unwritable: None }))
            }
            Err(lookup) => {
                let rules = RuleSet::compile_for(packs, tier)?;
                let outcome = cache.put(&key, &rules, lookup);
                Ok((rules, outcome))
            }
        }
    }
}

#[cfg(test)]
mod tests;
