//! One direction of HTTP/2, cut into frames (RFC 9113 §4.1): each byte of a payload is shown, but numbers of a fixed length.

use arrayvec::ArrayVec;

use crate::limits::{HTTP_HEADER_BYTES_MAX, HTTP2_CONTROL_BYTES_MAX, MESSAGE_BYTES_KEPT_MAX};

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const PRIORITY: u8 = 2;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PUSH_PROMISE: u8 = 5;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

/// Flags of a frame; what each bit means depends on its type.
pub(super) mod flag {
    pub(in super::super) const END_STREAM: u8 = 0x1;
    pub(in super::super) const ACK: u8 = 0x1;
    pub(in super::super) const END_HEADERS: u8 = 0x4;
    pub(in super::super) const PADDED: u8 = 0x8;
    pub(in super::super) const PRIORITY: u8 = 0x20;
}

/// Bytes of the payload of a PRIORITY frame (RFC 9113 §6.3).
const PRIORITY_BYTES: u32 = 5;

/// Bytes in front of each frame.
const HEAD_BYTES: usize = 9;

/// What stands in front of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct FrameHead {
    /// Of the payload, in bytes.
    pub(super) length: u32,
    pub(super) kind: u8,
    pub(super) flags: u8,
    /// 0 for what is of the whole connection.
    pub(super) stream: u32,
}

impl FrameHead {
    pub(super) fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Whether its payload is a header block, or a part of one.
    pub(super) fn is_of_block(self) -> bool {
        matches!(self.kind, HEADERS | PUSH_PROMISE | CONTINUATION)
    }

    /// Whether its payload is shown as it comes, for it may say anything.
    fn is_plain(self) -> bool {
        match self.kind {
            DATA | HEADERS | PUSH_PROMISE | CONTINUATION | RST_STREAM | WINDOW_UPDATE => false,
            PRIORITY => self.length != PRIORITY_BYTES,
            // RFC 9113 §5.5: of a type that nobody knows, too.
            _ => true,
        }
    }

    /// How much of its payload is shown at its end, in bytes.
    fn shown_bytes_max(self) -> usize {
        match self.kind {
            HEADERS | PUSH_PROMISE | CONTINUATION => HTTP_HEADER_BYTES_MAX,
            PRIORITY | RST_STREAM | SETTINGS | GOAWAY | WINDOW_UPDATE => HTTP2_CONTROL_BYTES_MAX,
            _ => 0,
        }
    }
}

