/*
 * scale.h - the SCALE codec, as far as attestations use it
 *
 * Fixed-width integers and arrays are plain CBS reads (little endian).  Reasons are worded to
 * stand after the name of the field: "event_log: length is not minimal".
 */
#ifndef CORE_SCALE_H
#define CORE_SCALE_H

#include "core/bytes.h"
#include "core/reason.h"

/*
 * scale_compact_read - a compact u32: 1, 2, 4 or 5 bytes by the two low bits of the first
 *
 *   fails   MALFORMED    cut short, wider than 32 bits, or not in its shortest form
 */
bool    scale_compact_read(uint32_t *out, CBS *in, struct reason *why) MUST_CHECK;

/* Compact length, then that many bytes, as a span of the input; LIMIT past max_len. */
bool    scale_bytes_read(struct bytes *out, CBS *in, size_t max_len, struct reason *why) MUST_CHECK;

/* The same, and the bytes must be UTF-8. */
bool    scale_text_read(struct bytes *out, CBS *in, size_t max_len, struct reason *why) MUST_CHECK;

/*
 * scale_count_read - how many items a list has
 *
 *   item_len  fewest bytes an item takes, not 0: a count that the bytes left cannot
 *             hold is MALFORMED, so it is safe to allocate by
 *   max       more is LIMIT
 */
bool    scale_count_read(uint32_t *out, CBS *in, size_t item_len, uint32_t max,
    struct reason *why) MUST_CHECK;

#endif
