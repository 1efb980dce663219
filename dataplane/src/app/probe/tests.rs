//! Those who make a flow look like another protocol gain nothing.

use dlp_patterns::Field;
use proptest::{collection::vec, prelude::*};

use super::Direction::{ToClient, ToServer};
use crate::app::{AppAnomaly, http::conversations::listen, recorder::Told};
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

/// Whether or not the server's answer comes before anything else is known.
#[test]
fn a_first_line_that_names_http_behind_junk_is_told_where_it_ends() {
    let turns: [(Direction, &[u8]); 2] =
        [(ToServer, b"\0\x7fPOST /%61ttack HTTP/1.1\r\nHost: h\r\n\r\n"), (ToClient, b"\0\0\x04")];
    let line_bytes = b"\0\x7fPOST /%61ttack HTTP/1.1\r\n".len();
    for chunks in cuts(&turns) {
        let (_, told) = listen(&chunks);
        let [Told::Begin(..), Told::Anomaly(AppAnomaly::RequestLine, at), Told::Begin(..), ..] =
            &told.told[..]
        else {
            panic!("{:?}", told.told)
        };
        assert_eq!(*at, [line_bytes, 0]);
    }
}

/// The first bytes of a request were held when the server's turned out to be no response.
#[test]
fn a_request_behind_a_server_that_began_as_something_else_is_read() {
    let request = b"GET /secret SSH\r\n".as_slice();
    for chunks in cuts(&[(ToClient, b"S"), (ToServer, request)]) {
        let (_, told) = listen(&chunks);
        assert_eq!(told.instances(ToServer, Field::Payload).concat(), request);
    }
}

#[test]
fn bytes_are_payload_once_though_the_other_end_speaks_of_http() {
    let turns: [(Direction, &[u8]); 2] = [(ToServer, b"X /secret"), (ToClient, b"HTTP/1.zz\r\n")];
    for chunks in cuts(&turns) {
        let (_, told) = listen(&chunks);
        assert_eq!(told.instances(ToServer, Field::Payload).concat(), b"X /secret");
        assert_eq!(told.instances(ToClient, Field::Payload).concat(), b"HTTP/1.zz\r\n");
    }
}

/// What was told but for the fields of the other direction.
fn of_direction(told: &[Told], direction: Direction) -> Vec<&Told> {
    let is_of = |told: &&Told| match told {
        Told::Begin(lane, _) | Told::End(lane, ..) => lane.direction == direction,
        Told::Transaction(_) | Told::Record(_) | Told::Anomaly(..) | Told::Carried(..) | Told::Product(_) => {
            true
        }
    };
    told.iter().filter(is_of).collect()
}

#[derive(Clone, Debug)]
enum Piece {
    Data(Vec<u8>),
    Gap,
    Fin,
}

proptest! {
    /// What hostile ends say is told alike however it is cut, and once where it is not HTTP.
    #[test]
    fn what_hostile_ends_say_is_told_however_it_is_cut(
        pieces in vec((any::<bool>(), prop_oneof![
            8 => prop_oneof![
                concat!(
"(SSH-|SSH|S|SSH-2.0-a b\r\n|SSH-2.0\r\n|GET|GET /|G|X /a",
"|HTTP/1.1 200 OK\r\n\r\n|HTTP/1.|HTTP|PRI \\* HTTP/2.0\r\n|\r\n| |/x|HTTP/1.1\r\n| HTTP/1.1\r\n\r\n|\0|\n)"
)
                    .prop_map(String::into_bytes),
                vec(any::<u8>(), 1..9),
                Just(b"\0\0\0\x0c\x04\x14aaaaaaaaaaaaaaaa".to_vec()),
            ].prop_map(Piece::Data),
            1 => Just(Piece::Gap),
            1 => Just(Piece::Fin),
        ]), 0..10),
    ) {
        let mut over = [false; 2];
        let mut turns: Vec<(Direction, Piece)> = Vec::new();
        for (end, piece) in pieces {
            let is_over = std::mem::replace(&mut over[usize::from(end)], matches!(piece, Piece::Fin));
            over[usize::from(end)] |= is_over;
            if is_over { continue }
            let direction = if end { ToClient } else { ToServer };
            match (turns.last_mut(), piece) {
                (Some((of, Piece::Data(bytes))), Piece::Data(more)) if *of == direction => bytes.extend(more),
                (_, piece) => turns.push((direction, piece)),
            }
        }
        let told = |size: usize| {
            let mut chunks = Vec::new();
            for (direction, piece) in &turns {
                match piece {
                    Piece::Data(bytes) => chunks.extend(bytes.chunks(size).map(|bytes| (*direction, Data(bytes)))),
                    Piece::Gap => chunks.push((*direction, StreamChunk::Gap(3))),
                    Piece::Fin => chunks.push((*direction, StreamChunk::Fin)),
                }
            }
            listen(&chunks)
        };
        let (whole, single, triple) = (told(usize::MAX), told(1), told(3));
        for direction in Direction::BOTH {
            let expected = of_direction(&whole.1.told, direction);
            prop_assert_eq!(&expected, &of_direction(&single.1.told, direction));
            prop_assert_eq!(&expected, &of_direction(&triple.1.told, direction));
        }
        if whole.0.protocol() == crate::app::AppProtocol::Ssh {
            for direction in Direction::BOTH {
                let sent: Vec<u8> = turns.iter().filter_map(|(of, piece)| match piece {
                    Piece::Data(bytes) if *of == direction => Some(bytes.as_slice()), _ => None }).flatten().copied().collect();
                prop_assert_eq!(whole.1.instances(direction, Field::Payload).concat(), sent);
            }
        }
    }
}
