#include "measure/td_hob.h"

#include <assert.h>

#include "measure/acpi/bytebuf.h"

#define HOB_HANDOFF             1       /* PI specification, EFI_HOB_TYPE_HANDOFF       */
#define HOB_HANDOFF_LEN         56
#define HOB_HANDOFF_VERSION     9
#define HOB_RESOURCE            3       /* EFI_HOB_TYPE_RESOURCE_DESCRIPTOR             */
#define HOB_RESOURCE_LEN        48
#define HOB_END_LEN             8
#define RESOURCE_PRESENT        7       /* present, initialized, tested                 */
#define MEMORY_ACCEPTED         0       /* EFI_RESOURCE_SYSTEM_MEMORY                   */
#define MEMORY_UNACCEPTED       7       /* EFI_RESOURCE_MEMORY_UNACCEPTED               */

#define SPLIT_FROM              UINT64_C(0xb0000000)    /* with so much memory QEMU     */
#define SPLIT_LOW_END           UINT64_C(0x80000000)    /* ends low memory here ...     */
#define SPLIT_HIGH_START        UINT64_C(0x100000000)   /* ... and goes on here         */

/* Every range adds itself, and cuts at most one free part in two. */
#define MAX_PARTS               (1 + 2 * TD_HOB_MAX_RANGES)
#define MAX_RESOURCES           (MAX_PARTS + 1) /* the last part may be written as two */

struct part {
	bool    accepted;
	uint64_t start, end;
};

struct parts {
	size_t  n;
	struct part at[MAX_PARTS];      /* by start */
};

