//! What IANA calls types, response codes and parameters, as events spell them.

use std::fmt;

/// Types that are read, or told apart.
pub(super) mod kind {
    pub(in super::super) const A: u16 = 1;
    pub(in super::super) const NS: u16 = 2;
    pub(in super::super) const CNAME: u16 = 5;
    pub(in super::super) const SOA: u16 = 6;
    pub(in super::super) const MB: u16 = 7;
    pub(in super::super) const MG: u16 = 8;
    pub(in super::super) const MR: u16 = 9;
    pub(in super::super) const NULL: u16 = 10;
    pub(in super::super) const PTR: u16 = 12;
    pub(in super::super) const HINFO: u16 = 13;
    pub(in super::super) const MX: u16 = 15;
    pub(in super::super) const TXT: u16 = 16;
    pub(in super::super) const AAAA: u16 = 28;
    pub(in super::super) const NB: u16 = 32;
    pub(in super::super) const SRV: u16 = 33;
    pub(in super::super) const DNAME: u16 = 39;
    pub(in super::super) const OPT: u16 = 41;
    pub(in super::super) const DS: u16 = 43;
    pub(in super::super) const SSHFP: u16 = 44;
    pub(in super::super) const RRSIG: u16 = 46;
    pub(in super::super) const NSEC: u16 = 47;
    pub(in super::super) const DNSKEY: u16 = 48;
    pub(in super::super) const CDS: u16 = 59;
    pub(in super::super) const CDNSKEY: u16 = 60;
    pub(in super::super) const SVCB: u16 = 64;
    pub(in super::super) const HTTPS: u16 = 65;
    pub(in super::super) const SPF: u16 = 99;
    pub(in super::super) const CAA: u16 = 257;
}

/// Names by number, from 1 on; empty where there is none.
const KINDS: [&str; 65] = [
    "A",
    "NS",
    "MD",
    "MF",
    "CNAME",
    "SOA",
    "MB",
    "MG",
    "MR",
    "NULL",
    "WKS",
    "PTR",
    "HINFO",
    "MINFO",
    "MX",
    "TXT",
    "RP",
    "AFSDB",
    "X25",
    "ISDN",
    "RT",
    "NSAP",
    "NSAPPTR",
    "SIG",
    "KEY",
    "PX",
    "GPOS",
    "AAAA",
    "LOC",
    "NXT",
    "EID",
    "NB",
    "SRV",
    "ATMA",
    "NAPTR",
    "KX",
    "CERT",
    "A6",
    "DNAME",
    "SINK",
    "OPT",
    "APL",
    "DS",
    "SSHFP",
    "IPSECKEY",
    "RRSIG",
    "NSEC",
    "DNSKEY",
    "DHCID",
    "NSEC3",
    "NSEC3PARAM",
    "TLSA",
    "SMIMEA",
    "",
    "HIP",
    "NINFO",
    "RKEY",
    "TALINK",
    "CDS",
    "CDNSKEY",
    "OPENPGPKEY",
    "CSYNC",
    "ZONEMD",
    "SVCB",
    "HTTPS",
];

/// The name of a type.
pub(super) fn kind_name(kind: u16) -> Option<&'static str> {
    let listed = KINDS.get(usize::from(kind).wrapping_sub(1)).copied().filter(|name| !name.is_empty());
    listed.or(match kind {
        99 => Some("SPF"),
        100 => Some("UINFO"),
        101 => Some("UID"),
        102 => Some("GID"),
        103 => Some("UNSPEC"),
        104 => Some("NID"),
        105 => Some("L32"),
        106 => Some("L64"),
        107 => Some("LP"),
        108 => Some("EUI48"),
        109 => Some("EUI64"),
        249 => Some("TKEY"),
        250 => Some("TSIG"),
        251 => Some("IXFR"),
        252 => Some("AXFR"),
        253 => Some("MAILB"),
        254 => Some("MAILA"),
        255 => Some("ANY"),
        256 => Some("URI"),
        257 => Some("CAA"),
        258 => Some("AVC"),
        32768 => Some("TA"),
        32769 => Some("DLV"),
        _ => None,
    })
}

/// A type: its name, or its number where it has none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind(pub(super) u16);

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match kind_name(self.0) {
            Some(name) => f.write_str(name),
            None => self.0.fmt(f),
        }
    }
}

/// A response code: its name, or its number where it has none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rcode(pub(super) u16);

impl fmt::Display for Rcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            0 => "NOERROR",
            1 => "FORMERR",
            2 => "SERVFAIL",
            3 => "NXDOMAIN",
            4 => "NOTIMP",
            5 => "REFUSED",
            6 => "YXDOMAIN",
            7 => "YXRRSET",
            8 => "NXRRSET",
            9 => "NOTAUTH",
            10 => "NOTZONE",
            16 => "BADVERS",
            17 => "BADKEY",
            18 => "BADTIME",
            19 => "BADMODE",
            20 => "BADNAME",
            21 => "BADALG",
            22 => "BADTRUNC",
            23 => "BADCOOKIE",
            other => return other.fmt(f),
        })
    }
}

/// Whether a class is one of RFC 6895 §3.2; the top bit is multicast DNS' (RFC 6762 §5.4, §10.2).
pub(super) fn is_class(class: u16) -> bool {
    matches!(class & 0x7fff, 1 | 3 | 4 | 254 | 255)
}

/// The name of a parameter of SVCB (RFC 9460 §14.3.2).
pub(super) fn parameter_name(key: u16) -> Option<&'static str> {
    Some(match key {
        0 => "mandatory",
        1 => "alpn",
        2 => "no-default-alpn",
        3 => "port",
        4 => "ipv4hint",
        5 => "ech",
        6 => "ipv6hint",
        7 => "dohpath",
        _ => return None,
    })
}
