#include "core/json_node.h"

#include <inttypes.h>

#include "core/hex.h"

/* Enough for a fixed-length field written with escapes, six characters a digit. */
#define ESCAPED_HEX_LEN         ((size_t)1 << 20)

/* The tape */

enum json_type
json_type(const struct json *value)
{
	return (enum json_type)value->type;
}

const char *
json_type_name(enum json_type type)
{
	switch (type) {
	case JSON_NULL:
		return "null";
	case JSON_BOOL:
		return "a boolean";
	case JSON_NUMBER:
		return "a number";
	case JSON_STRING:
		return "a string";
	case JSON_ARRAY:
		return "an array";
	case JSON_OBJECT:
		return "an object";
	}
	return "unknown";
}

struct bytes
json_span(const struct json *value)
{
	return (struct bytes){ value->ptr, value->len };
}

const struct json *
json_first(const struct json *container)
{
	if (container->n == 0)
		return NULL;
	return container + (container->type == JSON_OBJECT ? 2 : 1);
}

const struct json *
json_next(const struct json *value)
{
	if (value->last)
		return NULL;
	return value + value->size + (value->member ? 1 : 0);
}

size_t
json_count(const struct json *container)
{
	return container->n;
}

struct bytes
json_key(const struct json *member)
{
	if (!member->member)
		return (struct bytes){ NULL, 0 };
	return (struct bytes){ member[-1].ptr, member[-1].len };
}

const struct json *
json_find(const struct json *object, const char *key)
{
	const struct bytes wanted = bytes_str(key);

	if (object->type != JSON_OBJECT)
		return NULL;
	for (const struct json *m = json_first(object); m != NULL; m = json_next(m))
		if (bytes_equal(json_key(m), wanted))
			return m;
	return NULL;
}

size_t
json_occurrences(const struct json *object, const char *key)
{
	const struct bytes wanted = bytes_str(key);
	size_t n = 0;

	if (object->type != JSON_OBJECT)
		return 0;
	for (const struct json *m = json_first(object); m != NULL; m = json_next(m))
		if (bytes_equal(json_key(m), wanted))
			n++;
	return n;
}

bool
json_has(const struct json *object, const char *key)
{
	const struct json *value = json_find(object, key);

	return value != NULL && value->type != JSON_NULL;
}

/* Values at hand */

bool
json_value_check(const struct json *value, enum json_type type, const char *name,
    struct reason *why)
{
	if (value == NULL)
		return reject(why, REASON_MALFORMED, "\"%s\" is missing", name);
	if (value->type != type)
		return reject(why, REASON_MALFORMED, "\"%s\" is %s, not %s", name,
		    json_type_name(json_type(value)), json_type_name(type));
	return true;
}

bool
json_value_bool(bool *out, const struct json *value, const char *name, struct reason *why)
{
	if (!json_value_check(value, JSON_BOOL, name, why))
		return false;
	*out = value->ptr[0] == 't';
	return true;
}

/* *fits tells whether the digits make a number of 64 bits. */
static bool
digits_u64(uint64_t *out, bool *fits, struct bytes digits)
{
	uint64_t value = 0;

	*fits = true;
	for (size_t i = 0; i < digits.len; i++) {
		if (digits.ptr[i] < '0' || digits.ptr[i] > '9')
			return false;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, digits.ptr[i] - '0', &value))
			*fits = false;
	}
	*out = value;
	return true;
}

bool
json_value_u64(uint64_t *out, const struct json *value, const char *name, uint64_t max,
    struct reason *why)
{
	uint64_t number;
	bool fits;

	if (!json_value_check(value, JSON_NUMBER, name, why))
		return false;
	if (!digits_u64(&number, &fits, json_span(value)))
		return reject(why, REASON_MALFORMED,
		    "\"%s\" is not a plain unsigned integer", name);
	if (!fits || number > max)
		return reject(why, REASON_LIMIT, "\"%s\" is more than %" PRIu64, name, max);
	*out = number;
	return true;
}

/* A string's characters, in the text or in the arena. */
static bool
value_chars(struct bytes *out, struct arena *arena, const struct json *value, const char *name,
    struct reason *why)
{
	struct bytes inner;

	if (!json_value_check(value, JSON_STRING, name, why))
		return false;
	inner = (struct bytes){ value->ptr + 1, value->len - 2 };
	return json_unescape(out, arena, inner, (enum json_escapes)value->escapes, why);
}

bool
json_value_str(struct bytes *out, struct arena *arena, const struct json *value,
    const char *name, size_t max_len, struct reason *why)
{
	struct bytes chars;

	if (!value_chars(&chars, arena, value, name, why))
		return false;
	if (chars.len > max_len)
		return reject(why, REASON_LIMIT, "\"%s\" is longer than %zu bytes", name, max_len);
	*out = chars;
	return true;
}

bool
json_value_text(const char **out, struct arena *arena, const struct json *value,
    const char *name, size_t max_len, struct reason *why)
{
	struct bytes chars, copy;

	if (!json_value_str(&chars, arena, value, name, max_len, why))
		return false;
	if (chars.len != 0 && memchr(chars.ptr, '\0', chars.len) != NULL)
		return reject(why, REASON_MALFORMED, "\"%s\" holds a NUL character", name);
	if (!arena_copy(arena, &copy, chars, why))
		return false;
	*out = (const char *)copy.ptr;
	return true;
}

