//! The flows of a pipeline, seen from outside while it judges frames.

use std::net::IpAddr;

use flow_table::{FlowKey, FlowView, Orientation, Reader};

use super::Pipeline;
use super::tracked::Tracked;
use crate::app::{AppProtocol, HttpProduct};
use crate::decode::{TunnelKind, Vlans, protocol};
use crate::event::FlowState;
use crate::policy::{Disposition, Threat};
use crate::verdict::DropReason;

/// Words of a flow that readers see: when it began, its newest frame, frames and bytes by direction, and what
/// [`Standing`] packs. With their lock they fill one cache line.
pub(super) const LIVE_WORDS: usize = 7;

/// Sees the flows of one pipeline from any thread; neither waits for the other.
#[derive(Clone)]
pub struct LiveFlows {
    reader: Reader<LIVE_WORDS>,
}

/// A flow as it stood after one of its frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveFlow {
    /// Index of the link that it crosses.
    pub link: u16,
    /// The end that spoke first: address and port (0 where the protocol has none).
    pub client: (IpAddr, u16),
    /// The end that was spoken to.
    pub server: (IpAddr, u16),
    /// Upper-layer protocol number.
    pub protocol: u8,
    /// VLAN identifiers, the outermost first; none of a flow in a tunnel, where they are not kept for readers.
    pub vlans: Vlans,
    /// Receive time of the first frame, in ns since the epoch.
    pub start_ns: u64,
    /// Receive time of the newest frame, in ns since the epoch.
    pub last_ns: u64,
    /// Frames, by direction. What is handled before it comes here is entered when the flow ends.
    pub frames: [u64; 2],
    /// Bytes of those frames on the wire, link headers included, by direction.
    pub bytes: [u64; 2],
    /// How far it came, and what is done with it.
    pub standing: Standing,
}

/// How far a flow came, and what is done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How far it came.
    pub state: FlowState,
    /// Whether it counts among the half-open.
    pub is_half_open: bool,
    /// Whether any rule matched.
    pub alerted: bool,
    /// Why nothing of it passes any more, where that is so.
    pub blocked: Option<DropReason>,
    /// The threat for which it was blocked, or else the first one that was seen in it.
    pub threat: Option<Threat>,
    /// Whether all of it passes without a further look.
    pub is_bypassed: bool,
    /// What it speaks, as far as that is known.
    pub app: AppProtocol,
    /// What product answers, where it speaks HTTP and a header told.
    pub product: Option<HttpProduct>,
    /// The innermost of the tunnels that it travels in.
    pub tunnel: Option<TunnelKind>,
}

const STATES: [FlowState; 3] = [FlowState::New, FlowState::Established, FlowState::Closed];

const STATE_MASK: usize = 3;
const THREAT_SHIFT: u32 = 2;
const _: () = assert!(Threat::COUNT < 1 << (u8::BITS - THREAT_SHIFT));

const HALF_OPEN: u64 = 1 << 16;
const ALERTED: u64 = 1 << 17;
const BYPASSED: u64 = 1 << 18;
const CLIENT_IS_UPPER: u64 = 1 << 19;
/// Where the number of the protocol stands, those of tunnel, drop reason and product plus 1, and that of the link.
const APP_SHIFT: u32 = 8;
const TUNNEL_SHIFT: u32 = 24;
const BLOCKED_SHIFT: u32 = 32;
const PRODUCT_SHIFT: u32 = 40;
const LINK_SHIFT: u32 = 48;

impl Standing {
    #[inline]
    fn of(tracked: &Tracked, state: FlowState) -> Standing {
        Standing {
            state,
            is_half_open: tracked.is_half_open,
            alerted: tracked.alerted,
            blocked: match tracked.disposition {
                Disposition::Blocked { reason, .. } => Some(reason),
                Disposition::Inspect | Disposition::Bypassed(_) => None,
            },
            threat: tracked.threat,
            is_bypassed: matches!(tracked.disposition, Disposition::Bypassed(_)),
            app: tracked.protocol(),
            product: tracked.product(),
            tunnel: tracked.record.tunnels.last().map(|tunnel| tunnel.kind),
        }
    }

