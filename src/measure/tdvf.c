#include "measure/tdvf.h"

#include <assert.h>
#include <inttypes.h>

#include "measure/rtmr.h"

#define PAGE_LEN                TD_HOB_PAGE_LEN
#define CHUNK_LEN               256     /* what one MR.EXTEND measures                  */
#define RECORD_LEN              128     /* what describes an operation to SHA-384       */

#define GUID_LEN                16
#define ENTRY_FOOT_LEN          (2 + GUID_LEN)  /* length and GUID end every entry      */
#define TAIL_LEN                32      /* from the table's end to the file's: reset vector */
#define OFFSET_LEN              4       /* data of the TDX entry                        */
#define DESCRIPTOR_LEN          16

#define ATTRIBUTE_EXTEND        (1u << 0)
#define ATTRIBUTE_PAGE_AUG      (1u << 1)

_Static_assert(TDVF_MAX_SECTIONS <= TD_HOB_MAX_RANGES, "every section may be a range");

/* 96b582de-1fb2-45f7-baea-a366c55a082d */
static const uint8_t guid_footer[GUID_LEN] = {
	0xde, 0x82, 0xb5, 0x96, 0xb2, 0x1f, 0xf7, 0x45,
	0xba, 0xea, 0xa3, 0x66, 0xc5, 0x5a, 0x08, 0x2d,
};

/* e47a6535-984a-4798-865e-4685a7bf8ec2 */
static const uint8_t guid_tdx_offset[GUID_LEN] = {
	0x35, 0x65, 0x7a, 0xe4, 0x4a, 0x98, 0x98, 0x47,
	0x86, 0x5e, 0x46, 0x85, 0xa7, 0xbf, 0x8e, 0xc2,
};

/* An entry of the table: data, then its length with this foot, then a GUID. */
struct entry {
	struct bytes data;
	struct bytes guid;
};

/* Takes the last len bytes off; there are as many. */
static struct bytes
last_take(struct bytes *from, size_t len)
{
	struct bytes last = { 0 };
	CBS in = cbs_bytes(*from);

	assert(len <= from->len);
	from->len -= len;
	if (!CBS_skip(&in, from->len) || !bytes_read(&last, &in, len))
		assert(false);
	return last;
}

/* Takes the last entry off the table, whose entries are read backwards. */
static bool
entry_take(struct entry *entry, struct bytes *table, struct reason *why)
{
	struct bytes foot, whole;
	uint16_t len = 0;
	CBS in;

	if (table->len < ENTRY_FOOT_LEN)
		return reject(why, REASON_MALFORMED, "Invalid entry length");
	foot = *table;
	foot = last_take(&foot, ENTRY_FOOT_LEN);
	in = cbs_bytes(foot);
	/* Less would never advance, more would leave the table. */
	if (!CBS_get_u16le(&in, &len) || len < ENTRY_FOOT_LEN || len > table->len)
		return reject(why, REASON_MALFORMED, "Invalid entry length");
	entry->guid = bytes_cbs(&in);
	whole = last_take(table, len);
	entry->data = (struct bytes){ whole.ptr, whole.len - ENTRY_FOOT_LEN };
	return true;
}

/* The entries, without the foot that ends the table. */
static bool
table_find(struct bytes *table, struct bytes firmware, struct reason *why)
{
	struct bytes foot, rest = firmware;
	uint16_t len = 0;
	CBS in;

	if (firmware.len < TAIL_LEN + ENTRY_FOOT_LEN)
		return reject(why, REASON_MALFORMED, "TDVF firmware too small");
	(void)last_take(&rest, TAIL_LEN);
	foot = rest;
	foot = last_take(&foot, ENTRY_FOOT_LEN);
	in = cbs_bytes(foot);
	if (!CBS_get_u16le(&in, &len) || !CBS_mem_equal(&in, guid_footer, GUID_LEN))
		return reject(why, REASON_MALFORMED, "Invalid footer GUID");
	if (len < ENTRY_FOOT_LEN || len > rest.len)
		return reject(why, REASON_MALFORMED, "Invalid tables length");
	*table = last_take(&rest, len);
	(void)last_take(table, ENTRY_FOOT_LEN);
	return true;
}

