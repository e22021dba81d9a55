#include "testing.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/hex.h"
#include "../support/image_case.h"
#include "measure/tdvf.h"

#define FW_LEN  IMAGE_CASE_FIRMWARE_LEN
#define END     IMAGE_CASE_TABLE_END
#define DESC    IMAGE_CASE_DESCRIPTOR
#define S(i)    IMAGE_CASE_SECTION(i)

/* Fields of a section. */
enum { OFFSET = 0, RAW = 4, ADDRESS = 8, MEMORY = 16, TYPE = 24, ATTRIBUTES = 28 };

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

static uint8_t *
firmware(void)
{
	struct image_case image;

	arena_reset(arena);
	image_case_init(&image, arena);
	return image.firmware;
}

static void
expect_mrtd(const struct tdvf *tdvf, bool two_pass, const char *wanted)
{
	struct digest384 mrtd;
	char hex[97];

	tdvf_mrtd(&mrtd, tdvf, two_pass);
	hex_text(hex, BYTES_OF(mrtd.data));
	assert_string_equal(hex, wanted);
}

/* Values of the independent calculator. */
static void
test_known(void **state)
{
	static const struct td_hob_range ranges[] = {
		{ 0x810000, 0x820000 }, { 0x80b000, 0x80d000 }, { 0x809000, 0x80b000 },
		{ 0x800000, 0x806000 },
	};
	struct reason why;
	struct td_hob hob;
	struct tdvf tdvf;
	size_t i;

	assert_true(tdvf_read(&tdvf, (struct bytes){ firmware(), FW_LEN }, &why));
	expect_mrtd(&tdvf, false, "546657012384d2f824ae782e5793a6e68c14eb06ce9b44879baeeebed7f71a62"
	    "55ffaed94339c52275ba55b6ca65758f");
	expect_mrtd(&tdvf, true, "4698c1a861fe9480647c160da78d8a8c57a6441d4fc98d14f63ad7969cc9f353"
	    "898223992db8be7c2a03373ed2775d55");
	tdvf_td_hob(&hob, &tdvf);
	assert_int_equal(hob.address, 0x809000);
	assert_int_equal(hob.n_ranges, NELEM(ranges));
	for (i = 0; i < NELEM(ranges); i++) {
		assert_int_equal(hob.ranges[i].start, ranges[i].start);
		assert_int_equal(hob.ranges[i].end, ranges[i].end);
	}
	assert_false(tdvf_variables_known(&tdvf));
}

/* A variable store as OVMF builds it empty is known by its digest; one bit more is not. */
static void
test_variables(void **state)
{
	/* Of the headers; all else of the 0x84000 bytes is 0xff. */
	static const char head[] = "00000000000000000000000000000000"
	    "8d2bf1ff96768b4ca9852747075b4f5000400800000000005f465648fffe0400"
	    "4800afb8000000028400000000100000000000000000000"
	    "0782cf3aa7b949a43a1802e144ec37792b8ff03005afe000000000000";
	static const char spare[] =
	    "2b29589e687c7d49a0ce6500fd9f1b952caf2c64feffffffe00f000000000000";
	const size_t len = 0x84000;
	struct tdvf tdvf = { .n_sections = 1 };
	uint8_t *store = malloc(len);
	struct reason why;

	assert_non_null(store);
	memset(store, 0xff, len);
	assert_true(hex_decode(store, bytes_str(head), &why));
	assert_true(hex_decode(store + 0x41000, bytes_str(spare), &why));
	tdvf.sections[0] = (struct tdvf_section){ .type = TDVF_CFV, .data = { store, len } };
	assert_true(tdvf_variables_known(&tdvf));
	store[0x2000] ^= 1;
	assert_false(tdvf_variables_known(&tdvf));
	store[0x2000] ^= 1;
	tdvf.sections[0].type = TDVF_BFV;
	assert_false(tdvf_variables_known(&tdvf));
	free(store);
}

struct edit {
	size_t  at;
	unsigned width;         /* 0: none                      */
	uint64_t value;
};

