//! How a link is, told by the devices of its ports: what has changed, and whether it is to be closed or opened.

use std::time::{Duration, Instant};

use af_xdp::{DeviceState, Port, Reach};

use crate::eve::{LinkState, What};
use crate::limits::{LINK_RETRY_MAX, LINK_RETRY_MIN};

/// What the two ports of a link look like; `None` where there is no such device.
pub(super) type Seen = [Option<DeviceState>; 2];

/// What is to be done with a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing.
    Stay,
    /// Its workers are to end, and its sockets to be closed.
    Close,
    /// It is to be opened anew.
    Open,
}

/// The state of one link. Pure: it is shown what there is, and says what follows.
///
/// Invariant: a link that is open is bound to the devices that its ports had when it was opened. Where one of them is
/// gone, or both have another number of queues, it is closed; it is opened again when both devices are there and up, at
/// once after a change, and otherwise after a pause that doubles up to [`LINK_RETRY_MAX`].
#[derive(Debug)]
pub(super) struct LinkHealth {
    mtu_bytes_max: u32,
    ports: Seen,
    phase: Phase,
    pause: Duration,
    /// Why it could not be opened last.
    refusal: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// To the devices of these indexes, with so many queues.
    Open {
        devices: [u32; 2],
        queues: u32,
    },
    /// Its sockets are in an error, whatever the devices look like.
    Lost,
    Closing,
    Closed {
        retry_at: Instant,
    },
    Opening,
}

impl LinkHealth {
    /// A link that was just opened, and whose ports were not looked at yet.
    pub(super) fn opened(devices: [u32; 2], queues: u32, mtu_bytes_max: u32) -> LinkHealth {
        LinkHealth {
            mtu_bytes_max,
            ports: [None; 2],
            phase: Phase::Open { devices, queues },
            pause: LINK_RETRY_MIN,
            refusal: None,
        }
    }

    /// Shows it the devices for the first time: nothing has changed, but something may be wrong already.
    pub(super) fn look_first(&mut self, seen: Seen) {
        self.ports = seen;
    }

    /// Shows it the devices. What has changed since the last time, in the order of the ports.
    pub(super) fn look(&mut self, seen: Seen, now: Instant) -> Vec<(Port, What)> {
        if seen == self.ports {
            return Vec::new();
        }
        let mut changes = Vec::new();
        for port in Port::BOTH {
            let (before, after) = (self.ports[port as usize], seen[port as usize]);
            changes.extend(compare(before, after).into_iter().map(|what| (port, what)));
        }
        self.ports = seen;
        self.pause = LINK_RETRY_MIN;
        if let Phase::Closed { retry_at } = &mut self.phase {
            *retry_at = now;
        }
        changes
    }

    /// Its sockets no longer work: most often the device is gone, which may not have been seen yet.
    pub(super) fn lose(&mut self) {
        if let Phase::Open { .. } = self.phase {
            self.phase = Phase::Lost;
        }
    }

    /// What is to be done now. A step is told once: [`closed`](Self::closed), [`reopened`](Self::reopened) or
    /// [`refused`](Self::refused) says when it is done.
    pub(super) fn step(&mut self, now: Instant) -> Step {
        match self.phase {
            Phase::Open { .. } if self.working().is_some() => Step::Stay,
            Phase::Open { .. } => {
                self.phase = Phase::Closing;
                Step::Close
            }
            Phase::Lost => {
                (self.phase, self.pause) = (Phase::Closing, LINK_RETRY_MIN);
                Step::Close
            }
            Phase::Closed { retry_at } if now >= retry_at && self.is_complete() => {
                self.phase = Phase::Opening;
                Step::Open
            }
            Phase::Closed { .. } | Phase::Closing | Phase::Opening => Step::Stay,
        }
    }

    /// It was closed, and nothing of it is left but the programs. It is opened after the shortest pause: then the kernel
    /// has freed its sockets, and devices that are changed one after the other have been.
    pub(super) fn closed(&mut self, now: Instant) {
        (self.phase, self.refusal) = (Phase::Closed { retry_at: now + LINK_RETRY_MIN }, None);
    }

    /// It was opened again.
    pub(super) fn reopened(&mut self, devices: [u32; 2], queues: u32) {
        (self.phase, self.refusal) = (Phase::Open { devices, queues }, None);
    }

    /// It could not be opened, for the reason told. Whether that is news.
    pub(super) fn refused(&mut self, reason: &str, now: Instant) -> bool {
        self.phase = Phase::Closed { retry_at: now + self.pause };
        self.pause = (self.pause * 2).min(LINK_RETRY_MAX);
        self.refusal.replace(reason.to_owned()).as_deref() != Some(reason)
    }

