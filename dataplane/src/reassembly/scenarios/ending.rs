//! How a stream and a connection end.

use super::*;

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
    assert_eq!(exchange.memory.held_bytes(), 0);
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

/// Linux takes no reset for its SYN that does not echo its timestamp, and waits on.
#[test]
fn a_reset_that_the_opener_does_not_take_is_undone_by_the_answer() {
    let answer = segment(SYN | ACK, SERVER, CLIENT.wrapping_add(1), "");
    let reset = segment(RST | ACK, 0, CLIENT.wrapping_add(1), "");
    let mut exchange = Exchange::default();
    assert_eq!(exchange.push(ToServer, segment(SYN, CLIENT, 0, "")), ok(""));
    assert_eq!(exchange.push(ToClient, reset), ok(""));
    assert!(!exchange.connection.is_reopened_by(ToClient, &segment(SYN | ACK, SERVER, CLIENT, "")));
    assert!(exchange.connection.is_reopened_by(ToClient, &answer));
    exchange.connection = exchange.connection.reopened().expect("its SYN was seen");
    assert_eq!(exchange.push(ToClient, answer), ok(""));
    assert_eq!(exchange.client(0, "abc"), ok("abc"));
    assert_eq!(exchange.server(ACK, 0, 3, "ho"), ok("ho"));
    assert!(!exchange.connection.is_midstream());

    let mut early = Exchange::default();
    assert_eq!(early.push(ToServer, segment(SYN, CLIENT, 0, "abc")), ok("abc"));
    assert_eq!(early.push(ToClient, segment(RST | ACK, 0, CLIENT.wrapping_add(4), "")), ok(""));
    let answer = segment(SYN | ACK, SERVER, CLIENT.wrapping_add(4), "");
    assert!(!early.connection.is_reopened_by(ToClient, &answer), "what was read must not be read again");
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
