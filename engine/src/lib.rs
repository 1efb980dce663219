//! The process around the dataplane: configuration, captures, events and the command line.
#![forbid(unsafe_code)]

pub mod io;
pub mod limits;
