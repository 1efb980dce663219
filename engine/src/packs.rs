//! Which signature packs are in force, read from where the operator keeps them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use dlp_patterns::{Pack, Report, RuleSet, check_examples, default_packs};

use crate::config::PacksConfig;
use crate::failure::Failure;

/// The packs that could be read, and the mistakes in the others. Nothing is hidden behind a mistake: the packs that
/// can be read are compiled all the same, to find theirs.
#[derive(Debug, Default)]
pub struct Packs {
    packs: Vec<Pack>,
    mistakes: Vec<String>,
}

impl Packs {
    /// Reads all packs that `config` names, those of a folder in the order of their file names.
    pub fn read(config: &PacksConfig) -> Packs {
        let packs = if config.default { default_packs() } else { Vec::new() };
        let mut found = Packs { packs, mistakes: Vec::new() };
        for dir in &config.dirs {
            match files(dir) {
                Ok(files) if files.is_empty() => {
                    let told = format!("{}: no pack (*.toml) in it", dir.display());
                    found.mistakes.push(told);
                }
                Ok(files) => files.iter().for_each(|file| found.take(file)),
                Err(error) => found.mistakes.push(Failure::unusable(dir, &error)),
            }
        }
        found
    }

    /// How many could be read.
    pub fn count(&self) -> usize {
        self.packs.len()
    }

    /// One rule set out of all packs.
    ///
    /// # Errors
    /// Every mistake: of reading, and those that only show when rules are compiled and put side by side.
    pub fn compile(self) -> Result<RuleSet, Failure> {
        let mut mistakes = self.mistakes;
        match RuleSet::compile(&self.packs) {
            Ok(rules) if mistakes.is_empty() => return Ok(rules),
            Ok(_) => {}
            Err(found) => mistakes.extend(found.iter().map(ToString::to_string)),
        }
        Err(Failure::Mistakes(mistakes))
    }

    /// Runs every rule against its own examples.
    ///
    /// # Errors
    /// As [`compile`](Packs::compile).
    pub fn check_examples(self) -> Result<Report, Failure> {
        let report = check_examples(&self.packs);
        let mut mistakes = self.mistakes;
        mistakes.extend(report.mistakes.iter().map(ToString::to_string));
        if mistakes.is_empty() { Ok(report) } else { Err(Failure::Mistakes(mistakes)) }
    }

    fn take(&mut self, file: &Path) {
        match fs::read_to_string(file) {
            Ok(text) => match Pack::parse(&file.display().to_string(), &text) {
                Ok(pack) => self.packs.push(pack),
                Err(found) => self.mistakes.extend(found.iter().map(ToString::to_string)),
            },
            Err(error) => self.mistakes.push(Failure::unusable(file, &error)),
        }
    }
}

fn files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(dir)?.collect::<io::Result<Vec<_>>>()?;
    let mut files: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    Ok(files)
}
