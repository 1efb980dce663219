//! The keys of Initial packets, which anyone can make (RFC 9001 §5.2).

use std::fmt;

use aes::{
    Aes128,
    cipher::{BlockCipherEncrypt as _, KeyInit as _},
};
use aes_gcm::{Aes128Gcm, aead::AeadInOut as _};
use hkdf::Hkdf;
use sha2::Sha256;

use super::{
    long_header::LongPacket,
    version::{Derivation, QuicVersion},
};
use crate::flow::Direction;

const KEY_BYTES: usize = 16;
const IV_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
/// RFC 9001 §5.4.2: packet numbers are taken for that long where the sample of the header's protection begins.
const NUMBER_BYTES_MAX: usize = 4;

/// Of one direction of a connection. Only packets that are sound are read: what follows from them was said by who knew of the connection.
pub(super) struct InitialKeys {
    aead: Aes128Gcm,
    iv: [u8; IV_BYTES],
    header: Aes128,
}

impl InitialKeys {
    /// Of what a direction says of the connection that the client's first packet names as its destination.
    pub(super) fn derive(
        version: QuicVersion,
        destination: &[u8],
        direction: Direction,
    ) -> Option<InitialKeys> {
        let Derivation { salt, label } = version.derivation()?;
        let name = match direction {
            Direction::ToServer => "client in",
            Direction::ToClient => "server in",
        };
        let secret: [u8; 32] = expand(&Hkdf::new(Some(&salt), destination), "", name)?;
        let secret = Hkdf::from_prk(&secret).ok()?;
        let key: [u8; KEY_BYTES] = expand(&secret, label, "key")?;
        let header: [u8; KEY_BYTES] = expand(&secret, label, "hp")?;
        Some(InitialKeys {
            aead: Aes128Gcm::new(&key.into()),
            iv: expand(&secret, label, "iv")?,
            header: Aes128::new(&header.into()),
        })
    }

    /// What a packet carries, in `room`; `None` where it is not of these keys.
    pub(super) fn open<'r>(&self, packet: &LongPacket<'_>, room: &'r mut Vec<u8>) -> Option<&'r [u8]> {
        room.clear();
        room.extend_from_slice(packet.bytes);
        let number_bytes = self.unmask(packet.number_at, room)?;
        let (head, body) = room.split_at_mut_checked(packet.number_at + number_bytes)?;
        let (body, tag) = body.split_at_mut_checked(body.len().checked_sub(TAG_BYTES)?)?;
        let tag = <[u8; TAG_BYTES]>::try_from(&*tag).ok()?;
        let nonce = self.nonce(head.get(packet.number_at..)?);
        self.aead.decrypt_inout_detached(&nonce.into(), head, (&mut *body).into(), &tag.into()).ok()?;
        Some(body)
    }

    /// Takes the protection off a header (RFC 9001 §5.4.1); how long its packet number is.
    fn unmask(&self, number_at: usize, packet: &mut [u8]) -> Option<usize> {
        let sample_at = number_at.checked_add(NUMBER_BYTES_MAX)?;
        let sample: [u8; KEY_BYTES] = *packet.get(sample_at..)?.first_chunk()?;
        let mut mask = sample.into();
        self.header.encrypt_block(&mut mask);
        let (first_mask, number_mask) = mask.split_first()?;
        let first = packet.first_mut()?;
        *first ^= first_mask & 0x0f;
        let number_bytes = usize::from(*first & 3) + 1;
        for (byte, mask) in packet.get_mut(number_at..)?.iter_mut().take(number_bytes).zip(number_mask) {
            *byte ^= mask;
        }
        Some(number_bytes)
    }

    /// RFC 9001 §5.3. An Initial packet is among the first of its connection: its number was not shortened.
    fn nonce(&self, number: &[u8]) -> [u8; IV_BYTES] {
        let mut nonce = self.iv;
        for (byte, number) in nonce.iter_mut().rev().zip(number.iter().rev()) {
            *byte ^= number;
        }
        nonce
    }
}

/// Keys are nobody's business.
impl fmt::Debug for InitialKeys {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("InitialKeys")
    }
}

