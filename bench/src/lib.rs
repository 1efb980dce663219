//! Deterministic workloads: frames, connections, captures, packs and files that are the same on every machine. The
//! benchmarks run on them, and so do perf's captures and the cross-stage tests.
#![forbid(unsafe_code)]

pub mod flood;
pub mod flow_frames;
pub mod http;
pub mod keep_alive;
pub mod many_flows;
pub mod random;
pub mod sampler;
pub mod syntax;
pub mod workload;
