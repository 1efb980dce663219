//! A BPF array in our memory, whose elements the XDP programs read and write at the same time.

use std::{
    io, mem,
    os::fd::{AsRawFd, BorrowedFd},
    ptr::{self, NonNull},
};

/// What the elements of an array may be.
///
/// # Safety
///
/// Any bits are a value of the type; what is behind a shared reference to it changes through atomics alone; its size is a
/// multiple of eight bytes, to which the kernel rounds elements up, and a page is aligned for it.
pub(crate) unsafe trait Shared: Sync {}

/// The memory of a BPF array, mapped for as long as this value lives.
#[derive(Debug)]
pub(crate) struct MappedArray<T: Shared> {
    first: NonNull<T>,
    count: u32,
}

// SAFETY: the mapping belongs to the process, and any thread may unmap it.
unsafe impl<T: Shared> Send for MappedArray<T> {}
// SAFETY: it gives out shared references alone, to elements that are `Sync`.
unsafe impl<T: Shared> Sync for MappedArray<T> {}

impl<T: Shared> MappedArray<T> {
    /// Maps a BPF array of `count` elements that was created with `BPF_F_MMAPABLE`.
    pub(crate) fn map(array: BorrowedFd<'_>, count: u32) -> io::Result<MappedArray<T>> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let bytes = MappedArray::<T>::bytes(count);
        // SAFETY: a new mapping at an address of the kernel's choice; it touches no memory of ours.
        let address =
            unsafe { libc::mmap(ptr::null_mut(), bytes, protection, libc::MAP_SHARED, array.as_raw_fd(), 0) };
        if address == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let first = NonNull::new(address.cast()).ok_or_else(|| io::Error::other("mapped at zero"))?;
        Ok(MappedArray { first, count })
    }

    /// How many elements there are.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    fn bytes(count: u32) -> usize {
        count as usize * mem::size_of::<T>()
    }

    /// An element.
    ///
    /// # Panics
    ///
    /// If there is none of that number.
    pub(crate) fn get(&self, index: u32) -> &T {
        assert!(index < self.count, "element {index} of {}", self.count);
        // SAFETY: in bounds of the mapping, by the assertion.
        let element = unsafe { self.first.add(index as usize) };
        // SAFETY: aligned (a page begins the mapping), initialised (BPF zeroes arrays) and mapped until drop; what the
        // kernel writes there as well is atomic.
        unsafe { element.as_ref() }
    }
}

impl<T: Shared> Drop for MappedArray<T> {
    fn drop(&mut self) {
        // SAFETY: the address and length are those of the mapping, to which no reference is left.
        unsafe { libc::munmap(self.first.as_ptr().cast(), MappedArray::<T>::bytes(self.count)) };
    }
}
