/*
 * reason.h - why something failed, in words a stranger can act on
 *
 * A reason lives on the caller's stack and allocates nothing, so failing cannot fail.
 * reject() starts the text where the failure is found, reject_as() puts the caller's
 * context in front: "outer: inner".  Both return false, so that a failing function ends
 * in one line.  Code decides on `kind`, people read `text`.
 */
#ifndef CORE_REASON_H
#define CORE_REASON_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base.h"

enum reason_kind {
	REASON_NONE = 0,        /* nothing failed yet                              */
	REASON_MALFORMED,       /* does not parse                                  */
	REASON_UNSUPPORTED,     /* parses, but we do not do this one               */
	REASON_REFUSED,         /* parses, does not verify                         */
	REASON_UNAVAILABLE,     /* something to fetch; a retry may do              */
	REASON_LIMIT,           /* bigger than we agree to look at                 */
	REASON_INTERNAL,        /* our own fault                                   */
};

struct reason {
	enum reason_kind kind;  /* set where the failure is found, then kept       */
	char    text[512];      /* printable ASCII, "outer: inner"                 */
};

/*
 * reject - start a reason
 *
 *   why     overwritten; a text longer than its room is cut at the end
 *   format  printf format; bytes outside printable ASCII become '?'
 *   gives   false, always
 */
bool    reject(struct reason *why, enum reason_kind kind, const char *format, ...) PRINTF(3, 4);

/*
 * reject_as - put context in front of a reason: "<context>: <text so far>"
 *
 *   why     must hold a reason; its kind is kept
 *   gives   false, always
 */
bool    reject_as(struct reason *why, const char *format, ...) PRINTF(2, 3);

/* The kind's name as answers spell it: "malformed", "unsupported", ... */
const char *reason_kind_name(enum reason_kind kind);

#endif
