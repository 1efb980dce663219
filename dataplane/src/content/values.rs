//! [`Values`]: the values within a body, by its media type, their escapes taken off.

use memchr::memchr2;

use super::{
    entities::Entities,
    json::Json,
    percent::{Known, Percent},
    unit::Piece,
};

/// What a body is, as its Content-Type tells (RFC 9110 §8.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Media {
    /// `application/x-www-form-urlencoded`.
    Form,
    /// JSON, or what is made of it.
    Json,
    /// XML, what is made of it, or HTML.
    Markup,
    /// Anything else.
    #[default]
    Other,
}

/// The values of a body under way.
#[derive(Debug, Default)]
pub enum Values {
    /// Pairs of a form.
    Form(Percent),
    /// Strings.
    Json(JsonValues),
    /// Text and attributes.
    Markup(MarkupValues),
    /// None that are known here.
    #[default]
    None,
}

/// Strings under way.
#[derive(Debug, Default)]
pub struct JsonValues(Json);

/// Text under way.
#[derive(Debug, Default)]
pub struct MarkupValues(Entities);

impl Media {
    /// What the value of a Content-Type says.
    pub fn of(value: &[u8]) -> Media {
        let name_bytes = memchr2(b';', b',', value).unwrap_or(value.len());
        let name = value.get(..name_bytes).unwrap_or(value).trim_ascii();
        let has_suffix = |suffix: &[u8]| {
            name.len()
                .checked_sub(suffix.len())
                .and_then(|at| name.get(at..))
                .is_some_and(|end| end.eq_ignore_ascii_case(suffix))
        };
        match name.last().map(u8::to_ascii_lowercase) {
            Some(b'd') if name.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") => Media::Form,
            Some(b'n') if has_suffix(b"/json") || has_suffix(b"+json") => Media::Json,
            Some(b'l') if has_suffix(b"/xml") || has_suffix(b"+xml") || has_suffix(b"/html") => Media::Markup,
            _ => Media::Other,
        }
    }
}

impl Values {
    /// A body of that type begins. In its place: these are large.
    #[inline]
    pub fn begin(&mut self, media: Media) {
        if media != Media::Other {
            *self = Values::of(media);
        } else if !self.are_none() {
            *self = Values::None;
        }
    }

    /// The values of a body of that type.
    pub fn of(media: Media) -> Values {
        match media {
            Media::Form => Values::Form(Percent::new(Known::Nothing)),
            Media::Json => Values::Json(JsonValues::default()),
            Media::Markup => Values::Markup(MarkupValues::default()),
            Media::Other => Values::None,
        }
    }

    /// Whether none are known here.
    #[inline]
    pub fn are_none(&self) -> bool {
        matches!(self, Values::None)
    }

