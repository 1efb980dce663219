//! A body in another charset, told as UTF-8 with the values within it: beside those of its bytes, since many heed no charset.

use dlp_patterns::Field;

use crate::app::{
    AppSink, Depth,
    emitter::{Emitter, ValueDepth},
};
use crate::content::{Charset, Media, Transcoder, Values};

/// A text under way.
#[derive(Debug)]
pub(super) struct HttpText {
    transcoder: Transcoder,
    media: Media,
    values: Values,
}

impl HttpText {
    /// One begins whose values are written like that.
    pub(super) fn new(charset: Charset, media: Media, field: Field) -> HttpText {
        let transcoder = match field {
            // Browsers believe a byte order mark more than what is said (WHATWG Encoding §6, decode).
            Field::HttpResponseBody => charset.marked_transcoder(),
            _ => charset.transcoder(),
        };
        HttpText { transcoder, media, values: Values::default() }
    }

    /// The next bytes of it.
    pub(super) fn data<S: AppSink>(&mut self, field: Field, bytes: &[u8], out: &mut Emitter<'_, S>) {
        let HttpText { transcoder, media, values } = self;
        transcoder.push(bytes, |text| tell((values, *media), field, text, out));
    }

    /// Nothing follows.
    pub(super) fn finish<S: AppSink>(self, field: Field, out: &mut Emitter<'_, S>) {
        let HttpText { transcoder, media, mut values } = self;
        transcoder.finish(|text| tell((&mut values, media), field, text, out));
        values.finish(|piece| out.value(ValueDepth::Decoded, field, piece));
        out.end_at(Depth::Text);
    }
}

fn tell<S: AppSink>(values: (&mut Values, Media), field: Field, text: &[u8], out: &mut Emitter<'_, S>) {
    out.data_at(Depth::Text, field, text);
    out.values(values, ValueDepth::Decoded, field, text);
}
