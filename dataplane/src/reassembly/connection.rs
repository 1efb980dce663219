//! [`Connection`]: both streams of one TCP connection and the handshake that opens them.

mod one_sided;
mod reopening;
mod turn;
mod window;

use super::sequence::{Sequence, Span};
use super::stream::{Admitted, Stream, WINDOW_BYTES_MAX, segment_bytes};
use super::{Chunks, Memory, Segment, TcpState};
use crate::decode::TcpFlags;
use crate::flow::Direction;
use crate::verdict::DropReason;

/// The largest shift of a window scale option (RFC 7323 §2.3).
const WINDOW_SHIFT_MAX: u8 = 14;

/// Both directions of one TCP connection: its state, what each end is known to have, and the data that waits.
#[derive(Debug, Default)]
pub struct Connection {
    streams: [Stream; 2],
    phase: Phase,
    /// By how much each sender's windows are shifted.
    window_shifts: [u8; 2],
    /// Whose FIN was seen first.
    first_fin: Option<Direction>,
    is_midstream: bool,
    clocks: Clocks,
    /// The last SYN that found the connection alive, or whose reset its sender may not have taken.
    asked: Option<Asked>,
}

/// Whether receivers look at timestamps (RFC 7323 §3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Clocks {
    /// The handshake was not seen: where timestamps come, they were agreed on.
    #[default]
    Unknown,
    /// The first SYN offered them.
    Offered,
    /// Both SYNs carried them.
    Agreed,
    /// A SYN did not carry them: they mean nothing.
    Declined,
}

/// A SYN whose answer tells whether it opens a connection: a SYN-ACK does, an ACK is the challenge of one that lives on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Asked {
    opener: Direction,
    /// Where the opener's data would begin.
    data_start: Sequence,
    window_shift: u8,
    timestamp: Option<u32>,
}

/// How far the handshake has come. Both streams are open from `SynReceived` on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    None,
    /// The stream of this direction is open.
    SynSent(Direction),
    SynReceived,
    Established,
    Reset,
}

impl Connection {
    /// A connection of which nothing was seen.
    pub fn new() -> Self {
        Connection::default()
    }