    /// How it is, in a word.
    pub(super) fn state(&self) -> LinkState {
        let Some(queues) = self.working() else { return LinkState::Closed };
        if self.ports.iter().any(|port| port.is_none_or(|port| port.reach != Reach::Up)) {
            LinkState::Down
        } else if self.misfit(queues).is_some() {
            LinkState::Degraded
        } else {
            LinkState::Up
        }
    }

    /// Why it is not up, for people; `interfaces` are the names of its ports.
    pub(super) fn trouble(&self, interfaces: [&str; 2]) -> Option<String> {
        let [inside, outside] = interfaces;
        for (interface, port) in interfaces.into_iter().zip(self.ports) {
            match port.map(|port| port.reach) {
                None => return Some(format!("{interface} is missing")),
                Some(Reach::Down) => return Some(format!("{interface} is taken down")),
                Some(Reach::NoCarrier) => return Some(format!("{interface} has no carrier")),
                Some(Reach::Up) => {}
            }
        }
        let Some(queues) = self.working() else {
            return Some(self.refusal.clone().unwrap_or_else(|| "it is about to be opened again".to_owned()));
        };
        Some(match self.misfit(queues)? {
            Misfit::MtuTooLong(mtu_bytes) => format!(
                "an MTU of {mtu_bytes} bytes, but its frames hold at most {}: what is longer is dropped",
                self.mtu_bytes_max
            ),
            Misfit::Mtus([a, b]) => format!("{inside} has an MTU of {a} bytes, but {outside} of {b}"),
            Misfit::Queues([a, b]) => format!(
                "{inside} has {a} RX queues, but {outside} has {b}: the link works on {queues} of them until both agree"
            ),
        })
    }

    /// What the operator can do about a link that is degraded.
    pub(super) fn hint(&self) -> Option<&'static str> {
        let queues = self.working()?;
        Some(match self.misfit(queues)? {
            Misfit::MtuTooLong(_) => {
                "`ip link set DEV mtu` lowers it for both; up to 9216, a restart of the engine carries it"
            }
            Misfit::Mtus(_) => "give both the same, for example `ip link set DEV mtu 1500`",
            Misfit::Queues(_) => "give both the same number, for example `ethtool -L DEV combined 1`",
        })
    }

    /// The queues of a link that is open, bound to the devices that there are, and of as many queues as both have.
    fn working(&self) -> Option<u32> {
        let (Phase::Open { devices, queues }, [Some(a), Some(b)]) = (self.phase, self.ports) else {
            return None;
        };
        let has_other_queues = a.rx_queues == b.rx_queues && a.rx_queues != queues;
        (devices == [a.index, b.index] && !has_other_queues).then_some(queues)
    }

    /// Whether both devices are there, and up so far that sockets can be bound.
    fn is_complete(&self) -> bool {
        self.ports.iter().all(|port| port.is_some_and(|port| port.reach != Reach::Down))
    }

    fn misfit(&self, queues: u32) -> Option<Misfit> {
        let [Some(a), Some(b)] = self.ports else { return None };
        if a.rx_queues != queues || b.rx_queues != queues {
            return Some(Misfit::Queues([a.rx_queues, b.rx_queues]));
        }
        let longest_bytes = a.mtu_bytes.max(b.mtu_bytes);
        if longest_bytes > self.mtu_bytes_max {
            return Some(Misfit::MtuTooLong(longest_bytes));
        }
        (a.mtu_bytes != b.mtu_bytes).then_some(Misfit::Mtus([a.mtu_bytes, b.mtu_bytes]))
    }
}

/// What does not fit together in a link that works.
enum Misfit {
    Queues([u32; 2]),
    MtuTooLong(u32),
    Mtus([u32; 2]),
}

/// What has changed about one port.
fn compare(before: Option<DeviceState>, after: Option<DeviceState>) -> Vec<What> {
    let (before, after) = match (before, after) {
        (None, None) => return Vec::new(),
        (Some(_), None) => return vec![What::Removed],
        (None, Some(_)) => return vec![What::Appeared],
        (Some(before), Some(after)) if before.index != after.index => {
            return vec![What::Removed, What::Appeared];
        }
        (Some(before), Some(after)) => (before, after),
    };
    let mut changes = Vec::new();
    if before.reach != after.reach {
        changes.push(match after.reach {
            Reach::Up => What::PortUp,
            Reach::NoCarrier => What::NoCarrier,
            Reach::Down => What::PortDown,
        });
    }
    if before.mtu_bytes != after.mtu_bytes {
        changes.push(What::Mtu { from: before.mtu_bytes, to: after.mtu_bytes });
    }
    if before.rx_queues != after.rx_queues {
        changes.push(What::Queues { from: before.rx_queues, to: after.rx_queues });
    }
    changes
}

#[cfg(test)]
mod tests;
