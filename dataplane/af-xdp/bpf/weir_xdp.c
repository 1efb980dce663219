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
// How many addresses `hosts` holds, and how many flows may be settled. Where one is 0, its map is not asked.
const volatile __u32 host_count = 0;
const volatile __u32 settled_max = 0;
// How far the hash of a flow is shifted for its bucket among the settled ones, and what keys the hash.
const volatile __u32 settled_shift = 63;
const volatile __u64 settled_seeds[11] = {};
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

// The worker of an RX queue. A line of the cache of its own, as other CPUs work on other queues.
struct heartbeat {
	// CLOCK_MONOTONIC at which it was last alive.
	__u64 beat_ns;
	// The tick of the kernel's clock in which it was last found alive, by a program.
	__u64 alive_tick;
	// A futex that its thread holds, which the kernel marks when that thread dies, however it does.
	__u32 owner;
} __attribute__((aligned(64)));

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

// A flow about which nothing is left to decide, or a slot for one. The engine maps this memory, and a slot takes
// two lines of the cache.
struct settled {
	struct flow_key key;
	// What is to be done: 0 is nothing, HANDLED is to drop. Else to pass on, and a bit for each port and endpoint, in the
	// order of the counts: whether what comes in there from that endpoint passes. The rest is the engine's to judge.
	__u32 handling;
	// Whether several CPUs may run the program of one port at once.
	__u32 is_concurrent;
	// CLOCK_MONOTONIC of the heartbeat before the last frame.
	__u64 last_seen_ns;
	// By port, frames for which the slot is being read. What they find holds until they have left: who takes the flow out
	// clears `handling` and waits for them. Only the program of that port writes there, whoever has the slot.
	__u32 visitors[PORTS];
	// What came in by a port from an endpoint, the lower one first. Only the program of that port writes there.
	struct count counts[PORTS][2];
};

#define HANDLED 0x10
#define PASSES 0x0f

// Slots of a bucket, and in its word of tags one byte for each, the first one lowest.
#define BUCKET_SLOTS 8
#define EACH_BYTE 0x0101010101010101ULL
#define EACH_TOP_BIT 0x8080808080808080ULL
// Multiplied by a word that has only its byte `n` at 1, it has `n` in the top byte.
#define BYTE_NUMBERS 0x0001020304050607ULL

// By bucket: the tags of the flows in its slots. A tag is seven bits of the flow's hash below a bit that is set; what has
// that bit clear is no flow.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} settled_tags SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct settled);
} settled_flows SEC(".maps");

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
static __always_inline int is_young(volatile struct heartbeat *heart)
{
	__u64 tick = bpf_jiffies64();

	if (heart->owner & FUTEX_OWNER_DIED)
		return 0;
	if (heart->alive_tick == tick)
		return 1;
	// Signed: another CPU may have stored a beat that is slightly younger than this clock read.
	if ((__s64)(bpf_ktime_get_ns() - heart->beat_ns) > (__s64)heartbeat_timeout_ns)
		return 0;
	heart->alive_tick = tick;
	return 1;
}

static __always_inline int engine_alive(__u32 queue)
{
	volatile struct heartbeat *heart = bpf_map_lookup_elem(&heartbeats, &queue);

	return heart && is_young(heart);
}

// Multilinear-HM (Lemire and Kaser, "Strongly universal string hashing is fast", 2014) of the 32-bit halves of a key: of
// the result, the upper 32 bits are strongly universal. The words of zero that an IPv4 key ends in are left out.
static __always_inline __u64 hash(const struct flow_key *key, __u32 address_words)
{
	__u64 sum = settled_seeds[0] + (settled_seeds[1] + (key->ports_and_tags >> 32)) *
					       (settled_seeds[2] + (__u32)key->ports_and_tags);

#pragma clang loop unroll(full)
	for (__u32 i = 0; i < address_words; i++)
		sum += (settled_seeds[3 + 2 * i] + (key->addresses[i] >> 32)) *
		       (settled_seeds[4 + 2 * i] + (__u32)key->addresses[i]);
	return sum;
}

// The words are those that follow from the family, which the tags tell.
static __always_inline int is_of(const struct settled *flow, const struct flow_key *key, __u32 address_words)
{
	__u64 different = flow->key.ports_and_tags ^ key->ports_and_tags;

#pragma clang loop unroll(full)
	for (__u32 i = 0; i < address_words; i++)
		different |= flow->key.addresses[i] ^ key->addresses[i];
	return !different;
}

// Adds 1 or -1, before whatever follows and after what precedes. A plain addition is seen by the engine once the CPU has
// written back what it stored, which the engine waits for.
static __always_inline void visit(struct settled *flow, enum port port, __u32 change)
{
	asm volatile("" ::: "memory");
	if (flow->is_concurrent)
		__sync_fetch_and_add(&flow->visitors[port], change);
	else
		*(volatile __u32 *)&flow->visitors[port] += change;
	asm volatile("" ::: "memory");
}

// The settled flow of a key, which is visited then.
static __always_inline struct settled *find(const struct flow_key *key, __u32 address_words, enum port port)
{
	__u64 hashed = hash(key, address_words);
	__u32 bucket = hashed >> settled_shift;
	__u64 *tags = bpf_map_lookup_elem(&settled_tags, &bucket);
	__u64 different, equal;

	if (!tags)
		return NULL;
	different = *(volatile __u64 *)tags ^ ((hashed >> 32 & 0x7f) | 0x80) * EACH_BYTE;
	// The top bit of each byte that is 0, and perhaps of some above one.
	equal = (different - EACH_BYTE) & ~different & EACH_TOP_BIT;
	for (int i = 0; i < BUCKET_SLOTS && equal; i++) {
		__u32 slot = bucket * BUCKET_SLOTS + (((equal & -equal) >> 7) * BYTE_NUMBERS >> 56);
		struct settled *flow = bpf_map_lookup_elem(&settled_flows, &slot);

		if (!flow)
			return NULL;
		visit(flow, port, 1);
		if (*(volatile __u32 *)&flow->handling && is_of(flow, key, address_words))
			return flow;
		visit(flow, port, -1);
		equal &= equal - 1;
	}
	return NULL;
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
	__u32 passes = flow->handling & PASSES;

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
	    !bpf_map_lookup_elem(xsks, &queue) || !is_young(heart) ||
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
	struct flow_key key;
	struct settled *flow;
	int action;

	if (network->ether_type == ETHER_TYPE_IPV4) {
		if (!read_flow_v4(ctx, network, &key, &place) || place.is_edge)
			return XDP_ABORTED;
		flow = find(&key, 1, port);
	} else {
		if (network->ether_type != ETHER_TYPE_IPV6 || !read_flow_v6(ctx, network, &key, &place) || place.is_edge)
			return XDP_ABORTED;
		flow = find(&key, 4, port);
	}
	if (!flow)
		return XDP_ABORTED;
	action = carry_out(ctx, flow, port, place.from_upper, xsks);
	visit(flow, port, -1);
	return action;
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

// A flow as it is told to a test.
struct told {
	struct flow_key key;
	struct place place;
};

// Puts the flow of a frame before the frame, where it has one: so a test sees what the programs above see.
SEC(PROGRAM)
int weir_flow(struct xdp_md *ctx)
{
	struct network network = {};
	struct told told = {}, *place;

	if (!read_network(ctx, &network))
		return XDP_DROP;
	if (network.ether_type == ETHER_TYPE_IPV4 ? !read_flow_v4(ctx, &network, &told.key, &told.place) :
						    !read_flow_v6(ctx, &network, &told.key, &told.place))
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
