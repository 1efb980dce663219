//! Which signature packs are in force, read from where the operator keeps them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use dlp_patterns::{Pack, RuleSet, default_packs};

use crate::config::PacksConfig;
use crate::failure::Failure;

/// All packs that `config` names, those of a folder in the order of their file names.
///
/// # Errors
/// Every mistake of every file.
pub fn load(config: &PacksConfig) -> Result<Vec<Pack>, Failure> {
    let mut packs = if config.default { default_packs() } else { Vec::new() };
    let mut mistakes = Vec::new();
    for dir in &config.dirs {
        match files(dir) {
            Ok(files) if files.is_empty() => {
                mistakes.push(format!("{}: no pack (*.toml) in it", dir.display()));
            }
            Ok(files) => files.iter().for_each(|file| read(file, &mut packs, &mut mistakes)),
            Err(error) => mistakes.push(format!("{}: {error}", dir.display())),
        }
    }
    if mistakes.is_empty() { Ok(packs) } else { Err(Failure::Mistakes(mistakes)) }
}

/// One rule set out of all packs.
///
/// # Errors
/// Every mistake that only shows when rules are compiled and put side by side.
pub fn compile(packs: &[Pack]) -> Result<RuleSet, Failure> {
    RuleSet::compile(packs).map_err(|mistakes| Failure::mistakes(&mistakes))
}

fn files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(dir)?.collect::<io::Result<Vec<_>>>()?;
    let mut files: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    Ok(files)
}

fn read(file: &Path, packs: &mut Vec<Pack>, mistakes: &mut Vec<String>) {
    let name = file.display().to_string();
    match fs::read_to_string(file) {
        Ok(text) => match Pack::parse(&name, &text) {
            Ok(pack) => packs.push(pack),
            Err(found) => mistakes.extend(found.iter().map(ToString::to_string)),
        },
        Err(error) => mistakes.push(format!("{name}: {error}")),
    }
}
