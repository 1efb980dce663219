//! One RX queue of both ports: one UMEM, two sockets, and frames that go from one to the other without a copy.

use std::{
    io,
    os::fd::{AsRawFd, BorrowedFd},
};

use crate::{
    Action, Census, LentFrame, LinkConfig, Port, RxBatch, SettledFlows, SocketStatistics,
    frames::Frames,
    limits::{self, BATCH_FRAMES_MAX},
    socket::Socket,
};

/// One RX queue of both ports, owned by one worker.
///
/// Three eighths of the UMEM's frames are each port's to receive into, and each may have almost one eighth in
/// sending. So neither a flood in one direction nor a stuck receiver can take the frames of the other direction.
#[derive(Debug)]
pub struct Queue {
    index: u32,
    frames: Frames,
    sockets: [Socket; 2],
    fill_target: usize,
    sending_max: usize,
    zero_copy: bool,
    has_huge_pages: bool,
    settled: Option<SettledFlows>,
}

impl Queue {
    /// Takes over sockets just bound, and gives both ports frames to receive into.
    pub(crate) fn new(
        config: &LinkConfig,
        index: u32,
        frames: Frames,
        sockets: [Socket; 2],
        has_huge_pages: bool,
    ) -> Queue {
        let zero_copy = sockets.iter().all(|socket| socket.is_zero_copy().unwrap_or(false));
        let mut queue = Queue {
            index,
            frames,
            sockets,
            fill_target: config.frames_per_queue as usize / 8 * 3,
            sending_max: config.frames_per_queue as usize / 8 - BATCH_FRAMES_MAX,
            zero_copy,
            has_huge_pages,
            settled: None,
        };
        queue.flush();
        queue
    }

    /// The index of this RX queue on its ports, counted from zero.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Whether both drivers put frames straight into the UMEM, as the kernel reports it.
    pub fn is_zero_copy(&self) -> bool {
        self.zero_copy
    }

    /// Whether the UMEM lies in huge pages.
    pub fn has_huge_pages(&self) -> bool {
        self.has_huge_pages
    }

    /// The flows of the link whose frames its programs handle by themselves; `None` where all are left to the engine.
    pub fn settled(&mut self) -> Option<&mut SettledFlows> {
        self.settled.as_mut()
    }

    pub(crate) fn set_settled(&mut self, settled: Option<SettledFlows>) {
        self.settled = settled;
    }

    /// What is told of the socket of a port.
    pub fn statistics(&self, port: Port) -> io::Result<SocketStatistics> {
        let mut statistics = self.socket(port).statistics()?;
        statistics.rx_dropped += self.frames.overlong(port);
        statistics.has_huge_pages = self.has_huge_pages;
        Ok(statistics)
    }

