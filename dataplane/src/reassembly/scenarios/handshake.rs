//! How a connection opens, is picked up, and opens again.

use super::*;

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
    assert_eq!(exchange.server(ACK, 0, 0, ""), ok(""), "an acknowledgment of the SYN agrees on nothing");
    assert_eq!(exchange.server(ACK, 0, 0, "hi"), REFUSED);
    assert_eq!(exchange.client(0, "abc"), REFUSED);
    assert_eq!(exchange.connection.state(), TcpState::SynSent);
}

/// RFC 5961 §4: the receiver of a SYN that has a connection answers by an ACK of what it has.
#[test]
fn a_connection_that_still_lives_is_picked_up_by_its_challenge() {
    let mut exchange = Exchange::default();
    assert_eq!(exchange.push(ToServer, segment(SYN, 77, 0, "")), ok(""));
    assert_eq!(exchange.client(3, "abc"), REFUSED, "nobody knows yet where its receiver stands");
    assert_eq!(exchange.server(ACK, 5, 3, ""), ok(""));
    assert!(exchange.connection.is_midstream());
    let has = |offset: u32, at: u32, payload| {
        segment(ACK, CLIENT.wrapping_add(1 + at), SERVER + 1 + offset, payload)
    };
    assert_eq!(exchange.push(ToServer, has(5, 3, "abc")), ok("abc"));
    assert_eq!(exchange.push(ToClient, segment(ACK, SERVER + 6, CLIENT.wrapping_add(7), "ho")), ok("ho"));
    assert_eq!(exchange.push(ToServer, has(5, 0, "xyz")), ok(""), "its receiver has said that it has these");
    assert_eq!(exchange.push(ToServer, has(7, 6, "")), ok(""));
    assert_eq!(exchange.connection.acknowledged(ToClient), Some(SERVER + 8));
}

#[test]
fn a_challenge_that_was_late_gives_way_to_the_answer() {
    let mut exchange = Exchange::default();
    let syn = Segment { window_scale: Some(3), ..segment(SYN, CLIENT, 0, "") };
    assert_eq!(exchange.push(ToServer, syn), ok(""));
    assert_eq!(exchange.push(ToClient, segment(ACK, 500, 77, "")), ok(""), "of the connection before");
    let answer = segment(SYN | ACK, SERVER, CLIENT.wrapping_add(1), "");
    assert!(!exchange.connection.is_reopened_by(ToServer, &answer), "the opener does not answer itself");
    assert!(exchange.connection.is_reopened_by(ToClient, &answer));
    let connection = exchange.connection.reopened().expect("a SYN was noted");
    let mut anew = Exchange { connection, ..Exchange::default() };
    assert_eq!(anew.push(ToClient, answer), ok(""));
    assert_eq!(anew.client(0, "abc"), ok("abc"));
    assert!(!anew.connection.is_midstream());
}

#[test]
fn a_syn_with_data_is_not_taken_back_by_a_challenge() {
    let mut exchange = Exchange::default();
    assert_eq!(exchange.push(ToServer, segment(SYN, 77, 0, "abc")), ok("abc"));
    assert_eq!(exchange.server(ACK, 5, 3, ""), ok(""));
    assert_eq!(exchange.client(3, "abc"), REFUSED);
    assert_eq!(exchange.connection.state(), TcpState::SynSent);
}

