//! The engine's sign of life, in memory that the XDP programs read.

use std::{
    io,
    mem::MaybeUninit,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use crate::{
    Attendance,
    mapped_array::{MappedArray, Shared},
};

/// Tells both XDP programs of a link that the worker of a queue is alive. Cheap to clone and to call.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    cells: Arc<Cells>,
}

impl Heartbeat {
    pub(crate) fn new(cells: Cells) -> Heartbeat {
        Heartbeat { cells: Arc::new(cells) }
    }

    /// Says that the worker of an RX queue is alive now; without this for longer than the link's timeout,
    /// the frames of that queue take the way of a lost engine.
    ///
    /// # Panics
    ///
    /// If the link has no such queue.
    pub fn beat(&self, queue: u32) {
        self.cells.get(queue).beat_ns.store(monotonic_ns(), Ordering::Relaxed);
    }

    /// Ties the heartbeat of an RX queue to the calling thread: once that ends, or drops what is returned, frames of the
    /// queue take the way of a lost engine at once. The kernel sees to it, also where the process is killed.
    ///
    /// # Errors
    ///
    /// If the kernel refuses, which it does not but for a filter of system calls.
    ///
    /// # Panics
    ///
    /// If the link has no such queue.
    pub fn attend(&self, queue: u32) -> io::Result<Attendance> {
        Attendance::begin(Arc::clone(&self.cells), queue)
    }

    /// Says that the worker of every RX queue is alive now.
    pub fn beat_all(&self) {
        for queue in 0..self.cells.count() {
            self.beat(queue);
        }
    }
}

/// `CLOCK_MONOTONIC` in nanoseconds, the clock that the XDP program reads too.
pub(crate) fn monotonic_ns() -> u64 {
    let mut now = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: the pointer is to a timespec that the call fills.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, now.as_mut_ptr()) };
    assert_eq!(result, 0, "CLOCK_MONOTONIC exists on every Linux");
    // SAFETY: a clock_gettime that returned 0 has filled the timespec.
    let now = unsafe { now.assume_init() };
    now.tv_sec.cast_unsigned() * 1_000_000_000 + now.tv_nsec.cast_unsigned()
}

/// `struct heartbeat` of `bpf/weir_xdp.c`.
#[repr(C, align(64))]
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) beat_ns: AtomicU64,
    /// The programs' own.
    _alive_tick: AtomicU64,
    /// A robust futex: the thread that holds it, or zero.
    pub(crate) owner: AtomicU32,
}

// SAFETY: three atomics and padding that nobody reads, 64 bytes in all.
unsafe impl Shared for Cell {}

/// The memory of a link's heartbeat array: one cell for each queue.
pub(crate) type Cells = MappedArray<Cell>;
