//! Remote Framebuffer of VNC (RFC 6143): recognised by its greeting.

use super::{
    AppProtocol,
    signature::{Answer, Signature},
};

/// RFC 6143 §7.1.1, which both ends say.
pub(super) const SIGNATURE: Signature = Signature {
    protocol: AppProtocol::Vnc,
    stream: Some(|prefix| Answer::begins(prefix.bytes, b"RFB 00")),
    datagram: None,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::conversation::{Turn, told_however_cut};

    #[test]
    fn the_greeting_tells() {
        told_however_cut(AppProtocol::Vnc, &[Turn::server(b"RFB 003.008\n"), Turn::client(b"RFB 003.008\n")]);
        told_however_cut(AppProtocol::Unknown, &[Turn::client(b"RFC 003.008\n")]);
    }
}
