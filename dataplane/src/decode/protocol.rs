//! Protocol numbers of the upper layer (IANA).

/// IPv6 hop-by-hop options (RFC 8200 §4.3).
pub const HOP_BY_HOP: u8 = 0;
/// RFC 792.
pub const ICMP: u8 = 1;
/// IPv4 in IP (RFC 2003).
pub const IPV4: u8 = 4;
/// RFC 9293.
pub const TCP: u8 = 6;
/// RFC 768.
pub const UDP: u8 = 17;
/// IPv6 in IP (RFC 2473).
pub const IPV6: u8 = 41;
/// RFC 2784.
pub const GRE: u8 = 47;
/// RFC 4302.
pub const AUTHENTICATION: u8 = 51;
/// RFC 4443.
pub const ICMPV6: u8 = 58;
/// RFC 9260.
pub const SCTP: u8 = 132;
