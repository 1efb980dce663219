//! Which protocols are at home at a port that firewalls like to leave open: what else speaks there hides behind its number.
//!
//! No port tells a protocol here; what was told is only held against it. Ports are left out where many protocols are used to
//! share one, and of what a port has, what hosts are known to speak there without harm is at home, too.

use AppProtocol::{
    Dns, Dtls, Grpc, Http, Http2, Imap, Mdns, NetBios, Ntp, OpenVpn, Pop3, Quic, Smtp, Ssh, Stun, Tls,
    WebSocket,
};

use super::AppProtocol;
use crate::flow::protocol::{TCP, UDP};

/// What a port has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtHome {
    /// What it is for.
    pub own: &'static [AppProtocol],
    /// What is met there without harm, but is not what it is for.
    pub met: &'static [AppProtocol],
}

/// What is at home at a port of an upper-layer protocol; `None` where anything may be.
pub fn at_home(transport: u8, port: u16) -> Option<AtHome> {
    let met: &[AppProtocol] = match (transport, port) {
        // Servers of OpenVPN are set up there in the open, and can share the port with HTTPS; resolvers answer there, whose clients
        // are in networks that let nothing else out.
        (TCP | UDP, 443) => &[OpenVpn, Dns],
        // Hosts ask whoever they are told for names of either kind.
        (TCP | UDP, 53) => &[Mdns, NetBios],
        _ => &[],
    };
    let own: &[AppProtocol] = match (transport, port) {
        (TCP, 22) => &[Ssh],
        (TCP, 25 | 465 | 587) => &[Smtp, Tls],
        (TCP | UDP, 53) => &[Dns],
        (TCP, 80) => &[Http, Http2, Grpc, WebSocket, Tls],
        (TCP, 110 | 995) => &[Pop3, Tls],
        (UDP, 123) => &[Ntp],
        (TCP, 143 | 993) => &[Imap, Tls],
        (TCP, 443) => &[Tls, Http, Http2, Grpc, WebSocket, Stun],
        (UDP, 443) => &[Quic, Dtls, Stun],
        (TCP, 853) => &[Tls, Dns],
        (UDP, 853) => &[Quic, Dtls, Dns],
        _ => return None,
    };
    Some(AtHome { own, met })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_ports_are_held_to_what_they_are_for() {
        assert!(at_home(UDP, 53).is_some_and(|known| known.own == [Dns] && !known.met.contains(&Ssh)));
        assert!(at_home(TCP, 443).is_some_and(|known| !known.own.contains(&Ssh)));
        assert_eq!(at_home(TCP, 8443), None);
        assert_eq!(at_home(UDP, 22), None);
    }
}
