//! Segment by segment: what each exchange delivers, and what is refused of it.

mod clocks;
mod ending;
mod gaps;
mod handshake;
mod overlaps;

use super::{Connection, Memory, Segment, StreamChunk, TcpState};
use crate::decode::TcpFlags;
use crate::flow::Direction::{self, ToClient, ToServer};
use crate::limits::HELD_SEGMENTS_PER_STREAM_MAX;
use crate::verdict::DropReason;

const SYN: u8 = TcpFlags::SYN;
const ACK: u8 = TcpFlags::ACK;
const FIN: u8 = TcpFlags::FIN;
const RST: u8 = TcpFlags::RST;

/// The client's initial number lies just before the wrap, the server's just behind it.
const CLIENT: u32 = u32::MAX - 3;
const SERVER: u32 = 1000;

fn segment(flags: u8, sequence: u32, acknowledgment: u32, payload: &str) -> Segment<'_> {
    Segment {
        sequence,
        acknowledgment,
        flags: TcpFlags(flags),
        window: 65535,
        window_scale: None,
        timestamp: None,
        payload: payload.as_bytes(),
        missing_bytes: 0,
    }
}

/// A connection, its budget, and chunks as text: `abc`, `<gap 3>`, `<fin>`.
#[derive(Default)]
struct Exchange {
    connection: Connection,
    memory: Memory,
}

impl Exchange {
    fn established() -> Self {
        let mut exchange = Exchange::default();
        assert_eq!(exchange.push(ToServer, segment(SYN, CLIENT, 0, "")), Ok(String::new()));
        assert_eq!(exchange.connection.state(), TcpState::SynSent);
        assert_eq!(
            exchange.push(ToClient, segment(SYN | ACK, SERVER, CLIENT.wrapping_add(1), "")),
            Ok(String::new())
        );
        assert_eq!(exchange.connection.state(), TcpState::SynReceived);
        assert_eq!(exchange.client(0, ""), Ok(String::new()));
        assert_eq!(exchange.connection.state(), TcpState::Established);
        exchange
    }

    fn push(&mut self, direction: Direction, segment: Segment<'_>) -> Result<String, DropReason> {
        let mut text = String::new();
        let mut chunks = self.connection.push(direction, segment, &mut self.memory)?;
        while let Some(chunk) = chunks.next_chunk() {
            append(&mut text, chunk);
        }
        Ok(text)
    }

    /// The payload that a client's segment at `offset` is to have.
    fn restored(&self, offset: u32, payload: &str) -> String {
        let segment = segment(ACK, CLIENT.wrapping_add(1 + offset), SERVER + 1, payload);
        let mut restored = payload.as_bytes().to_vec();
        self.connection.restore(ToServer, &segment, &mut restored, &self.memory);
        String::from_utf8(restored).expect("tests send text")
    }

    fn pending(&mut self, direction: Direction) -> Option<String> {
        let mut text = String::new();
        let mut chunks = self.connection.pending(direction, &mut self.memory)?;
        while let Some(chunk) = chunks.next_chunk() {
            append(&mut text, chunk);
        }
        Some(text)
    }

    /// The client sends `payload` at `offset` of its stream, and has nothing of the server's.
    fn client(&mut self, offset: u32, payload: &str) -> Result<String, DropReason> {
        self.client_flags(ACK, offset, payload)
    }

    fn client_flags(&mut self, flags: u8, offset: u32, payload: &str) -> Result<String, DropReason> {
        self.push(ToServer, segment(flags, CLIENT.wrapping_add(1 + offset), SERVER + 1, payload))
    }

    /// The server sends `payload` at `offset` of its stream, and has `acknowledged` bytes of the client's.
    fn server(
        &mut self,
        flags: u8,
        offset: u32,
        acknowledged: u32,
        payload: &str,
    ) -> Result<String, DropReason> {
        let acknowledgment = CLIENT.wrapping_add(1 + acknowledged);
        self.push(ToClient, segment(flags | ACK, SERVER + 1 + offset, acknowledgment, payload))
    }

    fn expects(&self, direction: Direction) -> u32 {
        let first = if direction == ToServer { CLIENT } else { SERVER };
        self.connection.expected(direction).expect("the stream is open").wrapping_sub(first.wrapping_add(1))
    }
}

fn append(text: &mut String, chunk: StreamChunk<'_>) {
    match chunk {
        StreamChunk::Data(bytes) => text.push_str(std::str::from_utf8(bytes).expect("tests send text")),
        StreamChunk::Gap(bytes) => text.push_str(&format!("<gap {bytes}>")),
        StreamChunk::Fin => text.push_str("<fin>"),
    }
}

fn ok(text: &str) -> Result<String, DropReason> {
    Ok(text.to_owned())
}

const REFUSED: Result<String, DropReason> = Err(DropReason::OutOfWindow);
const CONFLICT: Result<String, DropReason> = Err(DropReason::OverlapConflict);

#[test]
fn in_order_data_is_lent_where_it_lies() {
    let mut exchange = Exchange::established();
    let data = segment(ACK, CLIENT.wrapping_add(1), SERVER + 1, "hello");
    let mut chunks = exchange.connection.push(ToServer, data, &mut exchange.memory).expect("it is in order");
    let Some(StreamChunk::Data(bytes)) = chunks.next_chunk() else { panic!("there is data") };
    assert!(std::ptr::eq(bytes, data.payload));
    assert!(chunks.next_chunk().is_none());
}