/* Where the descriptor begins, counted from the end of the file. */
static bool
offset_find(uint32_t *offset, struct bytes table, struct reason *why)
{
	struct entry entry;
	CBS in;

	while (table.len != 0) {
		if (!entry_take(&entry, &table, why))
			return false;
		if (!bytes_equal(entry.guid, BYTES_OF(guid_tdx_offset)))
			continue;
		if (entry.data.len < OFFSET_LEN)
			return reject(why, REASON_MALFORMED, "TDVF metadata data too small");
		in = cbs_bytes(last_take(&entry.data, OFFSET_LEN));
		return CBS_get_u32le(&in, offset);
	}
	return reject(why, REASON_MALFORMED, "Missing TDVF metadata");
}

/* Leaves the cursor at the first section. */
static bool
descriptor_read(uint32_t *n_sections, CBS *in, struct bytes firmware, uint32_t offset,
    struct reason *why)
{
	uint32_t len, version;
	CBS signature;

	if (offset > firmware.len)
		return reject(why, REASON_MALFORMED, "TDVF metadata offset exceeds firmware size");
	*in = cbs_bytes(last_take(&firmware, offset));
	if (!CBS_get_bytes(in, &signature, 4) ||
	    !CBS_get_u32le(in, &len) ||         /* of the descriptor; nobody reads it   */
	    !CBS_get_u32le(in, &version) ||
	    !CBS_get_u32le(in, n_sections))
		return reject(why, REASON_MALFORMED, "failed to decode TDVF descriptor");
	if (!CBS_mem_equal(&signature, (const uint8_t *)"TDVF", 4))
		return reject(why, REASON_MALFORMED, "Invalid TDVF descriptor");
	if (version != 1)
		return reject(why, REASON_UNSUPPORTED, "Unsupported TDVF version");
	if (*n_sections > TDVF_MAX_SECTIONS)
		return reject(why, REASON_LIMIT,
		    "TDVF metadata declares %" PRIu32 " sections, more than the %d supported",
		    *n_sections, TDVF_MAX_SECTIONS);
	return true;
}

/* A section as it stands in the file. */
struct raw_section {
	uint32_t data_offset, data_len;
	uint64_t address, memory_len;
	uint32_t type, attributes;
};

static bool
raw_section_read(struct raw_section *raw, CBS *in)
{
	return CBS_get_u32le(in, &raw->data_offset) &&
	    CBS_get_u32le(in, &raw->data_len) &&
	    CBS_get_u64le(in, &raw->address) &&
	    CBS_get_u64le(in, &raw->memory_len) &&
	    CBS_get_u32le(in, &raw->type) &&
	    CBS_get_u32le(in, &raw->attributes);
}

static bool
memory_check(const struct raw_section *raw, struct reason *why)
{
	if (raw->address % PAGE_LEN != 0)
		return reject(why, REASON_MALFORMED, "Section memory address not aligned");
	if (raw->memory_len < raw->data_len)
		return reject(why, REASON_MALFORMED, "Section memory data size less than raw");
	if (raw->memory_len % PAGE_LEN != 0)
		return reject(why, REASON_MALFORMED, "Section memory data size not aligned");
	return true;
}

/*
 * Stricter: an extended section has all its bytes in the file.  Upstream means to ask for that,
 * and measures instead whatever follows in the file.
 */
static bool
data_find(struct bytes *data, const struct raw_section *raw, struct bytes firmware, size_t i,
    struct reason *why)
{
	bool extended = (raw->attributes & ATTRIBUTE_EXTEND) != 0;
	CBS in = cbs_bytes(firmware);
	uint64_t len = extended ? raw->memory_len : raw->data_len;

	if (!CBS_skip(&in, raw->data_offset) || !bytes_read(data, &in, len))
		return reject(why, REASON_MALFORMED,
		    "TDVF section %zu is outside the %zu-byte firmware", i, firmware.len);
	if (extended && raw->data_len != raw->memory_len)
		return reject(why, REASON_MALFORMED,
		    "TDVF extended section %zu has less data than memory", i);
	return true;
}

