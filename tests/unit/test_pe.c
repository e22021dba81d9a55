#include "testing.h"

#include <stdlib.h>

#include "../support/image_case.h"
#include "core/hex.h"
#include "measure/pe.h"

#define LEN     IMAGE_CASE_KERNEL_LEN
#define PE      IMAGE_CASE_PE
#define OPT     IMAGE_CASE_OPTIONAL
#define S(i)    IMAGE_CASE_KERNEL_SECTION(i)

/* Fields, from their header. */
enum { COFF_SECTIONS = 6, COFF_OPTIONAL_LEN = 20, HEADERS_LEN = 60, CHECKSUM = 64,
    CERTIFICATES = 144, DATA_LEN = 16, DATA_OFFSET = 20 };

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

/* The sample kernel, with room behind it. */
static uint8_t *
kernel(void)
{
	static uint8_t room[LEN + 64];
	struct image_case image;

	arena_reset(arena);
	image_case_init(&image, arena);
	memset(room, 0, sizeof room);
	memcpy(room, image.kernel, LEN);
	return room;
}

static void
expect_digest(const char *name, struct bytes file, const char *wanted)
{
	struct digest384 digest;
	struct reason why = { 0 };
	char hex[97];
	bool ok = pe_authenticode(&digest, file, (struct bytes){ 0 }, &why);

	expect_reason(name, ok, &why, NULL);
	hex_text(hex, BYTES_OF(digest.data));
	if (strcmp(hex, wanted) != 0)
		fail_msg("%s: got %s", name, hex);
}

/* Values of the independent calculator. */
static void
test_known(void **state)
{
	uint8_t *k = kernel();
	size_t i;

	expect_digest("sample", (struct bytes){ k, LEN },
	    "8e22b5d21a470e73e6beb84ac60b90358c16f63928a297a768c01b7be905f66e"
	    "b0ddaa8ef6a2a91c9235acfab53cea61");
	for (i = 0; i < 5; i++)
		k[LEN + i] = (uint8_t)(i + 1);
	expect_digest("five bytes behind it, no certificate", (struct bytes){ k, LEN + 5 },
	    "2f8efc9ca55781b2db8adbc5703aca8e10fcd11f49f4fd7b9df0b5fc4aaa77cf"
	    "e6962ef2368ee7a6b46b998a5fdac568");
	for (i = 0; i < 8; i++)
		k[LEN + i] = (uint8_t)i;
	image_case_u32(k, OPT + CERTIFICATES, LEN + 8);
	image_case_u32(k, OPT + CERTIFICATES + 4, 16);
	expect_digest("eight bytes and a certificate", (struct bytes){ k, LEN + 24 },
	    "8bf83606c678d260af09f6046b2b7b597584196dde5533d961dd229b121338ed"
	    "43a0672a0ffa9657efcf0bece0ab48d8");
}

static struct digest384
digest_of(const uint8_t *file, size_t len, struct bytes head)
{
	struct digest384 digest;
	struct reason why;

	assert_true(pe_authenticode(&digest, (struct bytes){ file, len }, head, &why));
	return digest;
}

/* Checksum and certificate directory are not hashed; all other bytes are. */
static void
test_every_byte(void **state)
{
	struct digest384 whole, changed, failed = { { 0 } };
	const struct bytes none = { 0 };
	uint8_t *k = kernel();
	struct reason why;
	size_t i;

	whole = digest_of(k, LEN, none);
	for (i = 0; i < LEN; i++) {
		bool skipped = (i >= OPT + CHECKSUM && i < OPT + CHECKSUM + 4) ||
		    (i >= OPT + CERTIFICATES && i < OPT + CERTIFICATES + 8);

		changed = failed;
		k[i] ^= 1;
		if (!pe_authenticode(&changed, (struct bytes){ k, LEN }, none, &why))
			changed = failed;
		k[i] ^= 1;
		if (digest384_equal(&changed, &whole) != skipped)
			fail_msg("byte %zu", i);
	}
}

/* A head that is the file's own changes nothing; another one is what is hashed and parsed. */
static void
test_head(void **state)
{
	uint8_t *k = kernel(), head[LEN];
	struct digest384 whole = digest_of(k, LEN, (struct bytes){ 0 }), other, joined;
	static const size_t lens[] = { 1, 0x3d, 0x81, OPT + 61, OPT + 62, S(0) + 18, 0x400, 0x401,
	    0x1000, LEN };
	struct reason why;
	size_t i;

	memcpy(head, k, LEN);
	for (i = 0; i < NELEM(lens); i++) {
		other = digest_of(k, LEN, (struct bytes){ head, lens[i] });
		assert_true(digest384_equal(&other, &whole));
	}
	head[0x210] = 0xb0;
	other = digest_of(k, LEN, (struct bytes){ head, 0x1000 });
	assert_false(digest384_equal(&other, &whole));
	k[0x210] = 0xb0;
	joined = digest_of(k, LEN, (struct bytes){ 0 });
	assert_true(digest384_equal(&other, &joined));
	/* A head longer than the file is cut. */
	assert_false(pe_authenticode(&other, (struct bytes){ k, 0x80 },
	    (struct bytes){ head, LEN }, &why));
	assert_string_equal(why.text, "Missing PE signature offset");
}

