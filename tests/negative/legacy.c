/*
 * Machines whose image was published and measured: valid end to end with the registers that the
 * independent calculator expects (tests/vectors/measure/image.txt), and refused for one thing.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "judge.h"
#include "published.h"
#include "core/hex.h"

#define FAILED  "OS image hash verification failed: "

static struct arena *arena;
static struct image_case image;

static int
setup(void **state)
{
	arena = arena_new((size_t)16 << 20);
	return arena == NULL;
}

static int
teardown(void **state)
{
	arena_free(arena);
	return 0;
}

/* ---- machines with the calculator's registers ---- */

struct line {
	char    *image, *config, *outcome, *hex;
};

/* The next row of the file; false at its end. */
static bool
line_next(struct line *line, char **text)
{
	char *row = strsep(text, "\n");

	if (row == NULL || *row == '\0')
		return false;
	line->image = strsep(&row, "\t");
	line->config = strsep(&row, "\t");
	line->outcome = strsep(&row, "\t");
	line->hex = row;
	assert_non_null(row);
	return true;
}

/* A legacy machine of this row; its registers are the row's where it has some. */
static void
machine_make(struct guest *m, const struct line *line)
{
	uint8_t *body = m->intel.quote.body;

	arena_reset(arena);
	image_case_variant(&image, arena, line->image);
	m->legacy = true;
	m->manifest = image.files.manifest;
	m->change = (struct change)SET(STAGE_VM_CONFIG, build_str(build_text(
	    "{\"os_image_hash\": \"%s\", %s", build_str(build_digits(BYTES_OF(image.hash.data),
	    false)), line->config + 1)));
	m->keep_registers = true;
	events_replay(body + TD_RTMR3, &(struct event_list){ m->runtime, m->nruntime });
	if (strlen(line->hex) < 4 * 97)
		return;
	bytes_copy(body + TD_MRTD, build_hex(build_str(build_text("%.96s", line->hex))));
	bytes_copy(body + TD_RTMR0, build_hex(build_str(build_text("%.290s", line->hex + 97))));
}

/* What an answer says of the row's outcome: "single_pass patched newest". */
static bool
match_said(const char *outcome)
{
	char mrtd[32], kernel[32], profile[32];

	assert_int_equal(sscanf(outcome, "%31s %31s %31s", mrtd, kernel, profile), 3);
	return judge_says(build_str(build_text("\"measurement_match\":{\"mrtd\":\"%s\","
	    "\"kernel\":\"%s\",\"acpi_profile\":\"%s\"}", mrtd, kernel, profile)));
}

static void
row_check(const struct line *line, const struct judge *judge)
{
	const char *reason, *wanted = NULL;
	const void *mark = build_mark();
	struct guest m;

	guest_init(&m, 0);
	machine_make(&m, line);
	guest_build(&m);
	reason = judge_guest(judge, &m);
	if (strncmp(line->outcome, "refused: ", 9) == 0)
		wanted = build_str(build_text(FAILED "%s", line->outcome + 9));
	if (!judge_matches(reason, "", wanted))
		fail_msg("%s %s: %s", line->image, line->config,
		    reason != NULL ? reason : "valid");
	if (wanted == NULL && !match_said(line->outcome))
		fail_msg("%s %s: another match", line->image, line->config);
	if (!judge_says("\"os_image_is_dev\":false,\"os_image_version\":\"0.6.0\","))
		fail_msg("%s %s: what the image is", line->image, line->config);
	if (wanted != NULL && !judge_says("\"acpi_tables_verified\":false"))
		fail_msg("%s %s: tables", line->image, line->config);
	build_release(mark);
}

static void
test_rows(void **state)
{
	char *text = strdup((const char *)vector_read("measure/image.txt").ptr), *next = text;
	struct judge judge;
	struct line line;
	unsigned n = 0;

	judge_init(&judge);
	judge.image = &image;
	for (; line_next(&line, &next); n++)
		row_check(&line, &judge);
	assert_int_equal(n, 106);
	free(text);
}