static bool
section_read(struct tdvf_section *section, CBS *in, struct bytes firmware, size_t i,
    struct reason *why)
{
	struct raw_section raw;
	uint64_t end;

	if (!raw_section_read(&raw, in))
		return reject(why, REASON_MALFORMED, "failed to decode TDVF section %zu", i);
	if (!memory_check(&raw, why) || !data_find(&section->data, &raw, firmware, i, why))
		return false;
	if (__builtin_add_overflow(raw.address, raw.memory_len, &end))
		return reject(why, REASON_MALFORMED,
		    "TDVF section %zu wraps past the end of the address space", i);
	section->type = raw.type;
	section->extended = (raw.attributes & ATTRIBUTE_EXTEND) != 0;
	section->added_later = (raw.attributes & ATTRIBUTE_PAGE_AUG) != 0;
	section->address = raw.address;
	section->n_pages = raw.memory_len / PAGE_LEN;
	return true;
}

static bool
sections_read(struct tdvf *tdvf, CBS *in, size_t n, struct bytes firmware, struct reason *why)
{
	struct tdvf_section *section = tdvf->sections;
	uint64_t n_pages = 0;

	for (tdvf->n_sections = 0; tdvf->n_sections < n; tdvf->n_sections++, section++) {
		if (!section_read(section, in, firmware, tdvf->n_sections, why))
			return false;
		n_pages += section->n_pages;    /* 64 times 2^52 at most */
		if (n_pages > TDVF_MAX_PAGES)
			return reject(why, REASON_LIMIT,
			    "TDVF metadata asks to measure %" PRIu64
			    " pages, more than the %d supported", n_pages, TDVF_MAX_PAGES);
	}
	return true;
}

bool
tdvf_read(struct tdvf *tdvf, struct bytes firmware, struct reason *why)
{
	struct bytes table;
	uint32_t offset, n;
	CBS in;

	tdvf->n_sections = 0;
	if (!table_find(&table, firmware, why) ||
	    !offset_find(&offset, table, why) ||
	    !descriptor_read(&n, &in, firmware, offset, why) ||
	    !sections_read(tdvf, &in, n, firmware, why))
		return reject_as(why, "Failed to parse TDVF metadata");
	return true;
}

/* What an operation on a page, or a part of one, adds to MRTD. */
static void
operation_hash(SHA512_CTX *hash, const char *name, uint64_t address)
{
	uint8_t record[RECORD_LEN] = { 0 };
	size_t i;

	memcpy(record, name, strlen(name));
	for (i = 0; i < sizeof address; i++)
		record[16 + i] = (uint8_t)(address >> 8 * i);
	SHA384_Update(hash, record, sizeof record);
}

static void
page_add(SHA512_CTX *hash, const struct tdvf_section *section, uint64_t page)
{
	if (!section->added_later)
		operation_hash(hash, "MEM.PAGE.ADD", section->address + page * PAGE_LEN);
}

/* The next page of the section's data. */
static void
page_extend(SHA512_CTX *hash, const struct tdvf_section *section, uint64_t page, CBS *data)
{
	uint64_t address = section->address + page * PAGE_LEN;
	unsigned i;
	CBS chunk;

	for (i = 0; i < PAGE_LEN / CHUNK_LEN; i++, address += CHUNK_LEN)
		if (CBS_get_bytes(data, &chunk, CHUNK_LEN)) {
			operation_hash(hash, "MR.EXTEND", address);
			SHA384_Update(hash, CBS_data(&chunk), CBS_len(&chunk));
		}
}

static void
section_hash(SHA512_CTX *hash, const struct tdvf_section *section, bool two_pass)
{
	CBS data = cbs_bytes(section->data);
	uint64_t page;

	for (page = 0; page < section->n_pages; page++) {
		page_add(hash, section, page);
		if (section->extended && !two_pass)
			page_extend(hash, section, page, &data);
	}
	for (page = 0; section->extended && two_pass && page < section->n_pages; page++)
		page_extend(hash, section, page, &data);
}

