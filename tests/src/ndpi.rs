//! The flows that nDPI's own test suite reports, compared with Weir's.
//!
//! What its numbers mean, found by counting all of its captures independently: every frame whose IP header
//! is whole counts, with its length on the wire (link header, tags and padding included); the first sender is
//! `a`; VLAN tags are part of a flow's identity; no time-out and no reopened connection ever splits a flow.
//! It looks into tunnels (IP-in-IP, GTP-U, CAPWAP, PPPoE) and reports the inner flow; it skips all fragments
//! but the first, which is made up for here, frames that the capture cut, and packets that claim to be longer than their frame.

pub mod labels;

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Deserialize;

use crate::flow_event::{End, Flow, protocol_number};
use crate::scoreboard::Scoreboard;
use crate::survey::{Survey, Trait};

/// The flows of each capture, by file name.
pub type Expectations = BTreeMap<String, Vec<Expected>>;

/// One flow as the suite tells it.
#[derive(Clone, Debug, Deserialize)]
pub struct Expected {
    l4: String,
    a: String,
    b: String,
    pkts: [u64; 2],
    bytes: [u64; 2],
    l7: String,
    confidence: String,
}

impl Expected {
    /// As numbers; `None` where the suite's notation of an address has two `::` and may mean several.
    fn flow(&self) -> Option<Flow> {
        Some(Flow {
            protocol: protocol_number(&self.l4)?,
            client: end(&self.a)?,
            server: end(&self.b)?,
            frames: self.pkts,
            bytes: self.bytes,
        })
    }

    /// Whether a flow has the counts and ports of this one, whatever its addresses.
    fn resembles(&self, flow: &Flow) -> bool {
        let port = |text: &str| text.rsplit(':').next().and_then(|port| port.parse::<u16>().ok());
        let ports = (port(&self.a), port(&self.b));
        self.pkts == flow.frames
            && self.bytes == flow.bytes
            && ports == (Some(flow.client.1), Some(flow.server.1))
    }
}

/// `1.2.3.4:5` or `[1::2]:5`.
fn end(text: &str) -> Option<End> {
    let (address, port) = text.rsplit_once(':')?;
    let address: IpAddr = address.trim_matches(['[', ']']).parse().ok()?;
    Some((address, port.parse().ok()?))
}

/// Why a flow, expected or found, is out of scope; told by the capture, never by the comparison.
fn out_of_scope(flow: &Flow, survey: &Survey) -> Option<Trait> {
    let (a, b) = (flow.client.0, flow.server.0);
    let of_flow = [Trait::Tunnel, Trait::Snapped, Trait::Malformed];
    let has = |what: &Trait| survey.has_in_flow(flow.protocol, flow.client, flow.server, *what);
    if let Some(found) = of_flow.into_iter().find(has) {
        return Some(found);
    }
    let is_outer = survey.pairs.contains_key(&crate::survey::pair(a, b));
    let of_whole = [Trait::LinkType, Trait::Tunnel, Trait::DeepTags, Trait::Malformed];
    of_whole.into_iter().find(|what| !is_outer && survey.whole.contains(what))
}

/// Compares the flows of one capture, both ways: none may be missing, none may be too many.
pub fn compare(
    name: &str,
    expected: &[Expected],
    survey: &Survey,
    mut found: Vec<Flow>,
    board: &mut Scoreboard,
) {
    for expectation in expected {
        let Some(mut flow) = expectation.flow() else {
            board.skip("address in a notation that fits several");
            found.retain(|flow| !expectation.resembles(flow));
            continue;
        };
        if let Some(reason) = out_of_scope(&flow, survey) {
            board.skip(reason.as_str());
            continue;
        }
        let (client, server) = (flow.client, flow.server);
        for (direction, (from, to)) in [(client, server), (server, client)].into_iter().enumerate() {
            let [frames, bytes] = survey.pieces.surplus(flow.protocol, from, to);
            flow.frames[direction] = flow.frames[direction].saturating_add_signed(frames);
            flow.bytes[direction] = flow.bytes[direction].saturating_add_signed(bytes);
        }
        if survey.answers_first.contains(&(client.0, client.1, server.0, server.1)) {
            flow = flow.reversed();
        }
        match found.iter().position(|found| *found == flow) {
            Some(place) => {
                found.swap_remove(place);
                board.pass();
            }
            None => {
                let near = found.iter().position(|found| found.has_ends_of(&flow));
                let got = near.map_or("none".to_owned(), |place| found.swap_remove(place).to_string());
                board.fail(format!("{name}: expected {flow}, got {got}"));
            }
        }
    }
    for flow in found.iter().filter(|flow| out_of_scope(flow, survey).is_none()) {
        board.fail(format!("{name}: expected none, got {flow}"));
    }
}
