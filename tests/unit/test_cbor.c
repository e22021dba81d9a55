#include "core/cbor.h"
#include "testing.h"

#define IN(s)           { (const uint8_t *)(s), sizeof(s) - 1 }

struct row {
	struct bytes in;
	uint64_t value;         /* number, count, or bytes of the result           */
	const char *why;        /* NULL: must be accepted                          */
};

static void
row_check(const char *name, const struct row *row, size_t i, bool ok, uint64_t value,
    const CBS *in, const struct reason *why)
{
	if (ok != (row->why == NULL) || (!ok && strcmp(why->text, row->why) != 0))
		fail_msg("%s %zu: got %d \"%s\"", name, i, ok, why->text);
	if (ok && (value != row->value || (in != NULL && CBS_len(in) != 0)))
		fail_msg("%s %zu: got %llu", name, i, (unsigned long long)value);
}

static void
test_u64(void **state)
{
	static const struct row rows[] = {
		{ IN("\x00"), 0, NULL },
		{ IN("\x17"), 23, NULL },
		{ IN("\x18\x18"), 24, NULL },
		{ IN("\x18\xff"), 255, NULL },
		{ IN("\x19\x01\x00"), 256, NULL },
		{ IN("\x1a\x00\x01\x00\x00"), 65536, NULL },
		{ IN("\x1b\x00\x00\x00\x01\x00\x00\x00\x00"), UINT64_C(1) << 32, NULL },
		{ IN("\x1b\xff\xff\xff\xff\xff\xff\xff\xfe"), UINT64_MAX - 1, NULL },
		{ IN("\x1b\xff\xff\xff\xff\xff\xff\xff\xff"), 0,
		    "is more than 18446744073709551614" },
		{ IN("\x18\x17"), 0, "is not in its shortest form" },
		{ IN("\x19\x00\xff"), 0, "is not in its shortest form" },
		{ IN("\x1a\x00\x00\xff\xff"), 0, "is not in its shortest form" },
		{ IN("\x1b\x00\x00\x00\x00\xff\xff\xff\xff"), 0, "is not in its shortest form" },
		{ IN("\x1c"), 0, "has a reserved head 1c" },
		{ IN("\x1e"), 0, "has a reserved head 1e" },
		{ IN("\x1f"), 0, "has no definite length" },
		{ IN("\x20"), 0, "is a negative integer, not an unsigned integer" },
		{ IN("\x40"), 0, "is bytes, not an unsigned integer" },
		{ IN("\x60"), 0, "is text, not an unsigned integer" },
		{ IN("\x80"), 0, "is an array, not an unsigned integer" },
		{ IN("\xa0"), 0, "is a map, not an unsigned integer" },
		{ IN("\xc0\x01"), 0, "is a tag, not an unsigned integer" },
		{ IN("\xf4"), 0, "is a boolean, not an unsigned integer" },
		{ IN("\xf6"), 0, "is null, not an unsigned integer" },
		{ IN("\xf7"), 0, "is a simple value, not an unsigned integer" },
		{ IN("\xfa\x00\x00\x00\x00"), 0, "is a float, not an unsigned integer" },
		{ IN(""), 0, "is cut short" },
		{ IN("\x18"), 0, "is cut short" },
		{ IN("\x1b\x01\x01\x01\x01\x01\x01\x01"), 0, "is cut short" },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct reason why = { REASON_NONE, "" };
		CBS in = cbs_bytes(rows[i].in);
		uint64_t value = 0;
		bool ok = cbor_u64_read(&value, &in, UINT64_MAX - 1, &why);

		row_check("u64", &rows[i], i, ok, value, &in, &why);
	}
}

static void
test_text(void **state)
{
	static const struct row rows[] = {
		{ IN("\x60"), 0, NULL },
		{ IN("\x63" "abc"), 3, NULL },
		{ IN("\x62\xc3\xa9"), 2, NULL },
		{ IN("\x62\xc3("), 0, "is not UTF-8" },
		{ IN("\x64" "abcd"), 0, "is longer than 3 bytes" },
		{ IN("\x64" "abc"), 0, "has 4 bytes, but 3 are left" },
		{ IN("\x78\x03" "abc"), 0, "is not in its shortest form" },
		{ IN("\x7b\xff\xff\xff\xff\xff\xff\xff\xff"), 0,
		    "has 18446744073709551615 bytes, but 0 are left" },
		{ IN("\x7f\x61" "a\xff"), 0, "has no definite length" },
		{ IN("\x43" "abc"), 0, "is bytes, not text" },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct reason why = { REASON_NONE, "" };
		CBS in = cbs_bytes(rows[i].in);
		struct bytes out = { NULL, 0 };
		bool ok = cbor_text_read(&out, &in, 3, &why);

		row_check("text", &rows[i], i, ok, out.len, &in, &why);
	}
}

