//! Those who make a flow look like another protocol gain nothing.

use dlp_patterns::Field;

use super::Direction::{ToClient, ToServer};
use crate::app::{AppAnomaly, http::conversations::listen};
use crate::flow::Direction;
use crate::reassembly::StreamChunk::{self, Data};

/// Both ends' bytes, whole and byte by byte.
fn cuts<'b>(turns: &[(Direction, &'b [u8])]) -> [Vec<(Direction, StreamChunk<'b>)>; 2] {
    let whole = turns.iter().map(|&(direction, bytes)| (direction, Data(bytes))).collect();
    let single =
        turns.iter().flat_map(|&(direction, bytes)| bytes.chunks(1).map(move |byte| (direction, Data(byte))));
    [whole, single.collect()]
}

/// Servers of HTTP take any method of capital letters and `-`.
#[test]
fn a_request_whose_method_begins_as_ssh_does_is_told() {
    let request = b"SSH-X /%61ttack HTTP/1.1\r\nHost: h\r\n\r\n".as_slice();
    for chunks in cuts(&[(ToServer, request)]) {
        let (_, told) = listen(&chunks);
        let ambiguous = told.anomalies().into_iter().filter(|anomaly| anomaly.is_ambiguous());
        assert_eq!(ambiguous.collect::<Vec<_>>(), [AppAnomaly::RequestLine]);
        assert_eq!(told.instances(ToServer, Field::Payload), [request]);
    }
}

#[test]
fn a_request_behind_a_server_that_begins_as_ssh_does_is_told() {
    let turns: [(Direction, &[u8]); 2] =
        [(ToClient, b"SSH-2.0-x\r\n"), (ToServer, b"GET /%61ttack HTTP/1.1\r\nHost: h\r\n\r\n")];
    for chunks in cuts(&turns) {
        let (_, told) = listen(&chunks);
        assert!(told.anomalies().contains(&AppAnomaly::RequestLine), "{:?}", told.anomalies());
    }
}
