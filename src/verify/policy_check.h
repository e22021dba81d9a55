/*
 * policy_check.h - what the operator and the requester accept of evidence that verifies
 */
#ifndef VERIFY_POLICY_CHECK_H
#define VERIFY_POLICY_CHECK_H

#include "verify/verdict.h"

/*
 * policy_check - every key of the policy, then every expectation of the request
 *
 *   v       quote, event log and OS image are verified
 *   fails   REFUSED  "Policy check failed: a; b": all violations, in the order of the
 *           configuration table; a text that is too long is cut
 */
bool    policy_check(const struct verdict *v, const struct verdict_terms *terms,
            struct reason *why) MUST_CHECK;

/*
 * policy_image_check - whether an image may be asked for at all
 *
 *   fails   REFUSED  "Policy check failed: os_image_hash HEX is not allowed"
 */
bool    policy_image_check(const struct verdict *v, const struct verdict_terms *terms,
            struct reason *why) MUST_CHECK;

/* Whether a list has these bytes in hex. */
bool    policy_list_has(const struct dv_list *list, struct bytes value);

/* Whether a list of platforms names this one, by PPID or by device_id. */
bool    policy_platform_listed(const struct dv_list *list, const struct verdict *v);

#endif
