//! Which other link a program on a port belongs to.

use std::fs;

use aya::programs::links::{FdLink, PinnedLink};

use crate::{Port, bpffs, link_lock};

/// Another link, whose pins hold a program.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PinHolder {
    pub(crate) link: String,
    /// Whether somebody has the link's lock.
    pub(crate) has_engine: bool,
}

impl PinHolder {
    /// The link with that program, among those whose pins this process can see; `None` where it is pinned elsewhere, or not.
    pub(crate) fn of(program_id: u32) -> Option<PinHolder> {
        let entries = fs::read_dir(bpffs::PIN_DIRECTORY).ok()?;
        let mut directories = entries.flatten().map(|entry| entry.path());
        let directory = directories.find(|directory| {
            let pins = Port::BOTH.map(|port| directory.join(port.as_str()));
            let links = pins.iter().filter_map(|pin| PinnedLink::from_pin(pin).ok().map(FdLink::from));
            links.filter_map(|link| link.info().ok()).any(|info| info.program_id() == program_id)
        })?;
        let (link, _namespace) = directory.file_name()?.to_str()?.split_once('@')?;
        Some(PinHolder { link: link.to_owned(), has_engine: link_lock::is_held(&directory) })
    }
}
