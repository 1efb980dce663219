//! `weir packs test` and `weir packs list`

use anyhow::{Context, anyhow};
use dlp_patterns::{Direction, Field, Rule};
use serde::Serialize;

use super::{Output, PacksListArgs, PacksTestArgs, print, read_config};
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
