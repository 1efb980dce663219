//! [`BodyContent`]: what a body is made of beside its bytes, as they are when its codings are off: parts, or text of another charset.

use arrayvec::ArrayVec;
use dlp_patterns::Field;

use super::{parts::HttpParts, text::HttpText};
use crate::app::{AppAnomaly, AppSink, HttpFile, content_type::ContentType, emitter::Emitter};
use crate::content::{CHARSET_SIGN_BYTES, Charset, Decoders, Media};

/// What a body is made of.
#[derive(Debug, Default)]
pub(super) enum BodyContent {
    /// Nothing that is known here.
    #[default]
    None,
    /// Its first bytes, which do not tell yet, and how its values are written.
    Opening(ArrayVec<u8, CHARSET_SIGN_BYTES>, Media),
    Text(Box<HttpText>),
    Parts(Box<HttpParts>),
}

impl BodyContent {
    /// That of a body of which this is said. Who hears of nothing but its bytes need not know.
    pub(super) fn of<S: AppSink>(
        content_type: &ContentType,
        field: Field,
        out: &mut Emitter<'_, S>,
    ) -> BodyContent {
        if let Some(parts) = content_type.parts() {
            if parts.is_odd {
                out.anomaly(AppAnomaly::Multipart);
            }
            if !parts.boundary.is_empty() {
                return BodyContent::Parts(Box::new(HttpParts::new(&parts.boundary)));
            }
        }
        match content_type.charset() {
            _ if !out.is_heard(field) => BodyContent::None,
            Some(charset) => BodyContent::Text(Box::new(HttpText::new(charset, content_type.media(), field))),
            None => BodyContent::Opening(ArrayVec::new(), content_type.media()),
        }
    }

    /// Whether there is nothing to read.
    #[inline]
    pub(super) fn is_none(&self) -> bool {
        matches!(self, BodyContent::None)
    }

    /// Whether values are read here in its letters.
    pub(super) fn is_text(&self) -> bool {
        matches!(self, BodyContent::Text(_))
    }

    /// Whether it is made of parts.
    pub(super) fn has_parts(&self) -> bool {
        matches!(self, BodyContent::Parts(_))
    }

    /// Memory that it holds, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        match self {
            BodyContent::None | BodyContent::Opening(..) => 0,
            BodyContent::Text(_) => size_of::<HttpText>(),
            BodyContent::Parts(parts) => parts.held_bytes(),
        }
    }

    /// The next bytes.
    pub(super) fn data<S: AppSink>(
        &mut self,
        field: Field,
        mut bytes: &[u8],
        decoders: &mut Decoders,
        out: &mut Emitter<'_, S>,
    ) {
        if let BodyContent::Opening(begin, media) = self {
            let media = *media;
            let mut next = None;
            while let (None, Some((&byte, rest))) = (next, bytes.split_first()) {
                begin.push(byte);
                bytes = rest;
                next = Charset::sniff(begin);
            }
            let Some(charset) = next else { return };
            let Some(charset) = charset else {
                *self = BodyContent::None;
                return;
            };
            let mut text = Box::new(HttpText::new(charset, media, field));
            text.data(field, begin, out);
            *self = BodyContent::Text(text);
        }
        match self {
            BodyContent::Text(text) => text.data(field, bytes, out),
            BodyContent::Parts(parts) => parts.data(field, bytes, decoders, out),
            BodyContent::None | BodyContent::Opening(..) => {}
        }
    }

    /// Bytes are missing. Letters of several bytes cannot be told apart behind them.
    pub(super) fn gap<S: AppSink>(&mut self, field: Field, out: &mut Emitter<'_, S>) {
        match self {
            BodyContent::Parts(parts) => parts.gap(field, out),
            BodyContent::Text(_) => {
                out.anomaly(AppAnomaly::ContentGap);
                self.finish(field, out);
            }
            BodyContent::None | BodyContent::Opening(..) => *self = BodyContent::None,
        }
    }

    /// Nothing follows. Returns files in it.
    pub(super) fn finish<S: AppSink>(&mut self, field: Field, out: &mut Emitter<'_, S>) -> Vec<HttpFile> {
        match std::mem::take(self) {
            BodyContent::Parts(parts) => return parts.finish(field, out),
            BodyContent::Text(text) => text.finish(field, out),
            BodyContent::None | BodyContent::Opening(..) => {}
        }
        Vec::new()
    }
}
