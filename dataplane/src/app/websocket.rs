//! WebSocket (RFC 6455) behind the request of HTTP that asked for it: messages of frames, in both directions.

mod carried;
mod frame;
#[cfg(test)]
mod tests;

use arrayvec::ArrayVec;
use dlp_patterns::Field;

use self::carried::Carried;
use self::frame::{BadFrame, CONTROL_BYTES_MAX, Frame, FrameHead};
use super::{
    AppAnomaly, AppProtocol, AppSink, Depth, Lane, Record, SpareParsers, emitter::Outlet, payload::Payload,
};
use crate::{
    content::{Codings, Decoders, Decoding, Growth},
    flow::Direction,
    reassembly::StreamChunk,
};

/// What its parser tells.
pub(super) const FIELDS: &[Field] = &[Field::WebSocketMessage];

/// Bytes that are unmasked in one step.
const STEP_BYTES: usize = 1024;

/// What both ends agreed on for compressing messages (RFC 7692 §7.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Deflate {
    /// By direction, whether each message begins with an empty window.
    pub(super) is_fresh: [bool; 2],
}

/// The parser of one connection.
#[derive(Debug)]
pub struct WebSocket {
    sides: [Side; 2],
    next_record: u64,
}

/// One direction.
#[derive(Debug)]
struct Side {
    direction: Direction,
    head: FrameHead,
    /// The frame under way, and how much of its payload was read, in bytes.
    frame: Option<(Frame, u64)>,
    message: Message,
    /// Payload of the control frame under way.
    control: ArrayVec<u8, CONTROL_BYTES_MAX>,
    window: Window,
    carried: Carried,
    /// Whether each compressed message begins with an empty window.
    is_fresh: bool,
    /// Bits for anomalies that are told once.
    reported: u64,
    is_closed: bool,
    outlet: Outlet,
}

/// What is read with, and where it is told.
struct Out<'o, S> {
    record: &'o mut Record,
    decoders: &'o mut Decoders,
    sink: &'o mut S,
}

/// The message under way: its frames may have control frames between them (RFC 6455 §5.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Message {
    #[default]
    None,
    /// It is only told as it is.
    Plain,
    /// It is told inflated, too.
    Compressed,
}

/// What inflates compressed messages.
#[derive(Debug)]
enum Window {
    /// It was not agreed on.
    Absent,
    /// Behind messages that came to so much.
    Empty(Growth),
    Open(Decoding),
    /// What was sent before is not known, so nothing can be inflated any more.
    Lost,
}

impl Side {
    fn new(direction: Direction, deflate: Option<Deflate>) -> Side {
        Side {
            direction,
            head: FrameHead::default(),
            frame: None,
            message: Message::None,
            control: ArrayVec::new(),
            window: match deflate {
                Some(_) => Window::Empty(Growth::default()),
                None => Window::Absent,
            },
            carried: Carried::default(),
            is_fresh: deflate.is_some_and(|deflate| deflate.is_fresh[direction as usize]),
            reported: 0,
            is_closed: false,
            outlet: Outlet::new(direction),
        }
    }
}

impl WebSocket {
    /// A connection whose handshake is over.
    pub(super) fn new(deflate: Option<Deflate>) -> WebSocket {
        WebSocket { sides: Direction::BOTH.map(|direction| Side::new(direction, deflate)), next_record: 0 }
    }

    /// Whether no message is under way.
    pub(super) fn is_between_messages(&self) -> bool {
        self.sides.iter().all(|side| side.message == Message::None && side.frame.is_none())
    }

    /// Reads the next piece of one direction. On an error the parser gave up, or is through: what it did not read is delivered
    /// as payload, and the flow goes on as that.
    pub(super) fn advance<S: AppSink>(
        &mut self,
        direction: Direction,
        chunk: StreamChunk<'_>,
        parsers: &mut SpareParsers,
        sink: &mut S,
    ) -> Result<(), Payload> {
        let (record, decoders) = parsers.record_and_decoders();
        let mut out = Out { record, decoders, sink };
        match chunk {
            StreamChunk::Data(bytes) => self.read(direction, bytes, &mut out),
            StreamChunk::Gap(0) => Ok(()),
            StreamChunk::Gap(bytes) => self.gap(direction, bytes, &mut out),
            StreamChunk::Fin => {
                self.sides[direction as usize].is_closed = true;
                if self.sides.iter().any(|side| !side.is_closed) {
                    return Ok(());
                }
                self.finish(out.sink);
                Err(self.remains(AppProtocol::WebSocket))
            }
        }
    }

    /// The flow is over.
    pub(super) fn finish<S: AppSink>(&mut self, sink: &mut S) {
        for side in &mut self.sides {
            side.outlet.to(sink).end();
            side.tell_control(sink);
        }
    }

