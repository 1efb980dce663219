//! A SYN that finds a connection: only the answer to it tells whether it opens another one.

use super::{Asked, Connection, Phase};
use crate::decode::TcpFlags;
use crate::flow::Direction;
use crate::reassembly::{Segment, sequence::Sequence};

impl Connection {
    /// Whether `segment` asks for a new connection between the same ports, which the caller tracks anew.
    ///
    /// True for a SYN after both ends finished or one reset. On any other connection the SYN is stale or forged unless
    /// its receiver, who knows, answers it by a SYN-ACK instead of a challenge (RFC 5961 §4): then it is true for that.
    pub fn is_reopened_by(&self, direction: Direction, segment: &Segment<'_>) -> bool {
        if !segment.flags.has(TcpFlags::SYN) || segment.flags.0 & (TcpFlags::RST | TcpFlags::FIN) != 0 {
            return false;
        }
        match self.phase {
            Phase::None | Phase::SynSent(_) => false,
            _ if segment.flags.has(TcpFlags::ACK) => self.asked.is_some_and(|asked| {
                // One that says what its receiver said of it in advance is of the connection that is known.
                asked.opener != direction
                    && asked.data_start.get() == segment.acknowledgment
                    && !self.stream(direction).has_sent(Sequence::new(segment.sequence).plus(1))
            }),
            _ => self.state().is_finished(),
        }
    }

    /// The connection whose SYN-ACK [reopens](Self::is_reopened_by) this one, as it stood before it; its opener is the
    /// client.
    pub fn reopened(&self) -> Option<Connection> {
        let asked = self.asked?;
        let mut connection = Connection::new();
        let opener = Direction::ToServer;
        connection.stream_mut(opener).open_at(asked.data_start);
        connection.window_shifts[opener as usize] = asked.window_shift;
        connection.offer_clock(opener, asked.timestamp);
        connection.phase = Phase::SynSent(opener);
        Some(connection)
    }

    /// The SYN that opened this connection may yet open another.
    pub(super) fn ask_on(&mut self, opener: Direction) {
        let data_start = self.stream(opener).next();
        let window_shift = self.window_shifts[opener as usize];
        let timestamp = self.stream(opener).recent_timestamp();
        self.asked = Some(Asked { opener, data_start, window_shift, timestamp });
    }
}
