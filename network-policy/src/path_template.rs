//! Paths of HTTP that differ in what they identify alone.

use std::fmt;

use crate::limits::TEMPLATE_SEGMENTS_MAX;

/// Paths of one shape: `/users/{id}/orders`, `/static/**`.
///
/// `{id}` is a segment that identifies something: a number, a UUID, a hash or a token of hexadecimal digits. `*` is any one segment,
/// `**` at the end any number of them, none included. All else is itself: dot segments and empty ones, too, which no template
/// made of honest paths has.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PathTemplate {
    segments: Vec<Segment>,
    is_open: bool,
}

/// What stands between two slashes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Segment {
    /// This text.
    Literal(Box<[u8]>),
    /// What identifies something.
    Id,
    /// Any one.
    Any,
}

/// Hexadecimal digits of the shortest hash: git abbreviates to seven, and few words of these letters are longer.
const HASH_DIGITS_MIN: usize = 7;

impl PathTemplate {
    /// What is written as one. `None` where it does not begin with `/`, has `**` elsewhere than at its end, or more than
    /// [`TEMPLATE_SEGMENTS_MAX`] segments.
    pub fn parse(text: &str) -> Option<PathTemplate> {
        let mut texts: Vec<&str> = text.strip_prefix('/')?.split('/').collect();
        let is_open = texts.last() == Some(&"**");
        texts.truncate(texts.len() - usize::from(is_open));
        if texts.len() > TEMPLATE_SEGMENTS_MAX || texts.contains(&"**") {
            return None;
        }
        let segment = |text: &str| match text {
            "{id}" => Segment::Id,
            "*" => Segment::Any,
            _ => Segment::Literal(text.as_bytes().into()),
        };
        Some(PathTemplate { segments: texts.into_iter().map(segment).collect(), is_open })
    }

    /// The template of a path, in which what identifies something is `{id}`. A path of too many segments ends in `**`.
    pub fn of(path: &[u8]) -> PathTemplate {
        let mut all = segments(path);
        let segment = |text: &[u8]| match is_id(text) {
            true => Segment::Id,
            false => Segment::Literal(text.into()),
        };
        let segments = all.by_ref().take(TEMPLATE_SEGMENTS_MAX).map(segment).collect();
        PathTemplate { segments, is_open: all.next().is_some() }
    }

    /// What these segments make; an open one goes on with whatever.
    pub(crate) fn of_segments(segments: impl IntoIterator<Item = Segment>, is_open: bool) -> PathTemplate {
        PathTemplate { segments: segments.into_iter().collect(), is_open }
    }

    /// Its segments, and whether it goes on with whatever.
    pub(crate) fn into_segments(self) -> (Vec<Segment>, bool) {
        (self.segments, self.is_open)
    }

    /// Whether a path, without its query, is one of these.
    pub fn matches(&self, path: &[u8]) -> bool {
        let mut there = segments(path);
        let fits = |segment: &Segment| match (segment, there.next()) {
            (_, None) => false,
            (Segment::Literal(wanted), Some(text)) => **wanted == *text,
            (Segment::Id, Some(text)) => is_id(text),
            (Segment::Any, Some(_)) => true,
        };
        self.segments.iter().all(fits) && (self.is_open || there.next().is_none())
    }

    /// Whether every path of another is one of these.
    pub fn covers(&self, other: &PathTemplate) -> bool {
        let is_covered = |(mine, theirs): (&Segment, &Segment)| match (mine, theirs) {
            (Segment::Any, _) | (Segment::Id, Segment::Id) => true,
            (Segment::Id, Segment::Literal(text)) => is_id(text),
            (mine, theirs) => mine == theirs,
        };
        let is_long_enough = match (self.is_open, other.is_open) {
            (false, false) => self.segments.len() == other.segments.len(),
            (true, _) => self.segments.len() <= other.segments.len(),
            (false, true) => false,
        };
        is_long_enough && self.segments.iter().zip(&other.segments).all(is_covered)
    }
}

/// What stands between the slashes; the first segment of a path that does not begin with one is what stands before.
fn segments(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.strip_prefix(b"/").unwrap_or(path).split(|byte| *byte == b'/')
}

