//! A connection whose client turns out to be its server: nothing is forgotten, and each end keeps what is its own.

use super::{Connection, Phase};
use crate::flow::Direction;

impl Connection {
    /// Gives its ends each other's names.
    pub fn turn(&mut self) {
        self.streams.reverse();
        self.window_shifts.reverse();
        self.first_fin = self.first_fin.map(Direction::opposite);
        if let Phase::SynSent(opener) = &mut self.phase {
            *opener = opener.opposite();
        }
        if let Some(asked) = &mut self.asked {
            asked.opener = asked.opener.opposite();
        }
    }
}
