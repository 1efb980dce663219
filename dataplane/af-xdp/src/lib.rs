//! Frames in and out of two ports over AF_XDP.
//!
//! [`Link::open`] puts an XDP program on both ports of a [`LinkConfig`] and returns one [`Queue`] for each RX queue.
//! A worker owns a queue: it takes an [`RxBatch`] from a port, answers each frame with an [`Action`], and
//! [flushes](Queue::flush). A forwarded frame leaves from the memory that it arrived in.
//!
//! ```no_run
//! use af_xdp::{Action, Link, LinkConfig, Port};
//!
//! let (link, mut queues) = Link::open(&LinkConfig::new("lan", "eth1", "eth2"))?;
//! let (queue, heartbeat) = (&mut queues[0], link.heartbeat());
//! loop {
//!     heartbeat.beat(0);
//!     let mut received = 0;
//!     for port in Port::BOTH {
//!         let batch = queue.receive(port);
//!         received += batch.len();
//!         let actions = vec![Action::Forward; batch.len()];
//!         batch.apply(&actions);
//!     }
//!     queue.flush();
//!     if received == 0 {
//!         queue.wait(10)?;
//!     }
//! }
//! # #[allow(unreachable_code)]
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod attached;
mod attachment;
mod attendance;
mod batch;
mod bpffs;
mod config;
mod device;
mod device_state;
mod device_watch;
mod dry_run;
mod error;
mod frames;
mod heartbeat;
mod huge_pages;
mod lent;
pub mod limits;
mod link;
mod link_lock;
mod mapped_array;
mod netlink;
mod numa;
mod parts;
mod pin_holder;
mod pin_life;
mod pinned_counters;
mod port;
mod probe;
mod programs;
mod queue;
mod settled;
mod settled_table;
mod socket;
mod survey;
mod unbound;
mod whole;
mod xdp_features;

pub use attendance::Attendance;
pub use batch::{Action, Applied, RxBatch};
pub use bpffs::link_key;
pub use config::{AttachMode, LinkConfig, OnEngineLoss, ZeroCopy};
pub use device_state::{DeviceState, Reach};
pub use device_watch::DeviceWatch;
pub use dry_run::{DryRun, Fate, ReadFlow};
pub use error::Error;
pub use frames::Census;
pub use heartbeat::Heartbeat;
pub use lent::LentFrame;
pub use link::{LeftPrograms, Link, PreparedLink, detach_leftover};
pub use link_lock::LinkLock;
pub use pin_life::PinLife;
pub use port::Port;
pub use probe::probe;
pub use programs::ProgramCounters;
pub use queue::Queue;
pub use settled::{Handling, SettledCounts, SettledFlows, SettledKey};
pub use socket::SocketStatistics;
