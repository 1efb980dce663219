//! Whatever bytes come: no cut changes what is told.

use proptest::{collection::vec, prelude::*, sample::Index};

use super::*;
use crate::{app::http::conversations::cut, flow::Direction, reassembly::StreamChunk};

type Conversation = Vec<(Direction, Vec<u8>)>;

fn whole() -> Conversation {
    let call = with(&REQUEST, &[("content-type", "application/grpc"), ("content-length", "9")]);
    let fragments = block(&REQUEST);
    let (first, rest) = fragments.split_at(9);
    vec![
        (
            ToServer,
            [
                PREFACE,
                &settings(&[(1, 4096), (5, 20_000)]),
                &headers(0, 1, &call),
                &data(flag::PADDED, 1, b"\x02\0\0\0\0\x04mes\0\0"),
                &frame(frames::HEADERS, flag::END_STREAM, 3, first),
                &frame(frames::CONTINUATION, flag::END_HEADERS, 3, rest),
                &data(flag::END_STREAM, 1, b"s"),
            ]
            .concat(),
        ),
        (
            ToClient,
            [
                settings(&[(3, 7)]),
                headers(0, 3, &[(":status", "200")]),
                data(0, 3, b"body"),
                frame(frames::PING, 0, 0, b"12345678"),
                headers(0, 1, &[(":status", "200")]),
                data(0, 1, b"\0\0\0\0\x01x"),
            ]
            .concat(),
        ),
        (
            ToServer,
            [frame(frames::PING, flag::ACK, 0, b"12345678"), frame(frames::RST_STREAM, 0, 3, &[0; 4])]
                .concat(),
        ),
        (
            ToClient,
            [
                data(flag::END_STREAM, 3, b"late"),
                headers(flag::END_STREAM, 1, &[("grpc-status", "0")]),
                frame(frames::GOAWAY, 0, 0, &[0; 8]),
            ]
            .concat(),
        ),
    ]
}

fn chunks(conversation: &Conversation) -> Vec<(Direction, StreamChunk<'_>)> {
    conversation.iter().map(|(direction, bytes)| (*direction, Data(bytes.as_slice()))).collect()
}

#[test]
fn the_whole_is_sound() {
    assert_eq!(listen(&chunks(&whole())).1.anomalies(), []);
}

proptest! {
    #[test]
    fn any_cut_tells_the_same(
        damage in vec((any::<Index>(), any::<Index>(), any::<u8>(), 0u8..3), 0..4),
        points in vec(any::<Index>(), 0..8),
    ) {
        let mut conversation = whole();
        for (turn, at, value, kind) in damage {
            let bytes = &mut turn.get_mut(&mut conversation).1;
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = value,
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, value),
            }
        }
        let whole = chunks(&conversation);
        let told = listen(&whole).1.told;
        prop_assert_eq!(&told, &listen(&cut(&whole, Some(&points))).1.told);
        prop_assert_eq!(&told, &listen(&cut(&whole, None)).1.told);
    }
}
