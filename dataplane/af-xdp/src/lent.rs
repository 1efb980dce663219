//! A frame on loan: taken out of a batch, judged elsewhere, and brought home.

use std::{slice, sync::Arc};

use xsk_rs::{FrameDesc, Umem};

use crate::{Port, frames::contents_mut, whole::Whole};

/// A received frame that has left its queue for a while, to another thread perhaps. Only
/// [`Queue::give_back`](crate::Queue::give_back) of the queue that lent it takes it in again.
///
/// One that is dropped instead is never received into again: its queue counts it as lent as long as it lives. The
/// memory outlives a queue until the last lent frame is gone, and until then the queue of the port stays taken.
#[derive(Debug)]
pub struct LentFrame {
    umem: Arc<Umem>,
    desc: FrameDesc,
    /// Where the frame has several descriptors, all of them.
    whole: Option<Box<Whole>>,
    port: Port,
}

impl LentFrame {
    /// Of a frame that `umem` holds, that is at no other place, and that `port` received; `whole` where it has several
    /// descriptors.
    pub(crate) fn new(umem: Arc<Umem>, desc: FrameDesc, whole: Option<Box<Whole>>, port: Port) -> LentFrame {
        LentFrame { umem, desc, whole, port }
    }

    /// The port that received it.
    pub fn port(&self) -> Port {
        self.port
    }

    /// The bytes, from the Ethernet header on; what is changed here is what is forwarded.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        if let Some(whole) = &mut self.whole {
            return whole.bytes_mut();
        }
        // SAFETY: the descriptor was checked to lie in this UMEM when its frame was received, and no other place has it.
        unsafe { contents_mut(&self.umem, &mut self.desc) }
    }

    /// Its descriptors.
    pub(crate) fn descs(&self) -> &[FrameDesc] {
        self.whole.as_ref().map_or(slice::from_ref(&self.desc), |whole| whole.descs())
    }

    /// Has the bytes lie where its descriptors say, in the queue that has `umem`.
    ///
    /// # Panics
    ///
    /// If another queue lent the frame.
    pub(crate) fn come_home(&mut self, umem: &Arc<Umem>) {
        assert!(Arc::ptr_eq(&self.umem, umem), "a lent frame comes home to the queue that lent it");
        if let Some(whole) = &mut self.whole {
            // SAFETY: the descriptors were checked to lie in this UMEM when the frame was received, and no other place has
            // them.
            unsafe { whole.scatter(umem) };
        }
    }

    /// The memory in which it was in one piece, where it had to be.
    pub(crate) fn into_whole(self) -> Option<Box<Whole>> {
        self.whole
    }
}

impl AsMut<[u8]> for LentFrame {
    fn as_mut(&mut self) -> &mut [u8] {
        self.bytes_mut()
    }
}
