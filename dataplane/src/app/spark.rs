//! Spark's own network protocol (`org.apache.spark.network.protocol` of its sources): recognised by its calls.

use super::{
    AppProtocol,
    signature::{Answer, Prefix, Signature},
};

/// A frame that is a call, an answer or a message, whose two lengths say the same.
pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Spark, stream: Some(stream), datagram: None };

/// `RpcRequest`, `RpcResponse` and `OneWayMessage` of `Message.Type`.
const CALLS: [u8; 2] = [3, 4];
const ONE_WAY: u8 = 9;
/// `TransportFrameDecoder.MAX_FRAME_SIZE`.
const FRAME_BYTES_MAX: u64 = 1 << 31;

fn stream(prefix: Prefix<'_>) -> Answer {
    Answer::of_fields(prefix.bytes, |wire| {
        // The high bytes are looked at first: most others have something there.
        if wire.u24()? != 0 {
            return Some(false);
        }
        let length = u64::from(wire.u8()?) << 32 | u64::from(wire.u32()?);
        let message = wire.u8()?;
        // Length and type, the number of the call, the length of the body.
        let head_bytes = match message {
            ONE_WAY => 13,
            _ if CALLS.contains(&message) => {
                wire.u64()?;
                21
            }
            _ => return Some(false),
        };
        Some(length <= FRAME_BYTES_MAX && u64::from(wire.u32()?) + head_bytes == length)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::conversation::{Turn, told_however_cut};

    #[test]
    fn lengths_agree() {
        let call = b"\0\0\0\0\0\0\0\x19\x03\x12\x34\x56\x78\x9a\xbc\xde\xf0\0\0\0\x04body";
        told_however_cut(AppProtocol::Spark, &[Turn::client(call)]);
        told_however_cut(AppProtocol::Spark, &[Turn::client(b"\0\0\0\0\0\0\0\x11\x09\0\0\0\x04body")]);
        let other = b"\0\0\0\0\0\0\0\x19\x03\x12\x34\x56\x78\x9a\xbc\xde\xf0\0\0\0\x05body";
        told_however_cut(AppProtocol::Unknown, &[Turn::client(other), Turn::server(b"\xee\xee\xee\xee")]);
    }
}
