#include "core/timestamp.h"

#include <assert.h>
#include <stdio.h>

#define DAY_S           86400
#define YEAR_MIN        1970
#define X509_YEAR_MIN   1950    /* the earliest there is in a UTCTime */
#define TIMESTAMP_LEN   (TIMESTAMP_SIZE - 1)

struct civil {
	unsigned year, month, day;
	unsigned hour, minute, second;
};

static bool
leap_year(unsigned year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned
month_days(unsigned year, unsigned month)
{
	static const uint8_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return month == 2 && leap_year(year) ? 29 : days[month - 1];
}

static bool
civil_check(const struct civil *c, struct reason *why)
{
	if (c->month < 1 || c->month > 12 || c->day < 1 || c->day > month_days(c->year, c->month))
		return reject(why, REASON_MALFORMED, "no such day: %04u-%02u-%02u", c->year,
		    c->month, c->day);
	if (c->hour > 23 || c->minute > 59 || c->second > 59)
		return reject(why, REASON_MALFORMED, "no such time of day: %02u:%02u:%02u", c->hour,
		    c->minute, c->second);
	return true;
}

/*
 * Days from 1970-01-01 to the first of March of `year`'s cycle and back are easiest when the
 * leap day ends the year, so years are counted from March and eras are 400 years.
 */
static int64_t
civil_days(unsigned year, unsigned month, unsigned day)
{
	const int64_t y = (int64_t)year - (month <= 2);
	const int64_t era = y / 400;
	const int64_t year_of_era = y % 400;
	const int64_t day_of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 +
	    (int64_t)day - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	    day_of_year - 719468;
}

static int64_t
civil_seconds(const struct civil *c)
{
	return civil_days(c->year, c->month, c->day) * DAY_S +
	    (int64_t)c->hour * 3600 + (int64_t)c->minute * 60 + (int64_t)c->second;
}

/* n decimal digits off the front. */
static bool
digits_read(unsigned *out, CBS *in, size_t n)
{
	uint8_t c;

	*out = 0;
	while (n-- > 0) {
		if (!CBS_get_u8(in, &c) || c < '0' || c > '9')
			return false;
		*out = *out * 10 + (c - '0');
	}
	return true;
}

static bool
char_take(CBS *in, char wanted)
{
	uint8_t c;

	return CBS_get_u8(in, &c) && c == (uint8_t)wanted;
}

bool
timestamp_read(int64_t *out, struct bytes text, struct reason *why)
{
	CBS in = cbs_bytes(text);
	struct civil c;

	if (!digits_read(&c.year, &in, 4) || !char_take(&in, '-') ||
	    !digits_read(&c.month, &in, 2) || !char_take(&in, '-') ||
	    !digits_read(&c.day, &in, 2) || !char_take(&in, 'T') ||
	    !digits_read(&c.hour, &in, 2) || !char_take(&in, ':') ||
	    !digits_read(&c.minute, &in, 2) || !char_take(&in, ':') ||
	    !digits_read(&c.second, &in, 2) || !char_take(&in, 'Z') || CBS_len(&in) != 0)
		return reject(why, REASON_MALFORMED,
		    "time is not of the form YYYY-MM-DDTHH:MM:SSZ");
	if (c.year < YEAR_MIN)
		return reject(why, REASON_MALFORMED, "year %u is before %d", c.year, YEAR_MIN);
	if (!civil_check(&c, why))
		return false;
	*out = civil_seconds(&c);
	return true;
}

/* Inverse of civil_days(). */
static void
civil_date(struct civil *c, int64_t days)
{
	const int64_t z = days + 719468;
	const int64_t era = z / 146097;
	const int64_t day_of_era = z % 146097;
	const int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 -
	    day_of_era / 146096) / 365;
	const int64_t day_of_year = day_of_era -
	    (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	const int64_t month = (5 * day_of_year + 2) / 153;

	c->day = (unsigned)(day_of_year - (153 * month + 2) / 5 + 1);
	c->month = (unsigned)(month < 10 ? month + 3 : month - 9);
	c->year = (unsigned)(year_of_era + era * 400 + (month >= 10));
}

void
timestamp_text(char out[TIMESTAMP_SIZE], int64_t at)
{
	/* Room for the widest numbers printf could make, so that it need not be checked. */
	char text[80];
	struct civil c;

	assert(at >= 0 && at <= TIMESTAMP_MAX);
	civil_date(&c, at / DAY_S);
	c.hour = (unsigned)(at % DAY_S / 3600);
	c.minute = (unsigned)(at % 3600 / 60);
	c.second = (unsigned)(at % 60);
	(void)snprintf(text, sizeof text, "%04u-%02u-%02uT%02u:%02u:%02uZ", c.year, c.month,
	    c.day, c.hour, c.minute, c.second);
	memcpy(out, text, TIMESTAMP_LEN);
	out[TIMESTAMP_LEN] = '\0';
}

bool
timestamp_x509_read(int64_t *out, CBS *in, struct reason *why)
{
	struct civil c;
	unsigned tag;
	CBS text;

	if (!CBS_get_any_asn1(in, &text, &tag) ||
	    (tag != CBS_ASN1_UTCTIME && tag != CBS_ASN1_GENERALIZEDTIME))
		return reject(why, REASON_MALFORMED, "not an X.509 time");
	if (!digits_read(&c.year, &text, tag == CBS_ASN1_UTCTIME ? 2 : 4) ||
	    !digits_read(&c.month, &text, 2) || !digits_read(&c.day, &text, 2) ||
	    !digits_read(&c.hour, &text, 2) || !digits_read(&c.minute, &text, 2) ||
	    !digits_read(&c.second, &text, 2) || !char_take(&text, 'Z') || CBS_len(&text) != 0)
		return reject(why, REASON_MALFORMED,
		    "X.509 time is not of the form [YY]YYMMDDHHMMSSZ");
	if (tag == CBS_ASN1_UTCTIME)
		c.year += c.year >= 50 ? 1900 : 2000;
	if (c.year < X509_YEAR_MIN)
		return reject(why, REASON_MALFORMED, "year %u is before %d", c.year, X509_YEAR_MIN);
	if (!civil_check(&c, why))
		return false;
	*out = civil_seconds(&c);
	return true;
}

bool
timestamp_argument(int64_t *out, const char *text, struct reason *why)
{
	const struct bytes chars = bytes_str(text);
	int64_t seconds = 0;

	for (size_t i = 0; i < chars.len; i++) {
		if (chars.ptr[i] < '0' || chars.ptr[i] > '9')
			return timestamp_read(out, chars, why);
		seconds = seconds * 10 + (chars.ptr[i] - '0');
		if (seconds > TIMESTAMP_MAX)
			return reject(why, REASON_MALFORMED, "time is after the year 9999");
	}
	if (chars.len == 0)
		return timestamp_read(out, chars, why);
	*out = seconds;
	return true;
}
