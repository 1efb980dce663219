//! One frame, followed through the machine's memory.

use std::io;
use std::time::Duration;

use crate::guest::Guest;
use crate::umem::Umem;

/// A frame takes a millisecond; on a loaded machine, many.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Where a frame was on its way from one wire to the other. Physical addresses.
#[derive(Debug)]
pub(crate) struct Probe {
    /// It came out as it went in.
    pub(crate) is_intact: bool,
    /// Where the card had been told to put it, before it came.
    received_at: u64,
    /// From where the other card sent it.
    sent_from: u64,
    /// Its bytes stand in memory where it was sent from.
    stands_there: bool,
}

impl Probe {
    /// Sends a frame in by one card and sees it out by the other, while nothing else is on its way.
    pub(crate) fn send(guest: &mut Guest, from: usize, frame: &[u8]) -> io::Result<Probe> {
        let received_at = guest.rings.next_received(&mut guest.monitor, from)?;
        guest.wires[from].send(frame)?;
        let is_intact = guest.wires[1 - from].receive(PATIENCE).is_some_and(|arrived| arrived == frame);
        let sent_from = guest.rings.last_sent(&mut guest.monitor, 1 - from)?;
        let memory = guest.monitor.words(sent_from, frame.len() / 4)?;
        let stands_there =
            memory.into_iter().flat_map(u32::to_le_bytes).eq(frame[..frame.len() / 4 * 4].iter().copied());
        Ok(Probe { is_intact, received_at, sent_from, stands_there })
    }

    /// The proof: it lay in the engine's memory from receiving to sending, at one place.
    pub(crate) fn was_not_copied(&self, umem: &Umem) -> bool {
        self.received_at == self.sent_from && umem.contains(self.received_at) && self.stands_there
    }
}