static void
test_bytes(void **state)
{
	static const struct row rows[] = {
		{ IN("\x40"), 0, NULL },
		{ IN("\x43\x01\x02\xff"), 3, NULL },
		{ IN("\x44" "abcd"), 0, "is longer than 3 bytes" },
		{ IN("\x44" "abc"), 0, "has 4 bytes, but 3 are left" },
		{ IN("\x58\x03" "abc"), 0, "is not in its shortest form" },
		{ IN("\x5f\x41" "a\xff"), 0, "has no definite length" },
		{ IN("\x63" "abc"), 0, "is text, not bytes" },
		{ IN("\x83\x01\x02\x03"), 0, "is an array, not bytes" },
	};
	struct reason why;
	uint8_t data[3];
	CBS in;

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct bytes out = { NULL, 0 };
		bool ok;

		why = (struct reason){ REASON_NONE, "" };
		in = cbs_bytes(rows[i].in);
		ok = cbor_bytes_read(&out, &in, 3, &why);
		row_check("bytes", &rows[i], i, ok, out.len, &in, &why);
	}
	in = cbs_bytes(rows[1].in);
	assert_true(cbor_fixed_read(data, 3, &in, &why));
	assert_memory_equal(data, "\x01\x02\xff", 3);
	in = cbs_bytes(rows[1].in);
	assert_false(cbor_fixed_read(data, 2, &in, &why));
	assert_string_equal(why.text, "has 3 bytes, not 2");
	in = cbs_bytes(rows[0].in);
	assert_false(cbor_fixed_read(data, 3, &in, &why));
	assert_string_equal(why.text, "has 0 bytes, not 3");
}