static bool
varuint_read(uint64_t *value, CBS *in, struct reason *why)
{
	unsigned shift = 0;
	uint8_t byte;

	*value = 0;
	do {
		if (!CBS_get_u8(in, &byte))
			return reject(why, REASON_MALFORMED, "truncated TD HOB witness varuint");
		if (shift == 63 && byte > 1)
			return reject(why, REASON_MALFORMED,
			    "TD HOB witness varuint is too large");
		*value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while ((byte & 0x80) != 0);
	return true;
}

/* *address = (base + page) * 4096 */
static bool
page_address(uint64_t *address, uint64_t base, uint64_t page)
{
	uint64_t sum;

	return !__builtin_add_overflow(base, page, &sum) &&
	    !__builtin_mul_overflow(sum, (uint64_t)TD_HOB_PAGE_LEN, address);
}

static bool
range_read(struct td_hob_range *range, CBS *in, uint64_t base, struct reason *why)
{
	uint64_t page, npages, len;

	if (!varuint_read(&page, in, why) || !varuint_read(&npages, in, why))
		return false;
	if (!page_address(&range->start, base, page))
		return reject(why, REASON_MALFORMED, "TD HOB range start overflow");
	if (!page_address(&len, 0, npages))
		return reject(why, REASON_MALFORMED, "TD HOB range length overflow");
	if (__builtin_add_overflow(range->start, len, &range->end))
		return reject(why, REASON_MALFORMED, "TD HOB range end overflow");
	return true;
}

bool
td_hob_witness_read(struct td_hob *hob, struct bytes witness, struct reason *why)
{
	CBS in = cbs_bytes(witness);
	uint64_t base, page, n;

	if (!varuint_read(&base, &in, why) || !varuint_read(&page, &in, why) ||
	    !varuint_read(&n, &in, why))
		return false;
	if (n > TD_HOB_MAX_RANGES)
		return reject(why, REASON_LIMIT,
		    "TD HOB witness declares %llu ranges, more than the %d supported",
		    (unsigned long long)n, TD_HOB_MAX_RANGES);
	if (!page_address(&hob->address, base, page))
		return reject(why, REASON_MALFORMED, "TD HOB base address overflow");
	for (hob->n_ranges = 0; hob->n_ranges < n; hob->n_ranges++)
		if (!range_read(&hob->ranges[hob->n_ranges], &in, base, why))
			return false;
	if (CBS_len(&in) != 0)
		return reject(why, REASON_MALFORMED, "TD HOB witness has trailing bytes");
	return true;
}

void
td_hob_sort(struct td_hob *hob)
{
	struct td_hob_range *r = hob->ranges, range;
	size_t i, j;

	for (i = 1; i < hob->n_ranges; i++) {
		range = r[i];
		for (j = i; j > 0 && r[j - 1].start > range.start; j--)
			r[j] = r[j - 1];
		r[j] = range;
	}
}

static void
part_add(struct parts *parts, bool accepted, uint64_t start, uint64_t end)
{
	assert(parts->n < MAX_PARTS);
	parts->at[parts->n++] = (struct part){ accepted, start, end };
}

/*
 * Takes an accepted range out of the free parts and adds it.  Free parts overlap nothing, so
 * what is left of them stays in order; the range goes behind what starts where it does.
 */
static void
parts_accept(struct parts *parts, const struct td_hob_range *range)
{
	const struct parts old = *parts;
	bool added = false;
	size_t i;

	parts->n = 0;
	for (i = 0; i < old.n; i++) {
		const struct part *p = &old.at[i];
		bool cut = !p->accepted && p->end > range->start && p->start < range->end;

		if (!added && p->start > range->start) {
			part_add(parts, true, range->start, range->end);
			added = true;
		}
		if (!cut)
			part_add(parts, p->accepted, p->start, p->end);
		if (cut && p->start < range->start)
			part_add(parts, false, p->start, range->start);
		if (cut && p->end > range->end) {
			if (!added)
				part_add(parts, true, range->start, range->end);
			added = true;
			part_add(parts, false, range->end, p->end);
		}
	}
	if (!added)
		part_add(parts, true, range->start, range->end);
}

static void
handoff_write(struct bytebuf *out, uint64_t end_of_list)
{
	bytebuf_u16(out, HOB_HANDOFF);
	bytebuf_u16(out, HOB_HANDOFF_LEN);
	bytebuf_u32(out, 0);
	bytebuf_u32(out, HOB_HANDOFF_VERSION);
	bytebuf_u32(out, 0);               /* boot mode            */
	bytebuf_u64(out, 0);               /* memory top           */
	bytebuf_u64(out, 0);               /* memory bottom        */
	bytebuf_u64(out, 0);               /* free memory top      */
	bytebuf_u64(out, 0);               /* free memory bottom   */
	bytebuf_u64(out, end_of_list);
}

static void
resource_write(struct bytebuf *out, uint32_t type, uint64_t start, uint64_t len)
{
	bytebuf_u16(out, HOB_RESOURCE);
	bytebuf_u16(out, HOB_RESOURCE_LEN);
	bytebuf_u32(out, 0);
	bytebuf_u64(out, 0);               /* owner, a GUID        */
	bytebuf_u64(out, 0);
	bytebuf_u32(out, type);
	bytebuf_u32(out, RESOURCE_PRESENT);
	bytebuf_u64(out, start);
	bytebuf_u64(out, len);
}

/* The part with the highest start is always written as free, cut where low memory ends. */
static void
last_write(struct bytebuf *out, const struct part *last, bool split)
{
	if (!split) {
		resource_write(out, MEMORY_UNACCEPTED, last->start, last->end - last->start);
		return;
	}
	if (last->start < SPLIT_LOW_END)
		resource_write(out, MEMORY_UNACCEPTED, last->start, SPLIT_LOW_END - last->start);
	if (last->end > SPLIT_LOW_END)
		resource_write(out, MEMORY_UNACCEPTED, SPLIT_HIGH_START,
		    last->end - SPLIT_LOW_END);
}

static void
resources_write(struct bytebuf *out, const struct parts *parts, bool split)
{
	const struct part *p = parts->at, *last = &parts->at[parts->n - 1];

	for (; p < last; p++)
		resource_write(out, p->accepted ? MEMORY_ACCEPTED : MEMORY_UNACCEPTED, p->start,
		    p->end - p->start);
	last_write(out, last, split);
}

bool
td_hob_measure_split(struct digest384 *out, const struct td_hob *hob, uint64_t memory_size,
    bool split, struct reason *why)
{
	uint8_t head_bytes[HOB_HANDOFF_LEN], resource_bytes[MAX_RESOURCES * HOB_RESOURCE_LEN];
	struct bytebuf head = { .ptr = head_bytes, .max_len = sizeof head_bytes };
	struct bytebuf resources = { .ptr = resource_bytes, .max_len = sizeof resource_bytes };
	struct parts parts = { 1, { { false, 0, memory_size } } };
	uint64_t end;
	size_t i;

	for (i = 0; i < hob->n_ranges; i++)
		if (hob->ranges[i].start < hob->ranges[i].end)
			parts_accept(&parts, &hob->ranges[i]);
	resources_write(&resources, &parts, split);
	if (__builtin_add_overflow(hob->address, HOB_HANDOFF_LEN + resources.len + HOB_END_LEN,
	    &end))
		return reject(why, REASON_MALFORMED, "TD HOB end-of-list address overflow");
	handoff_write(&head, end);
	assert(!head.full && !resources.full);  /* MAX_RESOURCES */
	digest384_of_parts(out, (const struct bytes[]){ { head.ptr, head.len },
	    { resources.ptr, resources.len } }, 2);
	return true;
}

bool
td_hob_measure(struct digest384 *out, const struct td_hob *hob, uint64_t memory_size,
    struct reason *why)
{
	return td_hob_measure_split(out, hob, memory_size, memory_size >= SPLIT_FROM, why);
}
