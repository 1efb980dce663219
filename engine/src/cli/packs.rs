//! `weir packs test`, `weir packs list` and `weir packs compile`

use std::fmt;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, anyhow};
use dlp_patterns::{Direction, Field, Rule};
use serde::Serialize;

use super::{Output, PacksCompileArgs, PacksListArgs, PacksTestArgs, print, read_config};
use crate::count::Count;
use crate::failure::Failure;
use crate::packs::Packs;
use crate::table::Table;

/// A rule as the list shows it.
#[derive(Serialize)]
struct Listed<'r> {
    id: u32,
    pack: &'r str,
    name: &'r str,
    action: &'static str,
    severity: u8,
    category: &'r str,
    fields: Vec<&'static str>,
    /// Empty stands for both.
    #[serde(skip_serializing_if = "Option::is_none")]
    direction: Option<&'static str>,
}

/// Runs every rule against its own examples.
pub(super) fn test(args: &PacksTestArgs) -> Result<(), Failure> {
    let config = read_config(args.config.as_ref())?;
    let report = Packs::read(&args.packs.or(&config)).check_examples()?;
    print(&report.to_string())?;
    if report.is_clean() { Ok(()) } else { Err(anyhow!("some examples do not do what they should").into()) }
}

/// Lists every rule by its id.
pub(super) fn list(args: &PacksListArgs) -> Result<(), Failure> {
    let config = read_config(args.config.as_ref())?;
    let rules = Packs::read(&args.packs.or(&config)).compile()?;
    let mut listed: Vec<Listed<'_>> = rules.rules().iter().map(Listed::new).collect();
    listed.sort_by_key(|rule| rule.id);
    print(&match args.output {
        Output::Json => serde_json::to_string_pretty(&listed).context("the list")?,
        Output::Text => table(&listed).to_string(),
    })
}

/// What compiling came to.
#[derive(Serialize)]
struct Compiled {
    packs: usize,
    rules: usize,
    /// Reading the packs, and compiling or finding the set.
    milliseconds: f64,
    memory_bytes: usize,
    /// What the folder of compiled sets had; nothing without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    cache: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_bytes: Option<u64>,
}

/// Compiles all rules into the folder of compiled sets. That this can't be written is an error here: nothing else is asked.
pub(super) fn compile(args: &PacksCompileArgs) -> Result<(), Failure> {
    let config = read_config(args.config.as_ref())?;
    let mut packs = args.packs.or(&config);
    packs.cache = args.cache.clone().or(config.packs.cache);
    let started = Instant::now();
    let packs = Packs::read(&packs);
    let count = packs.count();
    let (rules, outcome) = packs.compile_cached()?;
    let milliseconds = started.elapsed().as_secs_f64() * 1e3;
    let compiled = Compiled {
        packs: count,
        rules: rules.rules().len(),
        milliseconds,
        memory_bytes: rules.size().bytes,
        cache: outcome.as_ref().map(|outcome| outcome.lookup.as_str()),
        file_bytes: outcome.as_ref().and_then(|outcome| outcome.file.is_some().then_some(outcome.file_bytes)),
        file: outcome.as_ref().and_then(|outcome| outcome.file.clone()),
    };
    print(&match args.output {
        Output::Json => serde_json::to_string_pretty(&compiled).context("the outcome")?,
        Output::Text => compiled.to_string(),
    })?;
    match outcome.and_then(|outcome| outcome.unwritable) {
        Some(reason) => Err(anyhow!("the compiled rules could not be kept: {reason}").into()),
        None => Ok(()),
    }
}

impl fmt::Display for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Compiled { packs, rules, milliseconds, memory_bytes, .. } = self;
        let (packs, rules) = (Count(*packs, "pack"), Count(*rules, "rule"));
        write!(f, "ok: {packs}, {rules}, {milliseconds:.1} ms, {memory_bytes} bytes of memory")?;
        match self.cache {
            Some(cache) => write!(f, "\ncache: {cache}")?,
            None => f.write_str(
                "\nnothing was kept: name a folder by `cache` under [packs] in the config, or by --cache",
            )?,
        }
        if let (Some(file), Some(bytes)) = (&self.file, self.file_bytes) {
            write!(f, ", {}, {bytes} bytes", file.display())?;
        }
        Ok(())
    }
}

impl<'r> Listed<'r> {
    fn new(rule: &'r Rule) -> Listed<'r> {
        Listed {
            id: rule.id(),
            pack: rule.pack(),
            name: rule.name(),
            action: rule.action().as_str(),
            severity: rule.severity(),
            category: rule.category(),
            fields: rule.fields().iter().copied().map(Field::as_str).collect(),
            direction: rule.direction().map(Direction::as_str),
        }
    }
}

fn table(rules: &[Listed<'_>]) -> Table {
    let mut table = Table::new(&["ID", "PACK", "ACTION", "SEVERITY", "NAME", "FIELDS", "DIRECTION"]);
    for rule in rules {
        table.row([
            rule.id.to_string(),
            rule.pack.to_owned(),
            rule.action.to_owned(),
            rule.severity.to_string(),
            rule.name.to_owned(),
            rule.fields.join(","),
            rule.direction.unwrap_or("both").to_owned(),
        ]);
    }
    table
}
