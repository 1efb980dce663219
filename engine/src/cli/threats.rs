//! `weir threats`

use std::fmt::Write;

use anyhow::Context;
use dataplane::policy::{Threat, ThreatList, ThreatSpec, Threshold};
use serde::Serialize;

use super::{ThreatsArgs, ThreatsOutput, print};
use crate::failure::Failure;
use crate::table::Table;

/// Columns of a comment in a config.
const COMMENT_COLUMNS: usize = 128;

/// A threat as the list shows it.
#[derive(Serialize)]
struct Listed {
    /// As in `threat.id` of events.
    id: u32,
    /// As in `[threats.NAME]`, in `anomaly.event` and in `threat.name`.
    name: &'static str,
    about: &'static str,
    /// What is done about it by default.
    action: &'static str,
    thresholds: Vec<ListedThreshold>,
    /// What may be listed of it beside.
    #[serde(skip_serializing_if = "Option::is_none")]
    list: Option<ListedList>,
}

#[derive(Serialize)]
struct ListedList {
    name: &'static str,
    about: &'static str,
}

#[derive(Serialize)]
struct ListedThreshold {
    name: &'static str,
    default: u32,
    min: u32,
    max: u32,
    unit: &'static str,
    about: &'static str,
}

impl From<Threat> for Listed {
    fn from(threat: Threat) -> Listed {
        let ThreatSpec { name, about, action, thresholds } = *threat.spec();
        let threshold = |threshold: &Threshold| {
            let Threshold { name, default, bounds: [min, max], unit, about } = *threshold;
            ListedThreshold { name, default, min, max, unit, about }
        };
        let thresholds = thresholds.iter().map(threshold).collect();
        let list = threat.list().map(|ThreatList { name, about }| ListedList { name, about });
        Listed { id: threat.id(), name, about, action: action.as_str(), thresholds, list }
    }
}

/// Lists every threat that is looked for.
pub(super) fn threats(args: &ThreatsArgs) -> Result<(), Failure> {
    let listed: Vec<Listed> = Threat::ALL.into_iter().map(Listed::from).collect();
    print(&match args.output {
        ThreatsOutput::Json => serde_json::to_string_pretty(&listed).context("the list")?,
        ThreatsOutput::Text => table(&listed).to_string(),
        ThreatsOutput::Toml => config(&listed),
    })
}

fn table(listed: &[Listed]) -> Table {
    let mut table = Table::new(&["ID", "THREAT", "ACTION", "THRESHOLDS", "WHAT IT IS"]);
    for threat in listed {
        let shown = |threshold: &ListedThreshold| format!("{}={}", threshold.name, threshold.default);
        let mut thresholds: Vec<String> = threat.thresholds.iter().map(shown).collect();
        thresholds.extend(threat.list.iter().map(|list| format!("{}=[]", list.name)));
        let thresholds = if thresholds.is_empty() { "-".to_owned() } else { thresholds.join(" ") };
        let (id, name, action, about) = (
            threat.id.to_string(),
            threat.name.to_owned(),
            threat.action.to_owned(),
            threat.about.to_owned(),
        );
        table.row([id, name, action, thresholds, about]);
    }
    table
}

/// The lines of a config that say what is so anyway.
fn config(listed: &[Listed]) -> String {
    let mut text = String::new();
    for (index, threat) in listed.iter().enumerate() {
        text.push_str(if index > 0 { "\n" } else { "" });
        comment(&format!("{}:", threat.about), &mut text);
        let _ = writeln!(text, "[threats.{}]\n#action = \"{}\"", threat.name, threat.action);
        if let Some(ListedList { name, about }) = &threat.list {
            comment(&format!("{about}."), &mut text);
            let _ = writeln!(text, "#{name} = []");
        }
        for ListedThreshold { name, default, min, max, unit, about } in &threat.thresholds {
            comment(&format!("{about} ({min} to {max} {unit})."), &mut text);
            let _ = writeln!(text, "#{name} = {default}");
        }
    }
    text.trim_end().to_owned()
}

/// Appends lines of a comment, cut between words.
fn comment(words: &str, text: &mut String) {
    let mut line = String::from("#");
    for word in words.split(' ') {
        if line.len() + 1 + word.len() > COMMENT_COLUMNS {
            text.push_str(&line);
            text.push('\n');
            line.truncate(1);
        }
        line.push(' ');
        line.push_str(word);
    }
    text.push_str(&line);
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    /// The reference config.
    const REFERENCE: &str = include_str!("../../../deploy/weir.toml");

    fn all() -> Vec<Listed> {
        Threat::ALL.into_iter().map(Listed::from).collect()
    }

    #[test]
    fn the_reference_config_shows_every_threat() {
        let expected = config(&all());
        assert!(REFERENCE.contains(&format!("\n{expected}\n\n")), "these belong there:\n{expected}");
    }

    #[test]
    fn what_is_written_for_a_config_is_the_default() {
        let lines = config(&all());
        assert!(lines.lines().all(|line| line.len() <= COMMENT_COLUMNS), "{lines}");
        let set: String = lines
            .lines()
            .map(|line| match line.strip_prefix('#') {
                Some(setting) if !setting.starts_with(' ') => format!("{setting}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        let settings = set.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase())).count();
        let of = |threat: &Threat| 1 + threat.spec().thresholds.len() + usize::from(threat.list().is_some());
        let specified: usize = Threat::ALL.iter().map(of).sum();
        assert_eq!(settings, specified);
        assert_eq!(Config::parse("reference", &set), Ok(Config::default()));
    }
}
