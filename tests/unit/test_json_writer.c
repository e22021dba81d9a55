#include <stdlib.h>

#include <openssl/mem.h>

#include "core/json.h"
#include "core/json_writer.h"
#include "testing.h"

#include "alloc_fail.h"

static void
text_is(CBB *cbb, const char *wanted)
{
	uint8_t *data;
	size_t len;

	assert_true(CBB_finish(cbb, &data, &len));
	if (len != strlen(wanted) || memcmp(data, wanted, len) != 0)
		fail_msg("got  %.*s\nnot  %s", (int)len, (const char *)data, wanted);
	OPENSSL_free(data);
}

static bool
sample_write(CBB *cbb)
{
	static const uint8_t data[] = { 0x00, 0xab, 0xff, 0x10, 0x09 };
	struct json_writer w = { .out = cbb };

	json_write_object(&w, NULL);
	json_write_text(&w, "text", "UpToDate");
	json_write_hex(&w, "hex", BYTES_OF(data));
	json_write_hex(&w, "nohex", (struct bytes){ NULL, 0 });
	json_write_object(&w, "none");
	json_write_end_object(&w);
	json_write_array(&w, "empty");
	json_write_end_array(&w);
	json_write_array(&w, "list");
	json_write_u64(&w, NULL, 0);
	json_write_u64(&w, NULL, UINT64_MAX);
	json_write_i64(&w, NULL, INT64_MIN);
	json_write_array(&w, NULL);
	json_write_null(&w, NULL);
	json_write_end_array(&w);
	json_write_object(&w, NULL);
	json_write_bool(&w, "t", true);
	json_write_bool(&w, "f", false);
	json_write_end_object(&w);
	json_write_raw(&w, NULL, bytes_str("{\"raw\":1}"));
	json_write_end_array(&w);
	json_write_str(&w, "last", (struct bytes){ NULL, 0 });
	json_write_end_object(&w);
	return json_writer_ok(&w);
}

static const char sample[] =
    "{\"text\":\"UpToDate\",\"hex\":\"00abff1009\",\"nohex\":\"\",\"none\":{},\"empty\":[],"
    "\"list\":[0,18446744073709551615,-9223372036854775808,[null],{\"t\":true,\"f\":false},"
    "{\"raw\":1}],\"last\":\"\"}";

static void
test_all(void **state)
{
	CBB cbb;

	assert_true(CBB_init(&cbb, 0));
	assert_true(sample_write(&cbb));
	text_is(&cbb, sample);
}

