#include <stdlib.h>

#include "core/hex.h"
#include "testing.h"

static void
test_decode(void **state)
{
	static const struct {
		const char *text;
		const char *why;        /* NULL: must be accepted */
	} rows[] = {
		{ "", NULL },
		{ "00", NULL },
		{ "0123456789abcdefABCDEF", NULL },
		{ "0", "has an odd number of hex digits" },
		{ "0123456789abcdefA", "has an odd number of hex digits" },
		{ "0g", "is not hex at digit 1" },
		{ "0x00", "is not hex at digit 1" },
		{ " 00 ", "is not hex at digit 0" },
		{ "00\n0", "is not hex at digit 2" },
		{ "0123456g89abcdef", "is not hex at digit 7" },
		{ "0123456789abcde:", "is not hex at digit 15" },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct reason why = { REASON_NONE, "" };
		uint8_t out[32];
		bool ok = hex_decode(out, bytes_str(rows[i].text), &why);

		if (ok != (rows[i].why == NULL) || (!ok && strcmp(why.text, rows[i].why) != 0))
			fail_msg("%s: got %d \"%s\"", rows[i].text, ok, why.text);
	}
}

static int
digit_value(unsigned c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = c == 0 ? NULL : strchr(digits, (int)c);

	return at == NULL ? -1 : (int)((at - digits) % 16);
}

/* Every byte at every place of a run, of a word and of the rest behind them. */
static void
test_every_byte(void **state)
{
	for (size_t at = 0; at < 54; at++)
		for (unsigned c = 0; c < 256; c++) {
			uint8_t text[54], out[27];
			struct reason why;
			int value = digit_value(c);

			memset(text, '5', sizeof text);
			text[at] = (uint8_t)c;
			assert_int_equal(hex_decode(out, BYTES_OF(text), &why), value >= 0);
			for (size_t i = 0; value >= 0 && i < sizeof out; i++) {
				unsigned high = at == 2 * i ? (unsigned)value : 5;
				unsigned low = at == 2 * i + 1 ? (unsigned)value : 5;

				assert_int_equal(out[i], high << 4 | low);
			}
		}
}

/* All bytes, at lengths with and without a rest; the ends of the buffers are the sanitizer's. */
static void
test_round_trip(void **state)
{
	for (size_t len = 0; len <= 256; len++) {
		uint8_t *data = malloc(len + 1), *back = malloc(len + 1);
		char *text = malloc(2 * len + 1);
		struct reason why;

		assert_true(data != NULL && back != NULL && text != NULL);
		for (size_t i = 0; i < len; i++)
			data[i] = (uint8_t)(255 - i);
		hex_text(text, (struct bytes){ data, len });
		assert_int_equal(strlen(text), 2 * len);
		assert_int_equal(strspn(text, "0123456789abcdef"), 2 * len);
		assert_true(hex_decode(back, bytes_str(text), &why));
		assert_memory_equal(back, data, len);
		hex_encode_upper(text, (struct bytes){ data, len });
		assert_int_equal(strspn(text, "0123456789ABCDEF"), 2 * len);
		assert_true(hex_decode(back, bytes_str(text), &why));
		assert_memory_equal(back, data, len);
		free(data);
		free(back);
		free(text);
	}
}

static void
test_arena(void **state)
{
	static const uint8_t data[] = { 0x0a, 0xbc };
	AUTO(arena_free) struct arena *arena = arena_new(64);
	struct bytes out;
	struct reason why;

	assert_non_null(arena);
	assert_true(hex_decode_arena(&out, arena, bytes_str("0abc"), 2, &why));
	assert_true(bytes_equal(out, BYTES_OF(data)));
	assert_string_equal(hex_text_arena(arena, out, &why), "0abc");
	assert_false(hex_decode_arena(&out, arena, bytes_str("0abc"), 1, &why));
	assert_string_equal(why.text, "is longer than 1 bytes");
	assert_int_equal(why.kind, REASON_LIMIT);
	assert_false(hex_decode_arena(&out, arena, bytes_str("0ab"), 2, &why));
	assert_string_equal(why.text, "has an odd number of hex digits");
	arena_reset(arena);
	assert_null(hex_text_arena(arena, (struct bytes){ data, SIZE_MAX }, &why));
	assert_int_equal(why.kind, REASON_LIMIT);
	assert_null(hex_text_arena(arena, (struct bytes){ data, 100 }, &why));
	assert_int_equal(why.kind, REASON_LIMIT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_arena),
	};

	return cmocka_run_group_tests_name("hex", tests, NULL, NULL);
}
