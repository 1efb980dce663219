//! Memory on its way into the cache before it is needed.
#![allow(unsafe_code)]

/// Bytes that come into the cache at once.
const LINE_BYTES: usize = 64;

/// Asks for the first `bytes_max` bytes of `place`, and waits for nothing. Does nothing where the processor has no such
/// instruction that stable Rust can name.
#[inline]
pub(crate) fn prefetch<T>(place: &T, bytes_max: usize) {
    let start = std::ptr::from_ref(place).cast::<i8>();
    for offset in (0..size_of::<T>().min(bytes_max)).step_by(LINE_BYTES) {
        line(start.wrapping_add(offset));
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn line(address: *const i8) {
    use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: PREFETCHT0 belongs to SSE, which every x86-64 processor has. It reads nothing that the program sees, and
    // faults at no address.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(address) };
}

#[cfg(target_arch = "aarch64")]
#[inline]
fn line(address: *const i8) {
    // SAFETY: PRFM reads nothing that the program sees, faults at no address and changes no register or flag.
    unsafe {
        core::arch::asm!("prfm pldl1keep, [{}]", in(reg) address, options(nostack, preserves_flags, readonly));
    };
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
#[inline]
fn line(_address: *const i8) {}
