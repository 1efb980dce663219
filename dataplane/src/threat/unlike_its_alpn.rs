//! A handshake of TLS or QUIC that says it is for something else than its port is for, by ALPN (RFC 7301): what follows is encrypted, so
//! its own word is all that there is.
//!
//! What the server chose counts, where that is visible (in TLS 1.3 it is encrypted), or else all that the client offers.

use crate::app::{AppProtocol, Record, Value, at_home};
use crate::flow::FlowRecord;

pub(super) fn shows(flow: &FlowRecord, record: &Record, strict: u32, evidence: &mut Record) -> bool {
    let Some(home) = at_home(flow.protocol, flow.server.1) else { return false };
    let names = |list: &'static str| {
        let behind = record.values().skip_while(move |(name, _)| *name != list).skip(1);
        behind.map_while(|(_, value)| if let Value::Text(name) = value { Some(name) } else { None })
    };
    let list = if names("server_alpns").next().is_some() { "server_alpns" } else { "client_alpns" };
    let is_out_of_place = |name: &[u8]| {
        let protocol = protocol_of(name);
        protocol.is_some_and(|of| !home.own.contains(&of) && (strict > 0 || !home.met.contains(&of)))
    };
    let Some(first) = names(list).next().filter(|_| names(list).all(is_out_of_place)) else { return false };
    evidence.text("alpn", first);
    evidence.number("port", flow.server.1.into());
    true
}

/// What a registered name is of (IANA, "TLS ALPN Protocol IDs"), where it is one that ports are held against.
fn protocol_of(name: &[u8]) -> Option<AppProtocol> {
    Some(match name {
        b"http/0.9" | b"http/1.0" | b"http/1.1" => AppProtocol::Http,
        b"h2" | b"h2c" => AppProtocol::Http2,
        // HTTP over QUIC, and drafts of it.
        _ if name.starts_with(b"h3") || name.starts_with(b"hq-") => AppProtocol::Quic,
        b"dot" | b"doq" => AppProtocol::Dns,
        b"ftp" => AppProtocol::Ftp,
        b"imap" => AppProtocol::Imap,
        b"pop3" => AppProtocol::Pop3,
        b"irc" => AppProtocol::Irc,
        b"mqtt" => AppProtocol::Mqtt,
        b"postgresql" => AppProtocol::PgSql,
        b"smb" => AppProtocol::Smb,
        b"stun.turn" | b"stun.nat-discovery" => AppProtocol::Stun,
        b"xmpp-client" | b"xmpp-server" => AppProtocol::Xmpp,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::samples::{flow, record};
    use super::*;
    use crate::flow::protocol;

    fn is_shown(port: u16, strict: u32, client: &[&str], server: &[&str]) -> bool {
        let told = record(AppProtocol::Tls, |record| {
            for (name, list) in [("client_alpns", client), ("server_alpns", server)] {
                if !list.is_empty() {
                    record.list(name, |record| list.iter().for_each(|of| record.text("", of.as_bytes())));
                }
            }
        });
        let flow = FlowRecord { protocol: protocol::TCP, ..flow(port) };
        shows(&flow, &told, strict, &mut Record::default())
    }

    #[test]
    fn a_port_is_held_to_what_the_handshake_says() {
        assert!(is_shown(443, 0, &["xmpp-client"], &[]));
        assert!(is_shown(993, 0, &["h2", "http/1.1"], &[]));
        assert!(is_shown(993, 0, &["imap", "h2"], &["h2"]), "the server chose");
        assert!(!is_shown(993, 0, &["imap", "h2"], &[]), "it may be either");
        assert!(!is_shown(443, 0, &["h2", "http/1.1"], &["h2"]));
        assert!(!is_shown(443, 0, &[], &[]));
        assert!(!is_shown(443, 0, &["acme-tls/1"], &[]), "what is not known is held against nobody");
        assert!(!is_shown(8443, 0, &["xmpp-client"], &[]));
        assert!(!is_shown(443, 0, &["dot"], &[]), "DNS is met there");
        assert!(is_shown(443, 1, &["dot"], &[]));
    }
}
