//! Files of given kinds of bytes.

use regex_syntax::hir::Hir;

use super::expand::expand;
use crate::random::Random;
use crate::sampler::{Alphabet, sample};
use crate::syntax::required;

const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// Of a line of base64 in mail.
const BASE64_LINE_BYTES: u32 = 76;
/// Bytes of noise between two samples of a dense file are at most so many: with a sample of usual length, there is a
/// match every 200 bytes.
const NOISE_BYTES_MAX: u32 = 300;

/// What stands between two strings of a flood. White space ends them: few values may hold it.
const BETWEEN: [&[u8]; 5] = [b" ", b"\n", b"= ", b": ", b".\n"];

/// Which bytes are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataKind {
    /// Prose with some mail headers, code and configuration.
    Text,
    /// Records of an API.
    Json,
    /// Web pages.
    Html,
    /// Lines of servers.
    Logs,
    /// Base64 in lines, as mail has it.
    Base64,
    /// Each byte alike.
    Random,
    /// Texts that rules of the packs match, between prose: about one in 200 bytes.
    Dense,
    /// Strings that matches of the packs' rules must have, and no more of them.
    Flood,
}

impl DataKind {
    /// All kinds.
    pub const ALL: [DataKind; 8] = [
        DataKind::Text,
        DataKind::Json,
        DataKind::Html,
        DataKind::Logs,
        DataKind::Base64,
        DataKind::Random,
        DataKind::Dense,
        DataKind::Flood,
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            DataKind::Text => "text",
            DataKind::Json => "json",
            DataKind::Html => "html",
            DataKind::Logs => "logs",
            DataKind::Base64 => "base64",
            DataKind::Random => "random",
            DataKind::Dense => "dense",
            DataKind::Flood => "flood",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<DataKind> {
        DataKind::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether its bytes depend on the patterns of rules.
    pub fn draws_from_patterns(self) -> bool {
        matches!(self, DataKind::Dense | DataKind::Flood)
    }

    /// So many bytes of this kind; some are drawn from patterns, and then there has to be one.
    pub fn bytes(self, length: usize, patterns: &[Hir], seed: u64) -> Vec<u8> {
        let mut random = Random::new(seed);
        let mut data = Vec::with_capacity(length + 1024);
        while data.len() < length {
            self.piece(patterns, &mut random, &mut data);
        }
        data.truncate(length);
        data
    }

    fn piece(self, patterns: &[Hir], random: &mut Random, data: &mut Vec<u8>) {
        match self {
            DataKind::Text => template(&TEXT, random, data),
            DataKind::Json => template(&JSON, random, data),
            DataKind::Html => template(&HTML, random, data),
            DataKind::Logs => template(&LOGS, random, data),
            DataKind::Base64 => {
                data.extend((0..BASE64_LINE_BYTES).map(|_| BASE64[random.below(64) as usize]));
                data.extend_from_slice(b"\r\n");
            }
            DataKind::Random => data.push(random.below(256) as u8),
            DataKind::Dense => {
                let mut noise = Vec::new();
                template(&TEXT, random, &mut noise);
                noise.truncate(random.below(NOISE_BYTES_MAX) as usize);
                data.extend_from_slice(&noise);
                data.push(b' ');
                sample(drawn(patterns, random), Alphabet::Printable, random, data);
                data.push(b' ');
            }
            DataKind::Flood => {
                flood(drawn(patterns, random), random, data);
                data.extend_from_slice(BETWEEN[random.below(BETWEEN.len() as u32) as usize]);
            }
        }
    }
}

fn drawn<'p>(patterns: &'p [Hir], random: &mut Random) -> &'p Hir {
    &patterns[random.below(patterns.len() as u32) as usize]
}

/// The longest string that a match must have, if the match needs more; otherwise the first half of a match, or less where
/// that might be one.
fn flood(pattern: &Hir, random: &mut Random, data: &mut Vec<u8>) {
    let needed = pattern.properties().minimum_len().unwrap_or(0);
    if let Some(string) = required(pattern).filter(|string| string.len() < needed) {
        data.extend_from_slice(&string);
        return;
    }
    let begin = data.len();
    sample(pattern, Alphabet::Printable, random, data);
    let half = (data.len() - begin) / 2;
    data.truncate(begin + half.min(needed.saturating_sub(1)));
}