/// HKDF-Expand-Label (RFC 8446 §7.1) with an empty context.
fn expand<const N: usize>(secret: &Hkdf<Sha256>, label: &str, name: &str) -> Option<[u8; N]> {
    let label = ["tls13 ", label, name].concat();
    let length = u16::try_from(N).ok()?.to_be_bytes();
    let label_bytes = u8::try_from(label.len()).ok()?;
    let info = [&length[..], &[label_bytes], label.as_bytes(), &[0]].concat();
    let mut expanded = [0; N];
    secret.expand(&info, &mut expanded).ok()?;
    Some(expanded)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::app::tls::tests::unhex;

    /// A packet of a client with `frames`, protected.
    pub(in crate::app::quic) fn sealed(
        version: QuicVersion,
        destination: &[u8],
        number: u8,
        frames: &[u8],
    ) -> Vec<u8> {
        let keys = InitialKeys::derive(version, destination, Direction::ToServer).expect("a known version");
        sealed_by(&keys, version, destination, number, frames)
    }

    /// A packet for `destination` with `frames`, protected by `keys`.
    pub(in crate::app::quic) fn sealed_by(
        keys: &InitialKeys,
        version: QuicVersion,
        destination: &[u8],
        number: u8,
        frames: &[u8],
    ) -> Vec<u8> {
        let kind = if version == QuicVersion::V2 { 0xd0 } else { 0xc0 };
        let mut packet =
            [&[kind][..], &version.0.to_be_bytes(), &[destination.len() as u8], destination].concat();
        // No source, no token; a length of two bytes; a packet number of one.
        packet.extend([0, 0]);
        packet.extend((0x4000 | (1 + frames.len() + TAG_BYTES) as u16).to_be_bytes());
        let number_at = packet.len();
        packet.push(number);
        let (head_bytes, nonce) = (packet.len(), keys.nonce(&[number]));
        packet.extend(frames);
        let (head, body) = packet.split_at_mut(head_bytes);
        let tag = keys.aead.encrypt_inout_detached(&nonce.into(), head, body.into()).expect("short enough");
        packet.extend(tag);
        let sample: [u8; 16] = packet[number_at + 4..number_at + 20].try_into().expect("16 bytes");
        let mut mask = sample.into();
        keys.header.encrypt_block(&mut mask);
        packet[0] ^= mask[0] & 0x0f;
        packet[number_at] ^= mask[1];
        packet
    }

    /// RFC 9001 appendix A.1 and RFC 9369 appendix A.1.
    #[test]
    fn keys_are_those_of_the_examples() {
        let destination = unhex("8394c8f03e515708");
        let iv = |version, direction| {
            InitialKeys::derive(QuicVersion(version), &destination, direction).map(|keys| keys.iv)
        };
        let cases = [
            (1, Direction::ToServer, "fa044b2f42a3fd3b46fb255c"),
            (1, Direction::ToClient, "0ac1493ca1905853b0bba03e"),
            (0x6b33_43cf, Direction::ToServer, "91f73e2351d8fa91660e909f"),
            (0x6b33_43cf, Direction::ToClient, "dd13c276499c0249d3310652"),
        ];
        for (version, direction, expected) in cases {
            assert_eq!(
                iv(version, direction).expect("known")[..],
                unhex(expected),
                "{version:x} {direction:?}"
            );
        }
        assert_eq!(iv(2, Direction::ToServer), None);
    }

    #[test]
    fn only_what_is_sound_is_opened() {
        let packet = sealed(QuicVersion(1), b"8 bytes.", 7, &[0; 40]);
        let keys = InitialKeys::derive(QuicVersion(1), b"8 bytes.", Direction::ToServer).expect("known");
        let open = |bytes: &[u8]| {
            let mut room = Vec::new();
            LongPacket::read(&mut &*bytes)
                .and_then(|packet| keys.open(&packet, &mut room).map(<[u8]>::to_vec))
        };
        assert_eq!(open(&packet), Some(vec![0; 40]));
        for at in 0..packet.len() {
            let mut spoilt = packet.clone();
            spoilt[at] ^= 1;
            assert_eq!(open(&spoilt), None, "byte {at}");
            assert_eq!(open(&packet[..at]), None, "cut at {at}");
        }
    }
}