/* ---- what spoils one ---- */

/* The first row with this image that is not refused. */
static void
first_row(struct line *line, const char *name)
{
	char *text = strdup((const char *)vector_read("measure/image.txt").ptr), *next = text;

	while (line_next(line, &next))
		if (strcmp(line->image, name) == 0 && strncmp(line->outcome, "refused", 7) != 0) {
			line->config = (char *)(uintptr_t)build_str(build_copy(line->config));
			line->hex = (char *)(uintptr_t)build_str(build_copy(line->hex));
			line->image = (char *)(uintptr_t)name;
			free(text);
			return;
		}
	fail_msg("no row of %s", name);
}

static void
base(struct guest *m, struct judge *judge)
{
	struct line line;

	first_row(&line, "plain");
	machine_make(m, &line);
	judge->image = &image;
}

/* Changes a register; guest_build() leaves it as it is. */
static void
register_flip(struct guest *m, struct judge *judge, int at)
{
	m->intel.quote.body[at] ^= 1;
}

/* The same machine says that it has another shape. */
static void
config_edit(struct guest *m, const char *what, const char *with)
{
	m->change.with = build_str(change_apply(&(struct change)REPLACE(STAGE_VM_CONFIG, what,
	    with), STAGE_VM_CONFIG, bytes_str(m->change.with)));
}

static void
cpus(struct guest *m, struct judge *judge, int arg)
{
	config_edit(m, "\"cpu_count\": 8", "\"cpu_count\": 9");
}

static void
pages(struct guest *m, struct judge *judge, int arg)
{
	config_edit(m, "{", "{\"qemu_single_pass_add_pages\": true, ");
}

static void
no_image(struct guest *m, struct judge *judge, int arg)
{
	judge->image = NULL;
}

static void
other_image(struct guest *m, struct judge *judge, int arg)
{
	char digits[65];

	hex_text(digits, BYTES_OF(image.hash.data));
	config_edit(m, digits, "00000000000000000000000000000000"
	    "00000000000000000000000000000000");
}

static void
not_listed(struct guest *m, struct judge *judge, int arg)
{
	judge->policy.allowed_os_image_hashes = (struct dv_list){ .given = true };
}

/* The published image is another one of that name: its manifest and hash follow. */
static void
republish(struct guest *m, const char *metadata)
{
	char old[65], new[65];

	hex_text(old, BYTES_OF(image.hash.data));
	image.metadata = metadata;
	image_case_seal(&image, arena);
	hex_text(new, BYTES_OF(image.hash.data));
	m->manifest = image.files.manifest;
	config_edit(m, old, new);
}

static const char *
metadata_edit(const char *what, const char *with)
{
	return build_str(change_apply(&(struct change)REPLACE(STAGE_VM_CONFIG, what, with),
	    STAGE_VM_CONFIG, bytes_str(image.metadata)));
}

static void
dev_image(struct guest *m, struct judge *judge, int arg)
{
	republish(m, metadata_edit("\"is_dev\": false", "\"is_dev\": true"));
	judge->policy.reject_dev_images = arg != 0;
}

static void
no_dev(struct guest *m, struct judge *judge, int arg)
{
	judge->policy.reject_dev_images = true;
}

static void
minimum(struct guest *m, struct judge *judge, int arg)
{
	judge->policy.minimum_os_version = arg ? "0.6.1" : "0.6.0";
}

static void
no_version(struct guest *m, struct judge *judge, int arg)
{
	republish(m, metadata_edit("\"version\": \"0.6.0\"", "\"version\": \"\""));
	judge->policy.minimum_os_version = arg ? "0.1" : "";
}

static void
cmdline(struct guest *m, struct judge *judge, int arg)
{
	republish(m, metadata_edit("panic=1", "panic=0"));
}

