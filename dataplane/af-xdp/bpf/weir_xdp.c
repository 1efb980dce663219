// SPDX-License-Identifier: Apache-2.0
//
// Hands every frame of one port to the AF_XDP socket of its RX queue while the engine lives; once the
// engine is gone, does with the frame what the operator chose.
//
// None of the helpers called is reserved to GPL programs.

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

// Written by the loader, before the verifier sees the program.
const volatile __u64 heartbeat_timeout_ns = 0;
const volatile __u32 action_on_engine_loss = XDP_DROP;

// One socket for each RX queue. The kernel empties a slot when the socket is closed, also by a kill.
struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} xsks SEC(".maps");

// CLOCK_MONOTONIC in ns at which the worker of each RX queue was last alive; the engine maps this memory.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} heartbeats SEC(".maps");

enum counter {
	COUNT_REDIRECTED,
	COUNT_PASSED_BY_ENGINE_LOSS,
	COUNT_DROPPED_BY_ENGINE_LOSS,
	COUNTERS,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

static __always_inline void count(__u32 counter)
{
	__u64 *frames = bpf_map_lookup_elem(&counters, &counter);

	if (frames)
		*frames += 1;
}

static __always_inline int engine_alive(__u32 queue)
{
	volatile __u64 *beat = bpf_map_lookup_elem(&heartbeats, &queue);

	if (!beat)
		return 0;
	// Signed: another CPU may have stored a beat that is slightly younger than this clock read.
	return (__s64)(bpf_ktime_get_ns() - *beat) <= (__s64)heartbeat_timeout_ns;
}

SEC("xdp")
int weir_xdp(struct xdp_md *ctx)
{
	__u32 queue = ctx->rx_queue_index;

	if (engine_alive(queue) && bpf_redirect_map(&xsks, queue, XDP_ABORTED) == XDP_REDIRECT) {
		count(COUNT_REDIRECTED);
		return XDP_REDIRECT;
	}
	count(action_on_engine_loss == XDP_PASS ? COUNT_PASSED_BY_ENGINE_LOSS : COUNT_DROPPED_BY_ENGINE_LOSS);
	return action_on_engine_loss;
}

char program_license[] SEC("license") = "Apache-2.0";