    /// Judges a segment that travels in `direction`, and returns what of its stream becomes contiguous
    /// with it. A segment that is refused changes nothing, but counts where memory was short, and may tell how far its sender
    /// came.
    ///
    /// An acknowledgment may show that bytes of the other direction went by unseen: ask
    /// [`pending`](Self::pending) for that direction afterwards.
    #[inline]
    pub fn push<'a>(
        &'a mut self,
        direction: Direction,
        segment: Segment<'a>,
        memory: &'a mut Memory,
    ) -> Result<Chunks<'a>, DropReason> {
        if segment_bytes(&segment).is_none() {
            return Err(DropReason::OutOfWindow);
        }
        let admitted = if segment.flags.has(TcpFlags::RST) {
            self.reset(direction, &segment, memory)?
        } else if segment.flags.has(TcpFlags::SYN) {
            self.synchronise(direction, &segment, memory)?
        } else {
            self.carry(direction, &segment, memory)?
        };
        Ok(Chunks::new(self.stream_mut(direction), admitted, memory))
    }

    /// Makes `payload`, that of a `segment` which travels in `direction`, say what was read first wherever its receiver may
    /// still choose between two copies: in data that is held, and in data that is delivered and not acknowledged.
    pub fn restore(&self, direction: Direction, segment: &Segment<'_>, payload: &mut [u8], memory: &Memory) {
        let syn = u32::from(segment.flags.has(TcpFlags::SYN));
        self.stream(direction).restore(Sequence::new(segment.sequence).plus(syn), payload, memory);
    }

    /// Whether the handshake is not complete, and neither end reset the connection.
    #[inline]
    pub fn is_beginning(&self) -> bool {
        matches!(self.phase, Phase::None | Phase::SynSent(_) | Phase::SynReceived)
    }

    /// Whether `segment` would be taken for one of a connection whose begin went by unseen.
    pub fn picks_up(&self, direction: Direction, segment: &Segment<'_>) -> bool {
        let has = |bits| segment.flags.has(bits);
        match self.phase {
            Phase::None => has(TcpFlags::ACK) && !has(TcpFlags::RST),
            Phase::SynSent(opener) => {
                let is_plain = segment.flags.0 & (TcpFlags::SYN | TcpFlags::RST) == 0;
                let acknowledgment = Sequence::new(segment.acknowledgment);
                is_plain && has(TcpFlags::ACK) && self.is_challenge(opener, direction, acknowledgment)
            }
            Phase::SynReceived | Phase::Established | Phase::Reset => false,
        }
    }

    /// What `direction` can deliver without a further segment: a gap that the receiver acknowledged and
    /// the held data behind it, or the end that a reset brought.
    #[inline(always)]
    pub fn pending<'a>(&'a mut self, direction: Direction, memory: &'a mut Memory) -> Option<Chunks<'a>> {
        let stream = self.stream_mut(direction);
        if !stream.is_pending() {
            return None;
        }
        let nothing = stream.nothing();
        Some(Chunks::new(stream, nothing, memory))
    }

    /// The next in-order sequence number of `direction`, which its receiver expects; `None` while that
    /// end has not been heard of.
    pub fn expected(&self, direction: Direction) -> Option<u32> {
        let stream = self.stream(direction);
        stream.is_open().then(|| stream.expected().get())
    }

    /// The highest sequence number of `direction` that its receiver acknowledged, or the first one.
    pub fn acknowledged(&self, direction: Direction) -> Option<u32> {
        let stream = self.stream(direction);
        stream.is_open().then(|| stream.acknowledged().get())
    }

    /// How far the connection has come.
    #[inline]
    pub fn state(&self) -> TcpState {
        match self.phase {
            Phase::None => TcpState::None,
            Phase::SynSent(_) => TcpState::SynSent,
            Phase::SynReceived => TcpState::SynReceived,
            Phase::Established => self.closing_state(),
            Phase::Reset => TcpState::Closed,
        }
    }

    fn closing_state(&self) -> TcpState {
        let (client, server) = (self.stream(Direction::ToServer), self.stream(Direction::ToClient));
        let client_first = self.first_fin == Some(Direction::ToServer);
        match (client.is_finished(), server.is_finished()) {
            (false, false) => TcpState::Established,
            (true, false) => TcpState::CloseWait,
            (false, true) if server.is_finish_acknowledged() => TcpState::FinWait2,
            (false, true) => TcpState::FinWait1,
            (true, true) => match (client.is_finish_acknowledged(), server.is_finish_acknowledged()) {
                (true, true) => TcpState::Closed,
                (_, false) if client_first => TcpState::LastAck,
                (false, true) => TcpState::TimeWait,
                (_, false) => TcpState::Closing,
            },
        }
    }

    /// Whether one end reset the connection.
    pub fn is_reset(&self) -> bool {
        self.phase == Phase::Reset
    }

    /// Whether the connection was open before its first segment was seen.
    pub fn is_midstream(&self) -> bool {
        self.is_midstream
    }

    /// Gives held memory back when the flow ends or is blocked.
    pub fn release(&mut self, memory: &mut Memory) {
        self.streams.iter_mut().for_each(|stream| stream.release(memory));
    }

    fn reset<'a>(
        &mut self,
        direction: Direction,
        segment: &Segment<'a>,
        memory: &mut Memory,
    ) -> Result<Admitted<'a>, DropReason> {
        let sequence = Sequence::new(segment.sequence);
        let acknowledgment = Sequence::new(segment.acknowledgment);
        let stream = self.stream(direction);
        let is_exact = sequence == stream.expected();
        let ends_it = match self.phase {
            Phase::None | Phase::Reset => false,
            // Nothing is agreed on that another number could desynchronise.
            Phase::SynSent(opener) if opener == direction => is_exact,
            // RFC 9293 §3.10.7.3: in SYN-SENT a reset is acceptable if it acknowledges the SYN.
            Phase::SynSent(opener) => {
                if !segment.flags.has(TcpFlags::ACK) || !self.stream(opener).has_sent(acknowledgment) {
                    return Err(DropReason::OutOfWindow);
                }
                true
            }
            // RFC 5961 §3.2: only the exact number resets; another one within the window is challenged.
            Phase::SynReceived | Phase::Established => {
                if sequence.since(stream.expected()).unsigned_abs() > stream.reach_bytes() {
                    return Err(DropReason::OutOfWindow);
                }
                is_exact
            }
        };
        if ends_it {
            // Receivers look at more of it than is looked at here, such as the echo of their timestamp: a SYN-ACK shows that
            // this one has not taken it.
            if let Phase::SynSent(opener) = self.phase
                && opener != direction
                && self.stream(opener).is_fresh()
            {
                self.ask_on(opener);
            }
            self.phase = Phase::Reset;
            self.streams.iter_mut().for_each(|stream| stream.abort(memory));
        }
        Ok(self.stream(direction).nothing())
    }

    fn synchronise<'a>(
        &mut self,
        direction: Direction,
        segment: &Segment<'a>,
        memory: &mut Memory,
    ) -> Result<Admitted<'a>, DropReason> {
        if segment.flags.has(TcpFlags::FIN) {
            return Err(DropReason::OutOfWindow);
        }
        // RFC 9293 §3.4: the SYN takes a sequence number, and data follows it (RFC 7413 §4.2).
        let data_start = Sequence::new(segment.sequence).plus(1);
        let acknowledgment = Sequence::new(segment.acknowledgment);
        let opposite = direction.opposite();
        match (self.phase, segment.flags.has(TcpFlags::ACK)) {
            (Phase::None, false) => {
                self.stream_mut(direction).open_at(data_start);
                self.phase = Phase::SynSent(direction);
                self.note_offers(direction, segment);
            }
            (Phase::None, true) => {
                self.pick_up(direction, data_start, acknowledgment);
                // Who answers a SYN has nothing but that, and what it sends is new.
                self.stream_mut(direction).open_at(data_start);
                self.stream_mut(opposite).open_at(acknowledgment);
                self.phase = Phase::SynReceived;
            }
            (Phase::SynSent(opener), false) if opener == direction => {
                let stream = self.stream_mut(direction);
                let is_repeated = stream.acknowledged() == data_start;
                // Data of the first SYN was judged; another SYN cannot take its place.
                if !is_repeated && !stream.is_fresh() {
                    return Err(DropReason::OutOfWindow);
                }
                if !is_repeated {
                    stream.open_at(data_start);
                    self.note_offers(direction, segment);
                }
            }
            // RFC 9293 §3.5: both ends may open at once.
            (Phase::SynSent(opener), is_answer) if opener == opposite => {
                if is_answer && !self.stream(opposite).has_sent(acknowledgment) {
                    return self.ignore(direction, segment);
                }
                self.stream_mut(direction).open_at(data_start);
                self.phase = Phase::SynReceived;
                self.agree(direction, segment);
                if is_answer {
                    self.stream_mut(opposite).acknowledge(acknowledgment, memory);
                }
            }
            _ => return self.synchronise_again(direction, segment, data_start),
        }
        let admitted = self.stream_mut(direction).admit(data_start, segment, false, memory)?;
        // RFC 7323 §2.2: the window of a SYN is never scaled.
        self.stream_mut(opposite).advertise(u32::from(segment.window));
        Ok(admitted)
    }

    /// A SYN or SYN-ACK that finds the connection alive. Only the end that it is for knows whether it opens another.
    fn synchronise_again<'a>(
        &mut self,
        direction: Direction,
        segment: &Segment<'a>,
        data_start: Sequence,
    ) -> Result<Admitted<'a>, DropReason> {
        // Late, and repeated as long as its receiver may not have had it.
        if self.stream(direction).has_sent(data_start) {
            return self.ignore(direction, segment);
        }
        // It answers a SYN that was not noted: whatever it opens would not be known here.
        if segment.flags.has(TcpFlags::ACK) {
            return Err(DropReason::OutOfWindow);
        }
        let admitted = self.ignore(direction, segment)?;
        let (window_shift, timestamp) = (shift_of(segment), segment.timestamp);
        self.asked = Some(Asked { opener: direction, data_start, window_shift, timestamp });
        Ok(admitted)
    }

    /// Remembers the shift and the clock that a first SYN offers. Without a shift, 0 stands.
    fn note_offers(&mut self, direction: Direction, segment: &Segment<'_>) {
        self.offer_clock(direction, segment.timestamp);
        self.window_shifts[direction as usize] = shift_of(segment);
    }

    /// RFC 7323 §2.2: windows are scaled where both SYNs carry the option.
    fn agree(&mut self, direction: Direction, segment: &Segment<'_>) {
        self.window_shifts[direction as usize] = shift_of(segment);
        if segment.window_scale.is_none() {
            self.window_shifts = [0; 2];
        }
        self.clocks = match (self.clocks, segment.timestamp) {
            (Clocks::Offered, Some(timestamp)) => {
                self.stream_mut(direction).start_clock(Some(timestamp));
                Clocks::Agreed
            }
            _ => Clocks::Declined,
        };
    }

    fn offer_clock(&mut self, direction: Direction, timestamp: Option<u32>) {
        self.clocks = if timestamp.is_some() { Clocks::Offered } else { Clocks::Declined };
        self.stream_mut(direction).start_clock(timestamp);
    }

    /// RFC 7323 §5.3: whether the receiver would drop what a segment carries, as its timestamp is older than what it has or
    /// is missing (§3.2). What carries nothing has nothing to read.
    fn has_stale_clock(&self, direction: Direction, segment: &Segment<'_>) -> bool {
        let carries =
            !segment.payload.is_empty() || segment.missing_bytes > 0 || segment.flags.has(TcpFlags::FIN);
        carries
            && match (self.clocks, segment.timestamp) {
                (Clocks::Declined | Clocks::Offered, _) | (Clocks::Unknown, None) => false,
                (Clocks::Agreed, None) => true,
                (Clocks::Agreed | Clocks::Unknown, Some(timestamp)) => {
                    self.stream(direction).is_stale(timestamp)
                }
            }
    }

    /// Takes the connection up where it stands: `direction` sends from `sequence`, and its sender has all before
    /// `acknowledgment`; the receivers of both streams have yet to confirm that. How windows are scaled was agreed on
    /// unseen, so all are taken for the largest.
    fn pick_up(&mut self, direction: Direction, sequence: Sequence, acknowledgment: Sequence) {
        self.clocks = Clocks::Unknown;
        self.streams.iter_mut().for_each(|stream| stream.start_clock(None));
        self.stream_mut(direction).guess_at(sequence);
        let opposite = self.stream_mut(direction.opposite());
        if !opposite.is_open() || !opposite.has_sent(acknowledgment) {
            opposite.guess_at(acknowledgment);
        }
        self.streams.iter_mut().for_each(|stream| stream.advertise(WINDOW_BYTES_MAX));
        self.is_midstream = true;
        self.phase = Phase::Established;
    }

    #[inline]
    fn carry<'a>(
        &mut self,
        direction: Direction,
        segment: &Segment<'a>,
        memory: &mut Memory,
    ) -> Result<Admitted<'a>, DropReason> {
        // RFC 9293 §3.10.7.4, fifth: without ACK the receiver drops it.
        if !segment.flags.has(TcpFlags::ACK) {
            return Err(DropReason::OutOfWindow);
        }
        let sequence = Sequence::new(segment.sequence);
        let acknowledgment = Sequence::new(segment.acknowledgment);
        let opposite = direction.opposite();
        match self.phase {
            Phase::None => self.pick_up(direction, sequence, acknowledgment),
            Phase::SynSent(opener) if self.is_challenge(opener, direction, acknowledgment) => {
                self.ask_on(opener);
                self.pick_up(direction, sequence, acknowledgment);
            }
            // Until a SYN-ACK agrees on both numbers, only the receiver knows where its stream stands: what it
            // takes for contiguous would wait here unjudged.
            Phase::SynSent(_) | Phase::Reset => return self.ignore(direction, segment),
            // RFC 9293 §3.10.7.4: in SYN-RECEIVED another acknowledgment is answered by a reset.
            Phase::SynReceived if !self.stream(opposite).has_sent(acknowledgment) => {
                return self.ignore(direction, segment);
            }
            Phase::SynReceived | Phase::Established => {}
        }

        if self.has_stale_clock(direction, segment) {
            return Err(DropReason::StaleTimestamp);
        }
        let is_last = segment.flags.has(TcpFlags::FIN);
        let is_in_place = sequence == self.stream(direction).expected();
        // Its receiver would not look at what it carries, and what waited here would be taken for the first copy of it. In its
        // place it is looked at: where frames went by unseen, the two ends know better than we.
        if !is_in_place && !self.stream(opposite).may_be_answered_by(acknowledgment) {
            self.stream_mut(direction).note_sent(Sequence::new(segment.end()));
            return self.ignore(direction, segment);
        }
        let admitted = self.stream_mut(direction).admit(sequence, segment, is_last, memory)?;
        self.stream_mut(direction).note_sent(Sequence::new(segment.end()));
        if is_last && self.first_fin.is_none() {
            self.first_fin = Some(direction);
        }
        self.phase = Phase::Established;
        if let (Some(timestamp), Clocks::Agreed | Clocks::Unknown) = (segment.timestamp, self.clocks) {
            let span = Span::new(sequence, Sequence::new(segment.end()));
            self.stream_mut(direction).note_timestamp(timestamp, span);
        }
        let window_bytes = u32::from(segment.window) << self.window_shifts[direction as usize];
        let answered = self.stream_mut(opposite);
        answered.acknowledge(acknowledgment, memory);
        answered.advertise(window_bytes);
        Ok(admitted)
    }

    /// Whether a segment without SYN answers the SYN of `opener`: its receiver still has a connection, and tells where both
    /// stand in it (RFC 5961 §4). What the SYN carried was judged as the begin of another stream than that one.
    fn is_challenge(&self, opener: Direction, direction: Direction, acknowledgment: Sequence) -> bool {
        let asking = self.stream(opener);
        direction != opener && asking.is_fresh() && !asking.has_sent(acknowledgment)
    }

    /// A segment that has no effect here passes if there is nothing in it for the receiver to read.
    fn ignore<'a>(&self, direction: Direction, segment: &Segment<'a>) -> Result<Admitted<'a>, DropReason> {
        if segment.payload.is_empty() && segment.missing_bytes == 0 && !segment.flags.has(TcpFlags::FIN) {
            return Ok(self.stream(direction).nothing());
        }
        Err(DropReason::OutOfWindow)
    }

    fn stream(&self, direction: Direction) -> &Stream {
        &self.streams[direction as usize]
    }

    fn stream_mut(&mut self, direction: Direction) -> &mut Stream {
        &mut self.streams[direction as usize]
    }
}

/// The shift that a SYN offers (RFC 7323 §2.2).
fn shift_of(segment: &Segment<'_>) -> u8 {
    segment.window_scale.unwrap_or(0).min(WINDOW_SHIFT_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_holds_nothing_is_small() {
        assert!(size_of::<Connection>() <= 160, "{} bytes", size_of::<Connection>());
    }
}
