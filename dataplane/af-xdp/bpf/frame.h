// SPDX-License-Identifier: Apache-2.0
//
// Reads the headers of a frame as far as its flow needs. Whatever is not plain (options, extension headers,
// fragments, a third VLAN tag, lengths that contradict each other), and whatever may be a tunnel, has no flow here: the
// engine reads it.

#pragma once

#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/stddef.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define ETHER_TYPE_IPV4 0x0800
#define ETHER_TYPE_ARP 0x0806
#define ETHER_TYPE_IPV6 0x86dd
#define VLAN_TAGS_MAX 2
#define VLAN_ID 0x0fff
// Set beside a VLAN identifier, to tell it from none.
#define VLAN_PRESENT 0x1000

#define IPV4_MORE_FRAGMENTS_OR_OFFSET 0x3fff
#define PROTOCOL_ICMPV6 58
#define ICMPV6_NEIGHBOUR_SOLICITATION 135
// ff02::1:ff00:0/104 (RFC 4291 section 2.7.1), without its last 24 bits.
#define SOLICITED_NODE_HIGH 0xff02000000000000
#define SOLICITED_NODE_LOW 0x1ff000000
#define TCP_FIN_SYN_RST 0x07

// An address of either family, in host order, the more significant half first.
struct address {
	__u64 halves[2];
	__u64 version;
};

// Equal for both directions: the lower endpoint stands first. Whole words, since those that are put together of shorter
// stores are slow to load.
struct flow_key {
	// From the top: the lower port and the upper port, 16 bits each; TAG_UDP and TAG_IPV6; the VLANs, the outermost first,
	// of which each has the lower 13 of 16 bits.
	__u64 ports_and_tags;
	// IPv6: two words of the lower address, then two of the upper one. IPv4: the lower address above the upper one, and
	// three words of zero.
	__u64 addresses[4];
};

// One bit each, that the VLANs leave free.
#define TAG_UDP 0x80000000ULL
#define TAG_IPV6 0x40000000ULL

// The network header, and where the upper layer lies. Addresses are read where they are needed.
struct network {
	__u32 offset;
	// Of the header at the offset, in host order: IPv4, IPv6 or ARP.
	__u16 ether_type;
	// 0 for ARP, for fragments, and behind options: no flow can be read.
	__u8 protocol;
	// 16 bits each, the outermost above.
	__u32 vlans;
	__u32 upper_offset;
	__u32 upper_bytes;
};

// What a frame is to its flow.
struct place {
	// Whether the source is the upper endpoint.
	__u32 from_upper;
	// Whether it is a TCP segment that begins or ends a connection.
	__u32 is_edge;
};

// The structs below lie in frames at whatever offset: all machines that this runs on load from there at once.

// RFC 826, for Ethernet and IPv4. Its addresses stand across words.
struct arp {
	__be16 hardware, protocol;
	__u8 hardware_bytes, protocol_bytes;
	__be16 operation;
	__u8 sender_hardware[6];
	__be32 sender;
	__u8 target_hardware[6];
	__be32 target;
} __attribute__((packed));

// RFC 791 section 3.1.
struct ipv4 {
	__u8 version_and_length, service;
	__be16 total_bytes, id, fragment;
	__u8 hops, protocol;
	__be16 checksum;
	__be32 source, destination;
};

// RFC 8200 section 3.
struct ipv6 {
	__be32 version_and_flow;
	__be16 payload_bytes;
	__u8 next_header, hops;
	__be64 source[2], destination[2];
};

// RFC 4861 section 4.3.
struct solicitation {
	__u8 type, code;
	__be16 checksum;
	__be32 reserved;
	__be64 target[2];
};

struct vlan_tag {
	__be16 control, ether_type;
};

struct ports {
	__be16 source, destination;
};

// RFC 9293 section 3.1, without the options.
struct tcp {
	struct ports ports;
	__be32 sequence, acknowledgment;
	__u8 data_offset, flags;
	__be16 window, checksum, urgent;
};