static void
test_counts(void **state)
{
	static const struct row maps[] = {
		{ IN("\xa0"), 0, NULL },
		{ IN("\xa2\x01\x02\x03\x04"), 2, NULL },
		{ IN("\xa2\x01\x02\x03"), 0, "has 2 items, but 3 bytes are left" },
		{ IN("\xbb\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 0,
		    "has 18446744073709551615 items, but 1 bytes are left" },
		{ IN("\xb8\x01\x01\x02"), 0, "is not in its shortest form" },
		{ IN("\xbf\x01\x02\xff"), 0, "has no definite length" },
		{ IN("\x80"), 0, "is an array, not a map" },
	};
	static const struct row arrays[] = {
		{ IN("\x80"), 0, NULL },
		{ IN("\x82\x01\x02"), 2, NULL },
		{ IN("\x82\x01"), 0, "has 2 items, but 1 bytes are left" },
		{ IN("\x9f\xff"), 0, "has no definite length" },
		{ IN("\xa0"), 0, "is a map, not an array" },
	};
	struct reason why;
	uint32_t count;
	bool ok;
	CBS in;

	for (size_t i = 0; i < NELEM(maps); i++) {
		in = cbs_bytes(maps[i].in);
		ok = cbor_map_read(&count, &in, &why);
		row_check("map", &maps[i], i, ok, count, NULL, &why);
	}
	for (size_t i = 0; i < NELEM(arrays); i++) {
		in = cbs_bytes(arrays[i].in);
		ok = cbor_array_read(&count, &in, &why);
		row_check("array", &arrays[i], i, ok, count, NULL, &why);
	}
}

static void
test_simple(void **state)
{
	static const struct row rows[] = {
		{ IN("\xf4"), 0, NULL },
		{ IN("\xf5"), 1, NULL },
		{ IN("\xf6"), 0, "is null, not a boolean" },
		{ IN("\xf7"), 0, "is a simple value, not a boolean" },
		{ IN("\xf8\x15"), 0, "is not in its shortest form" },
		{ IN("\xf8\x20"), 0, "is a simple value, not a boolean" },
		{ IN("\xf9\x3c\x00"), 0, "is a float, not a boolean" },
		{ IN("\x01"), 0, "is an unsigned integer, not a boolean" },
	};
	struct reason why;
	bool value, ok;
	CBS in;

	for (size_t i = 0; i < NELEM(rows); i++) {
		in = cbs_bytes(rows[i].in);
		value = false;
		ok = cbor_bool_read(&value, &in, &why);
		row_check("bool", &rows[i], i, ok, value, &in, &why);
	}
	in = cbs_bytes(bytes_str("\xf6\xf5"));
	assert_true(cbor_null_take(&in));
	assert_false(cbor_null_take(&in));
	assert_int_equal(CBS_len(&in), 1);
	assert_false(cbor_end_check(&in, &why));
	assert_string_equal(why.text, "1 trailing byte(s) after the CBOR document");
	assert_true(cbor_bool_read(&value, &in, &why));
	assert_true(cbor_end_check(&in, &why));
	assert_false(cbor_null_take(&in));
}

static void
test_skip(void **state)
{
	static const struct row rows[] = {
		{ IN("\x05"), 0, NULL },
		{ IN("\x39\x01\x00"), 0, NULL },
		{ IN("\x42" "ab"), 0, NULL },
		{ IN("\x62" "ab"), 0, NULL },
		{ IN("\xf4"), 0, NULL },
		{ IN("\xf6"), 0, NULL },
		{ IN("\xf8\xff"), 0, NULL },
		{ IN("\xf8\x20"), 0, NULL },
		{ IN("\xf8\x1f"), 0, "is not in its shortest form" },
		{ IN("\xf9\x3c\x00"), 0, NULL },
		{ IN("\xfb\x3f\xf0\x00\x00\x00\x00\x00\x00"), 0, NULL },
		{ IN("\x83\x01\x82\x02\x03\xa0"), 0, NULL },
		{ IN("\xa2\x61" "a\x80\x61" "b\x81\x01"), 0, NULL },
		{ IN("\x81\x81\x81\x05"), 0, NULL },
		{ IN("\x81\x81\x81\x80"), 0, NULL },
		{ IN("\x81\x81\x81\x81\x05"), 0, "nests deeper than 3 levels" },
		{ IN("\x81\xa1\x01\xa1\x02\xa1\x03\x04"), 0, "nests deeper than 3 levels" },
		{ IN("\xc0\x01"), 0, "holds a tag" },
		{ IN("\x9f\x01\xff"), 0, "has no definite length" },
		{ IN("\xff"), 0, "has no definite length" },
		{ IN("\x18\x05"), 0, "is not in its shortest form" },
		{ IN("\x61\xff"), 0, "is not UTF-8" },
		{ IN(""), 0, "is cut short" },
		{ IN("\x43" "ab"), 0, "has 3 bytes, but 2 are left" },
		{ IN("\x82\x81\x01"), 0, "is cut short" },
		{ IN("\x83\x81\x01"), 0, "has 3 items, but 2 bytes are left" },
		{ IN("\xa2\x01\x02\x03"), 0, "has 2 items, but 3 bytes are left" },
		{ IN("\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 0,
		    "has 18446744073709551615 items, but 1 bytes are left" },
		{ IN("\xfb\x01"), 0, "is cut short" },
	};
	uint8_t deep[40];
	struct reason why;
	CBS in;

	for (size_t i = 0; i < NELEM(rows); i++) {
		bool ok;

		why = (struct reason){ REASON_NONE, "" };
		in = cbs_bytes(rows[i].in);
		ok = cbor_skip(&in, 3, &why);
		row_check("skip", &rows[i], i, ok, 0, &in, &why);
	}
	/* The depth given is bounded by our own. */
	memset(deep, 0x81, sizeof deep);
	deep[CBOR_MAX_DEPTH] = 0x05;
	CBS_init(&in, deep, sizeof deep);
	assert_true(cbor_skip(&in, 1000, &why));
	deep[CBOR_MAX_DEPTH] = 0x81;
	CBS_init(&in, deep, sizeof deep);
	assert_false(cbor_skip(&in, 1000, &why));
	assert_string_equal(why.text, "nests deeper than 16 levels");
	assert_int_equal(why.kind, REASON_LIMIT);
	CBS_init(&in, deep, 1);
	assert_false(cbor_skip(&in, 0, &why));
}

static void
test_first_bytes(void **state)
{
	for (unsigned first = 0; first < 256; first++)
		for (size_t len = 1; len <= 10; len++) {
			const uint8_t text[10] = { (uint8_t)first };
			struct reason why = { REASON_NONE, "" };
			CBS in;

			CBS_init(&in, text, len);
			if (!cbor_skip(&in, CBOR_MAX_DEPTH, &why))
				assert_int_not_equal(why.kind, REASON_NONE);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_u64),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_simple),
		cmocka_unit_test(test_skip),
		cmocka_unit_test(test_first_bytes),
	};

	return cmocka_run_group_tests_name("cbor", tests, NULL, NULL);
}