static const struct {
	const char *name;
	size_t  at;
	unsigned width;
	uint32_t value;
	size_t  len;            /* of the file; 0: all          */
	const char *why;
} cases[] = {
	{ "as it is", 0, 0, 0, 0, NULL },
	{ "no DOS header", 0, 0, 0, 0x3f, "Missing DOS header" },
	{ "signature past the end", 0x3c, 4, LEN - 3, 0, "Missing PE signature offset" },
	{ "signature at 2^32 - 1", 0x3c, 4, UINT32_MAX, 0, "Missing PE signature offset" },
	{ "signature", PE, 2, 0, 0, "Invalid PE signature" },
	{ "cut in the COFF header", 0, 0, 0, PE + 7, "Missing number of sections" },
	{ "cut before the optional header", 0, 0, 0, PE + 21, "Missing COFF header size" },
	{ "cut at the magic", 0, 0, 0, OPT + 1, "Missing header magic" },
	{ "cut at the headers' size", 0, 0, 0, OPT + 63, "Missing size_of_headers" },
	{ "cut at the directory", 0, 0, 0, OPT + 151,
	    "malformed PE: certificate directory ends at 304, past the 303-byte image" },
	{ "cut behind the directory", 0, 0, 0, OPT + 152,
	    "malformed PE: size_of_headers 1024 is outside [304, 304]" },
	{ "headers of 0 bytes", OPT + HEADERS_LEN, 4, 0, 0,
	    "malformed PE: size_of_headers 0 is outside [304, 13312]" },
	{ "headers before the directory's end", OPT + HEADERS_LEN, 4, 303, 0,
	    "malformed PE: size_of_headers 303 is outside [304, 13312]" },
	{ "headers up to the directory's end", OPT + HEADERS_LEN, 4, 304, 0, NULL },
	{ "headers up to the end", OPT + HEADERS_LEN, 4, LEN, 0, NULL },
	{ "headers past the end", OPT + HEADERS_LEN, 4, LEN + 1, 0,
	    "malformed PE: size_of_headers 13313 is outside [304, 13312]" },
	{ "headers of 0xfffffff0 bytes", OPT + HEADERS_LEN, 4, 0xfffffff0, 0,
	    "malformed PE: size_of_headers 4294967280 is outside [304, 13312]" },
	{ "cut after the headers", 0, 0, 0, 0x400, NULL },
	{ "cut before their end", 0, 0, 0, 0x3ff,
	    "malformed PE: size_of_headers 1024 is outside [304, 1023]" },
	{ "PE32", OPT, 2, 0x10b, 0, NULL },
	{ "no sections", PE + COFF_SECTIONS, 2, 0, 0, NULL },
	{ "96 sections, 94 of them empty", PE + COFF_SECTIONS, 2, 96, 0, NULL },
	{ "97 sections", PE + COFF_SECTIONS, 2, 97, 0, "malformed PE: 97 sections, more than 96" },
	{ "65535 sections", PE + COFF_SECTIONS, 2, 65535, 0,
	    "malformed PE: 65535 sections, more than 96" },
	{ "section headers past the end", PE + COFF_OPTIONAL_LEN, 2, LEN - OPT - 40, 0,
	    "Missing pointer_to_raw_data" },
	{ "the last just inside", PE + COFF_OPTIONAL_LEN, 2, LEN - OPT - 40 - 24, 0, NULL },
	{ "overlap by one byte", S(1) + DATA_LEN, 4, 0x2001, 0, "malformed PE: sections overlap" },
	{ "a gap of one byte", S(1) + DATA_LEN, 4, 0x1fff, 0, NULL },
	{ "the same bytes twice", S(0) + DATA_OFFSET, 4, 0x400, 0,
	    "malformed PE: sections overlap" },
	{ "empty one inside another", S(0) + DATA_LEN, 4, 0, 0, NULL },
	{ "end past the file", S(0) + DATA_LEN, 4, UINT32_MAX, 0, NULL },
	{ "start past the file", S(0) + DATA_OFFSET, 4, UINT32_MAX, 0, NULL },
	{ "start at the end of the file", S(0) + DATA_OFFSET, 4, LEN, 0, NULL },
};

