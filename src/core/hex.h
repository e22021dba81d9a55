/*
 * hex.h - bytes as hexadecimal digits and back
 */
#ifndef CORE_HEX_H
#define CORE_HEX_H

#include "core/arena.h"
#include "core/bytes.h"
#include "core/reason.h"

/*
 * hex_decode - strict: an even number of digits of either case, nothing else
 *
 *   out     room for text.len / 2 bytes; undefined after a failure
 *   fails   MALFORMED    "has an odd number of hex digits", "is not hex at digit N" (from
 *                        0): worded to stand after a name and a space
 */
bool    hex_decode(uint8_t *out, struct bytes text, struct reason *why) MUST_CHECK;

/* The same into the arena; digits for more than max_len bytes are LIMIT. */
bool    hex_decode_arena(struct bytes *out, struct arena *arena, struct bytes text,
    size_t max_len, struct reason *why) MUST_CHECK;

/* 2 * from.len digits at `out`, lower case or upper; no NUL behind them. */
void    hex_encode(char *out, struct bytes from);
void    hex_encode_upper(char *out, struct bytes from);

/* The digits as a C string; `out` has 2 * from.len + 1 bytes of room. */
void    hex_text(char *out, struct bytes from);

/* A C string of digits in the arena, for reasons and names; NULL on failure. */
const char *hex_text_arena(struct arena *arena, struct bytes from, struct reason *why) MUST_CHECK;

#endif
