//! The part of a worker that shares a link with others: what it judges for them, and what they judged for it.

use std::io;
use std::os::fd::BorrowedFd;

use af_xdp::Port;
use dataplane::event::EventSink;
use dataplane::verdict::Verdict;

use super::{Judged, Worker, resets};
use crate::port::PacketIo;

impl<I: PacketIo, S: EventSink> Worker<I, S> {
    /// Takes home the frames that other workers judged, and judges those that they lent. How many frames that were.
    pub(super) fn exchange(&mut self) -> usize {
        let Worker { io, pipeline, sink, lending, came_home, .. } = self;
        let Some(lending) = lending else { return 0 };
        let home = lending.exchange.take_home(|answer| {
            let is_forward = answer.verdict == Verdict::Forward;
            let is_done = io.give_back(answer.frame, answer.verdict);
            for (port, frame) in answer.resets {
                pipeline.injected(io.inject(port, &frame));
            }
            let forwarded = u64::from(is_forward && is_done);
            came_home.push(Judged { frames: 1, forwarded, received: answer.received, judged: answer.judged });
            is_done
        });
        let judged = lending.exchange.judge(|frame, meta| {
            let verdict = pipeline.process(frame.as_mut(), meta, sink);
            let port = meta.side.map_or(Port::Inside, super::port);
            (verdict, resets(pipeline, verdict, port).collect())
        });
        pipeline.egress_failed(lending.exchange.take_unsent());
        let whole = lending.exchange.take_datagrams(|datagram| {
            let side = datagram.pieces.first().and_then(|piece| piece.meta.side);
            let verdict = pipeline.process_whole(*datagram, sink);
            let injected: Vec<_> =
                resets(pipeline, verdict, side.map_or(Port::Inside, super::port)).collect();
            for (port, frame) in injected {
                pipeline.injected(io.inject(port, &frame));
            }
        });
        home + judged + whole
    }

    /// Gives the datagrams that were put together here to the workers that own their flows.
    pub(super) fn hand_over_datagrams(&mut self) {
        let Worker { pipeline, sink, lending, .. } = self;
        let Some(lending) = lending else { return };
        for (owner, datagram) in pipeline.take_departing() {
            let (frames, bytes) = (datagram.pieces.len() as u64, u64::from(datagram.wire_bytes()));
            match lending.exchange.hand_over(owner, datagram) {
                Ok(()) => pipeline.departed(frames, bytes),
                Err(datagram) => pipeline.refuse_whole(*datagram, sink),
            }
        }
    }

    /// In place of a turn where the worker is about to end: nothing is received and nothing lent any more, but what is
    /// under way between the workers comes to its end. True once nothing is.
    pub fn wind_up(&mut self, now_ns: u64) -> bool {
        self.exchange();
        self.pipeline.give_up_pieces(&mut self.sink);
        // Their owners may be about to leave as well.
        for (_, datagram) in self.pipeline.take_departing() {
            self.pipeline.refuse_whole(*datagram, &mut self.sink);
        }
        self.release();
        if let Some(lending) = &mut self.lending {
            lending.exchange.ring();
        }
        self.io.flush();
        self.close_turn(now_ns);
        self.lending.as_ref().is_none_or(|lending| lending.exchange.may_leave())
    }

    /// Whether other workers judge frames for this one, and it for them.
    pub fn is_shared(&self) -> bool {
        self.lending.is_some()
    }

    /// Frames that were lent to other workers since the start.
    pub fn frames_lent(&self) -> u64 {
        self.lending.as_ref().map_or(0, |lending| lending.exchange.lent_total())
    }

    /// Frames that are lent to other workers now, or handed over to them and not taken yet.
    pub fn frames_away(&self) -> usize {
        self.lending.as_ref().map_or(0, |lending| lending.exchange.under_way())
    }

    /// Lets `wait` wait for frames at the queue. A descriptor goes along that can be read once another worker has left
    /// something here; where something was left already, there is no waiting.
    ///
    /// # Errors
    /// Those of `wait`.
    pub fn sleep(
        &mut self,
        wait: impl FnOnce(&I, Option<BorrowedFd<'_>>) -> io::Result<bool>,
    ) -> io::Result<()> {
        let Some(lending) = &self.lending else { return wait(&self.io, None).map(drop) };
        let exchange = &lending.exchange;
        let outcome = if exchange.lie_down() { wait(&self.io, Some(exchange.bell())) } else { Ok(true) };
        exchange.get_up();
        outcome.map(drop)
    }
}
