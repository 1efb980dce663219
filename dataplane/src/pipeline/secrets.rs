//! The matches that alerts mask, as long as an `http` event may still repeat them: no other event of a flow shows in
//! full what its alerts do not.

use dlp_patterns::{Field, Mask, Rule};
use memchr::memmem;

use crate::app::{HttpTransaction, Record};
use crate::inspect::Finding;
use crate::limits::{FILE_NAME_BYTES_MAX, HTTP_LOGGED_BYTES_MAX, HTTP_SECRETS_MAX};

/// Bytes of a match that tell something of it, and are not in a text by chance.
const TELLING_BYTES: usize = 4;

/// Stands for a text of which nothing may be shown.
const WITHHELD: &[u8] = b"*";

/// The masked matches in what events may repeat of the transactions under way. One more than
/// [`HTTP_SECRETS_MAX`] says that there were too many to know them all. Few flows have any: those alone take room.
#[derive(Debug, Default)]
pub(super) struct Secrets(Option<Box<List>>);

#[derive(Debug, Default)]
struct List(Vec<Secret>);

#[derive(Debug, PartialEq, Eq)]
struct Secret {
    /// The last bytes of the match, most often all of it.
    excerpt: Vec<u8>,
    /// Bytes of the match before its excerpt.
    hidden_bytes: usize,
    /// What alerts show of it.
    shown: Vec<u8>,
    /// Whether it is in the part of the request target that events repeat. It was found in the decoded target.
    is_in_url: bool,
}

impl Secrets {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// No transaction is under way.
    pub(super) fn clear(&mut self) {
        self.0 = None;
    }

    fn known(&self) -> &[Secret] {
        self.0.as_ref().map_or(&[], |list| &list.0)
    }

    /// Findings that nobody can list: no text may be shown.
    pub(super) fn withhold_all(&mut self) {
        let secrets = &mut self.0.get_or_insert_default().0;
        while secrets.len() <= HTTP_SECRETS_MAX {
            secrets.push(Secret { excerpt: Vec::new(), hidden_bytes: 0, shown: Vec::new(), is_in_url: true });
        }
    }

    /// Remembers a finding that is masked and that an event of a transaction may repeat: none repeats a body.
    pub(super) fn note(&mut self, rule: &Rule, finding: &Finding) {
        let is_repeated = !matches!(finding.field, Field::HttpRequestBody | Field::HttpResponseBody);
        if !is_repeated || rule.mask() == Mask::None || self.known().len() > HTTP_SECRETS_MAX {
            return;
        }
        let hit = &finding.hit;
        let match_bytes = usize::try_from(hit.end - hit.start).unwrap_or(usize::MAX);
        let secret = Secret {
            excerpt: hit.excerpt.to_vec(),
            hidden_bytes: match_bytes.saturating_sub(hit.excerpt.len()),
            shown: rule.masked(hit).into_bytes(),
            // Decoding only shortens: what begins behind the cap there is not in front of it on the wire.
            is_in_url: finding.field == Field::HttpUri && hit.start < HTTP_LOGGED_BYTES_MAX as u64,
        };
        let secrets = &mut self.0.get_or_insert_default().0;
        if !secrets.contains(&secret) {
            secrets.push(secret);
        }
    }

    /// The transaction as it may be shown.
    pub(super) fn conceal(&self, transaction: &HttpTransaction) -> HttpTransaction {
        let mut shown = transaction.clone();
        let HttpTransaction {
            url,
            host,
            user_agent,
            referer,
            content_type,
            redirect,
            files,
            inner_files,
            http2,
            ..
        } = &mut shown;
        let inner = inner_files.iter_mut().map(|(_, file)| file);
        let mut names: Vec<_> = files.iter_mut().chain(inner).map(|file| &mut file.name).collect();
        if self.known().len() > HTTP_SECRETS_MAX {
            let headers = http2.iter_mut().flat_map(|stream| &mut stream.headers);
            let texts = [url, host, user_agent, referer, content_type, redirect];
            texts.into_iter().chain(names).chain(headers).for_each(withhold);
            return shown;
        }
        if let Some(stream) = http2 {
            self.conceal_headers(&mut stream.headers, url);
        }
        for secret in self.known() {
            let is_found = secret.conceal(url);
            if secret.is_in_url && !is_found {
                // It is there in another spelling, such as `%34111…`.
                withhold(url);
            }
            for text in [&mut *host, user_agent, referer, content_type, redirect] {
                secret.conceal(text);
            }
            for name in &mut names {
                let is_cut = name.len() >= FILE_NAME_BYTES_MAX;
                secret.conceal_in(name, is_cut);
            }
        }
        shown
    }

