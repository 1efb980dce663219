//! WebSocket (RFC 6455) behind the request of HTTP that asked for it: messages of frames, in both directions.

mod frame;
#[cfg(test)]
mod tests;

use arrayvec::ArrayVec;
use dlp_patterns::Field;

use self::frame::{BadFrame, CONTROL_BYTES_MAX, Frame, FrameHead};
use super::{
    AppAnomaly, AppProtocol, AppSink, Lane, Record,
    emitter::Outlet,
    inflate::{Inflate, InflateError},
    payload::Payload,
};
use crate::{flow::Direction, reassembly::StreamChunk};

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
    head: FrameHead,
    /// The frame under way, and how much of its payload was read, in bytes.
    frame: Option<(Frame, u64)>,
    message: Message,
    /// Payload of the control frame under way.
    control: ArrayVec<u8, CONTROL_BYTES_MAX>,
    window: Window,
    /// Whether each compressed message begins with an empty window.
    is_fresh: bool,
    /// Bits for anomalies that are told once.
    reported: u64,
    is_closed: bool,
    outlet: Outlet,
}

/// The message under way: its frames may have control frames between them (RFC 6455 §5.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Message {
    #[default]
    None,
    Plain,
    Compressed,
    /// The rest of one that can't be inflated, or not within measure: it says nothing.
    Skipped,
}

/// What inflates compressed messages.
#[derive(Debug)]
enum Window {
    /// It was not agreed on.
    Absent,
    Empty,
    Open(Box<Inflate>),
    /// What was sent before is not known, so nothing can be inflated any more.
    Lost,
}

