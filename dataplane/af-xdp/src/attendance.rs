//! A thread that attends to a queue, and whose death the kernel makes known.

use std::{
    io,
    marker::PhantomData,
    mem,
    ptr::{self, NonNull},
    sync::{Arc, atomic::Ordering},
};

use crate::heartbeat::Cells;

/// `<linux/futex.h>`: what the kernel makes of a futex whose owner has died.
const FUTEX_OWNER_DIED: u32 = 0x4000_0000;

/// `struct robust_list_head` of `<linux/futex.h>`: the futexes that the kernel marks when a thread dies, before it takes the
/// process apart. Here that is one, named as if it were just being taken.
#[repr(C)]
#[derive(Debug)]
struct RobustList {
    /// Points to itself: the list is empty.
    next: *const RobustList,
    futex_offset: libc::c_long,
    pending: *const libc::c_void,
}

/// Holds the heartbeat of a queue for the thread that made it, and ends it when dropped. A killed process drops nothing: then
/// the kernel marks the cell (`FUTEX_OWNER_DIED`), long before it closes the sockets one by one.
#[derive(Debug)]
pub struct Attendance {
    cells: Arc<Cells>,
    queue: u32,
    /// What the kernel was told, at an address that stays.
    list: NonNull<RobustList>,
    /// What it had been told by the C library, which keeps a list of its own.
    former: *const RobustList,
    /// The kernel's list belongs to the thread, so this stays there.
    _thread: PhantomData<*const ()>,
}

impl Attendance {
    pub(crate) fn begin(cells: Arc<Cells>, queue: u32) -> io::Result<Attendance> {
        let former = told()?;
        let owner = cells.get(queue).owner.as_ptr();
        let list = Box::new(RobustList { next: ptr::null(), futex_offset: 0, pending: owner.cast() });
        let list = NonNull::from(Box::leak(list));
        // SAFETY: allocated and initialised just above, and not shared yet.
        unsafe { (*list.as_ptr()).next = list.as_ptr() };
        // SAFETY: gettid takes nothing and always succeeds.
        let thread = unsafe { libc::gettid() };
        cells.get(queue).owner.store(thread.cast_unsigned(), Ordering::Relaxed);
        let attendance = Attendance { cells, queue, list, former, _thread: PhantomData };
        tell(list.as_ptr())?;
        Ok(attendance)
    }
}

impl Drop for Attendance {
    fn drop(&mut self) {
        self.cells.get(self.queue).owner.store(FUTEX_OWNER_DIED, Ordering::Relaxed);
        if tell(self.former).is_ok() {
            // SAFETY: it came from a box, and the kernel knows of it no longer.
            drop(unsafe { Box::from_raw(self.list.as_ptr()) });
        }
    }
}

/// The list that the kernel has of this thread.
fn told() -> io::Result<*const RobustList> {
    let (mut list, mut length) = (ptr::null(), 0_usize);
    let this_thread = 0;
    // SAFETY: the kernel writes a pointer and a length to the two places, which live until after the call.
    let result =
        unsafe { libc::syscall(libc::SYS_get_robust_list, this_thread, &raw mut list, &raw mut length) };
    if result == 0 { Ok(list) } else { Err(io::Error::last_os_error()) }
}

fn tell(list: *const RobustList) -> io::Result<()> {
    // SAFETY: the kernel reads the list when the thread ends: ours lives until the kernel was told of the former one
    // again, which is the C library's.
    let result = unsafe { libc::syscall(libc::SYS_set_robust_list, list, mem::size_of::<RobustList>()) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::{
        LinkConfig, probe,
        programs::{Build, Programs},
    };

    #[test]
    fn a_thread_that_ends_without_a_word_is_marked_by_the_kernel() {
        if let Err(reason) = probe() {
            eprintln!("SKIPPED: a_thread_that_ends_without_a_word_is_marked_by_the_kernel: {reason}");
            return;
        }
        let programs =
            Programs::load(Build::Linear, &LinkConfig::new("test", "a", "b"), 2, 0).expect("loads");
        let cells = Arc::new(programs.heartbeat_cells().expect("maps"));
        let attend = |leave: fn(Attendance)| {
            let of_thread = Arc::clone(&cells);
            let thread = thread::spawn(move || {
                let attendance = Attendance::begin(Arc::clone(&of_thread), 1).expect("the kernel is told");
                let cells = of_thread;
                cells.get(1).beat_ns.store(7, Ordering::Relaxed);
                assert_eq!(cells.get(1).owner.load(Ordering::Relaxed) & FUTEX_OWNER_DIED, 0);
                leave(attendance);
            });
            thread.join().expect("no panic");
            let cell = cells.get(1);
            (cell.beat_ns.load(Ordering::Relaxed), cell.owner.load(Ordering::Relaxed))
        };
        assert_eq!(attend(drop), (7, FUTEX_OWNER_DIED), "it said so itself");
        assert_eq!(attend(mem::forget), (7, FUTEX_OWNER_DIED), "the kernel did");
        assert_eq!(attend(drop), (7, FUTEX_OWNER_DIED), "the next one begins anew");
        assert_eq!(
            cells.get(0).owner.load(Ordering::Relaxed),
            0,
            "the other queue has nothing to do with it"
        );
    }
}
