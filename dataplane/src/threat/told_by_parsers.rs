//! Threats that a parser finds where it reads, and tells of as anomalies: they are named here, and nothing is looked at twice.

use crate::app::AppAnomaly;
use crate::policy::Threat;

/// What an anomaly is a threat of.
pub(super) fn threat_of(anomaly: AppAnomaly) -> Option<Threat> {
    Some(match anomaly {
        AppAnomaly::TlsHeartbeat => Threat::Heartbleed,
        AppAnomaly::Ssl2KeyArgument => Threat::Sslv2CipherOverflow,
        AppAnomaly::DnsPointerLoop => Threat::DnsLoopPointer,
        AppAnomaly::DnsNameTooLong => Threat::DnsOversize,
        // Only behind an upgrade does a connection count as HTTP/2 before it shows that it is.
        AppAnomaly::Http2Preface => Threat::ProtocolMismatch,
        AppAnomaly::NegativeLength => Threat::HttpNegativeLength,
        AppAnomaly::ContentLength
        | AppAnomaly::LengthAndCoding
        | AppAnomaly::TransferCoding
        | AppAnomaly::Readings
        | AppAnomaly::ChunkSize
        | AppAnomaly::Http2ConnectionHeader => Threat::RequestSmuggling,
        _ => return None,
    })
}
