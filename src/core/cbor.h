/*
 * cbor.h - the CBOR that measurement documents are written in
 *
 * Definite lengths, shortest forms, no tags: what every producer emits.  A reader takes
 * exactly the type it is named for; reasons are worded to stand after the name of the field:
 * "is an array, not a map".  Counts and lengths are bounded by the bytes left, so that a
 * count is safe to allocate by.
 */
#ifndef CORE_CBOR_H
#define CORE_CBOR_H

#include "core/bytes.h"
#include "core/reason.h"

/* Most maps and arrays inside one another that cbor_skip() walks. */
#define CBOR_MAX_DEPTH          16

/* Number of pairs of a map, each at least two bytes of what is left. */
bool    cbor_map_read(uint32_t *out, CBS *in, struct reason *why) MUST_CHECK;

/* Number of elements of an array, each at least one byte of what is left. */
bool    cbor_array_read(uint32_t *out, CBS *in, struct reason *why) MUST_CHECK;

/* Text, which must be UTF-8, or bytes, as a span of the input; LIMIT past max_len. */
bool    cbor_text_read(struct bytes *out, CBS *in, size_t max_len, struct reason *why) MUST_CHECK;
bool    cbor_bytes_read(struct bytes *out, CBS *in, size_t max_len, struct reason *why) MUST_CHECK;

/* Exactly len bytes: "has 47 bytes, not 48". */
bool    cbor_fixed_read(uint8_t *out, size_t len, CBS *in, struct reason *why) MUST_CHECK;

/* An unsigned integer up to max; more is LIMIT. */
bool    cbor_u64_read(uint64_t *out, CBS *in, uint64_t max, struct reason *why) MUST_CHECK;

bool    cbor_bool_read(bool *out, CBS *in, struct reason *why) MUST_CHECK;

/* Takes a null if one is next, and tells whether it did. */
bool    cbor_null_take(CBS *in);

/*
 * cbor_skip - one whole value of any type
 *
 *   depth   maps and arrays it may still nest, at most CBOR_MAX_DEPTH; 0: scalars only
 *   fails   MALFORMED    cut short, indefinite, a tag, not the shortest form
 *           LIMIT        nested deeper
 */
bool    cbor_skip(CBS *in, unsigned depth, struct reason *why) MUST_CHECK;

/* The document is over, else "N trailing byte(s) after the CBOR document". */
bool    cbor_end_check(const CBS *in, struct reason *why) MUST_CHECK;

#endif
