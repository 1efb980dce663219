//! Elasticsearch between its nodes (`org.elasticsearch.transport.TcpHeader` of its sources): recognised by its header. What its
//! clients say is HTTP.

use super::{
    AppProtocol,
    signature::{Answer, Signature},
};

/// A magic word, a length, the number of a request, and bits of which four are in use.
pub(super) const SIGNATURE: Signature = Signature {
    protocol: AppProtocol::Elasticsearch,
    stream: Some(|prefix| {
        Answer::of_fields(prefix.bytes, |wire| {
            if wire.take(2)? != b"ES" {
                return Some(false);
            }
            let (length, _request, status) = (wire.u32()?, wire.u64()?, wire.u8()?);
            Some((STATUS_AND_REQUEST_BYTES..=MESSAGE_BYTES_MAX).contains(&length) && status < 16)
        })
    }),
    datagram: None,
};

const STATUS_AND_REQUEST_BYTES: u32 = 9;
/// `TcpTransport` takes a part of the heap at most; nobody sends so much.
const MESSAGE_BYTES_MAX: u32 = 1 << 30;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::conversation::{Turn, told_however_cut};

    #[test]
    fn the_header_tells() {
        let request = b"ES\0\0\0\x11\0\0\0\0\0\0\0\x01\0\0\x5c\xc6\x63\0\0\0\0";
        told_however_cut(AppProtocol::Elasticsearch, &[Turn::client(request)]);
        told_however_cut(AppProtocol::Unknown, &[Turn::client(b"ES\0\0\0\x11\0\0\0\0\0\0\0\x01\x70\0")]);
    }
}
