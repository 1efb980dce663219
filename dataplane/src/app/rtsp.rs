//! RTSP (RFC 2326, RFC 7826): recognised by a first line.

use super::{
    AppProtocol,
    signature::{Answer, Prefix, Signature},
};

/// A method and the scheme of what it is asked of, or the version that an answer begins with.
pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Rtsp, stream: Some(first_words), datagram: None };

/// RFC 7826 §13, RFC 2326 §10.
const METHODS: &[&[u8]] = &[
    b"DESCRIBE ",
    b"SETUP ",
    b"PLAY ",
    b"PAUSE ",
    b"TEARDOWN ",
    b"ANNOUNCE ",
    b"RECORD ",
    b"OPTIONS ",
    b"REDIRECT ",
    b"GET_PARAMETER ",
    b"SET_PARAMETER ",
    b"PLAY_NOTIFY ",
];
/// RFC 7826 §4.2, RFC 2326 §3.2, and what a server as a whole is asked.
const TARGETS: &[&[u8]] = &[b"rtsp:", b"rtsps:", b"rtspu:", b"* RTSP/"];

fn first_words(prefix: Prefix<'_>) -> Answer {
    Answer::begins_with_words(prefix.bytes, METHODS, TARGETS).or(Answer::begins(prefix.bytes, b"RTSP/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::conversation::{Turn, told_however_cut};

    #[test]
    fn requests_and_answers_are_told() {
        let options = b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n";
        told_however_cut(AppProtocol::Rtsp, &[Turn::client(options)]);
        told_however_cut(AppProtocol::Rtsp, &[Turn::client(b"PLAY rtsp://weir.example/a RTSP/2.0\r\n")]);
        told_however_cut(AppProtocol::Rtsp, &[Turn::server(b"RTSP/1.0 200 OK\r\n")]);
        told_however_cut(AppProtocol::Unknown, &[Turn::client(b"PLAY file:///a RTSP/2.0\r\n\r\n")]);
    }
}
