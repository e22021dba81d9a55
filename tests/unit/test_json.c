#include <stdio.h>

#include "core/json.h"
#include "testing.h"

#include "alloc_fail.h"

static const struct json_limits limits = {
	.text_len = 1u << 16, .depth = 16, .values = 1000,
};

static struct arena *arena;

static int
setup(void **state)
{
	arena = arena_new(1u << 20);
	return arena == NULL;
}

static int
teardown(void **state)
{
	arena_free(arena);
	return 0;
}

static const struct json *
parse(const char *text)
{
	const struct json *root = NULL;
	struct reason why;

	arena_reset(arena);
	if (!json_read(&root, arena, bytes_str(text), &limits, &why))
		fail_msg("%s: %s", text, why.text);
	return root;
}

static void
span_is(struct bytes span, const char *text)
{
	if (!bytes_equal(span, bytes_str(text)))
		fail_msg("got %.*s, not %s", (int)span.len, (const char *)span.ptr, text);
}

static void
test_walk(void **state)
{
	const struct json *root = parse(
	    " { \"a\" : [ 1 , [ ] , { \"x\" : { } } , \"s\" ] , \"b\\n\" : { } , \"c\" : null } ");
	const struct json *a, *b, *c, *item;

	assert_int_equal(json_type(root), JSON_OBJECT);
	assert_int_equal(json_count(root), 3);
	a = json_first(root);
	span_is(json_key(a), "a");
	span_is(json_span(a), "[ 1 , [ ] , { \"x\" : { } } , \"s\" ]");
	b = json_next(a);
	span_is(json_key(b), "b\n");
	span_is(json_span(b), "{ }");
	assert_null(json_first(b));
	c = json_next(b);
	span_is(json_key(c), "c");
	assert_int_equal(json_type(c), JSON_NULL);
	assert_null(json_next(c));
	assert_null(json_next(root));

	assert_int_equal(json_count(a), 4);
	item = json_first(a);
	span_is(json_span(item), "1");
	assert_int_equal(json_key(item).len, 0);
	item = json_next(item);
	span_is(json_span(item), "[ ]");
	assert_int_equal(json_count(item), 0);
	assert_null(json_first(item));
	item = json_next(item);
	span_is(json_span(json_find(item, "x")), "{ }");
	item = json_next(item);
	span_is(json_span(item), "\"s\"");
	assert_int_equal(json_count(item), 0);
	assert_null(json_first(item));
	assert_null(json_next(item));
}

/* Enough nodes for the tape to move while containers are open. */
static void
test_walk_long(void **state)
{
	char text[4000];
	size_t len = 0, n = 0;
	const struct json *root;

	text[len++] = '[';
	for (int i = 0; i < 300; i++) {
		memcpy(text + len, "{\"a\":[1]},", 10);
		len += 10;
	}
	memcpy(text + len, "2]", 3);
	root = parse(text);
	assert_int_equal(json_count(root), 301);
	for (const struct json *item = json_first(root); item != NULL; item = json_next(item))
		if (n++ < 300)
			span_is(json_span(json_first(json_find(item, "a"))), "1");
		else
			span_is(json_span(item), "2");
	assert_int_equal(n, 301);
}

static void
test_find(void **state)
{
	const struct json_limits lax = {
		.text_len = 1000, .depth = 2, .values = 100, .allow_duplicates = true,
	};
	const struct json *root;
	struct reason why;

	assert_true(json_read(&root, arena,
	    bytes_str("{\"a\":1,\"b\":null,\"\\u0061\":2,\"A\":[1],\"aa\":{\"q\":1}}"), &lax, &why));
	span_is(json_span(json_find(root, "a")), "1");
	assert_int_equal(json_occurrences(root, "a"), 2);
	assert_int_equal(json_occurrences(root, "b"), 1);
	assert_int_equal(json_occurrences(root, "q"), 0);
	assert_null(json_find(root, "q"));
	assert_null(json_find(root, ""));
	assert_true(json_has(root, "a"));
	assert_false(json_has(root, "b"));
	assert_false(json_has(root, "q"));
	assert_null(json_find(json_find(root, "A"), ""));
	assert_int_equal(json_occurrences(json_find(root, "A"), ""), 0);
	assert_null(json_find(json_find(root, "A"), "a"));
	assert_int_equal(json_occurrences(json_find(root, "A"), "a"), 0);
	assert_false(json_has(json_find(root, "a"), "a"));
}

