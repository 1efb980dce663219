//! [`Layer`]: one coding being taken off.

use super::{brotli::Brotli, inflate::Inflate, zstandard::Zstandard};
use crate::account::Charge;

/// The decoder of one coding.
#[derive(Debug)]
pub(super) enum Layer {
    Inflate {
        inflate: Box<Inflate>,
        /// Given back with the layer.
        _charge: Charge,
    },
    Brotli(Box<Brotli>),
    Zstandard(Box<Zstandard>),
}

/// How a decoder stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It reads on, where there is input, and writes on, where the output was full.
    Going,
    /// What follows is not its own.
    Done,
    /// What follows cannot be read.
    Broken,
    /// It would need more memory than there is.
    NoMemory,
}

impl Layer {
    /// Reads on, as far as there is room; how much was written.
    pub(super) fn run(&mut self, input: &mut &[u8], output: &mut [u8]) -> (usize, State) {
        match self {
            Layer::Inflate { inflate, .. } => inflate.run(input, output),
            Layer::Brotli(brotli) => brotli.run(input, output),
            Layer::Zstandard(zstandard) => zstandard.run(input, output),
        }
    }

    /// Whether the stream may end here.
    pub(super) fn is_complete(&self) -> bool {
        match self {
            Layer::Inflate { inflate, .. } => inflate.is_complete(),
            Layer::Brotli(brotli) => brotli.is_complete(),
            Layer::Zstandard(zstandard) => zstandard.is_complete(),
        }
    }
}