static void
test_strings(void **state)
{
	static const struct {
		const char *name, *wanted;
		struct bytes text;
	} rows[] = {
#define STRING(name, text, wanted) \
		{ name, wanted, { (const uint8_t *)(text), sizeof(text) - 1 } }
		STRING("plain", "abc", "\"abc\""),
		STRING("quote", "a\"b\\c/", "\"a\\\"b\\\\c/\""),
		STRING("control", "\b\t\n\f\r", "\"\\b\\t\\n\\f\\r\""),
		STRING("other control", "\0\1\x1f\x7f", "\"\\u0000\\u0001\\u001f\x7f\""),
		STRING("utf-8", "\xc3\xa9\xf0\x9f\x98\x80", "\"\xc3\xa9\xf0\x9f\x98\x80\""),
		STRING("stray", "a\x80z", "\"a\xef\xbf\xbdz\""),
		STRING("cut", "a\xe2\x82", "\"a\xef\xbf\xbd\xef\xbf\xbd\""),
		STRING("overlong", "\xc0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\""),
		STRING("surrogate", "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""),
#undef STRING
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct json_writer w = { 0 };
		CBB cbb;

		assert_true(CBB_init(&cbb, 0));
		w.out = &cbb;
		json_write_str(&w, NULL, rows[i].text);
		assert_true(json_writer_ok(&w));
		text_is(&cbb, rows[i].wanted);
	}
}

/* A key is as dangerous as a value. */
static void
test_key(void **state)
{
	CBB cbb;
	struct json_writer w = { .out = &cbb };

	assert_true(CBB_init(&cbb, 0));
	json_write_object(&w, NULL);
	json_write_u64(&w, "a\"\n\xff", 18);
	json_write_end_object(&w);
	text_is(&cbb, "{\"a\\\"\\n\xef\xbf\xbd\":18}");
}

/* Whatever bytes come in, what goes out is JSON and reads back. */
static void
test_strict(void **state)
{
	static const struct json_limits limits = { .text_len = 4096, .depth = 1, .values = 2 };
	AUTO(arena_free) struct arena *arena = arena_new(1u << 16);

	assert_non_null(arena);
	for (unsigned seed = 0; seed < 2000; seed++) {
		uint8_t in[16], out[256];
		struct json_writer w = { 0 };
		const struct json *root;
		struct reason why;
		struct bytes back;
		size_t len;
		CBB cbb;

		for (size_t i = 0; i < sizeof in; i++)
			in[i] = (uint8_t)((seed * 2654435761u) >> (i % 24)) ^ (uint8_t)(i * 37);
		assert_true(CBB_init_fixed(&cbb, out, sizeof out));
		w.out = &cbb;
		json_write_str(&w, NULL, BYTES_OF(in));
		assert_true(CBB_finish(&cbb, NULL, &len));
		arena_reset(arena);
		if (!json_read(&root, arena, (struct bytes){ out, len }, &limits, &why) ||
		    !json_value_str(&back, arena, root, "v", sizeof out, &why))
			fail_msg("seed %u: %s", seed, why.text);
	}
}

static void
test_indent(void **state)
{
	static const struct {
		const char *compact, *wanted;
	} rows[] = {
		{ "{}", "{}" },
		{ "[]", "[]" },
		{ "1", "1" },
		{ "\"a{,:\\\"}\"", "\"a{,:\\\"}\"" },
		{ "[1,2]", "[\n  1,\n  2\n]" },
		{ "{\"a\":{},\"b\":[]}", "{\n  \"a\": {},\n  \"b\": []\n}" },
		{ "{\"a\":[{\"b\":null}],\"c\":\"x,y: {z}\"}",
		    "{\n  \"a\": [\n    {\n      \"b\": null\n    }\n  ],\n  \"c\": \"x,y: {z}\"\n}" },
		{ "[[],[[]]]", "[\n  [],\n  [\n    []\n  ]\n]" },
		{ "{\"a\\\\\":1,\"b\":-1}", "{\n  \"a\\\\\": 1,\n  \"b\": -1\n}" },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		CBB cbb;

		assert_true(CBB_init(&cbb, 0));
		assert_true(json_indent(&cbb, bytes_str(rows[i].compact)));
		text_is(&cbb, rows[i].wanted);
	}
}

/* A CBB without room: at every size either all of it or "failed". */
static void
test_room(void **state)
{
	uint8_t out[sizeof sample + 8], pretty[600];
	size_t len;
	CBB cbb;

	for (size_t size = 0; size < sizeof sample + 8; size++) {
		assert_true(CBB_init_fixed(&cbb, out, size));
		assert_int_equal(sample_write(&cbb), size >= sizeof sample - 1);
		CBB_cleanup(&cbb);
	}
	assert_true(CBB_init_fixed(&cbb, pretty, sizeof pretty));
	assert_true(json_indent(&cbb, bytes_str(sample)));
	assert_true(CBB_finish(&cbb, NULL, &len));
	for (size_t size = 0; size < len; size++) {
		assert_true(CBB_init_fixed(&cbb, pretty, size));
		assert_false(json_indent(&cbb, bytes_str(sample)));
		CBB_cleanup(&cbb);
	}
}

static bool
run_without_memory(void *arg, struct reason *why)
{
	CBB cbb;
	bool ok = CBB_init(&cbb, 1) && sample_write(&cbb);

	CBB_cleanup(&cbb);
	return ok || reject(why, REASON_INTERNAL, "out of memory");
}

static void
test_no_memory(void **state)
{
	assert_in_range(alloc_fail_each(run_without_memory, NULL), 3, 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_strict),
		cmocka_unit_test(test_indent),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests_name("json_writer", tests, NULL, NULL);
}
