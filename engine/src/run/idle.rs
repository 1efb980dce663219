//! What a worker does when it has no frames.

use std::time::{Duration, Instant};

use crate::limits::{WORKER_NAPS_MAX, WORKER_WAIT_MS};

/// What comes before the next look at the rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// There were frames, so there may be more.
    None,
    /// Let whoever else waits for the core have it first: the kernel's receiver may be one of them.
    Yield,
    /// Until the kernel has a frame, or a bounded time.
    Sleep,
}

/// Looks again for a while after the last frame, and then sleeps until there is another.
///
/// Invariant: between two frames it looks for `spin` at most, however long they are apart. So an idle link costs what
/// waking from bounded sleeps costs, each short enough that the worker beats four times within the heartbeat's timeout.
#[derive(Clone, Copy, Debug)]
pub(super) struct Idle {
    spin: Duration,
    sleep_ms: u16,
    /// Short sleeps since the last frame.
    naps: u16,
    /// When frames first were missing; `None` as long as there are some.
    since: Option<Instant>,
}

impl Idle {
    pub(super) fn new(spin: Duration, heartbeat_timeout_ns: u64) -> Idle {
        let quarter_ms = u16::try_from(heartbeat_timeout_ns / 4 / 1_000_000).unwrap_or(u16::MAX);
        let sleep_ms = quarter_ms.clamp(*WORKER_WAIT_MS.start(), *WORKER_WAIT_MS.end());
        Idle { spin, sleep_ms, naps: 0, since: None }
    }

    /// The longest sleep. Where frames wait to be sent, nobody wakes the worker once there is room: then it is a short one.
    /// What was not sent after many of them waits for a port that is down.
    pub(super) fn sleep_ms(&mut self, is_sending: bool) -> u16 {
        if !is_sending || self.naps == WORKER_NAPS_MAX {
            return self.sleep_ms;
        }
        self.naps += 1;
        *WORKER_WAIT_MS.start()
    }

    /// What to do after a turn that had so many frames; the clock is looked at only where there were none.
    #[inline]
    pub(super) fn after(&mut self, frames: usize, now: impl FnOnce() -> Instant) -> Rest {
        if frames > 0 {
            (self.since, self.naps) = (None, 0);
            return Rest::None;
        }
        if self.spin.is_zero() {
            return Rest::Sleep;
        }
        let now = now();
        let since = *self.since.get_or_insert(now);
        if now - since < self.spin { Rest::Yield } else { Rest::Sleep }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_looks_again_for_so_long_and_once_for_each_pause() {
        let (begun, spin) = (Instant::now(), Duration::from_micros(50));
        let mut idle = Idle::new(spin, 500_000_000);
        let mut after = |frames, us: u64| idle.after(frames, || begun + Duration::from_micros(us));
        assert_eq!(after(3, 0), Rest::None);
        assert_eq!(
            [after(0, 10), after(0, 59), after(0, 60), after(0, 3000)],
            [Rest::Yield, Rest::Yield, Rest::Sleep, Rest::Sleep]
        );
        assert_eq!((after(1, 3001), after(0, 3002)), (Rest::None, Rest::Yield));
    }

    #[test]
    fn without_a_time_it_sleeps_at_once_and_reads_no_clock() {
        let mut idle = Idle::new(Duration::ZERO, 500_000_000);
        assert_eq!(idle.after(0, || unreachable!("nobody needs the time")), Rest::Sleep);
        assert_eq!(idle.after(1, || unreachable!("nobody needs the time")), Rest::None);
    }

    #[test]
    fn sleeps_are_short_beside_the_heartbeats_timeout() {
        let sleeps_ms = |timeout_ms: u64| {
            let mut idle = Idle::new(Duration::ZERO, timeout_ms * 1_000_000);
            [idle.sleep_ms(false), idle.sleep_ms(true)]
        };
        assert_eq!([5, 100, 500, 60_000].map(sleeps_ms), [[2, 2], [25, 2], [50, 2], [50, 2]]);
    }

    #[test]
    fn what_is_never_sent_does_not_keep_it_awake() {
        let mut idle = Idle::new(Duration::ZERO, 500_000_000);
        let naps = (0..WORKER_NAPS_MAX + 10).filter(|_| idle.sleep_ms(true) == 2).count();
        assert_eq!(naps, usize::from(WORKER_NAPS_MAX));
        idle.after(1, || unreachable!("nobody needs the time"));
        assert_eq!(idle.sleep_ms(true), 2, "another frame, another try");
    }
}