static void
edit(uint8_t *fw, const struct edit *e)
{
	if (e->width == 2)
		image_case_u16(fw, e->at, (uint32_t)e->value);
	else if (e->width == 4)
		image_case_u32(fw, e->at, (uint32_t)e->value);
	else if (e->width == 8)
		image_case_u64(fw, e->at, e->value);
}

/* The entries: other at END - 40 .. - 18, TDX at END - 62 .. - 40. */
static const struct {
	const char *name;
	struct edit edits[2];
	const char *why;        /* NULL: accepted; what follows the prefix */
} cases[] = {
	{ "as it is", { { 0 } }, NULL },
	{ "footer GUID", { { END - 16, 2, 0 } }, "Invalid footer GUID" },
	{ "table of 0 bytes", { { END - 18, 2, 0 } }, "Invalid tables length" },
	{ "table of 17 bytes", { { END - 18, 2, 17 } }, "Invalid tables length" },
	{ "table of 18 bytes", { { END - 18, 2, 18 } }, "Missing TDVF metadata" },
	{ "table of 35 bytes", { { END - 18, 2, 35 } }, "Invalid entry length" },
	{ "entry cut by the table", { { END - 18, 2, 61 } }, "Invalid entry length" },
	{ "entry of 0 bytes", { { END - 36, 2, 0 } }, "Invalid entry length" },
	{ "entry of 17 bytes", { { END - 36, 2, 17 } }, "Invalid entry length" },
	{ "entry longer than the rest", { { END - 36, 2, 45 } }, "Invalid entry length" },
	{ "entry of all the rest", { { END - 36, 2, 44 } }, "Missing TDVF metadata" },
	{ "empty entry first", { { END - 36, 2, 18 }, { END - 54, 2, 0xffff } },
	    "Invalid entry length" },
	{ "one empty entry", { { END - 18, 2, 36 }, { END - 36, 2, 18 } }, "Missing TDVF metadata" },
	{ "no TDX entry", { { END - 56, 2, 0 } }, "Missing TDVF metadata" },
	{ "TDX entry without data", { { END - 58, 2, 18 } }, "TDVF metadata data too small" },
	{ "TDX entry of 3 bytes", { { END - 58, 2, 21 } }, "TDVF metadata data too small" },
	{ "TDX entry longer than the table", { { END - 58, 2, 23 } }, "Invalid entry length" },
	{ "offset 0", { { END - 62, 4, 0 } }, "failed to decode TDVF descriptor" },
	{ "offset 15", { { END - 62, 4, 15 } }, "failed to decode TDVF descriptor" },
	{ "offset 16", { { END - 62, 4, 16 } }, "Invalid TDVF descriptor" },
	{ "offset of the whole file", { { END - 62, 4, FW_LEN } }, "Invalid TDVF descriptor" },
	{ "offset past the start", { { END - 62, 4, FW_LEN + 1 } },
	    "TDVF metadata offset exceeds firmware size" },
	{ "offset 2^32 - 1", { { END - 62, 4, UINT32_MAX } },
	    "TDVF metadata offset exceeds firmware size" },
	{ "signature", { { DESC, 2, 0 } }, "Invalid TDVF descriptor" },
	{ "version 0", { { DESC + 8, 4, 0 } }, "Unsupported TDVF version" },
	{ "version 2", { { DESC + 8, 4, 2 } }, "Unsupported TDVF version" },
	{ "length of the descriptor", { { DESC + 4, 4, 0 } }, NULL },
	{ "no sections", { { DESC + 12, 4, 0 } }, NULL },
	{ "65 sections", { { DESC + 12, 4, 65 } },
	    "TDVF metadata declares 65 sections, more than the 64 supported" },
	{ "2^32 - 1 sections", { { DESC + 12, 4, UINT32_MAX } },
	    "TDVF metadata declares 4294967295 sections, more than the 64 supported" },
	{ "address", { { S(0) + ADDRESS, 8, 0xfffe4001 } }, "Section memory address not aligned" },
	{ "less memory than data", { { S(1) + MEMORY, 8, 0x3000 } },
	    "Section memory data size less than raw" },
	{ "memory", { { S(1) + MEMORY, 8, 0x4001 } }, "Section memory data size not aligned" },
	{ "extended, a byte past the end", { { S(0) + OFFSET, 4, 0x4001 } },
	    "TDVF section 0 is outside the 131072-byte firmware" },
	{ "extended, less data", { { S(0) + RAW, 4, 0x1b000 } },
	    "TDVF extended section 0 has less data than memory" },
	{ "extended, memory past the end", { { S(0) + MEMORY, 8, 0x1d000 } },
	    "TDVF section 0 is outside the 131072-byte firmware" },
	{ "extended, 1 TiB", { { S(0) + MEMORY, 8, 1ull << 40 } },
	    "TDVF section 0 is outside the 131072-byte firmware" },
	{ "extended, offset and size wrap", { { S(0) + MEMORY, 8, 0xfffffffffffff000 } },
	    "TDVF section 0 is outside the 131072-byte firmware" },
	{ "data past the end", { { S(1) + OFFSET, 4, 0x1c001 } },
	    "TDVF section 1 is outside the 131072-byte firmware" },
	{ "data up to the end", { { S(1) + OFFSET, 4, 0x1c000 } }, NULL },
	{ "data at 2^32 - 1", { { S(1) + OFFSET, 4, UINT32_MAX } },
	    "TDVF section 1 is outside the 131072-byte firmware" },
	{ "address space ends", { { S(2) + ADDRESS, 8, 0xffffffffffff0000 } },
	    "TDVF section 2 wraps past the end of the address space" },
	{ "a page before that", { { S(2) + ADDRESS, 8, 0xfffffffffffef000 } }, NULL },
	{ "address wraps", { { S(2) + ADDRESS, 8, 0xfffffffffffff000 } },
	    "TDVF section 2 wraps past the end of the address space" },
	/* 28 + 4 pages before it, 2 + 2 + 6 + 1 behind. */
	{ "65536 pages", { { S(2) + MEMORY, 8, (65536 - 43) * 4096ull } }, NULL },
	{ "65537 pages", { { S(2) + MEMORY, 8, (65536 - 42) * 4096ull } },
	    "TDVF metadata asks to measure 65537 pages, more than the 65536 supported" },
	{ "2^52 pages", { { S(2) + MEMORY, 8, 0xffffffffff000000 } },
	    "TDVF metadata asks to measure 4503599627366432 pages, more than the 65536 supported" },
	{ "another type", { { S(3) + TYPE, 4, 77 } }, NULL },
};

