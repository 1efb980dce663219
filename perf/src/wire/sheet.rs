//! The figures of a measurement: of each contestant one value a round, set against the first contestant's of the same round.

use std::fmt;

use serde_json::{Map, Value, json};

use super::contestant::Contestant;
use crate::measure::median;

/// What is told by a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Figure {
    /// For programs and names of files: `flood-60-mpps`.
    pub(crate) key: String,
    /// For people.
    pub(crate) title: String,
    /// Of the values.
    pub(crate) unit: &'static str,
}

/// Of one figure, all contestants' values in the order of the rounds. Each contestant's name occurs once.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) figure: Figure,
    pub(crate) values: Vec<(Contestant, Vec<f64>)>,
}

/// All rows, in the order in which they were first recorded.
#[derive(Debug)]
pub(crate) struct Sheet {
    reference: Contestant,
    rows: Vec<Row>,
}

impl Sheet {
    /// An empty one; all are set against `reference`.
    pub(crate) fn new(reference: Contestant) -> Sheet {
        Sheet { reference, rows: Vec::new() }
    }

    /// Takes the value of the next round.
    pub(crate) fn record(&mut self, figure: Figure, contestant: Contestant, value: f64) {
        let position = self.rows.iter().position(|row| row.figure == figure).unwrap_or_else(|| {
            self.rows.push(Row { figure, values: Vec::new() });
            self.rows.len() - 1
        });
        let values = &mut self.rows[position].values;
        match values.iter_mut().find(|(known, _)| *known == contestant) {
            Some((_, rounds)) => rounds.push(value),
            None => values.push((contestant, vec![value])),
        }
    }

    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// One object a figure, by its key.
    pub(crate) fn to_json(&self) -> Value {
        let rows = self.rows.iter().map(|row| (row.figure.key.clone(), row.to_json(self.reference)));
        Value::Object(rows.collect())
    }
}

impl Row {
    fn rounds(&self, contestant: Contestant) -> Option<&[f64]> {
        self.values.iter().find(|(known, _)| *known == contestant).map(|(_, rounds)| rounds.as_slice())
    }

    /// The median over the rounds of its value over the reference's; none for the reference itself, nor where there is no
    /// number to divide by.
    fn ratio(&self, contestant: Contestant, reference: Contestant) -> Option<f64> {
        let pairs = self.rounds(contestant)?.iter().zip(self.rounds(reference)?);
        let ratios: Vec<f64> = pairs.filter(|(_, of)| **of > 0.0).map(|(value, of)| value / of).collect();
        (contestant != reference && !ratios.is_empty()).then(|| median(ratios.into_iter()))
    }

    fn to_json(&self, reference: Contestant) -> Value {
        let one = |(contestant, rounds): &(Contestant, Vec<f64>)| {
            let value = json!({
                "median": median(rounds.iter().copied()), "rounds": rounds, "ratio": self.ratio(*contestant, reference),
            });
            (contestant.as_str().to_owned(), value)
        };
        let by: Map<String, Value> = self.values.iter().map(one).collect();
        json!({ "title": self.figure.title, "unit": self.figure.unit, "reference": reference.as_str(), "contestants": by })
    }
}

impl fmt::Display for Sheet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in &self.rows {
            writeln!(out, "\n{} ({})", row.figure.title, row.figure.unit)?;
            for (contestant, rounds) in &row.values {
                let value = median(rounds.iter().copied());
                write!(out, "  {:9} {value:>12.3}", contestant.as_str())?;
                let compared = row.ratio(*contestant, self.reference);
                let compared = compared.map(|ratio| format!("{ratio:.3} of {}", self.reference.as_str()));
                write!(out, "  {:18}", compared.unwrap_or_default())?;
                let rounds: Vec<_> = rounds.iter().map(|value| format!("{value:.3}")).collect();
                writeln!(out, "  (rounds: {})", rounds.join(", "))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn sheet() -> Sheet {
        let mut sheet = Sheet::new(Contestant::Bridge);
        let figure = || Figure { key: "flood-60-mpps".into(), title: "received".into(), unit: "Mpps" };
        for (bridge, weir) in [(1.0, 0.9), (0.5, 0.4), (2.0, 1.0)] {
            sheet.record(figure(), Contestant::Bridge, bridge);
            sheet.record(figure(), Contestant::Weir, weir);
        }
        let cpu = Figure { key: "flood-60-cpu".into(), title: "CPU & all".into(), unit: "s/Gbit" };
        sheet.record(cpu, Contestant::Weir, 3.0);
        sheet
    }

    #[test]
    fn ratios_are_those_of_the_same_round() {
        let json = sheet().to_json();
        let weir = &json["flood-60-mpps"]["contestants"]["weir"];
        assert_eq!((&weir["ratio"], &weir["median"]), (&json!(0.8), &json!(0.9)));
        assert_eq!(json["flood-60-mpps"]["contestants"]["bridge"]["ratio"], Value::Null);
        assert_eq!(json["flood-60-cpu"]["contestants"]["weir"]["ratio"], Value::Null);
    }

    #[test]
    fn people_read_the_same() {
        let text = sheet().to_string();
        assert!(
            text.contains("weir             0.900  0.800 of bridge     (rounds: 0.900, 0.400, 1.000)"),
            "{text}"
        );
    }
}
