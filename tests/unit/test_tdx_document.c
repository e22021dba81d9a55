#include "testing.h"

#include <stdio.h>

#include "core/hex.h"
#include "measure/rtmr.h"
#include "../teesim/image.h"

#define CBOR    "TdxOsImageMeasurement: failed to decode CBOR: "
#define ROOT    "dstack.rootfs_hash="                                                           \
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdeF"
#define PARSE   "failed to parse dstack.rootfs_hash from tdx.measurement.image.base_cmdline: "

static struct arena *arena;

static int
setup(void **state)
{
	arena = arena_new(16u << 20);
	return arena == NULL;
}

static int
teardown(void **state)
{
	arena_free(arena);
	return 0;
}

static void
expect_bytes(struct bytes cbor, uint32_t minimum, const char *name, const char *want)
{
	struct tdx_document doc;
	struct reason why;
	bool ok = tdx_document_read(&doc, cbor, minimum, &why);

	if (ok != (want == NULL) || (!ok && strcmp(why.text, want) != 0))
		fail_msg("%s: got %d \"%s\"", name, ok, ok ? "" : why.text);
}

static void
expect(const struct tdx_document *doc, uint32_t minimum, const char *name, const char *want)
{
	expect_bytes(image_document(doc), minimum, name, want);
}

static void
test_round_trip(void **state)
{
	struct tdx_document doc = image_sample(), got;
	struct bytes cbor;
	struct reason why;

	doc.kernel_header_normalized = true;
	cbor = image_document(&doc);
	assert_true(tdx_document_read(&got, cbor, 3, &why));
	assert_int_equal(got.version, 4);
	assert_int_equal(got.ovmf, OVMF_PRE202505);
	assert_true(got.kernel_header_normalized);
	assert_true(bytes_equal(got.cmdline, doc.cmdline));
	assert_int_equal(got.cmdline_sha384.len, 0);
	assert_true(bytes_equal(got.kernel_authenticode, doc.kernel_authenticode));
	assert_true(bytes_equal(got.initrd_sha384, doc.initrd_sha384));
	assert_true(bytes_equal(got.mrtd_single_pass, doc.mrtd_single_pass));
	assert_true(bytes_equal(got.mrtd_two_pass, doc.mrtd_two_pass));
	assert_true(bytes_equal(got.td_hob, doc.td_hob));
}

static void
test_versions(void **state)
{
	static const uint8_t digest[48] = "cmdline";
	struct tdx_document doc = image_sample(), got;
	struct reason why;

	expect(&doc, 3, "version 4", NULL);
	expect(&doc, 4, "version 4 as the least", NULL);
	doc.version = 3;
	expect(&doc, 3, "3 with a text", CBOR "version 3 with `cmdline`");
	expect(&doc, 4, "3 too old",
	    "TdxOsImageMeasurement: unsupported version 3, expected 4");
	doc.version = 5;
	expect(&doc, 3, "version 5", "TdxOsImageMeasurement: unsupported version 5, expected 4");
	doc.version = 2;
	expect(&doc, 0, "version 2", "TdxOsImageMeasurement: unsupported version 2, expected 4");
	doc.version = 4;
	doc.cmdline = (struct bytes){ 0 };
	doc.cmdline_sha384 = BYTES_OF(digest);
	expect(&doc, 3, "4 with a digest", CBOR "missing field `cmdline`");
	doc.version = 3;
	expect(&doc, 3, "version 3", NULL);
	expect(&doc, 4, "version 3 refused",
	    "TdxOsImageMeasurement: unsupported version 3, expected 4");
	/* In version 3 the flag is an unknown member. */
	doc.kernel_header_normalized = true;
	assert_true(tdx_document_read(&got, image_document(&doc), 3, &why));
	assert_false(got.kernel_header_normalized);
	doc.version = 4294967295u;
	expect(&doc, 3, "largest version",
	    "TdxOsImageMeasurement: unsupported version 4294967295, expected 4");
}

/* The sample with one span of it replaced: by "" where the row has no other bytes. */
struct edit {
	const char *name, *from, *to;
	size_t  from_len, to_len;
	const char *why;
};
#define EDIT(name, from, to, why) { name, from, to, sizeof from - 1, sizeof to - 1, why }