static const char document[] =
    "{\"null\":null,\"true\":true,\"false\":false,\"zero\":0,\"n\":4096,"
    "\"max\":18446744073709551615,\"over\":18446744073709551616,"
    "\"huge\":100000000000000000000000000000000000000000,\"minus\":-1,\"minus0\":-0,"
    "\"frac\":1.0,\"exp\":1e3,\"digits\":\"12\",\"empty\":\"\",\"text\":\"caf\xc3\xa9\","
    "\"esc\":\"a\\\"\\\\\\/\\b\\f\\n\\r\\tz\",\"uni\":\"\\u00e9\\ud83d\\ude00\\n\","
    "\"nul\":\"a\\u0000b\",\"hex\":\"00fFAb\",\"hexesc\":\"\\u0030\\u0030ffab\",\"odd\":\"abc\","
    "\"nothex\":\"00fg\",\"prefix\":\"0x00\",\"array\":[\"00\",5],\"object\":{}}";

static void
reason_is(bool ok, const struct reason *why, enum reason_kind kind, const char *text,
    const char *name)
{
	if (ok)
		fail_msg("%s was accepted", name);
	if (why->kind != kind || strcmp(why->text, text) != 0)
		fail_msg("%s: %s \"%s\"", name, reason_kind_name(why->kind), why->text);
}

static void
test_types(void **state)
{
	static const struct {
		const char *key, *found;
	} rows[] = {
		{ "null", "null" }, { "true", "a boolean" }, { "n", "a number" },
		{ "text", "a string" }, { "array", "an array" }, { "object", "an object" },
	};
	const struct json *root = parse(document), *value;
	const char *string;
	struct reason why;
	struct bytes bytes;
	uint8_t data[3];
	char wanted[100];
	uint64_t n;
	bool b;

	for (size_t i = 0; i < NELEM(rows); i++) {
		const char *key = rows[i].key;

#define WRONG(type, call)                                                               \
		if (strcmp(rows[i].found, type) != 0) {                                 \
			snprintf(wanted, sizeof wanted, "\"%s\" is %s, not " type, key, \
			    rows[i].found);                                             \
			reason_is(call, &why, REASON_MALFORMED, wanted, key);           \
		}
		WRONG("a boolean", json_bool(&b, root, key, &why))
		WRONG("a number", json_u64(&n, root, key, 10, &why))
		WRONG("a string", json_str(&bytes, arena, root, key, 100, &why))
		WRONG("a string", json_text(&string, arena, root, key, 100, &why))
		WRONG("a string", json_hex(data, root, key, sizeof data, &why))
		WRONG("a string", json_hex_var(&bytes, arena, root, key, 100, &why))
		WRONG("an array", json_array(&value, root, key, &why))
		WRONG("an object", json_object(&value, root, key, &why))
#undef WRONG
	}
	reason_is(json_bool(&b, root, "q", &why), &why, REASON_MALFORMED, "\"q\" is missing", "q");
	reason_is(json_u64(&n, root, "q", 1, &why), &why, REASON_MALFORMED, "\"q\" is missing", "q");
	reason_is(json_hex(data, root, "q", 3, &why), &why, REASON_MALFORMED, "\"q\" is missing",
	    "q");
	reason_is(json_array(&value, root, "q", &why), &why, REASON_MALFORMED, "\"q\" is missing",
	    "q");
	assert_true(json_array(&value, root, "array", &why));
	assert_int_equal(json_count(value), 2);
	assert_true(json_object(&value, root, "object", &why));
	assert_true(json_bool(&b, root, "true", &why) && b);
	assert_true(json_bool(&b, root, "false", &why) && !b);
}

