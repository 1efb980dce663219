//! [`ContentType`]: what a message says of its body.

use memchr::memchr;

use super::mime::Parameters;
use crate::content::{Charset, Media};
use crate::limits::MAIL_BOUNDARY_BYTES_MAX;

/// What Content-Type says (RFC 9110 §8.3); of several lines the first that says something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ContentType {
    media: Media,
    charset: Option<Charset>,
    parts: Option<Box<Parts>>,
}

/// What stands between the parts of a multipart (RFC 2046 §5.1, RFC 7578).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parts {
    /// Empty where there is none that all read alike, and so no parts.
    pub(super) boundary: Vec<u8>,
    /// Whether there are readers who find another one.
    pub(super) is_odd: bool,
}

impl ContentType {
    /// What a value says.
    pub(super) fn of(value: &[u8]) -> ContentType {
        let mut content_type = ContentType::default();
        content_type.read(value);
        content_type
    }

    /// Another line of the header.
    pub(super) fn read(&mut self, value: &[u8]) {
        const MULTIPART: &[u8] = b"multipart/";
        let value = value.trim_ascii();
        let is_multipart = value.get(..MULTIPART.len()).is_some_and(|it| it.eq_ignore_ascii_case(MULTIPART));
        if let Some(parts) = &mut self.parts {
            parts.is_odd = true;
        } else if is_multipart {
            let is_odd = *self != ContentType::default();
            *self = ContentType { parts: Some(Box::new(Parts::of(value, is_odd))), ..ContentType::default() };
        } else if self.media == Media::Other && self.charset.is_none() {
            self.media = Media::of(value);
            self.charset = charset(value);
        }
    }

    /// How the values within it are written.
    pub(super) fn media(&self) -> Media {
        self.media
    }

    /// How its letters are written, where that is not as they are.
    pub(super) fn charset(&self) -> Option<Charset> {
        self.charset
    }

    /// What it is made of, where it is a multipart.
    pub(super) fn parts(&self) -> Option<&Parts> {
        self.parts.as_deref()
    }

    /// Whether it says nothing that matters.
    pub(super) fn is_bare(&self) -> bool {
        self.media == Media::Other && self.charset.is_none() && self.parts.is_none()
    }
}

/// The charset that a value names.
fn charset(value: &[u8]) -> Option<Charset> {
    let parameters = value.get(memchr(b';', value)? + 1..).unwrap_or_default().trim_ascii();
    // As nearly always: then nothing is to be done.
    if parameters.eq_ignore_ascii_case(b"charset=utf-8") {
        return None;
    }
    Charset::named(&Parameters::new(value).get(b"charset"))
}

impl Parts {
    fn of(value: &[u8], is_odd: bool) -> Parts {
        let mut boundary = Parameters::new(value).get(b"boundary");
        let is_sound = (1..=MAIL_BOUNDARY_BYTES_MAX).contains(&boundary.len());
        if !is_sound {
            boundary.clear();
        }
        // PHP takes the first one wherever it stands, and ends it at a comma; others take the last.
        const NAME: &[u8] = b"boundary";
        let named = value.windows(NAME.len()).filter(|window| window.eq_ignore_ascii_case(NAME)).count();
        let is_usual = |byte: &u8| byte.is_ascii_alphanumeric() || b"'()+_-./:=?".contains(byte);
        let is_odd = is_odd || !is_sound || named != 1 || !boundary.iter().all(is_usual);
        Parts { boundary, is_odd }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries_that_readers_differ_in_are_odd() {
        for (value, boundary, is_odd) in [
            ("multipart/form-data; boundary=--x", "--x", false),
            ("Multipart/Mixed;BOUNDARY=\"a_b\"; charset=utf-8", "a_b", false),
            ("multipart/form-data; boundary=a; boundary=b", "a", true),
            ("multipart/form-data; xboundary=a; boundary=b", "b", true),
            ("multipart/form-data; boundary=a,b", "a,b", true),
            ("multipart/form-data; boundary=\"a b\"", "a b", true),
            ("multipart/form-data; boundary=", "", true),
            ("multipart/form-data", "", true),
        ] {
            let content_type = ContentType::of(value.as_bytes());
            let parts = content_type.parts().expect("it is a multipart");
            assert_eq!((parts.boundary.as_slice(), parts.is_odd), (boundary.as_bytes(), is_odd), "{value}");
        }
    }

    #[test]
    fn of_several_lines_the_first_that_says_something_counts() {
        let mut content_type = ContentType::of(b"text/plain");
        assert!(content_type.is_bare());
        content_type.read(b"application/json; charset=utf-16");
        content_type.read(b"text/xml");
        assert_eq!((content_type.media(), content_type.charset().is_some()), (Media::Json, true));
        content_type.read(b"multipart/form-data; boundary=a");
        assert!(content_type.parts().is_some_and(|parts| parts.is_odd));
    }
}
