#include "core/utf8.h"

/* Well-formed sequences by first byte and the bounds of the second (Unicode, table 3-7). */
static const struct {
	uint8_t first_min, first_max, second_min, second_max;
	uint8_t len;
} forms[] = {
	{ 0xc2, 0xdf, 0x80, 0xbf, 2 },
	{ 0xe0, 0xe0, 0xa0, 0xbf, 3 },
	{ 0xe1, 0xec, 0x80, 0xbf, 3 },
	{ 0xed, 0xed, 0x80, 0x9f, 3 },
	{ 0xee, 0xef, 0x80, 0xbf, 3 },
	{ 0xf0, 0xf0, 0x90, 0xbf, 4 },
	{ 0xf1, 0xf3, 0x80, 0xbf, 4 },
	{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

size_t
utf8_len(struct bytes text)
{
	const uint8_t *p = text.ptr;

	if (text.len == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	for (size_t i = 0; i < NELEM(forms); i++) {
		if (p[0] < forms[i].first_min || p[0] > forms[i].first_max)
			continue;
		if (text.len < forms[i].len ||
		    p[1] < forms[i].second_min || p[1] > forms[i].second_max)
			return 0;
		for (size_t k = 2; k < forms[i].len; k++)
			if ((p[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].len;
	}
	return 0;
}

bool
utf8_valid(struct bytes text)
{
	while (text.len != 0) {
		size_t len = utf8_len(text);

		if (len == 0)
			return false;
		text.ptr += len;
		text.len -= len;
	}
	return true;
}
