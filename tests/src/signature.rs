//! [`Signature`]: a rule in Suricata's language, said in that of packs where it has words for it.
//!
//! It has for bytes in one buffer, at places of it and behind each other. It has none for negated contents, several buffers,
//! state between packets, and the protocols that Weir does not read.

use std::fmt::Write as _;

use serde_json::Value;

/// Buffers and the fields that hold the same bytes; raw bytes may stand anywhere.
const BUFFERS: [(&str, &str); 9] = [
    ("http.uri", "'http.uri'"),
    ("http_uri", "'http.uri'"),
    ("http.header", "'http.headers'"),
    ("http_header", "'http.headers'"),
    ("http.request_body", "'http.request.body'"),
    ("http_client_body", "'http.request.body'"),
    ("http.response_body", "'http.response.body'"),
    ("file_data", "'http.request.body', 'http.response.body'"),
    ("file.data", "'http.request.body', 'http.response.body'"),
];
const RAW: &str = "'payload', 'http.uri', 'http.headers', 'http.request.body', 'http.response.body'";

/// Options that do not change what matches.
const IDLE: [&str; 10] =
    ["msg", "sid", "rev", "gid", "classtype", "metadata", "reference", "priority", "fast_pattern", "target"];

/// A rule, as far as it was understood.
#[derive(Clone, Debug)]
pub struct Signature {
    /// Its number; 0 where it has none.
    pub id: u32,
    /// What it asks for: `alert`, `drop`, `pass`, …
    pub action: String,
    /// Whether it speaks of HTTP.
    pub is_of_http: bool,
    /// The rule in a pack, or why there is none.
    pub text: Result<String, &'static str>,
    /// Source address and port, destination address and port: of a match, where the rule names them.
    ends: [String; 4],
}

/// A content and its place.
#[derive(Debug, Default)]
struct Content {
    regex: String,
    bytes: usize,
    buffer: Option<&'static str>,
    offset: Option<usize>,
    depth: Option<usize>,
    distance: Option<usize>,
    within: Option<usize>,
}

/// The rules of a file, without those that are commented out.
pub fn signatures(file: &str) -> Vec<Signature> {
    let joined = file.replace("\\\n", " ");
    let lines = joined.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(Signature::read).collect()
}

impl Signature {
    fn read(line: &str) -> Signature {
        let (head, body) = line.split_once('(').unwrap_or((line, ""));
        let head: Vec<&str> = head.split_whitespace().collect();
        let options = options(body.trim_end().trim_end_matches(')'));
        let of =
            |name: &str| options.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let end = |at: usize| head.get(at).copied().unwrap_or_default().to_owned();
        let id = of("sid").and_then(|id| id.parse().ok()).unwrap_or(0);
        let action = end(0);
        let mut signature = Signature {
            id,
            is_of_http: end(1).starts_with("http")
                || options.iter().any(|(name, _)| BUFFERS.iter().any(|(buffer, _)| buffer == name)),
            text: Err("a rule that could not be read"),
            ends: [end(2), end(3), end(5), end(6)],
            action,
        };
        signature.text = signature.translate(&head, &options);
        signature
    }

    fn translate(&self, head: &[&str], options: &[(String, String)]) -> Result<String, &'static str> {
        let (action, of_protocol) = match head {
            ["alert", of_protocol, _, _, "->", _, _] => ("alert", *of_protocol),
            ["drop", of_protocol, _, _, "->", _, _] => ("drop", *of_protocol),
            ["reject", of_protocol, _, _, "->", _, _] => ("reset", *of_protocol),
            _ => return Err("rules with another action or direction"),
        };
        if !["tcp", "udp", "ip", "http", "http1", "tcp-stream"].contains(&of_protocol) {
            return Err("rules of protocols that Weir does not read, or of single packets");
        }
        let is_any = |end: &String| end == "any" || end.starts_with('$') || is_literal(end);
        if !self.ends.iter().all(is_any) {
            return Err("rules with lists of addresses or ports");
        }
        let direction = direction(options)?;
        let contents = contents(options)?;
        let buffer = contents.first().ok_or("rules without a content")?.buffer;
        if contents.iter().any(|content| content.buffer != buffer) {
            return Err("rules that look into several buffers");
        }
        if buffer.is_none() && of_protocol != "udp" && contents.iter().any(Content::has_place) {
            return Err("rules with places in packets of TCP");
        }
        let parts = parts(&contents)?;
        let mut text = format!("[[rule]]\nid = {}\nname = 'n'\naction = '{action}'\nseverity = 1\n", self.id);
        let fields = if of_protocol == "udp" { "'payload'" } else { buffer.unwrap_or(RAW) };
        let _ = write!(text, "category = 'c'\nmask = 'none'\nfields = [{fields}]\n{direction}");
        let listed: Vec<String> = parts.iter().map(|part| format!("{{ regex = '''{part}''' }}")).collect();
        let _ = match &parts[..] {
            [part] => writeln!(text, "regex = '''{part}'''"),
            _ => writeln!(text, "all = [{}]", listed.join(", ")),
        };
        text.push_str("examples = { positive = ['x'], negative = ['y'] }\n");
        Ok(text)
    }

    /// Whether an alert is between the ends that the rule names.
    pub fn is_of(&self, alert: &Value) -> bool {
        let told = ["src_ip", "src_port", "dest_ip", "dest_port"].map(|key| &alert[key]);
        self.ends.iter().zip(told).all(|(end, told)| {
            !is_literal(end)
                || told.as_str() == Some(end)
                || told.as_u64().is_some_and(|port| port.to_string() == *end)
        })
    }
}