// RFC 768.
struct udp {
	struct ports ports;
	__be16 bytes, checksum;
};

// The bytes from an offset of the frame on, if there are so many.
static __always_inline void *bytes_at(struct xdp_md *ctx, __u32 offset, __u32 bytes)
{
	void *start = (void *)(long)ctx->data + offset;

	return start + bytes <= (void *)(long)ctx->data_end ? start : NULL;
}

// Of all its buffers; what is read of a frame is in the first.
static __always_inline __u32 frame_bytes(struct xdp_md *ctx)
{
#ifdef FRAGS
	return bpf_xdp_get_buff_len(ctx);
#else
	return ctx->data_end - ctx->data;
#endif
}

static __always_inline void read_ipv4_address(__be32 bits, struct address *address)
{
	address->halves[0] = 0;
	address->halves[1] = bpf_ntohl(bits);
	address->version = 4;
}

static __always_inline void read_ipv6_address(const __be64 *halves, struct address *address)
{
	address->halves[0] = bpf_be64_to_cpu(halves[0]);
	address->halves[1] = bpf_be64_to_cpu(halves[1]);
	address->version = 6;
}

// RFC 826. Questions and answers for addresses have a sender and a target as packets have a source and a destination.
static __always_inline struct arp *arp_at(struct xdp_md *ctx, __u32 offset)
{
	struct arp *arp = bytes_at(ctx, offset, sizeof(*arp));

	if (!arp || arp->hardware != bpf_htons(1) || arp->protocol != bpf_htons(ETHER_TYPE_IPV4) ||
	    arp->hardware_bytes != 6 || arp->protocol_bytes != 4)
		return NULL;
	return arp;
}

static __always_inline int read_ipv4(struct xdp_md *ctx, struct network *network)
{
	struct ipv4 *ip = bytes_at(ctx, network->offset, sizeof(*ip));
	__u32 total_bytes;

	if (!ip || ip->version_and_length >> 4 != 4)
		return 0;
	total_bytes = bpf_ntohs(ip->total_bytes);
	if (ip->version_and_length != 0x45 || total_bytes < sizeof(*ip) ||
	    network->offset + total_bytes > frame_bytes(ctx) ||
	    ip->fragment & bpf_htons(IPV4_MORE_FRAGMENTS_OR_OFFSET))
		return 1;
	network->protocol = ip->protocol;
	network->upper_offset = network->offset + sizeof(*ip);
	network->upper_bytes = total_bytes - sizeof(*ip);
	return 1;
}

static __always_inline int read_ipv6(struct xdp_md *ctx, struct network *network)
{
	struct ipv6 *ip = bytes_at(ctx, network->offset, sizeof(*ip));
	__u32 payload_bytes;

	if (!ip || bpf_ntohl(ip->version_and_flow) >> 28 != 6)
		return 0;
	payload_bytes = bpf_ntohs(ip->payload_bytes);
	if (network->offset + sizeof(*ip) + payload_bytes > frame_bytes(ctx))
		return 1;
	network->protocol = ip->next_header;
	network->upper_offset = network->offset + sizeof(*ip);
	network->upper_bytes = payload_bytes;
	return 1;
}

// IEEE 802.1Q, 802.1ad, and what was usual before.
static __always_inline int is_vlan(__be16 ether_type)
{
	return ether_type == bpf_htons(0x8100) || ether_type == bpf_htons(0x88a8) ||
	       ether_type == bpf_htons(0x9100);
}

