//! Which signature packs are in force, read from where the operator keeps them.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::ptr;

use dlp_patterns::document::{Mistake, Place};
use dlp_patterns::{CacheDir, CacheOutcome, Lookup, Pack, Report, RuleSet, check_examples, default_packs};

use crate::config::{PackDir, PacksConfig};
use crate::failure::Failure;

/// The rules that could be read, and the mistakes in the others. Nothing is hidden behind a mistake: the rules that
/// can be read are compiled all the same, to find theirs.
#[derive(Debug, Default)]
pub struct Packs {
    packs: Vec<Pack>,
    mistakes: Vec<String>,
    cache: Option<CacheDir>,
}

impl Packs {
    /// Reads all packs that `config` names, those of a folder in the order of their file names.
    pub fn read(config: &PacksConfig) -> Packs {
        let packs = if config.default { default_packs() } else { Vec::new() };
        let built_in = packs.len();
        let mut found =
            Packs { packs, mistakes: Vec::new(), cache: config.cache.as_ref().map(CacheDir::new) };
        let mut folders = BTreeMap::new();
        for dir in &config.dirs {
            // One that isn't there is told of when it is read.
            let first = fs::canonicalize(&dir.path).ok().map(|folder| *folders.entry(folder).or_insert(dir));
            match first.filter(|first| !ptr::eq(*first, dir)) {
                Some(first) => found.mistakes.push(named_twice(dir, first)),
                None => found.take_dir(dir),
            }
        }
        let repeated = repeated_names(&found.packs, built_in);
        found.mistakes.extend(repeated.iter().map(ToString::to_string));
        found
    }

    /// How many packs there are, those with mistakes included.
    pub fn count(&self) -> usize {
        self.packs.len()
    }

    /// One rule set out of all packs.
    ///
    /// # Errors
    /// Every mistake: of reading, and those that only show when rules are compiled and put side by side.
    pub fn compile(self) -> Result<RuleSet, Failure> {
        let compiled = RuleSet::compile(&self.packs);
        self.unless_mistaken(compiled)
    }

    /// As [`compile`](Packs::compile), by way of the folder of compiled sets if the config names one; the outcome of that
    /// was logged if it has to be seen to.
    ///
    /// # Errors
    /// As [`compile`](Packs::compile), and never because of the folder.
    pub fn compile_cached(self) -> Result<(RuleSet, Option<CacheOutcome>), Failure> {
        // Rules that aren't all are no set to keep.
        let Some(cache) = self.cache.as_ref().filter(|_| self.mistakes.is_empty()) else {
            return Ok((self.compile()?, None));
        };
        let compiled = RuleSet::compile_cached(&self.packs, cache);
        let (rules, outcome) = self.unless_mistaken(compiled)?;
        if let Lookup::Damaged(reason) | Lookup::Refused(reason) = &outcome.lookup {
            tracing::warn!(%reason, "a compiled rule set could not be used; it was compiled anew");
        }
        if let Some(reason) = &outcome.unwritable {
            tracing::warn!(%reason, "the compiled rule set could not be kept");
        }
        Ok((rules, Some(outcome)))
    }

    fn unless_mistaken<T>(self, compiled: Result<T, Vec<Mistake>>) -> Result<T, Failure> {
        let mut mistakes = self.mistakes;
        match compiled {
            Ok(compiled) if mistakes.is_empty() => return Ok(compiled),
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

    fn take_dir(&mut self, dir: &PackDir) {
        let PackDir { path, place } = dir;
        let told = match files(path) {
            Ok(files) if files.is_empty() => {
                let hint = "a pack is a file *.toml; is the path right?";
                format!("{}: no pack (*.toml) in it\n  hint: {hint}", path.display())
            }
            Ok(files) => return files.iter().for_each(|file| self.take(file)),
            Err(error) => Failure::unusable(path, &error),
        };
        self.mistakes.push(format!("{}{told}", at(place.as_ref())));
    }

    fn take(&mut self, file: &Path) {
        match fs::read_to_string(file) {
            Ok(text) => {
                let (pack, found) = Pack::parse_partial(&file.display().to_string(), &text);
                self.packs.push(pack);
                self.mistakes.extend(found.iter().map(ToString::to_string));
            }
            Err(error) => self.mistakes.push(Failure::unusable(file, &error)),
        }
    }
}

/// Where the operator named it, in front of what is told of it.
fn at(place: Option<&Place>) -> String {
    place.map(|Place { file, line, column }| format!("{file}:{line}:{column}: ")).unwrap_or_default()
}

/// Its packs are read once: what they would tell again is no mistake of theirs.
fn named_twice(dir: &PackDir, first: &PackDir) -> String {
    let hint = match &first.place {
        Some(Place { file, line, column }) => format!("{file}:{line}:{column} has it already"),
        None => "once is enough".to_owned(),
    };
    format!(
        "{}{}: this folder of packs is named twice\n  hint: {hint}",
        at(dir.place.as_ref()),
        dir.path.display()
    )
}

/// Events tell packs by their names. Those without one are mistakes already; the first packs are built in.
fn repeated_names(packs: &[Pack], built_in: usize) -> Vec<Mistake> {
    let mut first = BTreeMap::new();
    let mut mistakes = Vec::new();
    for (index, pack) in packs.iter().enumerate().filter(|(_, pack)| !pack.name().is_empty()) {
        let (owner, Place { file, line, column }) =
            *first.entry(pack.name()).or_insert((index, pack.place()));
        if owner == index {
            continue;
        }
        let again = pack.place();
        let hint = if owner < built_in {
            format!("a built-in one ({file}) has it already; `default = false` leaves those out")
        } else {
            format!("{file}:{line}:{column} has it already")
        };
        mistakes.push(again.mistake(format!("another pack is named `{}`", pack.name()), Some(hint)));
    }
    mistakes
}

fn files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(dir)?.collect::<io::Result<Vec<_>>>()?;
    let mut files: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    Ok(files)
}