/// What one end said of a stream may be older than what its receiver has: nothing waits that it could read at once.
#[test]
fn until_its_receiver_confirms_it_a_stream_has_no_hole() {
    let mut exchange = Exchange::default();
    assert_eq!(exchange.client(5, ""), ok(""), "such as a probe");
    assert_eq!(exchange.client(6, "x"), ok("x"), "nothing was read before");
    assert_eq!(exchange.client(8, "ahead"), REFUSED);
    assert_eq!(exchange.client(6, "x"), ok(""));
    assert_eq!(exchange.server(ACK, 0, 6, ""), ok(""));
    assert_eq!(exchange.client(8, "ahead"), REFUSED, "said before it had what was read");
    assert_eq!(exchange.server(ACK, 0, 7, ""), ok(""), "confirmed");
    assert_eq!(exchange.client(8, "ahead"), ok(""));
    assert_eq!(exchange.server(ACK, 4, 7, "behind what it said"), ok("behind what it said"));

    let mut ahead = Exchange::default();
    assert_eq!(ahead.client(0, "a"), ok("a"));
    assert_eq!(ahead.server(ACK, 0, 4, ""), ok(""), "it has what went by before");
    assert_eq!(ahead.pending(ToServer), Some("<gap 3>".to_owned()));
    assert_eq!(ahead.client(6, "gh"), ok("gh"), "and maybe more");
    assert_eq!(ahead.client(9, "j"), REFUSED);
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

/// A server that answers a SYN by one of its own, and maybe by a bare acknowledgment before: the client is who asked first.
#[test]
fn a_handshake_may_be_split() {
    for acknowledges in [false, true] {
        let mut exchange = Exchange::default();
        assert_eq!(exchange.push(ToServer, segment(SYN, CLIENT, 0, "")), ok(""));
        if acknowledges {
            // RFC 9293 §3.10.7.3, fifth: without SYN it is dropped by the client.
            let bare = segment(ACK, 77, CLIENT.wrapping_add(1), "");
            assert_eq!(exchange.push(ToClient, bare), ok(""));
            assert_eq!(exchange.push(ToClient, Segment { payload: b"unread", ..bare }), REFUSED);
        }
        assert_eq!(exchange.push(ToClient, segment(SYN, SERVER, 0, "")), ok(""));
        assert_eq!(exchange.push(ToServer, segment(SYN | ACK, CLIENT, SERVER + 1, "")), ok(""));
        assert_eq!(exchange.push(ToClient, segment(ACK, SERVER + 1, CLIENT.wrapping_add(1), "")), ok(""));
        assert_eq!(exchange.connection.state(), TcpState::Established);
        assert_eq!(exchange.client(0, "abc"), ok("abc"));
        assert_eq!(exchange.server(ACK, 0, 3, "ho"), ok("ho"));
        assert!(!exchange.connection.is_midstream());
    }
}

/// RFC 7413 §4.2: the server may send before the client has acknowledged its SYN.
#[test]
fn the_answer_to_data_on_a_syn_may_come_at_once() {
    let mut exchange = Exchange::default();
    assert_eq!(exchange.push(ToServer, segment(SYN, CLIENT, 0, "abc")), ok("abc"));
    assert_eq!(exchange.push(ToClient, segment(SYN | ACK, SERVER, CLIENT.wrapping_add(4), "ho")), ok("ho"));
    assert_eq!(exchange.server(ACK, 2, 3, "ho"), ok("ho"));
    assert_eq!(
        exchange.push(ToClient, segment(SYN | ACK, SERVER, CLIENT.wrapping_add(4), "")),
        ok(""),
        "repeated"
    );
    assert_eq!(exchange.client(3, "def"), ok("def"));
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
    assert!(!answered.connection.is_reopened_by(ToServer, &syn), "nobody knows whether it lives");
    assert_eq!(answered.push(ToServer, segment(SYN, CLIENT, 0, "")), ok(""), "late, not new");
    let repeated = segment(SYN | ACK, SERVER, CLIENT.wrapping_add(1), "");
    assert!(!answered.connection.is_reopened_by(ToClient, &repeated));
    assert_eq!(answered.push(ToServer, syn), ok(""));
    assert_eq!(
        answered.push(ToClient, segment(SYN | ACK, 5000, 79, "")),
        REFUSED,
        "answers no SYN that came by"
    );
    assert!(answered.connection.is_reopened_by(ToClient, &segment(SYN | ACK, 5000, 78, "")));
}

#[test]
fn a_reset_of_nothing_known_opens_nothing() {
    let mut exchange = Exchange::default();
    assert_eq!(exchange.client_flags(RST, 0, ""), ok(""));
    assert_eq!(exchange.connection.state(), TcpState::None);
    assert_eq!(exchange.connection.expected(ToServer), None);
}

/// A client's segment goes on, whatever the server says.
fn go_on(exchange: &mut Exchange, direction: Direction, segment: Segment<'_>) -> Result<String, DropReason> {
    assert!(exchange.connection.is_one_sided(direction, &segment));
    exchange.connection.go_on_one_sided(direction, &segment);
    exchange.push(direction, segment)
}

#[test]
fn one_end_alone_is_read_where_that_is_wanted() {
    let mut exchange = Exchange::default();
    let first = CLIENT.wrapping_add(1);
    assert_eq!(exchange.push(ToServer, segment(SYN, CLIENT, 0, "")), ok(""));
    for refused in [
        segment(ACK, first, SERVER + 1, ""),
        segment(ACK, first.wrapping_add(1), SERVER + 1, "b"),
        segment(0, first, SERVER + 1, "a"),
    ] {
        assert!(!exchange.connection.is_one_sided(ToServer, &refused), "{refused:?}");
    }
    assert!(!exchange.connection.is_one_sided(ToClient, &segment(ACK, first, SERVER + 1, "a")));
    assert_eq!(go_on(&mut exchange, ToServer, segment(ACK, first, SERVER + 1, "abc")), ok("abc"));
    assert_eq!(exchange.client(6, "ghi"), ok(""), "it waits");
    assert_eq!(exchange.client(3, "def"), ok("defghi"));
    // What the server agreed to comes late, and says the same.
    let answer = segment(SYN | ACK, SERVER, first, "");
    assert!(!exchange.connection.is_reopened_by(ToClient, &answer));
    assert_eq!(exchange.push(ToClient, answer), ok(""));
    assert_eq!(exchange.server(ACK, 0, 9, "xyz"), ok("xyz"));
}

#[test]
fn an_answer_that_says_another_place_opens_the_connection_anew() {
    let mut exchange = Exchange::default();
    let first = CLIENT.wrapping_add(1);
    assert_eq!(exchange.push(ToServer, segment(SYN, CLIENT, 0, "")), ok(""));
    assert_eq!(go_on(&mut exchange, ToServer, segment(ACK, first, 77, "forged")), ok("forged"));
    let answer = segment(SYN | ACK, SERVER, first, "");
    assert!(exchange.connection.is_reopened_by(ToClient, &answer));
    exchange.connection = exchange.connection.reopened().expect("it was asked for");
    assert_eq!(exchange.push(ToClient, answer), ok(""));
    assert_eq!(exchange.client(0, "true"), ok("true"));
}

#[test]
fn a_server_alone_is_read_where_that_is_wanted() {
    let mut exchange = Exchange::default();
    let first = CLIENT.wrapping_add(1);
    assert_eq!(exchange.push(ToClient, segment(SYN | ACK, SERVER, first, "")), ok(""));
    let answer = segment(ACK, SERVER + 1, first.wrapping_add(100), "abc");
    assert_eq!(exchange.push(ToClient, answer), REFUSED);
    assert_eq!(go_on(&mut exchange, ToClient, answer), ok("abc"));
    // Who saw both numbers agreed on needs no other word.
    let mut exchange = Exchange::established();
    let answer = segment(ACK, SERVER + 1, first.wrapping_add(100), "abc");
    assert!(!exchange.connection.is_one_sided(ToClient, &answer));
    assert_eq!(exchange.client(0, "abc"), ok("abc"));
}