    /// Header lists as they may be shown, with the target that the first one repeats. What was found somewhere, and is not in
    /// them, may be there in another spelling.
    fn conceal_headers(&self, headers: &mut [Vec<u8>; 2], url: &[u8]) {
        for secret in self.known() {
            let is_spelled_here = !secret.is_in_url || secret.conceal(&mut url.to_vec());
            let is_found = headers.iter_mut().fold(false, |is_found, text| secret.conceal(text) | is_found);
            if !is_found || !is_spelled_here {
                headers.iter_mut().for_each(withhold);
            }
        }
    }

    /// The record as it may be shown.
    pub(super) fn conceal_record(&self, record: &Record) -> Record {
        let is_known = self.known().len() <= HTTP_SECRETS_MAX;
        record.map_texts(|text| match is_known {
            true => self.known().iter().for_each(|secret| {
                secret.conceal_in(text, record.is_cut());
            }),
            false => withhold(text),
        })
    }
}

impl Secret {
    /// Puts what may be shown in the place of every occurrence in a text; says whether there was one.
    fn conceal(&self, text: &mut Vec<u8>) -> bool {
        let is_cut = text.len() >= HTTP_LOGGED_BYTES_MAX;
        self.conceal_in(text, is_cut)
    }

    /// The same, in a text that may go on behind its end.
    fn conceal_in(&self, text: &mut Vec<u8>, is_cut: bool) -> bool {
        if text.is_empty() || self.excerpt.is_empty() {
            return false;
        }
        let is_found = self.conceal_value(text, is_cut) | self.conceal_whole(text);
        if is_cut {
            // Of an occurrence across the cut, all but its last byte may stand before it.
            let begin = text.len().saturating_sub(self.hidden_bytes + self.excerpt.len() - 1);
            text[begin..].fill(b'*');
        }
        is_found
    }

    /// A match that lies within the text.
    fn conceal_whole(&self, text: &mut Vec<u8>) -> bool {
        let mut shown = Vec::new();
        let mut told = 0;
        for at in memmem::find_iter(text, &self.excerpt) {
            let begin = at.saturating_sub(self.hidden_bytes).max(told);
            shown.extend_from_slice(&text[told..begin]);
            shown.extend_from_slice(&self.shown);
            told = at + self.excerpt.len();
        }
        if told == 0 {
            return false;
        }
        shown.extend_from_slice(&text[told..]);
        *text = shown;
        true
    }

    /// A match that begins in front of the text, in the name of its header, or goes beyond it.
    fn conceal_value(&self, text: &mut Vec<u8>, is_cut: bool) -> bool {
        let colon = memchr::memchr(b':', &self.excerpt).map_or(0, |at| at + 1);
        let value = self.excerpt[colon..].trim_ascii_start();
        let is_within = colon > 0 && !value.is_empty() && text.starts_with(value);
        if is_within
            || self.is_parted_by(text, is_cut)
            || memmem::find(&self.excerpt, text).is_some_and(|_| *text != self.excerpt)
        {
            withhold(text);
            return true;
        }
        false
    }

    /// Whether a text that does not have the whole match begins with its end, or ends with its begin; of a text that was
    /// cut, another look at its end follows.
    fn is_parted_by(&self, text: &[u8], is_cut: bool) -> bool {
        let excerpt = self.excerpt.as_slice();
        let is_parted_at = |bytes: usize| {
            let (begin, end) = (excerpt.get(..bytes), excerpt.get(excerpt.len() - bytes..));
            end.is_some_and(|end| text.starts_with(end))
                || !is_cut && begin.is_some_and(|begin| text.ends_with(begin))
        };
        let mut parts = TELLING_BYTES..excerpt.len().min(text.len() + 1);
        memmem::find(text, excerpt).is_none() && parts.any(is_parted_at)
    }
}