static void
test_numbers(void **state)
{
	static const struct {
		const char *key;
		uint64_t max, value;
		enum reason_kind kind;
		const char *why;
	} rows[] = {
		{ "zero", 0, 0, REASON_NONE, NULL },
		{ "n", 4096, 4096, REASON_NONE, NULL },
		{ "n", 4095, 0, REASON_LIMIT, "\"n\" is more than 4095" },
		{ "max", UINT64_MAX, UINT64_MAX, REASON_NONE, NULL },
		{ "max", UINT64_MAX - 1, 0, REASON_LIMIT,
		    "\"max\" is more than 18446744073709551614" },
		{ "over", UINT64_MAX, 0, REASON_LIMIT,
		    "\"over\" is more than 18446744073709551615" },
		{ "huge", UINT64_MAX, 0, REASON_LIMIT,
		    "\"huge\" is more than 18446744073709551615" },
		{ "minus", 9, 0, REASON_MALFORMED, "\"minus\" is not a plain unsigned integer" },
		{ "minus0", 9, 0, REASON_MALFORMED, "\"minus0\" is not a plain unsigned integer" },
		{ "frac", 9, 0, REASON_MALFORMED, "\"frac\" is not a plain unsigned integer" },
		{ "exp", 9, 0, REASON_MALFORMED, "\"exp\" is not a plain unsigned integer" },
		{ "digits", 9, 0, REASON_MALFORMED, "\"digits\" is a string, not a number" },
	};
	const struct json *root = parse(document);

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct reason why = { REASON_NONE, "" };
		uint64_t n = 7;
		bool ok = json_u64(&n, root, rows[i].key, rows[i].max, &why);

		if (rows[i].why != NULL)
			reason_is(ok, &why, rows[i].kind, rows[i].why, rows[i].key);
		else if (!ok || n != rows[i].value)
			fail_msg("%s: \"%s\"", rows[i].key, why.text);
	}
}

static void
test_strings(void **state)
{
	static const struct {
		const char *key;
		size_t  max_len;
		struct bytes value;
		const char *why;        /* NULL: must be accepted */
	} rows[] = {
		{ "empty", 0, { (const uint8_t *)"", 0 }, NULL },
		{ "text", 5, { (const uint8_t *)"caf\xc3\xa9", 5 }, NULL },
		{ "text", 4, { NULL, 0 }, "\"text\" is longer than 4 bytes" },
		{ "esc", 10, { (const uint8_t *)"a\"\\/\b\f\n\r\tz", 10 }, NULL },
		{ "esc", 9, { NULL, 0 }, "\"esc\" is longer than 9 bytes" },
		{ "uni", 7, { (const uint8_t *)"\xc3\xa9\xf0\x9f\x98\x80\n", 7 }, NULL },
		{ "uni", 6, { NULL, 0 }, "\"uni\" is longer than 6 bytes" },
		{ "nul", 3, { (const uint8_t *)"a\0b", 3 }, NULL },
	};
	const struct json *root = parse(document);
	const char *text;
	struct reason why;

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct bytes value;
		bool ok = json_str(&value, arena, root, rows[i].key, rows[i].max_len, &why);

		if (rows[i].why != NULL)
			reason_is(ok, &why, REASON_LIMIT, rows[i].why, rows[i].key);
		else if (!ok || !bytes_equal(value, rows[i].value))
			fail_msg("%s: \"%s\"", rows[i].key, why.text);
		ok = json_text(&text, arena, root, rows[i].key, rows[i].max_len, &why);
		if (rows[i].why != NULL)
			reason_is(ok, &why, REASON_LIMIT, rows[i].why, rows[i].key);
		else if (strcmp(rows[i].key, "nul") == 0)
			reason_is(ok, &why, REASON_MALFORMED, "\"nul\" holds a NUL character",
			    "nul");
		else if (!ok || strlen(text) != rows[i].value.len ||
		    memcmp(text, rows[i].value.ptr, rows[i].value.len) != 0)
			fail_msg("%s: \"%s\"", rows[i].key, why.text);
	}
}

