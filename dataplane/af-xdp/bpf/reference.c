// SPDX-License-Identifier: Apache-2.0
//
// The least that a program can do with a frame: what examples/reference.rs sets beside the programs of a link.

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bpf_devmap_val);
} egress SEC(".maps");

SEC("xdp")
int drop_all(struct xdp_md *ctx)
{
	return XDP_DROP;
}

SEC("xdp")
int redirect_all(struct xdp_md *ctx)
{
	return bpf_redirect_map(&egress, 0, XDP_ABORTED);
}

SEC("xdp")
int pass_all(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char program_license[] SEC("license") = "Apache-2.0";