impl Side {
    fn new(direction: Direction, deflate: Option<Deflate>) -> Side {
        Side {
            head: FrameHead::default(),
            frame: None,
            message: Message::None,
            control: ArrayVec::new(),
            window: if deflate.is_some() { Window::Empty } else { Window::Absent },
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
        record: &mut Record,
        sink: &mut S,
    ) -> Result<(), Payload> {
        match chunk {
            StreamChunk::Data(bytes) => self.read(direction, bytes, record, sink),
            StreamChunk::Gap(0) => Ok(()),
            StreamChunk::Gap(bytes) => self.gap(direction, bytes, record, sink),
            StreamChunk::Fin => {
                self.sides[direction as usize].is_closed = true;
                if self.sides.iter().any(|side| !side.is_closed) {
                    return Ok(());
                }
                self.finish(sink);
                Err(self.remains(AppProtocol::WebSocket))
            }
        }
    }

    /// The flow is over.
    pub(super) fn finish<S: AppSink>(&mut self, sink: &mut S) {
        for (direction, side) in Direction::BOTH.into_iter().zip(&mut self.sides) {
            side.outlet.to(sink).end();
            side.tell_control(direction, sink);
        }
    }

    fn read<S: AppSink>(
        &mut self,
        direction: Direction,
        mut input: &[u8],
        record: &mut Record,
        sink: &mut S,
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
                side.payload(direction, of, from, piece, sink);
                if is_end {
                    self.end_frame(direction, of, record, sink);
                } else {
                    return Ok(());
                }
            }
            if input.is_empty() {
                return Ok(());
            }
            let side = &mut self.sides[direction as usize];
            match side.head.read(&mut input).and_then(|frame| side.begin(direction, frame, sink)) {
                Ok(()) => {}
                Err(BadFrame) => return Err(self.surrender(direction, input, sink)),
            }
        }
    }

    fn end_frame<S: AppSink>(
        &mut self,
        direction: Direction,
        frame: Frame,
        record: &mut Record,
        sink: &mut S,
    ) {
        self.sides[direction as usize].end(direction, frame, sink);
        record.begin(AppProtocol::WebSocket, self.next_record);
        self.next_record += 1;
        record.flag("fin", frame.is_final);
        if let Some(mask) = frame.mask {
            record.number("mask", u32::from_be_bytes(mask).into());
        }
        record.text("opcode", frame.opcode_name());
        record.number("payload_length", frame.length);
        sink.record(record);
    }

    /// Bytes are missing: within a payload they are passed by.
    fn gap<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: u32,
        record: &mut Record,
        sink: &mut S,
    ) -> Result<(), Payload> {
        let side = &mut self.sides[direction as usize];
        let left = side.frame.and_then(|(frame, at)| frame.length.checked_sub(at)?.checked_sub(bytes.into()));
        side.report(direction, AppAnomaly::Gap, sink);
        side.outlet.to(sink).end();
        let (Some(left), Some((frame, at))) = (left, &mut side.frame) else {
            self.finish(sink);
            return Err(self.failed());
        };
        *at += u64::from(bytes);
        if side.message == Message::Compressed && !frame.is_control() {
            side.window = Window::Lost;
        }
        let frame = *frame;
        if left == 0 {
            self.end_frame(direction, frame, record, sink);
        }
        Ok(())
    }

    /// What follows is no frame: it is payload, in both directions.
    fn surrender<S: AppSink>(&mut self, direction: Direction, unread: &[u8], sink: &mut S) -> Payload {
        self.sides[direction as usize].report(direction, AppAnomaly::WebSocketFrame, sink);
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
    fn begin<S: AppSink>(
        &mut self,
        direction: Direction,
        frame: Option<Frame>,
        sink: &mut S,
    ) -> Result<(), BadFrame> {
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
        if frame.mask.is_some() != (direction == Direction::ToServer) {
            self.report(direction, AppAnomaly::WebSocketMask, sink);
        }
        if !frame.is_control() && frame.opcode != frame::CONTINUATION {
            self.message = if is_compressed { Message::Compressed } else { Message::Plain };
            if let (true, Window::Open(inflate)) = (is_compressed, &mut self.window) {
                inflate.next_message();
            }
        }
        self.head.clear();
        self.frame = Some((frame, 0));
        Ok(())
    }

    /// The next bytes of a frame's payload.
    fn payload<S: AppSink>(
        &mut self,
        direction: Direction,
        frame: Frame,
        mut at: u64,
        bytes: &[u8],
        sink: &mut S,
    ) {
        if frame.mask.is_none() && !frame.is_control() {
            return self.tell(direction, bytes, sink);
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
                self.tell(direction, plain, sink);
            }
        }
    }

    /// The next bytes of a message, unmasked.
    fn tell<S: AppSink>(&mut self, direction: Direction, bytes: &[u8], sink: &mut S) {
        if self.message == Message::Skipped {
            return;
        }
        if self.message == Message::Compressed && matches!(self.window, Window::Empty) {
            self.window = Window::Open(Box::new(Inflate::raw()));
        }
        let mut out = self.outlet.to(sink);
        let inflate = match &mut self.window {
            Window::Open(inflate) if self.message == Message::Compressed => inflate,
            // Without what was sent before it is told as it is.
            _ => return out.data(Field::WebSocketMessage, bytes),
        };
        let told = inflate.push(bytes, |plain| out.data(Field::WebSocketMessage, plain));
        if let Err(error) = told {
            self.message = Message::Skipped;
            self.window = if self.is_fresh { Window::Empty } else { Window::Lost };
            let anomaly = match error {
                InflateError::Broken => AppAnomaly::DecompressionFailed,
                InflateError::Cap => AppAnomaly::DecompressionCap,
            };
            self.report(direction, anomaly, sink);
        }
    }

    /// A frame is complete, and with it perhaps its message.
    fn end<S: AppSink>(&mut self, direction: Direction, frame: Frame, sink: &mut S) {
        self.frame = None;
        if frame.is_control() {
            return self.tell_control(direction, sink);
        }
        if !frame.is_final {
            return;
        }
        if self.message == Message::Compressed && matches!(self.window, Window::Open(_)) {
            // RFC 7692 §7.2.2: what its sender left away.
            self.tell(direction, &[0, 0, 0xff, 0xff], sink);
            if self.is_fresh && matches!(self.window, Window::Open(_)) {
                self.window = Window::Empty;
            }
        }
        self.message = Message::None;
        self.outlet.to(sink).end();
    }

    /// A control frame is a message of its own, beside the one it stands in.
    fn tell_control<S: AppSink>(&mut self, direction: Direction, sink: &mut S) {
        if !self.control.is_empty() {
            let lane = Lane::beside(direction);
            sink.begin(lane, Field::WebSocketMessage);
            sink.data(lane, &self.control);
            sink.end(lane);
            self.control.clear();
        }
    }

    /// Tells an anomaly, once a direction.
    fn report<S: AppSink>(&mut self, direction: Direction, anomaly: AppAnomaly, sink: &mut S) {
        let bit = 1u64.checked_shl(anomaly as u32).unwrap_or_default();
        if self.reported & bit == 0 {
            self.reported |= bit;
            sink.anomaly(direction, AppProtocol::WebSocket, anomaly);
        }
    }
}
