//! Bytes that nobody saw, and what comes of them.

use super::*;

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
    assert_eq!(exchange.memory.held_bytes(), 0);
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
    assert_eq!(exchange.server(ACK, 0, 1, ""), ok(""));
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
    assert_eq!(exchange.client(6, "gh"), ok(""), "the same numbers, another time");
    assert_eq!(exchange.client(0, "abcdef"), ok("abcdefgh"));
}

#[test]
fn gaps_that_lie_far_apart_are_both_remembered_as_far_as_they_matter() {
    let mut exchange = Exchange::established();
    assert_eq!(exchange.server(ACK, 0, 8, ""), ok(""));
    assert_eq!(exchange.pending(ToServer), Some("<gap 8>".to_owned()));
    push_mebibytes(&mut exchange, 8, 1024);
    let far = 8 + (1024 << 20) + (1 << 30);
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