// Whether the frame is ARP, IPv4 or IPv6, with addresses that can be read.
static __always_inline int read_network(struct xdp_md *ctx, struct network *network)
{
	__be16 *ether_type = bytes_at(ctx, 12, sizeof(*ether_type));
	__be16 type;

	if (!ether_type)
		return 0;
	network->offset = 14;
	type = *ether_type;
#pragma clang loop unroll(full)
	for (int i = 0; i < VLAN_TAGS_MAX; i++) {
		struct vlan_tag *tag;
		__u16 id;

		if (!is_vlan(type))
			break;
		tag = bytes_at(ctx, network->offset, sizeof(*tag));
		if (!tag)
			return 0;
		id = bpf_ntohs(tag->control) & VLAN_ID;
		// Identifier 0 marks a priority, and no VLAN (802.1Q section 9.6).
		if (id)
			network->vlans |= (__u32)(id | VLAN_PRESENT) << (network->vlans ? 0 : 16);
		type = tag->ether_type;
		network->offset += sizeof(*tag);
	}
	network->ether_type = bpf_ntohs(type);
	if (network->ether_type == ETHER_TYPE_IPV4)
		return read_ipv4(ctx, network);
	if (network->ether_type == ETHER_TYPE_IPV6)
		return read_ipv6(ctx, network);
	return network->ether_type == ETHER_TYPE_ARP && arp_at(ctx, network->offset);
}

enum end {
	SOURCE,
	DESTINATION,
};

// The address of one end, as the header has it; of a question for an address (ARP), the asker and who is asked for.
static __always_inline int read_end(struct xdp_md *ctx, const struct network *network, enum end end,
				    struct address *address)
{
	struct ipv4 *v4;
	struct ipv6 *v6;
	struct arp *arp;

	switch (network->ether_type) {
	case ETHER_TYPE_IPV4:
		v4 = bytes_at(ctx, network->offset, sizeof(*v4));
		if (!v4)
			return 0;
		read_ipv4_address(end == SOURCE ? v4->source : v4->destination, address);
		return 1;
	case ETHER_TYPE_IPV6:
		v6 = bytes_at(ctx, network->offset, sizeof(*v6));
		if (!v6)
			return 0;
		read_ipv6_address(end == SOURCE ? v6->source : v6->destination, address);
		return 1;
	}
	arp = arp_at(ctx, network->offset);
	if (!arp)
		return 0;
	read_ipv4_address(end == SOURCE ? arp->sender : arp->target, address);
	return 1;
}

// Whom a neighbour solicitation to a group asks for (RFC 4861), where the packet is one.
static __always_inline void read_solicited(struct xdp_md *ctx, const struct network *network,
					   struct address *addressee)
{
	struct solicitation *asked;

	if (network->protocol != PROTOCOL_ICMPV6 || addressee->halves[0] != SOLICITED_NODE_HIGH ||
	    (addressee->halves[1] & ~0xffffffULL) != SOLICITED_NODE_LOW)
		return;
	asked = bytes_at(ctx, network->upper_offset, sizeof(*asked));
	if (asked && asked->type == ICMPV6_NEIGHBOUR_SOLICITATION)
		read_ipv6_address(asked->target, addressee);
}

// Whom the frame is for; of a question for an address, the one that is asked for.
static __always_inline int read_addressee(struct xdp_md *ctx, const struct network *network,
					  struct address *addressee)
{
	if (!read_end(ctx, network, DESTINATION, addressee))
		return 0;
	if (network->ether_type == ETHER_TYPE_IPV6)
		read_solicited(ctx, network, addressee);
	return 1;
}

// VXLAN (RFC 7348, and its former port), GENEVE (RFC 8926), GTP-U (3GPP TS 29.281). What is in a tunnel belongs to
// another flow than its frame's outermost headers say.
static __always_inline int is_tunnel_port(__be16 port)
{
	return port == bpf_htons(4789) || port == bpf_htons(8472) || port == bpf_htons(6081) || port == bpf_htons(2152);
}

