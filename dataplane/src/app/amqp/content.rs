//! Contents of a direction of AMQP (§4.2.6): what follows a method in frames of its channel.

use super::method::{Kept, Method};
use crate::app::{AppSink, beside::Beside, names::named, wire::Wire};
use crate::limits::AMQP_CONTENTS_MAX;

/// Contents under way, one a channel.
///
/// Invariant: at most [`AMQP_CONTENTS_MAX`], no channel twice.
#[derive(Debug, Default)]
pub(super) struct Contents(Vec<Content>);

#[derive(Debug)]
struct Content {
    channel: u16,
    method: Kept,
    kind: Vec<u8>,
    /// As its header says.
    bytes: Option<u64>,
    read_bytes: u64,
}

/// The first of the properties that a header may have (§1.8.3); it is a text.
const CONTENT_TYPE: u16 = 1 << 15;

impl Contents {
    /// A method came that a content follows; one of its channel is over. `false` where there are too many: it is told at once.
    pub(super) fn begin<S: AppSink>(
        &mut self,
        channel: u16,
        method: &Method<'_>,
        next_id: &mut u64,
        out: &mut Beside<'_, S>,
    ) -> bool {
        self.end(channel, next_id, out);
        let content =
            Content { channel, method: method.kept(), kind: Vec::new(), bytes: None, read_bytes: 0 };
        if self.0.len() < AMQP_CONTENTS_MAX {
            self.0.push(content);
            return true;
        }
        content.tell(next_id, out);
        false
    }

    /// The header of a content (§4.2.6.1).
    pub(super) fn header<S: AppSink>(
        &mut self,
        channel: u16,
        payload: &[u8],
        next_id: &mut u64,
        out: &mut Beside<'_, S>,
    ) {
        let mut wire = Wire(payload);
        let (Some(_class), Some(_weight), Some(bytes)) = (wire.u16(), wire.u16(), wire.u64()) else { return };
        let has_type = wire.u16().is_some_and(|flags| flags & CONTENT_TYPE != 0);
        if let Some(content) = self.of(channel) {
            content.bytes = Some(bytes);
            if has_type {
                content.kind = named(wire.prefixed_u8().unwrap_or_default());
            }
        }
        self.body(channel, 0, next_id, out);
    }

    /// So many bytes of a content came.
    pub(super) fn body<S: AppSink>(
        &mut self,
        channel: u16,
        bytes: u64,
        next_id: &mut u64,
        out: &mut Beside<'_, S>,
    ) {
        let Some(content) = self.of(channel) else { return };
        content.read_bytes = content.read_bytes.saturating_add(bytes);
        if content.bytes.is_some_and(|bytes| content.read_bytes >= bytes) {
            self.end(channel, next_id, out);
        }
    }

    /// Nothing more comes.
    pub(super) fn finish<S: AppSink>(&mut self, next_id: &mut u64, out: &mut Beside<'_, S>) {
        for content in std::mem::take(&mut self.0) {
            content.tell(next_id, out);
        }
    }

    /// Whether none is under way.
    pub(super) fn are_complete(&self) -> bool {
        self.0.is_empty()
    }

    fn of(&mut self, channel: u16) -> Option<&mut Content> {
        self.0.iter_mut().find(|content| content.channel == channel)
    }

    fn end<S: AppSink>(&mut self, channel: u16, next_id: &mut u64, out: &mut Beside<'_, S>) {
        if let Some(at) = self.0.iter().position(|content| content.channel == channel) {
            self.0.swap_remove(at).tell(next_id, out);
        }
    }
}

impl Content {
    fn tell<S: AppSink>(&self, next_id: &mut u64, out: &mut Beside<'_, S>) {
        out.record(*next_id, |record| {
            self.method.tell(self.channel, record);
            record.text_if_any("content_type", &self.kind);
            record.number("message_bytes", self.read_bytes);
        });
        *next_id += 1;
    }
}
