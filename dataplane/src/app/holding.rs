//! [`Holding`]: what the parser of a flow holds is charged to its worker.

use super::{App, AppAnomaly, AppSink, SpareParsers};
use crate::account::{Account, Charge};
use crate::flow::Direction;
use crate::limits::APP_BYTES_FREE_PER_FLOW;

/// What the parser of one flow is charged; given back when this goes.
#[derive(Debug, Default)]
pub struct Holding(Option<Charge>);

impl Holding {
    /// Charges what it holds by now, beyond what each flow may hold whatever the others do; false where there is no room for it.
    pub(super) fn settle(&mut self, held_bytes: usize, account: &Account) -> bool {
        let bytes = held_bytes.saturating_sub(APP_BYTES_FREE_PER_FLOW);
        match &mut self.0 {
            _ if bytes == 0 => self.0 = None,
            Some(charge) => return charge.settle(bytes),
            None => {
                self.0 = account.charge(bytes);
                return self.0.is_some();
            }
        }
        true
    }

    /// Whether nothing is charged.
    #[inline]
    pub(super) fn is_nothing(&self) -> bool {
        self.0.is_none()
    }

    /// It holds nothing any more.
    pub(super) fn release(&mut self) {
        self.0 = None;
    }
}

impl App {
    /// Charges what is held by now to the worker. Where it has no room for that, what is held of `direction` and of the other one
    /// is payload, and so is all that follows.
    #[inline]
    pub fn settle<S: AppSink>(
        &mut self,
        direction: Direction,
        holding: &mut Holding,
        parsers: &mut SpareParsers,
        sink: &mut S,
    ) {
        let is_settled = match self {
            App::Http(http) => !http.take_touched(),
            App::WebSocket(_) | App::HttpIdle(_) | App::Payload(_) => holding.is_nothing(),
            App::Probing(_) | App::Http2(_) | App::Within(_) | App::Read(_) => false,
        };
        if !is_settled {
            self.charge(direction, holding, parsers, sink);
        }
    }

