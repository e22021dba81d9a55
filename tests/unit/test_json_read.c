#include <stdio.h>
#include <stdlib.h>

#include "core/json.h"
#include "testing.h"

#include "alloc_fail.h"

static const struct json_limits limits = {
	.text_len = 1u << 20, .depth = 4, .values = 1000,
};

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

/* A copy that ends where the text ends, so that reading past it is found. */
static bool
read_exact(const struct json **root, struct bytes text, const struct json_limits *with,
    struct reason *why)
{
	uint8_t *copy = malloc(text.len != 0 ? text.len : 1);
	bool ok;

	assert_non_null(copy);
	bytes_copy(copy, text);
	ok = json_read(root, arena, (struct bytes){ copy, text.len }, with, why);
	free(copy);
	return ok;
}

#define TEXT(s)         { (const uint8_t *)(s), sizeof(s) - 1 }

struct row {
	struct bytes text;
	const char *why;        /* NULL: must be accepted                          */
};

static void
rows_check(const struct row *rows, size_t n, const struct json_limits *with)
{
	for (size_t i = 0; i < n; i++) {
		const struct json *root;
		struct reason why = { REASON_NONE, "" };
		bool ok;

		arena_reset(arena);
		ok = read_exact(&root, rows[i].text, with, &why);
		if (ok != (rows[i].why == NULL) || (!ok && strcmp(why.text, rows[i].why) != 0))
			fail_msg("row %zu %.*s: got %d \"%s\"", i, (int)rows[i].text.len,
			    rows[i].text.ptr, ok, why.text);
	}
}

static void
test_values(void **state)
{
	static const struct row rows[] = {
		{ TEXT("{}"), NULL },
		{ TEXT("[]"), NULL },
		{ TEXT(" \t\r\n{ \n} \r\n"), NULL },
		{ TEXT("null"), NULL },
		{ TEXT("true"), NULL },
		{ TEXT("false"), NULL },
		{ TEXT("\"\""), NULL },
		{ TEXT("[ 1 , 2 ]"), NULL },
		{ TEXT("{ \"a\" : [ { } , [ ] ] , \"b\" : null }"), NULL },
		{ { NULL, 0 }, "JSON is empty" },
		{ TEXT(" \n"), "JSON is empty" },
		{ TEXT("{"), "JSON ends early at byte 1" },
		{ TEXT("["), "JSON ends early at byte 1" },
		{ TEXT("[1"), "JSON ends early at byte 2" },
		{ TEXT("[1,"), "JSON ends early at byte 3" },
		{ TEXT("{\"a\""), "JSON ends early at byte 4" },
		{ TEXT("{\"a\":"), "JSON ends early at byte 5" },
		{ TEXT("{\"a\":1"), "JSON ends early at byte 6" },
		{ TEXT("{\"a\":1,"), "JSON ends early at byte 7" },
		{ TEXT("tru"), "JSON ends early at byte 3" },
		{ TEXT("truE"), "JSON wants a value at byte 3" },
		{ TEXT("nul1"), "JSON wants a value at byte 3" },
		{ TEXT("falsey"), "JSON has more text after the value at byte 5" },
		{ TEXT("True"), "JSON wants a value at byte 0" },
		{ TEXT("NaN"), "JSON wants a value at byte 0" },
		{ TEXT("nan"), "JSON wants a value at byte 1" },
		{ TEXT("Infinity"), "JSON wants a value at byte 0" },
		{ TEXT("-Infinity"), "JSON number is malformed at byte 1" },
		{ TEXT("'a'"), "JSON wants a value at byte 0" },
		{ TEXT("{'a':1}"), "JSON wants a key at byte 1" },
		{ TEXT("{a:1}"), "JSON wants a key at byte 1" },
		{ TEXT("{1:1}"), "JSON wants a key at byte 1" },
		{ TEXT("{,}"), "JSON wants a key at byte 1" },
		{ TEXT("{\"a\":1,}"), "JSON wants a key at byte 7" },
		{ TEXT("{\"a\":1,,\"b\":1}"), "JSON wants a key at byte 7" },
		{ TEXT("{\"a\" 1}"), "JSON wants a colon at byte 5" },
		{ TEXT("{\"a\",1}"), "JSON wants a colon at byte 4" },
		{ TEXT("{\"a\":}"), "JSON wants a value at byte 5" },
		{ TEXT("{\"a\":1 \"b\":2}"), "JSON wants a comma or } at byte 7" },
		{ TEXT("{\"a\":1]"), "JSON wants a comma or } at byte 6" },
		{ TEXT("{]"), "JSON wants a key at byte 1" },
		{ TEXT("[1,]"), "JSON wants a value at byte 3" },
		{ TEXT("[,1]"), "JSON wants a value at byte 1" },
		{ TEXT("[1 2]"), "JSON wants a comma or ] at byte 3" },
		{ TEXT("[1}"), "JSON wants a comma or ] at byte 2" },
		{ TEXT("[\"a\":1]"), "JSON wants a comma or ] at byte 4" },
		{ TEXT("]"), "JSON wants a value at byte 0" },
		{ TEXT("}"), "JSON wants a value at byte 0" },
		{ TEXT("{}{}"), "JSON has more text after the value at byte 2" },
		{ TEXT("{} x"), "JSON has more text after the value at byte 3" },
		{ TEXT("{}]"), "JSON has more text after the value at byte 2" },
		{ TEXT("1 2"), "JSON has more text after the value at byte 2" },
		{ TEXT("{}\0"), "JSON has more text after the value at byte 2" },
		{ TEXT("\0{}"), "JSON wants a value at byte 0" },
		{ TEXT("\xef\xbb\xbf{}"), "JSON wants a value at byte 0" },
		{ TEXT("{}\xef\xbb\xbf"), "JSON has more text after the value at byte 2" },
		{ TEXT("\v{}"), "JSON wants a value at byte 0" },
		{ TEXT("{}\f"), "JSON has more text after the value at byte 2" },
		{ TEXT("// c\n{}"), "JSON wants a value at byte 0" },
		{ TEXT("{/**/}"), "JSON wants a key at byte 1" },
		{ TEXT("\xc2\xa0{}"), "JSON wants a value at byte 0" },
	};

	rows_check(rows, NELEM(rows), &limits);
}

