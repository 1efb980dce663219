//! Frames with pieces of datagrams: held until the datagram is whole, which is judged as one packet.
//!
//! Where nothing is held back, in monitor mode, a piece passes at once, and a copy waits to be read with the others.

use std::mem;

use super::rewrite::Rewrite;
use super::{Pipeline, RxMeta};
use crate::decode::{Checksum, DecodeError, Packet, Transport, protocol};
use crate::defrag::{Piece, Pushed, Whole};
use crate::event::EventSink;
use crate::policy::Mode;
use crate::verdict::{DropReason, Verdict};

impl Pipeline {
    /// Judges a frame that holds a piece, and enters it in the books, with all that waited for it.
    pub(super) fn process_piece<S: EventSink>(
        &mut self,
        frame: &[u8],
        packet: &Packet<'_>,
        meta: RxMeta,
        sink: &mut S,
    ) -> Verdict {
        let waits = if self.holds() { Verdict::Hold } else { Verdict::Forward };
        let pushed = match packet.checksum {
            Checksum::Bad => Pushed::Refused(DropReason::BadChecksum),
            _ => self.defragmenter.push(frame, packet, meta, self.newest_ns),
        };
        let mut verdict = match pushed {
            Pushed::Refused(reason) => {
                self.see_refused_piece(reason, frame, meta, sink);
                self.refuse_flowless(reason, frame, meta, sink)
            }
            Pushed::Waits | Pushed::Whole(_) => waits,
        };
        self.counters.count(verdict);
        if let Pushed::Whole(mut whole) = pushed {
            verdict = match self.identify(&mut whole, sink) {
                Verdict::Forward => self.send_to_owner(whole, sink),
                refused => self.answer_pieces(whole.pieces, refused),
            };
        }
        self.answer_fallen(sink);
        verdict
    }

    /// Frames that were held and leave now, those of one datagram together; to be asked for whenever frames were judged
    /// or flows expired. None of a datagram is to leave without the others; what cannot is to be told
    /// ([`egress_failed`](Self::egress_failed)).
    pub fn take_released(&mut self) -> impl Iterator<Item = Vec<Piece>> {
        self.released.drain(..)
    }

    /// Datagrams that are whole and whose flow is another worker's, with its number. Each is to be told of as
    /// [`departed`](Self::departed), or refused.
    pub fn take_departing(&mut self) -> Vec<(usize, Box<Whole>)> {
        mem::take(&mut self.departing)
    }

    /// Takes the frames of a datagram that went to its owner, and their bytes, off the books, where they are not forwarded
    /// already.
    pub fn departed(&mut self, frames: u64, bytes: u64) {
        if self.holds() {
            self.counters.frames_in -= frames;
            self.counters.bytes_in -= bytes;
            self.counters.held -= frames;
        }
    }

    /// Judges a datagram that was put together elsewhere, and enters it in the books here.
    pub fn process_whole<S: EventSink>(&mut self, whole: Whole, sink: &mut S) -> Verdict {
        if self.holds() {
            let frames = whole.pieces.len() as u64;
            self.counters.frames_in += frames;
            self.counters.bytes_in += u64::from(whole.wire_bytes());
            self.counters.held += frames;
        }
        let newest_ns = whole.pieces.iter().map(|piece| piece.meta.now_ns).max().unwrap_or(0);
        self.newest_ns = self.newest_ns.max(newest_ns);
        self.resets.clear();
        self.restored.clear();
        let judged = self.judge_whole(&whole, whole.decode(self.settings.checksums), sink);
        self.answer_whole(whole, judged)
    }

    /// Answers a datagram whose owner is too far behind to take it.
    pub fn refuse_whole<S: EventSink>(&mut self, whole: Whole, sink: &mut S) {
        self.refuse_pieces(DropReason::OwnerBehind, whole.pieces, sink);
    }

    /// Gives a datagram an identification that none of its receivers can have pieces of; a verdict other than to forward it
    /// where there is none.
    fn identify<S: EventSink>(&mut self, whole: &mut Whole, sink: &mut S) -> Verdict {
        let (true, Some(last)) = (self.holds(), whole.pieces.last()) else { return Verdict::Forward };
        if !self.identifications.has_one(whole, self.newest_ns) {
            let cause = DropReason::FragmentIdentification;
            let refused = self.refuse_flowless(cause, &whole.frame, last.meta, sink);
            if refused != Verdict::Forward {
                return refused;
            }
        }
        self.identifications.give(whole, self.newest_ns);
        Verdict::Forward
    }

