//! Conversations that exercise every part of the parser, and the proof that how they are cut into chunks
//! changes nothing of what is told.

use proptest::{collection::vec, prelude::*, sample::Index};

use crate::{
    app::{App, SpareParsers, kept, recorder::Recorder},
    flow::Direction::{self, ToClient, ToServer},
    reassembly::StreamChunk::{self, Data, Fin, Gap},
};

/// What went over the wire, in order.
pub(super) type Conversation = Vec<(Direction, StreamChunk<'static>)>;

/// What a flow of these chunks tells, to its end.
pub(in crate::app) fn listen(chunks: &[(Direction, StreamChunk<'_>)]) -> (App, Recorder) {
    let (mut app, mut parsers, mut recorder) = (App::new(), SpareParsers::default(), Recorder::default());
    for (direction, chunk) in chunks {
        app.advance(*direction, *chunk, &mut parsers, &mut recorder);
    }
    app.finish(&mut parsers, &mut recorder);
    recorder.assert_nothing_open();
    (app, recorder)
}

fn request(bytes: &'static [u8]) -> (Direction, StreamChunk<'static>) {
    (ToServer, Data(bytes))
}

fn response(bytes: &'static [u8]) -> (Direction, StreamChunk<'static>) {
    (ToClient, Data(bytes))
}

/// Requests and responses that are whole and in order.
fn orderly() -> Vec<Conversation> {
    vec![
        vec![
            request(b"GET /a%20b?q=%41+%zz%4 HTTP/1.1\r\nHost: one.example\r\nUser-Agent: probe/1\r\n\r\n"),
            response(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=x\r\nContent-Length: 5\r\n\r\nhello"),
            request(b"HEAD /a HTTP/1.1\r\nHost: one.example\r\n\r\n"),
            response(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
            request(b"GET /n HTTP/1.1\nHost: lf.example\n\nDELETE /n HTTP/1.1\n\n"),
            response(b"HTTP/1.1 304\nETag: \"x\"\n\nHTTP/1.1 204 No Content\r\n\r\n"),
        ],
        vec![
            request(b"POST /in HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"),
            response(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"),
            request(b"5;name=\"v\"\r\nhello\r\n00A  \r\n0123456789\r\n0\r\nX-Sum: 1\r\nContent-Length: 7\r\n\r\n"),
            response(b"HTTP/1.1 201 Created\r\ntransfer-ENCODING: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
        ],
        vec![
            request(b"\r\n\nGET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nPOST /3 HTTP/1.1\r\nContent-Length: 3\r\n\r\nxyz"),
            response(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 1\r\n\r\n!HTTP/1.0 200 OK\r\n\r\nrest"),
            (ToClient, Fin),
            (ToServer, Fin),
        ],
        vec![
            request(b"GET http://two.example/%2e%2e%2fetc%2Fpasswd?x=%2525 HTTP/1.0\r\nReferer: a\r\n b\r\n\tc\r\n\r\n"),
            response(b"HTTP/1.0 302 Found\r\nLocation:\r\n http://there/\r\n\r\nuntil the end"),
            (ToClient, Fin),
        ],
        vec![
            request(b"GET /simple%2f\r\nstray"),
            response(b"HTT<html>nothing but a body</html>"),
            (ToClient, Fin),
        ],
        vec![request(b"GET /simple\n"), response(b"HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n"), (ToServer, Fin)],
        vec![
            request(b"\r\r\n\nGET   /a%2fb   HTTP/1.10  \r\n\r\n\rNO_-TE  /c HTTP/1.001 \n\r\n"),
            response(b"HTTP/1.1 204 None\r\n\r\nHTTP/1.1 204 None\r\n\r\n"),
            request(b"GET  HTTP://x/%2f  \r\n"),
        ],
        vec![request(b"GET /simple\r\n"), response(b"HTTP/1"), (ToClient, Fin)],
        vec![
            request(b"GET /chat HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
            response(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x05hello"),
            request(b"\x81\x85\0\0\0\0hello"),
        ],
        vec![
            request(b"CONNECT far.example:443 HTTP/1.1\r\nHost: far.example:443\r\n\r\n"),
            response(b"HTTP/1.1 407 No\r\nContent-Length: 4\r\n\r\nauth"),
            request(b"CONNECT far.example:443 HTTP/1.1\r\nHost: far.example:443\r\n\r\n"),
            response(b"HTTP/1.1 200 Connected\r\nContent-Length: 4\r\n\r\n"),
            request(b"\x16\x03\x01\x02\0"),
            response(b"\x16\x03\x03\0\x7a"),
        ],
        vec![
            request(b"BREW /pot HTTP/1.1\r\nContent-Length: 4\r\n\r\nco"),
            response(b"HTTP/1.1 418 Teapot\r\nContent-Length: 0\r\n\r\n"),
            request(b"ffGET / HTTP/1.1\r\n\r\n"),
        ],
    ]
}

/// Conversations that break something.
fn broken() -> Vec<Conversation> {
    let smuggled = response(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\nmore");
    let head_of = |head: &'static [u8]| vec![request(head), smuggled];
    vec![
        head_of(b"POST / HTTP/1.1\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG"),
        head_of(b"POST / HTTP/1.1\r\nContent-Length: 6\r\nContent-Length: 7\r\n\r\n123456"),
        head_of(b"POST / HTTP/1.1\r\nContent-Length: +6\r\n\r\n123456"),
        head_of(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n123456"),
        head_of(b"POST / HTTP/1.1\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
        head_of(b"POST / HTTP/1.1\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
        head_of(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n"),
        head_of(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n"),
        head_of(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff0\r\nabcd"),
        head_of(
            b"GET / HTTP/1.1\r\n folded\r\nno colon\r\n: no name\r\nbare\rcr: x\r\nnul: \0\r\n\r\n\r\r\n",
        ),
        head_of(b"GET / HTTP/1.1\r\n\r\nGET /a b HTTP/1.1\r\n\r\n"),
        vec![request(b"GET / HTTP/1.1\r\n\r"), request(b"x: y\r\n\r\n"), response(b"HTTP/1.1 OK\r\n\r\n")],
        vec![
            response(b"HTTP/1.1 408 Timeout\r\nContent-Length: 1\r\n\r\nx"),
            request(b"GET / HTTP/1.1\r\n\r\n"),
        ],
        vec![request(b"OPTIONS rtsp://x%2fy RTSP/1.0\r\n\r\n"), response(b"RTSP/1.0 200 OK\r\n\r\n")],
        vec![request(b"\r\nGET /a b HTTP/1.1\r\n\r\n"), response(b"HTTP/1.1 200 OK\r\n\r\n")],
        vec![request(b" \x01 HTTP HTTP/1.1\nGET / HTTP/1.1\n\n"), response(b"ok")],
        vec![request(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), response(b"\0\0 HTTP/")],
        vec![request(b"PRI * HTTP/2.0\r\n\r\nGET / HTTP/1.1\r\n\r\n")],
        vec![response(b"220 ready\r\n"), request(b"GET / HTTP/1.1\r\n\r\n")],
        vec![
            (ToClient, Gap(1)),
            request(b"GET /first HTTP/1.1\r\n\r\n"),
            response(b"TTP/1.1 200 OK\r\n\r\n"),
            request(b"GET /second HTTP/1.1\r\n\r\nGET /a b HTTP/1.1\r\n\r\n"),
        ],
        vec![(ToServer, Gap(1)), request(b"ET / HTTP/1.1\r\n\r\n"), response(b"HTTP/1.1 204 No\r\n\r\n")],
        vec![request(b"EHLO there\r\n"), response(b"250 ok\r\n")],
        vec![request(b"GET /half%2"), response(b"HTTP/1.1 4"), (ToServer, Fin), (ToClient, Fin)],
        vec![
            request(b"PUT / HTTP/1.1\r\nContent-Length: 10\r\n\r\n01"),
            (ToServer, Gap(4)),
            request(b"6789"),
            response(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n"),
            (ToClient, Gap(4)),
            response(b"\r\n0\r\n"),
            (ToClient, Gap(9)),
            response(b"who knows"),
            request(b"GET / HTTP/1.1\r\n\r\n"),
        ],
    ]
}

/// The same bytes in other pieces: cuts all data at `points`, or everywhere.
pub(in crate::app) fn cut<'c>(
    whole: &[(Direction, StreamChunk<'c>)],
    points: Option<&[Index]>,
) -> Vec<(Direction, StreamChunk<'c>)> {
    let mut pieces = Vec::new();
    for (direction, chunk) in whole {
        let Data(bytes) = *chunk else {
            pieces.push((*direction, *chunk));
            continue;
        };
        let mut ends: Vec<usize> = match points {
            Some(points) => points.iter().map(|point| point.index(bytes.len() + 1)).collect(),
            None => (0..bytes.len()).collect(),
        };
        ends.extend([0, bytes.len()]);
        ends.sort_unstable();
        pieces.extend(ends.windows(2).map(|ends| (*direction, Data(&bytes[ends[0]..ends[1]]))));
    }
    pieces
}

fn all() -> Vec<Conversation> {
    [orderly(), broken()].concat()
}

#[test]
fn orderly_conversations_have_no_anomaly() {
    for conversation in orderly() {
        assert_eq!(listen(&conversation).1.anomalies(), [], "{conversation:?}");
    }
}

#[test]
fn byte_by_byte_tells_the_same() {
    for whole in all() {
        let (app, told) = listen(&whole);
        kept::keep(app.named_protocol(), false, whole.iter().copied());
        assert_eq!(told.told, listen(&cut(&whole, None)).1.told, "{whole:?}");
    }
}

/// Replaces, removes and repeats bytes.
fn damaged(bytes: &[u8], damage: &[(Index, u8, u8)]) -> Vec<u8> {
    const TELLING: &[u8] = b"\r\n\0 \t:;,%?+01fGHT/";
    let mut bytes = bytes.to_vec();
    for (at, kind, value) in damage {
        let at = at.index(bytes.len() + 1);
        let value = TELLING[usize::from(*value) % TELLING.len()];
        match (kind % 3, bytes.get_mut(at)) {
            (0, Some(byte)) => *byte = value,
            (1, Some(_)) => drop(bytes.remove(at)),
            _ => bytes.insert(at, value),
        }
    }
    bytes
}

proptest! {
    #[test]
    fn any_cut_tells_the_same(which in any::<Index>(), points in vec(any::<Index>(), 0..8)) {
        let whole = which.get(&all()).clone();
        let pieces = cut(&whole, Some(&points));
        prop_assert_eq!(listen(&whole).1.told, listen(&pieces).1.told);
    }

    #[test]
    fn any_cut_of_damaged_conversations_tells_the_same(
        which in any::<Index>(),
        points in vec(any::<Index>(), 0..8),
        damage in vec((any::<Index>(), any::<u8>(), any::<u8>()), 1..5),
    ) {
        let original = which.get(&all()).clone();
        let damaged: Vec<Vec<u8>> = original
            .iter()
            .map(|(_, chunk)| if let Data(bytes) = chunk { damaged(bytes, &damage) } else { Vec::new() })
            .collect();
        let whole: Vec<_> = original
            .iter()
            .zip(&damaged)
            .map(|((direction, chunk), bytes)| {
                (*direction, if matches!(chunk, Data(_)) { Data(bytes.as_slice()) } else { *chunk })
            })
            .collect();
        let told = listen(&whole).1.told;
        prop_assert_eq!(&told, &listen(&cut(&whole, Some(&points))).1.told);
        prop_assert_eq!(&told, &listen(&cut(&whole, None)).1.told);
    }
}
