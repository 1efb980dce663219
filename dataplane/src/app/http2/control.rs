//! What frames say that are no body.

use dlp_patterns::Field;

use super::{
    Block, Http2, Out,
    frames::{self, FrameHead, flag},
};
use crate::app::{AppAnomaly, AppProtocol, AppSink, wire::Wire};
use crate::flow::Direction;
use crate::limits::{HTTP_HEADER_BYTES_MAX, HTTP2_CONTINUATIONS_MAX, HTTP2_SETTINGS_TOLD_MAX};

/// Settings (RFC 9113 §6.5.2) as Suricata's events name them, from 1 on.
const SETTINGS: [&str; 6] = [
    "SETTINGSHEADERTABLESIZE",
    "SETTINGSENABLEPUSH",
    "SETTINGSMAXCONCURRENTSTREAMS",
    "SETTINGSINITIALWINDOWSIZE",
    "SETTINGSMAXFRAMESIZE",
    "SETTINGSMAXHEADERLISTSIZE",
];

/// Codes of errors (RFC 9113 §7).
const ERROR_CODES: [&str; 14] = [
    "NOERROR",
    "PROTOCOLERROR",
    "INTERNALERROR",
    "FLOWCONTROLERROR",
    "SETTINGSTIMEOUT",
    "STREAMCLOSED",
    "FRAMESIZEERROR",
    "REFUSEDSTREAM",
    "CANCEL",
    "COMPRESSIONERROR",
    "CONNECTERROR",
    "ENHANCEYOURCALM",
    "INADEQUATESECURITY",
    "HTTP11REQUIRED",
];

/// The name of an error code, as events use it.
#[must_use]
pub fn error_name(code: u32) -> Option<&'static str> {
    ERROR_CODES.get(usize::try_from(code).ok()?).copied()
}

/// What a server calls a stream that its client broke (CVE-2025-8671).
fn is_clients_fault(code: u32) -> bool {
    matches!(code, 1 | 3 | 5 | 6)
}

impl Http2 {
    /// A frame is complete.
    pub(super) fn end_frame<S: AppSink>(
        &mut self,
        direction: Direction,
        head: FrameHead,
        payload: &[u8],
        out: &mut Out<'_, S>,
    ) -> Result<(), AppAnomaly> {
        self.sides[direction as usize].outlet.to(out.sink).end();
        match head.kind {
            frames::DATA => self.end_data(direction, head, out),
            frames::HEADERS | frames::PUSH_PROMISE => return self.begin_block(direction, head, payload, out),
            frames::CONTINUATION => return self.continue_block(direction, head, payload, out),
            frames::SETTINGS if !head.has(flag::ACK) => self.settings(direction, payload, out),
            frames::RST_STREAM => self.reset(direction, head.stream, payload, out),
            frames::GOAWAY => self.go_away(direction, payload, out),
            frames::PRIORITY => {
                let weight = payload.first_chunk().map(|[_, _, _, _, weight]| *weight);
                self.weigh(direction, head.stream, weight);
            }
            // RFC 9113 §6.9.
            frames::WINDOW_UPDATE if Wire(payload).u32().is_some_and(|step| step & 0x7fff_ffff == 0) => {
                self.report(direction, Some(AppAnomaly::Http2Settings), out);
            }
            _ => {}
        }
        Ok(())
    }

    /// HEADERS and PUSH_PROMISE (RFC 9113 §6.2, §6.6).
    fn begin_block<S: AppSink>(
        &mut self,
        direction: Direction,
        head: FrameHead,
        payload: &[u8],
        out: &mut Out<'_, S>,
    ) -> Result<(), AppAnomaly> {
        let (block, fragment, padding) = Block::begin(head, payload).ok_or(AppAnomaly::Http2Frame)?;
        let side = &mut self.sides[direction as usize];
        side.block = Some(block);
        let mut told = side.outlet.to(out.sink);
        told.data(Field::Payload, padding);
        told.end();
        self.extend_block(direction, head, fragment, out)
    }

    fn continue_block<S: AppSink>(
        &mut self,
        direction: Direction,
        head: FrameHead,
        fragment: &[u8],
        out: &mut Out<'_, S>,
    ) -> Result<(), AppAnomaly> {
        if let Some(block) = &mut self.sides[direction as usize].block {
            block.continuations += 1;
            // CVE-2024-27316 and its kin.
            if block.continuations > HTTP2_CONTINUATIONS_MAX {
                return Err(AppAnomaly::Http2Continuation);
            }
        }
        self.extend_block(direction, head, fragment, out)
    }

    fn extend_block<S: AppSink>(
        &mut self,
        direction: Direction,
        head: FrameHead,
        fragment: &[u8],
        out: &mut Out<'_, S>,
    ) -> Result<(), AppAnomaly> {
        let side = &mut self.sides[direction as usize];
        if side.block_bytes.len() + fragment.len() > HTTP_HEADER_BYTES_MAX {
            return Err(AppAnomaly::Http2HeaderList);
        }
        if !head.has(flag::END_HEADERS) {
            side.block_bytes.extend_from_slice(fragment);
            return Ok(());
        }
        let Some(block) = side.block.take() else { return Ok(()) };
        if side.block_bytes.is_empty() {
            return self.headers(direction, block, fragment, out);
        }
        let mut whole = std::mem::take(&mut side.block_bytes);
        whole.extend_from_slice(fragment);
        let told = self.headers(direction, block, &whole, out);
        // What can't be read is payload, but for its end, which the frame at hand has.
        whole.truncate(whole.len() - fragment.len());
        if told.is_ok() {
            whole.clear();
        }
        self.sides[direction as usize].block_bytes = whole;
        told
    }

