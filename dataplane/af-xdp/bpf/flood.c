// SPDX-License-Identifier: Apache-2.0
//
// Sends every frame that it is run on out of one device, numbering it first: the generator of examples/flood.rs.

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

// Written by the loader.
const volatile __u32 interface_index = 0;

// Ethernet, IPv4 without options and UDP stand before the number.
#define NUMBER_OFFSET_BYTES 42

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} next_number SEC(".maps");

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
	*number += 1;
	return bpf_redirect(interface_index, 0);
}

char program_license[] SEC("license") = "Apache-2.0";
