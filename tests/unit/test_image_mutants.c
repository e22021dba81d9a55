/*
 * Files of an image with bytes changed at random, the same ones in every run: whatever comes of
 * them, it is a result or a reason, without a read past the end (each input has its own memory,
 * for the sanitizers to watch).  Of those in measure/mutants.txt an independent calculator has
 * said what comes of them.
 */
#include "testing.h"

#include <stdlib.h>

#include "../support/image_case.h"
#include "core/hex.h"
#include "measure/image_record.h"
#include "measure/kernel.h"
#include "measure/manifest.h"
#include "measure/tdvf.h"
#include "measure/tdx_document.h"

#define ROUNDS          4000
#define MEMORY          (UINT64_C(2) << 30)     /* what the calculator was asked for */
#define N_REFERENCE     747     /* rows of mutants.txt */

static struct arena *arena;
static struct image_case image;

static int
setup(void **state)
{
	arena = arena_new(16u << 20);
	if (arena == NULL)
		return 1;
	image_case_init(&image, arena);
	return 0;
}

static int
teardown(void **state)
{
	arena_free(arena);
	return 0;
}

/* xorshift64 */
static uint64_t
noise(void)
{
	static uint64_t x = 0x9e3779b97f4a7c15;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

/* Up to four bytes of a part changed, and one time in eight the whole is cut. */
static uint8_t *
mutant_new(struct bytes seed, size_t from, size_t span, size_t *len)
{
	static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xff, '"', '\n', '}' };
	uint8_t *out = malloc(seed.len);
	size_t i, n = 1 + noise() % 4;

	assert_non_null(out);
	memcpy(out, seed.ptr, seed.len);
	for (i = 0; i < n; i++)
		out[from + noise() % span] = noise() % 2 == 0 ? (uint8_t)noise() :
		    values[noise() % NELEM(values)];
	*len = noise() % 8 == 0 ? noise() % seed.len : seed.len;
	return realloc(out, *len != 0 ? *len : 1);
}

typedef bool try_fn(struct bytes input, struct reason *why);

static void
run(const char *name, struct bytes seed, size_t from, size_t span, try_fn *try)
{
	size_t i, len, n_taken = 0;
	struct reason why;
	uint8_t *mutant;

	for (i = 0; i < ROUNDS; i++) {
		mutant = mutant_new(seed, from, span, &len);
		why = (struct reason){ 0 };
		if (try((struct bytes){ mutant, len }, &why))
			n_taken++;
		else if (why.kind == REASON_NONE || why.text[0] == '\0')
			fail_msg("%s: refused without a reason", name);
		free(mutant);
	}
	/* Mutants that are all refused, or all taken, would show little. */
	if (n_taken < ROUNDS / 100 || n_taken > ROUNDS - ROUNDS / 100)
		fail_msg("%s: %zu taken", name, n_taken);
}

static bool
tdvf_try(struct bytes input, struct reason *why)
{
	struct digest384 mrtd;
	struct reason ignored;
	struct tdvf tdvf;
	struct td_hob hob;
	size_t i, n_pages = 0;
	CBB out;

	if (!tdvf_read(&tdvf, input, why))
		return false;
	tdvf_td_hob(&hob, &tdvf);
	assert_true(CBB_init(&out, 64));
	(void)!tdvf_witness_write(&out, &tdvf, &ignored);
	CBB_cleanup(&out);
	(void)!td_hob_measure(&mrtd, &hob, noise(), &ignored);
	for (i = 0; i < tdvf.n_sections; i++)
		n_pages += tdvf.sections[i].n_pages;
	assert_true(n_pages <= TDVF_MAX_PAGES);
	if (n_pages <= 64) {                    /* else it only takes time */
		tdvf_mrtd(&mrtd, &tdvf, false);
		tdvf_mrtd(&mrtd, &tdvf, true);
	}
	return true;
}

/* The last two pages of the firmware, with two sections in them. */
static void
test_tdvf(void **state)
{
	const size_t len = 0x2000;
	uint8_t *fw = image.firmware + IMAGE_CASE_FIRMWARE_LEN - len;

	image_case_u32(fw, len - 0x840 + 12, 2);
	image_case_u32(fw, len - 0x830, 0);
	image_case_u32(fw, len - 0x830 + 4, (uint32_t)len);
	image_case_u64(fw, len - 0x830 + 16, len);
	image_case_u32(fw, len - 0x810, 0x1000);
	image_case_u32(fw, len - 0x810 + 4, 0x1000);
	image_case_u64(fw, len - 0x810 + 16, 0x1000);
	run("descriptor", (struct bytes){ fw, len }, len - 0x840, 0x50, tdvf_try);
	run("table", (struct bytes){ fw, len }, len - 0x60, 0x40, tdvf_try);
}