// The ports of a TCP segment or a UDP datagram whose lengths agree with those of its packet.
static __always_inline struct ports *read_ports(struct xdp_md *ctx, const struct network *network,
						 struct place *place)
{
	if (network->protocol == IPPROTO_TCP) {
		struct tcp *tcp = bytes_at(ctx, network->upper_offset, sizeof(*tcp));
		__u32 header_bytes;

		if (!tcp || network->upper_bytes < sizeof(*tcp))
			return NULL;
		header_bytes = (tcp->data_offset >> 4) * 4;
		if (header_bytes < sizeof(*tcp) || header_bytes > network->upper_bytes)
			return NULL;
		place->is_edge = (tcp->flags & TCP_FIN_SYN_RST) != 0;
		return &tcp->ports;
	}
	if (network->protocol == IPPROTO_UDP) {
		struct udp *udp = bytes_at(ctx, network->upper_offset, sizeof(*udp));
		__u32 bytes;

		if (!udp || network->upper_bytes < sizeof(*udp))
			return NULL;
		if (is_tunnel_port(udp->ports.source) || is_tunnel_port(udp->ports.destination))
			return NULL;
		bytes = bpf_ntohs(udp->bytes);
		return bytes < sizeof(*udp) || bytes > network->upper_bytes ? NULL : &udp->ports;
	}
	return NULL;
}

static __always_inline __u64 ports_and_tags(const struct network *network, __u64 lower_port, __u64 upper_port)
{
	return lower_port << 48 | upper_port << 32 | (network->protocol == IPPROTO_UDP ? TAG_UDP : 0) |
	       (network->ether_type == ETHER_TYPE_IPV6 ? TAG_IPV6 : 0) | network->vlans;
}

// Whether an IPv4 packet belongs to a flow that can be read here.
static __always_inline int read_flow_v4(struct xdp_md *ctx, const struct network *network, struct flow_key *key,
					struct place *place)
{
	struct ports *ports = read_ports(ctx, network, place);
	struct ipv4 *ip = bytes_at(ctx, network->offset, sizeof(*ip));
	__u64 source, destination, lower, upper;

	if (!ports || !ip)
		return 0;
	// An address above its port: so two endpoints compare as their parts do.
	source = (__u64)bpf_ntohl(ip->source) << 16 | bpf_ntohs(ports->source);
	destination = (__u64)bpf_ntohl(ip->destination) << 16 | bpf_ntohs(ports->destination);
	place->from_upper = source > destination;
	lower = place->from_upper ? destination : source;
	upper = place->from_upper ? source : destination;
	key->addresses[0] = lower >> 16 << 32 | upper >> 16;
	key->addresses[1] = key->addresses[2] = key->addresses[3] = 0;
	key->ports_and_tags = ports_and_tags(network, lower & 0xffff, upper & 0xffff);
	return 1;
}

static __always_inline int is_above(const struct address *a, __u64 a_port, const struct address *b, __u64 b_port)
{
	if (a->halves[0] != b->halves[0])
		return a->halves[0] > b->halves[0];
	if (a->halves[1] != b->halves[1])
		return a->halves[1] > b->halves[1];
	return a_port > b_port;
}

// Whether an IPv6 packet belongs to a flow that can be read here.
static __always_inline int read_flow_v6(struct xdp_md *ctx, const struct network *network, struct flow_key *key,
					struct place *place)
{
	struct ports *ports = read_ports(ctx, network, place);
	struct ipv6 *ip = bytes_at(ctx, network->offset, sizeof(*ip));
	struct address source, destination;
	__u64 source_port, destination_port;

	if (!ports || !ip)
		return 0;
	read_ipv6_address(ip->source, &source);
	read_ipv6_address(ip->destination, &destination);
	source_port = bpf_ntohs(ports->source);
	destination_port = bpf_ntohs(ports->destination);
	place->from_upper = is_above(&source, source_port, &destination, destination_port);
	if (place->from_upper) {
		key->addresses[0] = destination.halves[0];
		key->addresses[1] = destination.halves[1];
		key->addresses[2] = source.halves[0];
		key->addresses[3] = source.halves[1];
		key->ports_and_tags = ports_and_tags(network, destination_port, source_port);
	} else {
		key->addresses[0] = source.halves[0];
		key->addresses[1] = source.halves[1];
		key->addresses[2] = destination.halves[0];
		key->addresses[3] = destination.halves[1];
		key->ports_and_tags = ports_and_tags(network, source_port, destination_port);
	}
	return 1;
}
