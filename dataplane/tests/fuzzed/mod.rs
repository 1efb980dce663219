//! What holds for all that a port may receive: here for the frames that a fuzzer's bytes stand for.

pub(crate) mod content;
pub(crate) mod conversation;
pub(crate) mod decode;
pub(crate) mod fragments;
mod heard;
pub(crate) mod segments;

use std::sync::{Arc, OnceLock};

use dataplane::decode::LinkType;
use dataplane::pipeline::{RxMeta, Side};
use dlp_patterns::{RuleSet, default_packs};

fn rules() -> Arc<RuleSet> {
    static RULES: OnceLock<Arc<RuleSet>> = OnceLock::new();
    let compile = || Arc::new(RuleSet::compile(&default_packs()).expect("the default packs compile"));
    Arc::clone(RULES.get_or_init(compile))
}

pub(crate) fn meta(frame: &[u8], now_ns: u64, side: Side) -> RxMeta {
    let wire_bytes = frame.len() as u32;
    RxMeta { now_ns, link: 0, link_type: LinkType::Ethernet, side: Some(side), wire_bytes }
}

/// RFC 1071 §1, word by word.
fn checksum(parts: &[&[u8]]) -> [u8; 2] {
    let bytes = parts.concat();
    let words = bytes.chunks(2).map(|pair| u64::from(pair[0]) << 8 | u64::from(*pair.get(1).unwrap_or(&0)));
    let mut sum: u64 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    (!(sum as u16)).to_be_bytes()
}

/// An Ethernet frame with an IPv4 packet (RFC 791 §3.1), whose fourth word is `id` and what stands beside it.
fn ipv4(id: [u8; 4], protocol: u8, ends: [[u8; 4]; 2], upper: &[u8]) -> Vec<u8> {
    let length = (20 + upper.len() as u16).to_be_bytes();
    let mut ip = [&[0x45, 0][..], &length, &id, &[64, protocol, 0, 0], &ends[0], &ends[1]].concat();
    let sum = checksum(&[&ip]);
    ip[10..12].copy_from_slice(&sum);
    [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0][..], &ip, upper].concat()
}
