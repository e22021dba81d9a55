/*
 * msgpack.h - MessagePack, as far as attestations use it
 *
 * A reader takes exactly the type it is named for.  Reasons are worded to stand after the
 * name of the field: "is a map, not a string".  Counts and lengths are bounded by the bytes
 * left, so that a count is safe to allocate by.
 */
#ifndef CORE_MSGPACK_H
#define CORE_MSGPACK_H

#include "core/arena.h"
#include "core/bytes.h"
#include "core/reason.h"

/* Most maps and arrays inside one another that msgpack_skip() walks. */
#define MSGPACK_MAX_DEPTH       16

/* Number of pairs of a map, each at least two bytes of what is left. */
bool    msgpack_map_read(uint32_t *out, CBS *in, struct reason *why) MUST_CHECK;

/* Number of elements of an array, each at least one byte of what is left. */
bool    msgpack_array_read(uint32_t *out, CBS *in, struct reason *why) MUST_CHECK;

/* A str, which must be UTF-8, as a span of the input; LIMIT past max_len. */
bool    msgpack_text_read(struct bytes *out, CBS *in, size_t max_len,
    struct reason *why) MUST_CHECK;

/* An integer of any width, signed or not, from 0 to max; more is LIMIT. */
bool    msgpack_u64_read(uint64_t *out, CBS *in, uint64_t max, struct reason *why) MUST_CHECK;

/*
 * msgpack_bytes_read - bytes in either of the encodings in use
 *
 *   out     a bin is a span of the input; an array of integers 0..255 is decoded into the arena
 *   fails   MALFORMED    another type (also a str), an element that is no byte, cut short
 *           LIMIT        more than max_len bytes
 */
bool    msgpack_bytes_read(struct bytes *out, struct arena *arena, CBS *in, size_t max_len,
    struct reason *why) MUST_CHECK;

/* Takes a nil if one is next, and tells whether it did. */
bool    msgpack_nil_take(CBS *in);

/*
 * msgpack_skip - one whole value of any type
 *
 *   depth   maps and arrays it may still nest, at most MSGPACK_MAX_DEPTH; 0: scalars only
 *   fails   MALFORMED    cut short, or the byte that MessagePack never uses
 *           LIMIT        nested deeper
 */
bool    msgpack_skip(CBS *in, unsigned depth, struct reason *why) MUST_CHECK;

#endif
