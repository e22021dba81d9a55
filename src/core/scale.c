#include "core/scale.h"

#include "core/utf8.h"

/* The five-byte form; its first byte has no room for anything but the form. */
static bool
wide_read(uint32_t *out, CBS *in)
{
	uint8_t first;

	return CBS_get_u8(in, &first) && first == 3 && CBS_get_u32le(in, out);
}

bool
scale_compact_read(uint32_t *out, CBS *in, struct reason *why)
{
	/* Least value that needs the form, by the two low bits of the first byte. */
	static const uint32_t least[4] = { 0, 1u << 6, 1u << 14, 1u << 30 };
	uint32_t value = 0;
	uint16_t half = 0;
	uint8_t byte = 0;
	unsigned form;
	bool ok;

	if (CBS_len(in) == 0)
		return reject(why, REASON_MALFORMED, "compact integer is cut short");
	form = CBS_data(in)[0] & 3;
	switch (form) {
	case 0:
		ok = CBS_get_u8(in, &byte);
		value = byte >> 2;
		break;
	case 1:
		ok = CBS_get_u16le(in, &half);
		value = half >> 2;
		break;
	case 2:
		ok = CBS_get_u32le(in, &value);
		value >>= 2;
		break;
	default:
		if (CBS_data(in)[0] != 3)
			return reject(why, REASON_MALFORMED,
			    "compact integer is wider than 32 bits");
		ok = wide_read(&value, in);
		break;
	}
	if (!ok)
		return reject(why, REASON_MALFORMED, "compact integer is cut short");
	if (value < least[form])
		return reject(why, REASON_MALFORMED,
		    "compact integer %u is not in its shortest form", value);
	*out = value;
	return true;
}

bool
scale_bytes_read(struct bytes *out, CBS *in, size_t max_len, struct reason *why)
{
	uint32_t len;
	CBS span;

	if (!scale_compact_read(&len, in, why))
		return false;
	if (len > CBS_len(in))
		return reject(why, REASON_MALFORMED, "has %u bytes, but %zu are left", len,
		    CBS_len(in));
	if (len > max_len)
		return reject(why, REASON_LIMIT, "is longer than %zu bytes", max_len);
	if (!CBS_get_bytes(in, &span, len))
		return reject(why, REASON_INTERNAL, "cursor is broken");
	*out = bytes_cbs(&span);
	return true;
}

bool
scale_text_read(struct bytes *out, CBS *in, size_t max_len, struct reason *why)
{
	struct bytes text;

	if (!scale_bytes_read(&text, in, max_len, why))
		return false;
	if (!utf8_valid(text))
		return reject(why, REASON_MALFORMED, "is not UTF-8");
	*out = text;
	return true;
}

bool
scale_count_read(uint32_t *out, CBS *in, size_t item_len, uint32_t max, struct reason *why)
{
	uint32_t count;

	if (!scale_compact_read(&count, in, why))
		return false;
	if (count > CBS_len(in) / item_len)
		return reject(why, REASON_MALFORMED, "has %u items, but %zu bytes are left", count,
		    CBS_len(in));
	if (count > max)
		return reject(why, REASON_LIMIT, "has more than %u items", max);
	*out = count;
	return true;
}
