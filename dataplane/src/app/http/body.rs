//! The body at hand: told as it is on the wire, and beside that with its codings taken off. Of a request, the values within are
//! told as well, their escapes taken off, whether its server heeds the codings or not.

use dlp_patterns::Field;

use super::head::Head;
use crate::{
    app::{
        AppAnomaly, AppSink, Depth,
        emitter::{Emitter, ValueDepth},
    },
    content::{Decoders, Decoding, Media, Values},
    flow::Direction,
};

/// A body under way. One that is not coded, or cannot be decoded, is only told as it is.
#[derive(Debug, Default)]
pub(super) struct Body {
    decoding: Option<Decoding>,
    wire_values: Values,
    decoded_values: Values,
}

impl Body {
    /// A body begins of which nothing is said, or there is none.
    pub(super) fn begin_bare(&mut self) {
        self.decoding = None;
        self.wire_values.begin(Media::Other);
        self.decoded_values.begin(Media::Other);
    }

    /// A body begins behind its head.
    pub(super) fn begin<S: AppSink>(
        &mut self,
        head: &Head,
        decoders: &mut Decoders,
        out: &mut Emitter<'_, S>,
    ) {
        let media = match head.kind().direction {
            Direction::ToServer => head.media(),
            Direction::ToClient => Media::Other,
        };
        self.begin_bare();
        self.wire_values.begin(media);
        let codings = head.codings();
        if codings.is_plain() {
            return;
        }
        let decoding = if codings.is_unknown() {
            Err(AppAnomaly::ContentCoding)
        } else if codings.is_too_many() {
            Err(AppAnomaly::ContentLayers)
        } else {
            Decoding::begin(&codings, decoders).map_err(AppAnomaly::from)
        };
        match decoding {
            Ok(decoding) => {
                self.decoding = Some(decoding);
                self.decoded_values.begin(media);
            }
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
        out.values(&mut self.wire_values, ValueDepth::Wire, field, bytes);
        let Some(decoding) = &mut self.decoding else { return };
        let values = &mut self.decoded_values;
        let pushed = decoding.push(bytes, decoders, |decoded| {
            out.data_at(Depth::Decoded, field, decoded);
            out.values(values, ValueDepth::Decoded, field, decoded);
        });
        if let Err(undecoded) = pushed {
            self.give_up(field, undecoded.into(), out);
        }
    }

    /// It is complete.
    pub(super) fn end<S: AppSink>(
        &mut self,
        field: Field,
        decoders: &mut Decoders,
        out: &mut Emitter<'_, S>,
    ) {
        self.finish_values(field, out);
        if let Some(decoding) = self.decoding.take()
            && let Err(undecoded) = decoding.end(decoders)
        {
            out.anomaly(undecoded.into());
        }
    }

    /// Bytes of it are missing: what follows of a coded one means nothing without them, and values do not span them.
    pub(super) fn gap<S: AppSink>(&mut self, field: Field, out: &mut Emitter<'_, S>) {
        self.wire_values.restart(|piece| out.value(ValueDepth::Wire, field, piece));
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
        self.decoding = None;
        self.decoded_values.finish(|piece| out.value(ValueDepth::Decoded, field, piece));
        out.end_at(Depth::Decoded);
        out.anomaly(anomaly);
    }

    fn finish_values<S: AppSink>(&mut self, field: Field, out: &mut Emitter<'_, S>) {
        self.wire_values.finish(|piece| out.value(ValueDepth::Wire, field, piece));
        self.decoded_values.finish(|piece| out.value(ValueDepth::Decoded, field, piece));
    }
}
