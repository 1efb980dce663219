//! How much an end of a connection says that it takes.

use super::Connection;
use crate::flow::Direction;

impl Connection {
    /// The bytes that a window stands for in a segment of `direction` that is no SYN (RFC 7323 §2.2).
    pub fn window_bytes(&self, direction: Direction, window: u16) -> u32 {
        u32::from(window) << self.window_shifts[direction as usize]
    }
}