    /// Judges a datagram, or leaves it to the worker that owns its flow. The verdict on the frame that made it whole.
    fn send_to_owner<S: EventSink>(&mut self, whole: Box<Whole>, sink: &mut S) -> Verdict {
        let decoded = whole.decode(self.settings.checksums);
        if let Some(owner) = decoded.as_ref().ok().and_then(|packet| self.foreign_owner(packet)) {
            self.departing.push((owner, whole));
            return if self.holds() { Verdict::Hold } else { Verdict::Forward };
        }
        let judged = self.judge_whole(&whole, decoded, sink);
        self.answer_whole(*whole, judged)
    }

    /// The worker that owns the flow of a packet, where that is another one.
    fn foreign_owner(&self, packet: &Packet<'_>) -> Option<usize> {
        let (owners, mine) = self.owners.as_ref()?;
        owners.of_other(packet, *mine)
    }

    /// Waits for no piece any longer: the engine stops.
    pub fn give_up_pieces<S: EventSink>(&mut self, sink: &mut S) {
        self.defragmenter.clear();
        self.answer_fallen(sink);
    }

    /// What becomes of pieces whose datagram will never be whole.
    pub(super) fn answer_fallen<S: EventSink>(&mut self, sink: &mut S) {
        while let Some(fallen) = self.defragmenter.take_fallen() {
            self.refuse_pieces(fallen.reason, fallen.pieces, sink);
        }
    }

    fn refuse_pieces<S: EventSink>(&mut self, reason: DropReason, pieces: Vec<Piece>, sink: &mut S) {
        // The begin of a datagram says most of it.
        let telling = pieces.iter().find(|piece| piece.is_begin()).or(pieces.first());
        if let (true, Some(Piece { frame, meta, .. })) = (self.holds(), telling) {
            let verdict = self.refuse_flowless(reason, frame, *meta, sink);
            self.answer_pieces(pieces, verdict);
        }
    }

    fn holds(&self) -> bool {
        self.settings.mode == Mode::Protect
    }

    /// The verdict on a datagram, and what is to be changed in it if it passes.
    fn judge_whole<S: EventSink>(
        &mut self,
        whole: &Whole,
        decoded: Result<Packet<'_>, DecodeError>,
        sink: &mut S,
    ) -> (Verdict, Rewrite) {
        let Some(last) = whole.pieces.last() else { return (Verdict::Forward, Rewrite::default()) };
        let meta = RxMeta { wire_bytes: whole.wire_bytes(), ..last.meta };
        let frames = whole.pieces.len() as u32;
        match decoded {
            Ok(packet) => match fault(&packet, whole.first_end) {
                Some(reason) => (self.refuse_flowless(reason, &whole.frame, meta, sink), Rewrite::default()),
                None => (self.judge(&whole.frame, &packet, frames, meta, sink), Rewrite::of(&packet)),
            },
            Err(error) => {
                self.counters.undecodable[error as usize] += 1;
                (self.refuse_flowless(DropReason::Malformed, &whole.frame, meta, sink), Rewrite::default())
            }
        }
    }

    fn answer_whole(&mut self, mut whole: Whole, (verdict, rewrite): (Verdict, Rewrite)) -> Verdict {
        if !self.holds() {
            return Verdict::Forward;
        }
        if verdict == Verdict::Forward {
            rewrite.apply(&mut whole.frame, &self.restored, &mut self.counters);
            whole.recut();
            whole.level();
        }
        self.answer_pieces(whole.pieces, verdict)
    }

    /// Enters what becomes of pieces that were held. The verdict on the frame of the last one.
    fn answer_pieces(&mut self, pieces: Vec<Piece>, verdict: Verdict) -> Verdict {
        let of_others = verdict.reason().map_or(Verdict::Forward, Verdict::Drop);
        for _ in 1..pieces.len() {
            self.counters.count_held(of_others);
        }
        self.counters.count_held(verdict);
        if verdict != Verdict::Forward {
            return verdict;
        }
        self.released.push(pieces);
        Verdict::Hold
    }
}

/// What speaks against a datagram that was cut so that its first piece ends at `first_end`.
fn fault(packet: &Packet<'_>, first_end: usize) -> Option<DropReason> {
    let network = packet.network?;
    let header_bytes = match (packet.transport, network.protocol) {
        // Another fragment header behind one.
        (Transport::Fragment { .. }, _) => return Some(DropReason::Fragment),
        // Without options: filters read no further.
        (_, protocol::TCP) => 20,
        (_, protocol::UDP | protocol::ICMP | protocol::ICMPV6) => 8,
        _ => 0,
    };
    (network.transport_offset + header_bytes > first_end).then_some(DropReason::FragmentTiny)
}
