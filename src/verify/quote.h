/*
 * quote.h - a bare quote judged on behalf of a request
 *
 * What evidence of a machine and the command `quote` have in common: dcap is asked, and its
 * refusal becomes a verdict's code and text.
 */
#ifndef VERIFY_QUOTE_H
#define VERIFY_QUOTE_H

#include "verify/context.h"

/*
 * quote_ask - dcap_verify() with the terms and failures of this request
 *
 *   gives   the outcome, v->dcap filled; `why` as dcap_verify() leaves it
 */
enum dcap_outcome quote_ask(struct dv_context *context, struct verdict *v,
            const struct verdict_terms *terms, const struct dv_request *request,
            struct bytes quote, struct reason *why) MUST_CHECK;

/* Takes dcap's needs over; false, always. */
bool    quote_needs(struct verdict *v);

/* The code of a quote that failed for a reason of this kind. */
enum verdict_code quote_code(enum reason_kind kind);

/*
 * quote_fail - the verdict ends with what dcap said
 *
 *   context what is put in front, unless the clock is at fault and not the quote
 *   gives   false, always
 */
bool    quote_fail(struct verdict *v, const char *context, struct reason *why);

#endif
