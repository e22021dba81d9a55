/*
 * json_unescape.h - a JSON string's characters; for json*.c alone
 *
 * A file of its own, because json-c and json.h claim the same names.
 */
#ifndef CORE_JSON_UNESCAPE_H
#define CORE_JSON_UNESCAPE_H

#include "core/arena.h"
#include "core/bytes.h"
#include "core/reason.h"

enum json_escapes {
	JSON_ESCAPES_NONE = 0,
	JSON_ESCAPES_SHORT,     /* only those of two characters, such as \n        */
	JSON_ESCAPES_UNICODE,   /* \uXXXX among them                               */
};

/*
 * json_unescape - decode what stands between a string's quotes
 *
 *   out      `from` itself without escapes, else in the arena
 *   from     checked by json_read(), with the quotes on either side of it
 *   escapes  which kinds `from` holds
 */
bool    json_unescape(struct bytes *out, struct arena *arena, struct bytes from,
    enum json_escapes escapes, struct reason *why) MUST_CHECK;

#endif
