#include "measure/tdx_document.h"

#include <inttypes.h>

#include "core/cbor.h"
#include "core/hex.h"
#include "measure/rtmr.h"

#define MAX_DEPTH               8       /* ours nest 3 */

static const char type_name[] = "TdxOsImageMeasurement";

/* A member of a map: its name, and where its value was found. */
struct field {
	const char *name;
	bool    found;
	CBS     value;          /* one whole item */
};

enum { ROOT_VERSION, ROOT_IMAGE, ROOT_TDVF, ROOT_FIELDS };
enum { IMAGE_CMDLINE, IMAGE_CMDLINE_SHA384, IMAGE_KERNEL, IMAGE_NORMALIZED, IMAGE_INITRD,
    IMAGE_FIELDS };
enum { TDVF_OVMF, TDVF_MRTD, TDVF_TD_HOB, TDVF_FIELDS };
enum { MRTD_SINGLE, MRTD_TWO, MRTD_FIELDS };

/* The CBOR layer's reasons stand after a name and a space. */
static bool
reject_field(struct reason *why, const char *name)
{
	const struct reason inner = *why;

	return reject(why, inner.kind, "`%s` %.400s", name, inner.text);
}

static struct field *
field_find(struct field *fields, size_t n, struct bytes name)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (bytes_equal(bytes_str(fields[i].name), name))
			return &fields[i];
	return NULL;
}

/* One pair of a map.  What we do not know is passed over; what we know comes once. */
static bool
pair_read(struct field *fields, size_t n, CBS *in, struct reason *why)
{
	struct bytes key, value = { 0 };
	struct field *field;

	if (!cbor_text_read(&key, in, TDX_DOCUMENT_MAX_LEN, why))
		return reject_field(why, "key");
	field = field_find(fields, n, key);
	if (field != NULL && field->found)
		return reject(why, REASON_MALFORMED, "duplicate field `%s`", field->name);
	value.ptr = CBS_data(in);
	if (!cbor_skip(in, MAX_DEPTH, why))
		return reject_field(why, field != NULL ? field->name : "value");
	if (field != NULL) {
		field->found = true;
		CBS_init(&field->value, value.ptr, (size_t)(CBS_data(in) - value.ptr));
	}
	return true;
}

static bool
map_read(struct field *fields, size_t n, CBS *in, struct reason *why)
{
	uint32_t i, n_pairs;

	if (!cbor_map_read(&n_pairs, in, why))
		return false;
	for (i = 0; i < n_pairs; i++)
		if (!pair_read(fields, n, in, why))
			return false;
	return true;
}

static bool
field_check(const struct field *field, struct reason *why)
{
	if (!field->found)
		return reject(why, REASON_MALFORMED, "missing field `%s`", field->name);
	return true;
}

static bool
field_map(struct field *fields, size_t n, struct field *field, struct reason *why)
{
	CBS probe = field->value;
	uint32_t n_pairs;

	if (!field_check(field, why))
		return false;
	if (!cbor_map_read(&n_pairs, &probe, why))
		return reject_field(why, field->name);
	return map_read(fields, n, &field->value, why);
}

static bool
field_bytes(struct bytes *out, struct field *field, struct reason *why)
{
	if (!field_check(field, why))
		return false;
	if (!cbor_bytes_read(out, &field->value, TDX_DOCUMENT_MAX_LEN, why))
		return reject_field(why, field->name);
	return true;
}

static bool
field_text(struct bytes *out, struct field *field, struct reason *why)
{
	if (!field_check(field, why))
		return false;
	if (!cbor_text_read(out, &field->value, TDX_DOCUMENT_MAX_LEN, why))
		return reject_field(why, field->name);
	return true;
}

static bool
version_read(struct tdx_document *doc, struct field *field, struct reason *why)
{
	uint64_t version;

	if (!field_check(field, why))
		return false;
	if (!cbor_u64_read(&version, &field->value, UINT32_MAX, why))
		return reject_field(why, field->name);
	doc->version = (uint32_t)version;
	return true;
}

/* The member that tells the versions apart, and what only version 4 knows. */
static bool
image_version_read(struct tdx_document *doc, struct field *f, struct reason *why)
{
	struct field *normalized = &f[IMAGE_NORMALIZED];

	if (doc->version == TDX_DOCUMENT_OLDEST) {
		if (f[IMAGE_CMDLINE].found)
			return reject(why, REASON_MALFORMED, "version 3 with `cmdline`");
		return field_bytes(&doc->cmdline_sha384, &f[IMAGE_CMDLINE_SHA384], why);
	}
	if (!field_text(&doc->cmdline, &f[IMAGE_CMDLINE], why))
		return false;
	if (normalized->found && !cbor_bool_read(&doc->kernel_header_normalized,
	    &normalized->value, why))
		return reject_field(why, normalized->name);
	return true;
}

