//! Fixed-capacity table of flows with a keyed symmetric hash and a timer wheel.
//!
//! [`FlowTable`] finds a flow by its [`FlowKey`], hands out a [`FlowId`] that is never followed once it is
//! stale, hands back the flows whose deadline has passed, and knows which of them are half-open. Its one writer shows
//! words of each flow to any number of [`Reader`]s. It knows nothing else of what a flow is.
#![deny(unsafe_code)]

mod half_open;
mod hash;
mod id;
mod index;
mod key;
mod prefetch;
mod reader;
mod rings;
mod slots;
mod sync;
mod table;
mod vlans;
mod wheel;

pub use hash::KeyedHash;
pub use id::FlowId;
pub use key::{FlowKey, Orientation};
pub use reader::{FlowView, Flows, Reader};
pub use table::{FlowTable, LOOKUP_BATCH, TableFull};
pub use vlans::{TooManyVlans, Vlans};
pub use wheel::TICK_NS;
