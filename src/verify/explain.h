/*
 * explain.h - what an answer is made of, for whoever asks: every event beside its expected digest
 *
 * Made after the verdict, from what led to it, and without a word in it.
 */
#ifndef VERIFY_EXPLAIN_H
#define VERIFY_EXPLAIN_H

#include "measure/likely_cause.h"

#define EXPLAIN_MAX_EVENTS      128     /* shown; a guest has about 35                 */
#define EXPLAIN_MAX_DIGEST_LEN  64      /* shown of what a log reports as one          */
#define EXPLAIN_REGISTERS       5       /* MRTD, RTMR0 to RTMR3                        */

struct dv_context;
struct verdict;

enum explain_status {
	EXPLAIN_MATCH,
	EXPLAIN_MISMATCH,
	EXPLAIN_EXTRA,                  /* nothing was expected                        */
	EXPLAIN_MISSING,                /* the log has no such event                   */
};

/* Spans point to where the verdict has them. */
struct explain_event {
	enum explain_status status;
	size_t  index;                  /* in the event log; behind it: not in there   */
	const struct event *event;      /* NULL: missing                               */
	struct bytes actual;
	struct bytes expected;          /* empty: none                                 */
};

struct explain_register {
	const char *name;
	struct bytes expected, actual;
	const struct explain_event *events;
	size_t  n_events;
};

struct explanation {
	size_t  n_registers;            /* those whose expected value is known         */
	struct explain_register registers[EXPLAIN_REGISTERS];
	size_t  n_events;
	struct explain_event events[EXPLAIN_MAX_EVENTS];        /* of all registers    */
	char    first_divergence[128];  /* "": none                                    */
	struct likely_cause likely_cause;       /* "": none is known                   */
	struct lite_result lite;        /* expected values that the check did not reach */
};

/*
 * explain - a verdict that is settled
 *
 *   v       nothing in it changes, and the explanation lives as long as it
 *   cost    little when the registers match, else that of likely_cause.h
 */
void    explain(struct explanation *out, struct dv_context *context, const struct verdict *v);

const char *explain_status_name(enum explain_status status);

#endif