fn withhold(text: &mut Vec<u8>) {
    if !text.is_empty() {
        *text = WITHHELD.to_vec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{AppProtocol, Value};

    fn secret(excerpt: &[u8], hidden_bytes: usize) -> Secret {
        Secret { excerpt: excerpt.to_vec(), hidden_bytes, shown: b"#".to_vec(), is_in_url: true }
    }

    fn concealed(excerpt: &[u8], hidden_bytes: usize, text: &[u8]) -> Vec<u8> {
        let mut text = text.to_vec();
        secret(excerpt, hidden_bytes).conceal(&mut text);
        text
    }

    #[test]
    fn header_lists_of_http2_show_no_secret() {
        let shown = |excerpt: &[u8], is_in_url, headers: [&[u8]; 2], url: &[u8]| {
            let secrets = Secrets(Some(Box::new(List(vec![Secret { is_in_url, ..secret(excerpt, 0) }]))));
            let stream =
                crate::app::Http2Stream { headers: headers.map(<[u8]>::to_vec), ..Default::default() };
            let url = url.to_vec();
            let told =
                secrets.conceal(&HttpTransaction { url, http2: Some(stream), ..HttpTransaction::default() });
            told.http2.expect("it is of HTTP/2").headers
        };
        let lists = [&b"cookie: key\r\n"[..], b":status: 200\r\n"];
        assert_eq!(shown(b"key", false, lists, b"/"), [&b"cookie: #\r\n"[..], lists[1]]);
        assert_eq!(shown(b"other", false, lists, b"/"), [b"*"; 2], "it is spelled otherwise");
        let lists = [&b":path: /k%65y\r\nx: key\r\n"[..], b""];
        assert_eq!(shown(b"key", true, lists, b"/k%65y"), [&b"*"[..], b""], "and so is this");
    }

    #[test]
    fn every_occurrence_is_concealed() {
        assert_eq!(concealed(b"key", 0, b"a key, a key"), b"a #, a #");
        assert_eq!(concealed(b"key", 0, b"key"), b"#");
        assert_eq!(concealed(b"key", 0, b"none"), b"none");
        assert_eq!(concealed(b"key", 2, b"a longkey."), b"a lo#.", "with what the excerpt lacks");
        assert_eq!(concealed(b"key", 100, b"keykey."), b"##.", "no byte is told twice");
        assert_eq!(concealed(b"Referer: key", 0, b"key/1"), WITHHELD, "from the header's name on");
        assert_eq!(concealed(b"Referer: key\r\nA: ", 0, b"key"), WITHHELD, "and beyond the value");
    }

    /// What a record tells is cut out of the payload, in which the match was found.
    #[test]
    fn a_match_that_goes_beyond_the_text_shows_no_part_of_itself() {
        assert_eq!(concealed(b"-token_abcdef", 0, b"token_abcdef_1.0"), WITHHELD, "it begins in front");
        assert_eq!(concealed(b"token_abcdef\r\nx", 0, b"1.0_token_abcdef"), WITHHELD, "it ends behind");
        assert_eq!(concealed(b"key", 0, b"yes"), b"yes", "a letter is no secret");
    }

    #[test]
    fn what_was_cut_shows_no_part_of_a_secret() {
        let mut text = vec![b'.'; HTTP_LOGGED_BYTES_MAX - 6];
        text.extend(b"secret");
        let shown = concealed(b"secret-that-goes-on", 0, &text);
        assert_eq!(shown.len(), text.len());
        assert!(shown.ends_with(b".******************"), "eighteen bytes may be the begin of the nineteen");
    }

    /// A match of 203 bytes, of which alerts know the last three: the record tells the begin of its line alone.
    #[test]
    fn a_line_that_was_cut_shows_no_part_of_a_secret() {
        let secrets = Secrets(Some(Box::new(List(vec![secret(b"end", 200)]))));
        let shown = |is_cut: bool| {
            let mut record = Record::default();
            record.begin(AppProtocol::Ftp, 0);
            record.text("command_data", &[[b'.'; 50], [b's'; 50]].concat());
            if is_cut {
                record.cut();
            }
            secrets.conceal_record(&record).find("command_data").map(|shown| match shown {
                Value::Text(text) => text.contains(&b's'),
                _ => panic!("it is a text"),
            })
        };
        assert_eq!((shown(false), shown(true)), (Some(true), Some(false)));
    }

    #[test]
    fn the_name_of_a_file_that_was_cut_shows_no_part_of_a_secret() {
        let mut of = HttpTransaction::default();
        of.files[0].name = [vec![b'.'; FILE_NAME_BYTES_MAX - 6], b"secret".to_vec()].concat();
        let shown = Secrets(Some(Box::new(List(vec![secret(b"secret-that-goes-on", 0)])))).conceal(&of);
        assert_eq!(shown.files[0].name.len(), FILE_NAME_BYTES_MAX);
        assert!(shown.files[0].name.ends_with(b".******************"));
    }

    #[test]
    fn with_too_many_secrets_no_text_is_shown() {
        let mut secrets = Secrets::default();
        secrets.withhold_all();
        let [url, host] = [b"/path".to_vec(), b"www.example".to_vec()];
        let told = secrets.conceal(&HttpTransaction { url, host, status: 200, ..HttpTransaction::default() });
        assert_eq!((told.url.as_slice(), told.host.as_slice(), told.status), (WITHHELD, WITHHELD, 200));
        assert!(told.referer.is_empty(), "what was absent stays so");
        secrets.clear();
        assert!(secrets.is_empty());
    }
}
