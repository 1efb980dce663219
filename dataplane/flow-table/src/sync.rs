//! The primitives that a table shares its slots by. A model of the slots puts those of loom in their place.

pub(crate) use std::hint::spin_loop;
pub(crate) use std::sync::atomic::{AtomicU64, Ordering, fence};
