//! What became of whom, read back from EVE lines.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufRead};

use serde::Deserialize;

use crate::table::Table;

/// Bytes of a time of day as the table shows it, `00:00:00.000`.
const TIME_BYTES: usize = 12;

/// The alerts, the threats and the drops that no rule asked for, and the last counters.
#[derive(Debug)]
pub struct Verdicts {
    table: Table,
    rows: usize,
    /// Of the last row, `2024-01-01`.
    date: String,
    /// Of the last row, as the table shows it.
    flow: String,
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
    anomaly: Option<Anomaly>,
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
    threat: Option<Threat>,
    #[serde(default)]
    reset: bool,
}

/// Something that peers broke, or a threat.
#[derive(Debug, Deserialize)]
struct Anomaly {
    threat: Option<Threat>,
    #[serde(default)]
    context: BTreeMap<String, serde_json::Value>,
}

#[derive(Debug, Deserialize)]
struct Threat {
    id: u32,
    name: String,
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
    /// What passed all the same, by mode "monitor" or `[exceptions]`.
    #[serde(default)]
    excepted: BTreeMap<String, u64>,
}

impl Verdicts {
    /// Reads all lines; those that are no EVE events are counted.
    ///
    /// # Errors
    /// If `reader` fails.
    pub fn read(mut reader: impl BufRead) -> io::Result<Verdicts> {
        let head = ["TIME", "ACTION", "RULE", "NAME", "FIELD", "OFFSET", "MATCH"];
        let mut verdicts = Verdicts {
            table: Table::new(&head),
            rows: 0,
            date: String::new(),
            flow: String::new(),
            counters: None,
            illegible: 0,
        };
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

    /// Whether there is nothing to show of what was read.
    pub fn is_empty(&self) -> bool {
        self.rows == 0 && self.counters.is_none()
    }

    fn take(&mut self, line: Line) {
        let flow = line.flow();
        match line {
            Line { alert: Some(alert), timestamp, .. } if line.event_type == "alert" => {
                let done = alert.done();
                let Context { field, offset, matched, .. } = alert.context;
                let rule = alert.signature_id.to_string();
                let cells = [done, rule, alert.signature, field, offset.to_string(), matched];
                self.row(&timestamp, &flow, cells);
            }
            Line { drop: Some(drop), timestamp, .. }
                if drop.reason != "rule" && drop.reason != "flow_blocked" =>
            {
                let done = if drop.reset { "reset" } else { "drop" };
                let [field, offset, matched] = [const { String::new() }; 3];
                let (id, name) = match drop.threat {
                    Some(Threat { id, name }) => (threat_id(id), name),
                    None => (String::new(), drop.reason),
                };
                self.row(&timestamp, &flow, [done.to_owned(), id, name, field, offset, matched]);
            }
            Line { anomaly: Some(Anomaly { threat: Some(threat), context }), timestamp, .. } => {
                let rests_on: Vec<_> =
                    context.iter().map(|(name, value)| format!("{name}={value}")).collect();
                let [field, offset] = [const { String::new() }; 2];
                let done = "alert".to_owned();
                let cells = [done, threat_id(threat.id), threat.name, field, offset, rests_on.join(" ")];
                self.row(&timestamp, &flow, cells);
            }
            Line { stats: Some(stats), .. } => self.counters = Some(stats),
            _ => {}
        }
    }

    /// Appends a row under headings that name its day and its flow.
    fn row(&mut self, timestamp: &str, flow: &str, cells: [String; 6]) {
        let (date, time) = timestamp.split_once('T').unwrap_or(("", timestamp));
        if date != self.date {
            date.clone_into(&mut self.date);
            self.flow.clear();
            self.table.line(date);
        }
        if flow != self.flow {
            flow.clone_into(&mut self.flow);
            self.table.line(flow);
        }
        let time = time.get(..TIME_BYTES).unwrap_or(time).to_owned();
        let [action, rule, name, field, offset, matched] = cells;
        self.rows += 1;
        self.table.row([time, action, rule, name, field, offset, matched]);
    }
}

impl Alert {
    /// What was done, or would be in a mode that protects: whoever begins with "monitor" looks for that.
    fn done(&self) -> String {
        match self.context.action.as_str() {
            "" => self.action.clone(),
            action if self.action == "blocked" || action == "alert" => action.to_owned(),
            action => format!("would {action}"),
        }
    }
}

/// As it stands where others have the number of a rule.
fn threat_id(id: u32) -> String {
    format!("threat {id}")
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
            None => "without a flow".to_owned(),
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
        write_counts(f, &ips.drop_reason)?;
        if ips.excepted.values().any(|count| *count > 0) {
            write!(f, "\nforwarded by mode or [exceptions]")?;
        }
        write_counts(f, &ips.excepted)
    }
}

