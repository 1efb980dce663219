//! Segment by segment: what each exchange delivers, and what is refused of it.

use super::{Connection, HeldBudget, Segment, StreamChunk, TcpState};
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
        payload: payload.as_bytes(),
        missing_bytes: 0,
    }
}

/// A connection, its budget, and chunks as text: `abc`, `<gap 3>`, `<fin>`.
#[derive(Default)]
struct Exchange {
    connection: Connection,
    budget: HeldBudget,
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
        let mut chunks = self.connection.push(direction, segment, &mut self.budget)?;
        while let Some(chunk) = chunks.next_chunk() {
            append(&mut text, chunk);
        }
        Ok(text)
    }

    fn pending(&mut self, direction: Direction) -> Option<String> {
        let mut text = String::new();
        let mut chunks = self.connection.pending(direction, &mut self.budget)?;
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

#[test]
fn in_order_data_is_lent_where_it_lies() {
    let mut exchange = Exchange::established();
    let data = segment(ACK, CLIENT.wrapping_add(1), SERVER + 1, "hello");
    let mut chunks = exchange.connection.push(ToServer, data, &mut exchange.budget).expect("it is in order");
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
    assert_eq!(exchange.budget.held_bytes(), 0);
}

#[test]
fn an_overlap_with_held_data_is_delivered_once() {
    let mut exchange = Exchange::established();
    assert_eq!(exchange.client(2, "cd"), ok(""));
    assert_eq!(exchange.client(6, "gh"), ok(""));
    assert_eq!(exchange.client(1, "bcdefghij"), ok(""));
    assert_eq!(exchange.client(0, "abc"), ok("abcdefghij"));
    assert_eq!(exchange.budget.held_bytes(), 0);
}

#[test]
fn a_segment_that_contradicts_held_data_is_refused() {
    let mut exchange = Exchange::established();
    assert_eq!(exchange.client(2, "cd"), ok(""));
    assert_eq!(exchange.client(0, "abXX"), REFUSED);
    assert_eq!(exchange.client(3, "Xe"), REFUSED);
    assert_eq!(exchange.client(0, "abcd"), ok("abcd"), "the first copy stands");
}

#[test]
fn chunks_that_nobody_asks_for_are_consumed_all_the_same() {
    let mut exchange = Exchange::established();
    assert_eq!(exchange.client(2, "cd"), ok(""));
    let data = segment(ACK, CLIENT.wrapping_add(1), SERVER + 1, "ab");
    let mut chunks = exchange.connection.push(ToServer, data, &mut exchange.budget).expect("it is in order");
    assert_eq!(chunks.next_chunk(), Some(StreamChunk::Data(b"ab")));
    drop(chunks);
    assert_eq!(exchange.expects(ToServer), 4);
    assert_eq!(exchange.budget.held_bytes(), 0);
    assert_eq!(exchange.client(4, "ef"), ok("ef"));
}

#[test]
fn at_a_cap_a_segment_is_refused_and_its_repetition_welcome() {
    let mut exchange = Exchange::established();
    let count = u32::try_from(HELD_SEGMENTS_PER_STREAM_MAX).expect("the cap is small");
    for index in 0..count {
        assert_eq!(exchange.client(2 + 2 * index, "x"), ok(""));
    }
    assert_eq!(exchange.client(2 + 2 * count, "x"), Err(DropReason::ReassemblyMemory));
    assert_eq!(exchange.budget.refusals(), 1);
    assert_eq!(exchange.client(0, "abx"), ok("abx"));
    assert_eq!(exchange.client(2 + 2 * count, "x"), ok(""));
    exchange.connection.release(&mut exchange.budget);
    assert_eq!(exchange.budget.held_bytes(), 0);
}

#[test]
fn the_budget_of_the_worker_binds_all_streams() {
    let mut exchange = Exchange { budget: HeldBudget::new(70), ..Exchange::established() };
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
fn the_window_is_scaled_where_both_ends_agreed() {
    for (answer, reaches) in [(Some(7), true), (None, false)] {
        let mut exchange = Exchange::default();
        let syn = Segment { window_scale: Some(7), ..segment(SYN, CLIENT, 0, "") };
        let syn_ack =
            Segment { window_scale: answer, ..segment(SYN | ACK, SERVER, CLIENT.wrapping_add(1), "") };
        assert_eq!(exchange.push(ToServer, syn), ok(""));
        assert_eq!(exchange.push(ToClient, syn_ack), ok(""));
        assert_eq!(exchange.client(0, ""), ok(""));
        assert_eq!(exchange.server(ACK, 0, 0, ""), ok(""));
        assert_eq!(exchange.client(65535 << 7, "x").is_ok(), reaches);
        assert_eq!(exchange.server(ACK, 65535 << 7, 0, "x").is_ok(), reaches);
    }
}

#[test]
fn a_scale_beyond_the_largest_counts_as_the_largest() {
    let mut exchange = Exchange::default();
    let syn = Segment { window_scale: Some(255), ..segment(SYN, CLIENT, 0, "") };
    let syn_ack =
        Segment { window_scale: Some(255), ..segment(SYN | ACK, SERVER, CLIENT.wrapping_add(1), "") };
    assert_eq!(exchange.push(ToServer, syn), ok(""));
    assert_eq!(exchange.push(ToClient, syn_ack), ok(""));
    assert_eq!(exchange.client(0, ""), ok(""));
    assert_eq!(exchange.server(ACK, 65535 << 14, 0, "x"), ok(""));
}

#[test]
fn data_on_a_syn_follows_it() {
    let mut exchange = Exchange::default();
    assert_eq!(exchange.push(ToServer, segment(SYN, CLIENT, 0, "abc")), ok("abc"));
    assert_eq!(exchange.push(ToServer, segment(SYN, CLIENT, 0, "abc")), ok(""), "repeated");
    assert_eq!(exchange.push(ToServer, segment(SYN, CLIENT - 9, 0, "xyz")), REFUSED, "another in its place");
    assert_eq!(exchange.push(ToClient, segment(SYN | ACK, SERVER, CLIENT.wrapping_add(4), "")), ok(""));
    assert_eq!(exchange.client(3, "def"), ok("def"));
}

#[test]
fn another_syn_before_the_answer_sets_the_number_anew() {
    let mut exchange = Exchange::default();
    assert_eq!(exchange.push(ToServer, segment(SYN, 5, 0, "")), ok(""));
    assert_eq!(exchange.push(ToServer, segment(SYN, CLIENT, 0, "")), ok(""));
    assert_eq!(exchange.connection.expected(ToServer), Some(CLIENT.wrapping_add(1)));
    assert_eq!(exchange.connection.expected(ToClient), None);
    assert_eq!(exchange.push(ToClient, segment(SYN | ACK, SERVER, 6, "")), ok(""), "answers the first");
    assert_eq!(exchange.connection.state(), TcpState::SynSent);
    assert_eq!(exchange.push(ToClient, segment(SYN | ACK, SERVER, CLIENT.wrapping_add(1), "")), ok(""));
    assert_eq!(exchange.connection.state(), TcpState::SynReceived);
}

#[test]
fn data_before_the_answer_is_refused() {
    let mut exchange = Exchange::default();
    assert_eq!(exchange.push(ToServer, segment(SYN, CLIENT, 0, "")), ok(""));
    assert_eq!(exchange.client(0, ""), ok(""));
    assert_eq!(exchange.client(0, "abc"), REFUSED);
    assert_eq!(exchange.server(ACK, 0, 0, "hi"), ok("hi"), "the SYN-ACK went by unseen");
    assert!(exchange.connection.is_midstream());
    assert_eq!(exchange.client(0, "abc"), ok("abc"));
}

#[test]
fn the_answering_end_knows_where_the_streams_stand() {
    let mut exchange = Exchange::default();
    assert_eq!(exchange.push(ToServer, segment(SYN, 77, 0, "")), ok(""));
    assert_eq!(exchange.server(ACK, 5, 3, ""), ok(""), "an older connection lives");
    assert_eq!((exchange.expects(ToServer), exchange.expects(ToClient)), (3, 5));
    assert_eq!(exchange.client_flags(RST, 3, ""), ok("<fin>"));

    let mut with_data = Exchange::default();
    assert_eq!(with_data.push(ToServer, segment(SYN, CLIENT, 0, "abc")), ok("abc"));
    assert_eq!(with_data.server(ACK, 5, 9, "x"), REFUSED, "data was judged that it does not know");
    assert_eq!(with_data.server(ACK, 0, 3, "x"), ok("x"));
    assert_eq!(with_data.expects(ToServer), 3);
}

#[test]
fn both_ends_may_open_at_once() {
    let mut exchange = Exchange::default();
    assert_eq!(exchange.push(ToServer, segment(SYN, CLIENT, 0, "")), ok(""));
    assert_eq!(exchange.push(ToClient, segment(SYN, SERVER, 0, "")), ok(""));
    assert_eq!(exchange.connection.state(), TcpState::SynReceived);
    assert_eq!(exchange.push(ToServer, segment(SYN | ACK, CLIENT, SERVER + 1, "")), ok(""));
    assert_eq!(exchange.server(ACK, 0, 0, "hi"), ok("hi"));
    assert_eq!(exchange.client(0, "ho"), ok("ho"));
    assert!(!exchange.connection.is_midstream());
}

#[test]
fn a_wrong_acknowledgment_does_not_complete_the_handshake() {
    let mut exchange = Exchange::default();
    assert_eq!(exchange.push(ToServer, segment(SYN, CLIENT, 0, "")), ok(""));
    assert_eq!(exchange.push(ToClient, segment(SYN | ACK, SERVER, CLIENT.wrapping_add(1), "")), ok(""));
    assert_eq!(exchange.push(ToServer, segment(ACK, CLIENT.wrapping_add(1), SERVER + 99, "")), ok(""));
    assert_eq!(exchange.push(ToServer, segment(ACK, CLIENT.wrapping_add(1), SERVER + 99, "abc")), REFUSED);
    assert_eq!(exchange.connection.state(), TcpState::SynReceived);
    assert_eq!(exchange.pending(ToClient), None);
}

#[test]
fn a_connection_may_be_picked_up_anywhere() {
    let mut exchange = Exchange::default();
    assert_eq!(exchange.client(7, "hi"), ok("hi"));
    assert!(exchange.connection.is_midstream());
    assert_eq!(exchange.connection.state(), TcpState::Established);
    assert_eq!((exchange.expects(ToServer), exchange.expects(ToClient)), (9, 0));
    assert_eq!(exchange.server(ACK, 0, 9, "ho"), ok("ho"));
    assert_eq!(exchange.client(9 + (1 << 30), "x"), ok(""), "the scale of windows is not known");

    let mut answered = Exchange::default();
    assert_eq!(answered.push(ToClient, segment(SYN | ACK, SERVER, CLIENT.wrapping_add(1), "")), ok(""));
    assert!(answered.connection.is_midstream());
    assert_eq!(answered.connection.state(), TcpState::SynReceived);
    assert_eq!(answered.client(0, "abc"), ok("abc"));
}

#[test]
fn what_the_receiver_has_though_it_never_came_by_is_a_gap() {
    let mut exchange = Exchange::established();
    assert_eq!(exchange.client(0, "ab"), ok("ab"));
    assert_eq!(exchange.client(5, "fg"), ok(""));
    assert_eq!(exchange.pending(ToServer), None);
    assert_eq!(exchange.server(ACK, 0, 7, ""), ok(""));
    assert_eq!(exchange.expects(ToServer), 7);
    assert_eq!(exchange.pending(ToServer), Some("<gap 3>fg".to_owned()));
    assert_eq!(exchange.pending(ToServer), None);
    assert_eq!(exchange.client(2, "cde"), REFUSED, "bytes of the gap, late");
    assert_eq!(exchange.client(4, "efgh"), REFUSED, "a part of them");
    assert_eq!(exchange.client(7, "hi"), ok("hi"));
    assert_eq!(exchange.budget.held_bytes(), 0);
}

#[test]
fn the_next_segment_brings_a_gap_that_nobody_asked_for() {
    let mut exchange = Exchange::established();
    assert_eq!(exchange.client(5, "fg"), ok(""));
    assert_eq!(exchange.server(ACK, 0, 6, ""), ok(""));
    assert_eq!(exchange.client(4, "ef"), REFUSED, "given up, though not reported");
    assert_eq!(exchange.client(6, "gh"), ok("<gap 5>fgh"));
}

#[test]
fn implausible_acknowledgments_say_nothing() {
    let mut exchange = Exchange::established();
    assert_eq!(exchange.server(ACK, 0, (1 << 30) + 1, ""), ok(""));
    assert_eq!(exchange.server(ACK, 0, 0u32.wrapping_sub(5), ""), ok(""));
    assert_eq!(exchange.pending(ToServer), None);
    assert_eq!(exchange.client(0, "ab"), ok("ab"));
}

#[test]
fn acknowledgments_that_follow_each_other_stay_plausible() {
    let mut exchange = Exchange::established();
    assert_eq!(exchange.server(ACK, 0, 1 << 30, ""), ok(""));
    assert_eq!(exchange.server(ACK, 0, 3 << 30, ""), ok(""));
    assert_eq!(exchange.pending(ToServer), Some("<gap 1073741824>".to_owned()));
}

#[test]
fn an_acknowledgment_beyond_the_end_says_nothing() {
    let mut exchange = Exchange::established();
    assert_eq!(exchange.client_flags(ACK | FIN, 2, "cd"), ok(""));
    assert_eq!(exchange.server(ACK, 0, 6, ""), ok(""));
    assert_eq!(exchange.pending(ToServer), None);
    assert_eq!(exchange.server(ACK, 0, 5, ""), ok(""));
    assert_eq!(exchange.pending(ToServer), Some("<gap 2>cd<fin>".to_owned()));
}

#[test]
fn nothing_is_held_so_far_ahead_that_its_order_is_doubtful() {
    let mut exchange = Exchange::default();
    assert_eq!(exchange.client(0, "a"), ok("a"), "picked up: the largest window");
    assert_eq!(exchange.server(ACK, 0, 1 + (1 << 30), ""), ok(""));
    assert_eq!(exchange.client(2 + (1 << 30), "x"), REFUSED, "while a gap waits");
    assert_eq!(exchange.pending(ToServer), Some("<gap 1073741824>".to_owned()));
    assert_eq!(exchange.client(2 + (1 << 30), "x"), ok(""));
}

/// Pushes so many mebibytes of the client's, all cut off by the capture, from `offset` on.
fn push_mebibytes(exchange: &mut Exchange, offset: u32, count: u32) {
    for index in 0..count {
        let sequence = CLIENT.wrapping_add(1).wrapping_add(offset).wrapping_add(index << 20);
        let cut = Segment { missing_bytes: 1 << 20, ..segment(ACK, sequence, SERVER + 1, "") };
        assert_eq!(exchange.push(ToServer, cut), ok("<gap 1048576>"), "MiB {index}");
        assert_eq!(exchange.pending(ToServer), None);
    }
}

#[test]
fn a_stream_may_go_round_the_space_unacknowledged_and_past_old_gaps() {
    let mut exchange = Exchange::established();
    assert_eq!(exchange.server(ACK, 0, 8, ""), ok(""));
    assert_eq!(exchange.pending(ToServer), Some("<gap 8>".to_owned()));
    assert_eq!(exchange.client(6, "gh"), REFUSED);
    push_mebibytes(&mut exchange, 8, 4095);
    let rest =
        Segment { missing_bytes: (1 << 20) - 8, ..segment(ACK, CLIENT - (1 << 20) + 9, SERVER + 1, "") };
    assert_eq!(exchange.push(ToServer, rest), ok("<gap 1048568>"));
    assert_eq!(exchange.client(0, "abcdefgh"), ok("abcdefgh"), "the same numbers, another time");
}

#[test]
fn gaps_that_lie_far_apart_are_both_remembered_as_far_as_they_matter() {
    let mut exchange = Exchange::established();
    assert_eq!(exchange.server(ACK, 0, 8, ""), ok(""));
    assert_eq!(exchange.pending(ToServer), Some("<gap 8>".to_owned()));
    push_mebibytes(&mut exchange, 8, 1023);
    let far = 8 + (1023 << 20) + (1 << 30);
    assert_eq!(exchange.server(ACK, 0, far, ""), ok(""));
    assert_eq!(exchange.pending(ToServer), Some("<gap 1073741824>".to_owned()));
    assert_eq!(exchange.client(far - 1, "xy"), REFUSED);
    assert_eq!(exchange.client(far, "y"), ok("y"));
}

#[test]
fn what_a_capture_cut_off_is_a_gap() {
    let mut exchange = Exchange::established();
    let cut = |offset: u32, payload, missing_bytes| Segment {
        missing_bytes,
        ..segment(ACK, CLIENT.wrapping_add(1 + offset), SERVER + 1, payload)
    };
    assert_eq!(exchange.push(ToServer, cut(0, "ab", 3)), ok("ab<gap 3>"));
    assert_eq!(exchange.push(ToServer, cut(0, "ab", 3)), ok(""), "repeated");
    assert_eq!(exchange.push(ToServer, cut(10, "kl", 3)), ok(""));
    assert_eq!(exchange.client(8, "ij"), ok(""));
    assert_eq!(exchange.push(ToServer, cut(5, "f", 5)), ok("f<gap 2>ijkl<gap 3>"));
    assert_eq!(exchange.expects(ToServer), 15);
}

#[test]
fn the_end_stands_behind_all_data() {
    let mut exchange = Exchange::established();
    assert_eq!(exchange.client_flags(ACK | FIN, 2, "cd"), ok(""));
    assert_eq!(exchange.client(4, "x"), REFUSED, "beyond the end");
    assert_eq!(exchange.client_flags(ACK | FIN, 2, "c"), REFUSED, "another end");
    assert_eq!(exchange.connection.state(), TcpState::Established);
    assert_eq!(exchange.client(0, "ab"), ok("abcd<fin>"));
    assert_eq!(exchange.client_flags(ACK | FIN, 2, "cd"), ok(""), "repeated");
    assert_eq!(exchange.client(5, "x"), REFUSED);
    assert_eq!(exchange.connection.state(), TcpState::CloseWait);
    assert_eq!(exchange.server(ACK, 0, 5, "more"), ok("more"), "the other half is open");
}

#[test]
fn an_end_in_the_middle_of_data_is_refused() {
    let mut exchange = Exchange::established();
    assert_eq!(exchange.client(0, "abcd"), ok("abcd"));
    assert_eq!(exchange.client_flags(ACK | FIN, 2, ""), REFUSED);
    assert_eq!(exchange.client(6, "gh"), ok(""));
    assert_eq!(exchange.client_flags(ACK | FIN, 5, ""), REFUSED, "before held data");
}

#[test]
fn states_on_the_way_to_the_end() {
    let mut exchange = Exchange::established();
    assert_eq!(exchange.server(FIN, 0, 0, ""), ok("<fin>"));
    assert_eq!(exchange.connection.state().as_str(), "fin_wait1");
    let acknowledges =
        |flags, offset: u32| segment(flags | ACK, CLIENT.wrapping_add(1 + offset), SERVER + 2, "");
    assert_eq!(exchange.push(ToServer, acknowledges(0, 0)), ok(""));
    assert_eq!(exchange.connection.state().as_str(), "fin_wait2");
    assert_eq!(exchange.push(ToServer, acknowledges(FIN, 0)), ok("<fin>"));
    assert_eq!(exchange.connection.state().as_str(), "time_wait");
    assert_eq!(exchange.server(0, 1, 1, ""), ok(""));
    assert_eq!(exchange.connection.state().as_str(), "closed");

    let mut crossing = Exchange::established();
    assert_eq!(crossing.server(FIN, 0, 0, ""), ok("<fin>"));
    assert_eq!(crossing.client_flags(ACK | FIN, 0, ""), ok("<fin>"));
    assert_eq!(crossing.connection.state().as_str(), "closing");

    let mut client_first = Exchange::established();
    assert_eq!(client_first.client_flags(ACK | FIN, 0, ""), ok("<fin>"));
    assert_eq!(client_first.server(FIN, 0, 1, ""), ok("<fin>"));
    assert_eq!(client_first.connection.state().as_str(), "last_ack");
    assert_eq!(client_first.push(ToServer, acknowledges(0, 1)), ok(""));
    assert_eq!(client_first.connection.state().as_str(), "closed");
}

#[test]
fn only_an_exact_reset_ends_the_connection() {
    let mut exchange = Exchange::established();
    assert_eq!(exchange.client(0, "ab"), ok("ab"));
    assert_eq!(exchange.client(4, "ef"), ok(""));
    assert_eq!(exchange.client_flags(RST, 70_000, ""), REFUSED);
    assert_eq!(exchange.client_flags(RST, 3, ""), ok(""), "challenged by its receiver");
    assert_eq!(exchange.connection.state(), TcpState::Established);
    assert_eq!(exchange.client_flags(RST, 2, ""), ok("<fin>"));
    assert_eq!(exchange.connection.state(), TcpState::Closed);
    assert!(exchange.connection.is_reset());
    assert_eq!(exchange.budget.held_bytes(), 0);
    assert_eq!(exchange.pending(ToClient), Some("<fin>".to_owned()));
    assert_eq!(exchange.pending(ToClient), None);
    assert_eq!(exchange.server(ACK, 0, 2, "more"), REFUSED);
    assert_eq!(exchange.server(ACK, 0, 2, ""), ok(""));
    assert_eq!(exchange.client_flags(RST, 2, ""), ok(""), "repeated");
}

#[test]
fn a_closed_port_resets_the_syn() {
    let mut exchange = Exchange::default();
    assert_eq!(exchange.push(ToServer, segment(SYN, CLIENT, 0, "")), ok(""));
    assert_eq!(exchange.push(ToClient, segment(RST | ACK, 0, CLIENT, "")), REFUSED, "not of this SYN");
    assert_eq!(exchange.push(ToClient, segment(RST | ACK, 0, CLIENT.wrapping_add(1), "")), ok(""));
    assert_eq!(exchange.connection.state(), TcpState::Closed);
    assert_eq!(exchange.connection.expected(ToClient), None);
}

#[test]
fn the_opener_may_reset_before_the_answer() {
    let mut exchange = Exchange::default();
    assert_eq!(exchange.push(ToServer, segment(SYN, CLIENT, 0, "")), ok(""));
    assert_eq!(exchange.client_flags(RST, 40, ""), ok(""), "of an older connection");
    assert_eq!(exchange.connection.state(), TcpState::SynSent);
    assert_eq!(exchange.client_flags(RST, 0, ""), ok("<fin>"));
    assert_eq!(exchange.connection.state(), TcpState::Closed);
}

#[test]
fn a_syn_reopens_what_is_over_and_nothing_else() {
    let syn = segment(SYN, 77, 0, "");
    let mut exchange = Exchange::established();
    assert!(!exchange.connection.is_reopened_by(ToServer, &syn));
    assert_eq!(exchange.push(ToServer, syn), ok(""), "its receiver challenges it");
    assert_eq!(exchange.push(ToServer, segment(SYN, 77, 0, "x")), REFUSED);
    assert_eq!(exchange.expects(ToServer), 0);
    assert_eq!(exchange.client_flags(RST, 0, ""), ok("<fin>"));
    assert!(exchange.connection.is_reopened_by(ToServer, &syn));
    assert!(!exchange.connection.is_reopened_by(ToServer, &segment(SYN | ACK, 77, 0, "")));
    assert_eq!(exchange.push(ToServer, segment(SYN, 77, 0, "x")), REFUSED, "unless it is tracked anew");

    let mut finished = Exchange::established();
    assert_eq!(finished.client_flags(ACK | FIN, 0, ""), ok("<fin>"));
    assert!(!finished.connection.is_reopened_by(ToServer, &syn));
    assert_eq!(finished.server(FIN, 0, 1, ""), ok("<fin>"));
    assert!(finished.connection.is_reopened_by(ToServer, &syn));

    let mut answered = Exchange::default();
    assert_eq!(answered.push(ToClient, segment(SYN | ACK, SERVER, CLIENT.wrapping_add(1), "")), ok(""));
    assert!(answered.connection.is_reopened_by(ToServer, &syn));
    assert!(!answered.connection.is_reopened_by(ToServer, &segment(SYN, CLIENT, 0, "")), "late, not new");
}

#[test]
fn probes_and_bare_acknowledgments_bring_nothing() {
    let mut exchange = Exchange::established();
    assert_eq!(exchange.client(0, "ab"), ok("ab"));
    assert_eq!(exchange.client(1, ""), ok(""), "keep-alive");
    assert_eq!(exchange.client(1, "?"), ok(""), "keep-alive with a byte of garbage");
    assert_eq!(exchange.client(2, ""), ok(""));
    assert_eq!(exchange.server(ACK, 0, 2, ""), ok(""));
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

#[test]
fn a_reset_of_nothing_known_opens_nothing() {
    let mut exchange = Exchange::default();
    assert_eq!(exchange.client_flags(RST, 0, ""), ok(""));
    assert_eq!(exchange.connection.state(), TcpState::None);
    assert_eq!(exchange.connection.expected(ToServer), None);
}
