//! The body at hand: told as it is on the wire, and beside that with its codings taken off. The values within are told as well,
//! their escapes taken off, whether its receiver heeds the codings or not; so is what it is made of.

mod content;
mod members;
mod parts;
mod text;

use dlp_patterns::Field;

use self::{content::BodyContent, members::HttpMembers};
use super::{
    AppAnomaly, AppSink, Depth, HttpFile,
    content_type::ContentType,
    emitter::{Emitter, ValueDepth},
};
use crate::content::{Codings, Decoders, Decoding, Media, Values};

/// A body under way. One that is not coded, or cannot be decoded, is only told as it is.
#[derive(Debug, Default)]
pub(super) struct Body {
    decoding: Option<Decoding>,
    /// How values within it are written.
    media: Media,
    wire_values: Values,
    decoded_values: Values,
    /// So far, as it is on the wire.
    wire_bytes: u64,
    /// So far, of what it is decoded to; `None` where it cannot be.
    decoded_bytes: Option<u64>,
    /// What it is made of, its codings taken off where it has some.
    content: BodyContent,
    /// What stands within it, where it is an archive.
    members: HttpMembers,
    /// Files in it, once it is over.
    inner_files: Vec<HttpFile>,
}

impl Body {
    /// Whether there is nothing to it but what it is on the wire.
    pub(super) fn is_plain<S: AppSink>(
        codings: &Codings,
        content_type: &ContentType,
        field: Field,
        out: &Emitter<'_, S>,
    ) -> bool {
        let is_heard = [field, Field::FileData, Field::FileName].into_iter().any(|of| out.is_heard(of));
        codings.is_plain() && content_type.is_bare() && !is_heard
    }

