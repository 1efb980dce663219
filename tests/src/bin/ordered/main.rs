//! Numbered datagrams over many flows at once, both ways: each flow must bring all of them, in order.
//!
//! ```text
//! ordered answer ADDRESS...   answers on a port of its own for each flow, until it is killed
//! ordered ask ADDRESS...      asks over all flows, and says in JSON what came back
//! ```
#![forbid(unsafe_code)]

mod answer;
mod ask;

use std::net::IpAddr;
use std::process::ExitCode;

/// Flows to each address; the port of the first.
const FLOWS: u16 = 150;
const FIRST_PORT: u16 = 20_000;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let role = arguments.next().unwrap_or_default();
    let addresses: Vec<IpAddr> = arguments.filter_map(|text| text.parse().ok()).collect();
    let outcome = match (role.as_str(), addresses.is_empty()) {
        ("answer", false) => answer::run(&addresses),
        ("ask", false) => ask::run(&addresses),
        _ => {
            eprintln!("usage: ordered answer|ask ADDRESS...");
            return ExitCode::from(2);
        }
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("ordered: {error}");
        ExitCode::FAILURE
    })
}

/// What a question carries: its number within its flow. An answer carries its own, and behind it that of the question.
fn word(number: u32) -> [u8; 4] {
    number.to_be_bytes()
}
