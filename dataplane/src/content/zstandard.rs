//! [`Zstandard`]: frames of Zstandard (RFC 8878), one after another, of windows that RFC 9659 allows.

use std::fmt;

use zstd::zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, ResetDirective};

use super::layer::State;
use crate::account::Charge;
use crate::limits::CONTENT_ZSTD_WINDOW_BITS_MAX;

/// A stream under way.
pub(super) struct Zstandard {
    context: DCtx<'static>,
    /// Of what it remembers, as far as it asked for that.
    charge: Charge,
    /// Whether it stands between two frames.
    is_between: bool,
}

impl Zstandard {
    /// What one remembers beside its window.
    pub(super) const BYTES: usize = 160 * 1024;

    /// `None` where there is no memory for one.
    pub(super) fn new(charge: Charge) -> Option<Zstandard> {
        let mut context = DCtx::try_create()?;
        let window = DParameter::WindowLogMax(CONTENT_ZSTD_WINDOW_BITS_MAX);
        context.set_parameter(window).ok()?;
        Some(Zstandard { context, charge, is_between: true })
    }

    /// Another stream begins; what the last one remembered is kept.
    pub(super) fn begin(&mut self) -> bool {
        self.is_between = true;
        self.context.reset(ResetDirective::SessionOnly).is_ok()
    }

    /// Memory that it has, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.context.sizeof()
    }

    /// Whether the stream may end here.
    pub(super) fn is_complete(&self) -> bool {
        self.is_between
    }

    /// Reads on, as far as there is room; how much was written.
    pub(super) fn run(&mut self, input: &mut &[u8], output: &mut [u8]) -> (usize, State) {
        let mut from = InBuffer::around(input);
        let mut to = OutBuffer::around(output);
        while from.pos() < input.len() || !self.is_between {
            let before = (from.pos(), to.pos());
            let Ok(wanted) = self.context.decompress_stream(&mut to, &mut from) else {
                return (to.pos(), State::Broken);
            };
            self.is_between = wanted == 0;
            if before == (from.pos(), to.pos()) || to.pos() == to.capacity() {
                break;
            }
        }
        let (read, written) = (from.pos(), to.pos());
        *input = input.get(read..).unwrap_or_default();
        let is_within = self.charge.raise_to(self.context.sizeof());
        (written, if is_within { State::Going } else { State::NoMemory })
    }
}

impl fmt::Debug for Zstandard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Zstandard").field("charge", &self.charge).finish_non_exhaustive()
    }
}
