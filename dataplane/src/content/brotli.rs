//! [`Brotli`]: a stream of Brotli (RFC 7932), its window known before it is asked for.

use std::fmt;

use brotli_decompressor::{
    BrotliDecoderErrorCode, BrotliDecoderTakeOutput, BrotliDecompressStream, BrotliResult, BrotliState,
    StandardAlloc,
};

use super::layer::State;
use crate::account::Charge;

/// A stream under way.
pub(super) struct Brotli {
    state: Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>,
    /// Of what it remembers; its window is charged once its first byte tells how long that is.
    charge: Charge,
    part: Part,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Window,
    Data,
    Done,
    /// It is broken, and what stands before that may not be written yet.
    Broken,
}

impl Brotli {
    /// What one remembers beside its window: tables for up to 256 trees of each kind (§3.5), and itself.
    pub(super) const BYTES: usize = 256 * 1024;

    pub(super) fn new(charge: Charge) -> Brotli {
        let alloc = StandardAlloc::default;
        let mut state = Box::new(BrotliState::new(alloc(), alloc(), alloc()));
        // Windows beyond those of the RFC are for whoever agreed on them.
        state.large_window = false;
        Brotli { state, charge, part: Part::Window }
    }

    /// Whether the stream may end here.
    pub(super) fn is_complete(&self) -> bool {
        matches!(self.part, Part::Window | Part::Done)
    }

    /// Reads on, as far as there is room; how much was written. It asks for its window only if that is within the account.
    pub(super) fn run(&mut self, input: &mut &[u8], output: &mut [u8]) -> (usize, State) {
        if self.part == Part::Window {
            let Some(&first) = input.first() else { return (0, State::Going) };
            self.part = Part::Data;
            let Some(bits) = window_bits(first) else { return (0, State::Broken) };
            if !self.charge.raise_to(Brotli::BYTES + (1 << bits)) {
                return (0, State::NoMemory);
            }
        }
        match self.part {
            Part::Window | Part::Data => self.data(input, output),
            Part::Done if input.is_empty() => (0, State::Going),
            Part::Done => (0, State::Broken),
            Part::Broken => self.rest(output),
        }
    }

    fn data(&mut self, input: &mut &[u8], output: &mut [u8]) -> (usize, State) {
        let (mut left, mut read, mut room, mut written, mut total) = (input.len(), 0, output.len(), 0, 0);
        let result = BrotliDecompressStream(
            &mut left,
            &mut read,
            input,
            &mut room,
            &mut written,
            output,
            &mut total,
            &mut self.state,
        );
        *input = input.get(read..).unwrap_or_default();
        match result {
            BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => (written, State::Going),
            BrotliResult::ResultFailure => {
                self.part = Part::Broken;
                // Else it would give nothing of what it has.
                self.state.error_code = BrotliDecoderErrorCode::BROTLI_DECODER_SUCCESS;
                self.state.meta_block_remaining_len = self.state.meta_block_remaining_len.max(0);
                let (rest, state) = self.rest(output.get_mut(written..).unwrap_or_default());
                (written + rest, state)
            }
            BrotliResult::ResultSuccess => {
                self.part = Part::Done;
                (written, if input.is_empty() { State::Going } else { State::Broken })
            }
        }
    }

    /// Writes what was decoded before it broke: how much of that had been written depends on how the input was cut. Where a
    /// meta-block goes on behind its length, so does what is there of the part behind it, which nobody else reads.
    fn rest(&mut self, output: &mut [u8]) -> (usize, State) {
        let mut len = output.len();
        if len == 0 {
            return (0, State::Going);
        }
        let rest = BrotliDecoderTakeOutput(&mut self.state, &mut len);
        let rest = rest.get(..len).unwrap_or(rest);
        let Some(to) = output.get_mut(..rest.len()) else { return (0, State::Broken) };
        to.copy_from_slice(rest);
        (rest.len(), if rest.is_empty() { State::Broken } else { State::Going })
    }
}

/// The base-2 logarithm of the window, as the first byte of a stream tells (§9.1).
fn window_bits(first: u8) -> Option<u8> {
    match (first & 1, first >> 1 & 7, first >> 4 & 7) {
        (0, _, _) => Some(16),
        (_, 0, 0) => Some(17),
        (_, 0, 1) => None,
        (_, 0, more) => Some(8 + more),
        (_, more, _) => Some(17 + more),
    }
}

impl fmt::Debug for Brotli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Brotli").field("charge", &self.charge).finish_non_exhaustive()
    }
}