static void
test_cases(void **state)
{
	char wanted[160];
	struct tdvf tdvf;
	struct reason why;
	uint8_t *fw;
	size_t i, j;
	bool ok;

	for (i = 0; i < NELEM(cases); i++) {
		fw = firmware();
		for (j = 0; j < NELEM(cases[i].edits); j++)
			edit(fw, &cases[i].edits[j]);
		ok = tdvf_read(&tdvf, (struct bytes){ fw, FW_LEN }, &why);
		snprintf(wanted, sizeof wanted, "Failed to parse TDVF metadata: %s",
		    cases[i].why != NULL ? cases[i].why : "");
		expect_reason(cases[i].name, ok, &why, cases[i].why != NULL ? wanted : NULL);
	}
}

/* The first TDX entry from the end counts, here with data in front of the offset. */
static void
test_entry_with_data(void **state)
{
	uint8_t *fw = firmware();
	struct tdvf tdvf;
	struct reason why;

	/* One entry of 44 bytes in place of two: 26 of data, the last 4 the offset. */
	memmove(fw + END - 34, fw + END - 56, 16);
	image_case_u16(fw, END - 36, 44);
	image_case_u32(fw, END - 40, 0x840);
	assert_true(tdvf_read(&tdvf, (struct bytes){ fw, FW_LEN }, &why));
	assert_int_equal(tdvf.n_sections, 7);
}