void
tdvf_mrtd(struct digest384 *out, const struct tdvf *tdvf, bool two_pass)
{
	SHA512_CTX hash;
	size_t i;

	SHA384_Init(&hash);
	for (i = 0; i < tdvf->n_sections; i++)
		section_hash(&hash, &tdvf->sections[i], two_pass);
	SHA384_Final(out->data, &hash);
}

/* Without a section for the list QEMU puts it where the firmware's sources do. */
#define TD_HOB_DEFAULT          UINT64_C(0x809000)

void
tdvf_td_hob(struct td_hob *out, const struct tdvf *tdvf)
{
	const struct tdvf_section *section = tdvf->sections, *end = section + tdvf->n_sections;
	struct td_hob_range range;

	out->address = TD_HOB_DEFAULT;
	out->n_ranges = 0;
	for (; section < end; section++) {
		if (section->type != TDVF_TD_HOB && section->type != TDVF_TEMP_MEM)
			continue;
		range.start = section->address;
		range.end = section->address + section->n_pages * PAGE_LEN;
		out->ranges[out->n_ranges++] = range;
		if (section->type == TDVF_TD_HOB)
			out->address = section->address;
	}
}

static size_t
td_hob_count(const struct tdvf *tdvf)
{
	size_t i, n = 0;

	for (i = 0; i < tdvf->n_sections; i++)
		n += tdvf->sections[i].type == TDVF_TD_HOB;
	return n;
}

/* Of sorted ranges. */
static bool
ranges_check(const struct td_hob *hob, struct reason *why)
{
	const struct td_hob_range *r = hob->ranges;
	size_t i;

	for (i = 0; i < hob->n_ranges; i++)
		if (r[i].start == r[i].end)
			return reject(why, REASON_REFUSED,
			    "TD HOB witness range must not be empty");
	for (i = 1; i < hob->n_ranges; i++)
		if (r[i].start < r[i - 1].end)
			return reject(why, REASON_REFUSED,
			    "TD HOB witness ranges must not overlap");
	return true;
}

/* A number of pages, as LEB128. */
static bool
pages_write(CBB *out, uint64_t len)
{
	uint64_t value = len / PAGE_LEN;

	for (; value >= 0x80; value >>= 7)
		if (!CBB_add_u8(out, (uint8_t)(value | 0x80)))
			return false;
	return CBB_add_u8(out, (uint8_t)value);
}

static bool
ranges_write(CBB *out, const struct td_hob *hob)
{
	const struct td_hob_range *r = hob->ranges;
	const uint64_t base = r[0].start;
	size_t i;

	if (!pages_write(out, base) || !pages_write(out, hob->address - base) ||
	    !pages_write(out, hob->n_ranges * PAGE_LEN))
		return false;
	for (i = 0; i < hob->n_ranges; i++)
		if (!pages_write(out, r[i].start - base) ||
		    !pages_write(out, r[i].end - r[i].start))
			return false;
	return true;
}

bool
tdvf_witness_write(CBB *out, const struct tdvf *tdvf, struct reason *why)
{
	struct td_hob hob;

	tdvf_td_hob(&hob, tdvf);
	td_hob_sort(&hob);
	if (td_hob_count(tdvf) != 1)
		return reject(why, REASON_REFUSED,
		    "TDVF metadata needs exactly one TD_HOB section");
	if (!ranges_check(&hob, why))
		return false;
	if (!ranges_write(out, &hob))
		return reject(why, REASON_INTERNAL, "no memory for the TD HOB witness");
	return true;
}

bool
tdvf_variables_known(const struct tdvf *tdvf)
{
	struct digest384 digest;
	size_t i;

	for (i = 0; i < tdvf->n_sections; i++)
		if (tdvf->sections[i].type == TDVF_CFV) {
			digest384_of(&digest, tdvf->sections[i].data);
			return rtmr_variables_known(&digest);
		}
	return false;
}