static const struct edit edits[] = {
	EDIT("unknown root member", "\xa3\x67version\x04", "\xa4\x61x\x81\x00\x67version\x04",
	    NULL),
	EDIT("unknown member twice", "\xa3\x67version\x04", "\xa5\x61x\x00\x61x\x00\x67version\x04",
	    NULL),
	EDIT("no version", "\x67version\x04", "\x67wersion\x04", CBOR "missing field `version`"),
	EDIT("no image", "\x65image", "\x65imagf", CBOR "missing field `image`"),
	EDIT("no tdvf", "\x64tdvf", "\x64tdvg", CBOR "missing field `tdvf`"),
	EDIT("no cmdline", "\x67" "cmdline", "\x67" "dmdline", CBOR "missing field `cmdline`"),
	EDIT("no kernel", "kernel_authenticode", "kernel_authenticodf",
	    CBOR "missing field `kernel_authenticode`"),
	EDIT("no initrd", "initrd_sha384", "initrd_sha385", CBOR "missing field `initrd_sha384`"),
	EDIT("no ovmf", "\x64ovmf", "\x64ovmg", CBOR "missing field `ovmf`"),
	EDIT("no mrtd", "\x64mrtd", "\x64mrte", CBOR "missing field `mrtd`"),
	EDIT("no single_pass", "single_pass", "single_past", CBOR "missing field `single_pass`"),
	EDIT("no two_pass", "two_pass", "two_past", CBOR "missing field `two_pass`"),
	EDIT("no td_hob", "td_hob", "td_hoc", CBOR "missing field `td_hob`"),
	EDIT("version twice", "\xa3\x67version\x04", "\xa4\x67version\x04\x67version\x04",
	    CBOR "duplicate field `version`"),
	EDIT("two_pass twice", "\xa2\x6bsingle_pass", "\xa3\x68two_pass\x40\x6bsingle_pass",
	    CBOR "duplicate field `two_pass`"),
	EDIT("version true", "version\x04", "version\xf5",
	    CBOR "`version` is a boolean, not an unsigned integer"),
	EDIT("version negative", "version\x04", "version\x20",
	    CBOR "`version` is a negative integer, not an unsigned integer"),
	EDIT("version too large", "version\x04", "version\x1b\x00\x00\x00\x01\x00\x00\x00\x00",
	    CBOR "`version` is more than 4294967295"),
	EDIT("version not shortest", "version\x04", "version\x18\x04",
	    CBOR "`version` is not in its shortest form"),
	EDIT("tag", "version\x04", "version\xc0\x04", CBOR "`version` holds a tag"),
	EDIT("indefinite root", "\xa3\x67version", "\xbf\x67version",
	    CBOR "has no definite length"),
	EDIT("key not text", "\xa3\x67version\x04", "\xa4\x00\x00\x67version\x04",
	    CBOR "`key` is an unsigned integer, not text"),
	EDIT("image no map", "\xa3\x67version\x04\x65image",
	    "\xa4\x67version\x04\x65image\x80\x65imagf", CBOR "`image` is an array, not a map"),
	EDIT("mrtd twice", "\xa3\x64ovmf", "\xa4\x64mrtd\x00\x64ovmf",
	    CBOR "duplicate field `mrtd`"),
	EDIT("flag no bool", "\xa3\x67" "cmdline",
	    "\xa4\x78\x18kernel_header_normalized\x01\x67" "cmdline",
	    CBOR "`kernel_header_normalized` is an unsigned integer, not a boolean"),
	EDIT("flag false", "\xa3\x67" "cmdline",
	    "\xa4\x78\x18kernel_header_normalized\xf4\x67" "cmdline", NULL),
	EDIT("ovmf stable", "\x69pre202505", "\x6cstable202505",
	    "TdxOsImageMeasurement: unsupported ovmf_variant \"stable202505\""),
	EDIT("ovmf unknown", "\x69pre202505", "\x69pre202506", CBOR "`ovmf` is not pre202505"),
	EDIT("ovmf bytes", "\x69pre202505", "\x49pre202505", CBOR "`ovmf` is bytes, not text"),
	EDIT("kernel text", "kernel_authenticode\x58", "kernel_authenticode\x78",
	    CBOR "`kernel_authenticode` is text, not bytes"),
};

static struct bytes
edited(struct bytes cbor, const struct edit *e)
{
	const uint8_t *at = memmem(cbor.ptr, cbor.len, e->from, e->from_len);
	struct reason why;
	uint8_t *out = arena_alloc(arena, cbor.len + e->to_len, &why);
	size_t before;

	assert_non_null(at);
	assert_non_null(out);
	before = (size_t)(at - cbor.ptr);
	memcpy(out, cbor.ptr, before);
	memcpy(out + before, e->to, e->to_len);
	memcpy(out + before + e->to_len, at + e->from_len, cbor.len - before - e->from_len);
	return (struct bytes){ out, cbor.len - e->from_len + e->to_len };
}

