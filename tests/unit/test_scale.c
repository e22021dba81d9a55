#include "core/scale.h"
#include "testing.h"

#define IN(s)           { (const uint8_t *)(s), sizeof(s) - 1 }

struct row {
	struct bytes in;
	uint32_t value;         /* number, or bytes of the result                  */
	const char *why;        /* NULL: must be accepted                          */
};

static void
row_check(const struct row *row, size_t i, bool ok, uint32_t value, const struct reason *why)
{
	if (ok != (row->why == NULL) || (!ok && strcmp(why->text, row->why) != 0))
		fail_msg("row %zu: got %d \"%s\"", i, ok, why->text);
	if (ok && value != row->value)
		fail_msg("row %zu: got %u", i, value);
}

static void
test_compact(void **state)
{
	static const struct row rows[] = {
		{ IN("\x00"), 0, NULL },
		{ IN("\xfc"), 63, NULL },
		{ IN("\x01\x01"), 64, NULL },
		{ IN("\xfd\xff"), 16383, NULL },
		{ IN("\x02\x00\x01\x00"), 16384, NULL },
		{ IN("\xfe\xff\xff\xff"), (1u << 30) - 1, NULL },
		{ IN("\x03\x00\x00\x00\x40"), 1u << 30, NULL },
		{ IN("\x03\xff\xff\xff\xff"), UINT32_MAX, NULL },
		{ IN("\xfd\x00"), 0, "compact integer 63 is not in its shortest form" },
		{ IN("\x01\x00"), 0, "compact integer 0 is not in its shortest form" },
		{ IN("\xfe\xff\x00\x00"), 0, "compact integer 16383 is not in its shortest form" },
		{ IN("\x03\xff\xff\xff\x3f"), 0,
		    "compact integer 1073741823 is not in its shortest form" },
		{ IN("\x07\x00\x00\x00\x00\x01"), 0, "compact integer is wider than 32 bits" },
		{ IN("\xff\x00\x00\x00\x40"), 0, "compact integer is wider than 32 bits" },
		{ IN(""), 0, "compact integer is cut short" },
		{ IN("\x01"), 0, "compact integer is cut short" },
		{ IN("\x02\x00\x01"), 0, "compact integer is cut short" },
		{ IN("\x03\x00\x00\x00"), 0, "compact integer is cut short" },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct reason why = { REASON_NONE, "" };
		CBS in = cbs_bytes(rows[i].in);
		uint32_t value = 0;
		bool ok = scale_compact_read(&value, &in, &why);

		row_check(&rows[i], i, ok, value, &why);
		if (ok)
			assert_int_equal(CBS_len(&in), 0);
	}
}

static void
test_bytes(void **state)
{
	static const struct row rows[] = {
		{ IN("\x00"), 0, NULL },
		{ IN("\x08" "ab"), 2, NULL },
		{ IN("\x10" "abcd"), 4, NULL },
		{ IN("\x08" "a\xff"), 2, NULL },
		{ IN("\x08" "a"), 0, "has 2 bytes, but 1 are left" },
		{ IN("\x03\xff\xff\xff\xff"), 0, "has 4294967295 bytes, but 0 are left" },
		{ IN("\x14" "abcde"), 0, "is longer than 4 bytes" },
		{ IN(""), 0, "compact integer is cut short" },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct reason why = { REASON_NONE, "" };
		struct bytes out = { NULL, 0 };
		CBS in = cbs_bytes(rows[i].in);
		bool ok = scale_bytes_read(&out, &in, 4, &why);

		row_check(&rows[i], i, ok, (uint32_t)out.len, &why);
		if (ok && out.len != 0)
			assert_ptr_equal(out.ptr, rows[i].in.ptr + 1);
		in = cbs_bytes(rows[i].in);
		if (i == 3) {
			assert_false(scale_text_read(&out, &in, 4, &why));
			assert_string_equal(why.text, "is not UTF-8");
		} else {
			ok = scale_text_read(&out, &in, 4, &why);
			row_check(&rows[i], i, ok, (uint32_t)out.len, &why);
		}
	}
}

static void
test_count(void **state)
{
	static const struct row rows[] = {
		{ IN("\x00"), 0, NULL },
		{ IN("\x08" "1234"), 2, NULL },
		{ IN("\x0c" "123456"), 3, NULL },
		{ IN("\x08" "123"), 0, "has 2 items, but 3 bytes are left" },
		{ IN("\x03\xff\xff\xff\xff" "123"), 0, "has 4294967295 items, but 3 bytes are left" },
		{ IN("\x10" "12345678"), 0, "has more than 3 items" },
		{ IN("\x01"), 0, "compact integer is cut short" },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct reason why = { REASON_NONE, "" };
		CBS in = cbs_bytes(rows[i].in);
		uint32_t count = 0;
		bool ok = scale_count_read(&count, &in, 2, 3, &why);

		row_check(&rows[i], i, ok, count, &why);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compact),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_count),
	};

	return cmocka_run_group_tests_name("scale", tests, NULL, NULL);
}
