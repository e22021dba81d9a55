/* A record and a kernel fact as bytes.  Integers are big endian; each digest is 48 bytes. */

#include "core/utf8.h"
#include "measure/image_record.h"

static bool
digest_write(CBB *out, const struct digest384 *digest)
{
	return CBB_add_bytes(out, digest->data, sizeof digest->data);
}

static bool
digest_read(struct digest384 *digest, CBS *in)
{
	return CBS_copy_bytes(in, digest->data, sizeof digest->data);
}

/* A truth value that is neither 0 nor 1 is nothing we write. */
static bool
flag_read(bool *out, CBS *in)
{
	uint8_t byte;

	if (!CBS_get_u8(in, &byte) || byte > 1)
		return false;
	*out = byte == 1;
	return true;
}

static bool
td_hob_write(CBB *out, const struct td_hob *hob)
{
	size_t i;

	if (!CBB_add_u64(out, hob->address) || !CBB_add_u8(out, (uint8_t)hob->n_ranges))
		return false;
	for (i = 0; i < hob->n_ranges; i++)
		if (!CBB_add_u64(out, hob->ranges[i].start) ||
		    !CBB_add_u64(out, hob->ranges[i].end))
			return false;
	return true;
}

static bool
td_hob_read(struct td_hob *hob, CBS *in)
{
	struct td_hob_range *range = hob->ranges;
	uint8_t n;

	if (!CBS_get_u64(in, &hob->address) || !CBS_get_u8(in, &n) || n > TD_HOB_MAX_RANGES)
		return false;
	for (hob->n_ranges = 0; hob->n_ranges < n; hob->n_ranges++, range++)
		if (!CBS_get_u64(in, &range->start) || !CBS_get_u64(in, &range->end) ||
		    range->end < range->start)
			return false;
	return true;
}

static bool
kernel_write(CBB *out, const struct image_record *r)
{
	return CBB_add_u8(out, r->kernel_header_normalized) &&
	    digest_write(out, &r->kernel_unpatched) &&
	    digest_write(out, &r->kernel_patched) &&
	    CBB_add_u16(out, r->kernel_header.protocol) &&
	    CBB_add_u16(out, r->kernel_header.xloadflags) &&
	    CBB_add_u32(out, r->kernel_header.initrd_max) &&
	    CBB_add_bytes(out, r->kernel_sha256.data, sizeof r->kernel_sha256.data);
}

static bool
kernel_read(struct image_record *r, CBS *in)
{
	return flag_read(&r->kernel_header_normalized, in) &&
	    digest_read(&r->kernel_unpatched, in) &&
	    digest_read(&r->kernel_patched, in) &&
	    CBS_get_u16(in, &r->kernel_header.protocol) &&
	    CBS_get_u16(in, &r->kernel_header.xloadflags) &&
	    CBS_get_u32(in, &r->kernel_header.initrd_max) &&
	    CBS_copy_bytes(in, r->kernel_sha256.data, sizeof r->kernel_sha256.data);
}

static bool
version_write(CBB *out, const struct image_record *r)
{
	CBB text;

	return CBB_add_u8_length_prefixed(out, &text) &&
	    CBB_add_bytes(&text, (const uint8_t *)r->version, r->version_len) && CBB_flush(out);
}

static bool
version_read(struct image_record *r, CBS *in)
{
	CBS text;

	if (!CBS_get_u8_length_prefixed(in, &text) || CBS_len(&text) > sizeof r->version ||
	    !utf8_valid(bytes_cbs(&text)))
		return false;
	r->version_len = CBS_len(&text);
	bytes_copy(r->version, bytes_cbs(&text));
	return true;
}

static bool
ovmf_read(enum ovmf_variant *out, CBS *in)
{
	uint8_t byte;

	if (!CBS_get_u8(in, &byte) || byte != OVMF_PRE202505)
		return false;
	*out = OVMF_PRE202505;
	return true;
}

bool
image_record_write(CBB *out, const struct image_record *r)
{
	return CBB_add_u16(out, IMAGE_RECORD_SCHEMA) &&
	    digest_write(out, &r->mrtd_single_pass) &&
	    digest_write(out, &r->mrtd_two_pass) &&
	    td_hob_write(out, &r->td_hob) &&
	    CBB_add_u8(out, r->variables_known) &&
	    digest_write(out, &r->cmdline) &&
	    digest_write(out, &r->initrd) &&
	    CBB_add_u32(out, r->initrd_size) &&
	    kernel_write(out, r) &&
	    CBB_add_u8(out, (uint8_t)r->ovmf) &&
	    CBB_add_u8(out, r->is_dev) &&
	    version_write(out, r);
}

static bool
schema_read(CBS *in, const char *what, struct reason *why)
{
	uint16_t schema;

	if (!CBS_get_u16(in, &schema))
		return reject(why, REASON_MALFORMED, "%s is malformed", what);
	if (schema != IMAGE_RECORD_SCHEMA)
		return reject(why, REASON_UNSUPPORTED, "%s has schema %u, not %d", what, schema,
		    IMAGE_RECORD_SCHEMA);
	return true;
}

bool
image_record_read(struct image_record *r, CBS *in, struct reason *why)
{
	*r = (struct image_record){ 0 };
	if (!schema_read(in, "image record", why))
		return false;
	if (!digest_read(&r->mrtd_single_pass, in) ||
	    !digest_read(&r->mrtd_two_pass, in) ||
	    !td_hob_read(&r->td_hob, in) ||
	    !flag_read(&r->variables_known, in) ||
	    !digest_read(&r->cmdline, in) ||
	    !digest_read(&r->initrd, in) ||
	    !CBS_get_u32(in, &r->initrd_size) ||
	    !kernel_read(r, in) ||
	    !ovmf_read(&r->ovmf, in) ||
	    !flag_read(&r->is_dev, in) ||
	    !version_read(r, in) ||
	    CBS_len(in) != 0)
		return reject(why, REASON_MALFORMED, "image record is malformed");
	return true;
}

bool
kernel_fact_write(CBB *out, const struct kernel_fact *fact)
{
	return CBB_add_u16(out, IMAGE_RECORD_SCHEMA) &&
	    CBB_add_u32(out, fact->initrd_addr) &&
	    CBB_add_u32(out, fact->initrd_size) &&
	    digest_write(out, &fact->kernel);
}

bool
kernel_fact_read(struct kernel_fact *fact, CBS *in, struct reason *why)
{
	if (!schema_read(in, "kernel fact", why))
		return false;
	if (!CBS_get_u32(in, &fact->initrd_addr) ||
	    !CBS_get_u32(in, &fact->initrd_size) ||
	    !digest_read(&fact->kernel, in) ||
	    CBS_len(in) != 0)
		return reject(why, REASON_MALFORMED, "kernel fact is malformed");
	return true;
}
