//! Which live flows are asked for.

use std::net::IpAddr;

use dataplane::app::HttpProduct;
use dataplane::pipeline::LiveFlow;
use dataplane::policy::IpNetwork;
use serde::{Deserialize, Serialize};

use super::FlowVerdict;

/// A flow is meant that has everything that is said here; what is not said does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowQuery {
    /// An address, and how many of its leading bits count: either end has it.
    pub network: Option<(IpAddr, u32)>,
    /// Of either end.
    pub port: Option<u16>,
    /// What it speaks, or what product answers, by the name that events use.
    pub app: Option<String>,
    /// What is done with it.
    pub verdict: Option<FlowVerdict>,
    /// How far it came, by the name that events use.
    pub state: Option<String>,
    /// Name of the link that it crosses.
    pub link: Option<String>,
    /// How many are listed at most.
    pub flows_max: usize,
}

impl FlowQuery {
    /// Whether a flow on a link of that name is meant.
    pub fn is_met_by(&self, flow: &LiveFlow, link: &str) -> bool {
        let (ends, standing) = ([flow.client, flow.server], flow.standing);
        let network = self.network.map(|(address, bits)| IpNetwork::new(address, bits));
        let is_in = |network: Option<IpNetwork>| {
            network.is_some_and(|network| ends.iter().any(|end| network.contains(end.0)))
        };
        let product = standing.product.map(HttpProduct::as_str);
        let is_of = |app: &str| app == standing.app.as_str() || Some(app) == product;
        network.is_none_or(is_in)
            && self.port.is_none_or(|port| ends.iter().any(|end| end.1 == port))
            && self.app.as_deref().is_none_or(is_of)
            && self.verdict.is_none_or(|verdict| verdict == FlowVerdict::of(&standing))
            && self.state.as_deref().is_none_or(|state| state == standing.state.as_str())
            && self.link.as_deref().is_none_or(|name| name == link)
    }
}

/// Reads an address, or one and how many of its bits count.
///
/// # Errors
/// If it is neither.
pub fn network(text: &str) -> Result<(IpAddr, u32), String> {
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let address: IpAddr = address.parse().map_err(|_| "not an address".to_owned())?;
    let all = if address.is_ipv4() { u32::BITS } else { u128::BITS };
    let bits = bits.map_or(Ok(all), str::parse).map_err(|_| "not a number of bits".to_owned())?;
    let network = IpNetwork::new(address, bits);
    network.map(|_| (address, bits)).ok_or("more bits than it has, or bits beyond them are set".to_owned())
}

#[cfg(test)]
mod tests {
    use dataplane::app::AppProtocol;
    use dataplane::decode::{Vlans, protocol};
    use dataplane::event::FlowState;
    use dataplane::pipeline::Standing;
    use dataplane::verdict::DropReason;

    use super::*;

    fn flow() -> LiveFlow {
        LiveFlow {
            link: 0,
            client: ([10, 1, 2, 3].into(), 40_000),
            server: ([192, 0, 2, 1].into(), 80),
            protocol: protocol::TCP,
            vlans: Vlans::default(),
            start_ns: 1,
            last_ns: 2,
            frames: [3, 4],
            bytes: [5, 6],
            standing: Standing {
                state: FlowState::Established,
                is_half_open: false,
                alerted: true,
                blocked: Some(DropReason::Rule),
                threat: None,
                is_bypassed: false,
                app: AppProtocol::Http,
                product: Some(HttpProduct::Etcd),
                tunnel: None,
            },
        }
    }

    #[test]
    fn a_flow_is_meant_that_has_all_that_is_said() {
        let any = FlowQuery { flows_max: 1, ..FlowQuery::default() };
        let said = FlowQuery {
            network: Some(network("10.1.0.0/16").expect("a network")),
            port: Some(80),
            app: Some("http".to_owned()),
            verdict: Some(FlowVerdict::Blocked),
            state: Some("established".to_owned()),
            link: Some("lan".to_owned()),
            ..any.clone()
        };
        let of_product = FlowQuery { app: Some("etcd".to_owned()), ..said.clone() };
        for met in [&any, &said, &of_product] {
            assert!(met.is_met_by(&flow(), "lan"), "{met:?}");
        }
        for missed in [
            FlowQuery { network: Some(network("10.2.0.0/16").expect("a network")), ..said.clone() },
            FlowQuery { port: Some(81), ..said.clone() },
            FlowQuery { app: Some("failed".to_owned()), ..said.clone() },
            FlowQuery { app: Some("consul".to_owned()), ..said.clone() },
            FlowQuery { verdict: Some(FlowVerdict::Inspected), ..said.clone() },
            FlowQuery { state: Some("new".to_owned()), ..said.clone() },
            FlowQuery { link: Some("dmz".to_owned()), ..said.clone() },
        ] {
            assert!(!missed.is_met_by(&flow(), "lan"), "{missed:?}");
        }
    }

    #[test]
    fn networks_are_read() {
        assert_eq!(network("192.0.2.1"), Ok(([192, 0, 2, 1].into(), 32)));
        assert_eq!(network("2001:db8::/32").map(|(_, bits)| bits), Ok(32));
        for wrong in ["192.0.2", "192.0.2.1/24", "192.0.2.0/33", "192.0.2.0/x", ""] {
            assert!(network(wrong).is_err(), "{wrong}");
        }
    }
}
