//! Any bytes as a frame.

use dataplane::decode::{ChecksumMode, LinkType, decode};
use dataplane::pipeline::{Pipeline, Side};
use dataplane::policy::Settings;
use dataplane::verdict::Verdict;

const LINKS: [LinkType; 5] =
    [LinkType::Ethernet, LinkType::RawIp, LinkType::Null, LinkType::LinuxSll, LinkType::LinuxSll2];

/// Checks that what is decoded lies in the frame, that a shorter frame never holds more, and that the pipeline's books
/// balance. Returns whether it is a packet: the first byte says of which link.
///
/// # Panics
/// If any of that does not hold.
pub(crate) fn check(bytes: &[u8]) -> bool {
    let Some((link, frame)) = bytes.split_first() else { return false };
    let link = LINKS[usize::from(*link) % LINKS.len()];
    let wire_bytes = frame.len() as u32;
    let mut has_network = false;
    if let Ok(packet) = decode(frame, wire_bytes, link, ChecksumMode::Verify) {
        let lies_in_frame = frame.as_ptr_range().start <= packet.payload.as_ptr_range().start
            && packet.payload.as_ptr_range().end <= frame.as_ptr_range().end;
        assert!(packet.payload.is_empty() || lies_in_frame);
        assert_eq!(packet.missing_bytes, 0, "nothing was cut off");
        if let Some(network) = packet.network {
            has_network = true;
            assert!(network.offset < network.transport_offset && network.transport_offset <= frame.len());
        }
        let ignored = decode(frame, wire_bytes, link, ChecksumMode::Ignore).expect("as with them");
        assert_eq!((ignored.network, ignored.transport), (packet.network, packet.transport));
        if let Some((_, cut)) = frame.split_last()
            && let Ok(shorter) = decode(cut, wire_bytes, link, ChecksumMode::Verify)
        {
            assert!(shorter.payload.len() <= packet.payload.len());
        }
    }
    let mut pipeline = Pipeline::new(Settings { flows_max: 16, ..Settings::default() }, super::rules());
    for side in [Side::Inside, Side::Outside, Side::Outside] {
        let mut copy = frame.to_vec();
        let meta = dataplane::pipeline::RxMeta { link_type: link, ..super::meta(frame, 1_000, side) };
        if pipeline.process(&mut copy, meta, &mut ()) == Verdict::Forward {
            assert_eq!(copy.len(), frame.len());
        }
        assert!(pipeline.counters().is_balanced());
    }
    pipeline.finish(2_000, &mut ());
    assert!(pipeline.counters().is_balanced() && pipeline.counters().held == 0);
    has_network
}
