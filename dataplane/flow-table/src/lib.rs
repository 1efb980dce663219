//! Fixed-capacity table of flows with a keyed symmetric hash and a timer wheel.
//!
//! [`FlowTable`] finds a flow by its [`FlowKey`], hands out a [`FlowId`] that is never followed once it is
//! stale, and hands back the flows whose deadline has passed. It knows nothing of what a flow is.
#![forbid(unsafe_code)]

mod hash;
mod id;
mod index;
mod key;
mod table;
mod wheel;

pub use hash::KeyedHash;
pub use id::FlowId;
pub use key::{FlowKey, Orientation};
pub use table::{FlowTable, TableFull};
pub use wheel::TICK_NS;