/// One address or one port.
fn is_literal(end: &str) -> bool {
    end.parse::<u16>().is_ok() || end.parse::<std::net::IpAddr>().is_ok()
}

/// `name: value` each; a value may be quoted.
fn options(body: &str) -> Vec<(String, String)> {
    let mut options = vec![String::new()];
    let (mut is_quoted, mut is_escaped) = (false, false);
    for letter in body.chars() {
        if letter == ';' && !is_quoted && !is_escaped {
            options.push(String::new());
            continue;
        }
        is_quoted ^= letter == '"' && !is_escaped;
        is_escaped = letter == '\\' && !is_escaped;
        options.last_mut().expect("there is one").push(letter);
    }
    let split = |option: &String| {
        let (name, value) = option.split_once(':').unwrap_or((option, ""));
        (name.trim().to_owned(), value.trim().to_owned())
    };
    options.iter().map(split).filter(|(name, _)| !name.is_empty()).collect()
}

fn direction(options: &[(String, String)]) -> Result<&'static str, &'static str> {
    let mut direction = "";
    let flow = options.iter().filter(|(name, _)| name == "flow");
    for word in flow.flat_map(|(_, value)| value.split(',')) {
        match word.trim() {
            "to_server" | "from_client" => direction = "direction = 'to_server'\n",
            "to_client" | "from_server" => direction = "direction = 'to_client'\n",
            "established" | "only_stream" => {}
            _ => return Err("rules about states of a flow"),
        }
    }
    Ok(direction)
}

fn contents(options: &[(String, String)]) -> Result<Vec<Content>, &'static str> {
    let mut contents: Vec<Content> = Vec::new();
    let mut sticky = None;
    for (name, value) in options.iter().filter(|(name, _)| !IDLE.contains(&name.as_str()) && name != "flow") {
        let number = || {
            value.parse::<usize>().map_err(|_| "rules with places that other bytes tell, or before others")
        };
        if name == "content" {
            contents.push(Content { buffer: sticky, ..Content::read(value)? });
            continue;
        }
        let buffer = BUFFERS.iter().find(|(buffer, _)| buffer == name).map(|(_, fields)| *fields);
        // The older names, but for one, stand behind the content that they are about.
        let is_behind = name.contains('_') && !name.contains('.') && name != "file_data";
        match (buffer, contents.last_mut()) {
            (Some(_), Some(last)) if is_behind => last.buffer = buffer,
            (Some(_), _) => sticky = buffer,
            (None, Some(last)) => match name.as_str() {
                "nocase" => last.regex = format!("(?i:{})", last.regex),
                "offset" => last.offset = Some(number()?),
                "depth" => last.depth = Some(number()?),
                "startswith" => last.depth = Some(last.bytes),
                "distance" => last.distance = Some(number()?),
                "within" => last.within = Some(number()?),
                _ => return Err("rules with options that packs have no word for"),
            },
            (None, None) => return Err("rules with options that packs have no word for"),
        }
    }
    Ok(contents)
}

impl Content {
    /// Text, in which `|` surrounds bytes in hexadecimal.
    fn read(value: &str) -> Result<Content, &'static str> {
        if value.starts_with('!') {
            return Err("rules about what is absent");
        }
        let quoted = value.split_once('"').and_then(|(_, rest)| rest.rsplit_once('"'));
        let (text, behind) = quoted.ok_or("a rule that could not be read")?;
        if !behind.is_empty() {
            return Err("rules with options that packs have no word for");
        }
        let mut bytes = Vec::new();
        for (place, part) in text.split('|').enumerate() {
            if place % 2 == 1 {
                let digits: Vec<u8> = part.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
                for pair in digits.chunks(2) {
                    let pair = std::str::from_utf8(pair).unwrap_or_default();
                    bytes.push(u8::from_str_radix(pair, 16).map_err(|_| "a rule that could not be read")?);
                }
                continue;
            }
            let mut letters = part.bytes();
            while let Some(letter) = letters.next() {
                bytes.push(if letter == b'\\' { letters.next().unwrap_or(letter) } else { letter });
            }
        }
        let mut regex = String::new();
        for byte in &bytes {
            let _ = match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => write!(regex, "{}", *byte as char),
                _ => write!(regex, "\\x{byte:02x}"),
            };
        }
        Ok(Content { regex, bytes: bytes.len(), ..Content::default() })
    }

    fn has_place(&self) -> bool {
        self.offset.is_some() || self.depth.is_some()
    }

    fn is_relative(&self) -> bool {
        self.distance.is_some() || self.within.is_some()
    }
}

