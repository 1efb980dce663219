//! The frames of one UMEM, each at exactly one place: with us, lent, or in a ring of the kernel's.

use std::{io::Write, mem, slice, sync::Arc};

use xsk_rs::{CompQueue, FillQueue, FrameDesc, RxQueue, TxQueue, Umem};

use crate::{
    LentFrame, Port,
    limits::{BATCH_FRAMES_MAX, FRAME_BYTES_MAX, FRAME_DESCS_MAX, HEADROOM_BYTES},
    parts::{CONTINUED, Parts, alone, whole_frames},
};

/// Bytes of a line of the cache.
#[cfg(target_arch = "x86_64")]
const CACHE_LINE_BYTES: usize = 64;
/// Lines of the next frame that are asked for: those of a frame of 1514 bytes.
#[cfg(target_arch = "x86_64")]
const PREFETCH_LINES_MAX: usize = 24;

/// Where a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// With us: free, or in the batch that was received last.
    Held,
    /// Given to the kernel to receive into; also while it waits in the RX ring.
    Filled(Port),
    /// Given to the kernel to send.
    Sending(Port),
    /// Taken out of a batch of this port by somebody who will give it back.
    Lent(Port),
}

/// How many frames are at each place; see [`Queue::census`](crate::Queue::census).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Census {
    /// Frames of the UMEM.
    pub total: usize,
    /// Frames that are free.
    pub free: usize,
    /// Frames of the batch that was received last, before it is answered, and of a longer frame whose end has not come.
    pub received: usize,
    /// Frames that the kernel has to receive into, by port.
    pub filled: [usize; 2],
    /// Frames that the kernel has to send, by port.
    pub sending: [usize; 2],
    /// Frames that were lent and not given back, by the port that received them.
    pub lent: [usize; 2],
}

impl Census {
    /// Whether every frame is accounted for.
    pub fn is_complete(&self) -> bool {
        let [filled, sending, lent] =
            [self.filled, self.sending, self.lent].map(|[inside, outside]| inside + outside);
        self.total == self.free + self.received + filled + sending + lent
    }
}

/// All frames of one UMEM, and the only code that holds their descriptors.
///
/// Each method moves descriptors between a list and a ring, never copying one, and checks each against the place
/// at which its frame must have been. So neither a frame in two rings nor one outside the UMEM gets past it.
#[derive(Debug)]
pub(crate) struct Frames {
    umem: Arc<Umem>,
    frame_bytes: usize,
    places: Vec<Place>,
    free: Vec<FrameDesc>,
    received: Vec<FrameDesc>,
    /// Which of `received` were lent since, by their bits: their descriptors there are void.
    taken: u64,
    /// Where frames may have several descriptors, what they have beside the first.
    parts: Option<Parts>,
    /// Scratch of [`answer`](Self::answer); empty between calls.
    outgoing: Vec<FrameDesc>,
    filled: [usize; 2],
    sending: [usize; 2],
    lent: [usize; 2],
}

/// [`Frames::taken`] has a bit for each.
const _: () = assert!(BATCH_FRAMES_MAX <= u64::BITS as usize);

impl Frames {
    /// Takes over a UMEM just made, with the descriptors of all its frames. Whether a frame on the wire may take several.
    pub(crate) fn new(umem: Umem, free: Vec<FrameDesc>, frame_bytes: u32, is_multi_buffer: bool) -> Frames {
        Frames {
            umem: Arc::new(umem),
            frame_bytes: frame_bytes as usize,
            places: vec![Place::Held; free.len()],
            free,
            received: Vec::with_capacity(BATCH_FRAMES_MAX),
            taken: 0,
            parts: is_multi_buffer.then(Parts::default),
            outgoing: Vec::with_capacity(BATCH_FRAMES_MAX),
            filled: [0; 2],
            sending: [0; 2],
            lent: [0; 2],
        }
    }

    /// Frames of the batch that was received last, also those that were lent since.
    pub(crate) fn received(&self) -> usize {
        self.received.len()
    }

    /// Frames that the kernel has to receive into on a port.
    pub(crate) fn filled(&self, port: Port) -> usize {
        self.filled[port as usize]
    }

    /// Frames that the kernel has to send on a port.
    pub(crate) fn sending(&self, port: Port) -> usize {
        self.sending[port as usize]
    }

    /// Frames that a port received and that were lent and not given back.
    pub(crate) fn lent(&self, port: Port) -> usize {
        self.lent[port as usize]
    }

