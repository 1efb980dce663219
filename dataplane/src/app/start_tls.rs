//! [`StartTls`]: a protocol of which no more is read than whether its server agrees that TLS follows.

use arrayvec::ArrayVec;

use super::{
    AppProtocol, AppSink,
    beside::Beside,
    parser::{AppParser, Outcome},
    wire::Wire,
};
use crate::flow::Direction;
use crate::limits::{START_TLS_BYTES_MAX, START_TLS_PIECE_BYTES_MAX};

/// What a server says, watched piece by piece.
#[derive(Debug)]
pub(super) struct StartTls {
    way: Way,
    /// The piece under way; of one that is longer, its begin.
    piece: ArrayVec<u8, START_TLS_PIECE_BYTES_MAX>,
    seen_bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Irc,
    Rdp,
    Xmpp,
}

/// What a piece says, as far as it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// It goes on.
    More,
    /// It is complete, and says something else.
    Other,
    /// TLS follows.
    Agreed,
    /// TLS will not follow.
    Refused,
}

impl StartTls {
    /// The watch over a protocol that may make way for TLS.
    pub(super) fn of(protocol: AppProtocol) -> Option<Box<StartTls>> {
        let way = match protocol {
            AppProtocol::Irc => Way::Irc,
            AppProtocol::Rdp => Way::Rdp,
            AppProtocol::Xmpp => Way::Xmpp,
            _ => return None,
        };
        Some(Box::new(StartTls { way, piece: ArrayVec::new(), seen_bytes: 0 }))
    }
}

impl AppParser for StartTls {
    fn data<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        _: &mut Beside<'_, S>,
    ) -> Outcome {
        if direction == Direction::ToServer {
            return Outcome::More;
        }
        while let Some((&byte, rest)) = bytes.split_first() {
            *bytes = rest;
            self.seen_bytes += 1;
            // What is longer than the piece may be says nothing of TLS.
            let is_cut = self.piece.try_push(byte).is_err();
            match self.way.said(&self.piece, byte) {
                Said::Agreed if !is_cut => return Outcome::Changed,
                Said::Refused => return Outcome::Over,
                Said::Agreed | Said::Other => self.piece.clear(),
                Said::More => {}
            }
            if self.seen_bytes == START_TLS_BYTES_MAX {
                return Outcome::Over;
            }
        }
        Outcome::More
    }

    fn gap<S: AppSink>(&mut self, direction: Direction, _: u32, _: &mut Beside<'_, S>) -> Outcome {
        if direction == Direction::ToClient {
            self.piece.clear();
        }
        Outcome::More
    }

    /// All that it holds is within.
    fn held_bytes(&self) -> usize {
        0
    }
}

impl Way {
    /// What `piece` says, the last byte of which came in now.
    fn said(self, piece: &[u8], last: u8) -> Said {
        let is_agreed = match self {
            // RPL_STARTTLS (<https://ircv3.net/specs/deprecated/tls>), behind the name of the server.
            Way::Irc if last == b'\n' => {
                let mut words = piece.split(|byte| *byte == b' ');
                let first = words.next().unwrap_or_default();
                let number = if first.starts_with(b":") { words.next().unwrap_or_default() } else { first };
                number == b"670"
            }
            // RFC 6120 §5.4.2.3.
            Way::Xmpp if last == b'>' => piece.trim_ascii_start().starts_with(b"<proceed"),
            Way::Rdp => return negotiated(piece).unwrap_or(Said::More),
            Way::Irc | Way::Xmpp => return Said::More,
        };
        if is_agreed { Said::Agreed } else { Said::Other }
    }
}

/// MS-RDPBCGR §2.2.1.2: the confirmation of a connection, and in it which protocol was selected; `None` before its end.
fn negotiated(piece: &[u8]) -> Option<Said> {
    const CONFIRM: u8 = 0xd0;
    const RESPONSE: u8 = 2;
    let mut wire = Wire(piece);
    let (_version, _reserved, length) = (wire.u8()?, wire.u8()?, wire.u16()?);
    if piece.len() < usize::from(length) {
        return None;
    }
    let mut selected = || {
        let (_indicator, code, _references_and_class) = (wire.u8()?, wire.u8()?, wire.take(5)?);
        let (kind, _flags, _length) = (wire.u8()?, wire.u8()?, wire.u16()?);
        let protocol = wire.take(4)?;
        (code == CONFIRM && kind == RESPONSE).then_some(protocol != [0; 4])
    };
    Some(if selected() == Some(true) { Said::Agreed } else { Said::Refused })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{
        Value,
        conversation::{Turn, told_however_cut},
        tls::tests::client_hello,
    };

    /// A record of a client's hello.
    fn hello() -> Vec<u8> {
        let hello = client_hello(b"weir.example");
        let length = u16::try_from(hello.len()).expect("it is short").to_be_bytes();
        [&[22, 3, 1][..], &length, &hello].concat()
    }

    #[test]
    fn tls_follows_where_the_server_agrees() {
        let request = b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0";
        let confirm = |protocol: u8| {
            [&b"\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x02\x1f\x08\0"[..], &[protocol, 0, 0, 0]].concat()
        };
        for (asked, answered, from) in [
            (&request[..], confirm(1), AppProtocol::Rdp),
            (&request[..], confirm(2), AppProtocol::Rdp),
            (
                b"NICK weir\r\nUSER weir 0 * :Weir\r\nSTARTTLS\r\n",
                b":a NOTICE * :wait\r\n:a 670 weir :go\r\n".to_vec(),
                AppProtocol::Irc,
            ),
            (
                b"<stream:stream to='weir.example'><starttls/>",
                b"<stream:stream><stream:features/> <proceed xmlns='x'/>".to_vec(),
                AppProtocol::Xmpp,
            ),
        ] {
            let recorder = told_however_cut(
                AppProtocol::Tls,
                &[Turn::client(asked), Turn::server(&answered), Turn::client(&hello())],
            );
            let [record] = recorder.records()[..] else { panic!("one record behind {from:?}") };
            let told = record.find("from_proto");
            assert_eq!(told, Some(Value::Text(from.as_str().as_bytes())));
        }
        told_however_cut(
            AppProtocol::Rdp,
            &[Turn::client(request), Turn::server(&confirm(0)), Turn::client(&hello())],
        );
        told_however_cut(
            AppProtocol::Irc,
            &[
                Turn::client(b"NICK weir\r\nUSER weir 0 * :Weir\r\n"),
                Turn::server(b":a 691 weir :no\r\n"),
                Turn::client(&hello()),
            ],
        );
    }
}
