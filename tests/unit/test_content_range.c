/*
 * test_content_range.c - the part that an answer says it is
 */
#include "testing.h"

#include "fetch/content_range.h"

#define NOT(value)      "Content-Range is not of a part: \"" value "\""

static const struct {
	const char *value;
	uint64_t first, last, total_len;
	const char *why;
} cases[] = {
	{ "bytes 0-0/1", 0, 0, 1, NULL },
	{ "bytes 5-9/10", 5, 9, 10, NULL },
	{ "bytes 5-7/10", 5, 7, 10, NULL },
	{ "BYTES 5-9/*", 5, 9, 0, NULL },
	{ "bytes 0-9223372036854775806/9223372036854775807", 0, INT64_MAX - 1, INT64_MAX, NULL },
	{ "bytes 9223372036854775807-9223372036854775807/*", INT64_MAX, INT64_MAX, 0, NULL },
	{ "bytes 0-0/9223372036854775808", 0, 0, 0, NOT("bytes 0-0/9223372036854775808") },
	{ "bytes 99999999999999999999-1/2", 0, 0, 0, NOT("bytes 99999999999999999999-1/2") },
	{ "", 0, 0, 0, NOT("") },
	{ "bytes", 0, 0, 0, NOT("bytes") },
	{ "bytes ", 0, 0, 0, NOT("bytes ") },
	{ "bytes */10", 0, 0, 0, NOT("bytes */10") },
	{ "items 5-9/10", 0, 0, 0, NOT("items 5-9/10") },
	{ "bytes=5-9/10", 0, 0, 0, NOT("bytes=5-9/10") },
	{ "bytes  5-9/10", 0, 0, 0, NOT("bytes  5-9/10") },
	{ "bytes -9/10", 0, 0, 0, NOT("bytes -9/10") },
	{ "bytes 5-/10", 0, 0, 0, NOT("bytes 5-/10") },
	{ "bytes 5-9", 0, 0, 0, NOT("bytes 5-9") },
	{ "bytes 5-9/", 0, 0, 0, NOT("bytes 5-9/") },
	{ "bytes 5-9/0", 0, 0, 0, NOT("bytes 5-9/0") },
	{ "bytes 5-9/10 ", 0, 0, 0, NOT("bytes 5-9/10 ") },
	{ "bytes 5-9/**", 0, 0, 0, NOT("bytes 5-9/**") },
	{ "bytes 5-9/10,12-13/14", 0, 0, 0, NOT("bytes 5-9/10,12-13/14") },
	{ "bytes +5-9/10", 0, 0, 0, NOT("bytes +5-9/10") },
	{ "bytes 6-5/10", 0, 0, 0, "Content-Range contradicts itself" },
	{ "bytes 5-10/10", 0, 0, 0, "Content-Range contradicts itself" },
};

static void
test_read(void **state)
{
	for (size_t i = 0; i < NELEM(cases); i++) {
		struct content_range range = { 0 };
		struct reason why = { .text = "" };
		bool ok = content_range_read(&range, bytes_str(cases[i].value), &why);

		expect_reason(cases[i].value, ok, &why, cases[i].why);
		if (ok && (range.first != cases[i].first || range.last != cases[i].last ||
		    range.total_len != cases[i].total_len))
			fail_msg("%s: got %llu-%llu/%llu", cases[i].value,
			    (unsigned long long)range.first, (unsigned long long)range.last,
			    (unsigned long long)range.total_len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