static bool
image_read(struct tdx_document *doc, struct field *image, struct reason *why)
{
	struct field f[IMAGE_FIELDS] = {
		[IMAGE_CMDLINE] = { .name = "cmdline" },
		[IMAGE_CMDLINE_SHA384] = { .name = "cmdline_sha384" },
		[IMAGE_KERNEL] = { .name = "kernel_authenticode" },
		[IMAGE_NORMALIZED] = { .name = "kernel_header_normalized" },
		[IMAGE_INITRD] = { .name = "initrd_sha384" },
	};

	return field_map(f, NELEM(f), image, why) &&
	    image_version_read(doc, f, why) &&
	    field_bytes(&doc->kernel_authenticode, &f[IMAGE_KERNEL], why) &&
	    field_bytes(&doc->initrd_sha384, &f[IMAGE_INITRD], why);
}

static bool
ovmf_check(struct bytes ovmf, struct reason *why)
{
	if (bytes_equal(ovmf, bytes_str("stable202505")))
		return reject(why, REASON_UNSUPPORTED,
		    "unsupported ovmf_variant \"stable202505\"");
	if (!bytes_equal(ovmf, bytes_str("pre202505")))
		return reject(why, REASON_MALFORMED, "`ovmf` is not pre202505");
	return true;
}

static bool
mrtd_read(struct tdx_document *doc, struct field *mrtd, struct reason *why)
{
	struct field f[MRTD_FIELDS] = {
		[MRTD_SINGLE] = { .name = "single_pass" },
		[MRTD_TWO] = { .name = "two_pass" },
	};

	return field_map(f, NELEM(f), mrtd, why) &&
	    field_bytes(&doc->mrtd_single_pass, &f[MRTD_SINGLE], why) &&
	    field_bytes(&doc->mrtd_two_pass, &f[MRTD_TWO], why);
}

static bool
tdvf_read(struct tdx_document *doc, struct field *tdvf, struct reason *why)
{
	struct field f[TDVF_FIELDS] = {
		[TDVF_OVMF] = { .name = "ovmf" },
		[TDVF_MRTD] = { .name = "mrtd" },
		[TDVF_TD_HOB] = { .name = "td_hob" },
	};
	struct bytes ovmf;

	if (!field_map(f, NELEM(f), tdvf, why) ||
	    !field_text(&ovmf, &f[TDVF_OVMF], why) || !ovmf_check(ovmf, why) ||
	    !mrtd_read(doc, &f[TDVF_MRTD], why))
		return false;
	doc->ovmf = OVMF_PRE202505;
	return field_bytes(&doc->td_hob, &f[TDVF_TD_HOB], why);
}

/* Reasons that upstream gives without "failed to decode CBOR" are given by the caller. */
static bool
members_read(struct tdx_document *doc, struct field *root, struct reason *why)
{
	if (image_read(doc, &root[ROOT_IMAGE], why) && tdvf_read(doc, &root[ROOT_TDVF], why))
		return true;
	if (why->kind != REASON_UNSUPPORTED)
		(void)reject_as(why, "failed to decode CBOR");
	return reject_as(why, type_name);
}

bool
tdx_document_read(struct tdx_document *doc, struct bytes cbor, uint32_t minimum,
    struct reason *why)
{
	struct field root[ROOT_FIELDS] = {
		[ROOT_VERSION] = { .name = "version" },
		[ROOT_IMAGE] = { .name = "image" },
		[ROOT_TDVF] = { .name = "tdvf" },
	};
	CBS in = cbs_bytes(cbor);

	*doc = (struct tdx_document){ 0 };
	if (cbor.len > TDX_DOCUMENT_MAX_LEN)
		return reject(why, REASON_LIMIT, "%s: document has %zu bytes, more than %u",
		    type_name, cbor.len, TDX_DOCUMENT_MAX_LEN);
	if (!map_read(root, NELEM(root), &in, why) ||
	    !version_read(doc, &root[ROOT_VERSION], why)) {
		(void)reject_as(why, "failed to decode CBOR");
		return reject_as(why, type_name);
	}
	if (!cbor_end_check(&in, why))
		return reject_as(why, type_name);
	if (doc->version < TDX_DOCUMENT_OLDEST || doc->version > TDX_DOCUMENT_NEWEST ||
	    doc->version < minimum)
		return reject(why, REASON_UNSUPPORTED,
		    "%s: unsupported version %" PRIu32 ", expected %d", type_name, doc->version,
		    TDX_DOCUMENT_NEWEST);
	return members_read(doc, root, why);
}