/* Attributes choose what is measured, and each changes the value. */
static void
test_attributes(void **state)
{
	static const uint32_t types[] = { 1, 0, 3, 2 };
	struct digest384 seen[8];
	struct tdvf tdvf;
	struct reason why;
	uint8_t *fw = firmware();
	size_t i, j;

	for (i = 0; i < 4; i++) {
		image_case_u32(fw, S(0) + ATTRIBUTES, types[i]);
		assert_true(tdvf_read(&tdvf, (struct bytes){ fw, FW_LEN }, &why));
		tdvf_mrtd(&seen[2 * i], &tdvf, false);
		tdvf_mrtd(&seen[2 * i + 1], &tdvf, true);
	}
	/* The order of passes matters only where pages are both added and extended. */
	for (i = 0; i < NELEM(seen); i++)
		for (j = 0; j < i; j++)
			assert_int_equal(digest384_equal(&seen[i], &seen[j]), i == j + 1 && i > 2 &&
			    i % 2 == 1);
}

/* The last of several TD HOB sections names the list's place; without one it has its own. */
static void
test_td_hob(void **state)
{
	struct tdvf tdvf = { .n_sections = 2 };
	struct td_hob hob;

	tdvf.sections[0] = (struct tdvf_section){ .type = TDVF_TD_HOB, .address = 0x1000,
	    .n_pages = 1 };
	tdvf.sections[1] = (struct tdvf_section){ .type = TDVF_TD_HOB, .address = 0x5000,
	    .n_pages = 2 };
	tdvf_td_hob(&hob, &tdvf);
	assert_int_equal(hob.address, 0x5000);
	assert_int_equal(hob.n_ranges, 2);
	assert_int_equal(hob.ranges[1].end, 0x7000);
	tdvf.sections[0].type = tdvf.sections[1].type = TDVF_TEMP_MEM;
	tdvf_td_hob(&hob, &tdvf);
	assert_int_equal(hob.address, 0x809000);
	tdvf.sections[0].type = TDVF_BFV;
	tdvf_td_hob(&hob, &tdvf);
	assert_int_equal(hob.n_ranges, 1);
}

static bool
witness_write(char hex[512], const struct tdvf *tdvf, struct reason *why)
{
	uint8_t buffer[256];
	size_t len = 0;
	bool ok;
	CBB out;

	assert_true(CBB_init_fixed(&out, buffer, sizeof buffer));
	ok = tdvf_witness_write(&out, tdvf, why);
	if (ok) {
		assert_true(CBB_finish(&out, NULL, &len));
		hex_text(hex, (struct bytes){ buffer, len });
	}
	CBB_cleanup(&out);
	return ok;
}

static void
test_witness(void **state)
{
	struct tdvf tdvf;
	struct reason why;
	char hex[512];

	assert_true(tdvf_read(&tdvf, (struct bytes){ firmware(), FW_LEN }, &why));
	/* The value of every dstack firmware seen, though this table has another order. */
	assert_true(witness_write(hex, &tdvf, &why));
	assert_string_equal(hex, "80100904000609020b021010");
	tdvf.sections[2].address = 0x20000000;          /* two bytes for its page */
	assert_true(witness_write(hex, &tdvf, &why));
	assert_string_equal(hex, "80100904000609020b0280f00710");
	tdvf.sections[2].address = 0x80c000;
	assert_false(witness_write(hex, &tdvf, &why));
	assert_string_equal(why.text, "TD HOB witness ranges must not overlap");
	tdvf.sections[2].address = 0x80d000;
	assert_true(witness_write(hex, &tdvf, &why));
	tdvf.sections[2].n_pages = 0;
	assert_false(witness_write(hex, &tdvf, &why));
	assert_string_equal(why.text, "TD HOB witness range must not be empty");
	tdvf.sections[4].type = TDVF_TEMP_MEM;
	assert_false(witness_write(hex, &tdvf, &why));
	assert_string_equal(why.text, "TDVF metadata needs exactly one TD_HOB section");
	tdvf.sections[3].type = tdvf.sections[4].type = TDVF_TD_HOB;
	assert_false(witness_write(hex, &tdvf, &why));
	assert_string_equal(why.text, "TDVF metadata needs exactly one TD_HOB section");
}