fn template(templates: &[&str], random: &mut Random, data: &mut Vec<u8>) {
    let mut text = String::new();
    expand(templates[random.below(templates.len() as u32) as usize], random, &mut text);
    data.extend_from_slice(text.as_bytes());
}

/// Sentences first: two pieces in three are one.
const TEXT: [&str; 24] = [
    "%W %s. %W %s. ",
    "%W %s. %W %s, %s. ",
    "%W %s; %s. %W %s. ",
    "%W %s, and %s. %W %s.\n",
    "\"%W %s,\" said %W. \"%W %s!\" ",
    "%W %s (%s). %W %s. ",
    "%W %s: %s. %W %s?\n\n",
    "%W %s. %W %s. %W %s. ",
    "%W %s. In %n %s. ",
    "%W %s. %W %s - %s. ",
    "%W %s. %W %s, %w, %w and %w.\n",
    "%W %s. By %d %w %s. ",
    "%W %s. %W %s %n %w. ",
    "%W %s. %W %s. ",
    "%W %s, %s. %W %s.\n\n",
    "%W %s.\n* %W %s\n* %W %s\n* %W %s\n\n",
    "From: %W %W <%w.%w@example.org>\r\nTo: %w@example.com\r\nDate: %t\r\nMessage-ID: <%h.%n@mail.example.org>\r\nSubject: %s\r\n\r\n",
    "Received: from mx%d.example.net (%i) by mail.example.org; %t +0000\r\nX-Spam-Score: %n.%d\r\nMIME-Version: 1.0\r\n",
    "    let %w = self.%w.%w(%n, &%w)?;\n    if %w.len() > %n { return Err(%W::%W); }\n    // %s\n",
    "def %w_%w(self, %w, %w=None):\n    \"\"\"%W %s.\"\"\"\n    return self._%w.get(%w, %n) or %w\n\n",
    "static int %w_%w(struct %w *%w, size_t len)\n{\n\tfor (i = 0; i < %n; i++)\n\t\t%w[i] = 0x%h;\n\treturn 0;\n}\n",
    "[%w]\n%w = %n\n%w_%w = \"%w\"\ntimeout = %d\n# %s\nenabled = true\n",
    "export %w=%w\nhost: %w.example.net\nport: %n\npath: /usr/share/%w/%w.conf\nkey: %w\n",
    "commit %H%h\nAuthor: %W %W <%w@example.org>\nDate:   %t\n\n    %W %s\n\n",
];

const JSON: [&str; 8] = [
    "{\"id\":%n,\"name\":\"%W %W\",\"email\":\"%w.%w@example.org\",\"active\":true,\"balance\":%n.%d,\"tags\":[\"%w\",\"%w\",\"%w\"]},",
    "{\"id\":\"%h-%a\",\"created\":\"%tZ\",\"status\":\"%w\",\"items\":[{\"sku\":\"%a\",\"count\":%d,\"price\":%n.%d},{\"sku\":\"%a\",\"count\":%d,\"price\":%n}]},",
    "{\"user\":{\"id\":%n,\"login\":\"%w%n\",\"url\":\"https://api.example.org/users/%w%n\",\"site_admin\":false},\"body\":\"%W %s. %W %s.\"},",
    "{\"type\":\"%w\",\"lat\":%d.%n,\"lon\":-%d.%n,\"properties\":{\"%w\":\"%s\",\"%w\":null,\"%w\":%n}},\n",
    "{\"timestamp\":\"%tZ\",\"level\":\"info\",\"service\":\"%w\",\"message\":\"%s\",\"trace_id\":\"%H\",\"duration_ms\":%n},\n",
    "{\"key\":\"%w_%w\",\"value\":\"%a\",\"version\":%n,\"etag\":\"%H\"},",
    "{\n  \"title\": \"%W %s\",\n  \"author\": {\"first\": \"%W\", \"last\": \"%W\"},\n  \"pages\": %n,\n  \"text\": \"%s\"\n},\n",
    "{\"query\":\"%s\",\"total\":%n,\"hits\":[%n,%n,%n,%n,%n],\"next\":\"/v1/search?q=%w&page=%d\"},",
];

