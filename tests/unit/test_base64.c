#include <openssl/base64.h>

#include "core/base64.h"
#include "testing.h"

#include "alloc_fail.h"

static void
test_rows(void **state)
{
	static const struct {
		const char *text, *value;
		const char *why;        /* NULL: must be accepted */
	} rows[] = {
		{ "", "", NULL },
		{ "Zg==", "f", NULL },
		{ "Zm8=", "fo", NULL },
		{ "Zm9v", "foo", NULL },
		{ "Zm9vYg==", "foob", NULL },
		{ "Zm9vYmE=", "fooba", NULL },
		{ "+/8=", "\xfb\xff", NULL },
		{ "Zm9vYmFy", NULL, "is longer than 5 bytes" },
		{ "Zm9vYmFyZm9v", NULL, "is longer than 5 bytes" },
		{ "Zg", NULL, "is not base64" },
		{ "Zg=", NULL, "is not base64" },
		{ "Zh==", NULL, "is not base64" },      /* unused bits */
		{ "Zm9=", NULL, "is not base64" },      /* unused bits */
		{ "Z===", NULL, "is not base64" },
		{ "====", NULL, "is not base64" },
		{ "Zg==Zg==", NULL, "is not base64" },
		{ "Zm9v\n", NULL, "is not base64" },
		{ "Zm9\n", NULL, "is not base64" },
		{ " m9v", NULL, "is not base64" },
		{ "-_8=", NULL, "is not base64" },
		{ "Zm9\xff", NULL, "is not base64" },
		{ "Z=9v", NULL, "is not base64" },
	};
	AUTO(arena_free) struct arena *arena = arena_new(4096);

	assert_non_null(arena);
	for (size_t i = 0; i < NELEM(rows); i++) {
		struct reason why = { REASON_NONE, "" };
		struct bytes out = { NULL, 0 };
		bool ok;

		arena_reset(arena);
		ok = base64_decode(&out, arena, bytes_str(rows[i].text), 5, &why);
		if (ok != (rows[i].why == NULL) || (!ok && strcmp(why.text, rows[i].why) != 0))
			fail_msg("%s: got %d \"%s\"", rows[i].text, ok, why.text);
		if (ok && !bytes_equal(out, bytes_str(rows[i].value)))
			fail_msg("%s: wrong bytes", rows[i].text);
	}
}

/* One text for each value: what decodes encodes to the same text. */
static void
test_unique(void **state)
{
	AUTO(arena_free) struct arena *arena = arena_new(4096);
	size_t accepted = 0;

	assert_non_null(arena);
	for (unsigned a = 0; a < 128; a++)
		for (unsigned b = 0; b < 128; b++) {
			const uint8_t text[4] = { 'Z', (uint8_t)a, (uint8_t)b, '=' };
			uint8_t again[8];
			struct bytes out;
			struct reason why;

			arena_reset(arena);
			if (!base64_decode(&out, arena, BYTES_OF(text), 3, &why))
				continue;
			accepted++;
			assert_int_equal(EVP_EncodeBlock(again, out.ptr, out.len), 4);
			assert_memory_equal(again, text, 4);
		}
	assert_int_equal(accepted, 64 * 16 + 4);
}

static bool
run_without_memory(void *arg, struct reason *why)
{
	AUTO(arena_free) struct arena *fresh = arena_new(1000);
	struct bytes out;

	if (fresh == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	return base64_decode(&out, fresh, bytes_str("Zg=="), 10, why);
}

static void
test_no_memory(void **state)
{
	assert_int_equal(alloc_fail_each(run_without_memory, NULL), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_unique),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}
