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

/// What is at home at a port of an upper-layer protocol; `None` where anything may be.
pub fn at_home(transport: u8, port: u16) -> Option<&'static [AppProtocol]> {
    Some(match (transport, port) {
        (TCP, 22) => &[Ssh],
        (TCP, 25 | 465 | 587) => &[Smtp, Tls],
        (TCP | UDP, 53) => &[Dns, Mdns, NetBios],
        (TCP, 80) => &[Http, Http2, Grpc, WebSocket, Tls],
        (TCP, 110 | 995) => &[Pop3, Tls],
        (UDP, 123) => &[Ntp],
        (TCP, 143 | 993) => &[Imap, Tls],
        // Servers of OpenVPN are set up there in the open, and can share the port with HTTPS.
        (TCP, 443) => &[Tls, Http, Http2, Grpc, WebSocket, Stun, OpenVpn, Dns],
        (UDP, 443) => &[Quic, Dtls, Stun, OpenVpn, Dns],
        (TCP, 853) => &[Tls, Dns],
        (UDP, 853) => &[Quic, Dtls, Dns],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_ports_are_held_to_what_they_are_for() {
        assert!(at_home(UDP, 53).is_some_and(|known| known.contains(&Dns) && !known.contains(&Ssh)));
        assert!(at_home(TCP, 443).is_some_and(|known| !known.contains(&Ssh)));
        assert_eq!(at_home(TCP, 8443), None);
        assert_eq!(at_home(UDP, 22), None);
    }
}