    /// Descriptors of the longest frame, where the kernel fills all but the last of them.
    pub(crate) fn descs_per_frame_max(&self) -> usize {
        match self.parts {
            None => 1,
            Some(_) => FRAME_BYTES_MAX.div_ceil(self.frame_bytes - HEADROOM_BYTES as usize),
        }
    }

    /// Frames that a port received and that were too long to be taken in.
    pub(crate) fn overlong(&self, port: Port) -> u64 {
        self.parts.as_ref().map_or(0, |parts| parts.overlong(port))
    }

    /// Takes the next batch out of the RX ring of a port.
    ///
    /// # Panics
    ///
    /// If the batch before has not been answered, or if the kernel hands out what is not its own.
    pub(crate) fn receive(&mut self, port: Port, ring: &mut RxQueue) {
        assert!(self.received.is_empty(), "a batch is answered before the next one is received");
        let available = ring.nb_avail(BATCH_FRAMES_MAX as u32) as usize;
        if available == 0 {
            return;
        }
        self.received.resize(available, FrameDesc::default());
        // SAFETY: the ring belongs to a socket on this UMEM; what it hands out is checked just below.
        let count = unsafe { ring.consume(&mut self.received) };
        self.received.truncate(count);
        self.filled[port as usize] -= count;
        for desc in &self.received {
            relocate(&mut self.places, self.frame_bytes, desc, Place::Filled(port), Place::Held);
        }
        if let Some(parts) = &mut self.parts {
            parts.group(port, &mut self.received, &mut self.free);
        }
    }

    /// The bytes of a frame of the batch that was received last, and those of the next one on their way into the cache.
    ///
    /// # Panics
    ///
    /// If the batch has no such frame, or if it was lent.
    pub(crate) fn bytes_mut(&mut self, index: usize) -> &mut [u8] {
        if let Some(next) = self.received.get(index + 1)
            && self.taken >> (index + 1) & 1 == 0
        {
            // SAFETY: the frame is in the UMEM and with us (`relocate` checked both), and nobody writes it meanwhile.
            prefetch(unsafe { self.umem.data(next) }.contents());
        }
        let desc = &mut self.received[index];
        assert!(self.taken >> index & 1 == 0, "the frame was lent");
        if let Some(parts) = &mut self.parts
            // SAFETY: each of its descriptors is in the UMEM and with us (`relocate` checked both), borrowed by `&mut self`.
            && let Some(bytes) = unsafe { parts.bytes_mut(&self.umem, index, desc) }
        {
            return bytes;
        }
        // SAFETY: the frame is in the UMEM and with us (`relocate` checked both), borrowed by `&mut self`.
        unsafe { contents_mut(&self.umem, desc) }
    }

    /// Takes a frame out of the batch that was received last, which is of `port`.
    ///
    /// # Panics
    ///
    /// If the batch has no such frame, or if it was lent.
    pub(crate) fn lend(&mut self, index: usize, port: Port) -> LentFrame {
        let desc = mem::take(&mut self.received[index]);
        assert!(self.taken >> index & 1 == 0, "the frame was lent");
        // SAFETY: the frame is in the UMEM and with us (`relocate` checked both), by each of its descriptors.
        let whole = self.parts.as_mut().and_then(|parts| unsafe { parts.lend(&self.umem, index, &desc) });
        let lent = LentFrame::new(Arc::clone(&self.umem), desc, whole, port);
        for desc in lent.descs() {
            relocate(&mut self.places, self.frame_bytes, desc, Place::Held, Place::Lent(port));
        }
        self.taken |= 1 << index;
        self.lent[port as usize] += lent.descs().len();
        lent
    }

    /// Takes a lent frame in again: sends it on the other port where `ring` is given, else it becomes free. Whether it
    /// was sent.
    ///
    /// # Panics
    ///
    /// If it is a frame of another queue.
    pub(crate) fn give_back(&mut self, mut lent: LentFrame, ring: Option<&mut TxQueue>) -> bool {
        let port = lent.port();
        lent.come_home(&self.umem);
        for desc in lent.descs() {
            relocate(&mut self.places, self.frame_bytes, desc, Place::Lent(port), Place::Held);
        }
        self.lent[port as usize] -= lent.descs().len();
        let is_sent = ring.is_some_and(|ring| self.send(lent.descs(), port.other(), ring) > 0);
        if !is_sent {
            self.free.extend(lent.descs().iter().copied().map(alone));
        }
        if let (Some(parts), Some(whole)) = (&mut self.parts, lent.into_whole()) {
            parts.keep(whole);
        }
        is_sent
    }

