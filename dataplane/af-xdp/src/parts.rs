//! What frames of several descriptors take beside their first: the rest of their descriptors, and a place to be read in
//! one piece.

use std::{mem, ops::Range};

use xsk_rs::{FrameDesc, Umem};

use crate::{
    Port,
    limits::{BATCH_FRAMES_MAX, FRAME_BYTES_MAX, FRAME_DESCS_MAX},
    whole::Whole,
};

/// `XDP_PKT_CONTD` of `<linux/if_xdp.h>`.
pub(crate) const CONTINUED: u32 = 1;

/// The frames of the batch that was received last, as far as they have several descriptors, and the begin of one
/// that is not complete yet. In the list of received descriptors each frame is there by its first.
///
/// One frame of the batch is in one piece at a time; it is written back before another one is, and before it leaves.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    /// All but the first descriptor of each frame of the batch, in order.
    rest: Vec<FrameDesc>,
    /// Where in `rest` those of each frame end.
    ends: Vec<usize>,
    /// How many of `rest` were lent.
    lent: usize,
    /// Which frame of the batch is in one piece, in `whole`.
    gathered: Option<usize>,
    whole: Box<Whole>,
    /// For frames on loan.
    #[expect(clippy::vec_box, reason = "they go out and come home as they are, without an allocation")]
    spare: Vec<Box<Whole>>,
    /// The descriptors of the frame of each port whose last one has not come.
    begun: [Vec<FrameDesc>; 2],
    /// Whether the frame of each port whose last descriptor has not come is too long.
    is_overlong: [bool; 2],
    overlong: [u64; 2],
}

impl Parts {
    /// Frames of a port that were longer than any that may be sent, and were not taken in.
    pub(crate) fn overlong(&self, port: Port) -> u64 {
        self.overlong[port as usize]
    }

    /// Descriptors here that are at no other place.
    pub(crate) fn held(&self) -> usize {
        self.rest.len() - self.lent + self.begun.iter().map(Vec::len).sum::<usize>()
    }

    /// Makes frames of the descriptors just received, of which one stays for each frame. A frame that is not complete
    /// waits for the next call; those of frames too long become free.
    pub(crate) fn group(&mut self, port: Port, received: &mut Vec<FrameDesc>, free: &mut Vec<FrameDesc>) {
        debug_assert!(self.rest.is_empty() && self.ends.is_empty(), "the batch before was answered");
        let mut begun = mem::take(&mut self.begun[port as usize]);
        received.retain_mut(|desc| {
            let is_last = !desc.has_more_frames();
            if is_last && begun.is_empty() && !self.is_overlong[port as usize] {
                self.ends.push(self.rest.len());
                return true;
            }
            begun.push(*desc);
            if self.is_too_long(port, &begun) {
                free.extend(begun.drain(..).map(alone));
            }
            if !is_last {
                return false;
            }
            self.overlong[port as usize] += u64::from(mem::take(&mut self.is_overlong[port as usize]));
            let mut descs = begun.drain(..);
            let Some(head) = descs.next() else { return false };
            *desc = head;
            self.rest.extend(descs);
            self.ends.push(self.rest.len());
            true
        });
        self.begun[port as usize] = begun;
    }

    /// Whether the frame that comes in on a port is too long; that stays so until its end.
    fn is_too_long(&mut self, port: Port, begun: &[FrameDesc]) -> bool {
        let bytes: usize = begun.iter().map(|desc| desc.lengths().data()).sum();
        let is_overlong = &mut self.is_overlong[port as usize];
        *is_overlong |= begun.len() > FRAME_DESCS_MAX || bytes > FRAME_BYTES_MAX;
        *is_overlong
    }

    fn range(&self, index: usize) -> Range<usize> {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        start..self.ends[index]
    }

    /// The bytes of a frame of the batch in one piece; `None` where it has one descriptor only.
    ///
    /// # Safety
    ///
    /// All descriptors of the frame with this `head`, and of the one that is in one piece, are of frames in the UMEM that
    /// nobody else touches.
    pub(crate) unsafe fn bytes_mut(
        &mut self,
        umem: &Umem,
        index: usize,
        head: &FrameDesc,
    ) -> Option<&mut [u8]> {
        let range = self.range(index);
        if range.is_empty() {
            return None;
        }
        if self.gathered != Some(index) {
            // SAFETY: the caller's word.
            unsafe { self.write_back(umem) };
            // SAFETY: the caller's word.
            unsafe { self.whole.gather(umem, head, self.rest[range].iter()) };
            self.gathered = Some(index);
        }
        Some(self.whole.bytes_mut())
    }

    /// Writes back the frame that is in one piece.
    ///
    /// # Safety
    ///
    /// Its descriptors are of frames in the UMEM that nobody else touches.
    pub(crate) unsafe fn write_back(&mut self, umem: &Umem) {
        if self.gathered.take().is_some() {
            // SAFETY: the caller's word.
            unsafe { self.whole.scatter(umem) };
        }
    }