    fn read<S: AppSink>(
        &mut self,
        direction: Direction,
        mut input: &[u8],
        out: &mut Out<'_, S>,
    ) -> Result<(), Payload> {
        loop {
            let side = &mut self.sides[direction as usize];
            if let Some((frame, at)) = &mut side.frame {
                let left = usize::try_from(frame.length - *at).unwrap_or(usize::MAX);
                let (piece, rest) = input.split_at(left.min(input.len()));
                let (of, from) = (*frame, *at);
                *at += piece.len() as u64;
                let is_end = *at == of.length;
                input = rest;
                side.payload(of, from, piece, out);
                if is_end {
                    self.end_frame(direction, of, out);
                } else {
                    return Ok(());
                }
            }
            if input.is_empty() {
                return Ok(());
            }
            let side = &mut self.sides[direction as usize];
            match side.head.read(&mut input).and_then(|frame| side.begin(frame, out)) {
                Ok(()) => {}
                Err(BadFrame) => return Err(self.surrender(direction, input, out.sink)),
            }
        }
    }

    fn end_frame<S: AppSink>(&mut self, direction: Direction, frame: Frame, out: &mut Out<'_, S>) {
        self.sides[direction as usize].end(frame, out);
        let record = &mut *out.record;
        record.begin(AppProtocol::WebSocket, self.next_record);
        self.next_record += 1;
        record.flag("fin", frame.is_final);
        if let Some(mask) = frame.mask {
            record.number("mask", u32::from_be_bytes(mask).into());
        }
        record.text("opcode", frame.opcode_name());
        record.number("payload_length", frame.length);
        out.sink.record(record);
    }

    /// Bytes are missing: within a payload they are passed by.
    fn gap<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: u32,
        out: &mut Out<'_, S>,
    ) -> Result<(), Payload> {
        let side = &mut self.sides[direction as usize];
        let left = side.frame.and_then(|(frame, at)| frame.length.checked_sub(at)?.checked_sub(bytes.into()));
        side.report(AppAnomaly::Gap, out.sink);
        side.outlet.to(out.sink).end();
        let (Some(left), Some((frame, at))) = (left, &mut side.frame) else {
            self.finish(out.sink);
            return Err(self.failed());
        };
        *at += u64::from(bytes);
        let frame = *frame;
        if side.message == Message::Compressed && !frame.is_control() {
            side.give_up(out.sink);
        }
        if left == 0 {
            self.end_frame(direction, frame, out);
        }
        Ok(())
    }

    /// What follows is no frame: it is payload, in both directions.
    fn surrender<S: AppSink>(&mut self, direction: Direction, unread: &[u8], sink: &mut S) -> Payload {
        self.sides[direction as usize].report(AppAnomaly::WebSocketFrame, sink);
        self.finish(sink);
        let mut payload = self.failed();
        for (of, side) in Direction::BOTH.into_iter().zip(&self.sides) {
            payload.advance(of, StreamChunk::Data(side.head.held()), sink);
        }
        payload.advance(direction, StreamChunk::Data(unread), sink);
        payload
    }

    fn failed(&self) -> Payload {
        let [client, server] = &self.sides;
        Payload::failed(AppProtocol::WebSocket, [client.outlet, server.outlet])
    }

    fn remains(&self, protocol: AppProtocol) -> Payload {
        let [client, server] = &self.sides;
        Payload::behind(protocol, [client.outlet, server.outlet])
    }
}

impl Side {
    /// A frame begins, if its head is complete.
    fn begin<S: AppSink>(&mut self, frame: Option<Frame>, out: &mut Out<'_, S>) -> Result<(), BadFrame> {
        let Some(frame) = frame else { return Ok(()) };
        let is_compressed = frame.is_compressed;
        let is_sound = match (frame.opcode, self.message) {
            _ if frame.is_control() => true,
            // RFC 6455 §5.4.
            (frame::CONTINUATION, message) => message != Message::None,
            (_, message) => message == Message::None,
        };
        if !is_sound || (is_compressed && matches!(self.window, Window::Absent)) {
            return Err(BadFrame);
        }
        // RFC 6455 §5.1: clients mask, servers don't.
        if frame.mask.is_some() != (self.direction == Direction::ToServer) {
            self.report(AppAnomaly::WebSocketMask, out.sink);
        }
        if !frame.is_control() && frame.opcode != frame::CONTINUATION {
            self.message = if is_compressed { Message::Compressed } else { Message::Plain };
            if is_compressed {
                self.open_window(out);
            }
        }
        self.head.clear();
        self.frame = Some((frame, 0));
        Ok(())
    }

