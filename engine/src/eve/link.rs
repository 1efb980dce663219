//! What has become of a link and its ports, as the body of a `link` event.

use std::fmt;

use serde::Serialize;

/// How a link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// Frames are inspected and get through.
    Up,
    /// Frames are inspected, but not all can be: its ports no longer fit.
    Degraded,
    /// A port is down: nothing gets through, and there is nothing to inspect.
    Down,
    /// It has no sockets: frames meet what the operator chose for the loss of the engine.
    Closed,
}

impl LinkState {
    /// The word in events and in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            LinkState::Up => "up",
            LinkState::Degraded => "degraded",
            LinkState::Down => "down",
            LinkState::Closed => "closed",
        }
    }
}

/// What happened to a link, or to one of its ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The port's device is gone.
    Removed,
    /// The port's device is there again, or another of its name.
    Appeared,
    /// The port was taken down.
    PortDown,
    /// The port's far end is away.
    NoCarrier,
    /// Frames get through the port again.
    PortUp,
    /// The port has another MTU, in bytes.
    Mtu {
        /// What it was.
        from: u32,
        /// What it is now.
        to: u32,
    },
    /// The port has another number of RX queues.
    Queues {
        /// What it was.
        from: u32,
        /// What it is now.
        to: u32,
    },
    /// The link was closed.
    Closed,
    /// The link works again.
    Reopened,
    /// The link cannot be opened yet.
    Refused,
}

impl What {
    /// The word in events and in the log.
    pub fn as_str(&self) -> &'static str {
        match self {
            What::Removed => "removed",
            What::Appeared => "appeared",
            What::PortDown => "port_down",
            What::NoCarrier => "no_carrier",
            What::PortUp => "port_up",
            What::Mtu { .. } => "mtu_changed",
            What::Queues { .. } => "queues_changed",
            What::Closed => "closed",
            What::Reopened => "reopened",
            What::Refused => "refused",
        }
    }

    /// The numbers before and after, where it is about one.
    pub fn numbers(&self) -> Option<(u32, u32)> {
        match *self {
            What::Mtu { from, to } | What::Queues { from, to } => Some((from, to)),
            _ => None,
        }
    }
}

/// One change, and how the link is after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkChange<'a> {
    /// The link's name.
    pub link: &'a str,
    /// What happened.
    pub what: What,
    /// The word for the port and its interface, where it happened to one.
    pub port: Option<(&'static str, &'a str)>,
    /// How the link is now.
    pub state: LinkState,
    /// Why it is not up.
    pub trouble: Option<&'a str>,
    /// What the operator can do about it.
    pub hint: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct LinkBody<'e> {
    name: &'e str,
    change: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interface: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<u32>,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'e str>,
}

impl<'e> LinkBody<'e> {
    pub(super) fn new(change: &LinkChange<'e>) -> LinkBody<'e> {
        let numbers = change.what.numbers();
        LinkBody {
            name: change.link,
            change: change.what.as_str(),
            port: change.port.map(|(port, _)| port),
            interface: change.port.map(|(_, interface)| interface),
            from: numbers.map(|(from, _)| from),
            to: numbers.map(|(_, to)| to),
            state: change.state.as_str(),
            trouble: change.trouble,
            hint: change.hint,
        }
    }
}

impl fmt::Display for LinkChange<'_> {
    /// As the log tells it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "link {}: {}", self.link, self.what.as_str())?;
        if let Some((port, interface)) = self.port {
            write!(f, " {port} ({interface})")?;
        }
        if let Some((from, to)) = self.what.numbers() {
            write!(f, " from {from} to {to}")?;
        }
        write!(f, "; it is {}", self.state.as_str())?;
        if let Some(trouble) = self.trouble {
            write!(f, ": {trouble}")?;
        }
        if let Some(hint) = self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}
