//! Memory of the flows of frames that are judged soon, on its way into the cache meanwhile.

use arrayvec::ArrayVec;

use super::{Pipeline, RxMeta};
use crate::decode::{ChecksumMode, decode};
use crate::limits::{FLOWS_FORESEEN_MIN, FRAMES_FORESEEN_MAX};

/// The hashes of the flows of a batch that is not judged yet. It changes nothing but when memory arrives.
#[derive(Default)]
pub(super) struct Foresight {
    hashes: ArrayVec<u64, FRAMES_FORESEEN_MAX>,
}

impl Pipeline {
    /// Is shown a frame of the batch that is judged next, and says whose its flow is, where that is another worker's
    /// ([`share`](Pipeline::share)). Whoever shows all of them, and then calls [`foreseen`](Pipeline::foreseen), has their
    /// waits for memory overlap; while the flows are so few that the cache has them anyway, nothing is asked for.
    #[inline]
    pub fn foresee(&mut self, frame: &[u8], meta: &RxMeta) -> Option<usize> {
        let is_large = self.flows.len() >= FLOWS_FORESEEN_MIN;
        if !is_large && self.owners.is_none() {
            return None;
        }
        let decoded = decode(frame, meta.wire_bytes, meta.link_type, ChecksumMode::Ignore);
        let packet = decoded.as_ref().ok()?;
        let owner = self.owners.as_ref().and_then(|(owners, mine)| owners.of_other(packet, *mine));
        if owner.is_none()
            && is_large
            && let Some(network) = &packet.network
        {
            let hash = self.flows.hash(&self.keys.of_packet(packet, network, meta.link).0);
            self.flows.prefetch_bucket(hash);
            // What does not fit is only found later.
            let _ = self.foresight.hashes.try_push(hash);
        }
        owner
    }

    /// All frames of the batch were shown.
    #[inline]
    pub fn foreseen(&mut self) {
        for hash in self.foresight.hashes.drain(..) {
            self.flows.prefetch_flow(hash);
        }
    }
}