/// A line for each reason that there was.
fn write_counts(f: &mut fmt::Formatter<'_>, counts: &BTreeMap<String, u64>) -> fmt::Result {
    for (reason, count) in counts.iter().filter(|(_, count)| **count > 0) {
        write!(f, "\n  {reason} {count}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = r#"
{"timestamp":"2024-01-01T00:00:01.123456+0000","event_type":"alert","src_ip":"192.0.2.1","src_port":4000,"dest_ip":"192.0.2.2","dest_port":80,"proto":"TCP","alert":{"action":"blocked","signature_id":7,"signature":"Log4Shell","context":{"action":"reset","field":"http.uri","offset":3,"match":"${jndi:"}}}
{"timestamp":"2024-01-01T00:00:02.123456+0000","event_type":"drop","src_ip":"192.0.2.1","src_port":4000,"dest_ip":"192.0.2.2","dest_port":80,"proto":"TCP","drop":{"len":60,"reason":"rule","reset":true}}
{"timestamp":"2024-01-01T00:00:03.123456+0000","event_type":"drop","drop":{"len":60,"reason":"malformed","reset":false}}
{"timestamp":"2024-01-01T00:00:04.123456+0000","event_type":"flow","src_ip":"192.0.2.1"}
{"timestamp":"2024-01-02T00:00:05.123456+0000","event_type":"alert","src_ip":"2001:db8::1","src_port":1,"dest_ip":"2001:db8::2","dest_port":2,"proto":"UDP","alert":{"action":"allowed","signature_id":8,"signature":"Seen","context":{"action":"alert","field":"payload","offset":0,"match":"x"}}}
{"timestamp":"2024-01-02T00:00:05.223456+0000","event_type":"anomaly","src_ip":"2001:db8::1","src_port":1,"dest_ip":"2001:db8::2","dest_port":2,"proto":"UDP","anomaly":{"type":"threat","event":"doh","threat":{"id":17,"name":"doh"},"action":"alert","context":{"sni":"dns.google"}}}
{"timestamp":"2024-01-02T00:00:05.323456+0000","event_type":"drop","src_ip":"2001:db8::1","src_port":1,"dest_ip":"2001:db8::2","dest_port":2,"proto":"UDP","drop":{"len":60,"reason":"threat","threat":{"id":18,"name":"syn_flood"},"reset":false}}
{"timestamp":"2024-01-02T00:00:05.423456+0000","event_type":"anomaly","src_ip":"2001:db8::1","anomaly":{"type":"applayer","event":"gap"}}
{"timestamp":"2024-01-02T00:00:06.123456+0000","event_type":"stats","stats":{"decoder":{"pkts":9},"ips":{"accepted":7,"blocked":2,"drop_reason":{"rule":1,"egress":0,"malformed":1},"excepted":{"malformed":0,"app_error":3}}}}
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
        assert_eq!(cells[1..3], [["2024-01-01"], ["TCP 192.0.2.1:4000 -> 192.0.2.2:80"]]);
        assert_eq!(
            cells[3],
            ["00:00:01.123", "reset", "7", "Log4Shell", "http.uri", "3", "${jndi:"],
            "the drop by a rule is the alert's"
        );
        assert_eq!(cells[4], ["without a flow"]);
        assert_eq!(cells[5], ["00:00:03.123", "drop", "malformed"]);
        assert_eq!(cells[6..8], [["2024-01-02"], ["UDP [2001:db8::1]:1 -> [2001:db8::2]:2"]]);
        assert_eq!(cells[8][1], "alert", "that it passed is no news of a rule that only tells");
        assert_eq!(cells[9][1..], ["alert", "threat 17", "doh", "sni=\"dns.google\""]);
        assert_eq!(cells[10][1..], ["drop", "threat 18", "syn_flood"]);
        assert!(
            cells[11].iter().all(|cell| cell.is_empty()),
            "what is no threat is no verdict: {:?}",
            cells[11]
        );
        let counters = "frames in 9 = forwarded 7 + dropped 2\n  malformed 1\n  rule 1\n\
                        forwarded by mode or [exceptions]\n  app_error 3";
        assert!(text.ends_with(counters), "{text}");
    }

    #[test]
    fn rules_that_would_stop() {
        let monitored = LINES.replace(r#""blocked","signature_id""#, r#""allowed","signature_id""#);
        let text = Verdicts::read(monitored.as_bytes()).expect("reads").to_string();
        let row = text.lines().find(|line| line.contains("Log4Shell")).expect("it is shown");
        assert!(row.starts_with("00:00:01.123  would reset  7 "), "{row}");
    }

    #[test]
    fn nothing_to_show() {
        let verdicts = Verdicts::read(&b""[..]).expect("reads");
        assert_eq!((verdicts.to_string().as_str(), verdicts.is_empty()), ("no verdict but forward", true));
        assert!(!Verdicts::read(LINES.as_bytes()).expect("reads").is_empty());
    }
}
