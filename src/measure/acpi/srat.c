/*
 * SRAT: which processors and which memory belong to which NUMA node.
 *
 * Nodes share the memory evenly, in order.  Their ranges are cut where a PC has no memory: at
 * 640 KiB to 1 MiB, and where RAM ends below 4 GiB.  There are always two entries more than
 * nodes, one for each cut; those not needed are left disabled.
 */
#include "measure/acpi/tables.h"

#include <assert.h>

enum {
	SRAT_LOCAL_APIC = 0,
	SRAT_MEMORY = 1,
	SRAT_X2APIC = 2,
	ENABLED = 1,
	N_CUTS = 2,
	VGA_FIRST = 0xA0000,
	VGA_END = 0x100000,
};

static void
cpu_write(struct bytebuf *b, uint32_t i, uint32_t node)
{
	if (!madt_is_x2apic(i)) {
		bytebuf_u8(b, SRAT_LOCAL_APIC);
		bytebuf_u8(b, 16);
		bytebuf_u8(b, node);
		bytebuf_u8(b, i);
		bytebuf_u32(b, ENABLED);
		bytebuf_zeros(b, 8);
		return;
	}
	bytebuf_u8(b, SRAT_X2APIC);
	bytebuf_u8(b, 24);
	bytebuf_u16(b, 0);
	bytebuf_u32(b, node);
	bytebuf_u32(b, i);
	bytebuf_u32(b, ENABLED);
	bytebuf_zeros(b, 8);
}

static void
memory_write(struct bytebuf *b, uint32_t node, uint64_t base, uint64_t len, uint32_t flags)
{
	bytebuf_u8(b, SRAT_MEMORY);
	bytebuf_u8(b, 40);
	bytebuf_u32(b, node);
	bytebuf_u16(b, 0);
	bytebuf_u64(b, base);
	bytebuf_u64(b, len);
	bytebuf_u32(b, 0);
	bytebuf_u32(b, flags);
	bytebuf_u64(b, 0);
}

/* One memory range from base to the byte before end; nothing when it is empty. */
static void
range_write(struct bytebuf *b, unsigned *n_left, uint32_t node, uint64_t base, uint64_t end)
{
	if (base == end)
		return;
	assert(*n_left > 0);            /* each cut is made once */
	memory_write(b, node, base, end - base, ENABLED);
	(*n_left)--;
}

/*
 * A node's ranges; gives where the next node begins.  The end of the last node may wrap
 * around 2^64 where RAM was moved up; its length is right all the same.  A node that ends
 * between 640 KiB and 1 MiB loses that part and the next one begins at 1 MiB, as in QEMU.
 */
static uint64_t
node_write(struct bytebuf *b, unsigned *n_left, uint32_t node, uint64_t base,
    const struct machine *m)
{
	uint64_t end = base + m->memory / m->n_nodes;

	if (base <= VGA_FIRST && VGA_FIRST < end) {
		range_write(b, n_left, node, base, VGA_FIRST);
		if (end <= VGA_END)
			return VGA_END;
		base = VGA_END;
	}
	if (base <= m->below4g && m->below4g < end) {
		range_write(b, n_left, node, base, m->below4g);
		end = m->above4g + (end - m->below4g);
		base = m->above4g;
	}
	range_write(b, n_left, node, base, end);
	return end;
}

void
srat_write(struct bytebuf *b, const struct machine *m)
{
	const size_t at = table_begin(b, "SRAT", 1);
	unsigned n_left = m->n_nodes + N_CUTS;
	uint64_t base = 0;

	bytebuf_u32(b, 1);
	bytebuf_u64(b, 0);
	for (uint32_t i = 0; i < m->n_cpus; i++)
		cpu_write(b, i, machine_node(m, i));
	for (uint32_t node = 0; node < m->n_nodes; node++)
		base = node_write(b, &n_left, node, base, m);
	while (n_left-- > 0)
		memory_write(b, 0, 0, 0, 0);
	table_end(b, at);
}
