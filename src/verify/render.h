/*
 * render.h - a verdict as the JSON of an answer
 *
 * Members, order, null and absent are an interface: those of the Rust verifier first, ours
 * after them inside `details`.  Answers are compared byte for byte, so nothing here depends
 * on anything but the verdict and its terms.
 */
#ifndef VERIFY_RENDER_H
#define VERIFY_RENDER_H

#include "verify/context.h"

/* Response object, outcome and, where wanted, summary into *answer; false: memory is out. */
bool    render_answer(struct dv_context *context, struct dv_answer *answer,
            const struct verdict *v, const struct verdict_terms *terms) MUST_CHECK;

/* {"at":..,"collateral":..}: what a verdict was pinned to; nothing when it was not. */
void    render_pinned(struct json_writer *w, const struct verdict_terms *terms);

/* A list of advisory names. */
void    render_advisories(struct json_writer *w, const char *key,
            const struct advisories *advisories);

#endif