/// What came of reading on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step<'i> {
    /// The input is used up.
    More,
    /// A frame begins.
    Head(FrameHead),
    /// The next bytes of a DATA frame, without its padding.
    Data(FrameHead, &'i [u8]),
    /// The next bytes of a frame that is of no message, or of padding.
    Plain(&'i [u8]),
    /// A frame is complete: its payload or the first bytes of it, where that is not held; a DATA frame without.
    End(FrameHead, Option<&'i [u8]>),
}

/// A frame has more padding than payload (RFC 9113 §6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadPadding;

/// What a gap took of a DATA frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Skipped {
    pub(super) head: FrameHead,
    /// Without the padding.
    pub(super) data_bytes: u32,
    /// Whether the frame ends there.
    pub(super) is_end: bool,
}

/// The frames of one direction: those with data are read where they lie, others are shown whole.
#[derive(Debug, Default)]
pub(super) struct Frames {
    raw: ArrayVec<u8, HEAD_BYTES>,
    /// The frame under way; without it, `raw` is the begin of its head.
    head: Option<FrameHead>,
    /// What is left of its payload, padding included, in bytes.
    left: u32,
    /// Of these, padding.
    padding: u32,
    awaits_padding: bool,
    held: Vec<u8>,
}

impl Frames {
    /// Memory that it holds, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.held.capacity()
    }

    /// Reads on.
    pub(super) fn next<'i>(&mut self, input: &mut &'i [u8]) -> Result<Step<'i>, BadPadding> {
        match self.head {
            None => Ok(self.read_head(input)),
            Some(head) if head.kind == DATA => self.read_data(head, input),
            Some(head) if head.is_plain() => Ok(self.read_plain(head, input)),
            Some(head) => Ok(self.read_whole(head, input)),
        }
    }

    fn read_head(&mut self, input: &mut &[u8]) -> Step<'static> {
        if self.raw.is_full() {
            self.raw.clear();
            self.held.clear();
            self.held.shrink_to(MESSAGE_BYTES_KEPT_MAX);
        }
        let count = self.raw.remaining_capacity().min(input.len());
        let (taken, rest) = input.split_at(count);
        *input = rest;
        self.raw.extend(taken.iter().copied());
        let [high, middle, low, kind, flags, a, b, c, d] = *self.raw.as_slice() else { return Step::More };
        let head = FrameHead {
            length: u32::from_be_bytes([0, high, middle, low]),
            kind,
            flags,
            // The first bit is reserved.
            stream: u32::from_be_bytes([a & 0x7f, b, c, d]),
        };
        self.head = Some(head);
        (self.left, self.padding) = (head.length, 0);
        self.awaits_padding = kind == DATA && head.has(flag::PADDED);
        Step::Head(head)
    }

    fn read_data<'i>(&mut self, head: FrameHead, input: &mut &'i [u8]) -> Result<Step<'i>, BadPadding> {
        if self.awaits_padding {
            self.left = self.left.checked_sub(1).ok_or(BadPadding)?;
            let Some((&padding, rest)) = input.split_first() else {
                self.left += 1;
                return Ok(Step::More);
            };
            if u32::from(padding) > self.left {
                self.left += 1;
                return Err(BadPadding);
            }
            *input = rest;
            (self.padding, self.awaits_padding) = (padding.into(), false);
        }
        let data_left = self.left - self.padding.min(self.left);
        if data_left > 0 {
            let data = take(input, data_left);
            self.left -= data.len() as u32;
            return Ok(if data.is_empty() { Step::More } else { Step::Data(head, data) });
        }
        if self.left > 0 {
            let padding = take(input, self.left);
            self.left -= padding.len() as u32;
            self.padding = self.left;
            return Ok(if padding.is_empty() { Step::More } else { Step::Plain(padding) });
        }
        self.head = None;
        Ok(Step::End(head, Some(&[])))
    }

    fn read_plain<'i>(&mut self, head: FrameHead, input: &mut &'i [u8]) -> Step<'i> {
        if self.left == 0 {
            self.head = None;
            return Step::End(head, None);
        }
        let piece = take(input, self.left);
        self.left -= piece.len() as u32;
        let room = head.shown_bytes_max().saturating_sub(self.held.len());
        self.held.extend_from_slice(piece.get(..room).unwrap_or(piece));
        if piece.is_empty() { Step::More } else { Step::Plain(piece) }
    }

    fn read_whole<'i>(&mut self, head: FrameHead, input: &mut &'i [u8]) -> Step<'i> {
        let shown_bytes_max = head.shown_bytes_max();
        let piece = take(input, self.left);
        self.left -= piece.len() as u32;
        if self.left == 0 {
            self.head = None;
        }
        if self.left == 0 && self.held.is_empty() {
            return Step::End(head, Some(piece.get(..shown_bytes_max).unwrap_or(piece)));
        }
        let room = shown_bytes_max.saturating_sub(self.held.len());
        self.held.extend_from_slice(piece.get(..room).unwrap_or(piece));
        if self.left == 0 { Step::End(head, None) } else { Step::More }
    }

    /// So many bytes are missing: what they were, where they lie within the payload of a DATA frame.
    pub(super) fn skip(&mut self, bytes: u32) -> Option<Skipped> {
        let head = self.head.filter(|head| head.kind == DATA && !self.awaits_padding)?;
        let left = self.left.checked_sub(bytes)?;
        let data_left = self.left - self.padding;
        self.left = left;
        self.padding = self.padding.min(left);
        if left == 0 {
            self.head = None;
        }
        Some(Skipped { head, data_bytes: data_left.min(bytes), is_end: left == 0 })
    }

    /// The bytes in front of the frame under way, or of the one that was just shown.
    pub(super) fn raw_head(&self) -> &[u8] {
        &self.raw
    }

    /// What is held of the frame under way, or of the one that was just shown.
    pub(super) fn held(&self) -> &[u8] {
        &self.held
    }

    /// What was read and not shown of the frame under way: of what is in front of it, and of its payload.
    pub(super) fn unread(&self) -> [&[u8]; 2] {
        match self.head {
            None if self.raw.is_full() => [&[], &[]],
            Some(head) if head.kind == DATA || head.is_plain() => [&[], &[]],
            _ => [&self.raw, &self.held],
        }
    }
}

/// The next bytes, so many at most.
fn take<'i>(input: &mut &'i [u8], bytes_max: u32) -> &'i [u8] {
    let count = usize::try_from(bytes_max).unwrap_or(usize::MAX).min(input.len());
    let (taken, rest) = input.split_at(count);
    *input = rest;
    taken
}
