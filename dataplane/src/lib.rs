//! Frame in, verdict and events out. Pure: no I/O, no clock, no thread, no lock.
//!
//! The modules form one ordered list, and each uses only what stands to its left:
//! `limits < account < spare < verdict < decode < rx_meta < defrag < flow < reassembly < content < app < inspect < policy < threat < event < pipeline`.
#![forbid(unsafe_code)]

mod account;
pub mod app;
pub mod content;
pub mod decode;
pub mod defrag;
pub mod event;
pub mod flow;
pub mod inspect;
pub mod limits;
pub mod pipeline;
pub mod policy;
pub mod reassembly;
mod rx_meta;
mod spare;
pub mod threat;
pub mod verdict;
