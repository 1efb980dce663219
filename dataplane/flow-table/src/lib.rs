//! Fixed-capacity table of flows with a keyed symmetric hash and a timer wheel.
#![forbid(unsafe_code)]
