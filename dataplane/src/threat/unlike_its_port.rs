//! Threats of a connection that is not what it looks like: by its port, or by what carries it.
//!
//! What is not recognised is held against nobody.

use crate::app::{AppProtocol, at_home};
use crate::flow::FlowRecord;
use crate::policy::Threat;

/// What a protocol that was just told shows, within `outer` where that made way for it. Who is strict takes what is met at a port
/// without harm for one, too.
pub(super) fn threat_of(
    flow: &FlowRecord,
    protocol: AppProtocol,
    outer: Option<AppProtocol>,
    is_strict: bool,
) -> Option<Threat> {
    if !protocol.is_known() {
        return None;
    }
    match outer {
        // An end that says what it is told has no protocol of its own, whatever it looks like.
        None if protocol == AppProtocol::Echo => None,
        None => {
            let home = at_home(flow.protocol, flow.server.1)?;
            let is_met = !is_strict && home.met.contains(&protocol);
            (!home.own.contains(&protocol) && !is_met).then_some(Threat::ProtocolMismatch)
        }
        Some(AppProtocol::Http) => is_out_of_place(protocol).then_some(Threat::ConnectTunnel),
        Some(_) => None,
    }
}

/// What a proxy is asked to carry, or HTTP makes way for, as a rule: encryption, HTTP, and what that upgrades to.
fn is_out_of_place(protocol: AppProtocol) -> bool {
    !matches!(
        protocol,
        AppProtocol::Tls
            | AppProtocol::Http
            | AppProtocol::Http2
            | AppProtocol::Grpc
            | AppProtocol::WebSocket
    )
}

#[cfg(test)]
mod tests {
    use super::super::samples::flow;
    use super::*;
    use crate::flow::protocol;

    #[test]
    fn ports_and_carriers_are_held_to_what_they_are_for() {
        let stream = |port| FlowRecord { protocol: protocol::TCP, ..flow(port) };
        let mismatch = Some(Threat::ProtocolMismatch);
        assert_eq!(threat_of(&stream(443), AppProtocol::Ssh, None, false), mismatch);
        assert_eq!(threat_of(&stream(443), AppProtocol::Tls, None, false), None);
        assert_eq!(threat_of(&flow(53), AppProtocol::OpenVpn, None, false), mismatch);
        for (at, of) in [
            (stream(443), AppProtocol::OpenVpn),
            (flow(443), AppProtocol::Dns),
            (flow(53), AppProtocol::NetBios),
            (flow(53), AppProtocol::Mdns),
        ] {
            assert_eq!(threat_of(&at, of, None, false), None, "{of:?}");
            assert_eq!(threat_of(&at, of, None, true), mismatch, "{of:?}");
        }
        assert_eq!(threat_of(&stream(443), AppProtocol::Tls, None, true), None);
        assert_eq!(threat_of(&stream(80), AppProtocol::Echo, None, false), None);
        assert_eq!(threat_of(&flow(53), AppProtocol::Unknown, None, false), None);
        assert_eq!(threat_of(&stream(8080), AppProtocol::Ssh, None, false), None);
        let within = |protocol| threat_of(&stream(3128), protocol, Some(AppProtocol::Http), false);
        assert_eq!(within(AppProtocol::Ssh), Some(Threat::ConnectTunnel));
        assert_eq!(within(AppProtocol::Tls), None);
        assert_eq!(within(AppProtocol::WebSocket), None);
        assert_eq!(threat_of(&stream(25), AppProtocol::Tls, Some(AppProtocol::Smtp), false), None);
    }
}
