#include "fetch/content_range.h"

#include <strings.h>

#define UNIT    "bytes "

static bool
number_read(uint64_t *out, CBS *in)
{
	size_t ndigits = 0;
	uint64_t n = 0;

	while (CBS_len(in) != 0 && CBS_data(in)[0] >= '0' && CBS_data(in)[0] <= '9') {
		uint64_t digit = CBS_data(in)[0] - (uint64_t)'0';

		if (n > (INT64_MAX - digit) / 10 || !CBS_skip(in, 1))
			return false;
		n = n * 10 + digit;
		ndigits++;
	}
	*out = n;
	return ndigits != 0;
}

static bool
is_next(CBS *in, uint8_t wanted)
{
	uint8_t byte;

	return CBS_get_u8(in, &byte) && byte == wanted;
}

static bool
total_read(uint64_t *out, CBS *in)
{
	if (CBS_len(in) == 1 && CBS_data(in)[0] == '*') {
		*out = 0;
		return CBS_skip(in, 1);
	}
	return number_read(out, in) && *out != 0;
}

bool
content_range_read(struct content_range *out, struct bytes value, struct reason *why)
{
	CBS in = cbs_bytes(value);

	if (value.len < strlen(UNIT) ||
	    strncasecmp((const char *)value.ptr, UNIT, strlen(UNIT)) != 0 ||
	    !CBS_skip(&in, strlen(UNIT)) ||
	    !number_read(&out->first, &in) || !is_next(&in, '-') ||
	    !number_read(&out->last, &in) || !is_next(&in, '/') ||
	    !total_read(&out->total_len, &in) || CBS_len(&in) != 0)
		return reject(why, REASON_MALFORMED, "Content-Range is not of a part: \"%.*s\"",
		    (int)(value.len > 100 ? 100 : value.len), (const char *)value.ptr);
	if (out->first > out->last || (out->total_len != 0 && out->last >= out->total_len))
		return reject(why, REASON_MALFORMED, "Content-Range contradicts itself");
	return true;
}
