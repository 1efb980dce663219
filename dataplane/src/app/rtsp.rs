//! RTSP (RFC 7826, RFC 2326): requests and responses; what streams between them is passed by.

use dlp_patterns::Field;

use super::{
    AppAnomaly, AppProtocol, AppSink,
    beside::Beside,
    headed::{Ends, Heading},
    parser::{AppParser, Outcome},
    signature::{Answer, Prefix, Signature},
};
use crate::flow::Direction;

/// A request line with the version, or what a response begins with.
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

/// What begins the frames between messages (RFC 7826 §14).
const FRAME_MARK: u8 = b'$';

/// Both ends.
#[derive(Debug)]
pub(super) struct Rtsp {
    ends: Ends,
}

impl Default for Rtsp {
    fn default() -> Rtsp {
        Rtsp { ends: Ends::with_frames(FRAME_MARK) }
    }
}

impl AppParser for Rtsp {
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
        if first.starts_with(b"RTSP/") {
            record.text("version", first);
            record.text("code", second);
            record.text("reason", third);
        } else {
            record.text("method", first);
            record.text("uri", second);
            record.text("version", third);
        }
        let headers: [(&'static str, &[&[u8]]); 5] = [
            ("cseq", &[b"CSeq"]),
            ("session", &[b"Session"]),
            ("transport", &[b"Transport"]),
            ("user_agent", &[b"User-Agent"]),
            ("server", &[b"Server"]),
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
        conversation::{Turn, told_however_cut},
    };

    #[test]
    fn messages_are_told_between_frames() {
        let turns = [
            Turn::client(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: Weir\r\n\r\n"),
            Turn::server(b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 4\r\n\r\nbody$\x00\x00\x02\r\n"),
            Turn::server(b"$\x01\x00\x00RTSP/1.0 454 Not Found\r\nCSeq: 2\r\n\r\n"),
        ];
        let recorder = told_however_cut(AppProtocol::Rtsp, &turns);
        let [request, response, another] = recorder.records()[..] else { panic!("three records") };
        assert_eq!(request.find("user_agent"), Some(Value::Text(b"Weir")));
        assert_eq!(response.find("code"), Some(Value::Text(b"200")));
        assert_eq!(another.find("reason"), Some(Value::Text(b"Not Found")));
    }
}