const HTML: [&str; 10] = [
    "<p class=\"%w-%w\">%W %s. <em>%w</em> %s. <a href=\"/%w/%w?id=%n\">%W %w</a> %s.</p>\n",
    "<div class=\"%w %w\" id=\"%w-%n\"><h2>%W %s</h2><p>%s</p></div>\n",
    "<li><a href=\"https://www.example.org/%w/%w.html\" title=\"%s\">%W %w</a> <span>%n</span></li>\n",
    "<img src=\"/static/img/%w-%h.png\" alt=\"%s\" width=\"%n\" height=\"%n\" loading=\"lazy\">\n",
    "<table><tr><td>%w</td><td>%n</td><td>%n.%d</td></tr><tr><td>%w</td><td>%n</td><td>%n.%d</td></tr></table>\n",
    "<script src=\"/assets/%w.%h.js\" defer></script>\n<link rel=\"stylesheet\" href=\"/assets/%w.%h.css\">\n",
    "<form action=\"/%w\" method=\"post\"><input type=\"hidden\" name=\"%w\" value=\"%a\"><button>%W</button></form>\n",
    "<p>%W %s. %W %s. %W %s.</p>\n<p>%W %s, %s. &nbsp;%W &amp; %W.</p>\n",
    "<!-- %s -->\n<nav><ul><li>%w</li><li>%w</li><li>%w</li></ul></nav>\n",
    "<style>.%w{margin:%dpx;padding:0 %dpx;color:#%h}.%w-%w:hover{opacity:.%d}</style>\n",
];

const LOGS: [&str; 8] = [
    "%i - - [%t +0000] \"GET /%w/%w?%w=%n HTTP/1.1\" 200 %n \"https://www.example.org/%w\" \"Mozilla/5.0 (X11; Linux x86_64)\"\n",
    "%i - %w [%t +0000] \"POST /api/v1/%w HTTP/2.0\" 201 %n \"-\" \"curl/8.8.0\"\n",
    "%t %w-%n %w[%n]: %s\n",
    "%t INFO  [%w-%n] org.example.%w.%W - %s in %n ms\n",
    "%t WARN  [%w-%n] org.example.%w.%W - %w=%a %w=%n: %s\n",
    "%t ERROR %w: connection to %i:%n refused (attempt %d): %s\n",
    "level=info ts=%tZ caller=%w.go:%n component=%w msg=\"%s\" id=%H\n",
    "%t kernel: [%n.%n] %w%d: %s mac=%d:%d:%d:%d:%d:%d\n",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn hirs(regexes: &[&str]) -> Vec<Hir> {
        let mut parser = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build();
        regexes.iter().map(|regex| parser.parse(regex).expect("a regex")).collect()
    }

    #[test]
    fn every_kind_has_its_length_and_is_the_same_every_time() {
        let patterns = hirs(&["secret-[0-9]{4}", "(?i)token=[a-z]{3}"]);
        for kind in DataKind::ALL {
            let data = kind.bytes(10_000, &patterns, 1);
            assert_eq!(data.len(), 10_000, "{kind:?}");
            assert_eq!(data, kind.bytes(10_000, &patterns, 1));
            assert_ne!(data, kind.bytes(10_000, &patterns, 2));
            assert_eq!(DataKind::from_name(kind.as_str()), Some(kind));
        }
    }

    #[test]
    fn a_dense_file_matches_every_200_bytes_and_a_flood_never() {
        let patterns = hirs(&["secret-[0-9]{4}", "(?i)token=[a-z]{3}", "literal"]);
        let regex = regex_automata::meta::Builder::new().build_many_from_hir(&patterns).expect("regexes");
        let dense = DataKind::Dense.bytes(100_000, &patterns, 1);
        assert!((300..900).contains(&regex.find_iter(&dense).count()));
        let flood = DataKind::Flood.bytes(100_000, &patterns, 1);
        assert_eq!(regex.find_iter(&flood).count(), 0);
        assert!(flood.windows(7).any(|window| window == b"secret-"));
    }
}