/// Whether a segment identifies something: digits; a UUID (RFC 9562 §4), in braces or not; hexadecimal digits as of a hash, with a
/// digit among them.
fn is_id(segment: &[u8]) -> bool {
    let is_number = !segment.is_empty() && segment.iter().all(u8::is_ascii_digit);
    let is_hash = || {
        segment.len() >= HASH_DIGITS_MIN
            && segment.iter().all(u8::is_ascii_hexdigit)
            && segment.iter().any(u8::is_ascii_digit)
    };
    is_number || is_hash() || is_uuid(segment)
}

fn is_uuid(segment: &[u8]) -> bool {
    let bare = segment.strip_prefix(b"{").and_then(|rest| rest.strip_suffix(b"}")).unwrap_or(segment);
    let lengths = bare.split(|byte| *byte == b'-').map(<[u8]>::len);
    bare.len() == 36
        && lengths.eq([8, 4, 4, 4, 12])
        && bare.iter().all(|byte| *byte == b'-' || byte.is_ascii_hexdigit())
}

impl fmt::Display for PathTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in &self.segments {
            match segment {
                Segment::Literal(text) => write!(f, "/{}", String::from_utf8_lossy(text))?,
                Segment::Id => f.write_str("/{id}")?,
                Segment::Any => f.write_str("/*")?,
            }
        }
        f.write_str(if self.is_open { "/**" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn template(text: &str) -> PathTemplate {
        PathTemplate::parse(text).unwrap_or_else(|| panic!("{text} is one"))
    }

    #[test]
    fn what_identifies_is_generalised() {
        for (path, expected) in [
            ("/users/17/orders/4", "/users/{id}/orders/{id}"),
            ("/o/123e4567-e89b-12d3-a456-426614174000", "/o/{id}"),
            ("/commit/9fceb02/tree", "/commit/{id}/tree"),
            ("/d41d8cd98f00b204e9800998ecf8427e", "/{id}"),
            ("/facade/decade/feedbeef", "/facade/decade/feedbeef"),
            ("/v1/users/", "/v1/users/"),
            ("/", "/"),
            ("/a//b", "/a//b"),
        ] {
            assert_eq!(PathTemplate::of(path.as_bytes()).to_string(), expected);
        }
    }

    #[test]
    fn paths_outside_are_none_of_them() {
        let matches = |text: &str, path: &str| template(text).matches(path.as_bytes());
        assert!(matches("/users/{id}", "/users/17") && !matches("/users/{id}", "/users/admin"));
        assert!(!matches("/users/{id}", "/users/17/") && !matches("/users/{id}", "/users"));
        assert!(matches("/static/**", "/static/a/b") && matches("/static/**", "/static"));
        assert!(!matches("/static/**", "/statics"));
        assert!(matches("/a/*/c", "/a/x/c") && !matches("/a/*/c", "/a/c"));
        assert!(!matches("/users/{id}", "/users/../17"));
        assert!(matches("/**", "/") && matches("/**", "*"));
        assert!(!matches("/", "/x") && matches("/", "/"));
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for text in ["", "users", "/a/**/b", "/**/**"] {
            assert_eq!(PathTemplate::parse(text), None, "{text}");
        }
        assert_eq!(PathTemplate::parse(&"/a".repeat(TEMPLATE_SEGMENTS_MAX + 1)), None);
    }

    fn segment() -> impl Strategy<Value = &'static str> {
        prop::sample::select(&["", "a", "b", "7", "*", "{id}", "0123abc", ".."][..])
    }

    proptest! {
        #[test]
        fn the_template_of_a_path_matches_it(parts in vec("[a-f0-9./]{0,9}|[a-z]{1,4}", 0..40)) {
            let path = format!("/{}", parts.join("/"));
            let template = PathTemplate::of(path.as_bytes());
            prop_assert!(template.matches(path.as_bytes()));
            prop_assert_eq!(PathTemplate::parse(&template.to_string()), Some(template));
        }

        #[test]
        fn what_covers_another_matches_all_of_it(
            one in vec(segment(), 1..4), other in vec(segment(), 1..4), open in any::<[bool; 2]>(),
            path in vec(segment(), 0..5),
        ) {
            let text = |parts: &[&str], is_open| {
                template(&format!("/{}{}", parts.join("/"), if is_open { "/**" } else { "" }))
            };
            let (one, other) = (text(&one, open[0]), text(&other, open[1]));
            let path = format!("/{}", path.join("/"));
            if one.covers(&other) && other.matches(path.as_bytes()) {
                prop_assert!(one.matches(path.as_bytes()), "{} {} {}", one, other, path);
            }
        }
    }
}
