//! Conversations of the tests, kept as what a fuzzer begins with.

use std::{cell::RefCell, collections::BTreeMap, fs, path::Path, thread};

use super::{AppProtocol, protocols};
use crate::{flow::Direction, reassembly::StreamChunk};

/// The folder that they go to, one below it for each protocol that is parsed; nothing is kept where it is not set.
const FOLDER: &str = "WEIR_FUZZ_SEEDS";
/// Longer ones would slow a fuzzer down.
const BYTES_MAX: usize = 2048;
/// Of one test.
const CONVERSATIONS_MAX: usize = 32;

/// Keeps what was said, as `tests/fuzzed/conversation.rs` reads it.
pub(super) fn keep<'c>(
    protocol: AppProtocol,
    is_of_datagrams: bool,
    pieces: impl Iterator<Item = (Direction, StreamChunk<'c>)>,
) {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    if protocols::fields(protocol).is_none() {
        return;
    }
    let mut bytes = vec![u8::from(is_of_datagrams), 7];
    for (direction, chunk) in pieces {
        let (kind, count, data) = match chunk {
            StreamChunk::Data(data) => (0, data.len(), data),
            StreamChunk::Gap(count) => (2, count as usize, &[][..]),
            StreamChunk::Fin => (3, 0, &[][..]),
        };
        bytes.push(direction as u8 | kind << 1);
        bytes.extend(u16::try_from(count).unwrap_or(u16::MAX).to_be_bytes());
        bytes.extend_from_slice(data);
    }
    let current = thread::current();
    let test = current.name().and_then(|path| path.rsplit("::").next()).expect("tests have names");
    let number = number(protocol);
    if bytes.len() <= BYTES_MAX && number <= CONVERSATIONS_MAX {
        let folder = Path::new(&folder).join(protocol.as_str());
        fs::create_dir_all(&folder).expect("the folder can be made");
        fs::write(folder.join(format!("{test}-{number}")), bytes).expect("it can be written");
    }
}

/// How many conversations of a protocol this test had, with this one.
fn number(protocol: AppProtocol) -> usize {
    thread_local!(static COUNTS: RefCell<BTreeMap<AppProtocol, usize>> = const { RefCell::new(BTreeMap::new()) });
    COUNTS.with_borrow_mut(|counts| {
        let count = counts.entry(protocol).or_default();
        *count += 1;
        *count
    })
}