    /// Reads on: all that the bytes complete is told.
    pub fn push(&mut self, bytes: &[u8], mut out: impl FnMut(Piece<'_>)) {
        match self {
            Values::Form(form) => form.push(bytes, &mut out),
            Values::Json(JsonValues(json)) => json.push(bytes, &mut out),
            Values::Markup(MarkupValues(markup)) => markup.push(bytes, &mut out),
            Values::None => {}
        }
    }

    /// Nothing follows.
    pub fn finish(&mut self, mut out: impl FnMut(Piece<'_>)) {
        match self {
            Values::Form(form) => form.finish(&mut out),
            Values::Json(JsonValues(json)) => json.finish(&mut out),
            Values::Markup(MarkupValues(markup)) => markup.finish(&mut out),
            Values::None => return,
        }
        *self = Values::None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values that are told, whole, and in pieces of each size.
    fn told(media: Media, body: &[u8]) -> Vec<String> {
        let read = |piece: usize| {
            let (mut told, mut open, mut inner) = (Vec::new(), Vec::new(), Vec::new());
            let mut values = Values::of(media);
            let mut out = |piece: Piece<'_>| match piece {
                Piece::Text(text) => open.extend_from_slice(text),
                Piece::End => told.push(String::from_utf8_lossy(&std::mem::take(&mut open)).into_owned()),
                Piece::Base64(text) => inner.extend_from_slice(text),
                Piece::Base64End => {
                    let text = String::from_utf8_lossy(&std::mem::take(&mut inner)).into_owned();
                    told.push(format!("base64: {text}"));
                }
            };
            body.chunks(piece).for_each(|piece| values.push(piece, &mut out));
            values.finish(&mut out);
            assert!(open.is_empty() && inner.is_empty(), "each value ends");
            told
        };
        let whole = read(usize::MAX);
        for piece in 1..body.len() {
            assert_eq!(read(piece), whole, "in pieces of {piece}");
        }
        whole
    }

    #[test]
    fn forms_are_unescaped_as_often_as_they_were_escaped() {
        for (body, values) in [
            ("a=1&b=two", &[][..]),
            ("a=1+or+1&b=two&c=%3Cscript%3e", &["a=1 or 1", "c=<script>"]),
            ("a=%2527%252525&b=%%27%4", &["a='%", "b=%'%4"]),
            ("a=%u0027%u003cx%uff1e%u20ac%u12", &["a='<x>\u{20ac}%u12"]),
            ("a=%c0%af%c1%9c%e0%80%a7", &["a=/\\'"]),
            ("a=%c3%a9%c0&b=%e0%a4%b9%e0", &["a=\u{e9}\u{fffd}", "b=\u{939}\u{fffd}"]),
            ("%zz&%u00&%", &[]),
        ] {
            assert_eq!(told(Media::Form, body.as_bytes()), values, "{body}");
        }
        let long = format!("{}%27{}", "x".repeat(1000), "y".repeat(1000));
        let context = crate::limits::CONTENT_CONTEXT_BYTES;
        let value = format!("{}'{}", "x".repeat(context), "y".repeat(1000));
        assert_eq!(told(Media::Form, long.as_bytes()), [value]);
    }

    #[test]
    fn strings_of_json_are_unescaped() {
        for (body, values) in [
            (r#"{"a": "plain", "b": [1, "two"]}"#, &[][..]),
            (r#"{"a\u0062": "1' \u006fr \"1\"\n", "c": "d\/e"}"#, &["ab", "1' or \"1\"\n", "d/e"]),
            (
                r#"["\ud83d\ude00", "\ud83dx", "\ud83d\ud83d\ude00\ud83d", "\ud83d\n"]"#,
                &["\u{1f600}", "\u{fffd}x", "\u{fffd}\u{1f600}\u{fffd}", "\u{fffd}\n"],
            ),
            (r#"["\u00", "\u"#, &[]),
        ] {
            assert_eq!(told(Media::Json, body.as_bytes()), values, "{body}");
        }
    }

    #[test]
    fn references_of_markup_are_resolved() {
        for (body, values) in [
            ("<a b='c'>text</a>", &[][..]),
            ("<a b='&quot;'>1 &lt; 2 &#39;&#x3C;&#x000003e;</a>&amp", &["a b='\"'", "1 < 2 '<>"]),
            ("&unknown; &lt;&;&#;&#xzz; & &lt", &["&unknown; <&;&#;&#xzz; & &lt"]),
        ] {
            assert_eq!(told(Media::Markup, body.as_bytes()), values, "{body}");
        }
    }

    #[test]
    fn base64_within_values_is_told_where_it_is_text() {
        // RFC 4648 §4: "1' or '1'='1' -- x"
        for (media, body, values) in [
            (Media::Form, "a=MScgb3IgJzEnPScxJyAtLSB4&b=1", &["base64: 1' or '1'='1' -- x"][..]),
            (
                Media::Form,
                "a=PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg%3D%3D",
                &["base64: <script>alert(1)</script>", "a=PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg=="],
            ),
            (
                Media::Json,
                r#"{"a":"PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg=="}"#,
                &["base64: <script>alert(1)</script>"],
            ),
            (Media::Form, "a=MScgb3IgJzE&token=eyJhbGciOiJIUzI1NiJ9.x", &["base64: {\"alg\":\"HS256\"}"]),
            (Media::Form, "path=administrator/of/the/whole/domain", &[]),
        ] {
            assert_eq!(told(media, body.as_bytes()), values, "{body}");
        }
    }

    #[test]
    fn types_are_told_by_name_and_suffix() {
        for (value, media) in [
            (" application/x-www-form-urlencoded; charset=utf-8", Media::Form),
            ("application/JSON", Media::Json),
            ("application/problem+json;x=y", Media::Json),
            ("text/xml", Media::Markup),
            ("application/soap+xml", Media::Markup),
            ("text/plain; a=/json", Media::Other),
            ("", Media::Other),
        ] {
            assert_eq!(Media::of(value.as_bytes()), media, "{value}");
        }
    }
}
