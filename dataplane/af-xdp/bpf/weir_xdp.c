// SPDX-License-Identifier: Apache-2.0
//
// Does at once what is decided already: frames for the node itself pass to the kernel, those of blocked flows and of
// flooding sources are dropped, and those of bypassed flows leave by the other port while the engine lives. Every other
// frame goes to the AF_XDP socket of its RX queue while the engine lives; once the engine is gone, the program does
// with it what the operator chose.
//
// None of the helpers called is reserved to GPL programs.

#include "frame.h"

// The kernel tells by the section whether a program takes frames of several buffers.
#ifdef FRAGS
#define PROGRAM "xdp.frags"
#else
#define PROGRAM "xdp"
#endif

// Written by the loader, before the verifier sees the program.
const volatile __u64 heartbeat_timeout_ns = 0;
const volatile __u32 action_on_engine_loss = XDP_DROP;
// How many addresses `hosts` holds, and how many flows `settled` may hold. Where one is 0, its map is not asked.
const volatile __u32 host_count = 0;
const volatile __u32 settled_max = 0;
// Bytes of the longest frame that the kernel takes for redirection to the other port.
const volatile __u32 bypass_bytes_max = 0;
// Between two frames of one source at its rate; 0 is no limit.
const volatile __u64 source_interval_ns = 0;

// Frames for which a source that was silent has credit.
#define SOURCE_BURST_NS 1000000000

enum port {
	INSIDE,
	OUTSIDE,
	PORTS,
};

// The sockets of a port, one for each RX queue. The kernel empties a slot when the socket is closed, also by a kill.
struct sockets {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
};

struct sockets inside_xsks SEC(".maps");
struct sockets outside_xsks SEC(".maps");

// The worker of an RX queue: CLOCK_MONOTONIC in ns at which it was last alive, and a futex that its thread holds, which
// the kernel marks when that thread dies, however it does.
struct heartbeat {
	__u64 beat_ns;
	__u32 owner;
	__u32 padding;
};

#define FUTEX_OWNER_DIED 0x40000000

// One for each RX queue; the engine maps this memory.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct heartbeat);
} heartbeats SEC(".maps");

// The tick of the kernel's clock in which the worker of each RX queue was last found alive.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} alive_ticks SEC(".maps");

// The addresses of the node itself; never written once the program runs.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct address);
	__type(value, __u8);
} hosts SEC(".maps");

// The devices of the ports. A slot is empty where frames cannot be redirected to the device.
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, PORTS);
	__type(key, __u32);
	__type(value, struct bpf_devmap_val);
} egress SEC(".maps");

struct count {
	__u64 frames;
	__u64 bytes;
};

// A flow about which nothing is left to decide.
struct settled {
	// What came in by a port from an endpoint, the lower one first. Only the program of that port writes there.
	struct count counts[PORTS][2];
	// CLOCK_MONOTONIC of the heartbeat before the last frame.
	__u64 last_seen_ns;
	// 0: blocked. Else bypassed, and a bit for each port and endpoint, in the order of the counts: whether what comes
	// in there from that endpoint passes. The rest is the engine's to judge.
	__u32 passes;
	// Whether several CPUs may run the program of one port at once.
	__u32 is_concurrent;
};

// No LRU maps: what such a map evicts takes its counts along. One for each family, since addresses are what takes
// longest to hash. Memory is taken for those flows that are in them.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct flow_key_v4);
	__type(value, struct settled);
} settled_v4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct flow_key_v6);
	__type(value, struct settled);
} settled_v6 SEC(".maps");

// When each source would be due to send again, had it kept to its rate.
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct address);
	__type(value, __u64);
} sources SEC(".maps");

