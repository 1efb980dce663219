//! What is recognised, over what, and what is read of it: told by the signatures and parsers themselves.

use dlp_patterns::Field;

use super::{
    AppProtocol, SIGNATURES, http, http2, parser::Parser, signature::Signature, start_tls::StartTls,
    websocket,
};

/// One protocol that is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProtocolInfo {
    /// Which one.
    pub protocol: AppProtocol,
    /// Whether the first bytes of a stream tell it.
    pub in_streams: bool,
    /// Whether datagrams tell it. What neither tells begins within another protocol.
    pub in_datagrams: bool,
    /// What is drawn out of it, where it is parsed: all of it is `payload` beside, but for HTTP and
    /// WebSocket, which are read as their fields alone.
    pub fields: Option<&'static [Field]>,
}

impl ProtocolInfo {
    /// The type of the events of its transactions, where it is parsed.
    pub fn event(&self) -> Option<&'static str> {
        // Of HTTP/2, too, events are named `http`, as Suricata has it.
        let named = if self.protocol == AppProtocol::Http2 { AppProtocol::Http } else { self.protocol };
        self.fields.map(|_| named.as_str())
    }
}

/// Every protocol that is recognised, by name.
pub fn protocols() -> Vec<ProtocolInfo> {
    let mut known: Vec<_> =
        AppProtocol::ALL.into_iter().filter(|protocol| protocol.is_known()).filter_map(info).collect();
    known.sort_by_key(|info| info.protocol.as_str());
    known
}

/// `None` for one that is neither recognised nor parsed.
fn info(protocol: AppProtocol) -> Option<ProtocolInfo> {
    let is_told = |by: fn(&Signature) -> bool| {
        SIGNATURES.iter().any(|signature| signature.protocol == protocol && by(signature))
    };
    let in_streams = is_told(|signature| signature.stream.is_some());
    let in_datagrams = is_told(|signature| signature.datagram.is_some());
    let fields = fields(protocol);
    // Its control connection tells of it.
    let is_announced = protocol == AppProtocol::FtpData;
    let is_known = in_streams || in_datagrams || fields.is_some() || is_announced;
    is_known.then_some(ProtocolInfo { protocol, in_streams, in_datagrams, fields })
}

/// The fields that a parser tells, `None` where there is no parser.
pub(super) fn fields(protocol: AppProtocol) -> Option<&'static [Field]> {
    match protocol {
        AppProtocol::Http | AppProtocol::Http2 => Some(http::FIELDS),
        AppProtocol::Grpc => Some(http2::GRPC_FIELDS),
        AppProtocol::WebSocket => Some(websocket::FIELDS),
        // Nothing is told of these.
        _ if StartTls::of(protocol).is_some() => None,
        _ => Parser::new(protocol).map(|parser| parser.fields()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_listed_once_with_what_it_is_told_by() {
        let known = protocols();
        assert!(known.windows(2).all(|pair| pair[0].protocol.as_str() < pair[1].protocol.as_str()));
        let of = |protocol| known.iter().find(|info| info.protocol == protocol);
        let ssh = of(AppProtocol::Ssh).expect("it is recognised");
        assert_eq!((ssh.in_streams, ssh.in_datagrams, ssh.event()), (true, false, Some("ssh")));
        let ntp = of(AppProtocol::Ntp).expect("it is recognised");
        assert_eq!((ntp.in_streams, ntp.in_datagrams, ntp.fields), (false, true, None));
        assert_eq!(of(AppProtocol::Unknown), None);
        assert!(SIGNATURES.iter().all(|signature| of(signature.protocol).is_some()));
    }
}
