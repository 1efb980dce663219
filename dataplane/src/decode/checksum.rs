//! The Internet checksum (RFC 1071), to verify and to build packets with.
//!
//! A sum is that of big-endian 16-bit words, not yet folded. Sums add up; the checksum to store is the complement of
//! the folded total: `!fold(pseudo_header(…) + sum(segment))`.

use std::net::IpAddr;
use std::ops::Range;

/// Where in the IPv4 header its checksum stands.
const IPV4_FIELD: Range<usize> = 10..12;

/// Bytes that are added up side by side.
const BLOCK: usize = 64;

/// Bytes of two words that are added up: each is half of a sum, so that carries gather in its upper half.
const PAIR: usize = size_of::<u64>();

/// The sum of `bytes`, below 2⁴². An odd last byte counts as if a zero followed (RFC 1071 §1), so that of bytes in
/// several pieces only the last may be odd.
#[inline]
pub fn sum(bytes: &[u8]) -> u64 {
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    let mut total = if blocks.is_empty() { 0 } else { sum_blocks(blocks) };
    let (pairs, tail) = rest.as_chunks::<PAIR>();
    for pair in pairs {
        total += halves(u64::from_le_bytes(*pair));
    }
    total += match (tail.len(), bytes.last_chunk::<PAIR>()) {
        (0, _) => 0,
        // What stands in front of the tail was added up already.
        (len, Some(last)) => halves(u64::from_le_bytes(*last) >> (8 * (PAIR - len))),
        (_, None) => halves(tail.iter().rev().fold(0, |pair, byte| pair << 8 | u64::from(*byte))),
    };
    // The sum of swapped words is the swapped sum (RFC 1071 §2 B), and to swap is to multiply by 2⁸ where 2¹⁶ is 1.
    halves(total) << 8
}

/// The sum of an IPv4 header: that of one without options, as nearly all are, is added up where it is asked for.
#[inline(always)]
pub(super) fn sum_ipv4_header(header: &[u8]) -> u64 {
    const PLAIN_BYTES: usize = 20;

    let Ok(plain) = <&[u8; PLAIN_BYTES]>::try_from(header) else { return sum(header) };
    let (words, _) = plain.as_chunks::<{ PAIR / 2 }>();
    halves(words.iter().map(|word| u64::from(u32::from_le_bytes(*word))).sum()) << 8
}

/// Both words of a pair, or of a sum.
#[inline(always)]
fn halves(pair: u64) -> u64 {
    (pair >> 32) + (pair & 0xffff_ffff)
}

/// The sum of little-endian words. No slice is so long that 64 bits could overflow: that takes 2³² words.
///
/// Two words at a time: to take the upper one out of a sum of both costs less than to keep them apart.
fn sum_blocks(blocks: &[[u8; BLOCK]]) -> u64 {
    const LANES: usize = BLOCK / PAIR;

    let (mut both, mut upper) = ([0u64; LANES], [0u64; LANES]);
    for block in blocks {
        let (pairs, _) = block.as_chunks::<PAIR>();
        for ((both, upper), pair) in both.iter_mut().zip(&mut upper).zip(pairs) {
            let pair = u64::from_le_bytes(*pair);
            *both = both.wrapping_add(pair);
            *upper += pair >> 32;
        }
    }
    let both = both.into_iter().fold(0, u64::wrapping_add);
    let upper = upper.into_iter().sum::<u64>();
    // What is lost of the carries of both is lost of those of the upper words, too.
    upper + both.wrapping_sub(upper << 32)
}

/// Adds the carries back in until 16 bits are left; 0 only for 0.
#[inline]
pub fn fold(sum: u64) -> u16 {
    // Each upper half becomes the sum of both, and the lower half's carry runs into it: an end-around carry.
    let sum = (sum.wrapping_add(sum.rotate_left(32)) >> 32) as u32;
    (sum.wrapping_add(sum.rotate_left(16)) >> 16) as u16
}

/// Stores the checksum of an IPv4 header, options included (RFC 791 §3.1).
///
/// # Panics
/// If it is shorter than the fixed part up to the checksum.
pub fn seal_ipv4(header: &mut [u8]) {
    header[IPV4_FIELD].fill(0);
    let checksum = !fold(sum(header));
    header[IPV4_FIELD].copy_from_slice(&checksum.to_be_bytes());
}

/// The sum of the pseudo-header: RFC 9293 §3.1 and RFC 768 over IPv4, RFC 8200 §8.1 over IPv6. `length` is that of the
/// upper-layer header and its data, in bytes.
#[inline]
pub fn pseudo_header(source: IpAddr, destination: IpAddr, protocol: u8, length: u32) -> u64 {
    addresses(source, destination) + u64::from(protocol) + u64::from(length)
}

/// The part of the pseudo-header's sum that the addresses make up.
#[inline]
pub(super) fn addresses(source: IpAddr, destination: IpAddr) -> u64 {
    address(source) + address(destination)
}

/// 32-bit words serve as well as 16-bit words: 2¹⁶ is 1 in this arithmetic.
#[inline]
fn address(address: IpAddr) -> u64 {
    match address {
        IpAddr::V4(v4) => u64::from(v4.to_bits()),
        IpAddr::V6(v6) => {
            let bits = v6.to_bits();
            let word = |shift: u32| u64::from((bits >> shift) as u32);
            word(96) + word(64) + word(32) + word(0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 1071 §4.1, word by word.
    fn naive(bytes: &[u8]) -> u16 {
        let mut sum = 0u32;
        for pair in bytes.chunks(2) {
            sum += u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum as u16
    }

    proptest! {
        #[test]
        fn wide_addition_equals_the_definition(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
            prop_assert_eq!(fold(sum(&bytes)), naive(&bytes));
            prop_assert_eq!(fold(sum_ipv4_header(&bytes)), naive(&bytes));
        }

        #[test]
        fn a_header_without_options_is_added_up_alike(header: [u8; 20]) {
            prop_assert_eq!(fold(sum_ipv4_header(&header)), naive(&header));
        }

        #[test]
        fn sums_of_even_pieces_add_up(bytes in prop::collection::vec(any::<u8>(), 0..300), cut in 0..150usize) {
            let (head, tail) = bytes.split_at((cut * 2).min(bytes.len() & !1));
            prop_assert_eq!(fold(sum(head) + sum(tail)), naive(&bytes));
        }

        #[test]
        fn the_pseudo_header_equals_its_bytes(source: [u8; 16], to: [u8; 16], protocol: u8, length: u32) {
            let mut bytes = [&source[..], &to, &length.to_be_bytes(), &[0, 0, 0, protocol]].concat();
            prop_assert_eq!(fold(pseudo_header(source.into(), to.into(), protocol, length)), naive(&bytes));
            let (source, to) = (*source.first_chunk::<4>().unwrap(), *to.first_chunk::<4>().unwrap());
            let length = length & 0xffff;
            bytes = [&source[..], &to, &[0, protocol], &(length as u16).to_be_bytes()].concat();
            prop_assert_eq!(fold(pseudo_header(source.into(), to.into(), protocol, length)), naive(&bytes));
        }
    }

    #[test]
    fn carries_are_never_lost() {
        for length in [1, 2, 63, 64, 65, 9000, 65_535] {
            let bytes = vec![0xff; length];
            assert_eq!(fold(sum(&bytes)), naive(&bytes), "{length} bytes");
        }
        assert_eq!(fold(u64::MAX), 0xffff);
        assert_eq!(fold(0), 0);
    }

    /// RFC 1071 §3.
    #[test]
    fn the_example_of_the_rfc() {
        assert_eq!(fold(sum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7])), 0xddf2);
    }
}
