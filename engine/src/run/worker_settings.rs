//! What the pipeline of one worker is told at its start.

use std::hash::{BuildHasher, RandomState};

use dataplane::policy::Settings;

use super::now_ns;
use crate::config::{Config, LinkConfig};
use crate::limits::{WORKER_BITS, WORKERS_MAX};

/// The settings of one worker of a link: a secret hash seed, and flow identifiers that no other worker hands out.
pub(super) fn worker_settings(config: &Config, link: &LinkConfig, index: usize) -> Settings {
    Settings {
        hash_seed: secret_seed(),
        hands_over: link.ports.settled_flows_max > 0,
        first_flow_id: first_flow_id(now_ns() / 1_000_000_000, index),
        ..config.settings()
    }
}

/// A seed that nobody outside knows.
pub(super) fn secret_seed() -> [u64; 2] {
    let secret = RandomState::new();
    [secret.hash_one(0), secret.hash_one(1)]
}

/// From the top: a zero, so that it is positive as an i64, 11 bits of the start time, [`WORKER_BITS`] of the worker,
/// and 40 to count with.
fn first_flow_id(start_s: u64, worker: usize) -> u64 {
    assert!(worker < WORKERS_MAX, "the number of queues was checked when the links were opened");
    (start_s & 0x7ff) << (40 + WORKER_BITS) | (worker as u64) << 40 | 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_workers_give_out_the_same_flow_identifiers() {
        let span = 1 << 40;
        let firsts: Vec<u64> = (0..WORKERS_MAX).map(|worker| first_flow_id(u64::MAX, worker)).collect();
        assert!(firsts.windows(2).all(|pair| pair[1] - pair[0] == span), "each can count to 2^40");
        let last = firsts.last().expect("workers") + (span - 2);
        assert!(i64::try_from(last).is_ok(), "{last:#x}");
        assert_ne!(first_flow_id(1, 0), first_flow_id(2, 0));
    }
}
