/*
 * verify.h - judge the evidence of a confidential VM
 *
 * verify is a pure function that may ask for facts:
 *
 *     answer | needs  =  verify(request, facts, policy, now)
 *
 * It opens no file and no socket and reads no clock.  Facts (Intel collateral, images) are
 * given to a context with dv_fact_offer() or dv_collateral_add(); what is missing is
 * returned as a list of keys.  The caller gets those, or notes them as failed in the next
 * call, and asks again.  Everything a context remembers only saves work: an answer depends
 * on the request, the facts, the policy and `now` alone.
 *
 * A context belongs to one thread.  What a call returns in `struct dv_answer` lives until
 * the next call with that context.
 */
#ifndef DSTACK_VERIFIER_VERIFY_H
#define DSTACK_VERIFIER_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dstack-verifier/facts.h"
#include "dstack-verifier/policy.h"

#ifdef __cplusplus
extern "C" {
#endif

struct dv_context;

struct dv_options {
	struct dv_policy policy;        /* copied; lists and strings are borrowed    */
	struct dv_span root_ca_tdx;     /* PEM or DER in place of Intel's root; empty: Intel's */
	int64_t serve_stale_max_secs;   /* how long after its last fetch an item serves */
	int64_t collateral_max_cache_age_secs;  /* fetched longer ago: asked for again; 0: never */
	int64_t root_crl_max_cache_age_secs;    /* the same for the root CRL         */
	bool    has_image_key;          /* image_key is given; without it image and kernel facts
					 * are refused                               */
	uint8_t image_key[32];          /* Ed25519, public: of the service that signs them */
	bool    pinned_at;              /* `now` was fixed by the operator           */
	int64_t at;                     /* that time, shown in details.pinned        */
};

enum dv_stage {
	DV_STAGE_NONE = 0,              /* valid                                     */
	DV_STAGE_REQUEST,
	DV_STAGE_QUOTE,
	DV_STAGE_EVENT_LOG,
	DV_STAGE_OS_IMAGE,
	DV_STAGE_APP_INFO,
	DV_STAGE_POLICY,
	DV_STAGE_INTERNAL,
};

/* A fact that was asked for and could not be had, told by the caller when it asks again. */
struct dv_failure {
	struct dv_key key;
	unsigned http_status;           /* 404, 410; 0: not reachable                */
	struct dv_span refusal;         /* why there is no record of an image, as the answer
					 * is to say it; empty: by http_status       */
	bool    retryable;              /* with a refusal: it may pass; else it is what the
					 * image holds, and no retry helps           */
};

struct dv_request {
	struct dv_span body;            /* the JSON of POST /verify, or a quote      */
	int64_t now;                    /* seconds since 1970 UTC                    */
	int64_t clock;                  /* the real clock, where `now` is not it: ages of
					 * what was fetched count to it; 0: it is `now` */
	const struct dv_failure *failures;
	size_t  nfailures;
	bool    full_reason;            /* one-shot: internal errors with their chain */
	bool    summary;                /* the answer's summary is wanted            */
};

/* Most facts one run can ask for: the four items of Intel collateral, or one image. */
#define DV_NEEDS_MAX    4

struct dv_answer {
	size_t  nneeds;                 /* > 0: no answer yet, only the keys below   */
	struct dv_key needs[DV_NEEDS_MAX];

	int     http_status;            /* 200, 400 or 422                           */
	bool    valid;
	bool    retryable;              /* could not be judged now                   */
	bool    unavailable;            /* error.kind is "unavailable"               */
	enum dv_stage stage;            /* where it failed                           */
	struct dv_span json;            /* the response object; empty unless 200     */
	const char *reason;             /* as in the response, or why 400 or 422; NULL when valid */
	const char *summary;            /* for a person, several lines; NULL unless wanted */
	unsigned public_key_operations; /* signatures checked in this call           */
};

/*
 * dv_context_new - a context for many calls of dv_verify() and dv_quote()
 *
 *   error   room for error_len >= 512 characters; why NULL was returned
 *   gives   NULL: root_ca_tdx is no usable root certificate, or memory is out
 */
struct dv_context *dv_context_new(const struct dv_options *options, char *error, size_t error_len);
void    dv_context_free(struct dv_context *context);

/*
 * dv_collateral_add - collateral in JSON form, given by the operator
 *
 *   json    one object: tcb_info, qe_identity, CRLs and chains as text and hex
 *   now     of two objects with the same item, the one that is current at `now` counts
 *   error   room for error_len >= 512 characters; why it is not such an object
 *   cost    signatures are checked when a quote first needs them, and then remembered
 */
bool    dv_collateral_add(struct dv_context *context, struct dv_span json, int64_t now,
            char *error, size_t error_len);

/*
 * dv_fact_offer - something that was fetched for a key
 *
 *   fetched_at      when, by the clock of `now`; 0 when the fetch was pinned
 *   dates           filled when accepted: the item's own issue and next-update times
 *                   zeroes for an image and a kernel
 *   gives           false, error filled: the item is not genuine, not current, or older
 *                   than one already seen; nothing stored is displaced
 */
bool    dv_fact_offer(struct dv_context *context, const struct dv_key *key,
            const struct dv_fact *fact, int64_t now, struct dv_dates *dates,
            char *error, size_t error_len);

/*
 * dv_verify - judge one request
 *
 *   gives   false only when memory is out; everything else is an answer
 */
bool    dv_verify(struct dv_context *context, struct dv_answer *answer,
            const struct dv_request *request);

/*
 * dv_quote - judge one bare Intel quote: no event log, no image
 *
 *   request body is the quote in raw bytes: v3 SGX, v4 or v5 TDX
 *   answer  json is the object of the command `quote`; needs and summary as in dv_verify()
 */
bool    dv_quote(struct dv_context *context, struct dv_answer *answer,
            const struct dv_request *request);

/* Faults outside verify() that are still told as an answer. */
enum dv_fault {
	DV_FAULT_INPUT = 0,             /* unreadable or no request at all           */
	DV_FAULT_DEADLINE,              /* the request's time is over; retryable     */
	DV_FAULT_INTERNAL,
};

/*
 * dv_fault_answer - the response object of a request that was never judged
 *
 *   text    what follows "Internal error: "; NULL: the fault's own words
 *   answer  json: empty details, the reason, `error`
 *   gives   false only when memory is out
 */
bool    dv_fault_answer(struct dv_context *context, struct dv_answer *answer,
            enum dv_fault fault, const char *text);

#ifdef __cplusplus
}
#endif

#endif
