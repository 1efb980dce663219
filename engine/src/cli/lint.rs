//! `weir packs lint`

use std::time::Instant;

use anyhow::{Context, anyhow};
use dlp_patterns::{ContextCost, Remark, Rule, RuleCost, RuleSet};
use serde::Serialize;

use super::{Output, PacksListArgs, print, read_config};
use crate::count::Count;
use crate::failure::Failure;
use crate::packs::Packs;
use crate::table::Table;

/// Everything that is said.
#[derive(Serialize)]
struct Lint<'r> {
    /// The dearest first.
    rules: Vec<Linted<'r>>,
    contexts: Vec<Place>,
    set: Sum,
}

/// A rule, what it costs, and what is to be said about that.
#[derive(Serialize)]
struct Linted<'r> {
    id: u32,
    pack: &'r str,
    name: &'r str,
    found_by: &'static str,
    windows: usize,
    candidates_per_kib: f64,
    steps_per_kib: f64,
    states: usize,
    positions: usize,
    bytes: usize,
    lookback_bytes: usize,
    compile_ms: f64,
    remarks: Vec<Remarked>,
}

#[derive(Serialize)]
struct Remarked {
    remark: &'static str,
    reason: &'static str,
    hint: &'static str,
}

/// Fields, each in a direction, in which the same rules look.
#[derive(Serialize)]
struct Place {
    fields: Vec<String>,
    rules: usize,
    windows: usize,
    candidates_per_kib: f64,
    bytes: usize,
}

/// The whole set.
#[derive(Serialize)]
struct Sum {
    rules: usize,
    remarkable: usize,
    windows: usize,
    states: usize,
    bytes: usize,
    compile_ms: f64,
}

/// Says what every rule costs. That any is dear is a no, as it is with other linters.
pub(super) fn lint(args: &PacksListArgs) -> Result<(), Failure> {
    let config = read_config(args.config.as_ref())?;
    let packs = Packs::read(&args.packs.or(&config));
    let begun = Instant::now();
    let rules = packs.compile()?;
    let lint = Lint::new(&rules, begun.elapsed().as_secs_f64() * 1e3);
    print(&match args.output {
        Output::Json => serde_json::to_string_pretty(&lint).context("what was found")?,
        Output::Text => lint.to_text(),
    })?;
    match lint.set.remarkable {
        0 => Ok(()),
        1 => Err(anyhow!("one rule is dear").into()),
        many => Err(anyhow!("{many} rules are dear").into()),
    }
}

impl<'r> Lint<'r> {
    fn new(rules: &'r RuleSet, compile_ms: f64) -> Lint<'r> {
        let mut costs: Vec<(&Rule, RuleCost)> = rules.costs().collect();
        costs.sort_by(|(one, first), (other, second)| {
            let steps = second.steps_per_kib.total_cmp(&first.steps_per_kib);
            steps.then(second.bytes.cmp(&first.bytes)).then(one.id().cmp(&other.id()))
        });
        // What is to be said of a rule counts more than an estimate.
        costs.sort_by_key(|(_, cost)| cost.remarks().is_empty());
        let linted: Vec<Linted<'_>> = costs.iter().map(|(rule, cost)| Linted::new(rule, cost)).collect();
        let size = rules.size();
        let set = Sum {
            rules: size.rules,
            remarkable: linted.iter().filter(|rule| !rule.remarks.is_empty()).count(),
            windows: size.windows,
            states: size.dfa_states,
            bytes: size.bytes,
            compile_ms,
        };
        Lint { rules: linted, contexts: rules.contexts().iter().map(Place::new).collect(), set }
    }

    fn to_text(&self) -> String {
        let head = ["ID", "FOUND BY", "WINDOWS", "CANDIDATES/KiB", "STATES", "KiB", "COMPILE ms", "NAME"];
        let mut table = Table::new(&head);
        for rule in &self.rules {
            table.row([
                rule.id.to_string(),
                rule.found_by.to_owned(),
                rule.windows.to_string(),
                format!("{:.3}", rule.candidates_per_kib),
                (rule.states + rule.positions).to_string(),
                kib(rule.bytes),
                format!("{:.1}", rule.compile_ms),
                rule.name.to_owned(),
            ]);
            for remark in &rule.remarks {
                table.line(&format!("  {}\n  hint: {}", remark.reason, remark.hint));
            }
        }
        let mut places = Table::new(&["RULES", "WINDOWS", "CANDIDATES/KiB", "KiB", "FIELDS"]);
        for place in &self.contexts {
            places.row([
                place.rules.to_string(),
                place.windows.to_string(),
                format!("{:.3}", place.candidates_per_kib),
                kib(place.bytes),
                place.fields.join(", "),
            ]);
        }
        let Sum { rules, remarkable, windows, states, bytes, compile_ms } = &self.set;
        let [rules, windows, states] = [(*rules, "rule"), (*windows, "window"), (*states, "state")]
            .map(|(number, word)| Count(number, word));
        format!(
            "{table}\n\n{places}\n\n{rules}, {remarkable} of them dear; {windows}, {states}, {} KiB, \
             compiled in {compile_ms:.0} ms",
            kib(*bytes)
        )
    }
}

impl<'r> Linted<'r> {
    fn new(rule: &'r Rule, cost: &RuleCost) -> Linted<'r> {
        Linted {
            id: rule.id(),
            pack: rule.pack(),
            name: rule.name(),
            found_by: cost.found_by.as_str(),
            windows: cost.windows,
            candidates_per_kib: cost.candidates_per_kib,
            steps_per_kib: cost.steps_per_kib,
            states: cost.states,
            positions: cost.positions,
            bytes: cost.bytes,
            lookback_bytes: cost.lookback_bytes,
            compile_ms: cost.compile.as_secs_f64() * 1e3,
            remarks: cost.remarks().into_iter().map(Remarked::new).collect(),
        }
    }
}

impl Remarked {
    fn new(remark: Remark) -> Remarked {
        Remarked { remark: remark.as_str(), reason: remark.reason(), hint: remark.hint() }
    }
}

impl Place {
    fn new(cost: &ContextCost) -> Place {
        let field = |(field, direction): &(dlp_patterns::Field, dlp_patterns::Direction)| {
            format!("{} {}", field.as_str(), direction.as_str())
        };
        Place {
            fields: cost.places.iter().map(field).collect(),
            rules: cost.rules,
            windows: cost.windows,
            candidates_per_kib: cost.candidates_per_kib,
            bytes: cost.bytes,
        }
    }
}

fn kib(bytes: usize) -> String {
    format!("{:.1}", bytes as f64 / 1024.0)
}
