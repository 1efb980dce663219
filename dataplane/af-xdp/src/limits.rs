//! The cap of every ring, batch and map of a link, and of every wait for one, with its unit and its reason.

/// Frames of one batch: the ring cursors are then published once for 64 frames, and a batch of
/// headers (64 × 128 bytes) still fits the first-level cache.
pub const BATCH_FRAMES_MAX: usize = 64;

/// Frames of one UMEM at least: one eighth of them, the least share of a ring, holds two batches.
pub const FRAMES_PER_QUEUE_MIN: u32 = 16 * BATCH_FRAMES_MAX as u32;

/// Frames of one UMEM at most: 256 MiB of locked memory a queue with frames of 4096 bytes.
pub const FRAMES_PER_QUEUE_MAX: u32 = 64 * 1024;

/// Bytes of the name of a link: with the port's name behind it, it is a file name among the pins, and labels of
/// metrics stay readable.
pub const LINK_NAME_BYTES_MAX: usize = 32;

/// Bytes of a UMEM frame that the kernel keeps before the packet, its XDP_PACKET_HEADROOM.
pub const HEADROOM_BYTES: u32 = 256;

/// Bytes that a frame has beyond its MTU: an Ethernet header and two VLAN tags (IEEE 802.1ad).
pub const LINK_HEADER_BYTES_MAX: u32 = 14 + 2 * 4;

/// Bytes of the longest MTU of a link: the 9 KiB that switches and NICs call jumbo at most.
pub const MTU_BYTES_MAX: u32 = 9 * 1024;

/// Bytes of the longest frame that is taken in; what is longer was merged of several, and no port would send it.
pub const FRAME_BYTES_MAX: usize = (MTU_BYTES_MAX + LINK_HEADER_BYTES_MAX) as usize;

/// Descriptors of one frame: the kernel sends at most 17 (MAX_SKB_FRAGS). The longest frame takes 10 where a driver
/// uses 1024 bytes of each, and 6 where the kernel copies into the shortest UMEM frames.
pub const FRAME_DESCS_MAX: usize = 17;

/// Bytes that a frame which is redirected to a device may have beyond its MTU: the kernel allows for an Ethernet header and
/// one VLAN tag (`xdp_ok_fwd_dev`), and loses longer ones without a word.
pub const REDIRECTED_HEADER_BYTES_MAX: u32 = 14 + 4;

/// Bytes of an Ethernet header, the least that may be sent.
pub const INJECTED_FRAME_BYTES_MIN: usize = 14;

/// RX queues of one port at most; no current NIC driver offers more.
pub const QUEUES_MAX: u32 = 1024;

/// Addresses of the node itself that a link passes to the kernel: more than a node has on its bridges.
pub const HOSTS_MAX: usize = 64;

/// Settled flows of a link that its programs may handle: some 256 MiB of the kernel's memory, taken when the link is opened.
pub const SETTLED_FLOWS_MAX: u32 = 1 << 20;

/// Settled flows of a link that its programs handle unless told otherwise: some 16 MiB.
pub const SETTLED_FLOWS_DEFAULT: u32 = 1 << 16;

/// Slots for each settled flow that a link may have, at least. Of the flows that fill it, one in a hundred then finds no
/// slot in its bucket, and stays with the engine.
pub const SETTLED_SLOTS_PER_FLOW: u32 = 2;

/// Nanoseconds after which what a CPU stored is seen by all others, though it told none of them to wait: far more than it
/// takes to write back all that it may have stored.
pub const STORES_SEEN_NS: u64 = 1_000;

/// Nanoseconds to wait for the frames that the programs have in hand of one flow. A program takes less than a tenth of a
/// microsecond; longer is a virtual CPU that does not run, and then the counts of the flow may miss a frame.
pub const SETTLED_VISIT_NS_MAX: u64 = 10_000_000;

/// Settled flows that are taken out with one wait: each then costs little of its 2 µs, and the first of them is free for
/// another before long.
pub const SETTLED_TAKEN_AT_ONCE_MAX: usize = 256;

/// Sources whose rate is watched. The kernel forgets that which was silent for longest, and with it at most a second
/// of its use.
pub const SOURCES_MAX: u32 = 1 << 16;

/// Frames a second that one source may be allowed: beyond ten million, no port could receive them.
pub const SOURCE_PPS_MAX: u32 = 10_000_000;

/// Milliseconds for which a busy queue is asked again for its socket: the kernel frees those of a
/// process that has just ended with a delay.
pub const BIND_RETRY_MS: u64 = 2_000;

/// Microseconds between two such questions: while they are asked, no engine has the frames of the queue.
pub const BIND_RETRY_INTERVAL_US: u64 = 500;

/// `sendto` calls of one flush and port. One sends 32 frames, so this moves more than a batch even if
/// the kernel had held some back.
pub const KICKS_PER_FLUSH_MAX: usize = 8;

/// Nodes of a machine with memory of their own that are told apart: as many as the kernels of distributions know.
pub const NUMA_NODES_MAX: usize = 1024;

/// Bytes of one netlink answer: a device with many virtual functions describes each.
pub const NETLINK_ANSWER_BYTES_MAX: usize = 256 * 1024;

/// Milliseconds for which who is to mount the BPF file system waits for others who may be about to: a mount takes well below
/// one, and a lock that is held for longer is not an engine's.
pub const MOUNT_LOCK_MS_MAX: u64 = 1000;

/// Milliseconds between two tries to lock.
pub const MOUNT_LOCK_INTERVAL_MS: u64 = 2;
