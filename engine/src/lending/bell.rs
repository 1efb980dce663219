//! Wakes a worker that sleeps, and costs no system call while it does not.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering, fence};

use rustix::event::{EventfdFlags, eventfd};

/// One worker's bell: it sleeps at the descriptor, the others ring.
///
/// No wake-up is lost. The sleeper first says that it sleeps, and then looks once more at what was left for it; who leaves
/// something does so first, and then looks whether it sleeps. Between the two steps of each stands a sequentially
/// consistent fence, and of two such fences one is first: either the sleeper sees what was left, or the other sees it asleep
/// and writes to the descriptor, which stays readable until the sleeper got up.
#[derive(Debug)]
pub(super) struct Bell {
    descriptor: OwnedFd,
    is_asleep: AtomicBool,
}

impl Bell {
    /// # Errors
    /// If the process has no descriptor left.
    pub(super) fn new() -> io::Result<Bell> {
        let descriptor = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Bell { descriptor, is_asleep: AtomicBool::new(false) })
    }

    /// Wakes the sleeper. To be called after something was left for it.
    pub(super) fn ring(&self) {
        fence(Ordering::SeqCst);
        // The first look keeps the line shared while the worker is awake; of several who ring, one writes.
        if self.is_asleep.load(Ordering::Relaxed) && self.is_asleep.swap(false, Ordering::Relaxed) {
            // It can only fail where the count is full, and then the descriptor can be read.
            let _ = rustix::io::write(&self.descriptor, &1u64.to_ne_bytes());
        }
    }

    /// From now on the bell is heard. To be called by the sleeper, who then looks at all that may have been left, and
    /// sleeps only if there is nothing.
    pub(super) fn lie_down(&self) {
        self.is_asleep.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// The bell is no longer needed, and silent.
    pub(super) fn get_up(&self) {
        self.is_asleep.store(false, Ordering::Relaxed);
        // Nothing to read means that nobody rang. Who just found the worker asleep may still write: then the next
        // sleep is short.
        let _ = rustix::io::read(&self.descriptor, &mut [0u8; 8]);
    }
}

impl AsFd for Bell {
    /// Readable once it was rung, until the sleeper got up.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use rtrb::{Consumer, Producer, RingBuffer};
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::*;

    /// Far longer than a loaded machine takes to wake a thread.
    const LOST: Timespec = Timespec { tv_sec: 120, tv_nsec: 0 };

    fn sleep(bell: &Bell, inbox: &Consumer<u32>) {
        bell.lie_down();
        if inbox.is_empty() {
            let mut polls = [PollFd::new(bell, PollFlags::IN)];
            let woken = poll(&mut polls, Some(&LOST)).expect("it can be polled");
            assert_eq!(woken, 1, "a wake-up was lost");
        }
        bell.get_up();
    }

    /// Sends each number on once it is there, and sleeps between them.
    fn play(
        bell: &Bell,
        other: &Bell,
        mut inbox: Consumer<u32>,
        mut outbox: Producer<u32>,
        numbers: impl Iterator<Item = u32>,
    ) {
        for number in numbers {
            let got = loop {
                match inbox.pop() {
                    Ok(got) => break got,
                    Err(_) => sleep(bell, &inbox),
                }
            };
            assert_eq!(got, number);
            outbox.push(got + 1).expect("one is under way");
            other.ring();
        }
    }

    #[test]
    fn two_that_sleep_after_every_word_wake_each_other() {
        const WORDS: u32 = 40_000;
        let [left, right] = [(); 2].map(|()| Arc::new(Bell::new().expect("a descriptor")));
        let (mut to_right, right_inbox) = RingBuffer::new(1);
        let (to_left, left_inbox) = RingBuffer::new(1);
        to_right.push(0).expect("it is empty");
        thread::scope(|scope| {
            scope.spawn(|| play(&right, &left, right_inbox, to_left, (0..WORDS).step_by(2)));
            scope.spawn(|| play(&left, &right, left_inbox, to_right, (1..WORDS).step_by(2)));
        });
    }

    #[test]
    fn a_worker_that_is_awake_is_not_written_to() {
        let bell = Bell::new().expect("a descriptor");
        let is_readable = |bell: &Bell| {
            let mut polls = [PollFd::new(bell, PollFlags::IN)];
            poll(&mut polls, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).expect("it can be polled") == 1
        };
        bell.ring();
        assert!(!is_readable(&bell));
        bell.lie_down();
        bell.ring();
        bell.ring();
        assert!(is_readable(&bell));
        bell.get_up();
        assert!(!is_readable(&bell));
        bell.ring();
        assert!(!is_readable(&bell));
    }
}
