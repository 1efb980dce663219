//! Data that is sent again, with the same bytes and with others.

use super::*;

#[test]
fn what_was_read_first_stands_until_it_is_acknowledged() {
    let mut exchange = Exchange::established();
    assert_eq!(exchange.client(0, "abcdef"), ok("abcdef"));
    assert_eq!(exchange.client(0, "abcdef"), ok(""), "repeated");
    assert_eq!(exchange.client(2, "cXef"), CONFLICT);
    assert_eq!(exchange.client(4, "eXgh"), CONFLICT, "even with new data behind");
    assert_eq!(exchange.restored(2, "cXef"), "cdef");
    assert_eq!(exchange.restored(4, "eXgh"), "efgh");
    assert_eq!(exchange.client(4, "efgh"), ok("gh"));
    // RFC 9293 §3.10.7.4: what lies before RCV.NXT is trimmed by its receiver, and answered by an acknowledgment.
    assert_eq!(exchange.server(ACK, 0, 4, ""), ok(""));
    assert_eq!(exchange.client(0, "XXXX"), ok(""));
    assert_eq!(exchange.client(0, "XXXXef"), ok(""));
    assert_eq!(exchange.client(0, "XXXXeX"), CONFLICT);
    assert_eq!(exchange.restored(0, "XXXXeX"), "XXXXef");
    assert_eq!(exchange.server(ACK, 0, 8, ""), ok(""));
    assert_eq!(exchange.memory.retained_bytes(), 0);
}

#[test]
fn held_data_is_first_as_well() {
    let mut exchange = Exchange::established();
    assert_eq!(exchange.client(0, "ab"), ok("ab"));
    assert_eq!(exchange.client(4, "ef"), ok(""));
    assert_eq!(exchange.client(0, "aXcdeX"), CONFLICT);
    assert_eq!(exchange.restored(0, "aXcdeX"), "abcdef");
    assert_eq!(exchange.client(0, "abcdef"), ok("cdef"));
    assert_eq!(exchange.client(3, "deX"), CONFLICT, "and stays so once it was delivered");
}

/// RFC 9293 §3.8.6.1: the receiver of a probe of its closed window need not keep the byte, and asks for it again.
#[test]
fn a_probe_of_a_closed_window_is_read_once() {
    let mut exchange = Exchange::established();
    assert_eq!(exchange.client(0, "ab"), ok("ab"));
    let closed = Segment { window: 0, ..segment(ACK, SERVER + 1, CLIENT.wrapping_add(3), "") };
    assert_eq!(exchange.push(ToClient, closed), ok(""));
    assert_eq!(exchange.client(2, "c"), ok("c"));
    assert_eq!(exchange.push(ToClient, closed), ok(""));
    assert_eq!(exchange.client(2, "X"), CONFLICT);
    assert_eq!(exchange.client(2, "cde"), ok("de"));
}

#[test]
fn where_nothing_can_be_kept_a_repetition_cannot_be_verified() {
    let mut exchange = Exchange { memory: Memory::new(1 << 20, 0), ..Exchange::established() };
    assert_eq!(exchange.client(0, "abcd"), ok("abcd"), "data is read all the same");
    assert_eq!(exchange.client(0, "abcd"), Err(DropReason::OverlapUnverified));
    assert_eq!(exchange.client(2, "cdef"), Err(DropReason::OverlapUnverified));
    assert_eq!(exchange.server(ACK, 0, 4, ""), ok(""));
    assert_eq!(exchange.client(2, "cdef"), ok("ef"));
}

#[test]
fn a_syn_keeps_the_data_that_it_carried_first() {
    let mut exchange = Exchange::default();
    assert_eq!(exchange.push(ToServer, segment(SYN, CLIENT, 0, "abc")), ok("abc"));
    assert_eq!(exchange.push(ToServer, segment(SYN, CLIENT, 0, "aXc")), CONFLICT);
    // RFC 7413 §4.2: the server may take the SYN alone, and the client sends the data again.
    assert_eq!(exchange.push(ToClient, segment(SYN | ACK, SERVER, CLIENT.wrapping_add(1), "")), ok(""));
    assert_eq!(exchange.client(0, "abX"), CONFLICT);
    assert_eq!(exchange.client(0, "abcd"), ok("d"));
}

#[test]
fn what_a_reset_ends_is_not_kept() {
    let mut exchange = Exchange::established();
    assert_eq!(exchange.client(0, "abcd"), ok("abcd"));
    assert!(exchange.memory.retained_bytes() > 0);
    assert_eq!(exchange.client_flags(RST, 4, ""), ok("<fin>"));
    assert_eq!(exchange.memory.retained_bytes(), 0);
}

/// The receiver lacks bytes before those with which a stream was picked up: all is read again, in its order.
#[test]
fn a_stream_that_was_picked_up_too_far_ahead_is_read_again() {
    let mut exchange = Exchange::default();
    assert_eq!(exchange.client(6, "ghi"), ok("ghi"));
    assert_eq!(exchange.server(ACK, 0, 0, ""), ok(""), "older than what passed before, or not");
    assert_eq!(exchange.client(3, "defX"), CONFLICT);
    assert_eq!(exchange.client(0, "abc"), ok("<gap 1073741824>abc"));
    assert_eq!(exchange.client(3, "defgXi"), CONFLICT);
    assert_eq!(exchange.client(9, "jkl"), REFUSED, "it would wait, and its receiver may read it");
    assert_eq!(exchange.client(3, "def"), ok("defghi"));
    assert_eq!(exchange.client(9, "jkl"), ok("jkl"));
    assert_eq!(exchange.server(ACK, 0, 12, ""), ok(""));
    assert_eq!((exchange.memory.held_bytes(), exchange.memory.retained_bytes()), (0, 0));
}
