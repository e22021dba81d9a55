/*
 * json.h - strict JSON, read once into a tape of nodes
 *
 * json_read() walks the text once, refuses everything that is not strict RFC 8259 JSON in
 * UTF-8, and records each value as a node in the arena: its type, its bytes in the text, how
 * many children it has, where its next sibling is.  Nothing is copied: nodes point into the
 * text, which must live as long as they do.  Refused are also what lenient readers let
 * through: a byte order mark, NUL and control characters in strings, lone surrogate escapes,
 * overlong UTF-8, NaN, Infinity, "1.", "01", "+1", trailing commas or text, single quotes.
 *
 * A getter demands: absent, null and wrong type are each a reason that names the key.
 * json_has() asks.  Nothing is ever converted: a number is an unsigned integer written in
 * plain digits or it is refused; "12" is not 12 and 1.0 is not 1.
 */
#ifndef CORE_JSON_H
#define CORE_JSON_H

#include "core/arena.h"
#include "core/bytes.h"
#include "core/reason.h"

enum json_type {
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

/* One value; its memory is the arena's and its bytes are the text's. */
struct json;

struct json_limits {
	size_t  text_len;       /* most bytes of text; at most UINT32_MAX is honoured      */
	unsigned depth;         /* most objects and arrays inside one another; 0: scalars  */
	unsigned values;        /* most values in all, not counting keys                   */
	bool    allow_duplicates;       /* else a key twice in one object is MALFORMED     */
};

/*
 * json_read - check a whole document and index it
 *
 *   root    the document's value; valid only when true is returned
 *   arena   holds the nodes (24 bytes a value or key) and keys that were written with escapes
 *   text    the document with nothing but white space around it; must outlive the nodes
 *   fails   MALFORMED    not strict JSON, or an object repeats a key; "... at byte N", N
 *                        counted from 0
 *           LIMIT        text, depth, values or the arena's maximum
 *           INTERNAL     no memory
 *   cost    one pass, about 0.2 ns a byte in long strings; keys are compared after escapes
 *           are decoded, by sorting where an object has many, so n log n at worst
 *   source  RFC 8259
 */
bool    json_read(const struct json **root, struct arena *arena, struct bytes text,
    const struct json_limits *limits, struct reason *why) MUST_CHECK;

enum json_type json_type(const struct json *value);

/* "an object", "a string", ...: for reasons. */
const char *json_type_name(enum json_type type);

/* The exact bytes of the value in the text, quotes and brackets included. */
struct bytes json_span(const struct json *value);

/*
 * Members and elements, in the order of the text:
 *
 *      for (item = json_first(list); item != NULL; item = json_next(item))
 *
 * json_first() of anything but an object or array is NULL and json_count() 0.
 */
const struct json *json_first(const struct json *container);
const struct json *json_next(const struct json *value);
size_t  json_count(const struct json *container);

/* The key of a member (a value that json_first/json_next/json_find found in an object). */
struct bytes json_key(const struct json *member);

/* First member with that key, else NULL; also NULL when `object` is no object. */
const struct json *json_find(const struct json *object, const char *key);

/* How often the key occurs; tells more than 0 or 1 only under allow_duplicates. */
size_t  json_occurrences(const struct json *object, const char *key);

/* Whether the key is there with a value other than null. */
bool    json_has(const struct json *object, const char *key);

/*
 * Getters: the value of `key`, which must be there and have the type.  Reasons are
 *
 *      "cpu_count" is missing
 *      "cpu_count" is a string, not a number
 *      "cpu_count" is not a plain unsigned integer     sign, fraction, exponent
 *      "cpu_count" is more than 4096                   LIMIT
 *      "name" is longer than 64 bytes                  LIMIT; bytes after decoding
 *      "name" holds a NUL character
 *      "mrtd" has 31 bytes, not 48
 *      "mrtd" is not hex at digit 5                    counted from 0
 *      "mrtd" has an odd number of hex digits
 *
 * all MALFORMED but for the two marked LIMIT.
 */
bool    json_bool(bool *out, const struct json *object, const char *key,
    struct reason *why) MUST_CHECK;

/* 0 to max. */
bool    json_u64(uint64_t *out, const struct json *object, const char *key, uint64_t max,
    struct reason *why) MUST_CHECK;

/*
 * A string, decoded; at most max_len bytes.  Without escapes *out lies in the text, else
 * in the arena.  It may hold NUL and has none behind it: json_text() is for C strings.
 */
bool    json_str(struct bytes *out, struct arena *arena, const struct json *object,
    const char *key, size_t max_len, struct reason *why) MUST_CHECK;

/* The same as a C string in the arena; one with a NUL inside is refused. */
bool    json_text(const char **out, struct arena *arena, const struct json *object,
    const char *key, size_t max_len, struct reason *why) MUST_CHECK;

/* Exactly len bytes written as 2 * len hex digits of either case. */
bool    json_hex(uint8_t *out, const struct json *object, const char *key, size_t len,
    struct reason *why) MUST_CHECK;

/* 0 to max_len bytes in hex, decoded into the arena. */
bool    json_hex_var(struct bytes *out, struct arena *arena, const struct json *object,
    const char *key, size_t max_len, struct reason *why) MUST_CHECK;

bool    json_array(const struct json **out, const struct json *object, const char *key,
    struct reason *why) MUST_CHECK;
bool    json_object(const struct json **out, const struct json *object, const char *key,
    struct reason *why) MUST_CHECK;

/*
 * The same demands made of a value at hand: an array's element, the root.  `name` stands
 * in the reason in the key's place; a NULL value is "missing".
 */
bool    json_value_bool(bool *out, const struct json *value, const char *name,
    struct reason *why) MUST_CHECK;
bool    json_value_u64(uint64_t *out, const struct json *value, const char *name,
    uint64_t max, struct reason *why) MUST_CHECK;
bool    json_value_str(struct bytes *out, struct arena *arena, const struct json *value,
    const char *name, size_t max_len, struct reason *why) MUST_CHECK;
bool    json_value_text(const char **out, struct arena *arena, const struct json *value,
    const char *name, size_t max_len, struct reason *why) MUST_CHECK;
bool    json_value_hex(uint8_t *out, const struct json *value, const char *name, size_t len,
    struct reason *why) MUST_CHECK;
bool    json_value_hex_var(struct bytes *out, struct arena *arena, const struct json *value,
    const char *name, size_t max_len, struct reason *why) MUST_CHECK;
/* The value has the type, else `"name" is a string, not an object`. */
bool    json_value_check(const struct json *value, enum json_type type, const char *name,
    struct reason *why) MUST_CHECK;

/*
 * json_compact - a value's text without insignificant white space
 *
 * What Intel's signatures over tcbInfo and enclaveIdentity cover.  Nothing but the white
 * space outside strings changes.
 *
 *   out     the span itself when it is compact already, else a copy in the arena
 *   span    what json_span() gave, or a whole text that json_read() accepted
 */
bool    json_compact(struct bytes *out, struct arena *arena, struct bytes span,
    struct reason *why) MUST_CHECK;
bool    json_compact_is(struct bytes span);

#endif
