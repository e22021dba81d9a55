#include "core/json_unescape.h"

#include <endian.h>

#include <json-c/json_object.h>
#include <json-c/json_tokener.h>

AUTO_DEFINE(struct json_tokener, json_tokener_free)

static void
object_free(struct json_object *object)
{
	(void)json_object_put(object);
}
AUTO_DEFINE(struct json_object, object_free)

#define WORD_LEN        8
#define EACH(byte)      (UINT64_C(0x0101010101010101) * (byte))

/* Copies up to a word of characters that precede a backslash, at least one; tells how many. */
static size_t
plain_copy(uint8_t *to, const uint8_t *from, size_t len)
{
	uint64_t w, backslash, stop;

	if (len < WORD_LEN) {
		*to = *from;
		return 1;
	}
	memcpy(&w, from, WORD_LEN);
	memcpy(to, &w, WORD_LEN);
	backslash = le64toh(w) ^ EACH('\\');
	/* Exact for the first: see scan_plain() in json_read.c. */
	stop = (backslash - EACH(1)) & ~backslash & EACH(0x80);
	return stop == 0 ? WORD_LEN : (size_t)__builtin_ctzll(stop) / 8;
}

static uint8_t
short_escape(uint8_t c)
{
	switch (c) {
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:        /* '"', '\\' and '/' stand for themselves */
		return c;
	}
}

/*
 * The escapes of real documents inside documents.  Eight characters are copied at a time
 * and those from the first backslash on are written again, so there is room for eight more.
 */
static bool
unescape_short(struct bytes *out, struct arena *arena, struct bytes from, struct reason *why)
{
	const uint8_t *p = from.ptr, *end = from.ptr + from.len;
	uint8_t *start = arena_room(arena, from.len + WORD_LEN, why);
	uint8_t *to = start;
	size_t n;

	if (start == NULL)
		return false;
	while (p != end) {
		if (*p == '\\') {
			*to++ = short_escape(p[1]);
			p += 2;
			continue;
		}
		n = plain_copy(to, p, (size_t)(end - p));
		to += n;
		p += n;
	}
	*out = (struct bytes){ start, (size_t)(to - start) };
	return true;
}

/* json-c knows how UTF-16 escapes become UTF-8; the scanner has refused what it lets through. */
static bool
unescape_unicode(struct bytes *out, struct arena *arena, struct bytes from, struct reason *why)
{
	AUTO(json_tokener_free) struct json_tokener *tokener = NULL;
	AUTO(object_free) struct json_object *object = NULL;
	struct bytes decoded;

	if (from.len > INT32_MAX - 2)
		return reject(why, REASON_LIMIT, "JSON string is too long");
	tokener = json_tokener_new_ex(1);
	if (tokener == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	/* The scanner's strings have their quotes around them. */
	object = json_tokener_parse_ex(tokener, (const char *)from.ptr - 1, (int)from.len + 2);
	if (object == NULL || !json_object_is_type(object, json_type_string))
		return reject(why, REASON_INTERNAL, "out of memory");
	decoded = (struct bytes){ (const uint8_t *)json_object_get_string(object),
	    (size_t)json_object_get_string_len(object) };
	return arena_copy(arena, out, decoded, why);
}

bool
json_unescape(struct bytes *out, struct arena *arena, struct bytes from,
    enum json_escapes escapes, struct reason *why)
{
	switch (escapes) {
	case JSON_ESCAPES_NONE:
		*out = from;
		return true;
	case JSON_ESCAPES_SHORT:
		return unescape_short(out, arena, from, why);
	case JSON_ESCAPES_UNICODE:
		return unescape_unicode(out, arena, from, why);
	}
	return reject(why, REASON_INTERNAL, "unknown kind of string");
}
