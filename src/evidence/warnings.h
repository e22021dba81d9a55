/*
 * warnings.h - remarks that go into the answer without changing the verdict
 *
 * A bounded list of sentences in the job's arena, rendered as `details.warnings`.  Texts are
 * printable ASCII; whatever else a name of the client's holds becomes '?'.
 */
#ifndef EVIDENCE_WARNINGS_H
#define EVIDENCE_WARNINGS_H

#include "core/arena.h"

#define WARNINGS_MAX    64      /* one request's; more are counted, not kept      */

struct warnings {
	struct arena *arena;
	const char *text[WARNINGS_MAX];
	size_t  n;
	size_t  n_dropped;
};

void    warnings_init(struct warnings *out, struct arena *arena);

/*
 * warn_of - append one sentence of at most 511 characters
 *
 *   out     may be NULL; without memory or room the sentence is only counted
 */
void    warn_of(struct warnings *out, const char *format, ...) PRINTF(2, 3);

#endif