#define DIFFERS(name)   FAILED "MRs do not match: " name " mismatch: expected=*, actual=*"

static const struct row rows[] = {
	{ "MRTD", register_flip, TD_MRTD, {0}, DIFFERS("MRTD") },
	{ "RTMR0", register_flip, TD_RTMR0, {0}, DIFFERS("RTMR0") },
	{ "RTMR1", register_flip, TD_RTMR0 + 48, {0}, DIFFERS("RTMR1") },
	{ "RTMR2", register_flip, TD_RTMR0 + 96, {0}, DIFFERS("RTMR2") },
	{ "another CPU", cpus, 0, {0}, DIFFERS("RTMR0") },
	{ "another page order", pages, 0, {0}, DIFFERS("MRTD") },
	{ "another command line", cmdline, 0, {0}, DIFFERS("RTMR2") },
	{ "no image", no_image, 0, {0}, "needs an image" },
	{ "another image", other_image, 0, {0}, "needs an image" },
	{ "not listed", not_listed, 0, {0}, "Policy check failed: os_image_hash * is not allowed" },
	{ "no dev image", no_dev, 0, {0}, NULL },
	{ "dev image allowed", dev_image, 0, {0}, NULL },
	{ "dev image", dev_image, 1, {0}, "Policy check failed: dev image is not allowed" },
	{ "new enough", minimum, 0, {0}, NULL },
	{ "too old", minimum, 1, {0},
	    "Policy check failed: os_image_version 0.6.0 is older than 0.6.1" },
	{ "no version", no_version, 0, {0}, NULL },
	{ "no version, minimum", no_version, 1, {0},
	    "Policy check failed: os_image_version is not known" },
};

static void
test_spoiled(void **state)
{
	static const struct table table = { "", base, rows, NELEM(rows) };

	judge_table(&table);
}

/* One machine and what its answer says. */
static void
says(const char *name, void (*prepare)(struct guest *, struct judge *, int), const char *text)
{
	struct judge judge;
	struct guest m;

	judge_init(&judge);
	guest_init(&m, 0);
	base(&m, &judge);
	if (prepare != NULL)
		prepare(&m, &judge, 0);
	guest_build(&m);
	(void)judge_guest(&judge, &m);
	if (!judge_says(text))
		fail_msg("%s: no %s", name, text);
}

static void
test_answers(void **state)
{
	says("source", NULL, "\"os_image_hash_source\":\"image_download\"");
	says("assurance", NULL, "\"os_image\":\"verified\",\"acpi_tables\":\"verified\","
	    "\"identity\":\"replayed\"");
	says("tables", NULL, "\"os_image_hash_verified\":true,\"acpi_tables_verified\":true");
	says("unmet", NULL, "\"verdict\":\"accept\",\"unmet\":[]");
	says("dev", dev_image, "\"os_image_is_dev\":true,\"os_image_version\":\"0.6.0\"");
	says("dev, unmet", dev_image, "\"verdict\":\"reject\",\"unmet\":[\"os_image: dev\"]");
	says("version", no_version, "\"os_image_is_dev\":false,\"os_image_version\":null");
	says("refused", cpus, "\"code\":\"measurement_mismatch\",\"kind\":\"refused\","
	    "\"retryable\":false");
}

/* ---- what is asked for ---- */

static struct dv_span
span(struct bytes b)
{
	return (struct dv_span){ b.ptr, b.len };
}

static struct dv_context *
context_make(const struct guest *m, bool has_key)
{
	struct dv_options options = { .root_ca_tdx = span(mock_anchor(&m->intel)),
	    .has_image_key = has_key };
	struct dv_context *context;
	char error[512];

	dv_policy_init(&options.policy, DV_PROFILE_DROP_IN);
	assert_true(dv_policy_settle(&options.policy, error, sizeof error));
	memcpy(options.image_key, image_service_key(), sizeof options.image_key);
	context = dv_context_new(&options, error, sizeof error);
	assert_non_null(context);
	assert_true(dv_collateral_add(context, span(m->collateral), GUEST_NOW, error,
	    sizeof error));
	return context;
}

