//! Telnet (RFC 854): recognised by the options that its ends negotiate.

use super::{
    AppProtocol,
    signature::{Answer, Signature},
};

/// A command about an option that there is (RFC 854, RFC 855).
pub(super) const SIGNATURE: Signature = Signature {
    protocol: AppProtocol::Telnet,
    stream: Some(|prefix| {
        Answer::of_fields(prefix.bytes, |wire| {
            let is_command = wire.u8()? == IAC && (WILL..=DONT).contains(&wire.u8()?);
            Some(is_command && wire.u8()? <= OPTION_MAX)
        })
    }),
    datagram: None,
};

const IAC: u8 = 255;
const WILL: u8 = 251;
const DONT: u8 = 254;
/// <https://www.iana.org/assignments/telnet-options>, of which no higher one is in use.
const OPTION_MAX: u8 = 49;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::conversation::{Turn, told_however_cut};

    #[test]
    fn options_tell() {
        told_however_cut(AppProtocol::Telnet, &[Turn::server(b"\xff\xfd\x18\xff\xfd\x20login: ")]);
        // Of MP3.
        told_however_cut(AppProtocol::Unknown, &[Turn::server(b"\xff\xfb\x90\x64")]);
    }
}