static void
test_numbers(void **state)
{
	static const struct row rows[] = {
		{ TEXT("0"), NULL },
		{ TEXT("-0"), NULL },
		{ TEXT("10"), NULL },
		{ TEXT("-1"), NULL },
		{ TEXT("1.0"), NULL },
		{ TEXT("0.5"), NULL },
		{ TEXT("1e3"), NULL },
		{ TEXT("1E+3"), NULL },
		{ TEXT("1.25e-03"), NULL },
		{ TEXT("0e0"), NULL },
		{ TEXT("123456789012345678901234567890"), NULL },
		{ TEXT("[0]"), NULL },
		{ TEXT("-"), "JSON ends early at byte 1" },
		{ TEXT("1."), "JSON ends early at byte 2" },
		{ TEXT("1e"), "JSON ends early at byte 2" },
		{ TEXT("1e+"), "JSON ends early at byte 3" },
		{ TEXT("[1.]"), "JSON number is malformed at byte 3" },
		{ TEXT("[1.e3]"), "JSON number is malformed at byte 3" },
		{ TEXT("[1e]"), "JSON number is malformed at byte 3" },
		{ TEXT("[-]"), "JSON number is malformed at byte 2" },
		{ TEXT("[01]"), "JSON number is malformed at byte 2" },
		{ TEXT("[-01]"), "JSON number is malformed at byte 3" },
		{ TEXT("[00]"), "JSON number is malformed at byte 2" },
		{ TEXT("[1.2.3]"), "JSON number is malformed at byte 4" },
		{ TEXT("[1-2]"), "JSON number is malformed at byte 2" },
		{ TEXT("[--1]"), "JSON number is malformed at byte 2" },
		{ TEXT("[+1]"), "JSON wants a value at byte 1" },
		{ TEXT("[.5]"), "JSON wants a value at byte 1" },
		{ TEXT("[0x10]"), "JSON wants a comma or ] at byte 2" },
		{ TEXT("[1a]"), "JSON wants a comma or ] at byte 2" },
		{ TEXT("[1_000]"), "JSON wants a comma or ] at byte 2" },
	};

	rows_check(rows, NELEM(rows), &limits);
}

