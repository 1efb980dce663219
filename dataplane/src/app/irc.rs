//! IRC (RFC 2812, <https://modern.ircdocs.horse/>): recognised by how a client registers, and how a server greets it.

use memchr::memmem;

use super::{
    AppProtocol,
    signature::{Answer, Prefix, Signature},
};

pub(super) const SIGNATURE: Signature =
    Signature { protocol: AppProtocol::Irc, stream: Some(stream), datagram: None };

/// No other protocol begins with these.
const FIRST_COMMANDS: &[&[u8]] =
    &[b"NICK ", b"CAP LS", b"CAP REQ", b"JOIN #", b"NOTICE AUTH :", b"NOTICE * :"];
/// A server says who it is, and then greets, or tells what it looks up.
const GREETINGS: &[&[u8]] = &[b" 001 ", b" 020 ", b" NOTICE ", b" CAP ", b" 433 ", b" 451 ", b" 670 "];

fn stream(prefix: Prefix<'_>) -> Answer {
    let user = || prefix.first_line(is_user);
    let password = || second_line(prefix);
    let greeting =
        || prefix.first_line(|line| GREETINGS.iter().any(|word| memmem::find(line, word).is_some()));
    Answer::begins_any(prefix.bytes, FIRST_COMMANDS)
        .or(Answer::begins(prefix.bytes, b"USER ").and(user))
        .or(Answer::begins(prefix.bytes, b"PASS ").and(password))
        .or(Answer::begins(prefix.bytes, b":").and(greeting))
}

/// RFC 2812 §3.1.3: four parameters, where FTP and POP3 have one.
fn is_user(line: &[u8]) -> bool {
    line.split(|byte| *byte == b' ').filter(|word| !word.is_empty()).count() >= 5
}

/// Whether a client registers behind a password; it is the first line of no other protocol either.
fn second_line(prefix: Prefix<'_>) -> Answer {
    prefix.first_line(|_| true).and(|| {
        let at = memchr::memchr(b'\n', prefix.bytes).map_or(0, |end| end + 1);
        let behind = prefix.bytes.get(at..).unwrap_or_default();
        match Answer::begins_any(behind, &[b"NICK ", b"USER ", b"CAP "]) {
            Answer::Yes(bytes) => Answer::Yes(at + bytes),
            other => other,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::conversation::{Turn, told_however_cut};

    #[test]
    fn registrations_and_greetings_are_told() {
        told_however_cut(AppProtocol::Irc, &[Turn::client(b"NICK weir\r\nUSER weir 0 * :Weir\r\n")]);
        told_however_cut(AppProtocol::Irc, &[Turn::client(b"USER weir 0 * :Weir\r\n")]);
        told_however_cut(AppProtocol::Irc, &[Turn::client(b"PASS secret\r\nNICK weir\r\n")]);
        told_however_cut(AppProtocol::Irc, &[Turn::server(b":irc.example NOTICE * :*** Looking up\r\n")]);
        told_however_cut(AppProtocol::Unknown, &[Turn::server(b":irc.example says\r\n")]);
    }
}
