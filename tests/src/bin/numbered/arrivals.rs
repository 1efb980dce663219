//! Which numbers arrived, how often and in which order.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::sender::Sent;

/// Numbers as they arrive.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    /// How often each arrived.
    times: Vec<u32>,
    /// One more than the highest so far.
    next: u64,
    reordered: u64,
    forbidden: u64,
    last: Option<Instant>,
    longest_pause: Duration,
}

/// Numbers beyond this are none of ours.
const NUMBERS_MAX: u64 = 100_000_000;

impl Arrivals {
    /// A number arrived.
    pub(crate) fn number(&mut self, number: u64, now: Instant) {
        if number >= NUMBERS_MAX {
            return;
        }
        let at = number as usize;
        if at >= self.times.len() {
            self.times.resize(at + 1, 0);
        }
        self.times[at] += 1;
        self.reordered += u64::from(number < self.next && self.times[at] == 1);
        self.next = self.next.max(number + 1);
        if let Some(last) = self.last.replace(now) {
            self.longest_pause = self.longest_pause.max(now - last);
        }
    }

    /// A datagram with the forbidden word arrived.
    pub(crate) fn forbidden(&mut self) {
        self.forbidden += 1;
    }

    /// What became of what was sent.
    pub(crate) fn report(&self, sent: &Sent) -> Value {
        let received = self.times.iter().filter(|&&times| times > 0).count() as u64;
        let all: u64 = self.times.iter().map(|&times| u64::from(times)).sum();
        let pause_ms = u64::try_from(self.longest_pause.as_millis()).unwrap_or(u64::MAX);
        json!({
            "sent": sent.numbered,
            "received": received,
            "lost": sent.numbered.saturating_sub(received),
            "duplicated": all - received,
            "reordered": self.reordered,
            "longest_pause_ms": pause_ms,
            "forbidden_sent": sent.forbidden,
            "forbidden_received": self.forbidden,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_doubled_or_late_is_told_apart() {
        let (mut arrivals, begun) = (Arrivals::default(), Instant::now());
        for (number, ms) in [(0, 0), (2, 2), (1, 3), (2, 10), (5, 11)] {
            arrivals.number(number, begun + Duration::from_millis(ms));
        }
        arrivals.forbidden();
        let expected = json!({
            "sent": 7, "received": 4, "lost": 3, "duplicated": 1, "reordered": 1, "longest_pause_ms": 7,
            "forbidden_sent": 7, "forbidden_received": 1,
        });
        assert_eq!(arrivals.report(&Sent { numbered: 7, forbidden: 7 }), expected);
    }
}
