//! How Zeek's logs spell what records of each protocol say.

use serde_json::Value;

use crate::record_log::{Column, Mapping, ORDINAL, Row, text};
use crate::tls_names::{cipher_number, same_name, same_version};

/// One a protocol whose log is compared; the first one counts that a log is of.
pub const MAPPINGS: [Mapping; 7] = [
    Mapping {
        log: "dns",
        protocol: "dns",
        kinds: &["dns", "mdns", "llmnr"],
        picks: picks_dns,
        columns: &DNS,
    },
    Mapping { log: "http", protocol: "http", kinds: &["http"], picks: picks_http, columns: &HTTP },
    Mapping { log: "mysql", protocol: "mysql", kinds: &["mysql"], picks: picks_next, columns: &MYSQL },
    Mapping { log: "ssl", protocol: "quic", kinds: &["quic"], picks: |_, _| true, columns: &QUIC },
    Mapping { log: "redis", protocol: "redis", kinds: &["redis"], picks: picks_next, columns: &REDIS },
    Mapping { log: "ssh", protocol: "ssh", kinds: &["ssh"], picks: |_, _| true, columns: &SSH },
    Mapping { log: "ssl", protocol: "tls", kinds: &["tls", "dtls"], picks: |_, _| true, columns: &TLS },
];

fn picks_http(row: &Row<'_>, event: &Value) -> bool {
    let id = event["tx_id"].as_u64().map(|id| (id + 1).to_string());
    id.as_deref() == row.get("trans_depth").copied()
}

/// Both number what a flow says.
fn picks_next(row: &Row<'_>, event: &Value) -> bool {
    row.get(ORDINAL).is_some_and(|ordinal| text(&event["tx_id"]) == *ordinal)
}

/// As it is.
fn same(_: &Row<'_>, said: &str) -> Result<String, &'static str> {
    Ok(unescaped(said))
}

/// Of bytes in hexadecimal.
fn unescaped(said: &str) -> String {
    said.replace("\\x2c", ",")
}

fn picks_dns(row: &Row<'_>, event: &Value) -> bool {
    let dns = body(event);
    let is_id = row.get("trans_id").is_some_and(|id| text(&dns["id"]) == *id);
    let asked = row.get("query").copied().unwrap_or_default();
    // Multicast messages have no number.
    is_id && (asked == "-" || is_update(row) || name(dns).eq_ignore_ascii_case(asked))
}

/// What is said in a message of DNS, or of what shares its format.
fn body(event: &Value) -> &Value {
    &event[event["event_type"].as_str().unwrap_or_default()]
}

/// What is asked, or answered without a question.
fn name(dns: &Value) -> String {
    let entries = if dns["queries"].is_array() { "queries" } else { "answers" };
    text(&dns[entries][0]["rrname"])
}

fn is_update(row: &Row<'_>) -> bool {
    row.get("opcode_name") == Some(&"dynamic-update")
}

fn unless_update(row: &Row<'_>, said: &str) -> Result<String, &'static str> {
    if is_update(row) { Err("updates, which Zeek tells as answers") } else { same(row, said) }
}

fn first<'v>(records: &[&'v Value], kind: &str) -> Option<&'v Value> {
    records.iter().map(|event| body(event)).find(|dns| dns["type"] == kind)
}

/// The response, or the request where there is none.
fn last<'v>(records: &[&'v Value]) -> &'v Value {
    const NONE: &Value = &Value::Null;
    first(records, "response").or(first(records, "request")).unwrap_or(NONE)
}

