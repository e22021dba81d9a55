/*
 * bytes.h - spans of memory that somebody else owns, and overflow-proof sizes
 *
 * A span says where bytes are, never who owns them.  It is passed by value; `ptr` may be
 * NULL only when `len` is 0.
 */
#ifndef CORE_BYTES_H
#define CORE_BYTES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <openssl/bytestring.h>

#include "core/base.h"

struct bytes {
	const uint8_t *ptr;
	size_t  len;
};

/* The bytes of an array variable (not of a pointer). */
#define BYTES_OF(array)         ((struct bytes){ (const uint8_t *)(array), sizeof(array) })

/* The characters of a C string, without its NUL. */
static inline struct bytes
bytes_str(const char *text)
{
	return (struct bytes){ (const uint8_t *)text, strlen(text) };
}

static inline struct bytes
bytes_cbs(const CBS *in)
{
	return (struct bytes){ CBS_data(in), CBS_len(in) };
}

static inline CBS
cbs_bytes(struct bytes b)
{
	CBS in;

	CBS_init(&in, b.ptr, b.len);
	return in;
}

/* Takes len bytes off the cursor, in place; false, nothing taken, when fewer remain. */
static inline bool MUST_CHECK
bytes_read(struct bytes *out, CBS *in, size_t len)
{
	CBS taken;

	if (!CBS_get_bytes(in, &taken, len))
		return false;
	*out = bytes_cbs(&taken);
	return true;
}

/* memcpy() that accepts an empty span at NULL. */
static inline void
bytes_copy(void *to, struct bytes from)
{
	if (from.len != 0)
		memcpy(to, from.ptr, from.len);
}

static inline bool
bytes_equal(struct bytes a, struct bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Whether every byte is zero; true of an empty span. */
bool    bytes_zero(struct bytes b);

/* *out = a + b or a * b; false, *out untouched, when that does not fit. */
static inline bool MUST_CHECK
size_add(size_t *out, size_t a, size_t b)
{
	size_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return false;
	*out = sum;
	return true;
}

static inline bool MUST_CHECK
size_mul(size_t *out, size_t a, size_t b)
{
	size_t product;

	if (__builtin_mul_overflow(a, b, &product))
		return false;
	*out = product;
	return true;
}

#endif