    /// Memory that it holds beside itself, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        let files = self.inner_files.iter().map(|file| size_of::<HttpFile>() + file.held_bytes());
        self.content.held_bytes() + self.members.held_bytes() + files.sum::<usize>()
    }

    /// Whether nothing of what follows of it will be held.
    pub(super) fn holds_nothing(&self) -> bool {
        self.content.is_none() && self.members.is_none()
    }

    /// Whether it is made of parts: then these are files, and not the whole.
    pub(super) fn has_parts(&self) -> bool {
        self.content.has_parts()
    }

    /// Files in it that are over, if there are any.
    pub(super) fn take_inner_files(&mut self) -> Option<Vec<HttpFile>> {
        (!self.inner_files.is_empty()).then(|| std::mem::take(&mut self.inner_files))
    }

    /// A body begins of which nothing is said, or there is none.
    pub(super) fn begin_bare(&mut self) {
        self.decoding = None;
        self.media = Media::Other;
        self.wire_values.begin(Media::Other);
        self.decoded_values.begin(Media::Other);
        (self.wire_bytes, self.decoded_bytes) = (0, None);
        if !self.content.is_none() {
            self.content = BodyContent::None;
        }
        if !self.members.is_none() {
            self.members = HttpMembers::default();
        }
    }

    /// A body begins that has these codings, and of which `content_type` is said.
    pub(super) fn begin<S: AppSink>(
        &mut self,
        codings: &Codings,
        content_type: &ContentType,
        field: Field,
        decoders: &mut Decoders,
        out: &mut Emitter<'_, S>,
    ) {
        self.begin_bare();
        self.media = content_type.media();
        self.content = BodyContent::of(content_type, field, out);
        if !self.content.has_parts() {
            self.members.begin(out);
        }
        if codings.is_plain() {
            return;
        }
        let decoding = if codings.is_unknown() {
            Err(AppAnomaly::ContentCoding)
        } else if codings.is_too_many() {
            Err(AppAnomaly::ContentLayers)
        } else {
            Decoding::begin(codings, decoders).map_err(AppAnomaly::from)
        };
        match decoding {
            Ok(decoding) => (self.decoding, self.decoded_bytes) = (Some(decoding), Some(0)),
            Err(anomaly) => out.anomaly(anomaly),
        }
    }

    /// The next bytes of it.
    pub(super) fn data<S: AppSink>(
        &mut self,
        field: Field,
        bytes: &[u8],
        decoders: &mut Decoders,
        out: &mut Emitter<'_, S>,
    ) {
        out.data(field, bytes);
        let Some(decoding) = &mut self.decoding else {
            self.members.data(bytes, decoders, out);
            if !self.content.is_none() {
                self.content.data(field, bytes, decoders, out);
                if self.content.has_parts() {
                    return;
                }
            }
            out.values((&mut self.wire_values, self.media), ValueDepth::Wire, field, bytes);
            return;
        };
        if !self.content.has_parts() {
            out.values((&mut self.wire_values, self.media), ValueDepth::Wire, field, bytes);
        }
        let (media, values, decoded_bytes) = (self.media, &mut self.decoded_values, &mut self.decoded_bytes);
        let (content, members) = (&mut self.content, &mut self.members);
        let pushed = decoding.push(bytes, decoders, |decoded, decoders| {
            *decoded_bytes = decoded_bytes.map(|bytes| bytes + decoded.len() as u64);
            out.data_at(Depth::Decoded, field, decoded);
            members.data(decoded, decoders, out);
            content.data(field, decoded, decoders, out);
            if !content.has_parts() && !content.is_text() {
                out.values((values, media), ValueDepth::Decoded, field, decoded);
            }
        });
        if let Err(undecoded) = pushed {
            self.give_up(field, undecoded.into(), out);
        }
    }

    /// So many more bytes of it went by, or are missing.
    pub(super) fn count(&mut self, bytes: u64) {
        self.wire_bytes = self.wire_bytes.saturating_add(bytes);
    }

    /// Of what it is decoded to, or else of itself, so far in bytes.
    pub(super) fn content_bytes(&self) -> u64 {
        self.decoded_bytes.unwrap_or(self.wire_bytes)
    }

    /// It is complete.
    pub(super) fn end<S: AppSink>(
        &mut self,
        field: Field,
        decoders: &mut Decoders,
        out: &mut Emitter<'_, S>,
    ) {
        self.members.end(decoders, out);
        self.finish_values(field, out);
        if let Some(decoding) = self.decoding.take()
            && let Err(undecoded) = decoding.end(decoders)
        {
            out.anomaly(undecoded.into());
        }
    }

    /// Bytes of it are missing: what follows of a coded one means nothing without them, and values do not span them.
    pub(super) fn gap<S: AppSink>(&mut self, field: Field, out: &mut Emitter<'_, S>) {
        self.wire_values.finish(|piece| out.value(ValueDepth::Wire, field, piece));
        self.content.gap(field, out);
        self.members.gap(out);
        if self.decoding.is_some() {
            self.give_up(field, AppAnomaly::ContentGap, out);
        }
    }

    /// Nothing follows, whether it is complete or not.
    pub(super) fn close<S: AppSink>(&mut self, field: Field, out: &mut Emitter<'_, S>) {
        self.finish_values(field, out);
        let is_cut = self.decoding.take().is_some_and(|decoding| !decoding.is_complete());
        if is_cut {
            out.anomaly(AppAnomaly::ContentBroken);
        }
    }

    /// What follows is only told as it is.
    fn give_up<S: AppSink>(&mut self, field: Field, anomaly: AppAnomaly, out: &mut Emitter<'_, S>) {
        (self.decoding, self.decoded_bytes) = (None, None);
        self.members.close(out);
        self.inner_files = self.content.finish(field, out);
        self.decoded_values.finish(|piece| out.value(ValueDepth::Decoded, field, piece));
        out.end_at(Depth::Decoded);
        out.anomaly(anomaly);
    }

    fn finish_values<S: AppSink>(&mut self, field: Field, out: &mut Emitter<'_, S>) {
        self.wire_values.finish(|piece| out.value(ValueDepth::Wire, field, piece));
        self.decoded_values.finish(|piece| out.value(ValueDepth::Decoded, field, piece));
        if !self.content.is_none() {
            self.inner_files = self.content.finish(field, out);
        }
        if !self.members.is_none() {
            self.members.close(out);
            self.inner_files.append(&mut self.members.take_files());
        }
    }
}
