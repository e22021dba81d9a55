/*
 * td_attributes.h - what a TD or an enclave must be, and may not be, to be judged at all
 *
 * Two sets of rules.  report_attributes_check() are those of the quote verification and hold
 * for every quote.  report_dstack_check() are dstack's own, for evidence of a dstack VM;
 * the command `quote` stops before them.
 *
 * source  quote verification specification, sections 9 and 10.1 step 4
 */
#ifndef DCAP_TD_ATTRIBUTES_H
#define DCAP_TD_ATTRIBUTES_H

#include "core/base.h"
#include "core/reason.h"

struct quote;

/*
 * report_attributes_check - debug, reserved and required bits, no service TD
 *
 *   allow_service_td        policy.allow_service_td
 *   fails   REFUSED  `Invalid MR service TD`, `Debug mode is enabled`, ...
 */
bool    report_attributes_check(const struct quote *quote, bool allow_service_td,
            struct reason *why) MUST_CHECK;

/*
 * report_dstack_check - Intel's module, not debugged, the TD itself and not a guest of it
 *
 *   fails   REFUSED  `Invalid mr signer seam`, `TD report is of a nested guest (vmid N)`,
 *                    `Invalid service TD fields`, ...
 */
bool    report_dstack_check(const struct quote *quote, bool allow_service_td,
            struct reason *why) MUST_CHECK;

#endif
