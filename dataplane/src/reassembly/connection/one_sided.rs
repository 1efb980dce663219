//! A connection of which one end alone is heard, as where the other one's packets take another way.

use super::{Connection, Phase};
use crate::decode::TcpFlags;
use crate::flow::Direction;
use crate::reassembly::{Segment, sequence::Sequence};

impl Connection {
    /// Whether `segment` is refused for want of a word of the other end: it carries what its sender says first, behind its own
    /// SYN that was not answered here, or behind its answer to a SYN that did not come by here.
    pub fn is_one_sided(&self, direction: Direction, segment: &Segment<'_>) -> bool {
        let has = |bits| segment.flags.has(bits);
        let is_data = !segment.payload.is_empty() || segment.missing_bytes > 0 || has(TcpFlags::FIN);
        let stream = self.stream(direction);
        let is_next = Sequence::new(segment.sequence) == stream.next() && stream.is_fresh();
        let is_alone = match self.phase {
            Phase::SynSent(opener) => opener == direction,
            Phase::SynReceived => {
                let opposite = self.stream(direction.opposite());
                self.is_midstream && !opposite.has_sent(Sequence::new(segment.acknowledgment))
            }
            Phase::None | Phase::Established | Phase::Reset => false,
        };
        let is_plain = segment.flags.0 & (TcpFlags::SYN | TcpFlags::RST) == 0;
        is_alone && is_next && is_data && is_plain && has(TcpFlags::ACK)
    }

    /// Goes on as if the other end had agreed to what a [one-sided](Self::is_one_sided) `segment` says of it. If it does not,
    /// its SYN-ACK tells, and opens the connection anew.
    pub fn go_on_one_sided(&mut self, direction: Direction, segment: &Segment<'_>) {
        if let Phase::SynSent(opener) = self.phase {
            self.ask_on(opener);
        }
        let (sequence, acknowledgment) = (segment.sequence, segment.acknowledgment);
        self.pick_up(direction, Sequence::new(sequence), Sequence::new(acknowledgment));
        // Where its own data begins, its SYN said.
        self.stream_mut(direction).open_at(Sequence::new(sequence));
    }
}
