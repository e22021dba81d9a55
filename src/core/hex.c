#include "core/hex.h"

/* Zero less one, which no digit is. */
#define BAD     0x100

/* A digit's value plus one, so that zero, all the rest, means no digit. */
static const uint8_t digit_values[256] = {
	['0'] = 1, ['1'] = 2, ['2'] = 3, ['3'] = 4, ['4'] = 5, ['5'] = 6, ['6'] = 7, ['7'] = 8,
	['8'] = 9, ['9'] = 10,
	['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
	['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

static bool
hex_reject(struct bytes text, struct reason *why)
{
	size_t i = 0;

	while (i < text.len && digit_values[text.ptr[i]] != 0)
		i++;
	return reject(why, REASON_MALFORMED, "is not hex at digit %zu", i);
}

bool
hex_decode(uint8_t *out, struct bytes text, struct reason *why)
{
	unsigned high, low, bad = 0;

	if (text.len % 2 != 0)
		return reject(why, REASON_MALFORMED, "has an odd number of hex digits");
	/* One judgement at the end: no branch on a digit inside the loop. */
	for (size_t i = 0; i < text.len / 2; i++) {
		high = digit_values[text.ptr[2 * i]] - 1u;
		low = digit_values[text.ptr[2 * i + 1]] - 1u;
		bad |= high | low;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return (bad & BAD) == 0 || hex_reject(text, why);
}

bool
hex_decode_arena(struct bytes *out, struct arena *arena, struct bytes text, size_t max_len,
    struct reason *why)
{
	uint8_t *data;

	if (text.len / 2 > max_len)
		return reject(why, REASON_LIMIT, "is longer than %zu bytes", max_len);
	data = arena_alloc(arena, text.len / 2, why);
	if (data == NULL || !hex_decode(data, text, why))
		return false;
	*out = (struct bytes){ data, text.len / 2 };
	return true;
}

static void
encode(char *out, struct bytes from, const char *digits)
{
	for (size_t i = 0; i < from.len; i++) {
		out[2 * i] = digits[from.ptr[i] >> 4];
		out[2 * i + 1] = digits[from.ptr[i] & 15];
	}
}

void
hex_encode(char *out, struct bytes from)
{
	encode(out, from, "0123456789abcdef");
}

void
hex_encode_upper(char *out, struct bytes from)
{
	encode(out, from, "0123456789ABCDEF");
}

void
hex_text(char *out, struct bytes from)
{
	hex_encode(out, from);
	out[2 * from.len] = '\0';
}

const char *
hex_text_arena(struct arena *arena, struct bytes from, struct reason *why)
{
	size_t size;
	char *out;

	if (!size_mul(&size, from.len, 2) || !size_add(&size, size, 1)) {
		(void)reject(why, REASON_LIMIT, "input is too long");
		return NULL;
	}
	out = arena_alloc(arena, size, why);
	if (out != NULL)
		hex_text(out, from);
	return out;
}