    /// A compressed message begins.
    fn open_window<S: AppSink>(&mut self, out: &mut Out<'_, S>) {
        match &mut self.window {
            Window::Open(decoding) => decoding.next_message(),
            Window::Empty(growth) => {
                match Decoding::begin_behind(*growth, &Codings::of_websocket(), out.decoders) {
                    Ok(decoding) => self.window = Window::Open(decoding),
                    Err(undecoded) => {
                        self.give_up(out.sink);
                        self.report(undecoded.into(), out.sink);
                    }
                }
            }
            // Without what was sent before it is told as it is.
            Window::Absent | Window::Lost => self.message = Message::Plain,
        }
    }

    /// The rest of the message at hand is only told as it is, and so is what follows, where it builds on that.
    fn give_up<S: AppSink>(&mut self, sink: &mut S) {
        self.outlet.to(sink).end_at(Depth::Decoded);
        self.message = Message::Plain;
        self.window = match (&self.window, self.is_fresh) {
            (Window::Open(decoding), true) => Window::Empty(decoding.growth()),
            (Window::Empty(growth), true) => Window::Empty(*growth),
            _ => Window::Lost,
        };
    }

    /// The next bytes of a frame's payload.
    fn payload<S: AppSink>(&mut self, frame: Frame, mut at: u64, bytes: &[u8], out: &mut Out<'_, S>) {
        if frame.mask.is_none() && !frame.is_control() {
            return self.tell(bytes, out);
        }
        let mut step = [0; STEP_BYTES];
        for piece in bytes.chunks(STEP_BYTES) {
            let plain = step.get_mut(..piece.len()).unwrap_or_default();
            plain.copy_from_slice(piece);
            frame.unmask(at, plain);
            at += piece.len() as u64;
            if frame.is_control() {
                self.control.extend(plain.iter().copied());
            } else {
                self.tell(plain, out);
            }
        }
    }

    /// The next bytes of a message, unmasked.
    fn tell<S: AppSink>(&mut self, bytes: &[u8], out: &mut Out<'_, S>) {
        self.outlet.to(out.sink).data(Field::WebSocketMessage, bytes);
        match self.message {
            Message::Compressed => self.inflate(bytes, out),
            Message::None | Message::Plain => {
                let carried = self.carried.look(self.direction, bytes);
                self.tell_carried(carried, out.sink);
            }
        }
    }

    /// The next bytes of a compressed message: what they come to is told beside them.
    fn inflate<S: AppSink>(&mut self, bytes: &[u8], out: &mut Out<'_, S>) {
        let Window::Open(decoding) = &mut self.window else { return };
        let mut emitter = self.outlet.to(out.sink);
        let mut carried = None;
        let pushed = decoding.push(bytes, out.decoders, |plain, _| {
            carried = carried.or(self.carried.look(self.direction, plain));
            emitter.data_at(Depth::Decoded, Field::WebSocketMessage, plain);
        });
        self.tell_carried(carried, out.sink);
        if let Err(undecoded) = pushed {
            self.give_up(out.sink);
            self.report(undecoded.into(), out.sink);
        }
    }

    fn tell_carried<S: AppSink>(&self, carried: Option<AppProtocol>, sink: &mut S) {
        if let Some(carried) = carried {
            sink.carried(self.direction, AppProtocol::WebSocket, carried);
        }
    }

    /// A frame is complete, and with it perhaps its message.
    fn end<S: AppSink>(&mut self, frame: Frame, out: &mut Out<'_, S>) {
        self.frame = None;
        if frame.is_control() {
            return self.tell_control(out.sink);
        }
        if !frame.is_final {
            return;
        }
        if self.message == Message::Compressed {
            // RFC 7692 §7.2.2: what its sender left away.
            self.inflate(&[0, 0, 0xff, 0xff], out);
            self.close_window(out.decoders);
        }
        self.message = Message::None;
        self.outlet.to(out.sink).end();
    }

    /// A message is complete: nothing of it is kept where the next one does not build on it.
    fn close_window(&mut self, decoders: &mut Decoders) {
        if !self.is_fresh || !matches!(self.window, Window::Open(_)) {
            return;
        }
        if let Window::Open(decoding) = std::mem::replace(&mut self.window, Window::Lost) {
            self.window = Window::Empty(decoding.growth());
            let _ = decoding.end(decoders);
        }
    }

    /// A control frame is a message of its own, beside the one it stands in.
    fn tell_control<S: AppSink>(&mut self, sink: &mut S) {
        if !self.control.is_empty() {
            let lane = Lane::beside(self.direction);
            sink.begin(lane, Field::WebSocketMessage);
            sink.data(lane, &self.control);
            sink.end(lane);
            self.control.clear();
        }
    }

    /// Tells an anomaly, once a direction.
    fn report<S: AppSink>(&mut self, anomaly: AppAnomaly, sink: &mut S) {
        let bit = 1u64.checked_shl(anomaly as u32).unwrap_or_default();
        if self.reported & bit == 0 {
            self.reported |= bit;
            sink.anomaly(self.direction, AppProtocol::WebSocket, anomaly);
        }
    }
}
