//! DHCP (RFC 2131) and BOOTP with vendor extensions (RFC 1497).

use super::{
    AppProtocol,
    signature::{Answer, Signature},
};

/// The magic cookie behind the fixed fields (RFC 2131 §3).
pub(super) const SIGNATURE: Signature = Signature {
    protocol: AppProtocol::Dhcp,
    stream: None,
    datagram: Some(|prefix| {
        Answer::of_fields(prefix.bytes, |wire| {
            let (operation, _hardware, address_bytes) = (wire.u8()?, wire.u8()?, wire.u8()?);
            wire.take(FIXED_BYTES - 3)?;
            Some(matches!(operation, 1 | 2) && address_bytes <= 16 && wire.u32()? == COOKIE)
        })
    }),
};

const FIXED_BYTES: usize = 236;
const COOKIE: u32 = 0x6382_5363;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::conversation::{Turn, told_of_datagrams};

    #[test]
    fn the_cookie_tells() {
        let mut discover = vec![1, 1, 6, 0];
        discover.resize(FIXED_BYTES, 0);
        told_of_datagrams(AppProtocol::Pending, &[Turn::client(&discover)]);
        discover.extend(b"\x63\x82\x53\x63\x35\x01\x01\xff");
        told_of_datagrams(AppProtocol::Dhcp, &[Turn::client(&discover)]);
    }
}