/// What a response says of flags is noted where it has answers.
fn answered(row: &Row<'_>, said: &str) -> Result<String, &'static str> {
    match row.get("answers") {
        None | Some(&"-") => Err("flags of a response without answers, which Zeek does not take over"),
        Some(_) => same(row, said),
    }
}

fn flag(records: &[&Value], name: &str) -> String {
    if last(records)[name] == true { "T" } else { "F" }.to_owned()
}

const DNS: [Column; 9] = [
    Column { name: "query", zeek: unless_update, weir: |records| name(last(records)) },
    Column {
        name: "qtype_name",
        zeek: |_, said| {
            Ok(said.strip_prefix("query-").unwrap_or(if said == "*" { "ANY" } else { said }).to_owned())
        },
        weir: |records| text(&last(records)["queries"][0]["rrtype"]),
    },
    Column { name: "rcode_name", zeek: same, weir: |records| text(&last(records)["rcode"]) },
    Column { name: "AA", zeek: answered, weir: |records| flag(records, "aa") },
    Column { name: "TC", zeek: answered, weir: |records| flag(records, "tc") },
    Column {
        name: "RD",
        zeek: same,
        weir: |records| match first(records, "request") {
            Some(request) => if request["rd"] == true { "T" } else { "F" }.to_owned(),
            None => flag(records, "rd"),
        },
    },
    Column { name: "RA", zeek: answered, weir: |records| flag(records, "ra") },
    Column { name: "answers", zeek: zeek_answers, weir: |records| answers(last(records)).join(",") },
    Column {
        name: "TTLs",
        zeek: zeek_ttls,
        weir: |records| {
            let ttl = |answer: &Value| text(&answer["ttl"]);
            array(&last(records)["answers"]).map(ttl).collect::<Vec<_>>().join(",")
        },
    },
];

/// Types that Zeek spells in its own way: it is compared that they are there.
const SPELLED_APART: [&str; 7] = ["DS", "DNSKEY", "RRSIG", "LOC", "NSEC3PARAM", "NSEC", "NSEC3"];

fn zeek_answers(row: &Row<'_>, said: &str) -> Result<String, &'static str> {
    unless_update(row, said)?;
    if said.starts_with("BIND9") {
        return Err("data of a private type, which Zeek reads as BIND's");
    }
    let answer = |answer: &str| {
        let answer = unescaped(answer);
        let mut words = answer.splitn(3, ' ');
        match (words.next(), words.next(), words.next()) {
            (Some("TXT" | "SPF"), Some(_), Some(text)) => text.to_owned(),
            (Some(kind), _, _) if SPELLED_APART.contains(&kind.trim_end_matches(':')) => {
                kind.trim_end_matches(':').to_owned()
            }
            _ => answer.clone(),
        }
    };
    Ok(said.split(',').map(answer).collect::<Vec<_>>().join(","))
}

fn zeek_ttls(row: &Row<'_>, said: &str) -> Result<String, &'static str> {
    unless_update(row, said)?;
    let seconds = |ttl: &str| ttl.split('.').next().unwrap_or_default().to_owned();
    Ok(said.split(',').map(seconds).collect::<Vec<_>>().join(","))
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn answers(dns: &Value) -> Vec<String> {
    let answer = |answer: &Value| {
        let kind = text(&answer["rrtype"]);
        match kind.as_str() {
            "SOA" => text(&answer["soa"]["mname"]),
            "SRV" => text(&answer["srv"]["name"]),
            kind if SPELLED_APART.contains(&kind) => kind.to_owned(),
            _ => text(&answer["rdata"]),
        }
    };
    array(&dns["answers"]).map(answer).collect()
}

/// Zeek decodes what is percent-encoded.
fn decoded(text: &str) -> String {
    let mut decoded = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('%') {
        decoded.push_str(before);
        match behind.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                decoded.push(char::from(byte));
                rest = &behind[2..];
            }
            None => {
                decoded.push('%');
                rest = behind;
            }
        }
    }
    decoded + rest
}

fn http(records: &[&Value], key: &str) -> String {
    records.first().map(|event| text(&event["http"][key])).unwrap_or_default()
}

fn host(records: &[&Value]) -> String {
    match http(records, "http_port").as_str() {
        "" => http(records, "hostname"),
        port => http(records, "hostname") + ":" + port,
    }
}

// Of versions Zeek tells that of the response.
const HTTP: [Column; 7] = [
    Column { name: "method", zeek: same, weir: |records| http(records, "http_method") },
    Column { name: "host", zeek: same, weir: host },
    Column {
        name: "uri",
        zeek: |_, said| Ok(decoded(&unescaped(said))),
        weir: |records| decoded(&http(records, "url")),
    },
    Column { name: "referrer", zeek: same, weir: |records| http(records, "http_refer") },
    Column { name: "user_agent", zeek: same, weir: |records| http(records, "http_user_agent") },
    Column {
        name: "status_code",
        zeek: |row, said| match said {
            "0" => Err("status of a response of HTTP/0.9, which has none"),
            _ => same(row, said),
        },
        weir: |records| http(records, "status"),
    },
    Column { name: "response_body_len", zeek: same, weir: |records| http(records, "length") },
];

/// Without the comments, which Weir leaves out.
fn banner(_: &Row<'_>, said: &str) -> Result<String, &'static str> {
    Ok(said.split(' ').next().unwrap_or_default().to_owned())
}

fn version(records: &[&Value], end: &str) -> String {
    let Some(event) = records.first() else { return String::new() };
    let end = &event["ssh"][end];
    format!("SSH-{}-{}", text(&end["proto_version"]), text(&end["software_version"]))
}

const SSH: [Column; 4] = [
    Column { name: "client", zeek: banner, weir: |records| version(records, "client") },
    Column { name: "server", zeek: banner, weir: |records| version(records, "server") },
    Column {
        name: "hassh",
        zeek: same,
        weir: |records| {
            records.first().map(|event| text(&event["ssh"]["client"]["hassh"]["hash"])).unwrap_or_default()
        },
    },
    Column {
        name: "hasshServer",
        zeek: same,
        weir: |records| {
            records.first().map(|event| text(&event["ssh"]["server"]["hassh"]["hash"])).unwrap_or_default()
        },
    },
];

/// What an event says of its protocol by that key.
fn said(records: &[&Value], key: &str) -> String {
    records.iter().map(|event| text(&body(event)[key])).find(|said| !said.is_empty()).unwrap_or_default()
}

/// An empty text is none here.
fn unless_empty(row: &Row<'_>, said: &str) -> Result<String, &'static str> {
    if said == "(empty)" { Ok(String::new()) } else { same(row, said) }
}

fn success(records: &[&Value]) -> String {
    match said(records, "success").as_str() {
        "true" => "T".to_owned(),
        "false" => "F".to_owned(),
        other => other.to_owned(),
    }
}

const MYSQL: [Column; 4] = [
    Column { name: "cmd", zeek: same, weir: |records| said(records, "cmd") },
    Column { name: "arg", zeek: unless_empty, weir: |records| said(records, "arg") },
    Column { name: "success", zeek: same, weir: success },
    Column {
        name: "rows",
        zeek: |row, said| match row.get("cmd") {
            Some(&"query") => Err("rows of a result, which Zeek tells as those that are affected"),
            _ => same(row, said),
        },
        weir: |records| {
            Some(said(records, "affected_rows")).filter(|rows| !rows.is_empty()).unwrap_or("0".to_owned())
        },
    },
];

const REDIS: [Column; 4] = [
    Column { name: "cmd.name", zeek: same, weir: |records| said(records, "command") },
    Column { name: "cmd.key", zeek: same, weir: |records| said(records, "key") },
    Column { name: "success", zeek: same, weir: success },
    Column {
        name: "reply.value",
        zeek: |row, said| Ok(unescaped(&same(row, said)?)),
        weir: |records| said(records, "reply"),
    },
];

/// What a server chose.
fn cipher(records: &[&Value]) -> String {
    let number = |event: &&Value| body(event)["server_handshake"]["cipher"].as_u64();
    records.iter().find_map(number).map(|number| number.to_string()).unwrap_or_default()
}

fn zeek_cipher(_: &Row<'_>, said: &str) -> Result<String, &'static str> {
    Ok(cipher_number(said).map_or(said.to_owned(), |number| number.to_string()))
}

/// Whether a session was resumed, as a server says it.
fn resumed(records: &[&Value]) -> String {
    if said(records, "session_resumed") == "true" { "T" } else { "F" }.to_owned()
}

fn chosen_alpn(records: &[&Value]) -> String {
    records
        .iter()
        .map(|event| text(&body(event)["server_alpns"][0]))
        .find(|alpn| !alpn.is_empty())
        .unwrap_or_default()
}

const TLS: [Column; 7] = [
    Column {
        name: "version",
        zeek: |_, said| Ok(same_version(said)),
        weir: |records| same_version(&said(records, "version")),
    },
    Column { name: "cipher", zeek: zeek_cipher, weir: cipher },
    Column { name: "server_name", zeek: same, weir: |records| said(records, "sni") },
    Column { name: "resumed", zeek: same, weir: resumed },
    Column { name: "next_protocol", zeek: same, weir: chosen_alpn },
    Column {
        name: "subject",
        zeek: |_, said| Ok(same_name(&unescaped(said))),
        weir: |records| same_name(&said(records, "subject")),
    },
    Column {
        name: "issuer",
        zeek: |_, said| Ok(same_name(&unescaped(said))),
        weir: |records| same_name(&said(records, "issuerdn")),
    },
];

// Which version of TLS it is, a version of QUIC does not say: there is one.
const QUIC: [Column; 3] = [
    Column { name: "cipher", zeek: zeek_cipher, weir: cipher },
    Column { name: "server_name", zeek: same, weir: |records| said(records, "sni") },
    Column { name: "resumed", zeek: same, weir: resumed },
];
