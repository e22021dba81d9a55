#include "core/hex.h"

#include <endian.h>

#define EACH(byte)      (UINT64_C(0x0101010101010101) * (byte))

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

/* Eight nibbles, each in a byte, the first lowest: pairs into bytes, then the four together. */
static inline void
word_pack(uint8_t *out, uint64_t nibbles)
{
	uint32_t four;

	nibbles = (nibbles << 4 | nibbles >> 8) & UINT64_C(0x00ff00ff00ff00ff);
	nibbles = (nibbles | nibbles >> 8) & UINT64_C(0x0000ffff0000ffff);
	four = htole32((uint32_t)(nibbles | nibbles >> 16));
	memcpy(out, &four, sizeof four);
}

/*
 * Eight digits at once; zero when each is one.  Every byte of a word is worked on alone: below
 * 0x80 none of the sums carries into its neighbour, and the others are refused.
 */
static uint64_t
word_decode(uint8_t *out, const uint8_t *digits)
{
	uint64_t w, lower, decimal, letter, nibbles;

	memcpy(&w, digits, sizeof w);
	w = le64toh(w);
	lower = w | EACH(0x20);
	/* The top bit of a byte: '0' <= byte and not '9' < byte; 'a' <= byte and not 'f' < byte. */
	decimal = (w + EACH(0x80 - '0')) & ~(w + EACH(0x7f - '9'));
	letter = (lower + EACH(0x80 - 'a')) & ~(lower + EACH(0x7f - 'f'));
	nibbles = (w & EACH(0x0f)) + ((w >> 6) & EACH(0x01)) * 9;
	word_pack(out, nibbles);
	return (w | ~(decimal | letter)) & EACH(0x80);
}

#define RUN_DIGITS      32      /* a multiple of all vector lengths; longer is not faster */

/* All ones or none, as a comparison of vectors gives. */
#define WHEN(condition) ((uint8_t)-(condition))

/*
 * A run of digits in loops of fixed length, which compilers make vectors of; zero when each is
 * a digit.
 */
static uint8_t
run_decode(uint8_t *out, const uint8_t *digits)
{
	uint8_t nibbles[RUN_DIGITS], bad = 0;

	for (size_t i = 0; i < RUN_DIGITS; i++) {
		uint8_t decimal = (uint8_t)(digits[i] - '0');
		uint8_t letter = (uint8_t)((digits[i] | 0x20) - 'a');
		uint8_t is_decimal = WHEN(decimal < 10), is_letter = WHEN(letter < 6);

		bad |= (uint8_t)~(is_decimal | is_letter);
		nibbles[i] = (uint8_t)((decimal & is_decimal) | ((letter + 10) & is_letter));
	}
	for (size_t i = 0; i < RUN_DIGITS / 8; i++) {
		uint64_t w;

		memcpy(&w, nibbles + 8 * i, sizeof w);
		word_pack(out + 4 * i, le64toh(w));
	}
	return bad;
}

bool
hex_decode(uint8_t *out, struct bytes text, struct reason *why)
{
	unsigned high, low, bad = 0;
	uint64_t words_bad = 0;
	size_t i = 0;

	if (text.len % 2 != 0)
		return reject(why, REASON_MALFORMED, "has an odd number of hex digits");
	/* One judgement at the end: no branch on a digit inside the loops. */
	for (; text.len - 2 * i >= RUN_DIGITS; i += RUN_DIGITS / 2)
		words_bad |= run_decode(out + i, text.ptr + 2 * i);
	for (; text.len - 2 * i >= 8; i += 4)
		words_bad |= word_decode(out + i, text.ptr + 2 * i);
	for (; 2 * i < text.len; i++) {
		high = digit_values[text.ptr[2 * i]] - 1u;
		low = digit_values[text.ptr[2 * i + 1]] - 1u;
		bad |= high | low;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return ((bad & BAD) == 0 && words_bad == 0) || hex_reject(text, why);
}

bool
hex_decode_arena(struct bytes *out, struct arena *arena, struct bytes text, size_t max_len,
    struct reason *why)
{
	uint8_t *data;

	if (text.len / 2 > max_len)
		return reject(why, REASON_LIMIT, "is longer than %zu bytes", max_len);
	data = arena_room(arena, text.len / 2, why);
	if (data == NULL || !hex_decode(data, text, why))
		return false;
	*out = (struct bytes){ data, text.len / 2 };
	return true;
}

/* The digits of four bytes; `letter` is how far the letters lie behind '9' + 1. */
static void
word_encode(char *out, const uint8_t *bytes, uint8_t letter)
{
	uint32_t four;
	uint64_t w;

	memcpy(&four, bytes, sizeof four);
	w = le32toh(four);
	w = (w | w << 16) & UINT64_C(0x0000ffff0000ffff);
	w = (w | w << 8) & UINT64_C(0x00ff00ff00ff00ff);
	w = (w >> 4 | w << 8) & EACH(0x0f);
	w += EACH('0') + (((w + EACH(6)) >> 4) & EACH(0x01)) * letter;
	w = htole64(w);
	memcpy(out, &w, sizeof w);
}

static void
encode(char *out, struct bytes from, const char *digits)
{
	const uint8_t letter = (uint8_t)(digits[10] - '9' - 1);
	size_t i = 0;

	for (; from.len - i >= 4; i += 4)
		word_encode(out + 2 * i, from.ptr + i, letter);
	for (; i < from.len; i++) {
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
