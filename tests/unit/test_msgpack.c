#include "core/msgpack.h"
#include "testing.h"

#include "alloc_fail.h"

#define IN(s)           { (const uint8_t *)(s), sizeof(s) - 1 }

struct row {
	struct bytes in;
	uint64_t value;         /* number, count, or bytes of the result           */
	const char *why;        /* NULL: must be accepted                          */
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

/* Each accepted row ends with the value, so that the cursor must be at the end. */
static void
row_check(const char *name, const struct row *row, size_t i, bool ok, uint64_t value,
    const CBS *in, const struct reason *why)
{
	if (ok != (row->why == NULL) || (!ok && strcmp(why->text, row->why) != 0))
		fail_msg("%s %zu: got %d \"%s\"", name, i, ok, why->text);
	if (ok && (value != row->value || CBS_len(in) != 0))
		fail_msg("%s %zu: got %llu, %zu left", name, i, (unsigned long long)value,
		    CBS_len(in));
}

static void
test_u64(void **state)
{
	static const struct row rows[] = {
		{ IN("\x00"), 0, NULL },
		{ IN("\x7f"), 127, NULL },
		{ IN("\xcc\xff"), 255, NULL },
		{ IN("\xcc\x01"), 1, NULL },
		{ IN("\xcd\x01\x00"), 256, NULL },
		{ IN("\xce\x08\x00\x00\x01"), 0x08000001, NULL },
		{ IN("\xcf\xff\xff\xff\xff\xff\xff\xff\xfe"), UINT64_MAX - 1, NULL },
		{ IN("\xd0\x7f"), 127, NULL },
		{ IN("\xd1\x00\x80"), 128, NULL },
		{ IN("\xd2\x7f\xff\xff\xff"), INT32_MAX, NULL },
		{ IN("\xd3\x7f\xff\xff\xff\xff\xff\xff\xff"), INT64_MAX, NULL },
		{ IN("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), 0,
		    "is more than 18446744073709551614" },
		{ IN("\xff"), 0, "is negative" },
		{ IN("\xe0"), 0, "is negative" },
		{ IN("\xd0\x80"), 0, "is negative" },
		{ IN("\xd1\xff\xff"), 0, "is negative" },
		{ IN("\xd2\x80\x00\x00\x00"), 0, "is negative" },
		{ IN("\xd3\xff\xff\xff\xff\xff\xff\xff\xff"), 0, "is negative" },
		{ IN("\xca\x3f\x80\x00\x00"), 0, "is a float, not an integer" },
		{ IN("\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00"), 0, "is a float, not an integer" },
		{ IN("\xc0"), 0, "is nil, not an integer" },
		{ IN("\xc3"), 0, "is a boolean, not an integer" },
		{ IN("\xa1" "1"), 0, "is a string, not an integer" },
		{ IN("\xc1"), 0, "is no value, not an integer" },
		{ IN("\xd4\x01\x01"), 0, "is an extension, not an integer" },
		{ IN(""), 0, "is cut short" },
		{ IN("\xcc"), 0, "is cut short" },
		{ IN("\xcd\x01"), 0, "is cut short" },
		{ IN("\xcf\x01\x01\x01\x01\x01\x01\x01"), 0, "is cut short" },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct reason why = { REASON_NONE, "" };
		CBS in = cbs_bytes(rows[i].in);
		uint64_t value = 0;
		bool ok = msgpack_u64_read(&value, &in, UINT64_MAX - 1, &why);

		row_check("u64", &rows[i], i, ok, value, &in, &why);
	}
}

static void
test_text(void **state)
{
	static const struct row rows[] = {
		{ IN("\xa0"), 0, NULL },
		{ IN("\xa3" "abc"), 3, NULL },
		{ IN("\xd9\x03" "abc"), 3, NULL },
		{ IN("\xda\x00\x03" "abc"), 3, NULL },
		{ IN("\xdb\x00\x00\x00\x03" "abc"), 3, NULL },
		{ IN("\xa2\xc3\xa9"), 2, NULL },
		{ IN("\xa2\xc3("), 0, "is not UTF-8" },
		{ IN("\xa4" "abcd"), 0, "is longer than 3 bytes" },
		{ IN("\xa4" "abc"), 0, "has 4 bytes, but 3 are left" },
		{ IN("\xdb\xff\xff\xff\xff" "abc"), 0, "has 4294967295 bytes, but 3 are left" },
		{ IN("\xdb\xff\xff\xff"), 0, "is cut short" },
		{ IN("\xc4\x01" "a"), 0, "is bytes, not a string" },
		{ IN("\x91\xa1" "a"), 0, "is an array, not a string" },
		{ IN("\x80"), 0, "is a map, not a string" },
		{ IN("\x05"), 0, "is an integer, not a string" },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct reason why = { REASON_NONE, "" };
		CBS in = cbs_bytes(rows[i].in);
		struct bytes out = { NULL, 0 };
		bool ok = msgpack_text_read(&out, &in, 3, &why);

		row_check("text", &rows[i], i, ok, out.len, &in, &why);
		if (ok && out.len == 3)
			assert_memory_equal(out.ptr, "abc", 3);
	}
}

static void
test_bytes(void **state)
{
	static const struct row rows[] = {
		{ IN("\xc4\x00"), 0, NULL },
		{ IN("\xc4\x04\x01\x02\x80\xff"), 4, NULL },
		{ IN("\xc5\x00\x04\x01\x02\x80\xff"), 4, NULL },
		{ IN("\xc6\x00\x00\x00\x04\x01\x02\x80\xff"), 4, NULL },
		{ IN("\x90"), 0, NULL },
		{ IN("\x94\x01\x02\xcc\x80\xcc\xff"), 4, NULL },
		{ IN("\xdc\x00\x04\x01\x02\xcc\x80\xcc\xff"), 4, NULL },
		{ IN("\xdd\x00\x00\x00\x04\x01\x02\xcc\x80\xcc\xff"), 4, NULL },
		/* Integers in other forms than an encoder's. */
		{ IN("\x94\xcc\x01\xcd\x00\x02\xd1\x00\x80\xce\x00\x00\x00\xff"), 4, NULL },
		{ IN("\x94\xd0\x01\x02\xcf\x00\x00\x00\x00\x00\x00\x00\x80\xcc\xff"), 4, NULL },
		{ IN("\x93\xcc\xcc\xcc\xcc\xcc\x05"), 3, NULL },
		{ IN("\x91\xcd\x01\x00"), 0, "byte 0: is not from 0 to 255" },
		{ IN("\x91\x80"), 0, "byte 0: is a map, not an integer" },
		{ IN("\x92\x05\xff"), 0, "byte 1: is not from 0 to 255" },
		{ IN("\x92\x05\xd0\x80"), 0, "byte 1: is not from 0 to 255" },
		{ IN("\x92\x05\xc0"), 0, "byte 1: is nil, not an integer" },
		{ IN("\x92\x05\xca\x3f\x80\x00\x00"), 0, "byte 1: is a float, not an integer" },
		{ IN("\x92\x05\x90"), 0, "byte 1: is an array, not an integer" },
		{ IN("\x92\x05\xcc"), 0, "byte 1: is cut short" },
		{ IN("\x92\xcc\xcc"), 0, "byte 1: is cut short" },
		{ IN("\x92\x05"), 0, "has 2 items, but 1 bytes are left" },
		{ IN("\xdd\xff\xff\xff\xff\x01"), 0, "has 4294967295 items, but 1 bytes are left" },
		{ IN("\x95\x01\x02\x03\x04\x05"), 0, "is longer than 4 bytes" },
		{ IN("\xc4\x05\x01\x02\x03\x04\x05"), 0, "is longer than 4 bytes" },
		{ IN("\xc4\x03\x01\x02"), 0, "has 3 bytes, but 2 are left" },
		{ IN("\xc6\x00\x00"), 0, "is cut short" },
		{ IN("\xa2" "ab"), 0, "is a string, not bytes" },
		{ IN("\x05"), 0, "is an integer, not bytes" },
		{ IN("\xc7\x01\x00\x00"), 0, "is an extension, not bytes" },
	};
	static const uint8_t wanted[4] = { 0x01, 0x02, 0x80, 0xff };

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct reason why = { REASON_NONE, "" };
		CBS in = cbs_bytes(rows[i].in);
		struct bytes out = { NULL, 0 };
		bool ok = msgpack_bytes_read(&out, arena, &in, 4, &why);

		row_check("bytes", &rows[i], i, ok, out.len, &in, &why);
		if (ok && out.len == 4)
			assert_memory_equal(out.ptr, wanted, 4);
	}
}

/* Every byte in its encoder's form, with a neighbour on either side. */
static void
test_every_byte(void **state)
{
	for (unsigned a = 0; a < 256; a++)
		for (unsigned b = 0; b < 256; b++) {
			const uint8_t values[3] = { (uint8_t)a, (uint8_t)b, 0xcc };
			uint8_t text[10] = { 0x93 };
			struct reason why;
			struct bytes out;
			size_t len = 1;
			CBS in;

			for (size_t i = 0; i < 3; i++) {
				if (values[i] >= 0x80)
					text[len++] = 0xcc;
				text[len++] = values[i];
			}
			text[len] = 0xc0;
			CBS_init(&in, text, len + 1);
			arena_reset(arena);
			assert_true(msgpack_bytes_read(&out, arena, &in, 3, &why));
			assert_memory_equal(out.ptr, values, 3);
			assert_int_equal(CBS_len(&in), 1);
		}
}

static void
test_counts(void **state)
{
	static const struct {
		struct bytes in;
		bool    map;
		uint32_t count;
		const char *why;
	} rows[] = {
		{ IN("\x80"), true, 0, NULL },
		{ IN("\x82\x01\x02\x03\x04"), true, 2, NULL },
		{ IN("\xde\x00\x01\x01\x02"), true, 1, NULL },
		{ IN("\xdf\x00\x00\x00\x01\x01\x02"), true, 1, NULL },
		{ IN("\x82\x01\x02\x03"), true, 0, "has 2 items, but 3 bytes are left" },
		{ IN("\xdf\xff\xff\xff\xff\x01"), true, 0,
		    "has 4294967295 items, but 1 bytes are left" },
		{ IN("\xde\x00"), true, 0, "is cut short" },
		{ IN("\x90"), true, 0, "is an array, not a map" },
		{ IN("\x90"), false, 0, NULL },
		{ IN("\x92\x01\x02"), false, 2, NULL },
		{ IN("\xdc\x00\x01\x01"), false, 1, NULL },
		{ IN("\xdd\x00\x00\x00\x01\x01"), false, 1, NULL },
		{ IN("\x92\x01"), false, 0, "has 2 items, but 1 bytes are left" },
		{ IN("\xdd\xff\xff\xff\xff"), false, 0,
		    "has 4294967295 items, but 0 bytes are left" },
		{ IN("\x80"), false, 0, "is a map, not an array" },
		{ IN(""), false, 0, "is cut short" },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct reason why = { REASON_NONE, "" };
		CBS in = cbs_bytes(rows[i].in);
		uint32_t count = 99;
		bool ok = rows[i].map ? msgpack_map_read(&count, &in, &why) :
		    msgpack_array_read(&count, &in, &why);

		if (ok != (rows[i].why == NULL) || (ok && count != rows[i].count) ||
		    (!ok && strcmp(why.text, rows[i].why) != 0))
			fail_msg("count %zu: %d %u \"%s\"", i, ok, count, why.text);
	}
}

static void
test_nil(void **state)
{
	CBS in = cbs_bytes(bytes_str("\xc0\x05"));

	assert_true(msgpack_nil_take(&in));
	assert_false(msgpack_nil_take(&in));
	assert_int_equal(CBS_len(&in), 1);
	CBS_init(&in, NULL, 0);
	assert_false(msgpack_nil_take(&in));
}

static void
test_skip(void **state)
{
	static const struct row rows[] = {
		{ IN("\x05"), 0, NULL },
		{ IN("\xe5"), 0, NULL },
		{ IN("\xc0"), 0, NULL },
		{ IN("\xc2"), 0, NULL },
		{ IN("\xca\x01\x02\x03\x04"), 0, NULL },
		{ IN("\xcb\x01\x02\x03\x04\x05\x06\x07\x08"), 0, NULL },
		{ IN("\xd3\x01\x02\x03\x04\x05\x06\x07\x08"), 0, NULL },
		{ IN("\xa3" "abc"), 0, NULL },
		{ IN("\xc4\x02" "ab"), 0, NULL },
		{ IN("\xd4\x01\x01"), 0, NULL },
		{ IN("\xd8\x01" "0123456789abcdef"), 0, NULL },
		{ IN("\xc7\x02\x01\x01\x02"), 0, NULL },
		{ IN("\xc9\x00\x00\x00\x00\x01"), 0, NULL },
		{ IN("\x93\x01\x92\x02\x03\x80"), 0, NULL },
		{ IN("\x82\xa1" "a\x90\xa1" "b\x91\x01"), 0, NULL },
		{ IN("\x91\x91\x91\x05"), 0, NULL },
		{ IN("\x91\x91\x91\x90"), 0, NULL },
		{ IN("\x91\x91\x91\x91\x05"), 0, "nests deeper than 3 levels" },
		{ IN("\xc1"), 0, "holds the byte c1, which is no value" },
		{ IN("\x92\x05\xc1"), 0, "holds the byte c1, which is no value" },
		{ IN(""), 0, "is cut short" },
		{ IN("\xa3" "ab"), 0, "has 3 bytes, but 2 are left" },
		{ IN("\xd4\x01"), 0, "has 2 bytes, but 1 are left" },
		{ IN("\xc9\xff\xff\xff\xff\x01"), 0, "has 4294967296 bytes, but 1 are left" },
		{ IN("\x92\x91\x01"), 0, "is cut short" },
		{ IN("\x93\x91\x01"), 0, "has 3 items, but 2 bytes are left" },
		{ IN("\x82\x01\x02\x03"), 0, "has 2 items, but 3 bytes are left" },
		{ IN("\xcb\x01"), 0, "is cut short" },
	};
	uint8_t deep[40];
	struct reason why;
	CBS in;

	for (size_t i = 0; i < NELEM(rows); i++) {
		bool ok;

		why = (struct reason){ REASON_NONE, "" };
		in = cbs_bytes(rows[i].in);
		ok = msgpack_skip(&in, 3, &why);
		row_check("skip", &rows[i], i, ok, 0, &in, &why);
	}
	/* The depth given is bounded by our own. */
	memset(deep, 0x91, sizeof deep);
	deep[MSGPACK_MAX_DEPTH] = 0x05;
	CBS_init(&in, deep, sizeof deep);
	assert_true(msgpack_skip(&in, 1000, &why));
	deep[MSGPACK_MAX_DEPTH] = 0x91;
	CBS_init(&in, deep, sizeof deep);
	assert_false(msgpack_skip(&in, 1000, &why));
	assert_string_equal(why.text, "nests deeper than 16 levels");
	assert_int_equal(why.kind, REASON_LIMIT);
	CBS_init(&in, deep, 1);
	assert_false(msgpack_skip(&in, 0, &why));
}

/* Whatever the first byte, a reader ends, with a value or a reason. */
static void
test_first_bytes(void **state)
{
	for (unsigned first = 0; first < 256; first++)
		for (size_t len = 1; len <= 6; len++) {
			const uint8_t text[6] = { (uint8_t)first };
			struct reason why = { REASON_NONE, "" };
			CBS in;

			CBS_init(&in, text, len);
			if (!msgpack_skip(&in, MSGPACK_MAX_DEPTH, &why))
				assert_int_not_equal(why.kind, REASON_NONE);
		}
}

static bool
run_without_memory(void *arg, struct reason *why)
{
	AUTO(arena_free) struct arena *fresh = arena_new(1000);
	CBS in = cbs_bytes(bytes_str("\x92\x05\xcc\x80"));
	struct bytes out;

	if (fresh == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	return msgpack_bytes_read(&out, fresh, &in, 10, why);
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
		cmocka_unit_test(test_u64),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_nil),
		cmocka_unit_test(test_skip),
		cmocka_unit_test(test_first_bytes),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests_name("msgpack", tests, setup, teardown);
}
