/*
 * tcb_status.h - the words for how current a platform is, and how two of them merge
 *
 * Seven statuses occur in signed documents, in order of severity.  Two more exist only as
 * results of Intel's rule: the platform was updated while a TD kept running.
 */
#ifndef DCAP_TCB_STATUS_H
#define DCAP_TCB_STATUS_H

#include "core/bytes.h"
#include "core/reason.h"

/* 1u << status is the bit of that status in struct dv_policy. */
enum tcb_status {
	TCB_UP_TO_DATE = 0,
	TCB_SW_HARDENING_NEEDED,
	TCB_CONFIGURATION_NEEDED,
	TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED,
	TCB_OUT_OF_DATE,
	TCB_OUT_OF_DATE_CONFIGURATION_NEEDED,
	TCB_REVOKED,
	TCB_TD_RELAUNCH_ADVISED,                        /* computed, never read      */
	TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED,   /* computed, never read      */
};

/* How many of them a document may hold: the first seven. */
#define TCB_STATUS_IN_DOCUMENTS (TCB_REVOKED + 1)

/* "UpToDate", "SWHardeningNeeded", ... */
const char *tcb_status_name(enum tcb_status status);

/* A status as a document spells it; false for any other string. */
bool    tcb_status_find(enum tcb_status *status, struct bytes name) MUST_CHECK;

/* Whether the platform lacks an update: OutOfDate, with or without configuration. */
bool    tcb_status_outdated(enum tcb_status status);

/* The more severe of two document statuses. */
enum tcb_status tcb_status_worse(enum tcb_status a, enum tcb_status b);

/* Names of security advisories; the strings are borrowed, mostly from a document. */
struct advisories {
	const struct bytes *ids;
	size_t  n;
};

#endif