static void
test_strings(void **state)
{
	static const struct row rows[] = {
		{ TEXT("\"plain\""), NULL },
		{ TEXT("\"\x7f\""), NULL },
		{ TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), NULL },
		{ TEXT("\"\\u0000\\uABCD\\uabcd\""), NULL },
		{ TEXT("\"\\ud83d\\ude00\""), NULL },
		{ TEXT("\"\\ud7ff\\ue000\""), NULL },
		{ TEXT("\"\\ud800\\udc00\\udbff\\udfff\""), NULL },
		{ TEXT("\"\\ud800xxdc00\""), "JSON string has a lone surrogate at byte 1" },
		{ TEXT("\"\\ud800\\xdc00\""), "JSON string has a lone surrogate at byte 1" },
		{ TEXT("\"\\udc00\\udc00\""), "JSON string has a lone surrogate at byte 1" },
		{ TEXT("\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\""), NULL },
		{ TEXT("\"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\""), NULL },
		{ TEXT("\""), "JSON ends early at byte 1" },
		{ TEXT("\"abcdefgh"), "JSON ends early at byte 9" },
		{ TEXT("\"abc\\"), "JSON ends early at byte 5" },
		{ TEXT("\"abc\\\""), "JSON ends early at byte 6" },
		{ TEXT("\"\\x\""), "JSON string has a bad escape at byte 1" },
		{ TEXT("\"\\'\""), "JSON string has a bad escape at byte 1" },
		{ TEXT("\"\\N\""), "JSON string has a bad escape at byte 1" },
		{ TEXT("\"\\0\""), "JSON string has a bad escape at byte 1" },
		{ TEXT("\"\\u12\""), "JSON string has a bad escape at byte 1" },
		{ TEXT("\"\\u12g4\""), "JSON string has a bad escape at byte 1" },
		{ TEXT("\"\\u 123\""), "JSON string has a bad escape at byte 1" },
		{ TEXT("\"\\u+123\""), "JSON string has a bad escape at byte 1" },
		{ TEXT("\"\\U0041\""), "JSON string has a bad escape at byte 1" },
		{ TEXT("\"\\u004"), "JSON string has a bad escape at byte 1" },
		{ TEXT("\"\\ud800\""), "JSON string has a lone surrogate at byte 1" },
		{ TEXT("\"\\udbff\""), "JSON string has a lone surrogate at byte 1" },
		{ TEXT("\"\\udc00\""), "JSON string has a lone surrogate at byte 1" },
		{ TEXT("\"\\udfff\""), "JSON string has a lone surrogate at byte 1" },
		{ TEXT("\"\\ud800x\\udc00\""), "JSON string has a lone surrogate at byte 1" },
		{ TEXT("\"\\ud800\\ud800\""), "JSON string has a lone surrogate at byte 1" },
		{ TEXT("\"\\ud800\\ue000\""), "JSON string has a lone surrogate at byte 1" },
		{ TEXT("\"\\ud800\\n00000\""), "JSON string has a lone surrogate at byte 1" },
		{ TEXT("\"\\ud800\\udc0\""), "JSON string has a lone surrogate at byte 1" },
		{ TEXT("\"\\udc00\\ud800\""), "JSON string has a lone surrogate at byte 1" },
		{ TEXT("\"\n\""), "JSON string holds a control character at byte 1" },
		{ TEXT("\"\t\""), "JSON string holds a control character at byte 1" },
		{ TEXT("\"\0\""), "JSON string holds a control character at byte 1" },
		{ TEXT("\"abcdefghijk\x1f\""), "JSON string holds a control character at byte 12" },
		{ TEXT("\"\x80\""), "JSON string is not UTF-8 at byte 1" },
		{ TEXT("\"\xff\""), "JSON string is not UTF-8 at byte 1" },
		{ TEXT("\"\xfe\""), "JSON string is not UTF-8 at byte 1" },
		{ TEXT("\"\xc0\xaf\""), "JSON string is not UTF-8 at byte 1" },
		{ TEXT("\"\xe0\x80\xaf\""), "JSON string is not UTF-8 at byte 1" },
		{ TEXT("\"\xed\xa0\x80\""), "JSON string is not UTF-8 at byte 1" },
		{ TEXT("\"\xc3\""), "JSON string is not UTF-8 at byte 1" },
		{ TEXT("\"abcdefghi\xe2\x82"), "JSON string is not UTF-8 at byte 10" },
		{ TEXT("{\"\xc3\":1}"), "JSON string is not UTF-8 at byte 2" },
		{ TEXT("{\"\\ud800\":1}"), "JSON string has a lone surrogate at byte 2" },
	};

	rows_check(rows, NELEM(rows), &limits);
}

/* Each byte that ends a run, at each place in the eight that are looked at together. */
static void
test_string_words(void **state)
{
	for (size_t at = 0; at < 24; at++)
		for (unsigned c = 0; c < 256; c++) {
			uint8_t text[26];
			const struct json *root;
			struct reason why = { REASON_NONE, "" };
			const bool plain = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';

			memset(text, 'x', sizeof text);
			text[0] = text[25] = '"';
			text[1 + at] = (uint8_t)c;
			arena_reset(arena);
			if (read_exact(&root, BYTES_OF(text), &limits, &why) != plain)
				fail_msg("byte %02x at %zu: \"%s\"", c, at, why.text);
		}
}

