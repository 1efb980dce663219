//! Live flows, as a running engine lists them: which are asked for, and what is said of each.

mod listed_flow;
mod query;

pub use self::listed_flow::{FlowVerdict, ListedFlow};
pub use self::query::{FlowQuery, network};
