//! The cap of every queue and buffer of the process, and the range of what operators may choose, each with its
//! unit and its reason.

use std::ops::RangeInclusive;
use std::time::Duration;

use dataplane::limits::{HELD_BYTES_PER_WORKER_MAX, RETAINED_BYTES_PER_WORKER_MAX};
use dlp_patterns::limits::STEPS_PER_BYTE;

/// Bytes of one record of a capture. Far above any frame (a GSO frame has at most 512 KiB), and below what a
/// corrupt length would have allocated.
pub const CAPTURE_RECORD_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Bytes that a capture is read ahead, at the least: large enough that the cost of a `read` disappears.
pub const CAPTURE_WINDOW_BYTES: usize = 1024 * 1024;

/// Interfaces of one section of a pcapng capture; a hostile file could list one in every 20 bytes.
pub const CAPTURE_INTERFACES_MAX: usize = 65_536;

/// Links of one engine: each costs at least one worker, and the name of a link is a 16-bit index.
pub const LINKS_MAX: usize = 64;

/// Workers of one engine: what [`WORKER_BITS`] can number. Far more than a machine has cores.
pub const WORKERS_MAX: usize = 1 << WORKER_BITS;

/// Bits of a flow identifier that name the worker which gave it out. The 40 bits below count the flows of that
/// worker, for 12 days at a million a second; the 11 above tell a run of the engine from the one before.
pub const WORKER_BITS: u32 = 12;

/// Number of a core that an operator may name; Linux on x86-64 is built for 8192 of them at most.
pub const CORE_MAX: u16 = 8191;

/// Milliseconds without a heartbeat after which an engine may count as lost. Below the least, the shortest sleep of an idle
/// worker ([`WORKER_WAIT_MS`]) would be a loss; above a minute, nobody would call it an answer to one.
pub const HEARTBEAT_TIMEOUT_MS: RangeInclusive<u64> = 5..=60_000;

/// Flows that one worker may track: a table smaller than this evicts at once, a larger one
/// (some 600 bytes each) exceeds the memory of many machines.
pub const FLOWS: RangeInclusive<usize> = 1024..=1 << 22;

/// Share of the flow table, in percent, that half-open flows may take: none would let no flow begin, and all of it is one
/// table for both.
pub const HALF_OPEN_PERCENT: RangeInclusive<u8> = 1..=100;

/// Half-open flows that one source may have: as many as there may be flows.
pub const HALF_OPEN_PER_SOURCE: RangeInclusive<usize> = 0..=*FLOWS.end();

/// Seconds for which a silent flow may be remembered: up to a day, for what is silent for longer is gone.
pub const FLOW_TIMEOUT_S: RangeInclusive<u32> = 1..=86_400;

/// Seconds for which pieces may wait for the rest of their datagram, here or with their receiver: no receiver keeps them for
/// longer than the largest TTL says (RFC 791 §3.2).
pub const FRAGMENT_S: RangeInclusive<u32> = 1..=255;

/// Servers, or networks of them, whose flows may be trusted: each new flow is compared with all of them.
pub const TRUSTED_SERVERS_MAX: usize = 64;

/// Bytes of a flow that may be inspected before it is trusted: from its first frame on, up to a terabyte.
pub const BYPASS_AFTER_BYTES: RangeInclusive<u64> = 0..=1 << 40;

/// Out-of-order bytes that one worker may hold: 4 GiB, 64 times the default; more than a worker can scan in a
/// second.
pub const HELD_BYTES_MAX: usize = 64 * HELD_BYTES_PER_WORKER_MAX;

/// Inspected bytes that one worker may keep until they are acknowledged: 4 GiB, 64 times the default; 100 Gbit/s over a
/// round trip of a third of a second.
pub const RETAINED_BYTES_MAX: usize = 64 * RETAINED_BYTES_PER_WORKER_MAX;

/// Steps of automata that one packet may cause. At least what one small field may; at most what takes some seconds.
pub const PACKET_STEPS: RangeInclusive<u64> = 65_536..=1 << 30;

/// Steps of automata that one flow may cause beyond what its bytes pay for. At least what one small field may; at most what
/// takes some half an hour, which no flow ever causes.
pub const FLOW_STEPS: RangeInclusive<u64> = 65_536..=1 << 40;

/// Steps of automata that each KiB of a flow pays for: at most what no field may exceed.
pub const FLOW_STEPS_PER_KIB: RangeInclusive<u64> = 0..=1024 * STEPS_PER_BYTE as u64;

/// Seconds between two `stats` events: at least one, and once a day at the least.
pub const STATS_INTERVAL_S: RangeInclusive<u32> = 1..=86_400;