#[test]
fn only_what_is_new_is_delivered() {
    let mut exchange = Exchange::established();
    assert_eq!(exchange.client(0, "abcdef"), ok("abcdef"));
    assert_eq!(exchange.client(0, "abcdef"), ok(""), "repeated");
    assert_eq!(exchange.client(2, "cd"), ok(""), "repeated in part");
    assert_eq!(exchange.client(4, "efgh"), ok("gh"));
    assert_eq!(exchange.expects(ToServer), 8);
}

#[test]
fn data_out_of_order_waits_for_the_hole_to_close() {
    let mut exchange = Exchange::established();
    assert_eq!(exchange.client(4, "ef"), ok(""));
    assert_eq!(exchange.client(8, "ij"), ok(""));
    assert_eq!(exchange.client(6, "gh"), ok(""));
    assert_eq!(exchange.client(0, "ab"), ok("ab"));
    assert_eq!(exchange.client(2, "cd"), ok("cdefghij"));
    assert_eq!(exchange.memory.held_bytes(), 0);
}

#[test]
fn an_overlap_with_held_data_is_delivered_once() {
    let mut exchange = Exchange::established();
    assert_eq!(exchange.client(2, "cd"), ok(""));
    assert_eq!(exchange.client(6, "gh"), ok(""));
    assert_eq!(exchange.client(1, "bcdefghij"), ok(""));
    assert_eq!(exchange.client(0, "abc"), ok("abcdefghij"));
    assert_eq!(exchange.memory.held_bytes(), 0);
}

#[test]
fn a_segment_that_contradicts_held_data_is_refused() {
    let mut exchange = Exchange::established();
    assert_eq!(exchange.client(2, "cd"), ok(""));
    assert_eq!(exchange.client(0, "abXX"), CONFLICT);
    assert_eq!(exchange.client(3, "Xe"), CONFLICT);
    assert_eq!(exchange.client(0, "abcd"), ok("abcd"), "the first copy stands");
}

#[test]
fn chunks_that_nobody_asks_for_are_consumed_all_the_same() {
    let mut exchange = Exchange::established();
    assert_eq!(exchange.client(2, "cd"), ok(""));
    let data = segment(ACK, CLIENT.wrapping_add(1), SERVER + 1, "ab");
    let mut chunks = exchange.connection.push(ToServer, data, &mut exchange.memory).expect("it is in order");
    assert_eq!(chunks.next_chunk(), Some(StreamChunk::Data(b"ab")));
    drop(chunks);
    assert_eq!(exchange.expects(ToServer), 4);
    assert_eq!(exchange.memory.held_bytes(), 0);
    assert_eq!(exchange.client(4, "ef"), ok("ef"));
}

#[test]
fn at_a_cap_a_segment_is_refused_and_its_repetition_welcome() {
    let mut exchange = Exchange::established();
    let count = u32::try_from(HELD_SEGMENTS_PER_STREAM_MAX).expect("the cap is small");
    for index in 0..count {
        assert_eq!(exchange.client(2 + 2 * index, "x"), ok(""));
    }
    assert_eq!(exchange.client(2 + 2 * count, "x"), Err(DropReason::ReassemblyStream));
    assert_eq!(exchange.memory.refusals(), 1);
    assert_eq!(exchange.client(0, "abx"), ok("abx"));
    assert_eq!(exchange.client(2 + 2 * count, "x"), ok(""));
    exchange.connection.release(&mut exchange.memory);
    assert_eq!(exchange.memory.held_bytes(), 0);
}

#[test]
fn the_budget_of_the_worker_binds_all_streams() {
    let mut exchange = Exchange { memory: Memory::new(70, 1 << 20), ..Exchange::established() };
    assert_eq!(exchange.client(2, "cd"), ok(""));
    assert_eq!(exchange.server(ACK, 2, 0, "cd"), Err(DropReason::ReassemblyMemory));
    assert_eq!(exchange.client(0, "ab"), ok("abcd"));
    assert_eq!(exchange.server(ACK, 2, 0, "cd"), ok(""));
}

#[test]
fn a_segment_beyond_the_window_is_refused() {
    let mut exchange = Exchange::established();
    assert_eq!(exchange.client(65536, "x"), ok(""));
    assert_eq!(exchange.client(65537, "x"), REFUSED);
    assert_eq!(exchange.client(0u32.wrapping_sub(65537), "x"), REFUSED, "long past");
    assert_eq!(exchange.expects(ToServer), 0);
}

#[test]
fn probes_and_bare_acknowledgments_bring_nothing() {
    let mut exchange = Exchange::established();
    assert_eq!(exchange.client(0, "ab"), ok("ab"));
    assert_eq!(exchange.client(1, ""), ok(""), "keep-alive");
    assert_eq!(exchange.client(1, "?"), CONFLICT, "its receiver may not have the byte yet");
    assert_eq!(exchange.client(2, ""), ok(""));
    assert_eq!(exchange.server(ACK, 0, 2, ""), ok(""));
    assert_eq!(exchange.client(1, "?"), ok(""), "keep-alive with a byte of garbage (RFC 9293 §3.8.4)");
    assert_eq!(exchange.connection.acknowledged(ToServer), Some(CLIENT.wrapping_add(3)));
    assert_eq!((exchange.expects(ToServer), exchange.expects(ToClient)), (2, 0));
}

#[test]
fn urgent_data_is_data() {
    let mut exchange = Exchange::established();
    assert_eq!(exchange.client_flags(ACK | TcpFlags::URG, 0, "abc"), ok("abc"));
}

#[test]
fn what_no_receiver_reads_is_refused() {
    let mut exchange = Exchange::established();
    assert_eq!(exchange.client_flags(0, 0, "abc"), REFUSED, "without ACK");
    assert_eq!(exchange.client_flags(SYN | FIN, 0, ""), REFUSED);
    assert_eq!(exchange.expects(ToServer), 0);
}
