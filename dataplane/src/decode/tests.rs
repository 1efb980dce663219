//! Hand-built frames, one case each; and the decoder's promises on arbitrary ones.

mod frames;
mod glimpse;
mod internet;
mod labels;
mod links;
mod promises;
mod surroundings;
mod transports;
mod tunnels;

use super::{ChecksumMode, DecodeError, LinkType, Packet, decode};

/// Decodes a whole Ethernet frame.
fn whole(frame: &[u8]) -> Result<Packet<'_>, DecodeError> {
    decode(frame, frame.len() as u32, LinkType::Ethernet, ChecksumMode::Verify)
}
