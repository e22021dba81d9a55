/*
 * base64.h - standard Base64 with padding (RFC 4648, 4)
 */
#ifndef CORE_BASE64_H
#define CORE_BASE64_H

#include "core/arena.h"
#include "core/bytes.h"
#include "core/reason.h"

/*
 * base64_decode - strict: no white space, full padding, unused bits zero
 *
 *   out     in the arena; empty for an empty text
 *   fails   MALFORMED    "is not base64", worded to stand after a name
 *           LIMIT        more than max_len bytes
 */
bool    base64_decode(struct bytes *out, struct arena *arena, struct bytes text, size_t max_len,
    struct reason *why) MUST_CHECK;

#endif
