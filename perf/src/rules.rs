//! Packs said in Suricata's rule language, with equal meaning as far as that language goes.
//!
//! A regex becomes a `pcre`, and beside it a `content` of the longest string that each match must hold, as a
//! rule writer would add for the prefilter; a literal becomes a `content`, each a rule of its own. What a
//! match has to pass beyond its pattern (a Luhn sum) has no word there: those rules do less work and alert
//! at least as often. Combinations and counts would mean something else there, so they are left out, and the
//! file names them.

use std::fmt::Write;

use bench::syntax::required;
use dlp_patterns::{Direction, Field, Pack, Pattern, Signature};
use regex_syntax::hir::Hir;

/// A rules file, and how many rules it holds.
pub(crate) fn suricata_rules(packs: &[Pack]) -> (String, usize) {
    let mut text = String::new();
    let mut count = 0;
    for signature in packs.iter().flat_map(Pack::signatures) {
        if !matches!(signature.parts(), [only] if only.count() == 1) {
            writeln!(text, "# left out, a combination: {} {}", signature.id(), plain_name(signature))
                .expect("a string takes everything");
            continue;
        }
        for field in signature.fields() {
            for direction in signature.directions().filter(|direction| travels(*field, *direction)) {
                for matcher in matchers(signature) {
                    count += 1;
                    writeln!(text, "{}", rule(signature, *field, direction, &matcher, count))
                        .expect("a string takes everything");
                }
            }
        }
    }
    (text, count)
}

/// Whether a field can occur in a direction of the workload, which is HTTP and what is of no protocol.
fn travels(field: Field, direction: Direction) -> bool {
    match field {
        Field::HttpUri | Field::HttpRequestBody => direction == Direction::ToServer,
        Field::HttpResponseBody => direction == Direction::ToClient,
        Field::HttpHeaders | Field::Payload => true,
        _ => false,
    }
}

fn rule(signature: &Signature, field: Field, direction: Direction, matcher: &str, sid: usize) -> String {
    let (protocol, buffer) = match field {
        Field::HttpUri => ("http", "http.uri; "),
        Field::HttpHeaders => ("http", "http.header; "),
        Field::HttpRequestBody => ("http", "http.request_body; "),
        Field::HttpResponseBody => ("http", "file.data; "),
        // What the workload has none of.
        _ => ("tcp", ""),
    };
    // Payload is what no parser claims.
    let unclaimed = if field == Field::Payload { "app-layer-protocol:!http; " } else { "" };
    let way = direction.as_str();
    let name = plain_name(signature);
    format!(
        "alert {protocol} any any -> any any (msg:\"{name} {}\"; flow:established,{way}; {unclaimed}{buffer}{matcher} \
         metadata:id {}; sid:{sid}; rev:1;)",
        field.as_str(),
        signature.id(),
    )
}

/// The name without what could end an option, a rule or a line.
fn plain_name(signature: &Signature) -> String {
    signature.name().chars().filter(|c| !c.is_control() && !";\":\\()".contains(*c)).collect()
}

/// The ways to say the pattern of a signature; any of them matches where it does.
fn matchers(signature: &Signature) -> Vec<String> {
    let nocase = if signature.is_nocase() { "nocase; " } else { "" };
    match (signature.pattern(), signature.not_after()) {
        (Pattern::Literals(literals), None) => literals
            .iter()
            .map(|literal| format!("content:\"{}\"; {nocase}", content(literal.as_bytes())))
            .collect(),
        (Pattern::Literals(literals), Some(class)) => literals
            .iter()
            .map(|literal| {
                let regex = regex_syntax::escape(literal);
                let quoted = content(literal.as_bytes());
                format!("content:\"{quoted}\"; {nocase}{}", pcre(&regex, signature, Some(class)))
            })
            .collect(),
        (Pattern::Regex(regex), not_after) => {
            let prefilter = parse(regex, false)
                .and_then(|pattern| required(&pattern))
                .map(|literal| format!("content:\"{}\"; nocase; ", content(&literal)))
                .unwrap_or_default();
            vec![format!("{prefilter}{}", pcre(regex, signature, not_after))]
        }
    }
}

/// Bytes as `content` writes them: all that is no letter or digit between bars.
fn content(bytes: &[u8]) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric();
    let hex = |byte: &u8| format!("|{byte:02x}|");
    bytes.iter().map(|byte| if plain(byte) { char::from(*byte).to_string() } else { hex(byte) }).collect()
}

/// A `pcre` of the regex, without flags, comments and classes that only Rust's syntax has.
fn pcre(regex: &str, signature: &Signature, not_after: Option<&str>) -> String {
    let behind = not_after.map_or(String::new(), |class| format!("(?<!{class})"));
    let plain = parse(regex, signature.is_nocase()).map_or_else(|| regex.to_owned(), |hir| hir.to_string());
    let plain = plain.replace("(?-u:", "(?:").replace("(?i-u:", "(?i:");
    let mut quoted = String::new();
    for c in format!("{behind}(?:{plain})").chars() {
        match c {
            // These end a rule's option, its string, the expression or the line, wherever they stand.
            ';' | '"' | '/' | '\n' | '\r' | '\t' => {
                write!(quoted, "\\x{:02x}", u32::from(c)).expect("a string takes everything");
            }
            _ => quoted.push(c),
        }
    }
    format!("pcre:\"/{quoted}/s\"; ")
}

/// Reads a regex as the packs mean it: over bytes.
fn parse(regex: &str, nocase: bool) -> Option<Hir> {
    let mut parser = regex_syntax::ParserBuilder::new();
    parser.unicode(false).utf8(false).case_insensitive(nocase).build().parse(regex).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_and_expressions_cannot_end_their_rule() {
        assert_eq!(content(b"a;\"b"), "a|3b||22|b");
        let packs = dlp_patterns::default_packs();
        let (text, count) = suricata_rules(&packs);
        assert!(count >= packs.iter().map(|pack| pack.signatures().len()).sum::<usize>());
        let rules: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(rules.len(), count);
        for line in rules {
            assert_eq!(line.matches('"').count() % 2, 0, "{line}");
            let inside = line.split('"').skip(1).step_by(2);
            assert!(inside.clone().all(|quoted| !quoted.contains(';')), "{line}");
        }
    }
    #[test]
    fn combinations_are_left_out_by_name() {
        let rule = |id: u32, keys: &str| {
            format!(
                "[[rule]]\nid = {id}\nname = 'n\"{id}'\naction = 'alert'\nseverity = 1\ncategory = 'c'\n\
                 fields = ['http.uri']\nmask = 'none'\n{keys}\nexamples = {{ positive = ['x'], negative = ['y'] }}\n"
            )
        };
        let head = "[pack]\nname = 'p'\nversion = '1'\ndescription = 'd'\n";
        let simple = rule(1, "literals = ['abc']");
        let rest =
            rule(2, "literals = ['abc']\ncount = 2") + &rule(3, "any = [{ regex = 'a' }, { regex = 'b' }]");
        let pack = Pack::parse("p.toml", &format!("{head}{simple}{rest}")).expect("it is right");
        let (text, count) = suricata_rules(&[pack]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((count, lines.len()), (1, 3));
        assert!(lines[0].starts_with("alert http "));
        assert_eq!(lines[1..], ["# left out, a combination: 2 n2", "# left out, a combination: 3 n3"]);
    }
}