/* Offers what is asked for; gives why it was refused, NULL when it was taken. */
static const char *
offer(struct dv_context *context, const struct dv_key *key)
{
	static char error[512];
	const struct dv_fact fact = { .body = span(image_service_fact(&image, key)) };
	struct dv_dates dates = { 1, 2, 3 };

	if (!dv_fact_offer(context, key, &fact, GUEST_NOW, &dates, error, sizeof error))
		return error;
	assert_true(dates.issued == 0 && dates.next_update == 0 && dates.number == 0);
	return NULL;
}

/* A machine whose kernel is not in the record: 1 MiB of memory, the sample image. */
static void
low_machine(struct guest *m)
{
	struct judge judge;

	guest_init(m, 0);
	base(m, &judge);
	assert_non_null(strstr(m->change.with, "\"memory_size\": 1048576,"));
	guest_build(m);
}

/* The same failure with words of its own: one that may pass, and one by what the image holds. */
static const char *
refusal_of(struct dv_context *context, const struct dv_request *request,
    struct dv_failure *failure)
{
	struct dv_answer answer;

	failure->refusal = span(bytes_str("Download image timeout"));
	failure->retryable = true;
	assert_true(dv_verify(context, &answer, request));
	assert_true(answer.nneeds == 0 && answer.retryable && answer.unavailable);
	assert_string_equal(answer.reason, FAILED "Download image timeout");
	failure->refusal = span(bytes_str("Checksum verification failed: bzImage"));
	failure->retryable = false;
	assert_true(dv_verify(context, &answer, request));
	assert_true(answer.nneeds == 0 && !answer.retryable && !answer.unavailable);
	assert_int_equal(answer.stage, DV_STAGE_OS_IMAGE);
	return build_str(build_copy(answer.reason));
}

/* First the record; then the kernel at one address, and when that cannot be had, why. */
static void
test_needs(void **state)
{
	struct dv_failure failure;
	struct dv_request request = { .now = GUEST_NOW, .failures = &failure };
	struct dv_answer answer;
	struct dv_context *context;
	struct guest m;

	low_machine(&m);
	context = context_make(&m, true);
	request.body = span(m.body);
	assert_true(dv_verify(context, &answer, &request));
	assert_int_equal(answer.nneeds, 1);
	assert_int_equal(answer.needs[0].type, DV_FACT_IMAGE);
	assert_int_equal(answer.needs[0].initrd_addr, 0);
	assert_null(offer(context, &answer.needs[0]));
	assert_true(dv_verify(context, &answer, &request));
	assert_int_equal(answer.nneeds, 1);
	assert_int_equal(answer.needs[0].type, DV_FACT_KERNEL);
	assert_memory_equal(answer.needs[0].image, image.hash.data, 32);
	assert_true(answer.needs[0].initrd_addr != 0);
	failure = (struct dv_failure){ .key = answer.needs[0] };
	request.nfailures = 1;
	failure.key.initrd_addr ^= 0x1000;
	assert_true(dv_verify(context, &answer, &request));
	assert_int_equal(answer.nneeds, 1);
	failure.key.initrd_addr ^= 0x1000;
	assert_true(dv_verify(context, &answer, &request));
	assert_int_equal(answer.nneeds, 0);
	assert_true(answer.retryable && answer.unavailable);
	assert_true(judge_matches(answer.reason, "", FAILED "Failed to download image *: "
	    "Failed to download image: server not reachable"));
	assert_string_equal(refusal_of(context, &request, &failure), FAILED
	    "Checksum verification failed: bzImage");
	/* What is there counts, whatever was said before it came. */
	assert_null(offer(context, &failure.key));
	assert_true(dv_verify(context, &answer, &request));
	assert_true(answer.valid);
	dv_context_free(context);
}

