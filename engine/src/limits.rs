//! The cap of every queue and buffer of the process, with its unit and its reason.

/// Bytes of one record of a capture. Far above any frame (a GSO frame has at most 512 KiB), and below what a
/// corrupt length would have allocated.
pub const CAPTURE_RECORD_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Bytes that a capture is read ahead, at the least: large enough that the cost of a `read` disappears.
pub const CAPTURE_WINDOW_BYTES: usize = 1024 * 1024;

/// Interfaces of one section of a pcapng capture; a hostile file could list one in every 20 bytes.
pub const CAPTURE_INTERFACES_MAX: usize = 65_536;

/// Links of one engine: each costs at least one worker, and the name of a link is a 16-bit index.
pub const LINKS_MAX: usize = 64;

/// Bytes of an interface name, Linux's IFNAMSIZ without the closing NUL.
pub const INTERFACE_NAME_BYTES_MAX: usize = 15;

/// Bytes of the buffer in which a sink collects event lines before it hands them to the writer.
pub const EVENT_BUFFER_BYTES: usize = 64 * 1024;

/// Buffers of event lines that wait for the writer of a live engine; with [`EVENT_BUFFER_BYTES`] each this
/// is 16 MiB, about a quarter of a second at a million events a second. Beyond it events are counted as lost.
pub const EVENT_BUFFERS_MAX: usize = 256;

/// Longest sleep of an idle worker, in ms: below the shortest heartbeat timeout, so that sleeping is no loss.
pub const WORKER_WAIT_MS: u16 = 2;
