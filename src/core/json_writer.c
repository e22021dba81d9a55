#include "core/json_writer.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/hex.h"
#include "core/utf8.h"

/* Most digits and sign of a 64-bit number, and a NUL. */
#define NUMBER_SIZE     22

bool
json_writer_ok(const struct json_writer *w)
{
	return !w->failed;
}

/* Room for len bytes that the caller writes, or NULL. */
static uint8_t *
room(struct json_writer *w, size_t len)
{
	uint8_t *to;

	if (!w->failed && CBB_add_space(w->out, &to, len))
		return to;
	w->failed = true;
	return NULL;
}

static void
put(struct json_writer *w, const void *data, size_t len)
{
	uint8_t *to = room(w, len);

	if (to != NULL)
		bytes_copy(to, (struct bytes){ data, len });
}

/* Length of the plain characters at the front: most strings are nothing else. */
static size_t
plain_len(struct bytes text)
{
	size_t i = 0;

	while (i < text.len && text.ptr[i] >= 0x20 && text.ptr[i] < 0x80 &&
	    text.ptr[i] != '"' && text.ptr[i] != '\\')
		i++;
	return i;
}

static void
put_escape(struct json_writer *w, uint8_t c)
{
	static const char letters[0x20] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r',
	};
	static const char digits[] = "0123456789abcdef";
	const char wide[6] = { '\\', 'u', '0', '0', digits[c >> 4], digits[c & 15] };
	const char letter = c < sizeof letters ? letters[c] : (char)c;

	if (letter == '\0')
		put(w, wide, sizeof wide);
	else
		put(w, (const char[2]){ '\\', letter }, 2);
}

/* One character that is not plain; returns how many bytes it was. */
static size_t
put_special(struct json_writer *w, struct bytes text)
{
	size_t len = utf8_len(text);

	if (len == 0) {
		put(w, "\xef\xbf\xbd", 3);
		return 1;
	}
	if (len == 1)
		put_escape(w, text.ptr[0]);
	else
		put(w, text.ptr, len);
	return len;
}

static void
put_odd_string(struct json_writer *w, struct bytes text)
{
	size_t len;

	put(w, "\"", 1);
	while (text.len != 0 && !w->failed) {
		len = plain_len(text);
		if (len != 0)
			put(w, text.ptr, len);
		else
			len = put_special(w, text);
		text.ptr += len;
		text.len -= len;
	}
	put(w, "\"", 1);
}

static void
put_string(struct json_writer *w, struct bytes text)
{
	uint8_t *to;
	size_t len;

	if (plain_len(text) != text.len) {
		put_odd_string(w, text);
		return;
	}
	to = size_add(&len, text.len, 2) ? room(w, len) : NULL;
	if (to == NULL) {
		w->failed = true;
		return;
	}
	to[0] = '"';
	bytes_copy(to + 1, text);
	to[len - 1] = '"';
}

/* What stands before a value: a comma where one is due, and the key. */
static void
put_key(struct json_writer *w, const char *key)
{
	if (w->comma)
		put(w, ",", 1);
	w->comma = true;
	if (key == NULL)
		return;
	put_string(w, bytes_str(key));
	put(w, ":", 1);
}

void
json_write_raw(struct json_writer *w, const char *key, struct bytes json)
{
	put_key(w, key);
	put(w, json.ptr, json.len);
}

void
json_write_object(struct json_writer *w, const char *key)
{
	json_write_raw(w, key, bytes_str("{"));
	w->comma = false;
}

void
json_write_end_object(struct json_writer *w)
{
	put(w, "}", 1);
	w->comma = true;
}

void
json_write_array(struct json_writer *w, const char *key)
{
	json_write_raw(w, key, bytes_str("["));
	w->comma = false;
}

void
json_write_end_array(struct json_writer *w)
{
	put(w, "]", 1);
	w->comma = true;
}

void
json_write_str(struct json_writer *w, const char *key, struct bytes value)
{
	put_key(w, key);
	put_string(w, value);
}

void
json_write_text(struct json_writer *w, const char *key, const char *value)
{
	json_write_str(w, key, bytes_str(value));
}

void
json_write_hex(struct json_writer *w, const char *key, struct bytes value)
{
	uint8_t *to;
	size_t len;

	put_key(w, key);
	to = size_mul(&len, value.len, 2) && size_add(&len, len, 2) ? room(w, len) : NULL;
	if (to == NULL) {
		w->failed = true;
		return;
	}
	to[0] = '"';
	hex_encode((char *)to + 1, value);
	to[len - 1] = '"';
}

void
json_write_u64(struct json_writer *w, const char *key, uint64_t value)
{
	char digits[NUMBER_SIZE];
	size_t i = sizeof digits;

	do {
		digits[--i] = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	put_key(w, key);
	put(w, digits + i, sizeof digits - i);
}

void
json_write_i64(struct json_writer *w, const char *key, int64_t value)
{
	char digits[NUMBER_SIZE];
	int len = snprintf(digits, sizeof digits, "%" PRId64, value);

	put_key(w, key);
	put(w, digits, (size_t)len);
}

void
json_write_bool(struct json_writer *w, const char *key, bool value)
{
	json_write_raw(w, key, bytes_str(value ? "true" : "false"));
}

void
json_write_null(struct json_writer *w, const char *key)
{
	json_write_raw(w, key, bytes_str("null"));
}

/* Layout */

static bool
new_line(CBB *out, size_t level)
{
	if (!CBB_add_u8(out, '\n'))
		return false;
	while (level-- > 0)
		if (!CBB_add_bytes(out, (const uint8_t *)"  ", 2))
			return false;
	return true;
}

/* Bytes of the string that starts at the front, quotes included. */
static size_t
string_len(struct bytes text)
{
	size_t i = 1;

	while (i < text.len && text.ptr[i] != '"')
		i += text.ptr[i] == '\\' ? 2 : 1;
	return i < text.len ? i + 1 : text.len;
}

/* One character outside strings; `next` is the one behind it. */
static bool
indent_char(CBB *out, size_t *level, uint8_t c, uint8_t next)
{
	switch (c) {
	case '{':
	case '[':
		if (!CBB_add_u8(out, c))
			return false;
		++*level;
		return next == '}' || next == ']' || new_line(out, *level);
	case ',':
		return CBB_add_u8(out, c) && new_line(out, *level);
	case ':':
		return CBB_add_u8(out, c) && CBB_add_u8(out, ' ');
	default:
		return CBB_add_u8(out, c);
	}
}

/* A closing bracket stands on a line of its own unless it follows the opening one. */
static bool
indent_close(CBB *out, size_t *level, uint8_t c, uint8_t before)
{
	if (*level > 0)
		--*level;
	if (before != '{' && before != '[' && !new_line(out, *level))
		return false;
	return CBB_add_u8(out, c);
}

bool
json_indent(CBB *out, struct bytes compact)
{
	size_t level = 0, len = 1;
	uint8_t before = 0, c;
	bool ok;

	for (size_t i = 0; i < compact.len; i += len) {
		c = compact.ptr[i];
		len = 1;
		if (c == '"') {
			len = string_len((struct bytes){ compact.ptr + i, compact.len - i });
			ok = CBB_add_bytes(out, compact.ptr + i, len);
		} else if (c == '}' || c == ']') {
			ok = indent_close(out, &level, c, before);
		} else {
			ok = indent_char(out, &level, c,
			    i + 1 < compact.len ? compact.ptr[i + 1] : 0);
		}
		if (!ok)
			return false;
		before = c;
	}
	return true;
}
