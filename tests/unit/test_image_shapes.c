/*
 * Rows of tests/vectors/measure/image.txt: images and shapes with the registers and events that
 * the independent calculator expects.
 */
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>

#include "../support/image_case.h"
#include "core/hex.h"
#include "measure/legacy.h"

#define N_DIGESTS       9       /* four registers, TD HOB, three of ACPI, kernel */

static struct arena *arena;
static struct acpi_cache *cache;

static int
setup(void **state)
{
	arena = arena_new(16u << 20);
	cache = acpi_cache_new(ACPI_CACHE_ENTRIES);
	return arena == NULL || cache == NULL;
}

static int
teardown(void **state)
{
	acpi_cache_free(cache);
	arena_free(arena);
	return 0;
}

/* A check as a service makes it: with a kernel fact when it asks for one. */
static enum legacy_outcome
check(struct legacy_result *result, const char *name, const char *config_text,
    const struct launch_registers *quoted, struct reason *why)
{
	struct image_record record;
	struct image_case image;
	struct vm_config config;
	struct kernel_fact fact;
	struct legacy_input input = { .record = &record, .config = &config, .quoted = quoted,
	    .cache = cache };
	enum legacy_outcome outcome;

	arena_reset(arena);
	image_case_variant(&image, arena, name);
	assert_true(image_record_compute(&record, arena, &image.hash, &image.files, why));
	assert_true(vm_config_read(&config, arena, bytes_str(config_text), why));
	outcome = legacy_check(result, &input, why);
	if (outcome != LEGACY_NEEDS_KERNEL)
		return outcome;
	assert_true(kernel_fact_compute(&fact, arena, &image.hash, &image.files,
	    result->initrd_addr, why));
	input.kernel = &fact;
	return legacy_check(result, &input, why);
}

static void
result_check(const char *row, const struct legacy_result *r, const char *names,
    const struct digest384 *digests)
{
	static const char *const kernels[] = { "none", "patched", "unpatched", "normalized" };
	const struct digest384 got[] = { r->events.rtmr0[0], r->events.rtmr0[8],
	    r->events.rtmr0[9], r->events.rtmr0[10], r->events.rtmr1[0] };
	char text[64];

	snprintf(text, sizeof text, "%s %s %s", r->two_pass ? "two_pass" : "single_pass",
	    kernels[r->kernel], r->acpi_profile == ACPI_GENUINE ? "genuine" : "newest");
	if (strcmp(text, names) != 0 || memcmp(got, digests, sizeof got) != 0)
		fail_msg("%s: got %s", row, text);
}

static void
row_run(const char *name, const char *config, const char *outcome, const char *hex)
{
	struct digest384 digests[N_DIGESTS] = { 0 };
	struct launch_registers quoted;
	struct legacy_result result;
	struct reason why = { 0 };
	enum legacy_outcome got;
	size_t i;

	for (i = 0; i < N_DIGESTS && strlen(hex) >= 96; i++, hex += hex[96] == ' ' ? 97 : 96)
		assert_true(hex_decode(digests[i].data,
		    (struct bytes){ (const uint8_t *)hex, 96 }, &why));
	quoted.mrtd = digests[0];
	memcpy(quoted.rtmr, digests + 1, sizeof quoted.rtmr);
	got = check(&result, name, config, &quoted, &why);
	if (strncmp(outcome, "refused: ", 9) == 0) {
		if (got != LEGACY_REFUSED || strcmp(why.text, outcome + 9) != 0)
			fail_msg("%s %s: got %d \"%s\"", name, config, got, why.text);
		return;
	}
	assert_int_equal(i, N_DIGESTS);
	if (got != LEGACY_MATCHED)
		fail_msg("%s %s: got \"%s\"", name, config, why.text);
	result_check(config, &result, outcome, digests + 4);
}

static void
test_rows(void **state)
{
	char *text = strdup((const char *)vector_read("measure/image.txt").ptr);
	char *line, *next = text, *name, *config, *outcome;
	unsigned n = 0;

	while ((line = strsep(&next, "\n")) != NULL && *line != '\0') {
		name = strsep(&line, "\t");
		config = strsep(&line, "\t");
		outcome = strsep(&line, "\t");
		assert_non_null(line);
		row_run(name, config, outcome, line);
		n++;
	}
	assert_int_equal(n, 106);
	free(text);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