/* Both decoders agree on what either could decode, at all alignments and lengths. */
static void
test_escapes(void **state)
{
	for (size_t before = 0; before < 20; before++)
		for (size_t after = 0; after < 20; after++) {
			char text[100], wanted[60];
			size_t len = 0;
			const struct json *root;
			struct bytes value;
			struct reason why;

			text[len++] = '"';
			memset(text + len, 'x', before);
			len += before;
			memcpy(text + len, "\\n\\\\", 4);
			len += 4;
			memset(text + len, 'y', after);
			len += after;
			memcpy(text + len, "\"", 2);
			memset(wanted, 'x', before);
			memcpy(wanted + before, "\n\\", 2);
			memset(wanted + before + 2, 'y', after);
			wanted[before + 2 + after] = '\0';
			root = parse(text);
			assert_true(json_value_str(&value, arena, root, "v", 100, &why));
			span_is(value, wanted);

			/* \u000a is the same newline, and wakes the other decoder. */
			memmove(text + 1 + before + 6, text + 1 + before + 2, len - before - 1);
			memcpy(text + 1 + before, "\\u000a", 6);
			root = parse(text);
			assert_true(json_value_str(&value, arena, root, "v", 100, &why));
			span_is(value, wanted);
		}
}

static void
test_hex(void **state)
{
	static const uint8_t wanted[3] = { 0x00, 0xff, 0xab };
	const struct json *root = parse(document);
	struct reason why;
	struct bytes value;
	uint8_t data[3];
	static const struct {
		const char *key;
		size_t  len;
		const char *why, *why_var;
	} rows[] = {
		{ "hex", 2, "\"hex\" has 3 bytes, not 2", "\"hex\" is longer than 2 bytes" },
		{ "hexesc", 2, "\"hexesc\" has 3 bytes, not 2",
		    "\"hexesc\" is longer than 2 bytes" },
		{ "odd", 1, "\"odd\" has an odd number of hex digits",
		    "\"odd\" has an odd number of hex digits" },
		{ "nothex", 2, "\"nothex\" is not hex at digit 3",
		    "\"nothex\" is not hex at digit 3" },
		{ "prefix", 2, "\"prefix\" is not hex at digit 1",
		    "\"prefix\" is not hex at digit 1" },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		reason_is(json_hex(data, root, rows[i].key, rows[i].len, &why), &why,
		    REASON_MALFORMED, rows[i].why, rows[i].key);
		reason_is(json_hex_var(&value, arena, root, rows[i].key, rows[i].len, &why), &why,
		    strstr(rows[i].why_var, "longer") != NULL ? REASON_LIMIT : REASON_MALFORMED,
		    rows[i].why_var, rows[i].key);
	}
	assert_true(json_hex(data, root, "hex", 3, &why));
	assert_memory_equal(data, wanted, 3);
	memset(data, 0, sizeof data);
	assert_true(json_hex(data, root, "hexesc", 3, &why));
	assert_memory_equal(data, wanted, 3);
	assert_true(json_hex_var(&value, arena, root, "hex", 3, &why));
	assert_true(bytes_equal(value, BYTES_OF(wanted)));
	assert_true(json_hex_var(&value, arena, root, "hexesc", 3, &why));
	assert_true(bytes_equal(value, BYTES_OF(wanted)));
	assert_true(json_hex_var(&value, arena, root, "empty", 0, &why));
	assert_int_equal(value.len, 0);
	reason_is(json_hex(data, root, "empty", 3, &why), &why, REASON_MALFORMED,
	    "\"empty\" has 0 bytes, not 3", "empty");
}

