//! Whether memory can lie in huge pages, of which one entry of the TLB reaches all.

use std::fs;

/// Whether that many bytes are a number of huge pages that are free. They may be gone when they are asked for.
pub(crate) fn are_free(bytes: u64) -> bool {
    fs::read_to_string("/proc/meminfo").is_ok_and(|told| would_fit(&told, bytes))
}

fn would_fit(meminfo: &str, bytes: u64) -> bool {
    let number = |name: &str| -> Option<u64> {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let numbers = (number("Hugepagesize"), number("HugePages_Free"), number("HugePages_Rsvd"));
    let (Some(page_kib), Some(free), Some(reserved)) = numbers else { return false };
    // Of a part of a page, the rest could not be given back.
    let page_bytes = page_kib * 1024;
    page_bytes > 0 && bytes.is_multiple_of(page_bytes) && bytes / page_bytes <= free.saturating_sub(reserved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_pages_that_nobody_waits_for_count() {
        let told = |free: u32, reserved: u32, page_kib: u32| {
            format!(
                "MemTotal: 8000000 kB\nHugePages_Total: 32\nHugePages_Free: {free}\n\
                 HugePages_Rsvd:       {reserved}\nHugepagesize:    {page_kib} kB\n"
            )
        };
        let bytes = 32 << 20;
        assert!(would_fit(&told(16, 0, 2048), bytes));
        assert!(!would_fit(&told(15, 0, 2048), bytes), "too few");
        assert!(!would_fit(&told(20, 5, 2048), bytes), "promised to others");
        assert!(!would_fit(&told(1, 3, 2048), bytes));
        assert!(!would_fit(&told(9, 0, 1 << 20), bytes), "a part of a page of 1 GiB");
        assert!(!would_fit(&told(9, 0, 0), bytes));
        assert!(!would_fit("MemTotal: 8000000 kB\n", bytes), "a kernel without them");
    }
}