/* Digits of len bytes; hex.h words its reasons to stand behind a name. */
static bool
chars_hex(uint8_t *out, struct bytes chars, const char *name, struct reason *why)
{
	if (!hex_decode(out, chars, why)) {
		const struct reason inner = *why;

		return reject(why, inner.kind, "\"%s\" %s", name, inner.text);
	}
	return true;
}

bool
json_value_hex(uint8_t *out, const struct json *value, const char *name, size_t len,
    struct reason *why)
{
	AUTO(arena_free) struct arena *scratch = NULL;
	struct bytes chars;

	/* Nobody writes digits as escapes, so what that costs does not matter. */
	if (value != NULL && value->escapes != JSON_ESCAPES_NONE) {
		scratch = arena_new(ESCAPED_HEX_LEN);
		if (scratch == NULL)
			return reject(why, REASON_INTERNAL, "out of memory");
	}
	if (!value_chars(&chars, scratch, value, name, why))
		return false;
	if (chars.len % 2 == 0 && chars.len / 2 != len)
		return reject(why, REASON_MALFORMED, "\"%s\" has %zu bytes, not %zu", name,
		    chars.len / 2, len);
	return chars_hex(out, chars, name, why);
}

bool
json_value_hex_var(struct bytes *out, struct arena *arena, const struct json *value,
    const char *name, size_t max_len, struct reason *why)
{
	struct bytes chars;
	uint8_t *data;

	if (!value_chars(&chars, arena, value, name, why))
		return false;
	if (chars.len / 2 > max_len)
		return reject(why, REASON_LIMIT, "\"%s\" is longer than %zu bytes", name, max_len);
	data = arena_room(arena, chars.len / 2, why);
	if (data == NULL || !chars_hex(data, chars, name, why))
		return false;
	*out = (struct bytes){ data, chars.len / 2 };
	return true;
}

/* Members */

bool
json_bool(bool *out, const struct json *object, const char *key, struct reason *why)
{
	return json_value_bool(out, json_find(object, key), key, why);
}

bool
json_u64(uint64_t *out, const struct json *object, const char *key, uint64_t max,
    struct reason *why)
{
	return json_value_u64(out, json_find(object, key), key, max, why);
}

bool
json_str(struct bytes *out, struct arena *arena, const struct json *object, const char *key,
    size_t max_len, struct reason *why)
{
	return json_value_str(out, arena, json_find(object, key), key, max_len, why);
}

bool
json_text(const char **out, struct arena *arena, const struct json *object, const char *key,
    size_t max_len, struct reason *why)
{
	return json_value_text(out, arena, json_find(object, key), key, max_len, why);
}

bool
json_hex(uint8_t *out, const struct json *object, const char *key, size_t len,
    struct reason *why)
{
	return json_value_hex(out, json_find(object, key), key, len, why);
}

bool
json_hex_var(struct bytes *out, struct arena *arena, const struct json *object,
    const char *key, size_t max_len, struct reason *why)
{
	return json_value_hex_var(out, arena, json_find(object, key), key, max_len, why);
}

static bool
member_typed(const struct json **out, const struct json *object, enum json_type type,
    const char *key, struct reason *why)
{
	const struct json *value = json_find(object, key);

	if (!json_value_check(value, type, key, why))
		return false;
	*out = value;
	return true;
}

bool
json_array(const struct json **out, const struct json *object, const char *key,
    struct reason *why)
{
	return member_typed(out, object, JSON_ARRAY, key, why);
}

bool
json_object(const struct json **out, const struct json *object, const char *key,
    struct reason *why)
{
	return member_typed(out, object, JSON_OBJECT, key, why);
}

/* White space */

static bool
is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The first white space outside strings at or after p, or the end. */
static const uint8_t *
space_find(const uint8_t *p, const uint8_t *end)
{
	while (p != end && !is_space(*p)) {
		if (*p++ != '"')
			continue;
		while (p != end && *p != '"')
			p += *p == '\\' && end - p > 1 ? 2 : 1;
		if (p != end)
			p++;
	}
	return p;
}

bool
json_compact_is(struct bytes span)
{
	const uint8_t *end;

	if (span.len == 0)
		return true;
	end = span.ptr + span.len;
	return space_find(span.ptr, end) == end;
}

bool
json_compact(struct bytes *out, struct arena *arena, struct bytes span, struct reason *why)
{
	const uint8_t *p = span.ptr, *end, *stop;
	uint8_t *start, *to;

	if (json_compact_is(span)) {
		*out = span;
		return true;
	}
	end = span.ptr + span.len;
	start = to = arena_alloc(arena, span.len, why);
	if (start == NULL)
		return false;
	while (p != end) {
		stop = space_find(p, end);
		memcpy(to, p, (size_t)(stop - p));
		to += stop - p;
		for (p = stop; p != end && is_space(*p); p++)
			;
	}
	*out = (struct bytes){ start, (size_t)(to - start) };
	return true;
}
