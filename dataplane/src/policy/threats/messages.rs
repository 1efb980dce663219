//! The specs of threats that messages of applications show.

use super::{ThreatAction, ThreatSpec, Threshold};
use crate::limits::{THREAT_COUNT_BOUNDS, THREAT_SECONDS_BOUNDS};

pub(super) const DNS_TUNNEL: ThreatSpec = ThreatSpec {
    name: "dns_tunnel",
    about: "Data carried in names and answers of DNS, by client and parent domain (two labels, or three below one like `co.uk`)",
    action: ThreatAction::Alert,
    thresholds: &[
        Threshold {
            name: "score",
            default: 100,
            bounds: THREAT_COUNT_BOUNDS,
            unit: "points",
            about: "Points that it takes. Names that were asked before count nothing. A new one counts 4 for a type with \
                    free-form data (TXT, CNAME, MX, SRV), 16 for NULL and types without a name, up to 24 by its length if it \
                    reads as encoded, with 8 for bytes that no host name has; an answer counts 4 if it is encoded, 8 for NULL. \
                    One long name of padded base64 counts 100 more",
        },
        Threshold {
            name: "names_min",
            default: 6,
            bounds: THREAT_COUNT_BOUNDS,
            unit: "names",
            about: "Different names among them, unless one is of padded base64",
        },
        Threshold {
            name: "window_s",
            default: 600,
            bounds: THREAT_SECONDS_BOUNDS,
            unit: "s",
            about: "Time in which they come; who was told of is forgotten after as long without another",
        },
    ],
};