/* Two pages of firmware, whose every part is refused: from the front and from the end. */
static void
test_truncations(void **state)
{
	const size_t len = 0x2000;
	uint8_t *fw = firmware() + FW_LEN - len, *copy;
	struct tdvf tdvf;
	struct reason why;
	size_t n, measured = 0;

	image_case_u32(fw, len - 0x840 + 12, 2);
	image_case_u32(fw, len - 0x830 + OFFSET, 0);
	image_case_u32(fw, len - 0x830 + RAW, (uint32_t)len);
	image_case_u64(fw, len - 0x830 + MEMORY, len);
	image_case_u32(fw, len - 0x810 + OFFSET, 0x1000);
	image_case_u32(fw, len - 0x810 + RAW, 0x1000);
	image_case_u64(fw, len - 0x810 + MEMORY, 0x1000);
	for (n = 0; n <= len; n++) {
		copy = malloc(n + 1);           /* so that a read past the end is seen */
		assert_non_null(copy);
		memcpy(copy, fw, n);
		measured += tdvf_read(&tdvf, (struct bytes){ copy, n }, &why);
		memcpy(copy, fw + len - n, n);
		measured += tdvf_read(&tdvf, (struct bytes){ copy, n }, &why);
		free(copy);
	}
	assert_int_equal(measured, 2);          /* the whole, twice */
	/* A table as long as what there is before the tail, and a byte longer. */
	image_case_u16(fw, len - 50, 0x1fe0);
	image_case_u16(fw, len - 68, 0x1fe0 - 18);
	assert_false(tdvf_read(&tdvf, (struct bytes){ fw, len }, &why));
	assert_string_equal(why.text, "Failed to parse TDVF metadata: Missing TDVF metadata");
	image_case_u16(fw, len - 50, 0x1fe1);
	assert_false(tdvf_read(&tdvf, (struct bytes){ fw, len }, &why));
	assert_string_equal(why.text, "Failed to parse TDVF metadata: Invalid tables length");
	assert_false(tdvf_read(&tdvf, (struct bytes){ fw, 49 }, &why));
	assert_string_equal(why.text, "Failed to parse TDVF metadata: TDVF firmware too small");
	assert_false(tdvf_read(&tdvf, (struct bytes){ fw, 50 }, &why));
	assert_string_equal(why.text, "Failed to parse TDVF metadata: Invalid footer GUID");
}

/* 64 sections that all extend the same pages: the most work there is. */
static void
test_most_work(void **state)
{
	const size_t len = 64 * 0x1000 + 0x2000;
	uint8_t *fw = calloc(1, len);
	struct digest384 mrtd;
	struct tdvf tdvf;
	struct reason why;
	size_t i, at = len - 0x1000;

	assert_non_null(fw);
	memcpy(fw + len - 0x100, firmware() + FW_LEN - 0x100, 0x100);
	image_case_u32(fw, len - 32 - 62, 0x1000);
	memcpy(fw + at, "TDVF", 4);
	image_case_u32(fw, at + 8, 1);
	image_case_u32(fw, at + 12, 64);
	for (i = 0; i < 64; i++) {
		image_case_u32(fw, at + 16 + 32 * i + RAW, 64 * 0x1000);
		image_case_u64(fw, at + 16 + 32 * i + MEMORY, 64 * 0x1000);
		image_case_u32(fw, at + 16 + 32 * i + ATTRIBUTES, 1);
	}
	assert_true(tdvf_read(&tdvf, (struct bytes){ fw, len }, &why));
	tdvf_mrtd(&mrtd, &tdvf, true);
	free(fw);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known), cmocka_unit_test(test_variables),
		cmocka_unit_test(test_cases), cmocka_unit_test(test_entry_with_data),
		cmocka_unit_test(test_attributes), cmocka_unit_test(test_td_hob),
		cmocka_unit_test(test_witness),
		cmocka_unit_test(test_truncations), cmocka_unit_test(test_most_work),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
