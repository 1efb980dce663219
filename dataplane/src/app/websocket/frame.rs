//! What stands in front of a frame of WebSocket (RFC 6455 §5.2).

use arrayvec::ArrayVec;

use crate::app::wire::Wire;

pub(super) const CONTINUATION: u8 = 0;
pub(super) const TEXT: u8 = 1;
pub(super) const BINARY: u8 = 2;
pub(super) const CLOSE: u8 = 8;
pub(super) const PING: u8 = 9;
pub(super) const PONG: u8 = 10;

/// Bytes of a head with the longest length and a mask.
const HEAD_BYTES_MAX: usize = 14;

/// Bytes of payload that a control frame may have (RFC 6455 §5.5).
pub(super) const CONTROL_BYTES_MAX: usize = 125;

/// A frame whose payload follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) is_final: bool,
    /// The reserved bit that says a message is compressed (RFC 7692 §6).
    pub(super) is_compressed: bool,
    pub(super) opcode: u8,
    pub(super) mask: Option<[u8; 4]>,
    /// Of its payload, in bytes.
    pub(super) length: u64,
}

/// No frame begins like this, or none that an end may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadFrame;

/// The bytes in front of a frame, as far as they are there.
#[derive(Debug, Default)]
pub(super) struct FrameHead(ArrayVec<u8, HEAD_BYTES_MAX>);

impl Frame {
    pub(super) fn is_control(self) -> bool {
        self.opcode >= CLOSE
    }

    /// The name that Suricata's events use.
    pub(super) fn opcode_name(self) -> &'static [u8] {
        match self.opcode {
            CONTINUATION => b"continuation",
            TEXT => b"text",
            BINARY => b"binary",
            CLOSE => b"connection_close",
            PING => b"ping",
            _ => b"pong",
        }
    }

    /// Unmasks bytes of the payload, the first of which is so far behind its begin (RFC 6455 §5.3).
    pub(super) fn unmask(self, at: u64, bytes: &mut [u8]) {
        let Some(mask) = self.mask else { return };
        let mut keys = mask;
        keys.rotate_left(usize::try_from(at % 4).unwrap_or_default());
        for four in bytes.chunks_mut(4) {
            for (byte, key) in four.iter_mut().zip(keys) {
                *byte ^= key;
            }
        }
    }
}

impl FrameHead {
    /// Reads on, up to the begin of the payload. What is wrong is told as soon as it is there.
    pub(super) fn read(&mut self, input: &mut &[u8]) -> Result<Option<Frame>, BadFrame> {
        while let Some((&byte, rest)) = input.split_first() {
            if self.0.try_push(byte).is_err() {
                return Err(BadFrame);
            }
            *input = rest;
            if let &[flags, ..] = self.0.as_slice()
                && !is_known(flags)
            {
                return Err(BadFrame);
            }
            if let Some(frame) = self.frame()? {
                return Ok(Some(frame));
            }
        }
        Ok(None)
    }

    /// What is there of it.
    pub(super) fn held(&self) -> &[u8] {
        &self.0
    }

    /// Its frame begins: the next one's follows.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    fn frame(&self) -> Result<Option<Frame>, BadFrame> {
        let mut wire = Wire(&self.0);
        let (Some(flags), Some(short)) = (wire.u8(), wire.u8()) else { return Ok(None) };
        let (is_final, opcode) = (flags & 0x80 != 0, flags & 0xf);
        let length = match short & 0x7f {
            126 => wire.u16().map(u64::from),
            127 => wire.u64(),
            length => Some(length.into()),
        };
        let is_control = opcode >= CLOSE;
        if is_control && (!is_final || usize::from(short & 0x7f) > CONTROL_BYTES_MAX) {
            return Err(BadFrame);
        }
        let Some(length) = length else { return Ok(None) };
        // The most significant bit is 0 (RFC 6455 §5.2).
        if length >> 63 != 0 {
            return Err(BadFrame);
        }
        let mask = match short & 0x80 {
            0 => None,
            _ => match wire.u32() {
                Some(mask) => Some(mask.to_be_bytes()),
                None => return Ok(None),
            },
        };
        Ok(Some(Frame { is_final, is_compressed: flags & 0x40 != 0, opcode, mask, length }))
    }
}

/// Whether the first byte of a frame has an opcode that there is, and no reserved bit but the one for compression.
fn is_known(flags: u8) -> bool {
    let is_opcode = matches!(flags & 0xf, CONTINUATION | TEXT | BINARY | CLOSE | PING | PONG);
    let may_be_compressed = matches!(flags & 0xf, TEXT | BINARY);
    is_opcode && flags & 0x30 == 0 && (flags & 0x40 == 0 || may_be_compressed)
}