/// Contents that stand behind each other are one part.
fn parts(contents: &[Content]) -> Result<Vec<String>, &'static str> {
    let gap = |least: usize, window: Option<usize>, bytes: usize| match window {
        None => Ok(format!("(?s:.{{{least},}})")),
        Some(window) => {
            let most = (least + window).checked_sub(bytes).ok_or("a rule that could not be read")?;
            Ok(format!("(?s:.{{{least},{most}}})"))
        }
    };
    let mut parts: Vec<String> = Vec::new();
    for content in contents {
        match parts.last_mut() {
            Some(part) if content.is_relative() => {
                part.push_str(&gap(content.distance.unwrap_or(0), content.within, content.bytes)?);
                part.push_str(&content.regex);
            }
            _ if content.has_place() => {
                let before = gap(content.offset.unwrap_or(0), content.depth, content.bytes)?;
                parts.push(format!("^{before}{}", content.regex));
            }
            _ => parts.push(content.regex.clone()),
        }
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use dlp_patterns::{Direction, Field, Pack, RuleSet, ScanState};

    use super::*;

    fn hits(rule: &str, field: Field, bytes: &[u8]) -> bool {
        let text = signatures(rule)[0].text.clone().expect("packs have words for it");
        let pack = format!("[pack]\nname = 'p'\nversion = '1'\ndescription = 'd'\n{text}");
        let rules = RuleSet::compile(&[Pack::parse("p.toml", &pack).expect("right")]).expect("it compiles");
        let (mut state, mut hits) = (ScanState::default(), Vec::new());
        rules.begin(&mut state, field, Direction::ToServer);
        rules.scan(&mut state, bytes, &mut hits).expect("few candidates");
        rules.finish(&mut state, &mut hits);
        !hits.is_empty()
    }

    #[test]
    fn contents_are_found_at_their_places() {
        let rule = r#"alert udp any any -> any any (msg:"a; b"; content:"a|3b 00|"; depth:4; content:"C\;"; nocase; distance:1; within:3; sid:7;)"#;
        for (bytes, expected) in [
            (&b"xa;\0.c;"[..], true),
            (b"xxa;\0.c;", false),
            (b"a;\0c;", false),
            (b"a;\0..c;", true),
            (b"a;\0...c;", false),
        ] {
            assert_eq!(hits(rule, Field::Payload, bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn buffers_are_named_before_or_behind() {
        let behind = r#"drop http any any -> any any (content:"a"; http_uri; content:"b"; http_uri; sid:1;)"#;
        let before = r#"drop http any any -> any any (http.uri; content:"a"; content:"b"; sid:1;)"#;
        for rule in [behind, before] {
            assert!(hits(rule, Field::HttpUri, b"/b/a") && !hits(rule, Field::HttpUri, b"/b"));
            assert!(!hits(rule, Field::Payload, b"/b/a"));
        }
    }

    #[test]
    fn what_packs_have_no_word_for_is_not_guessed() {
        for options in [
            "content:!\"a\";",
            "content:\"a\"; isdataat:1;",
            "content:\"a\"; offset:2;",
            "flowbits:set,a; content:\"a\";",
            "http.uri; content:\"a\"; file_data; content:\"b\";",
            "dsize:1;",
        ] {
            let rule = format!("alert tcp any any -> any any ({options} sid:1;)");
            assert!(signatures(&rule)[0].text.is_err(), "{options}");
        }
        assert!(signatures("alert dns any any -> any any (content:\"a\"; sid:1;)")[0].text.is_err());
        assert!(signatures("pass tcp any any -> any any (content:\"a\"; sid:1;)")[0].text.is_err());
    }

    #[test]
    fn ends_that_a_rule_names_are_those_of_its_alerts() {
        let rule = "alert tcp any any -> 10.0.0.1 80 (content:\"a\"; sid:1;)";
        let alert =
            |port: u16| serde_json::json!({ "src_ip": "10.0.0.9", "dest_ip": "10.0.0.1", "dest_port": port });
        assert!(signatures(rule)[0].is_of(&alert(80)) && !signatures(rule)[0].is_of(&alert(81)));
    }
}
