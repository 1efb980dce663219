// SPDX-License-Identifier: Apache-2.0
//
// Does at once what is decided already: frames for the node itself pass to the kernel, those of blocked flows and
// of flooding sources are dropped. Every other frame goes to the AF_XDP socket of its RX queue while the engine
// lives; once the engine is gone, the program does with it what the operator chose.
//
// None of the helpers called is reserved to GPL programs.

#include "frame.h"

// Written by the loader, before the verifier sees the program.
const volatile __u64 heartbeat_timeout_ns = 0;
const volatile __u32 action_on_engine_loss = XDP_DROP;
// How many addresses `hosts` holds, and how many flows `settled` may hold. Where one is 0, its map is not asked.
const volatile __u32 host_count = 0;
const volatile __u32 settled_max = 0;
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

// The addresses of the node itself; never written once the program runs.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct address);
	__type(value, __u8);
} hosts SEC(".maps");

// What was dropped of a blocked flow, by the endpoint that sent it: the lower one first.
struct settled {
	__u64 frames[2];
	__u64 bytes[2];
	// CLOCK_MONOTONIC of the heartbeat before the last frame.
	__u64 last_seen_ns;
};

// Blocked flows. No LRU map: what such a map evicts takes its counts along.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct flow_key);
	__type(value, struct settled);
} settled SEC(".maps");

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

static __always_inline int engine_alive(__u32 queue)
{
	volatile struct heartbeat *heart = bpf_map_lookup_elem(&heartbeats, &queue);

	if (!heart || heart->owner & FUTEX_OWNER_DIED)
		return 0;
	// Signed: another CPU may have stored a beat that is slightly younger than this clock read.
	return (__s64)(bpf_ktime_get_ns() - heart->beat_ns) <= (__s64)heartbeat_timeout_ns;
}

// Whether the frame belongs to a blocked flow; if so, it is entered there. The edges of connections are the
// engine's to see: a SYN may open a new one between the same ports.
static __always_inline int is_blocked(struct xdp_md *ctx, const struct network *network)
{
	struct flow flow = {};
	struct settled *blocked;
	__u32 queue = ctx->rx_queue_index;
	volatile struct heartbeat *heart;

	if (!read_flow(ctx, network, &flow) || flow.is_edge)
		return 0;
	blocked = bpf_map_lookup_elem(&settled, &flow.key);
	if (!blocked)
		return 0;
	flow.from_upper &= 1;
	__sync_fetch_and_add(&blocked->frames[flow.from_upper], 1);
	__sync_fetch_and_add(&blocked->bytes[flow.from_upper], frame_bytes(ctx));
	// Near enough while somebody lives to ask, and much cheaper than to read a clock.
	heart = bpf_map_lookup_elem(&heartbeats, &queue);
	if (heart)
		blocked->last_seen_ns = heart->beat_ns;
	return 1;
}

// Whether a source has used up its credit. Two CPUs may both pass a frame on the last of it.
static __always_inline int is_flooding(const struct network *network)
{
	struct address source = network->source;
	__u64 now_ns = bpf_ktime_get_ns();
	__u64 *due_ns, first_ns;

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

// What is decided already, or XDP_ABORTED.
static __always_inline int decided(struct xdp_md *ctx, enum port port)
{
	struct network network = {};

	if (!read_network(ctx, &network))
		return XDP_ABORTED;
	if (host_count && bpf_map_lookup_elem(&hosts, &network.addressee)) {
		count(port, COUNT_PASSED_TO_HOST);
		return XDP_PASS;
	}
	if (settled_max && is_blocked(ctx, &network)) {
		count(port, COUNT_DROPPED_FLOW_BLOCKED);
		return XDP_DROP;
	}
	if (source_interval_ns && port == OUTSIDE && is_flooding(&network)) {
		count(port, COUNT_DROPPED_SOURCE_RATE);
		return XDP_DROP;
	}
	return XDP_ABORTED;
}

static __always_inline int handle(struct xdp_md *ctx, enum port port, void *xsks)
{
	__u32 queue = ctx->rx_queue_index;

	if (host_count || settled_max || source_interval_ns) {
		int action = decided(ctx, port);

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

SEC("xdp")
int weir_inside(struct xdp_md *ctx)
{
	return handle(ctx, INSIDE, &inside_xsks);
}

SEC("xdp")
int weir_outside(struct xdp_md *ctx)
{
	return handle(ctx, OUTSIDE, &outside_xsks);
}

// Puts the flow of a frame before the frame, where it has one: so a test sees what the programs above see.
SEC("xdp")
int weir_flow(struct xdp_md *ctx)
{
	struct network network = {};
	struct flow flow = {};
	struct flow *told;

	if (!read_network(ctx, &network) || !read_flow(ctx, &network, &flow))
		return XDP_DROP;
	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(flow)))
		return XDP_ABORTED;
	told = bytes_at(ctx, 0, sizeof(*told));
	if (!told)
		return XDP_ABORTED;
	*told = flow;
	return XDP_PASS;
}

char program_license[] SEC("license") = "Apache-2.0";
