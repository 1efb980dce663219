//! DTLS (RFC 6347, RFC 9147): recognised by its record layer.

use super::{
    AppProtocol,
    signature::{Answer, Prefix, Signature},
};

/// A record with a version of DTLS, which lies whole in its datagram (RFC 6347 §4.1). Epochs that are encrypted by DTLS 1.3 have
/// another header, and come later.
pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Dtls, stream: None, datagram: Some(datagram) };

/// Change of cipher, alert, handshake, data, and any of them with a connection ID (RFC 9146 §4).
const CONTENT_TYPES: [u8; 5] = [20, 21, 22, 23, 25];
/// Versions 1.0 and 1.2, and what OpenSSL spoke before there was a standard.
const VERSIONS: [u16; 3] = [0xfeff, 0xfefd, 0x0100];
/// RFC 6347 §4.1, with what a cipher may add.
const RECORD_BYTES_MAX: u16 = (1 << 14) + 2048;

fn datagram(prefix: Prefix<'_>) -> Answer {
    Answer::of_fields(prefix.bytes, |wire| {
        let (content, version) = (wire.u8()?, wire.u16()?);
        let (_epoch, _sequence) = (wire.u16()?, wire.take(6)?);
        if !CONTENT_TYPES.contains(&content) || !VERSIONS.contains(&version) {
            return Some(false);
        }
        // A record with a connection ID has that in between.
        if content == 25 {
            return Some(version == 0xfefd);
        }
        let length = wire.u16()?;
        wire.take(length.into())?;
        Some((1..=RECORD_BYTES_MAX).contains(&length))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::conversation::{Turn, told_of_datagrams};

    #[test]
    fn a_record_is_whole() {
        let alert = b"\x15\xfe\xfd\0\0\0\0\0\0\0\x01\0\x02\x02\x28";
        told_of_datagrams(AppProtocol::Dtls, &[Turn::client(alert)]);
        told_of_datagrams(AppProtocol::Pending, &[Turn::client(&alert[..14])]);
    }
}
