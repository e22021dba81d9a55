#include <time.h>

#include "core/timestamp.h"
#include "testing.h"

struct row {
	const char *text;
	int64_t at;
	const char *why;        /* NULL: must be accepted */
};

#define FORM            "time is not of the form YYYY-MM-DDTHH:MM:SSZ"
#define X509_FORM       "X.509 time is not of the form [YY]YYMMDDHHMMSSZ"

static void
row_check(const struct row *row, bool ok, int64_t at, const struct reason *why)
{
	if (ok != (row->why == NULL) || (!ok && strcmp(why->text, row->why) != 0))
		fail_msg("%s: got %d \"%s\"", row->text, ok, why->text);
	if (ok && at != row->at)
		fail_msg("%s: got %lld", row->text, (long long)at);
	if (!ok && why->kind != REASON_MALFORMED)
		fail_msg("%s: %s", row->text, reason_kind_name(why->kind));
}

static const struct row rows[] = {
	{ "1970-01-01T00:00:00Z", 0, NULL },
	{ "1970-12-31T23:59:59Z", 31535999, NULL },
	{ "2000-02-29T12:00:00Z", 951825600, NULL },
	{ "2024-02-29T00:00:00Z", 1709164800, NULL },
	{ "2026-08-01T00:00:00Z", 1785542400, NULL },
	{ "2038-01-19T03:14:08Z", INT64_C(2147483648), NULL },
	{ "2100-02-28T00:00:00Z", INT64_C(4107456000), NULL },
	{ "9999-12-31T23:59:59Z", TIMESTAMP_MAX, NULL },
	{ "1969-12-31T23:59:59Z", 0, "year 1969 is before 1970" },
	{ "0000-01-01T00:00:00Z", 0, "year 0 is before 1970" },
	{ "2023-02-29T00:00:00Z", 0, "no such day: 2023-02-29" },
	{ "2100-02-29T00:00:00Z", 0, "no such day: 2100-02-29" },
	{ "2024-04-31T00:00:00Z", 0, "no such day: 2024-04-31" },
	{ "2024-01-32T00:00:00Z", 0, "no such day: 2024-01-32" },
	{ "2024-01-00T00:00:00Z", 0, "no such day: 2024-01-00" },
	{ "2024-00-01T00:00:00Z", 0, "no such day: 2024-00-01" },
	{ "2024-13-01T00:00:00Z", 0, "no such day: 2024-13-01" },
	{ "2024-01-01T24:00:00Z", 0, "no such time of day: 24:00:00" },
	{ "2024-01-01T00:60:00Z", 0, "no such time of day: 00:60:00" },
	{ "2016-12-31T23:59:60Z", 0, "no such time of day: 23:59:60" },
	{ "", 0, FORM },
	{ "2024-01-01", 0, FORM },
	{ "2024-01-01T00:00:00", 0, FORM },
	{ "2024-01-01T00:00:00z", 0, FORM },
	{ "2024-01-01t00:00:00Z", 0, FORM },
	{ "2024-01-01 00:00:00Z", 0, FORM },
	{ "2024-01-01T00:00:00ZZ", 0, FORM },
	{ " 2024-01-01T00:00:00Z", 0, FORM },
	{ "2024-01-01T00:00:00+00:00", 0, FORM },
	{ "2024-01-01T00:00:00.0Z", 0, FORM },
	{ "2024-1-01T00:00:00Z", 0, FORM },
	{ "20240101T000000Z", 0, FORM },
	{ "+024-01-01T00:00:00Z", 0, FORM },
	{ "2024-01-01T00-00:00Z", 0, FORM },
	{ "2024-01-01T00:00-00Z", 0, FORM },
	{ "2024/01-01T00:00:00Z", 0, FORM },
	{ "2024-01/01T00:00:00Z", 0, FORM },
};

static void
test_read(void **state)
{
	for (size_t i = 0; i < NELEM(rows); i++) {
		struct reason why = { REASON_NONE, "" };
		char text[TIMESTAMP_SIZE];
		int64_t at = 0;
		bool ok = timestamp_read(&at, bytes_str(rows[i].text), &why);

		row_check(&rows[i], ok, at, &why);
		if (!ok)
			continue;
		timestamp_text(text, at);
		assert_string_equal(text, rows[i].text);
	}
}

