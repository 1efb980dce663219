//! Timestamps: what a receiver takes for an old duplicate (RFC 7323 §5).

use super::*;

/// A connection of which both SYNs carry timestamps, or only the client's.
fn opened(server: Option<u32>) -> Exchange {
    let mut exchange = Exchange::default();
    let at = |timestamp, segment| Segment { timestamp, ..segment };
    let syn_ack = at(server, segment(SYN | ACK, SERVER, CLIENT.wrapping_add(1), ""));
    assert_eq!(exchange.push(ToServer, at(Some(100), segment(SYN, CLIENT, 0, ""))), ok(""));
    assert_eq!(exchange.push(ToClient, syn_ack), ok(""));
    exchange
}

impl Exchange {
    fn client_at(
        &mut self,
        timestamp: Option<u32>,
        offset: u32,
        payload: &str,
    ) -> Result<String, DropReason> {
        let segment = segment(ACK, CLIENT.wrapping_add(1 + offset), SERVER + 1, payload);
        self.push(ToServer, Segment { timestamp, ..segment })
    }
}

const STALE: Result<String, DropReason> = Err(DropReason::StaleTimestamp);

#[test]
fn an_older_clock_than_the_receivers_is_refused() {
    let mut exchange = opened(Some(u32::MAX));
    assert_eq!(exchange.client_at(Some(99), 0, "abc"), STALE, "older than the SYN");
    assert_eq!(exchange.client_at(Some(105), 0, "abc"), ok("abc"));
    assert_eq!(exchange.client_at(Some(104), 3, "def"), STALE);
    assert_eq!(exchange.client_at(Some(104), 3, ""), ok(""), "there is nothing to read in it");
    assert_eq!(exchange.client_at(Some(105), 3, "def"), ok("def"), "as old as it is not older");
    assert_eq!(exchange.client_at(None, 6, "ghi"), STALE, "§3.2: once agreed on, it must be there");
    // §5.2: half of the numbers are older.
    assert_eq!(exchange.client_at(Some(105u32.wrapping_add(1 << 31)), 6, "ghi"), STALE);
    let server = |timestamp| Segment {
        timestamp: Some(timestamp),
        ..segment(ACK, SERVER + 1, CLIENT.wrapping_add(7), "ho")
    };
    assert_eq!(exchange.push(ToClient, server(u32::MAX - 1)), STALE);
    assert_eq!(exchange.push(ToClient, server(3)), ok("ho"), "each end has its clock, and clocks wrap");
}

/// §5.3, R3: only a segment at the place that was acknowledged last sets the receiver's clock.
#[test]
fn what_is_ahead_does_not_age_what_fills_the_hole() {
    let mut exchange = opened(Some(7));
    assert_eq!(exchange.client_at(Some(120), 3, "def"), ok(""));
    assert_eq!(exchange.client_at(Some(110), 0, "abc"), ok("abcdef"));
    assert_eq!(exchange.client_at(Some(115), 6, "ghi"), ok("ghi"));
}

#[test]
fn clocks_that_one_end_declined_mean_nothing() {
    let mut exchange = opened(None);
    assert_eq!(exchange.client_at(Some(105), 0, "abc"), ok("abc"));
    assert_eq!(exchange.client_at(Some(1), 3, "def"), ok("def"));
    assert_eq!(exchange.client_at(None, 6, "ghi"), ok("ghi"));
}

#[test]
fn a_connection_that_was_picked_up_has_the_clocks_that_come() {
    let mut exchange = Exchange::default();
    assert_eq!(exchange.client_at(Some(50), 0, "abc"), ok("abc"));
    assert_eq!(exchange.client_at(Some(49), 3, "def"), STALE);
    assert_eq!(exchange.client_at(None, 3, "def"), ok("def"));
}

/// §5.2: resets and SYNs are judged by their numbers alone.
#[test]
fn a_reset_has_no_age() {
    let mut exchange = opened(Some(7));
    assert_eq!(exchange.client_at(Some(105), 0, "abc"), ok("abc"));
    let reset = Segment { timestamp: Some(1), ..segment(RST, CLIENT.wrapping_add(4), 0, "") };
    assert_eq!(exchange.push(ToServer, reset), ok("<fin>"));
    assert!(exchange.connection.is_reset());
}
