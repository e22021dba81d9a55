/*
 * summary.h - a verdict in a few lines for a person
 */
#ifndef VERIFY_SUMMARY_H
#define VERIFY_SUMMARY_H

#include "verify/verdict.h"

/*
 * summary_of - what was found and, where something is out of date, what to update
 *
 *   gives   lines that end in a newline, in the arena; "" when memory is out
 */
const char *summary_of(struct arena *arena, const struct verdict *v,
            const struct verdict_terms *terms);

/* The same for a bare quote. */
const char *summary_of_quote(struct arena *arena, const struct verdict *v);

#endif