static void
test_members(void **state)
{
	struct tdx_document doc = image_sample();
	struct bytes cbor = image_document(&doc);
	size_t i;

	for (i = 0; i < NELEM(edits); i++)
		expect_bytes(edited(cbor, &edits[i]), 3, edits[i].name, edits[i].why);
}

/* What no edit of the sample can be. */
static void
test_form(void **state)
{
	static const uint8_t zero[1] = { 0 };
	struct tdx_document doc = image_sample();
	struct bytes cbor = image_document(&doc);
	static uint8_t large[TDX_DOCUMENT_MAX_LEN + 1];
	struct tdx_document got;
	struct reason why;
	size_t i;

	for (i = 0; i < cbor.len; i++)
		assert_false(tdx_document_read(&got, (struct bytes){ cbor.ptr, i }, 3, &why));
	expect_bytes((struct bytes){ NULL, 0 }, 3, "empty", CBOR "is cut short");
	expect_bytes(BYTES_OF(zero), 3, "number", CBOR "is an unsigned integer, not a map");
	memcpy(large, cbor.ptr, cbor.len);
	expect_bytes((struct bytes){ large, cbor.len + 1 }, 3, "trailing byte",
	    "TdxOsImageMeasurement: 1 trailing byte(s) after the CBOR document");
	doc.td_hob = (struct bytes){ large, TDX_DOCUMENT_MAX_LEN - cbor.len + doc.td_hob.len - 2 };
	assert_int_equal(image_document(&doc).len, TDX_DOCUMENT_MAX_LEN);
	expect(&doc, 3, "as large as may be", NULL);
	expect_bytes(BYTES_OF(large), 3, "too large",
	    "TdxOsImageMeasurement: document has 65537 bytes, more than 65536");
}

/* Every order of keys is the same document: here tdvf, image, version. */
static void
test_key_order(void **state)
{
	struct tdx_document doc = image_sample(), got;
	struct bytes cbor = image_document(&doc);
	const uint8_t *image = memmem(cbor.ptr, cbor.len, "\x65image", 6);
	const uint8_t *tdvf = memmem(cbor.ptr, cbor.len, "\x64tdvf", 5);
	const uint8_t *end = cbor.ptr + cbor.len;
	struct reason why;
	CBB out;
	uint8_t *turned = arena_alloc(arena, cbor.len, &why);

	assert_true(CBB_init_fixed(&out, turned, cbor.len) && CBB_add_u8(&out, 0xa3) &&
	    CBB_add_bytes(&out, tdvf, (size_t)(end - tdvf)) &&
	    CBB_add_bytes(&out, image, (size_t)(tdvf - image)) &&
	    CBB_add_bytes(&out, cbor.ptr + 1, (size_t)(image - cbor.ptr) - 1));
	CBB_cleanup(&out);
	assert_true(tdx_document_read(&got, (struct bytes){ turned, cbor.len }, 3, &why));
	assert_true(bytes_equal(got.td_hob, doc.td_hob));
}

static const struct {
	const char *cmdline, *why;      /* NULL: must be accepted */
} cmdlines[] = {
	{ ROOT, NULL },
	{ "a " ROOT " b", NULL },
	{ "\t" ROOT "\n", NULL },
	{ "a=" ROOT "\v" ROOT, NULL },
	{ "x\xc2\x85" ROOT "\xe3\x80\x80y", NULL },
	{ "x\xe2\x80\x8b" ROOT, PARSE "the command line has 0 words dstack.rootfs_hash, not 1" },
	{ "x\x1f" ROOT, PARSE "the command line has 0 words dstack.rootfs_hash, not 1" },
	{ "", PARSE "the command line has 0 words dstack.rootfs_hash, not 1" },
	{ "x" ROOT, PARSE "the command line has 0 words dstack.rootfs_hash, not 1" },
	{ "dstack.rootfs_hash", PARSE "the command line has 0 words dstack.rootfs_hash, not 1" },
	{ ROOT " " ROOT, PARSE "the command line has 2 words dstack.rootfs_hash, not 1" },
	{ ROOT " dstack.rootfs_hash=", PARSE
	    "the command line has 2 words dstack.rootfs_hash, not 1" },
	{ "dstack.rootfs_hash=", PARSE "dstack.rootfs_hash must not be empty" },
	{ "dstack.rootfs_hash= a", PARSE "dstack.rootfs_hash must not be empty" },
	{ ROOT "z", PARSE "dstack.rootfs_hash must be valid hex" },
	{ ROOT "0", PARSE "dstack.rootfs_hash must be valid hex" },
	{ ROOT "00", PARSE "dstack.rootfs_hash must be 32 bytes" },
	{ "dstack.rootfs_hash=00", PARSE "dstack.rootfs_hash must be 32 bytes" },
};

