//! Whose packet it is: keys, directions and the books of one flow.

pub use dlp_patterns::Direction;