static bool
kernel_try(struct bytes input, struct reason *why)
{
	struct kernel_header header;
	struct digest384 digest;
	uint32_t addr;

	return kernel_header_read(&header, input, why) &&
	    kernel_initrd_addr(&addr, &header, noise() % 0x80000000, noise() >> noise() % 64,
		why) &&
	    kernel_patched_digest(&digest, input, addr, 1, why) &&
	    kernel_unpatched_digest(&digest, input, why);
}

static void
test_kernel(void **state)
{
	const struct bytes kernel = { image.kernel, IMAGE_CASE_KERNEL_LEN };

	run("PE header", kernel, IMAGE_CASE_PE, 0x100, kernel_try);
	run("setup header", kernel, 0x1f0, 0x80, kernel_try);
}

static bool
metadata_try(struct bytes input, struct reason *why)
{
	struct metadata metadata;

	return metadata_read(&metadata, arena, input, why);
}

static bool
manifest_try(struct bytes input, struct reason *why)
{
	struct manifest manifest;

	return manifest_read(&manifest, input, why);
}

static void
test_texts(void **state)
{
	const struct bytes metadata = image.files.metadata, manifest = image.files.manifest;

	run("metadata", metadata, 0, metadata.len, metadata_try);
	run("manifest", manifest, 0, manifest.len, manifest_try);
}

static bool
record_try(struct bytes input, struct reason *why)
{
	struct image_record record;
	CBS in = cbs_bytes(input);
	uint32_t addr;
	bool known;

	return image_record_read(&record, &in, why) &&
	    image_record_initrd_addr(&addr, &known, &record, noise() >> noise() % 64, why);
}

static void
test_record(void **state)
{
	uint8_t buffer[IMAGE_RECORD_MAX_LEN];
	struct image_record record;
	struct reason why;
	size_t len;
	CBB out;

	image_case_init(&image, arena);
	assert_true(image_record_compute(&record, arena, &image.hash, &image.files, &why));
	assert_true(CBB_init_fixed(&out, buffer, sizeof buffer));
	assert_true(image_record_write(&out, &record) && CBB_finish(&out, NULL, &len));
	run("record", (struct bytes){ buffer, len }, 0, len, record_try);
}

/* A row of the file: the base with some bytes changed, and what the calculator makes of it. */
struct row {
	const char *kind, *edits, *numbers, *outcome;
	struct bytes mutant;
};

typedef bool result_fn(struct digest384 *out, const struct row *row, struct reason *why);

static bool
firmware_result(struct digest384 *out, const struct row *row, struct reason *why)
{
	struct digest384 digests[3] = { 0 };
	struct reason ignored;
	struct tdvf tdvf;
	struct td_hob hob;

	if (!tdvf_read(&tdvf, row->mutant, why))
		return false;
	tdvf_mrtd(&digests[0], &tdvf, false);
	tdvf_mrtd(&digests[1], &tdvf, true);
	tdvf_td_hob(&hob, &tdvf);
	if (!td_hob_measure(&digests[2], &hob, MEMORY, &ignored))
		digests[2] = (struct digest384){ 0 };
	digest384_of(out, BYTES_OF(digests));
	return true;
}

static bool
kernel_result(struct digest384 *out, const struct row *row, struct reason *why)
{
	struct kernel_header header;
	struct digest384 patched, shipped;
	uint8_t addr_le[4] = { 0 };
	char *end;
	uint64_t initrd = strtoull(row->numbers, &end, 10), memory = strtoull(end, NULL, 10);
	uint32_t addr;

	if (!kernel_header_read(&header, row->mutant, why) ||
	    !kernel_initrd_addr(&addr, &header, initrd, memory, why) ||
	    !kernel_patched_digest(&patched, row->mutant, addr, (uint32_t)initrd, why) ||
	    !kernel_unpatched_digest(&shipped, row->mutant, why))
		return false;
	image_case_u32(addr_le, 0, addr);
	digest384_of_parts(out, (const struct bytes[]){ BYTES_OF(addr_le),
	    BYTES_OF(patched.data), BYTES_OF(shipped.data) }, 3);
	return true;
}