static void
test_elements(void **state)
{
	const struct json *first = json_first(json_find(parse(document), "array"));
	struct reason why;
	uint8_t data[1];
	uint64_t n;

	assert_true(json_value_hex(data, first, "array[0]", 1, &why));
	reason_is(json_value_u64(&n, first, "array[0]", 9, &why), &why, REASON_MALFORMED,
	    "\"array[0]\" is a string, not a number", "first");
	assert_true(json_value_u64(&n, json_next(first), "array[1]", 9, &why) && n == 5);
	reason_is(json_value_u64(&n, NULL, "array[2]", 9, &why), &why, REASON_MALFORMED,
	    "\"array[2]\" is missing", "third");
	reason_is(json_value_hex(data, NULL, "array[2]", 9, &why), &why, REASON_MALFORMED,
	    "\"array[2]\" is missing", "third");
}

static void
test_compact(void **state)
{
	static const struct {
		const char *text, *compact;     /* NULL: is compact already */
	} rows[] = {
		{ "{\"a\":[1,2,\" \\\" \"]}", NULL },
		{ "\" \\\\\"", NULL },
		{ "1", NULL },
		{ "{ \"a\" :\t[ 1,\r\n2 , \" \\\" \" ] }", "{\"a\":[1,2,\" \\\" \"]}" },
		{ "[\"\\\\\" ,\" \\\\\\\" \" ]", "[\"\\\\\",\" \\\\\\\" \"]" },
		{ " 1 ", "1" },
		{ "{\"a\":\"\\u0041\\/\", \"b\":1.0}", "{\"a\":\"\\u0041\\/\",\"b\":1.0}" },
	};
	const struct json *root;
	struct bytes out, text;
	struct reason why;

	for (size_t i = 0; i < NELEM(rows); i++) {
		text = bytes_str(rows[i].text);
		root = parse(rows[i].text);
		assert_int_equal(json_compact_is(text), rows[i].compact == NULL);
		assert_true(json_compact(&out, arena, text, &why));
		span_is(out, rows[i].compact != NULL ? rows[i].compact : rows[i].text);
		if (rows[i].compact == NULL)
			assert_ptr_equal(out.ptr, text.ptr);
		assert_true(json_compact(&out, arena, json_span(root), &why));
		span_is(out, rows[i].compact != NULL ? rows[i].compact : rows[i].text);
	}
	assert_true(json_compact(&out, arena, (struct bytes){ NULL, 0 }, &why));
	assert_int_equal(out.len, 0);
}

/* An arena too small for what has to be decoded, and for nothing else. */
static void
test_arena_limit(void **state)
{
	AUTO(arena_free) struct arena *small = arena_new(8);
	const struct json *root = parse(document);
	struct bytes value;
	struct reason why;

	assert_non_null(small);
	assert_true(json_str(&value, small, root, "text", 100, &why));
	assert_false(json_str(&value, small, root, "esc", 100, &why));
	assert_int_equal(why.kind, REASON_LIMIT);
	assert_false(json_str(&value, small, root, "uni", 100, &why));
	assert_int_equal(why.kind, REASON_LIMIT);
	assert_false(json_hex_var(&value, small, root, "hex", 100, &why));
	assert_int_equal(why.kind, REASON_LIMIT);
	assert_false(json_compact(&value, small, bytes_str("[ 1 ]"), &why));
	assert_string_equal(why.text, "input needs more than 8 bytes of memory");
}

static bool
run_without_memory(void *arg, struct reason *why)
{
	AUTO(arena_free) struct arena *fresh = arena_new(1u << 20);
	const struct json *root;
	const char *text;
	struct bytes value;
	uint8_t data[3];

	if (fresh == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	return json_read(&root, fresh, bytes_str(document), &limits, why) &&
	    json_str(&value, fresh, root, "uni", 100, why) &&
	    json_text(&text, fresh, root, "esc", 100, why) &&
	    json_hex(data, root, "hexesc", 3, why) &&
	    json_hex_var(&value, fresh, root, "hex", 3, why);
}

static void
test_no_memory(void **state)
{
	assert_in_range(alloc_fail_each(run_without_memory, NULL), 8, 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_walk_long),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_elements),
		cmocka_unit_test(test_compact),
		cmocka_unit_test(test_arena_limit),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests_name("json", tests, setup, teardown);
}
