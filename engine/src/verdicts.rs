//! What became of whom, read back from EVE lines.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufRead};

use serde::Deserialize;

use crate::table::Table;

/// The alerts and the drops that no rule asked for, and the last counters.
#[derive(Debug)]
pub struct Verdicts {
    table: Table,
    rows: usize,
    counters: Option<Stats>,
    illegible: u64,
}

/// The part of a line that the table shows.
#[derive(Debug, Deserialize)]
struct Line {
    event_type: String,
    timestamp: String,
    src_ip: Option<String>,
    src_port: Option<u16>,
    dest_ip: Option<String>,
    dest_port: Option<u16>,
    proto: Option<String>,
    alert: Option<Alert>,
    drop: Option<Drop>,
    stats: Option<Stats>,
}

#[derive(Debug, Deserialize)]
struct Alert {
    action: String,
    signature_id: u32,
    signature: String,
    #[serde(default)]
    context: Context,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Context {
    action: String,
    field: String,
    offset: u64,
    #[serde(rename = "match")]
    matched: String,
}

#[derive(Debug, Deserialize)]
struct Drop {
    reason: String,
    #[serde(default)]
    reset: bool,
}

#[derive(Debug, Deserialize)]
struct Stats {
    decoder: Decoder,
    ips: Ips,
}

#[derive(Debug, Deserialize)]
struct Decoder {
    pkts: u64,
}

#[derive(Debug, Deserialize)]
struct Ips {
    accepted: u64,
    blocked: u64,
    #[serde(default)]
    drop_reason: BTreeMap<String, u64>,
}

impl Verdicts {
    /// Reads all lines; those that are no EVE events are counted.
    ///
    /// # Errors
    /// If `reader` fails.
    pub fn read(mut reader: impl BufRead) -> io::Result<Verdicts> {
        let head = ["TIME", "FLOW", "ACTION", "RULE", "NAME", "FIELD", "OFFSET", "MATCH"];
        let mut verdicts = Verdicts { table: Table::new(&head), rows: 0, counters: None, illegible: 0 };
        let mut text = Vec::new();
        while reader.read_until(b'\n', &mut text)? > 0 {
            match serde_json::from_slice(&text) {
                Ok(line) => verdicts.take(line),
                Err(_) if text.trim_ascii().is_empty() => {}
                Err(_) => verdicts.illegible += 1,
            }
            text.clear();
        }
        Ok(verdicts)
    }

    /// Lines that are no EVE events.
    pub fn illegible(&self) -> u64 {
        self.illegible
    }

    fn take(&mut self, line: Line) {
        let flow = line.flow();
        match line {
            Line { alert: Some(alert), timestamp, .. } if line.event_type == "alert" => {
                let Context { action, field, offset, matched } = alert.context;
                let done = if alert.action == "blocked" { action } else { alert.action };
                let rule = alert.signature_id.to_string();
                self.row([timestamp, flow, done, rule, alert.signature, field, offset.to_string(), matched]);
            }
            Line { drop: Some(drop), timestamp, .. }
                if drop.reason != "rule" && drop.reason != "flow_blocked" =>
            {
                let done = if drop.reset { "reset" } else { "drop" };
                let rest = [String::new(), drop.reason, String::new(), String::new(), String::new()];
                let [rule, name, field, offset, matched] = rest;
                self.row([timestamp, flow, done.to_owned(), rule, name, field, offset, matched]);
            }
            Line { stats: Some(stats), .. } => self.counters = Some(stats),
            _ => {}
        }
    }

    fn row(&mut self, cells: [String; 8]) {
        self.rows += 1;
        self.table.row(cells);
    }
}

impl Line {
    /// Who spoke to whom: `TCP 192.0.2.1:40000 -> 198.51.100.1:80`.
    fn flow(&self) -> String {
        let end = |address: &Option<String>, port: Option<u16>| match (address, port) {
            (Some(address), Some(port)) if address.contains(':') => format!("[{address}]:{port}"),
            (Some(address), Some(port)) => format!("{address}:{port}"),
            (Some(address), None) => address.clone(),
            (None, _) => "?".to_owned(),
        };
        let (from, to) = (end(&self.src_ip, self.src_port), end(&self.dest_ip, self.dest_port));
        match &self.proto {
            Some(proto) => format!("{proto} {from} -> {to}"),
            None => "-".to_owned(),
        }
    }
}

impl fmt::Display for Verdicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rows {
            0 => write!(f, "no verdict but forward")?,
            _ => write!(f, "{}", self.table)?,
        }
        let Some(Stats { decoder, ips }) = &self.counters else { return Ok(()) };
        write!(f, "\n\nframes in {} = forwarded {} + dropped {}", decoder.pkts, ips.accepted, ips.blocked)?;
        for (reason, count) in ips.drop_reason.iter().filter(|(_, count)| **count > 0) {
            write!(f, "\n  {reason} {count}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = r#"
{"timestamp":"T1","event_type":"alert","src_ip":"192.0.2.1","src_port":4000,"dest_ip":"192.0.2.2","dest_port":80,"proto":"TCP","alert":{"action":"blocked","signature_id":7,"signature":"Log4Shell","context":{"action":"reset","field":"http.uri","offset":3,"match":"${jndi:"}}}
{"timestamp":"T2","event_type":"drop","src_ip":"192.0.2.1","src_port":4000,"dest_ip":"192.0.2.2","dest_port":80,"proto":"TCP","drop":{"len":60,"reason":"rule","reset":true}}
{"timestamp":"T3","event_type":"drop","drop":{"len":60,"reason":"malformed","reset":false}}
{"timestamp":"T4","event_type":"flow","src_ip":"192.0.2.1"}
{"timestamp":"T5","event_type":"alert","src_ip":"2001:db8::1","src_port":1,"dest_ip":"2001:db8::2","dest_port":2,"proto":"UDP","alert":{"action":"allowed","signature_id":8,"signature":"Seen","context":{"action":"alert","field":"payload","offset":0,"match":"x"}}}
{"timestamp":"T6","event_type":"stats","stats":{"decoder":{"pkts":9},"ips":{"accepted":7,"blocked":2,"drop_reason":{"rule":1,"egress":0,"malformed":1}}}}
no json
"#;

    #[test]
    fn table_and_counters() {
        let verdicts = Verdicts::read(LINES.as_bytes()).expect("reads");
        assert_eq!(verdicts.illegible(), 1);
        let text = verdicts.to_string();
        let cells: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect())
            .collect();
        assert_eq!(
            cells[1][1..],
            ["TCP 192.0.2.1:4000 -> 192.0.2.2:80", "reset", "7", "Log4Shell", "http.uri", "3", "${jndi:"]
        );
        assert_eq!(cells[2], ["T3", "-", "drop", "malformed"]);
        assert_eq!(cells[3][1..3], ["UDP [2001:db8::1]:1 -> [2001:db8::2]:2", "allowed"]);
        assert!(text.ends_with("frames in 9 = forwarded 7 + dropped 2\n  malformed 1\n  rule 1"), "{text}");
    }

    #[test]
    fn nothing_to_show() {
        let verdicts = Verdicts::read(&b""[..]).expect("reads");
        assert_eq!(verdicts.to_string(), "no verdict but forward");
    }
}