/* Every 100 000 seconds and a bit up to the year 9999, against the C library. */
static void
test_calendar(void **state)
{
	for (int64_t at = 0; at <= TIMESTAMP_MAX; at += 100003) {
		const time_t t = (time_t)at;
		char text[TIMESTAMP_SIZE], wanted[40];
		struct reason why;
		int64_t back;
		struct tm tm;

		assert_non_null(gmtime_r(&t, &tm));
		strftime(wanted, sizeof wanted, "%Y-%m-%dT%H:%M:%SZ", &tm);
		timestamp_text(text, at);
		if (strcmp(text, wanted) != 0)
			fail_msg("%lld: %s, not %s", (long long)at, text, wanted);
		assert_true(timestamp_read(&back, bytes_str(text), &why));
		assert_true(back == at);
	}
}

static void
test_x509(void **state)
{
	static const struct {
		uint8_t tag;
		struct row row;
	} times[] = {
		{ 0x17, { "700101000000Z", 0, NULL } },
		{ 0x17, { "500101000000Z", -631152000, NULL } },
		{ 0x17, { "491231235959Z", INT64_C(2524607999), NULL } },
		{ 0x17, { "260801000000Z", 1785542400, NULL } },
		{ 0x17, { "000229000000Z", 951782400, NULL } },
		{ 0x18, { "19700101000000Z", 0, NULL } },
		{ 0x18, { "20260801000000Z", 1785542400, NULL } },
		{ 0x18, { "20500101000000Z", INT64_C(2524608000), NULL } },
		{ 0x18, { "99991231235959Z", TIMESTAMP_MAX, NULL } },
		{ 0x18, { "19500101000000Z", -631152000, NULL } },
		{ 0x18, { "19491231235959Z", 0, "year 1949 is before 1950" } },
		{ 0x18, { "00500520011627Z", 0, "year 50 is before 1950" } },
		{ 0x17, { "20260801000000Z", 0, X509_FORM } },
		{ 0x18, { "260801000000Z", 0, X509_FORM } },
		{ 0x17, { "2608010000Z", 0, X509_FORM } },
		{ 0x17, { "260801000000", 0, X509_FORM } },
		{ 0x17, { "260801000000+0000", 0, X509_FORM } },
		{ 0x18, { "20260801000000.5Z", 0, X509_FORM } },
		{ 0x18, { "20260801000000ZZ", 0, X509_FORM } },
		{ 0x18, { "", 0, X509_FORM } },
		{ 0x17, { "250229000000Z", 0, "no such day: 2025-02-29" } },
		{ 0x17, { "260801240000Z", 0, "no such time of day: 24:00:00" } },
		{ 0x04, { "260801000000Z", 0, "not an X.509 time" } },
		{ 0x37, { "260801000000Z", 0, "not an X.509 time" } },
	};

	for (size_t i = 0; i < NELEM(times); i++) {
		struct reason why = { REASON_NONE, "" };
		size_t len = strlen(times[i].row.text);
		uint8_t der[40];
		int64_t at = 0;
		bool ok;
		CBS in;

		der[0] = times[i].tag;
		der[1] = (uint8_t)len;
		memcpy(der + 2, times[i].row.text, len);
		der[2 + len] = 0x5a;
		CBS_init(&in, der, len + 3);
		ok = timestamp_x509_read(&at, &in, &why);
		row_check(&times[i].row, ok, at, &why);
		if (ok)
			assert_int_equal(CBS_len(&in), 1);
		CBS_init(&in, der, len + 1);
		assert_false(timestamp_x509_read(&at, &in, &why));
	}
}

static void
test_argument(void **state)
{
	static const struct row arguments[] = {
		{ "0", 0, NULL },
		{ "1780536131", 1780536131, NULL },
		{ "253402300799", TIMESTAMP_MAX, NULL },
		{ "2026-08-01T00:00:00Z", 1785542400, NULL },
		{ "253402300800", 0, "time is after the year 9999" },
		{ "99999999999999999999999999", 0, "time is after the year 9999" },
		{ "-1", 0, FORM },
		{ "", 0, FORM },
		{ "12x", 0, FORM },
		{ " 12", 0, FORM },
		{ "1e9", 0, FORM },
		{ "2026-08-01", 0, FORM },
	};

	for (size_t i = 0; i < NELEM(arguments); i++) {
		struct reason why = { REASON_NONE, "" };
		int64_t at = 0;
		bool ok = timestamp_argument(&at, arguments[i].text, &why);

		row_check(&arguments[i], ok, at, &why);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_calendar),
		cmocka_unit_test(test_x509),
		cmocka_unit_test(test_argument),
	};

	return cmocka_run_group_tests_name("timestamp", tests, NULL, NULL);
}