/*
 * Length of the white space that `text` starts with, 0 for none.  What Rust's
 * split_whitespace() splits at: the Unicode property White_Space.
 */
static size_t
space_len(struct bytes text)
{
	static const char *const wide[] = {
		"\xc2\x85", "\xc2\xa0", "\xe1\x9a\x80",
		"\xe2\x80\x80", "\xe2\x80\x81", "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84",
		"\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89",
		"\xe2\x80\x8a", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f",
		"\xe3\x80\x80",
	};
	size_t i, len;

	if (text.len != 0 && (text.ptr[0] == ' ' || (text.ptr[0] >= '\t' && text.ptr[0] <= '\r')))
		return 1;
	if (text.len == 0 || text.ptr[0] < 0x80)
		return 0;
	for (i = 0; i < NELEM(wide); i++) {
		len = strlen(wide[i]);
		if (text.len >= len && memcmp(text.ptr, wide[i], len) == 0)
			return len;
	}
	return 0;
}

/* Takes the next word, and the white space before it; false at the end. */
static bool
word_read(struct bytes *word, CBS *in)
{
	size_t len;

	while ((len = space_len(bytes_cbs(in))) != 0)
		(void)CBS_skip(in, len);
	*word = bytes_cbs(in);
	while (CBS_len(in) != 0 && space_len(bytes_cbs(in)) == 0)
		(void)CBS_skip(in, 1);
	word->len -= CBS_len(in);
	return word->len != 0;
}

/* Whether it is a SHA-256 in hex; looked at in the order in which upstream does. */
static bool
rootfs_hash_check(struct bytes hash, struct reason *why)
{
	uint8_t digest[TDX_DOCUMENT_MAX_CMDLINE_LEN / 2];
	struct reason ignored;

	if (hash.len == 0)
		return reject(why, REASON_REFUSED, "dstack.rootfs_hash must not be empty");
	if (!hex_decode(digest, hash, &ignored))
		return reject(why, REASON_REFUSED, "dstack.rootfs_hash must be valid hex");
	if (hash.len != 2 * SHA256_DIGEST_LENGTH)
		return reject(why, REASON_REFUSED, "dstack.rootfs_hash must be 32 bytes");
	return true;
}

static bool
rootfs_hash_find(struct bytes cmdline, struct reason *why)
{
	const struct bytes key = bytes_str("dstack.rootfs_hash=");
	CBS in = cbs_bytes(cmdline);
	struct bytes word, hash = { 0 };
	size_t n = 0;

	while (word_read(&word, &in)) {
		if (word.len < key.len || memcmp(word.ptr, key.ptr, key.len) != 0)
			continue;
		hash = (struct bytes){ word.ptr + key.len, word.len - key.len };
		n++;
	}
	if (n != 1)
		return reject(why, REASON_REFUSED,
		    "the command line has %zu words dstack.rootfs_hash, not 1", n);
	return rootfs_hash_check(hash, why);
}

bool
tdx_document_cmdline_check(struct bytes cmdline, struct reason *why)
{
	if (cmdline.len > TDX_DOCUMENT_MAX_CMDLINE_LEN)
		return reject(why, REASON_LIMIT,
		    "tdx.measurement.image.base_cmdline has %zu bytes, more than "
		    "COMMAND_LINE_SIZE (%d)", cmdline.len, TDX_DOCUMENT_MAX_CMDLINE_LEN);
	if (!rootfs_hash_find(cmdline, why))
		return reject_as(why, "failed to parse dstack.rootfs_hash from "
		    "tdx.measurement.image.base_cmdline");
	return true;
}

bool
tdx_document_digest(struct digest384 *out, struct bytes from, const char *name,
    struct reason *why)
{
	if (from.len != sizeof out->data)
		return reject(why, REASON_REFUSED,
		    "tdx.measurement.%s has invalid length %zu, expected %zu", name, from.len,
		    sizeof out->data);
	bytes_copy(out->data, from);
	return true;
}

bool
tdx_document_cmdline(struct digest384 *out, const struct tdx_document *doc, struct reason *why)
{
	if (doc->version == TDX_DOCUMENT_OLDEST)
		return tdx_document_digest(out, doc->cmdline_sha384,
		    "image.kernel_cmdline_sha384", why);
	if (!tdx_document_cmdline_check(doc->cmdline, why))
		return false;
	if (!rtmr_cmdline_digest(out, doc->cmdline))    /* the CBOR layer takes UTF-8 only */
		return reject(why, REASON_INTERNAL, "command line is not UTF-8");
	return true;
}