    /// RFC 9113 §6.5: they bind who reads them, which is who sends in the other direction.
    fn settings<S: AppSink>(&mut self, direction: Direction, payload: &[u8], out: &mut Out<'_, S>) {
        let mut is_odd = false;
        let mut wire = Wire(payload);
        let bound = &mut self.sides[direction.opposite() as usize];
        while let (Some(id), Some(value)) = (wire.u16(), wire.u32()) {
            match (id, value) {
                (1, _) => bound.hpack.allow(value),
                (5, 16_384..=16_777_215) => bound.frame_bytes_max = bound.frame_bytes_max.max(value),
                (2, 2..) | (4, 0x8000_0000..) | (5, _) => is_odd = true,
                _ => {}
            }
        }
        self.report(direction, is_odd.then_some(AppAnomaly::Http2Settings), out);
        let told = &mut self.sides[direction as usize].settings_told;
        if *told == HTTP2_SETTINGS_TOLD_MAX {
            return;
        }
        *told += 1;
        self.tell_connection(direction, out, |record| {
            record.list("settings", |record| {
                let mut wire = Wire(payload);
                while let (Some(id), Some(value)) = (wire.u16(), wire.u32()) {
                    record.object("", |record| {
                        match usize::from(id).checked_sub(1).and_then(|at| SETTINGS.get(at)) {
                            Some(name) => record.text("settings_id", name.as_bytes()),
                            None => record.display("settings_id", format_args!("SETTINGS{id}")),
                        }
                        record.number("settings_value", value.into());
                    });
                }
            });
        });
    }

    fn go_away<S: AppSink>(&mut self, direction: Direction, payload: &[u8], out: &mut Out<'_, S>) {
        let mut wire = Wire(payload);
        let (Some(_), Some(code)) = (wire.u32(), wire.u32()) else { return };
        // It ends a connection, so it counts as one of the settings' events.
        let told = &mut self.sides[direction as usize].settings_told;
        if *told > HTTP2_SETTINGS_TOLD_MAX {
            return;
        }
        *told += 1;
        self.tell_connection(direction, out, |record| match error_name(code) {
            Some(name) => record.text("error_code", name.as_bytes()),
            None => record.display("error_code", code),
        });
    }

    /// What is of no stream, as Suricata's events have it: an `http` event of stream 0.
    fn tell_connection<S: AppSink>(
        &mut self,
        direction: Direction,
        out: &mut Out<'_, S>,
        fill: impl FnOnce(&mut crate::app::Record),
    ) {
        let id = self.streams.take_number();
        out.record.begin(AppProtocol::Http, id);
        out.record.text("version", b"2");
        out.record.object("http2", |record| {
            record.number("stream_id", 0);
            let name = match direction {
                Direction::ToServer => "request",
                Direction::ToClient => "response",
            };
            record.object(name, fill);
        });
        out.sink.record(out.record);
    }

    /// RFC 9113 §6.4: neither end speaks in the stream any more.
    fn reset<S: AppSink>(&mut self, direction: Direction, id: u32, payload: &[u8], out: &mut Out<'_, S>) {
        let code = Wire(payload).u32().unwrap_or_default();
        let Some(mut stream) = self.streams.close(id) else { return };
        stream.told().error_codes[direction as usize] = Some(code);
        let is_unanswered = stream.transaction.status == 0;
        let is_forced = direction == Direction::ToServer || is_clients_fault(code);
        self.tell_stream(stream, out);
        if is_unanswered && is_forced {
            let rapid = self.abuse.cancelled();
            self.report(Direction::ToServer, rapid, out);
        }
    }

    /// RFC 9113 §5.3, which nobody goes by any more; events tell it.
    pub(super) fn weigh(&mut self, direction: Direction, id: u32, weight: Option<u8>) {
        if let Some(weight) = weight
            && let Some(stream) = self.streams.find(id)
        {
            stream.told().priorities[direction as usize].get_or_insert(weight);
        }
    }
}

impl Block {
    /// What stands in front of its first fragment, that, and the padding behind it.
    fn begin(head: FrameHead, payload: &[u8]) -> Option<(Block, &[u8], &[u8])> {
        let is_headers = head.kind == frames::HEADERS;
        let is_last = is_headers && head.has(flag::END_STREAM);
        let mut block =
            Block { stream: head.stream, promised: None, weight: None, is_last, continuations: 0 };
        let mut wire = Wire(payload);
        let padding = if head.has(flag::PADDED) { wire.u8()? } else { 0 };
        if !is_headers {
            block.promised = Some(wire.u32()? & 0x7fff_ffff);
        } else if head.has(flag::PRIORITY) {
            wire.u32()?;
            block.weight = Some(wire.u8()?);
        }
        let fragment_bytes = wire.rest().len().checked_sub(padding.into())?;
        Some((block, wire.take(fragment_bytes)?, wire.rest()))
    }
}
