//! `weir flows`

use std::net::{IpAddr, SocketAddr};

use anyhow::Context;
use serde::Serialize;

use super::{FlowsArgs, Output, print};
use crate::failure::Failure;
use crate::flows::{FlowQuery, ListedFlow};
use crate::run::{ListTotals, list_flows};
use crate::table::Table;

/// The list as one document.
#[derive(Serialize)]
struct Document {
    flows: Vec<ListedFlow>,
    #[serde(flatten)]
    totals: ListTotals,
}

/// Lists live flows of a running engine.
pub(super) fn flows(args: &FlowsArgs) -> Result<(), Failure> {
    let query = FlowQuery {
        network: args.address,
        port: args.port,
        app: args.app.clone(),
        verdict: args.verdict,
        state: args.state.clone(),
        link: args.link.clone(),
        flows_max: args.max,
    };
    let mut flows = Vec::new();
    let totals = list_flows(&args.config, &query, |flow| flows.push(flow))?;
    match args.output {
        Output::Json => {
            let document = Document { flows, totals };
            print(&serde_json::to_string_pretty(&document).context("the list of flows")?)
        }
        Output::Text => print(&text(&flows, &totals)),
    }
}

/// A row for each flow, and how many there are.
fn text(flows: &[ListedFlow], totals: &ListTotals) -> String {
    let head = [
        "LINK", "PROTO", "CLIENT", "SERVER", "STATE", "APP", "VERDICT", "FRAMES", "BYTES", "AGE", "IDLE",
        "IN",
    ];
    let mut table = Table::new(&head);
    for flow in flows {
        let seconds = |ms: u64| format!("{}.{} s", ms / 1000, ms % 1000 / 100);
        table.row([
            flow.link.clone(),
            flow.proto.clone(),
            end(flow.src_ip, flow.src_port),
            end(flow.dest_ip, flow.dest_port),
            flow.state.clone(),
            app(flow),
            verdict(flow),
            (flow.pkts_toserver + flow.pkts_toclient).to_string(),
            (flow.bytes_toserver + flow.bytes_toclient).to_string(),
            seconds(flow.age_ms),
            seconds(flow.idle_ms),
            surroundings(flow),
        ]);
    }
    let ListTotals { listed, matched, live, unseen } = totals;
    let mut told = format!("{listed} of {matched} flows that were asked for, of {live} live ones");
    if *unseen > 0 {
        told += &format!("; {unseen} more could not be seen");
    }
    if flows.is_empty() { told } else { format!("{table}\n\n{told}") }
}

fn end(address: IpAddr, port: Option<u16>) -> String {
    port.map_or_else(|| address.to_string(), |port| SocketAddr::from((address, port)).to_string())
}

fn app(flow: &ListedFlow) -> String {
    let product = flow.app_product.as_ref().map(|product| format!(" ({product})")).unwrap_or_default();
    format!("{}{product}", flow.app_proto)
}

fn verdict(flow: &ListedFlow) -> String {
    let reason = flow.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    let alerted = if flow.alerted { ", alerted" } else { "" };
    let threat = flow.threat.as_ref().map(|threat| format!(", {threat}")).unwrap_or_default();
    format!("{}{reason}{alerted}{threat}", flow.verdict.as_str())
}

fn surroundings(flow: &ListedFlow) -> String {
    let vlans = flow.vlan.iter().map(|vlan| format!("vlan {vlan}"));
    vlans.chain(flow.tunnel.clone()).collect::<Vec<_>>().join(", ")
}