static void
test_cmdline(void **state)
{
	char line[2050];
	struct reason why;
	size_t i;
	bool ok;

	for (i = 0; i < NELEM(cmdlines); i++) {
		ok = tdx_document_cmdline_check(bytes_str(cmdlines[i].cmdline), &why);
		if (ok != (cmdlines[i].why == NULL) ||
		    (!ok && strcmp(why.text, cmdlines[i].why) != 0))
			fail_msg("%s: got %d \"%s\"", cmdlines[i].cmdline, ok, ok ? "" : why.text);
	}
	(void)snprintf(line, sizeof line, "%s %0*d", ROOT, 2048 - (int)strlen(ROOT) - 1, 0);
	assert_true(tdx_document_cmdline_check(bytes_str(line), &why));
	(void)snprintf(line, sizeof line, "%s %0*d", ROOT, 2049 - (int)strlen(ROOT) - 1, 0);
	assert_false(tdx_document_cmdline_check(bytes_str(line), &why));
	assert_string_equal(why.text, "tdx.measurement.image.base_cmdline has 2049 bytes, more "
	    "than COMMAND_LINE_SIZE (2048)");
	assert_int_equal(why.kind, REASON_LIMIT);
}

/* Everything with the Unicode property White_Space parts words, and nothing beside it. */
static void
test_cmdline_space(void **state)
{
	static const char *const spaces[] = {
		"\t", "\n", "\v", "\f", "\r", " ", "\xc2\x85", "\xc2\xa0", "\xe1\x9a\x80",
		"\xe2\x80\x80", "\xe2\x80\x81", "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84",
		"\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89",
		"\xe2\x80\x8a", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f",
		"\xe3\x80\x80",
	};
	static const char *const others[] = {
		"\x08", "\x0e", "\x1c", "\x1f", "!", "\x7f", "\xc2\x84", "\xc2\x86", "\xc2\x9f",
		"\xe1\x9a\x81", "\xe1\xa0\x8e", "\xe2\x80\x8b", "\xe2\x80\xa7", "\xe2\x80\xaa",
		"\xe2\x81\x9e", "\xe2\x81\xa0", "\xe3\x80\x81", "\xef\xbb\xbf",
	};
	struct reason why;
	char line[200];
	size_t i;

	for (i = 0; i < NELEM(spaces); i++) {
		(void)snprintf(line, sizeof line, "x%s" ROOT "%sy", spaces[i], spaces[i]);
		if (!tdx_document_cmdline_check(bytes_str(line), &why))
			fail_msg("space %zu: %s", i, why.text);
	}
	for (i = 0; i < NELEM(others); i++) {
		(void)snprintf(line, sizeof line, "x%s" ROOT, others[i]);
		if (tdx_document_cmdline_check(bytes_str(line), &why))
			fail_msg("other %zu", i);
	}
}

static void
test_cmdline_digest(void **state)
{
	static const uint8_t digest[48] = "x", too_short[47] = "x";
	struct tdx_document doc = image_sample();
	struct digest384 got, want;
	struct reason why;

	assert_true(tdx_document_cmdline(&got, &doc, &why));
	assert_true(rtmr_cmdline_digest(&want, doc.cmdline));
	assert_true(digest384_equal(&got, &want));
	doc.version = 3;
	doc.cmdline_sha384 = BYTES_OF(digest);
	assert_true(tdx_document_cmdline(&got, &doc, &why));
	assert_memory_equal(got.data, digest, sizeof digest);
	doc.cmdline_sha384 = BYTES_OF(too_short);
	assert_false(tdx_document_cmdline(&got, &doc, &why));
	assert_string_equal(why.text, "tdx.measurement.image.kernel_cmdline_sha384 has invalid "
	    "length 47, expected 48");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_key_order),
		cmocka_unit_test(test_cmdline),
		cmocka_unit_test(test_cmdline_space),
		cmocka_unit_test(test_cmdline_digest),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
