//! Memory of the flows of frames that are judged soon, on its way into the cache meanwhile.

use super::{Pipeline, RxMeta};
use crate::decode::{ChecksumMode, decode};
use crate::limits::FLOWS_FORESEEN_MIN;

/// The hashes of the flows of a batch that is not judged yet. It changes nothing but when memory arrives.
#[derive(Default)]
pub(super) struct Foresight {
    hashes: Vec<u64>,
}

impl Pipeline {
    /// Is shown a frame of the batch that is judged next. Whoever shows all of them, and then calls
    /// [`foreseen`](Pipeline::foreseen), has their waits for memory overlap. Does nothing while the flows are so few that
    /// the cache has them anyway.
    #[inline]
    pub fn foresee(&mut self, frame: &[u8], meta: &RxMeta) {
        if self.flows.len() < FLOWS_FORESEEN_MIN {
            return;
        }
        let decoded = decode(frame, meta.wire_bytes, meta.link_type, ChecksumMode::Ignore);
        if let Ok(packet) = &decoded
            && let Some(network) = &packet.network
        {
            let hash = self.flows.hash(&self.keys.of_packet(packet, network, meta.link).0);
            self.flows.prefetch_bucket(hash);
            self.foresight.hashes.push(hash);
        }
    }

    /// All frames of the batch were shown.
    #[inline]
    pub fn foreseen(&mut self) {
        for hash in self.foresight.hashes.drain(..) {
            self.flows.prefetch_flow(hash);
        }
    }
}
