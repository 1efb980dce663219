//! The addresses of the web in the texts of a mail, as they come.

use memchr::memmem;

use crate::app::Record;
use crate::limits::{MAIL_URLS_TOLD_MAX, RECORD_TEXT_BYTES_MAX};

/// What they begin with.
const SCHEMES: [&[u8]; 3] = [b"http://", b"https://", b"ftp://"];

/// Addresses so far, and the begin of what may be one more.
#[derive(Debug, Default)]
pub(in crate::app) struct Urls {
    found: Vec<Vec<u8>>,
    /// What no byte that ends an address stands in; the rest of one that is too long is left out.
    word: Vec<u8>,
    is_word_cut: bool,
    /// Whether one of those that were found goes on.
    is_cut: bool,
}

impl Urls {
    /// The next bytes of a text.
    pub(super) fn data(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| is_end(*byte)) {
            let (word, is_ended) = match piece.split_last() {
                Some((last, word)) if is_end(*last) => (word, true),
                _ => (piece, false),
            };
            let room = RECORD_TEXT_BYTES_MAX - self.word.len();
            self.word.extend_from_slice(word.get(..room).unwrap_or(word));
            self.is_word_cut |= word.len() > room;
            if is_ended {
                self.end();
            }
        }
    }

    /// The text, or a word of it, is over.
    pub(super) fn end(&mut self) {
        if self.found.len() < MAIL_URLS_TOLD_MAX
            && let Some(url) = url_in(&self.word)
        {
            self.found.push(url.to_vec());
            self.is_cut |= self.is_word_cut;
        }
        self.word.clear();
        self.is_word_cut = false;
    }

    /// Memory that they hold, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.found.iter().chain([&self.word]).map(Vec::capacity).sum()
    }

    pub(super) fn tell(&self, record: &mut Record) {
        if !self.found.is_empty() {
            record.list("url", |record| self.found.iter().for_each(|url| record.text("", url)));
        }
        if self.is_cut {
            record.cut();
        }
    }
}

/// RFC 3986 §2, appendix C: spaces, line ends, quotes and angle brackets stand around an address.
fn is_end(byte: u8) -> bool {
    byte <= b' ' || matches!(byte, b'"' | b'<' | b'>' | b'\'' | 0x7f)
}

/// The address that a word ends with.
fn url_in(word: &[u8]) -> Option<&[u8]> {
    let colon = memmem::find(word, b"://")?;
    let begins = SCHEMES.iter().filter_map(|scheme| {
        let begin = (colon + 3).checked_sub(scheme.len())?;
        word.get(begin..colon + 3).filter(|found| found.eq_ignore_ascii_case(scheme)).map(|_| begin)
    });
    // More must follow than the scheme.
    word.get(begins.min()?..).filter(|_| word.len() > colon + 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_however_a_text_is_cut() {
        let text = b"see (http://a.example/b?c) or <A href=\"HTTPS://d.example\">, ftp://e, nohttp:// gopher://f \nhttp://g";
        for piece_bytes in [1, 3, text.len()] {
            let mut urls = Urls::default();
            text.chunks(piece_bytes).for_each(|piece| urls.data(piece));
            urls.end();
            let wanted: [&[u8]; 4] =
                [b"http://a.example/b?c)", b"HTTPS://d.example", b"ftp://e,", b"http://g"];
            assert_eq!(urls.found, wanted);
        }
    }

    #[test]
    fn no_more_are_told_than_may_be() {
        let mut urls = Urls::default();
        urls.data(&b"http://a ".repeat(MAIL_URLS_TOLD_MAX + 1));
        assert_eq!((urls.found.len(), urls.is_cut), (MAIL_URLS_TOLD_MAX, false));
        let mut urls = Urls::default();
        urls.data(&[&b"http://"[..], &[b'a'; RECORD_TEXT_BYTES_MAX], b" "].concat());
        assert_eq!(urls.found[0].len(), RECORD_TEXT_BYTES_MAX);
        let mut record = Record::default();
        urls.tell(&mut record);
        assert!(record.is_cut());
        assert!(urls.held_bytes() >= RECORD_TEXT_BYTES_MAX);
    }
}