static void
test_duplicates(void **state)
{
	static const struct row rows[] = {
		{ TEXT("{\"a\":1,\"b\":2,\"A\":3,\"\":4,\"aa\":5}"), NULL },
		{ TEXT("[{\"a\":1},{\"a\":2}]"), NULL },
		{ TEXT("{\"a\":{\"a\":1}}"), NULL },
		{ TEXT("{\"a\":1,\"a\":1}"), "JSON object at byte 0 repeats a key" },
		{ TEXT("{\"\":1,\"\":1}"), "JSON object at byte 0 repeats a key" },
		{ TEXT("{\"a\":1,\"b\":2,\"a\":null}"), "JSON object at byte 0 repeats a key" },
		{ TEXT("[1, {\"a\":1,\"a\":1}]"), "JSON object at byte 4 repeats a key" },
		{ TEXT("{\"x\":{\"a\":1,\"a\":1}}"), "JSON object at byte 5 repeats a key" },
		{ TEXT("{\"a\":1,\"\\u0061\":1}"), "JSON object at byte 0 repeats a key" },
		{ TEXT("{\"\\/\":1,\"\\u002f\":1}"), "JSON object at byte 0 repeats a key" },
		{ TEXT("{\"a\\u0000b\":1,\"a\":1}"), NULL },
	};
	static const struct row allowed[] = {
		{ TEXT("{\"a\":1,\"a\":1}"), NULL },
	};
	struct json_limits lax = limits;

	rows_check(rows, NELEM(rows), &limits);
	lax.allow_duplicates = true;
	rows_check(allowed, NELEM(allowed), &lax);
}

/* n keys in a scrambled order, then one more. */
static bool
many_keys(size_t n, const char *one_more, struct reason *why)
{
	static char text[1u << 17];
	const struct json_limits roomy = { .text_len = sizeof text, .depth = 1, .values = 10000 };
	const struct json *root;
	size_t len = 0;

	text[len++] = '{';
	for (size_t i = 0; i < n; i++)
		len += (size_t)sprintf(text + len, "\"%zu\":0,", i * 7919 % n);
	len += (size_t)sprintf(text + len, "\"%s\":0}", one_more);
	arena_reset(arena);
	return read_exact(&root, (struct bytes){ (uint8_t *)text, len }, &roomy, why);
}

/* Small objects compare every pair, large ones sort: both, and the border. */
static void
test_duplicates_many(void **state)
{
	static const size_t sizes[] = { 1, 2, 14, 15, 16, 17, 18, 31, 64, 1000, 5000 };
	struct reason why;

	for (size_t i = 0; i < NELEM(sizes); i++)
		for (size_t k = 0; k < sizes[i]; k += 1 + sizes[i] / 40) {
			char key[24];

			sprintf(key, "%zu", k);
			if (!many_keys(sizes[i], "x", &why))
				fail_msg("%zu: %s", sizes[i], why.text);
			assert_false(many_keys(sizes[i], key, &why));
			assert_string_equal(why.text, "JSON object at byte 0 repeats a key");
			assert_int_equal(why.kind, REASON_MALFORMED);
		}
}

static void
test_limits(void **state)
{
	static const struct row rows[] = {
		{ TEXT("[[1,2]]  "), NULL },
		{ TEXT("{\"a\":{}}"), NULL },
		{ TEXT("[[1,2]]   "), "JSON is longer than 9 bytes" },
		{ TEXT("[[[1]]]"), "JSON nests deeper than 2 levels at byte 2" },
		{ TEXT("[[{}]]"), "JSON nests deeper than 2 levels at byte 2" },
		{ TEXT("[1,2,3]"), NULL },
		{ TEXT("[1,2,3,4]"), "JSON has more than 4 values" },
		{ TEXT("[[],[],[]"), "JSON ends early at byte 9" },
	};
	static const struct row scalars[] = {
		{ TEXT("1"), NULL },
		{ TEXT("[]"), "JSON nests deeper than 0 levels at byte 0" },
	};
	const struct json_limits small = { .text_len = 9, .depth = 2, .values = 4 };
	const struct json_limits flat = { .text_len = 9, .depth = 0, .values = 1 };
	const struct json *root;
	struct reason why;

	rows_check(rows, NELEM(rows), &small);
	rows_check(scalars, NELEM(scalars), &flat);
	assert_false(read_exact(&root, bytes_str("[[[1]]]"), &small, &why));
	assert_int_equal(why.kind, REASON_LIMIT);
	assert_false(read_exact(&root, bytes_str("[1,2,3,4]"), &small, &why));
	assert_int_equal(why.kind, REASON_LIMIT);
	assert_false(read_exact(&root, bytes_str("          "), &small, &why));
	assert_int_equal(why.kind, REASON_LIMIT);
}