/* Nobody to believe: no record is taken, and the image stays to be asked for. */
static void
test_no_key(void **state)
{
	struct dv_request request = { .now = GUEST_NOW };
	struct dv_answer answer;
	struct dv_context *context;
	struct guest m;

	low_machine(&m);
	context = context_make(&m, false);
	request.body = span(m.body);
	for (unsigned i = 0; i < 2; i++) {
		assert_true(dv_verify(context, &answer, &request));
		assert_int_equal(answer.nneeds, 1);
		assert_int_equal(answer.needs[0].type, DV_FACT_IMAGE);
		assert_string_equal(offer(context, &answer.needs[0]),
		    "no key to verify facts about images with");
	}
	dv_context_free(context);
}

/* A kernel of another initrd, which only its signer can have got wrong. */
static void
test_other_initrd(void **state)
{
	struct image_fact_key key = { .type = IMAGE_FACT_KERNEL };
	struct dv_request request = { .now = GUEST_NOW };
	struct dv_answer answer;
	struct dv_context *context;
	struct kernel_fact kernel = { 0 };
	struct dv_fact fact;
	struct dv_dates dates;
	struct guest m;
	char error[512];
	CBB out;

	low_machine(&m);
	context = context_make(&m, true);
	request.body = span(m.body);
	assert_true(dv_verify(context, &answer, &request));
	assert_null(offer(context, &answer.needs[0]));
	assert_true(dv_verify(context, &answer, &request));
	assert_int_equal(answer.nneeds, 1);
	key.os_image_hash = image.hash;
	key.initrd_addr = kernel.initrd_addr = answer.needs[0].initrd_addr;
	kernel.initrd_size = IMAGE_CASE_INITRD_LEN - 1;
	assert_true(CBB_init(&out, 64) && kernel_fact_write(&out, &kernel));
	fact = (struct dv_fact){ .body = span(image_service_sign(&key, build_finish(&out))) };
	assert_true(dv_fact_offer(context, &answer.needs[0], &fact, GUEST_NOW, &dates, error,
	    sizeof error));
	assert_true(dv_verify(context, &answer, &request));
	assert_true(!answer.valid && answer.retryable);
	assert_non_null(strstr(build_str(build_keep(answer.json.ptr, answer.json.len)),
	    "\"code\":\"image_unavailable\""));
	dv_context_free(context);
}

/* ---- documents that a published image confirms, or not ---- */

/* A lite machine whose image is published under the hash that its document gives. */
static void
lite_base(struct guest *m, struct judge *judge)
{
	struct guest copy;

	arena_reset(arena);
	image_case_variant(&image, arena, "normalized");
	published_run(m, &image, arena);
	judge->policy.os_image_anchor = DV_OS_IMAGE_PUBLISHED;
	judge->image = &image;
	copy = *m;
	guest_build(&copy);
	image.files.manifest = copy.checksum;
	bytes_copy(image.hash.data, copy.image_hash);
}

/* The document is of somebody's own image; the checksum file lists it beside the image's files. */
static void
document_change(struct guest *m, struct judge *judge, int arg)
{
	struct guest copy;

	switch (arg) {
	case 0: m->image.initrd_sha384 = build_random(9, "initrd", 0, 48); break;
	case 1: m->image.kernel_authenticode = build_random(9, "kernel", 0, 48); break;
	case 2: m->image.mrtd_single_pass = build_random(9, "mrtd", 0, 48); break;
	case 3: m->image.mrtd_two_pass = build_random(9, "mrtd", 0, 48); break;
	case 4: m->image.cmdline = build_text("%s own", build_str(m->image.cmdline)); break;
	default: m->image.kernel_header_normalized = false; break;
	}
	copy = *m;
	guest_build(&copy);
	image.files.manifest = copy.checksum;
	bytes_copy(image.hash.data, copy.image_hash);
}

