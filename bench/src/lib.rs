//! Deterministic workloads: frames, connections and captures that are the same on every machine. The
//! benchmarks run on them, and so do perf's captures and the cross-stage tests.
#![forbid(unsafe_code)]

pub mod http;
