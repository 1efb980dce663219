//! SIP (RFC 3261): recognised by a first line.

use super::{
    AppProtocol,
    signature::{Answer, Prefix, Signature},
};

/// A method and the scheme of what it is asked of, or the version that an answer begins with (RFC 3261 §7).
pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Sip, stream: Some(first_words), datagram: Some(first_words) };

/// RFC 3261 §7.1, and RFC 3262, 6665, 3903, 6086, 3515, 3428, 3311.
const METHODS: &[&[u8]] = &[
    b"INVITE ",
    b"ACK ",
    b"BYE ",
    b"CANCEL ",
    b"REGISTER ",
    b"OPTIONS ",
    b"PRACK ",
    b"SUBSCRIBE ",
    b"NOTIFY ",
    b"PUBLISH ",
    b"INFO ",
    b"REFER ",
    b"MESSAGE ",
    b"UPDATE ",
];
/// RFC 3261 §19.1, RFC 3966.
const SCHEMES: &[&[u8]] = &[b"sip:", b"sips:", b"tel:"];

fn first_words(prefix: Prefix<'_>) -> Answer {
    Answer::begins_with_words(prefix.bytes, METHODS, SCHEMES).or(Answer::begins(prefix.bytes, b"SIP/2.0 "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::conversation::{Turn, told_however_cut, told_of_datagrams};

    #[test]
    fn requests_and_answers_are_told() {
        told_however_cut(AppProtocol::Sip, &[Turn::client(b"OPTIONS sip:weir.example SIP/2.0\r\n")]);
        told_of_datagrams(AppProtocol::Sip, &[Turn::server(b"SIP/2.0 100 Trying\r\n")]);
        told_of_datagrams(AppProtocol::Pending, &[Turn::client(b"INVITES sip:weir.example SIP/2.0\r\n")]);
    }
}
