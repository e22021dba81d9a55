#include "core/utf8.h"
#include "testing.h"

/* What RFC 3629 says of a code point's encoding, written the other way round. */
static size_t
encode(uint8_t out[4], uint32_t c)
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (uint8_t)(0xc0 | c >> 6);
		out[1] = (uint8_t)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (uint8_t)(0xe0 | c >> 12);
		out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		out[2] = (uint8_t)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | c >> 18);
	out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
	out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	out[3] = (uint8_t)(0x80 | (c & 0x3f));
	return 4;
}

static void
test_every_code_point(void **state)
{
	for (uint32_t c = 0; c < 0x140000; c++) {
		uint8_t text[4];
		const size_t len = encode(text, c);
		const bool good = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);

		if (utf8_len((struct bytes){ text, len }) != (good ? len : 0))
			fail_msg("U+%04X", c);
		for (size_t cut = 0; cut < len; cut++)
			if (utf8_len((struct bytes){ text, cut }) != 0)
				fail_msg("U+%04X cut to %zu", c, cut);
	}
}

/* All pairs and the first three bytes of all fours: as many good ones as there are characters. */
static void
test_count(void **state)
{
	size_t twos = 0, threes = 0;

	for (unsigned a = 0x80; a < 256; a++)
		for (unsigned b = 0; b < 256; b++) {
			uint8_t text[3] = { (uint8_t)a, (uint8_t)b, 0 };

			twos += utf8_len((struct bytes){ text, 2 }) == 2;
			for (unsigned c = 0; c < 256; c++) {
				text[2] = (uint8_t)c;
				threes += utf8_len(BYTES_OF(text)) == 3;
			}
		}
	assert_int_equal(twos, 0x800 - 0x80);
	assert_int_equal(threes, 0x10000 - 0x800 - 0x800);
}

static void
test_valid(void **state)
{
	static const struct {
		const char *text;
		bool valid;
	} rows[] = {
		{ "", true }, { "abc", true }, { "\xc3\xa9t\xc3\xa9", true },
		{ "\xf4\x8f\xbf\xbf", true }, { "\xf4\x90\x80\x80", false },
		{ "abc\xc3", false }, { "\xc3(", false }, { "\xe2\x82(", false },
		{ "\xf0\x9f\x98(", false }, { "\xc1\xbf", false }, { "\xe0\x9f\xbf", false },
		{ "\xf0\x8f\xbf\xbf", false }, { "\xf5\x80\x80\x80", false },
		{ "\xc3\xa9\xa9", false }, { "\x7f", true }, { "\x80", false },
	};

	for (size_t i = 0; i < NELEM(rows); i++)
		if (utf8_valid(bytes_str(rows[i].text)) != rows[i].valid)
			fail_msg("row %zu", i);
	assert_true(utf8_valid((struct bytes){ NULL, 0 }));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_code_point),
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_valid),
	};

	return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
