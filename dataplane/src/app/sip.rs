//! SIP (RFC 3261): requests and responses, over streams and in datagrams.

use dlp_patterns::Field;

use super::{
    AppAnomaly, AppProtocol, AppSink,
    beside::Beside,
    headed::{Ends, Heading},
    parser::{AppParser, Outcome},
    signature::{Answer, Prefix, Signature},
};
use crate::flow::Direction;

/// A method and the scheme of what it is asked of, or the version that a response begins with (RFC 3261 §7).
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

const VERSION: &[u8] = b"SIP/2.0";

/// Both ends.
#[derive(Debug, Default)]
pub(super) struct Sip {
    ends: Ends,
}

impl AppParser for Sip {
    const FIELDS: &'static [Field] = &[Field::Command];

    fn data<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        self.ends.read(direction, bytes, |id, heading| tell(direction, id, heading, out));
        Outcome::More
    }

    fn gap<S: AppSink>(&mut self, direction: Direction, bytes: u32, _: &mut Beside<'_, S>) -> Outcome {
        self.ends.gap(direction, bytes)
    }

    fn datagram<S: AppSink>(
        &mut self,
        direction: Direction,
        mut bytes: &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        // Each datagram is a message of its own (RFC 3261 §18.3).
        self.ends.restart(direction);
        self.data(direction, &mut bytes, out)
    }

    fn is_between_messages(&self) -> bool {
        self.ends.are_between()
    }

    fn held_bytes(&self) -> usize {
        self.ends.held_bytes()
    }
}

fn tell<S: AppSink>(direction: Direction, id: u64, heading: Heading<'_>, out: &mut Beside<'_, S>) {
    out.field(direction, Field::Command, heading.start);
    if heading.is_cut {
        out.anomaly(direction, AppAnomaly::MessageCut);
    }
    let [first, second, third] = heading.words();
    out.record(id, |record| {
        if first == VERSION {
            record.text("version", first);
            record.text("code", second);
            record.text("reason", third);
            record.text("response_line", heading.start);
        } else {
            record.text("method", first);
            record.text("uri", second);
            record.text("version", third);
            record.text("request_line", heading.start);
        }
        // RFC 3261 §7.3.3 has short names.
        let headers: [(&'static str, &[&[u8]]); 6] = [
            ("from", &[b"From", b"f"]),
            ("to", &[b"To", b"t"]),
            ("call_id", &[b"Call-ID", b"i"]),
            ("user_agent", &[b"User-Agent"]),
            ("server", &[b"Server"]),
            ("content_type", &[b"Content-Type", b"c"]),
        ];
        for (name, names) in headers {
            record.text_if_any(name, heading.get(names));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{
        Value,
        conversation::{Turn, told_however_cut, told_of_datagrams},
    };

    const INVITE: &[u8] = b"INVITE sip:ann@weir.example SIP/2.0\r\nf: <sip:bob@weir.example>;tag=1\r\n\
        To: <sip:ann@weir.example>\r\ni: 7@weir\r\nUser-Agent: Weir\r\nContent-Length: 5\r\n\r\nv=0\r\n";
    const RINGING: &[u8] = b"SIP/2.0 180 Ringing now\r\nCall-ID: 7@weir\r\nl: 0\r\n\r\n";

    fn assert_told(recorder: &crate::app::recorder::Recorder) {
        let [request, response, again] = recorder.records()[..] else { panic!("three records") };
        assert_eq!(request.find("method"), Some(Value::Text(b"INVITE")));
        assert_eq!(request.find("uri"), Some(Value::Text(b"sip:ann@weir.example")));
        assert_eq!(request.find("from"), Some(Value::Text(b"<sip:bob@weir.example>;tag=1")));
        assert_eq!(response.find("reason"), Some(Value::Text(b"Ringing now")));
        assert_eq!(response.find("call_id"), Some(Value::Text(b"7@weir")));
        assert_eq!((again.id(), again.find("user_agent")), (2, Some(Value::Text(b"Weir"))));
    }

    #[test]
    fn requests_and_responses_are_told() {
        let twice = [b"\r\n\r\n", INVITE].concat();
        let turns = [Turn::client(INVITE), Turn::server(RINGING), Turn::client(&twice)];
        assert_told(&told_however_cut(AppProtocol::Sip, &turns));
        let datagrams = [Turn::client(INVITE), Turn::server(RINGING), Turn::client(INVITE)];
        assert_told(&told_of_datagrams(AppProtocol::Sip, &datagrams));
    }

    #[test]
    fn lines_of_others_are_none() {
        let client = |bytes| first_words(Prefix::of(Direction::ToServer, bytes));
        assert_eq!(client(b"GET / HTTP/1.1\r\n"), Answer::No);
        assert_eq!(client(b"INVITES sip:a SIP/2.0\r\n"), Answer::No);
    }
}
