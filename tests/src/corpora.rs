//! Captures of others with known outcomes, where they are at hand.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::tidy::workspace_root;

/// The folder of the corpora: `$WEIR_CORPORA`, or `../shared/corpora` beside the workspace. Where it is
/// absent, says so loudly and returns `None`.
pub fn folder(runner: &str) -> Option<PathBuf> {
    let named = std::env::var_os("WEIR_CORPORA").map(PathBuf::from);
    let folder = named.unwrap_or_else(|| workspace_root().join("../shared/corpora"));
    if folder.join("ndpi/flows.json").is_file() {
        return Some(folder);
    }
    eprintln!("SKIPPED: {runner}: no corpora in {} (set WEIR_CORPORA)", folder.display());
    None
}

/// Every capture file below `folder`, sorted.
pub fn captures(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("corpora are readable").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if is_capture(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn is_capture(path: &Path) -> bool {
    const ENDINGS: [&str; 4] = ["pcap", "pcapng", "cap", "trace"];
    path.extension().and_then(|ending| ending.to_str()).is_some_and(|ending| ENDINGS.contains(&ending))
}

/// Does the work for each item on as many threads as the machine has cores.
pub fn for_each<T: Sync>(items: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(item);
                }
            });
        }
    });
}
