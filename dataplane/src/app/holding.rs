//! [`Holding`]: what the parser of a flow holds is charged to its worker.

use crate::account::{Account, Charge};
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

    /// It holds nothing any more.
    pub(super) fn release(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{App, AppAnomaly, AppProtocol, SpareParsers, recorder::Recorder},
        flow::Direction,
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