    /// Takes up to [`BATCH_FRAMES_MAX`] frames that a port has received; never waits.
    pub fn receive(&mut self, port: Port) -> RxBatch<'_> {
        // Only a batch that was forgotten rather than dropped leaves frames here.
        self.recycle();
        self.frames.receive(port, &mut self.sockets[port as usize].rx);
        RxBatch::new(self, port)
    }

    /// Queues a frame of our own for sending out of a port. False where the frame is shorter than an Ethernet
    /// header or longer than the link's frames may be, or where the port already has its share of frames in sending.
    pub fn inject(&mut self, port: Port, frame: &[u8]) -> bool {
        self.inject_all(port, &[frame])
    }

    /// Queues frames of our own for sending out of a port, in order, all or none of them. False as for [`inject`](Self::inject),
    /// where that is so for any of them.
    pub fn inject_all(&mut self, port: Port, frames: &[&[u8]]) -> bool {
        let room = self.room(port);
        let socket = &mut self.sockets[port as usize];
        frames.iter().all(|frame| frame.len() >= limits::INJECTED_FRAME_BYTES_MIN)
            && self.frames.inject(frames, port, &mut socket.tx, room)
    }

    /// Takes in a frame that was lent: to be sent out of the other port, or to be received into. False where it was to be
    /// sent and the port already has its share of frames in sending. Call [`flush`](Self::flush) to send.
    ///
    /// # Panics
    ///
    /// If it is a frame of another queue.
    pub fn give_back(&mut self, lent: LentFrame, action: Action) -> bool {
        let out = lent.port().other();
        let is_forward = action == Action::Forward;
        let has_room = is_forward && self.room(out) >= lent.descs().len();
        let ring = has_room.then_some(&mut self.sockets[out as usize].tx);
        self.frames.give_back(lent, ring) || !is_forward
    }

    /// Frames that may be lent at a time, so that each port keeps half of its share to receive into.
    pub fn lent_max(&self) -> usize {
        self.fill_target / 2 / self.frames.descs_per_frame_max()
    }

    /// Sends what is queued, takes back the frames that were sent, and gives both ports frames to receive into.
    /// A worker calls this after each round over both ports.
    pub fn flush(&mut self) {
        for socket in &mut self.sockets {
            socket.send(&mut self.frames);
        }
        for (socket, port) in self.sockets.iter_mut().zip(Port::BOTH) {
            let target = self.fill_target.saturating_sub(self.frames.lent(port));
            socket.refill(&mut self.frames, target);
        }
    }

    /// Sleeps until a frame has come in on either port, or until the time is over; true in the first case.
    /// Frames that wait to be sent are sent meanwhile.
    ///
    /// # Errors
    ///
    /// If a port's device is gone; it is told once.
    pub fn wait(&self, timeout_ms: u16) -> io::Result<bool> {
        self.wait_or_called(timeout_ms, None)
    }

    /// As [`wait`](Self::wait), and no longer than until the descriptor `call` can be read, which is no frame.
    ///
    /// # Errors
    ///
    /// If a port's device is gone; it is told once.
    pub fn wait_or_called(&self, timeout_ms: u16, call: Option<BorrowedFd<'_>>) -> io::Result<bool> {
        let poll = |fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
        let sockets = self.sockets.each_ref().map(AsRawFd::as_raw_fd);
        // The kernel passes over negative descriptors.
        let mut polls = [poll(sockets[0]), poll(sockets[1]), poll(call.map_or(-1, |fd| fd.as_raw_fd()))];
        // SAFETY: the pointer and the count describe the array, which lives until after the call.
        let ready =
            unsafe { libc::poll(polls.as_mut_ptr(), polls.len() as libc::nfds_t, i32::from(timeout_ms)) };
        if ready < 0 {
            let error = io::Error::last_os_error();
            return if error.kind() == io::ErrorKind::Interrupted { Ok(false) } else { Err(error) };
        }
        if polls[..2].iter().any(|poll| poll.revents & libc::POLLIN != 0) {
            return Ok(true);
        }
        // The kernel leaves the error on the socket, but lets poll sleep over it.
        for socket in &self.sockets {
            socket.take_error()?;
        }
        Ok(false)
    }

    /// Whether the kernel has frames to send that were not taken back yet.
    pub fn is_sending(&self) -> bool {
        Port::BOTH.into_iter().any(|port| self.frames.sending(port) > 0)
    }

    /// Whether all frames of the UMEM are accounted for, by the counts that are kept anyway; false is a bug.
    pub fn is_balanced(&self) -> bool {
        self.frames.is_balanced()
    }

    /// Counts all frames of the UMEM by the place at which they are; costs a walk over them.
    ///
    /// # Panics
    ///
    /// If a frame was lost or doubled.
    pub fn census(&self) -> Census {
        self.frames.census()
    }

    pub(crate) fn socket(&self, port: Port) -> &Socket {
        &self.sockets[port as usize]
    }

    pub(crate) fn frames(&self) -> &Frames {
        &self.frames
    }

    pub(crate) fn frames_mut(&mut self) -> &mut Frames {
        &mut self.frames
    }

    /// Answers the batch that was received last; see [`Frames::answer`].
    pub(crate) fn answer(&mut self, forward: impl FnMut(usize) -> bool, out: Port) -> (usize, usize) {
        let room = self.room(out);
        self.frames.answer(forward, out, &mut self.sockets[out as usize].tx, room)
    }

    /// Frees the frames that were received last and not answered.
    pub(crate) fn recycle(&mut self) {
        if self.frames.received() > 0 {
            self.answer(|_| false, Port::Inside);
        }
    }

    /// How many more frames a port may have in sending.
    fn room(&self, port: Port) -> usize {
        self.sending_max.saturating_sub(self.frames.sending(port))
    }
}