/// Reports of workers that wait for the supervisor. Each worker sends four a second, and a report that finds no
/// room is superseded by the next: this only has to outlast a supervisor that stalls for a moment.
pub const REPORTS_MAX: usize = 64;

/// Datagrams on their way from the worker that put them together to the one that owns their flow, for each pair of workers;
/// more are dropped as `owner_behind`. What is fragmented is rare.
pub const DATAGRAMS_UNDER_WAY_MAX: usize = 64;

/// Frames that one worker may have lent to another at a time, where a link has several queues and these have so many to
/// lend. That is work of some ms: who is further behind is overloaded, and a longer wait would help no connection.
pub const LENT_FRAMES_MAX: usize = 4096;

/// Milliseconds for which a worker that ends waits for frames that others still judge: they take microseconds, unless
/// somebody hangs.
pub const WIND_UP_MS: u64 = 1000;

/// Pause before a link that was closed is opened again, at the least: by then the kernel has freed its sockets.
pub const LINK_RETRY_MIN: Duration = Duration::from_millis(100);

/// Pause after a link could not be opened again, at the most: whatever was in the way and announced nothing is noticed
/// within it.
pub const LINK_RETRY_MAX: Duration = Duration::from_secs(5);

/// Between two looks at the devices of the links where none was announced to have changed: the number of queues is not
/// announced.
pub const LINK_LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Bytes of an interface name, Linux's IFNAMSIZ without the closing NUL.
pub const INTERFACE_NAME_BYTES_MAX: usize = 15;

/// Bytes of the buffer in which a sink collects event lines before it hands them to the writer.
pub const EVENT_BUFFER_BYTES: usize = 64 * 1024;

/// Buffers of event lines that wait for the writer of a live engine; with [`EVENT_BUFFER_BYTES`] each this
/// is 16 MiB, about a quarter of a second at a million events a second. Beyond it events are counted as lost.
pub const EVENT_BUFFERS_MAX: usize = 256;

/// Sleep of an idle worker, in ms. At most: that is twenty looks a second at all that no frame tells it of, and costs next
/// to nothing. At least: what it is where frames wait to be sent, and below the shortest heartbeat timeout.
pub const WORKER_WAIT_MS: RangeInclusive<u16> = 2..=50;

/// Short sleeps, one after the other, for frames that wait to be sent: half a second of them. A port that sent nothing in
/// all that time is down, and may be for days.
pub const WORKER_NAPS_MAX: u16 = 256;

/// Microseconds for which a worker without frames may look for more: half of the shortest sleep, so that an idle worker
/// would sleep for most of the time even if it looked again after each.
pub const SPIN_US: RangeInclusive<u64> = 0..=1000;

/// Longest time of a frame that is told apart, in ns: a second is an outage, however much longer it was.
pub const LATENCY_NS_MAX: u64 = 1_000_000_000;

/// Mistakes of packs that one event repeats; the log has them all.
pub const RELOAD_MISTAKES_TOLD_MAX: usize = 16;

/// Blocked flows that one engine hands over to the next. Each takes it some microseconds to enter, while nobody works on the
/// link: with so many that is a quarter of a second.
pub const FLOWS_HANDED_OVER_MAX: usize = 1 << 16;

/// Bytes in which they are told: twice what [`FLOWS_HANDED_OVER_MAX`] of them take, with the longest names and addresses.
pub const HAND_OVER_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Connections to the socket of a claim that are looked at in one turn of the supervisor: a script that only asks who is
/// there must not keep the supervisor from everything else.
pub const CALLS_PER_LOOK_MAX: usize = 64;

/// Bytes of one line of a hand-over, or of an answer: the longest name of a link, or [`ANSWER_CHARS_MAX`], and to spare.
pub const HAND_OVER_LINE_BYTES_MAX: u64 = 1024;

/// Characters of what an engine answers to whoever asked it for something: one reason, with the kernel's. The log has it all.
pub const ANSWER_CHARS_MAX: usize = 240;

/// Live flows of one list: enough for a person to look through, and some 40 MB for a program.
pub const FLOWS_LISTED: RangeInclusive<usize> = 1..=100_000;

/// Microseconds without a frame after which a worker that stops has seen the last one: those that the kernel had under way to
/// it when its heartbeat ended come with the end of a poll of the port, within some microseconds.
pub const RETIRE_QUIET_US: u64 = 2_000;

/// Milliseconds for which a worker that stops waits for that, and for its last frames to be sent: a port that is stuck must
/// not keep it.
pub const RETIRE_MS_MAX: u64 = 100;
