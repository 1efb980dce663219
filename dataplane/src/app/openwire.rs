//! OpenWire of ActiveMQ (<https://activemq.apache.org/components/classic/documentation/openwire-version-2-specification>):
//! recognised by its first command.

use super::{
    AppProtocol,
    signature::{Answer, Signature},
};

/// WireFormatInfo, which both ends begin with: a length, its type, and a magic word.
pub(super) const SIGNATURE: Signature = Signature {
    protocol: AppProtocol::OpenWire,
    stream: Some(|prefix| {
        Answer::of_fields(prefix.bytes, |wire| {
            wire.u32()?;
            Some(wire.u8()? == WIRE_FORMAT_INFO && wire.take(8)? == b"ActiveMQ")
        })
    }),
    datagram: None,
};

const WIRE_FORMAT_INFO: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::conversation::{Turn, told_however_cut};

    #[test]
    fn either_end_tells() {
        let info = b"\0\0\0\x14\x01ActiveMQ\0\0\0\x0c\x01\0\0\0\0\0\0";
        told_however_cut(AppProtocol::OpenWire, &[Turn::client(info)]);
        told_however_cut(AppProtocol::OpenWire, &[Turn::server(info), Turn::client(info)]);
        let other = b"\0\0\0\x14\x02ActiveMQ\0\0\0\x0c\x01\0\0\0\0\0\0";
        told_however_cut(AppProtocol::Unknown, &[Turn::client(other)]);
    }
}
