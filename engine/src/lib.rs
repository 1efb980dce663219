//! The process around the dataplane: configuration, captures, events and the command line.
#![forbid(unsafe_code)]

pub mod cli;
pub mod config;
pub mod count;
pub mod counters;
pub mod eve;
pub mod failure;
pub mod flows;
pub mod io;
pub mod latency;
pub mod lending;
pub mod limits;
pub mod packs;
pub mod port;
pub mod replay;
pub mod run;
pub mod sample;
mod table;
pub mod verdicts;
pub mod worker;
