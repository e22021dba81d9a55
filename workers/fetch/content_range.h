/*
 * content_range.h - which part of a whole an answer of status 206 is
 *
 * source  RFC 9110, 14.4
 */
#ifndef FETCH_CONTENT_RANGE_H
#define FETCH_CONTENT_RANGE_H

#include "core/bytes.h"
#include "core/reason.h"

struct content_range {
	uint64_t first, last;           /* offsets, both of them included               */
	uint64_t total_len;             /* 0: not told                                  */
};

/*
 * content_range_read - `bytes 5-9/10`, or an asterisk for the 10
 *
 *   fails   MALFORMED    neither; numbers that contradict one another or pass 2^63 - 1
 */
bool    content_range_read(struct content_range *out, struct bytes value,
    struct reason *why) MUST_CHECK;

#endif
