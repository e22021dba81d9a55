#include "verify/os_version.h"

static bool
is_digit(uint8_t byte)
{
	return byte >= '0' && byte <= '9';
}

/* Takes digits, and a dot when a digit follows it; without leading zeroes, of any length. */
static struct bytes
number_take(CBS *in)
{
	struct bytes number = { CBS_data(in), 0 };

	while (number.len < CBS_len(in) && is_digit(number.ptr[number.len]))
		number.len++;
	(void)!CBS_skip(in, number.len);
	if (CBS_len(in) >= 2 && CBS_data(in)[0] == '.' && is_digit(CBS_data(in)[1]))
		(void)!CBS_skip(in, 1);
	while (number.len > 0 && number.ptr[0] == '0')
		number = (struct bytes){ number.ptr + 1, number.len - 1 };
	return number;
}

/* Below, at or above 0 as a number is less, equal or greater. */
static int
number_compare(struct bytes a, struct bytes b)
{
	if (a.len != b.len)
		return a.len < b.len ? -1 : 1;
	return a.len == 0 ? 0 : memcmp(a.ptr, b.ptr, a.len);
}

static bool
has_number(const CBS *in)
{
	return CBS_len(in) > 0 && is_digit(CBS_data(in)[0]);
}

bool
os_version_older(bool *older, struct bytes version, const char *minimum)
{
	CBS have = cbs_bytes(version), want = cbs_bytes(bytes_str(minimum));
	int order;

	if (!has_number(&have))
		return false;
	while (has_number(&have) || has_number(&want)) {
		order = number_compare(number_take(&have), number_take(&want));
		if (order != 0) {
			*older = order < 0;
			return true;
		}
	}
	*older = CBS_len(&have) != 0;
	return true;
}