static void
test_cases(void **state)
{
	struct digest384 digest;
	struct reason why;
	size_t i, len;
	uint8_t *k;
	bool ok;

	for (i = 0; i < NELEM(cases); i++) {
		k = kernel();
		if (cases[i].width == 2)
			image_case_u16(k, cases[i].at, cases[i].value);
		else if (cases[i].width == 4)
			image_case_u32(k, cases[i].at, cases[i].value);
		len = cases[i].len != 0 ? cases[i].len : LEN;
		ok = pe_authenticode(&digest, (struct bytes){ k, len }, (struct bytes){ 0 }, &why);
		expect_reason(cases[i].name, ok, &why, cases[i].why);
	}
}

/* What the independent calculator makes of files that real kernels are not. */
static void
test_odd(void **state)
{
	uint8_t *k = kernel();

	image_case_u32(k, S(0) + DATA_LEN, 0xfffff000);
	expect_digest("clipped", (struct bytes){ k, LEN },
	    "9f5009916de72d1a0efca3ce3c42e27e9d3e08a4bcdd927088b580ba393a9f84"
	    "77b58d99492968877d2d615578d3bf7c");
	image_case_u32(k, OPT + CERTIFICATES, 1);
	image_case_u32(k, OPT + CERTIFICATES + 4, 1);
	expect_digest("clipped, and a certificate", (struct bytes){ k, LEN },
	    "9f5009916de72d1a0efca3ce3c42e27e9d3e08a4bcdd927088b580ba393a9f84"
	    "77b58d99492968877d2d615578d3bf7c");
	k = kernel();
	image_case_u16(k, OPT, 0x10b);
	expect_digest("PE32", (struct bytes){ k, LEN },
	    "df0d5b8b49dc341a98e0883a19bdbb135d338c8ccf4657794cb0cd8df4ae139a"
	    "77cbd3a2f576de7fdb49756993baba1b");
	k = kernel();
	image_case_u32(k, S(0) + DATA_LEN, 0xf00);
	image_case_u32(k, OPT + CERTIFICATES, 1);
	image_case_u32(k, OPT + CERTIFICATES + 4, 0x10);
	expect_digest("rest before a certificate", (struct bytes){ k, LEN },
	    "656208a44e373bb37523c7c7d85f57732c35a4c997fce23b0e46d2056ca97353"
	    "a879050f85d379125f976553d9ed5172");
	image_case_u32(k, OPT + CERTIFICATES + 4, 0x100);
	expect_digest("nothing before the certificate", (struct bytes){ k, LEN },
	    "4eb59b35f5cc0f88cef779b55ce9c73fc4963b2f2176aa31c81d857203cd7e58"
	    "30ebebd530ddc1a6801142e34ed54461");
	image_case_u32(k, OPT + CERTIFICATES, 0);
	image_case_u32(k, OPT + CERTIFICATES + 4, 0x10);
	expect_digest("certificate at 0", (struct bytes){ k, LEN },
	    "4eb59b35f5cc0f88cef779b55ce9c73fc4963b2f2176aa31c81d857203cd7e58"
	    "30ebebd530ddc1a6801142e34ed54461");
	image_case_u32(k, OPT + CERTIFICATES, 1);
	image_case_u32(k, OPT + CERTIFICATES + 4, 0);
	expect_digest("certificate of 0 bytes", (struct bytes){ k, LEN },
	    "4eb59b35f5cc0f88cef779b55ce9c73fc4963b2f2176aa31c81d857203cd7e58"
	    "30ebebd530ddc1a6801142e34ed54461");
}

/* Cut anywhere, a kernel is refused up to its headers' end and hashed from there. */
static void
test_truncations(void **state)
{
	const uint8_t *k = kernel();
	struct digest384 digest;
	struct reason why;
	uint8_t *copy;
	size_t n;
	bool ok;

	for (n = 0; n <= LEN; n++) {
		copy = malloc(n + 1);           /* so that a read past the end is seen */
		assert_non_null(copy);
		memcpy(copy, k, n);
		why.text[0] = '\0';
		ok = pe_authenticode(&digest, (struct bytes){ copy, n }, (struct bytes){ 0 }, &why);
		free(copy);
		if (ok != (n >= 0x400) || (!ok && why.text[0] == '\0'))
			fail_msg("%zu bytes", n);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known), cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_head), cmocka_unit_test(test_cases),
		cmocka_unit_test(test_odd), cmocka_unit_test(test_truncations),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