    /// Answers the batch that was received last, but for what was lent of it: frames for which `forward` says so go to
    /// the TX ring of `port`, in order, as long as they fit into `room` descriptors; the others become free. Returns how
    /// many were sent, and how many found no room.
    pub(crate) fn answer(
        &mut self,
        mut forward: impl FnMut(usize) -> bool,
        port: Port,
        ring: &mut TxQueue,
        room: usize,
    ) -> (usize, usize) {
        if let Some(parts) = &mut self.parts {
            // SAFETY: all frames of the batch are in the UMEM and with us until they are sent.
            unsafe { parts.write_back(&self.umem) };
        }
        let taken = mem::take(&mut self.taken);
        let mut wanted = 0;
        for (index, desc) in self.received.drain(..).enumerate() {
            if taken >> index & 1 != 0 {
                continue;
            }
            let is_forward = forward(index);
            wanted += usize::from(is_forward);
            let list = if is_forward { &mut self.outgoing } else { &mut self.free };
            list.push(if is_forward { desc } else { alone(desc) });
            if let Some(parts) = &self.parts {
                let rest = parts.rest(index).iter().copied();
                list.extend(rest.map(|desc| if is_forward { desc } else { alone(desc) }));
            }
        }
        let mut outgoing = mem::take(&mut self.outgoing);
        let sent = self.send(&outgoing[..whole_frames(&outgoing, room)], port, ring);
        let mut frames_sent = sent;
        if let Some(parts) = &mut self.parts {
            parts.clear();
            frames_sent = outgoing[..sent].iter().filter(|desc| !desc.has_more_frames()).count();
        }
        self.free.extend(outgoing.drain(..).skip(sent).map(alone));
        self.outgoing = outgoing;
        (frames_sent, wanted - frames_sent)
    }

    /// Sends frames of our own on a port, in at most `room` frames of the UMEM together, and each in one where no frame takes
    /// several; false, and none is sent, where they do not fit.
    pub(crate) fn inject(&mut self, frames: &[&[u8]], port: Port, ring: &mut TxQueue, room: usize) -> bool {
        let parts_max = if self.parts.is_some() { FRAME_DESCS_MAX } else { 1 };
        let mut descs = mem::take(&mut self.outgoing);
        let are_written = frames.iter().all(|bytes| {
            let parts_max = parts_max.min(room - descs.len());
            self.write(bytes, &mut descs, parts_max)
        });
        let sent = if are_written { self.send(&descs, port, ring) } else { 0 };
        self.free.extend(descs.drain(..).skip(sent).map(alone));
        self.outgoing = descs;
        sent > 0
    }

    /// Writes bytes to free frames, which join `descs`; false where they are too many for `parts_max` frames, or for those
    /// that are free.
    fn write(&mut self, mut bytes: &[u8], descs: &mut Vec<FrameDesc>, parts_max: usize) -> bool {
        let end = descs.len() + parts_max;
        while !bytes.is_empty() {
            if descs.len() == end {
                return false;
            }
            let Some(mut desc) = self.free.pop() else { return false };
            // SAFETY: the frame is in the UMEM and with us, as all of `free`, and borrowed by `&mut self`.
            let mut data = unsafe { self.umem.data_mut(&mut desc) };
            let mut cursor = data.cursor();
            cursor.set_pos(0);
            let written = cursor.write(bytes).unwrap_or(0);
            bytes = &bytes[written..];
            if !bytes.is_empty() {
                desc.set_options(CONTINUED);
            }
            descs.push(desc);
        }
        true
    }

    /// Gives descriptors of whole frames to a TX ring, which takes all or none of them. Returns how many it took.
    fn send(&mut self, descs: &[FrameDesc], port: Port, ring: &mut TxQueue) -> usize {
        // SAFETY: the descriptors are of frames in the UMEM of the ring's socket, and with us (`relocate` checks
        // those taken once more); their owner drops them from its list, so we touch them no longer.
        let sent = unsafe { ring.produce(descs) };
        debug_assert!(sent == 0 || sent == descs.len(), "no frame is cut");
        for desc in &descs[..sent] {
            relocate(&mut self.places, self.frame_bytes, desc, Place::Held, Place::Sending(port));
        }
        self.sending[port as usize] += sent;
        sent
    }