/* No recursion: depth is bounded by the limit alone. */
static void
test_deep(void **state)
{
	enum { DEPTH = 100000 };
	const struct json_limits deep = { .text_len = 2 * DEPTH, .depth = DEPTH, .values = DEPTH };
	const struct json *root = NULL;
	struct reason why;
	char *text = malloc(2 * DEPTH);
	unsigned depth = 0;

	assert_non_null(text);
	memset(text, '[', DEPTH);
	memset(text + DEPTH, ']', DEPTH);
	arena_reset(arena);
	assert_true(json_read(&root, arena, (struct bytes){ (uint8_t *)text, 2 * DEPTH }, &deep,
	    &why));
	for (; root != NULL; root = json_first(root))
		depth++;
	assert_int_equal(depth, DEPTH);
	free(text);
}

static void
test_arena_limit(void **state)
{
	AUTO(arena_free) struct arena *small = arena_new(2000);
	const struct json *root;
	struct reason why;

	assert_non_null(small);
	assert_true(json_read(&root, small, bytes_str("[1,2,3]"), &limits, &why));
	arena_reset(small);
	assert_false(json_read(&root, small,
	    bytes_str("[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
	        "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]"),
	    &limits, &why));
	assert_string_equal(why.text, "input needs more than 2000 bytes of memory");
	assert_int_equal(why.kind, REASON_LIMIT);
}

/* Whatever comes first when the tape is full. */
static void
test_tape_full(void **state)
{
	static const char *const values[] = { "{}", "[]", "\"\"", "true", "false", "null", "0", "-1" };
	AUTO(arena_free) struct arena *small = arena_new(64 * 24);
	struct reason why;
	char text[200];

	assert_non_null(small);
	for (size_t i = 0; i < NELEM(values); i++)
		for (size_t n = 62; n <= 63; n++) {
			const struct json *root;
			size_t len = 0;

			text[len++] = '[';
			for (size_t k = 0; k < n; k++)
				len += (size_t)sprintf(text + len, "0,");
			sprintf(text + len, "%s]", values[i]);
			arena_reset(small);
			assert_int_equal(json_read(&root, small, bytes_str(text), &limits, &why),
			    n == 62);
		}
}

/* Every prefix of a document is refused, with a reason. */
static void
test_truncated(void **state)
{
	static const char text[] =
	    "{\"a\":[1,-2.5e3,true,false,null],\"\\u00e9\":\"\\ud83d\\ude00\xc3\xa9\",\"c\":{}}";
	const struct json *root;

	for (size_t len = 0; len < sizeof text - 1; len++) {
		struct reason why = { REASON_NONE, "" };

		arena_reset(arena);
		assert_false(read_exact(&root, (struct bytes){ (const uint8_t *)text, len },
		    &limits, &why));
		assert_int_equal(why.kind, REASON_MALFORMED);
		assert_int_not_equal(why.text[0], '\0');
	}
	assert_true(json_read(&root, arena, bytes_str(text), &limits, &(struct reason){ 0 }));
}

static bool
run_without_memory(void *arg, struct reason *why)
{
	AUTO(arena_free) struct arena *fresh = arena_new(16u << 20);
	const struct json *root;
	const struct json_limits roomy = { .text_len = 1u << 20, .depth = 9, .values = 10000 };
	static char text[30000];
	size_t len = 0;

	if (fresh == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	len += (size_t)sprintf(text, "{\"\\u0061\":1");
	for (int i = 0; i < 2500; i++)
		len += (size_t)sprintf(text + len, ",\"%d\":0", i);
	text[len++] = '}';
	return json_read(&root, fresh, (struct bytes){ (uint8_t *)text, len }, &roomy, why);
}

static void
test_no_memory(void **state)
{
	assert_in_range(alloc_fail_each(run_without_memory, NULL), 5, 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_string_words),
		cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_duplicates_many),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_arena_limit),
		cmocka_unit_test(test_tape_full),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests_name("json_read", tests, setup, teardown);
}
