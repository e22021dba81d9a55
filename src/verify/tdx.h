/*
 * tdx.h - the three proofs for evidence of a plain TDX machine
 */
#ifndef VERIFY_TDX_H
#define VERIFY_TDX_H

#include "verify/context.h"

/*
 * tdx_judge - quote, event log, OS image, identity, policy: in this order, to the first failure
 *
 *   v       evidence is there; filled as far as judging came
 *   gives   false with v->code set, or with v->needs when facts are missing
 */
bool    tdx_judge(struct dv_context *context, struct verdict *v,
            const struct verdict_terms *terms, const struct dv_request *request) MUST_CHECK;

#endif