    /// Takes a frame out of the batch, in one piece; `None` where it has one descriptor only.
    ///
    /// # Safety
    ///
    /// As of [`bytes_mut`](Self::bytes_mut).
    pub(crate) unsafe fn lend(&mut self, umem: &Umem, index: usize, head: &FrameDesc) -> Option<Box<Whole>> {
        // SAFETY: the caller's word.
        unsafe { self.bytes_mut(umem, index, head) }?;
        self.gathered = None;
        self.lent += self.range(index).len();
        Some(mem::replace(&mut self.whole, self.spare.pop().unwrap_or_default()))
    }

    /// Keeps the memory of a frame that was lent, for the next.
    pub(crate) fn keep(&mut self, whole: Box<Whole>) {
        self.spare.push(whole);
    }

    /// What a frame of the batch has beside its first descriptor.
    pub(crate) fn rest(&self, index: usize) -> &[FrameDesc] {
        &self.rest[self.range(index)]
    }

    /// Forgets the batch, which was answered.
    pub(crate) fn clear(&mut self) {
        self.rest.clear();
        self.ends.clear();
        self.lent = 0;
    }
}

/// A descriptor that belongs to no frame with others any more.
pub(crate) fn alone(mut desc: FrameDesc) -> FrameDesc {
    desc.set_options(0);
    desc
}

/// How many of the first descriptors, up to `room`, are those of whole frames.
pub(crate) fn whole_frames(descs: &[FrameDesc], room: usize) -> usize {
    let within = &descs[..room.min(descs.len())];
    within.iter().rposition(|desc| !desc.has_more_frames()).map_or(0, |last| last + 1)
}

/// No batch is too short for the longest frame.
const _: () = assert!(FRAME_DESCS_MAX < BATCH_FRAMES_MAX);

#[cfg(test)]
mod tests {
    use super::*;

    fn descs(options: &[u32]) -> Vec<FrameDesc> {
        let desc = |&options: &u32| {
            let mut desc = FrameDesc::default();
            desc.set_options(options);
            desc
        };
        options.iter().map(desc).collect()
    }

    /// How many descriptors each frame has.
    fn lengths(parts: &Parts) -> Vec<usize> {
        (0..parts.ends.len()).map(|index| parts.range(index).len() + 1).collect()
    }

    #[test]
    fn a_frame_that_is_cut_by_the_end_of_a_batch_waits_for_its_rest() {
        let (mut parts, mut free) = (Parts::default(), Vec::new());
        let mut received = descs(&[0, CONTINUED, CONTINUED, 0, 0, CONTINUED]);
        parts.group(Port::Inside, &mut received, &mut free);
        assert_eq!((lengths(&parts), received.len(), parts.held()), (vec![1, 3, 1], 3, 2 + 1));
        parts.clear();
        let mut other = descs(&[CONTINUED, 0]);
        parts.group(Port::Outside, &mut other, &mut free);
        assert_eq!((lengths(&parts), other.len(), parts.held()), (vec![2], 1, 1 + 1));
        parts.clear();
        let mut received = descs(&[CONTINUED, 0, 0]);
        parts.group(Port::Inside, &mut received, &mut free);
        assert_eq!((lengths(&parts), received.len(), parts.held()), (vec![3, 1], 2, 2));
        assert!(received[0].has_more_frames() && free.is_empty());
    }

    #[test]
    fn of_a_frame_too_long_nothing_is_kept() {
        for cut in [1, FRAME_DESCS_MAX, FRAME_DESCS_MAX + 1, FRAME_DESCS_MAX + 2] {
            let (mut parts, mut free) = (Parts::default(), Vec::new());
            let mut options = vec![CONTINUED; FRAME_DESCS_MAX + 2];
            options.extend([0, CONTINUED, 0]);
            let mut received = descs(&options[..cut]);
            parts.group(Port::Inside, &mut received, &mut free);
            assert!(received.is_empty() && parts.ends.is_empty());
            assert_eq!(parts.held() + free.len(), cut);
            received = descs(&options[cut..]);
            parts.group(Port::Inside, &mut received, &mut free);
            assert_eq!((lengths(&parts), parts.overlong(Port::Inside)), (vec![2], 1), "cut at {cut}");
            assert_eq!(free.len(), FRAME_DESCS_MAX + 3);
            assert!(free.iter().all(|desc| !desc.has_more_frames()));
        }
    }

    #[test]
    fn no_frame_is_cut_by_a_lack_of_room() {
        let descs = descs(&[0, CONTINUED, CONTINUED, 0, CONTINUED, 0]);
        let fitting: Vec<_> = (0..8).map(|room| whole_frames(&descs, room)).collect();
        assert_eq!(fitting, [0, 1, 1, 1, 4, 4, 6, 6]);
    }
}
