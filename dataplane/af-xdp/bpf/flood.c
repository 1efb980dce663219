// SPDX-License-Identifier: Apache-2.0
//
// Sends every frame that it is run on out of one device, numbering it first: the generator of examples/flood.rs.

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

// Written by the loader. An interval of 0 sends as fast as possible.
const volatile __u32 interface_index = 0;
const volatile __u64 interval_ns = 0;

// Ethernet, IPv4 without options and UDP stand before the number.
#define NUMBER_OFFSET_BYTES 42

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} next_number SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} started_ns SEC(".maps");

static long is_due(__u32 turn, void *due_ns)
{
	return bpf_ktime_get_ns() >= *(__u64 *)due_ns;
}

// Spins until the frame is due, at most some ten milliseconds. Here rather than in the process, for which each
// call into the kernel waits for an RCU grace period first.
static __always_inline void pace(__u64 number)
{
	__u32 zero = 0;
	__u64 *started = bpf_map_lookup_elem(&started_ns, &zero);
	__u64 due_ns, now_ns;

	if (!started || !interval_ns)
		return;
	if (number == 0)
		*started = bpf_ktime_get_ns();
	due_ns = *started + number * interval_ns;
	now_ns = bpf_ktime_get_ns();
	// After a pause, go on at the rate rather than make up for it in a burst.
	if ((__s64)(now_ns - due_ns) > 1000000)
		*started += now_ns - due_ns;
	bpf_loop(1 << 18, is_due, &due_ns, 0);
}

SEC("xdp")
int flood(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data;
	__u8 *end = (__u8 *)(long)ctx->data_end;
	__u32 zero = 0;
	__u64 *number = bpf_map_lookup_elem(&next_number, &zero);

	if (!number || data + NUMBER_OFFSET_BYTES + 8 > end)
		return XDP_DROP;
	*(__u64 *)(data + NUMBER_OFFSET_BYTES) = bpf_cpu_to_be64(*number);
	pace(*number);
	*number += 1;
	return bpf_redirect(interface_index, 0);
}

char program_license[] SEC("license") = "Apache-2.0";