    /// Takes back the frames that a port has sent.
    pub(crate) fn reap(&mut self, port: Port, ring: &mut CompQueue) {
        let sending = self.sending(port);
        if sending == 0 {
            return;
        }
        let available = ring.nb_avail(sending as u32) as usize;
        let start = self.free.len();
        self.free.resize(start + available, FrameDesc::default());
        // SAFETY: the ring belongs to a socket on this UMEM; what it hands out is checked just below.
        let count = unsafe { ring.consume(&mut self.free[start..]) };
        self.free.truncate(start + count);
        self.sending[port as usize] -= count;
        for desc in &self.free[start..] {
            relocate(&mut self.places, self.frame_bytes, desc, Place::Sending(port), Place::Held);
        }
    }

    /// Gives free frames to the kernel to receive into, until a port has `target` of them.
    pub(crate) fn fill(&mut self, port: Port, ring: &mut FillQueue, target: usize) {
        let wanted = target.saturating_sub(self.filled(port)).min(self.free.len());
        if wanted == 0 {
            return;
        }
        let start = self.free.len() - wanted;
        // SAFETY: the descriptors are of frames in the UMEM of the ring's socket, and with us; those that the ring
        // takes leave the list just below, so we touch them no longer.
        let count = unsafe { ring.produce(&self.free[start..]) };
        for desc in self.free.drain(start..start + count) {
            relocate(&mut self.places, self.frame_bytes, &desc, Place::Held, Place::Filled(port));
        }
        self.filled[port as usize] += count;
    }

    /// Whether the running counts of all places add up to all frames.
    pub(crate) fn is_balanced(&self) -> bool {
        let elsewhere: usize = self.filled.iter().chain(&self.sending).chain(&self.lent).sum();
        self.places.len() == self.free.len() + self.unanswered() + elsewhere
    }

    /// Descriptors of the batch that was received last and not lent since, and those of frames that are not complete.
    fn unanswered(&self) -> usize {
        let beside = self.parts.as_ref().map_or(0, Parts::held);
        self.received.len() - self.taken.count_ones() as usize + beside
    }

    /// Counts the frames at each place, one by one.
    ///
    /// # Panics
    ///
    /// If that contradicts the running counts: then frames were lost or doubled.
    pub(crate) fn census(&self) -> Census {
        let count = |place: Place| self.places.iter().filter(|&&at| at == place).count();
        let census = Census {
            total: self.places.len(),
            free: self.free.len(),
            received: self.unanswered(),
            filled: Port::BOTH.map(|port| count(Place::Filled(port))),
            sending: Port::BOTH.map(|port| count(Place::Sending(port))),
            lent: Port::BOTH.map(|port| count(Place::Lent(port))),
        };
        assert_eq!(count(Place::Held), self.free.len() + self.unanswered(), "every held frame is in a list");
        assert_eq!(
            (census.filled, census.sending, census.lent),
            (self.filled, self.sending, self.lent),
            "the counts are those of the frames"
        );
        census
    }
}

/// Asks for the first bytes of a frame: whoever received it wrote them on another core, or past the caches.
#[inline]
fn prefetch(bytes: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    for line in bytes.chunks(CACHE_LINE_BYTES).take(PREFETCH_LINES_MAX) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint, which reads nothing; every x86-64 has it.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = bytes;
}

/// The bytes of a frame.
///
/// # Safety
///
/// The frame is in the UMEM, and only the owner of `desc` touches it.
pub(crate) unsafe fn contents_mut<'a>(umem: &'a Umem, desc: &'a mut FrameDesc) -> &'a mut [u8] {
    // SAFETY: the caller's word, and the descriptor is borrowed as long as the bytes are.
    let mut data = unsafe { umem.data_mut(desc) };
    let bytes: &mut [u8] = data.contents_mut();
    let (start, length) = (bytes.as_mut_ptr(), bytes.len());
    // SAFETY: the same slice, whose memory the UMEM keeps as long as it is borrowed; only the wrapper around it
    // ends here.
    unsafe { slice::from_raw_parts_mut(start, length) }
}

/// Notes that a frame has moved.
///
/// # Panics
///
/// If the frame was elsewhere, or is none of the UMEM's: then a ring was corrupted, and going on would hand memory
/// to two owners.
#[inline]
fn relocate(places: &mut [Place], frame_bytes: usize, desc: &FrameDesc, from: Place, to: Place) {
    let offset = desc.addr() % frame_bytes;
    assert!(offset + desc.lengths().data() <= frame_bytes, "a descriptor beyond its frame: {desc:?}");
    let place = places.get_mut(desc.addr() / frame_bytes).expect("a descriptor beyond the UMEM");
    assert_eq!(*place, from, "frame {desc:?} is not where its ring says");
    *place = to;
}
