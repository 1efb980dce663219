//! XMPP (RFC 6120): recognised by the head of its stream.

use super::{
    AppProtocol,
    signature::{Answer, Prefix, Signature},
};

/// The root element, behind an XML declaration or not (RFC 6120 §4.7).
pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Xmpp, stream: Some(stream), datagram: None };

const ROOT: &[u8] = b"<stream:stream";
/// Stanzas (RFC 6120 §8), and the end, of a stream whose begin was not seen.
const STANZAS: &[&[u8]] = &[
    b"<iq type=",
    b"<iq id=",
    b"<iq to=",
    b"<iq from=",
    b"<iq xml:lang=",
    b"<iq xmlns=",
    b"<presence ",
    b"<presence>",
    b"<presence/>",
    b"<message to=",
    b"<message from=",
    b"<message type=",
    b"<message id=",
    b"<message xml:lang=",
    b"</stream:stream>",
];
const DECLARATION: &[u8] = b"<?xml ";
/// Bytes of a declaration that are waited for.
const DECLARATION_BYTES_MAX: usize = 128;

fn stream(prefix: Prefix<'_>) -> Answer {
    let bytes = prefix.bytes;
    let behind_declaration = || {
        let within = bytes.get(..DECLARATION_BYTES_MAX).unwrap_or(bytes);
        let Some(end) = memchr::memmem::find(within, b"?>") else {
            return if within.len() == DECLARATION_BYTES_MAX { Answer::No } else { Answer::More };
        };
        let behind = bytes.get(end + 2..).unwrap_or_default();
        let blanks = behind.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        match Answer::begins(behind.get(blanks..).unwrap_or_default(), ROOT) {
            Answer::Yes(root) => Answer::Yes(end + 2 + blanks + root),
            Answer::More if blanks > DECLARATION_BYTES_MAX => Answer::No,
            other => other,
        }
    };
    Answer::begins(bytes, ROOT)
        .or(Answer::begins_any(bytes, STANZAS))
        .or(Answer::begins(bytes, DECLARATION).and(behind_declaration))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::conversation::{Turn, told_however_cut};

    #[test]
    fn the_root_tells() {
        let declared = b"<?xml version='1.0'?>\r\n<stream:stream to='weir.example' xmlns='jabber:client'>";
        told_however_cut(AppProtocol::Xmpp, &[Turn::client(declared)]);
        told_however_cut(AppProtocol::Xmpp, &[Turn::client(b"<stream:stream to='weir.example'>")]);
        told_however_cut(AppProtocol::Xmpp, &[Turn::server(b"<presence from='weir.example/a'/>")]);
        told_however_cut(AppProtocol::Unknown, &[Turn::client(b"<?xml version='1.0'?><stream:other>")]);
    }
}
