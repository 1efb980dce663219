use proptest::{collection::vec, prelude::*};

use super::*;
use Direction::{ToClient, ToServer};

/// What came, one piece after the other.
type Pieces = Vec<(Direction, Vec<u8>)>;

fn record(kind: u8, fragment: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, 3, 3];
    bytes.extend((fragment.len() as u16).to_be_bytes());
    bytes.extend(fragment);
    bytes
}

fn client_hello() -> Vec<u8> {
    record(HANDSHAKE, &[&[CLIENT_HELLO, 0, 0, 60, 3, 3][..], &[7; 58]].concat())
}

fn server_hello(session_bytes: u8, suite: u16) -> Vec<u8> {
    let session = vec![9; session_bytes.into()];
    let mut fragment = vec![SERVER_HELLO, 0, 0, 70, 3, 3];
    fragment.extend([7; 32]);
    fragment.push(session_bytes);
    fragment.extend(session);
    fragment.extend(suite.to_be_bytes());
    fragment.push(0);
    record(HANDSHAKE, &fragment)
}

fn data() -> Vec<u8> {
    record(APPLICATION_DATA, &[0x5a; 40])
}

/// What the client says, and the server, of a connection by TLS 1.3 in compatibility mode (RFC 8446 appendix D.4).
fn conversation() -> [Vec<u8>; 2] {
    let change = record(CHANGE_CIPHER_SPEC, &[1]);
    [
        [client_hello(), change.clone(), data(), data()].concat(),
        [server_hello(32, 0x1301), change, data(), data()].concat(),
    ]
}

fn read(pieces: &[(Direction, &[u8])]) -> TlsRecords {
    let mut records = TlsRecords::default();
    for (direction, bytes) in pieces {
        records.advance(*direction, StreamChunk::Data(bytes));
    }
    records
}

#[test]
fn both_ends_must_have_sent_protected_data() {
    let [client, server] = conversation();
    assert!(read(&[(ToServer, &client), (ToClient, &server)]).are_encrypted());
    assert!(!read(&[(ToServer, &client)]).are_encrypted());
    let one_short = server.len() - 2 * data().len() + (data().len() - 1);
    let records = read(&[(ToServer, &client), (ToClient, &server[..one_short])]);
    assert!(!records.are_encrypted() && !records.is_broken(), "the record is not complete");
    // TLS 1.2: the end of the handshake is a protected record of that type.
    let finished = record(HANDSHAKE, &[0xee; 40]);
    let old =
        [client_hello(), record(HANDSHAKE, &[16; 70]), record(CHANGE_CIPHER_SPEC, &[1]), finished.clone()];
    let old = [old.concat(), data()].concat();
    let answer =
        [server_hello(0, 0xc02f), record(HANDSHAKE, &[11; 900]), record(CHANGE_CIPHER_SPEC, &[1]), finished];
    let answer = answer.concat();
    assert!(!read(&[(ToServer, &old), (ToClient, &answer)]).are_encrypted());
    assert!(read(&[(ToServer, &old), (ToClient, &answer), (ToClient, &data())]).are_encrypted());
}

#[test]
fn whatever_else_comes_ends_it_for_good() {
    let [client, server] = conversation();
    let alert = record(21, &[2, 40]);
    let version_four = [&[APPLICATION_DATA, 4, 3, 0, 40][..], &[0; 40]].concat();
    let mut huge = vec![APPLICATION_DATA, 3, 3];
    huge.extend((PROTECTED_BYTES_MAX + 1).to_be_bytes());
    let broken: [(&str, Pieces); 11] = [
        ("HTTP", vec![(ToServer, b"GET / HTTP/1.1\r\n\r\n".to_vec())]),
        ("data without a handshake", vec![(ToServer, data())]),
        ("the client's Hello from the server", vec![(ToClient, client_hello())]),
        ("a Hello without a cipher", vec![(ToClient, record(HANDSHAKE, &[SERVER_HELLO, 0, 0, 1, 3]))]),
        ("the NULL cipher", vec![(ToClient, server_hello(32, 0x003b))]),
        ("a session that is too long", vec![(ToClient, server_hello(33, 0x1301))]),
        ("an alert", vec![(ToServer, client_hello()), (ToServer, alert)]),
        ("another version", vec![(ToServer, client_hello()), (ToServer, version_four)]),
        ("a record that is too long", vec![(ToServer, client_hello()), (ToServer, huge)]),
        (
            "a record too short to be protected",
            vec![(ToServer, client_hello()), (ToServer, record(23, &[0; 8]))],
        ),
        ("an unknown cipher change", vec![(ToServer, client_hello()), (ToServer, record(20, &[2]))]),
    ];
    for (what, pieces) in broken {
        let mut records = TlsRecords::default();
        for (direction, bytes) in &pieces {
            records.advance(*direction, StreamChunk::Data(bytes));
        }
        assert!(records.is_broken(), "{what}");
        records.advance(ToServer, StreamChunk::Data(&client));
        records.advance(ToClient, StreamChunk::Data(&server));
        assert!(!records.are_encrypted(), "{what}");
    }
    for chunk in [StreamChunk::Gap(1), StreamChunk::Fin] {
        let mut records = read(&[(ToServer, &client)]);
        records.advance(ToClient, chunk);
        records.advance(ToClient, StreamChunk::Data(&server));
        assert!(!records.are_encrypted(), "{chunk:?}");
    }
}

proptest! {
    /// However a stream is cut, and whatever comes, what is read of it is the same.
    #[test]
    fn any_cutting_reads_alike(
        spoilt in proptest::option::of((any::<bool>(), any::<prop::sample::Index>(), any::<u8>())),
        cuts in vec(1..60usize, 1..20),
    ) {
        let mut streams = conversation();
        if let Some((of_server, at, byte)) = spoilt {
            let stream = &mut streams[usize::from(of_server)];
            let at = at.index(stream.len());
            stream[at] = byte;
        }
        let [client, server] = &streams;
        let whole = read(&[(ToServer, client), (ToClient, server)]);
        let mut cut = TlsRecords::default();
        for (direction, stream) in [(ToServer, client), (ToClient, server)] {
            let (mut rest, mut cuts) = (&stream[..], cuts.iter().cycle());
            while !rest.is_empty() {
                let (piece, behind) = rest.split_at((*cuts.next().expect("endless")).min(rest.len()));
                cut.advance(direction, StreamChunk::Data(piece));
                rest = behind;
            }
        }
        prop_assert_eq!(whole.is_broken(), cut.is_broken());
        prop_assert_eq!(whole.are_encrypted(), cut.are_encrypted());
        prop_assert!(spoilt.is_some() || whole.are_encrypted());
    }
}
