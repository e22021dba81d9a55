#include "core/base64.h"

#include <openssl/base64.h>

/* The digits whose unused bits are zero, before "==" and before "=". */
static bool
padding_check(struct bytes text)
{
	const uint8_t *end = text.ptr + text.len;

	if (text.len < 4 || end[-1] != '=')
		return true;
	if (end[-2] == '=')
		return memchr("AQgw", end[-3], 4) != NULL;
	return memchr("AEIMQUYcgkosw048", end[-2], 16) != NULL;
}

bool
base64_decode(struct bytes *out, struct arena *arena, struct bytes text, size_t max_len,
    struct reason *why)
{
	uint8_t *data;
	size_t room, len;

	if (text.len % 4 != 0)
		return reject(why, REASON_MALFORMED, "is not base64");
	room = text.len / 4 * 3;
	if (room > 2 && room - 2 > max_len)
		return reject(why, REASON_LIMIT, "is longer than %zu bytes", max_len);
	data = arena_alloc(arena, room, why);
	if (data == NULL)
		return false;
	/* It wants whole groups and takes padding at the end alone. */
	if (!EVP_DecodeBase64(data, &len, room, text.ptr, text.len) || !padding_check(text))
		return reject(why, REASON_MALFORMED, "is not base64");
	if (len > max_len)
		return reject(why, REASON_LIMIT, "is longer than %zu bytes", max_len);
	*out = (struct bytes){ data, len };
	return true;
}