    /// The state in the lowest two bits, the threat in the six above, one byte each for what else has a number, and one bit each
    /// for the rest.
    #[inline]
    fn pack(self) -> u64 {
        let Standing { state, is_half_open, alerted, blocked, threat, is_bypassed, app, product, tunnel } =
            self;
        let bits = [(is_half_open, HALF_OPEN), (alerted, ALERTED), (is_bypassed, BYPASSED)];
        let bits = bits.iter().fold(0, |all, (is_set, bit)| all | (u64::from(*is_set) * bit));
        let tunnel = tunnel.map_or(0, |kind| 1 + kind as u64);
        let blocked = blocked.map_or(0, |reason| 1 + reason as u64);
        let product = product.map_or(0, |product| 1 + product as u64);
        let numbers = (app as u64) << APP_SHIFT | tunnel << TUNNEL_SHIFT | blocked << BLOCKED_SHIFT;
        let threat = threat.map_or(0, |threat| u64::from(threat.id()));
        bits | numbers | product << PRODUCT_SHIFT | threat << THREAT_SHIFT | state as u64
    }

    fn unpack(word: u64) -> Standing {
        let number = |shift: u32| (word >> shift & 0xff) as usize;
        Standing {
            state: STATES[number(0) & STATE_MASK],
            is_half_open: word & HALF_OPEN != 0,
            alerted: word & ALERTED != 0,
            blocked: number(BLOCKED_SHIFT).checked_sub(1).map(|reason| DropReason::ALL[reason]),
            threat: (number(0) >> THREAT_SHIFT).checked_sub(1).map(|threat| Threat::ALL[threat]),
            is_bypassed: word & BYPASSED != 0,
            app: AppProtocol::ALL[number(APP_SHIFT)],
            product: number(PRODUCT_SHIFT).checked_sub(1).map(|product| HttpProduct::ALL[product]),
            tunnel: number(TUNNEL_SHIFT).checked_sub(1).map(|kind| TunnelKind::ALL[kind]),
        }
    }
}

/// What readers are shown of a flow, which is in that state.
#[inline]
pub(super) fn words_of(tracked: &Tracked, state: FlowState) -> [u64; LIVE_WORDS] {
    let record = &tracked.record;
    let [frames, bytes] = [record.frames, record.bytes];
    let client = if tracked.client == Orientation::Reverse { CLIENT_IS_UPPER } else { 0 };
    let standing = Standing::of(tracked, state).pack() | client | u64::from(record.link) << LINK_SHIFT;
    [record.start_ns, record.last_ns, frames[0], frames[1], bytes[0], bytes[1], standing]
}

impl LiveFlow {
    fn of(view: &FlowView<LIVE_WORDS>) -> LiveFlow {
        let FlowView { key, words: [start_ns, last_ns, f0, f1, b0, b1, standing], .. } = *view;
        let is_upper = standing & CLIENT_IS_UPPER != 0;
        let (mut client, mut server) =
            key.endpoints(if is_upper { Orientation::Reverse } else { Orientation::Forward });
        if matches!(key.protocol(), protocol::ICMP | protocol::ICMPV6) {
            // Types and codes stand there.
            (client.1, server.1) = (0, 0);
        }
        let (link, protocol, vlans) = ((standing >> LINK_SHIFT) as u16, key.protocol(), vlans_of(&key));
        let (frames, bytes, standing) = ([f0, f1], [b0, b1], Standing::unpack(standing));
        LiveFlow { link, client, server, protocol, vlans, start_ns, last_ns, frames, bytes, standing }
    }
}

fn vlans_of(key: &FlowKey) -> Vlans {
    if key.is_within() { Vlans::default() } else { key.vlans() }
}

impl LiveFlows {
    /// Shows every flow to `see`, each as it stood at a moment of its own, and returns how many could not be seen because
    /// each of a bounded number of looks met their writer: one at most, unless the pipeline was put to sleep.
    pub fn list(&self, mut see: impl FnMut(LiveFlow)) -> usize {
        let mut flows = self.reader.flows();
        flows.by_ref().for_each(|view| see(LiveFlow::of(&view)));
        flows.skipped()
    }
}

impl Pipeline {
    /// Who sees its flows from outside.
    pub fn live_flows(&self) -> LiveFlows {
        LiveFlows { reader: self.flows.reader() }
    }
}