    fn charge<S: AppSink>(
        &mut self,
        direction: Direction,
        holding: &mut Holding,
        parsers: &mut SpareParsers,
        sink: &mut S,
    ) {
        if !holding.settle(self.held_bytes(), parsers.account()) {
            sink.anomaly(direction, self.protocol(), AppAnomaly::AppMemory);
            self.give_up(direction, parsers, sink);
            holding.release();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{AppProtocol, recorder::Recorder},
        reassembly::StreamChunk,
    };

    const BYTES_MAX: usize = 64 * 1024;

    /// What a client says is told in a flow of that protocol, until there is no more room; all of it is payload, and all room
    /// comes back.
    fn assert_bounded(protocol: AppProtocol, begin: &[u8], more: &[u8]) {
        let mut parsers = SpareParsers::with_bytes_max(BYTES_MAX);
        let (mut app, mut holding, mut recorder) = (App::new(), Holding::default(), Recorder::default());
        let mut held_bytes_highest = 0;
        for count in 0..1000 {
            let bytes = if count == 0 { begin } else { more };
            app.advance(Direction::ToServer, StreamChunk::Data(bytes), &mut parsers, &mut recorder);
            app.settle(Direction::ToServer, &mut holding, &mut parsers, &mut recorder);
            held_bytes_highest = held_bytes_highest.max(parsers.held_bytes());
            assert!(held_bytes_highest <= BYTES_MAX);
            if count == 3 {
                assert_eq!(app.protocol().as_str(), protocol.as_str());
            }
        }
        assert!(held_bytes_highest > BYTES_MAX / 2, "{held_bytes_highest}");
        assert!(matches!(app, App::Payload(_)));
        assert!(recorder.anomalies().contains(&AppAnomaly::AppMemory));
        assert_eq!(parsers.held_bytes(), 0);
    }

    /// What is not asked for behind a piece has not changed.
    #[test]
    fn what_is_held_is_charged_behind_each_piece() {
        use Direction::{ToClient, ToServer};
        let target = [b'x'; 3000];
        let request = [&b"POST /"[..], &target, b" HTTP/1.1\r\nContent-Length: 200\r\n\r\n", &[b'b'; 200]];
        let with_length = [&b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n"[..], &[b'b'; 200]];
        let chunked =
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nTrailer: t\r\n\r\n";
        let until_close = [&b"HTTP/1.1 200 OK\r\n\r\n"[..], &[b'b'; 200]];
        let responses = [&with_length.concat()[..], chunked, &with_length.concat(), &until_close.concat()];
        for piece_bytes in [1, 7, 150, 4000] {
            let mut parsers = SpareParsers::default();
            let (mut app, mut holding, mut recorder) = (App::new(), Holding::default(), Recorder::default());
            let mut charged_highest = 0;
            for (direction, bytes) in [(ToServer, request.concat().repeat(4)), (ToClient, responses.concat())]
            {
                for piece in bytes.chunks(piece_bytes) {
                    app.advance(direction, StreamChunk::Data(piece), &mut parsers, &mut recorder);
                    app.settle(direction, &mut holding, &mut parsers, &mut recorder);
                    let charged = app.held_bytes().saturating_sub(APP_BYTES_FREE_PER_FLOW);
                    assert_eq!(parsers.held_bytes(), charged, "pieces of {piece_bytes}");
                    charged_highest = charged_highest.max(charged);
                }
            }
            assert!(charged_highest > 2 * target.len() - APP_BYTES_FREE_PER_FLOW);
            assert!(recorder.anomalies().is_empty());
        }
    }

    /// Its files are told with the message, and held until then.
    #[test]
    fn what_is_held_of_a_body_of_parts_is_charged_within_it() {
        const KIND: &[u8] = b"multipart/form-data; boundary=b";
        let begin = &b"--b\r\nContent-Disposition: form-data; name=f; filename="[..];
        let part = [begin, &[b'n'; 200], b"\r\n\r\nx\r\n"].concat();
        let request = &b"POST / HTTP/1.1\r\nContent-Length: 100000\r\nContent-Type: "[..];
        let request = [request, KIND, b"\r\n\r\n"].concat();
        let text = |text: &[u8]| [&[text.len() as u8][..], text].concat();
        let header = |name: &[u8], value: &[u8]| [&[0][..], &text(name), &text(value)].concat();
        let list = [(&b":method"[..], &b"POST"[..]), (b":scheme", b"http"), (b":path", b"/")];
        let list = list.into_iter().chain([(&b"content-type"[..], KIND)]);
        let list = list.flat_map(|(name, value)| header(name, value)).collect::<Vec<_>>();
        let frame = |kind: u8, flags: u8, bytes: &[u8]| {
            let length = (bytes.len() as u32).to_be_bytes();
            [&length[1..], &[kind, flags, 0, 0, 0, 1], bytes].concat()
        };
        let preface = &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"[..];
        let of_http2 = ([preface, &frame(1, 4, &list)].concat(), frame(0, 0, &part));
        for (head, part) in [(request, part), of_http2] {
            let (mut parsers, mut app) = (SpareParsers::default(), App::new());
            let (mut holding, mut recorder) = (Holding::default(), Recorder::default());
            let mut read = |app: &mut App, bytes: &[u8]| {
                app.advance(Direction::ToServer, StreamChunk::Data(bytes), &mut parsers, &mut recorder);
                app.settle(Direction::ToServer, &mut holding, &mut parsers, &mut recorder);
                (app.held_bytes(), parsers.held_bytes())
            };
            let (held_before, _) = read(&mut app, &head);
            for _ in 0..60 {
                read(&mut app, &part);
            }
            let (held_bytes, charged_bytes) = read(&mut app, &part);
            assert!(held_bytes - held_before > 60 * 200, "{held_before} {held_bytes}");
            assert_eq!(charged_bytes, held_bytes - APP_BYTES_FREE_PER_FLOW);
        }
    }

    #[test]
    fn statements_that_wait_are_bounded() {
        let begin = b"\0\0\0\x12\0\x03\0\0user\0ann\0\0";
        let query = [&b"Q\0\0\x03\x89"[..], &[b'x'; 900], b"\0"].concat();
        assert_bounded(AppProtocol::PgSql, begin, &query);
    }

    #[test]
    fn requests_that_wait_are_bounded() {
        let request =
            [&b"GET /"[..], &[b'x'; 2000], b" HTTP/1.1\r\nHost: ", &[b'h'; 900], b"\r\n\r\n"].concat();
        assert_bounded(AppProtocol::Http, &request, &request);
    }

    #[test]
    fn streams_are_bounded() {
        // A literal that the table does not keep, for each header; the stream of each frame is another.
        let text = |text: &[u8]| [&[text.len() as u8][..], text].concat();
        let header = |name: &[u8], value: &[u8]| [&[0][..], &text(name), &text(value)].concat();
        let list = [header(b":method", b"GET"), header(b":scheme", b"http"), header(b":path", &[b'/'; 120])]
            .concat();
        let mut parsers = SpareParsers::with_bytes_max(BYTES_MAX);
        let (mut app, mut holding, mut recorder) = (App::new(), Holding::default(), Recorder::default());
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
        let frames = (0..400u32).map(|number| {
            let length = (list.len() as u32).to_be_bytes();
            [&length[1..], &[1, 4], &(2 * number + 1).to_be_bytes(), &list].concat()
        });
        for bytes in [preface].into_iter().chain(frames) {
            app.advance(Direction::ToServer, StreamChunk::Data(&bytes), &mut parsers, &mut recorder);
            app.settle(Direction::ToServer, &mut holding, &mut parsers, &mut recorder);
            assert!(parsers.held_bytes() <= BYTES_MAX);
        }
        assert!(matches!(app, App::Payload(_)));
        assert_eq!(recorder.anomalies(), [AppAnomaly::AppMemory]);
        let told = recorder.transactions().len();
        assert!((20..300).contains(&told), "those that were open are told: {told}");
        assert_eq!(parsers.held_bytes(), 0);
    }

    #[test]
    fn who_holds_little_is_never_asked() {
        let account = Account::new(10);
        let (mut one, mut two) = (Holding::default(), Holding::default());
        assert!(one.settle(APP_BYTES_FREE_PER_FLOW + 10, &account));
        assert!(
            two.settle(APP_BYTES_FREE_PER_FLOW, &account)
                && !two.settle(APP_BYTES_FREE_PER_FLOW + 1, &account)
        );
        assert!(one.settle(APP_BYTES_FREE_PER_FLOW, &account), "less than before");
        assert!(two.settle(APP_BYTES_FREE_PER_FLOW + 1, &account));
        drop(two);
        assert_eq!(account.taken_bytes(), 0);
    }
}
