//! What an end of a flow is told by.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use crate::ip_network::IpNetwork;

/// One end of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its address.
    pub address: IpAddr,
    /// Its own port; 0 where its protocol has none.
    pub port: u16,
    /// Upper-layer protocol number.
    pub protocol: u8,
    /// Which link the flow was seen on, and on which side of that this end is.
    pub attachment: Attachment,
}

/// A side of a link: a number that whoever makes endpoints and selectors gives it.
pub type Attachment = u16;

/// What an end has to be, all of it; what is `None` may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// Where it is.
    pub network: Option<IpNetwork>,
    /// Upper-layer protocol number and its own ports: what one host offers may belong to several groups.
    pub ports: Option<(u8, RangeInclusive<u16>)>,
    /// On which sides of which links.
    pub attachments: Option<Vec<Attachment>>,
    /// Whether the network stands for a workload that was named by its labels: that counts before all other networks.
    pub is_workload: bool,
}

/// How much a selector tells of an end: of all that fit, the one with the most says whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Precision {
    is_workload: bool,
    prefix_bits: u32,
    has_ports: bool,
    has_attachments: bool,
}

impl Endpoint {
    /// An end of a TCP connection that was seen on the first side of the first link.
    pub fn tcp(address: IpAddr, port: u16) -> Endpoint {
        Endpoint { address, port, protocol: 6, attachment: 0 }
    }
}

impl Selector {
    /// Whether an end is told by it.
    pub fn selects(&self, end: &Endpoint) -> bool {
        self.network.is_none_or(|network| network.contains(end.address)) && self.selects_beside(end)
    }

    /// As [`Selector::selects`], of an end whose address is known to be of its network.
    pub(crate) fn selects_beside(&self, end: &Endpoint) -> bool {
        let has_port = |(protocol, ports): &(u8, RangeInclusive<u16>)| {
            *protocol == end.protocol && ports.contains(&end.port)
        };
        self.ports.as_ref().is_none_or(has_port)
            && self.attachments.as_ref().is_none_or(|sides| sides.contains(&end.attachment))
    }

    /// Whether it depends on nothing but the address.
    pub(crate) fn is_address_alone(&self) -> bool {
        self.ports.is_none() && self.attachments.is_none()
    }

    /// How much it tells.
    pub(crate) fn precision(&self) -> Precision {
        Precision {
            // Without an address there is no workload.
            is_workload: self.is_workload && self.network.is_some(),
            // A network of all addresses still tells more than none.
            prefix_bits: self.network.map_or(0, |network| network.prefix_bits() + 1),
            has_ports: self.ports.is_some(),
            has_attachments: self.attachments.is_some(),
        }
    }
}