static void
any_image(struct guest *m, struct judge *judge, int arg)
{
	document_change(m, judge, 0);
	judge->policy.os_image_anchor = DV_OS_IMAGE_ANY;
}

#define UNPUBLISHED     "Policy check failed: os_image_hash * does not match the published image"

static const struct row lite_rows[] = {
	{ "no image", no_image, 0, {0}, "needs an image" },
	{ "initrd", document_change, 0, {0}, UNPUBLISHED },
	{ "kernel", document_change, 1, {0}, UNPUBLISHED },
	{ "MRTD", document_change, 2, {0}, UNPUBLISHED },
	{ "the other MRTD", document_change, 3, {0}, UNPUBLISHED },
	{ "command line", document_change, 4, {0}, UNPUBLISHED },
	{ "any", any_image, 0, {0}, NULL },
	{ "no dev image", no_dev, 0, {0}, NULL },
};

static void
test_published(void **state)
{
	static const struct table table = { "", lite_base, lite_rows, NELEM(lite_rows) };

	judge_table(&table);
}

static void
lite_says(const char *name, int arg, const char *text)
{
	struct judge judge;
	struct guest m;

	judge_init(&judge);
	guest_init(&m, 0);
	lite_base(&m, &judge);
	if (arg >= 0)
		document_change(&m, &judge, arg);
	guest_build(&m);
	(void)judge_guest(&judge, &m);
	if (!judge_says(text))
		fail_msg("%s: no %s", name, text);
}

static void
test_published_answers(void **state)
{
	lite_says("assurance", -1, "\"os_image\":\"verified\"");
	lite_says("source", -1, "\"os_image_hash_source\":\"supplied_measurement\"");
	lite_says("kernel", -1, "\"kernel\":null");
	lite_says("members of legacy", -1, "\"os_image_is_dev\":null,\"os_image_version\":null");
	lite_says("unmet", -1, "\"verdict\":\"accept\",\"unmet\":[]");
	lite_says("assurance of another", 0, "\"os_image\":\"supplied_by_requester\"");
	lite_says("unmet of another", 0, "\"verdict\":\"reject\",\"unmet\":[\"os_image: differs "
	    "from the published image\"]");
	lite_says("warning", 0, "\"warnings\":[\"measurement.tdx.cbor differs from the published "
	    "image in initrd_sha384\"]");
}

/* ---- what a requester may vary as often as it likes ---- */

#define VARIATIONS      20000
#define WARM            500

/* Bytes that are allocated; always 0 where a sanitizer has its own allocator. */
static size_t
allocated(void)
{
	return mallinfo2().uordblks;
}

/* Upstream's cache of measurements is keyed by the whole configuration, names included. */
static void
test_nothing_grows(void **state)
{
	struct guest m;
	struct dv_context *context;
	struct dv_answer answer;
	struct dv_request request = { .now = GUEST_NOW };
	size_t before = 0;
	char *body, *name;
	char digits[8];

	guest_init(&m, 0);
	m.form = GUEST_GETQUOTE;
	guest_build(&m);
	context = context_make(&m, true);
	request.body = span(m.body);
	body = (char *)(uintptr_t)m.body.ptr;
	name = memmem(body, m.body.len, "dstack-0.6.0", strlen("dstack-0.6.0"));
	assert_non_null(name);
	for (unsigned i = 0; i < VARIATIONS; i++) {
		if (i == WARM)
			before = allocated();
		(void)snprintf(digits, sizeof digits, "%05u", i);
		memcpy(name + strlen("dstack-"), digits, 5);
		assert_true(dv_verify(context, &answer, &request) && answer.valid);
	}
	assert_int_equal(allocated(), before);
	dv_context_free(context);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_spoiled),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_needs),
		cmocka_unit_test(test_no_key),
		cmocka_unit_test(test_other_initrd),
		cmocka_unit_test(test_published),
		cmocka_unit_test(test_published_answers),
		cmocka_unit_test(test_nothing_grows),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