static bool
document_result(struct digest384 *out, const struct row *row, struct reason *why)
{
	struct digest384 digests[6];
	struct tdx_document doc;
	struct td_hob hob;
	uint8_t flags[2];

	if (!tdx_document_read(&doc, row->mutant, TDX_DOCUMENT_OLDEST, why) ||
	    !tdx_document_digest(&digests[0], doc.kernel_authenticode, "", why) ||
	    !tdx_document_digest(&digests[1], doc.initrd_sha384, "", why) ||
	    !tdx_document_digest(&digests[2], doc.mrtd_single_pass, "", why) ||
	    !tdx_document_digest(&digests[3], doc.mrtd_two_pass, "", why) ||
	    !tdx_document_cmdline(&digests[4], &doc, why) ||
	    !td_hob_witness_read(&hob, doc.td_hob, why) ||
	    !td_hob_measure(&digests[5], &hob, MEMORY, why))
		return false;
	flags[0] = (uint8_t)doc.version;
	flags[1] = doc.kernel_header_normalized;
	digest384_of_parts(out, (const struct bytes[]){ BYTES_OF(flags), BYTES_OF(digests) }, 2);
	return true;
}

/* "1f=00 20=ff": bytes at offsets, all in hex; only the first `len` bytes of the base stay. */
static uint8_t *
row_mutant_new(struct bytes base, const char *edits, size_t len)
{
	uint8_t *out = malloc(len != 0 ? len : 1);
	size_t at;
	char *end;

	assert_true(out != NULL && len <= base.len);
	bytes_copy(out, (struct bytes){ base.ptr, len });
	for (; *edits != '\0'; edits = end + (*end == ' ')) {
		at = strtoul(edits, &end, 16);
		assert_true(*end == '=' && at < len);
		out[at] = (uint8_t)strtoul(end + 1, &end, 16);
	}
	return out;
}

/* A refusal has to say what the calculator says, and may say more. */
static void
row_check(const struct row *row, result_fn *result)
{
	const bool refused = strncmp(row->outcome, "refused: ", 9) == 0;
	struct reason why = { 0 };
	struct digest384 digest;
	char hex[97] = "";

	if (result(&digest, row, &why))
		hex_text(hex, BYTES_OF(digest.data));
	if (refused ? hex[0] != '\0' || strstr(why.text, row->outcome + 9) == NULL :
	    strcmp(hex, row->outcome) != 0)
		fail_msg("%s of %zu bytes, %s (%s): got %s\"%s\", wanted %s", row->kind,
		    row->mutant.len, row->edits, row->numbers, hex, why.text, row->outcome);
}

static void
row_run(struct row *row, char *line, struct bytes base, result_fn *result)
{
	uint8_t *mutant;
	size_t len = strtoul(strsep(&line, "\t"), NULL, 10);

	row->edits = strsep(&line, "\t");
	row->numbers = strsep(&line, "\t");
	row->outcome = line;
	assert_non_null(line);
	mutant = row_mutant_new(base, row->edits, len);
	row->mutant = (struct bytes){ mutant, len };
	row_check(row, result);
	free(mutant);
}

/* A document comes before its mutants, in hex. */
static struct bytes
document_row_read(const char *hex)
{
	static uint8_t document[4096];
	struct bytes text = bytes_str(hex);
	struct reason why;

	assert_true(text.len <= 2 * sizeof document && hex_decode(document, text, &why));
	return (struct bytes){ document, text.len / 2 };
}

static void
test_reference(void **state)
{
	char *text = strdup((const char *)vector_read("measure/mutants.txt").ptr);
	char *line, *next = text;
	struct bytes document = { 0 };
	struct row row;
	unsigned n = 0;

	image_case_init(&image, arena);
	while ((line = strsep(&next, "\n")) != NULL && *line != '\0') {
		row.kind = strsep(&line, "\t");
		assert_non_null(line);
		if (strchr(line, '\t') == NULL) {
			document = document_row_read(line);
			continue;
		}
		if (strcmp(row.kind, "firmware") == 0)
			row_run(&row, line, image.files.firmware, firmware_result);
		else if (strcmp(row.kind, "kernel") == 0)
			row_run(&row, line, image.files.kernel, kernel_result);
		else
			row_run(&row, line, document, document_result);
		n++;
	}
	assert_int_equal(n, N_REFERENCE);
	free(text);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tdvf), cmocka_unit_test(test_kernel),
		cmocka_unit_test(test_texts), cmocka_unit_test(test_record),
		cmocka_unit_test(test_reference),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