enum counter {
	COUNT_REDIRECTED,
	COUNT_PASSED_BY_ENGINE_LOSS,
	COUNT_DROPPED_BY_ENGINE_LOSS,
	COUNT_PASSED_TO_HOST,
	COUNT_DROPPED_FLOW_BLOCKED,
	COUNT_DROPPED_SOURCE_RATE,
	COUNT_BYPASSED,
	COUNTERS,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PORTS * COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

static __always_inline void count(enum port port, enum counter counter)
{
	__u32 index = port * COUNTERS + counter;
	__u64 *frames = bpf_map_lookup_elem(&counters, &index);

	if (frames)
		*frames += 1;
}

// Reads a clock once a tick only, some milliseconds, since that takes as long as everything else together. The tick
// itself costs one load.
static __always_inline int is_young(__u32 queue, volatile struct heartbeat *heart)
{
	__u64 *alive_tick = bpf_map_lookup_elem(&alive_ticks, &queue);
	__u64 tick = bpf_jiffies64();

	if (!alive_tick || heart->owner & FUTEX_OWNER_DIED)
		return 0;
	if (*alive_tick == tick)
		return 1;
	// Signed: another CPU may have stored a beat that is slightly younger than this clock read.
	if ((__s64)(bpf_ktime_get_ns() - heart->beat_ns) > (__s64)heartbeat_timeout_ns)
		return 0;
	*alive_tick = tick;
	return 1;
}

static __always_inline int engine_alive(__u32 queue)
{
	volatile struct heartbeat *heart = bpf_map_lookup_elem(&heartbeats, &queue);

	return heart && is_young(queue, heart);
}

static __always_inline void enter(struct xdp_md *ctx, struct settled *flow, enum port port, __u32 from_upper)
{
	struct count *count = &flow->counts[port][from_upper & 1];

	if (flow->is_concurrent) {
		__sync_fetch_and_add(&count->frames, 1);
		__sync_fetch_and_add(&count->bytes, frame_bytes(ctx));
	} else {
		count->frames += 1;
		count->bytes += frame_bytes(ctx);
	}
}

// What becomes of a frame of a settled flow: dropped, or redirected while somebody lives to ask what passed. Where it
// is neither, XDP_ABORTED.
static __always_inline int carry_out(struct xdp_md *ctx, struct settled *flow, enum port port, __u32 from_upper,
				     void *xsks)
{
	__u32 queue = ctx->rx_queue_index;
	volatile struct heartbeat *heart = bpf_map_lookup_elem(&heartbeats, &queue);
	__u32 passes = flow->passes;

	if (!passes) {
		enter(ctx, flow, port, from_upper);
		// Near enough while somebody lives to ask, and much cheaper than to read a clock. A queue that was added since
		// the engine began has no heart.
		if (heart)
			flow->last_seen_ns = heart->beat_ns;
		count(port, COUNT_DROPPED_FLOW_BLOCKED);
		return XDP_DROP;
	}
	// A killed engine leaves an empty slot at once, and a young beat for a while.
	if (!heart || !(passes >> (2 * port + (from_upper & 1)) & 1) || frame_bytes(ctx) > bypass_bytes_max ||
	    !bpf_map_lookup_elem(xsks, &queue) || !is_young(queue, heart) ||
	    bpf_redirect_map(&egress, PORTS - 1 - port, XDP_ABORTED) != XDP_REDIRECT)
		return XDP_ABORTED;
	enter(ctx, flow, port, from_upper);
	flow->last_seen_ns = heart->beat_ns;
	count(port, COUNT_BYPASSED);
	return XDP_REDIRECT;
}

// What becomes of a frame whose flow is settled, or XDP_ABORTED. The edges of connections are the engine's to see: a
// SYN may open a new one between the same ports.
static __always_inline int settle(struct xdp_md *ctx, const struct network *network, enum port port, void *xsks)
{
	struct place place = {};
	struct settled *flow;

	if (network->ether_type == ETHER_TYPE_IPV4) {
		struct flow_key_v4 key;

		if (!read_flow_v4(ctx, network, &key, &place) || place.is_edge)
			return XDP_ABORTED;
		flow = bpf_map_lookup_elem(&settled_v4, &key);
	} else {
		struct flow_key_v6 key;

		if (network->ether_type != ETHER_TYPE_IPV6 || !read_flow_v6(ctx, network, &key, &place) || place.is_edge)
			return XDP_ABORTED;
		flow = bpf_map_lookup_elem(&settled_v6, &key);
	}
	return flow ? carry_out(ctx, flow, port, place.from_upper, xsks) : XDP_ABORTED;
}

// Whether a source has used up its credit. Two CPUs may both pass a frame on the last of it.
static __always_inline int is_flooding(struct xdp_md *ctx, const struct network *network)
{
	struct address source;
	__u64 now_ns = bpf_ktime_get_ns();
	__u64 *due_ns, first_ns;

	if (!read_end(ctx, network, SOURCE, &source))
		return 0;
	// Whoever has one IPv6 address has its /64.
	if (source.version == 6)
		source.halves[1] = 0;
	due_ns = bpf_map_lookup_elem(&sources, &source);
	if (!due_ns) {
		first_ns = now_ns + source_interval_ns;
		bpf_map_update_elem(&sources, &source, &first_ns, BPF_ANY);
		return 0;
	}
	if ((__s64)(*due_ns - now_ns) >= SOURCE_BURST_NS)
		return 1;
	*due_ns = ((__s64)(*due_ns - now_ns) > 0 ? *due_ns : now_ns) + source_interval_ns;
	return 0;
}

static __always_inline int is_for_host(struct xdp_md *ctx, const struct network *network)
{
	struct address addressee;

	return read_addressee(ctx, network, &addressee) && bpf_map_lookup_elem(&hosts, &addressee);
}

// What is decided already, or XDP_ABORTED.
static __always_inline int decided(struct xdp_md *ctx, enum port port, void *xsks)
{
	struct network network = {};

	if (!read_network(ctx, &network))
		return XDP_ABORTED;
	if (host_count && is_for_host(ctx, &network)) {
		count(port, COUNT_PASSED_TO_HOST);
		return XDP_PASS;
	}
	if (settled_max) {
		int action = settle(ctx, &network, port, xsks);

		if (action != XDP_ABORTED)
			return action;
	}
	if (source_interval_ns && port == OUTSIDE && is_flooding(ctx, &network)) {
		count(port, COUNT_DROPPED_SOURCE_RATE);
		return XDP_DROP;
	}
	return XDP_ABORTED;
}

static __always_inline int handle(struct xdp_md *ctx, enum port port, void *xsks)
{
	__u32 queue = ctx->rx_queue_index;

	if (host_count || settled_max || source_interval_ns) {
		int action = decided(ctx, port, xsks);

		if (action != XDP_ABORTED)
			return action;
	}
	if (engine_alive(queue) && bpf_redirect_map(xsks, queue, XDP_ABORTED) == XDP_REDIRECT) {
		count(port, COUNT_REDIRECTED);
		return XDP_REDIRECT;
	}
	count(port, action_on_engine_loss == XDP_PASS ? COUNT_PASSED_BY_ENGINE_LOSS : COUNT_DROPPED_BY_ENGINE_LOSS);
	return action_on_engine_loss;
}

SEC(PROGRAM)
int weir_inside(struct xdp_md *ctx)
{
	return handle(ctx, INSIDE, &inside_xsks);
}

SEC(PROGRAM)
int weir_outside(struct xdp_md *ctx)
{
	return handle(ctx, OUTSIDE, &outside_xsks);
}

// A flow as it is told to a test: the key of either family from its begin on.
struct told {
	union {
		struct flow_key_v4 v4;
		struct flow_key_v6 v6;
	} key;
	struct place place;
	__u64 version;
};

// Puts the flow of a frame before the frame, where it has one: so a test sees what the programs above see.
SEC(PROGRAM)
int weir_flow(struct xdp_md *ctx)
{
	struct network network = {};
	struct told told = {}, *place;

	if (!read_network(ctx, &network))
		return XDP_DROP;
	told.version = network.ether_type == ETHER_TYPE_IPV4 ? 4 : 6;
	if (network.ether_type == ETHER_TYPE_IPV4 ? !read_flow_v4(ctx, &network, &told.key.v4, &told.place) :
						    !read_flow_v6(ctx, &network, &told.key.v6, &told.place))
		return XDP_DROP;
	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(told)))
		return XDP_ABORTED;
	place = bytes_at(ctx, 0, sizeof(*place));
	if (!place)
		return XDP_ABORTED;
	*place = told;
	return XDP_PASS;
}

char program_license[] SEC("license") = "Apache-2.0";
