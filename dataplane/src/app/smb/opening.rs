//! What SMB is told by: the first header.

use crate::app::{
    AppProtocol,
    signature::{Answer, Signature},
};

/// Four bytes of a session (MS-SMB2 §2.1), then one of the headers: of SMB 1, of 2 and 3, and of what these encrypt or
/// compress.
pub(in crate::app) const SIGNATURE: Signature = Signature {
    protocol: AppProtocol::Smb,
    stream: Some(|prefix| {
        Answer::of_fields(prefix.bytes, |wire| {
            if wire.u8()? != 0 {
                return Some(false);
            }
            wire.u24()?;
            Some((0xfc..=0xff).contains(&wire.u8()?) && wire.take(3)? == b"SMB")
        })
    }),
    datagram: None,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::conversation::{Turn, told_however_cut};

    #[test]
    fn both_generations_are_told() {
        told_however_cut(AppProtocol::Smb, &[Turn::client(b"\0\0\0\x04\xffSMBr")]);
        told_however_cut(AppProtocol::Smb, &[Turn::client(b"\0\0\0\x04\xfeSMB@")]);
        let other = b"\0\0\0\x04\xfeSMC@";
        told_however_cut(AppProtocol::Unknown, &[Turn::client(other)]);
    }
}
