/*
 * dcap.h - judge an Intel quote: SGX v3, TDX v4 and v5
 *
 * A context holds what outlives a quote: the trust anchor, the collateral that was given,
 * the memories of signatures already checked, and the marks against older collateral.
 * Nothing it remembers changes an outcome; dates, revocation and TCB levels are judged
 * again for each quote.
 *
 * The order is "authenticate before asking".  First the four signatures that need no
 * collateral (PCK CA, PCK leaf, QE report, quote); a quote that fails there is refused and
 * nothing is asked for.  Only then missing collateral is named, all of it at once.
 *
 * A context belongs to one thread.
 *
 * source  quote verification specification, sections 7 and 12
 */
#ifndef DCAP_DCAP_H
#define DCAP_DCAP_H

#include "core/arena.h"
#include "dcap/quote.h"
#include "dcap/tcb_match.h"
#include "dstack-verifier/facts.h"
#include "dstack-verifier/policy.h"

struct dcap;

struct dcap_config {
	struct bytes anchor;            /* a root CA file, PEM or DER; empty: Intel's */
	bool    early;                  /* tcb_update = "early"                      */
	enum dv_tcb_rule tcb_rule;
	bool    pinned_at;              /* `now` was fixed by the operator (--at): no release
					 * floors and no clock rule                  */
	int64_t serve_stale_max_secs;   /* see 12.4: an item serves this long after its fetch */
	int64_t max_age_secs;           /* ask again for an item fetched longer ago; 0: never */
	int64_t root_crl_max_age_secs;  /* the same for the root CRL                 */
};

/*
 * dcap_new - a context
 *
 *   config  copied, the anchor too
 *   fails   the texts of anchor_external_new(); INTERNAL out of memory
 */
bool    dcap_new(struct dcap **out, const struct dcap_config *config,
            struct reason *why) MUST_CHECK;
void    dcap_free(struct dcap *dcap);
AUTO_DEFINE(struct dcap, dcap_free)

/* Whether the anchor is not Intel's own. */
bool    dcap_external(const struct dcap *dcap);

/* Signatures checked since the context was made, each one public-key operation. */
uint64_t dcap_operations(const struct dcap *dcap);

/*
 * dcap_offer - something that was fetched for a key
 *
 *   fact    body as the server sent it; chain as PEM (empty for the root CRL)
 *   dates   the item's own dates, when accepted
 *   gives   true: genuine, in its window and not older than what was seen; the context has
 *           it now.  false: `why` says what is wrong; nothing stored is displaced, except
 *           that an item which is genuine but past its end is kept when there is none
 *           better, so that the quote's own text can say `TCBInfo expired`
 */
bool    dcap_offer(struct dcap *dcap, const struct dv_key *key, const struct dv_fact *fact,
            int64_t now, struct dv_dates *dates, struct reason *why) MUST_CHECK;

/*
 * dcap_pin - one offline collateral object, given by the operator
 *
 *   json    the object of section 3; its four items replace pinned ones of the same keys,
 *           but an item that is current at `now` is not replaced by one that is not
 *   fails   MALFORMED, LIMIT     not such an object; a signature or a date that is wrong is
 *           the quote's refusal later, not this function's
 */
bool    dcap_pin(struct dcap *dcap, struct bytes json, int64_t now, struct reason *why) MUST_CHECK;

/* Forgets every pinned item, and nothing else. */
void    dcap_unpin(struct dcap *dcap);

struct dcap_request {
	struct bytes quote;             /* raw; bytes behind it are ignored          */
	bool    allow_service_td;       /* policy.allow_service_td                   */
	bool    offline;                /* nothing can be fetched: never DCAP_NEEDS  */
	const struct dv_key *failed;    /* asked for in vain on behalf of this quote */
	size_t  nfailed;
	int64_t now;
	int64_t clock;                  /* the real clock, where `now` is not it: ages of
					 * fetched items count to it; 0: it is `now` */
};

enum dcap_outcome {
	DCAP_REFUSED = 0,               /* `why` says what for; kind UNAVAILABLE: retryable */
	DCAP_NEEDS,                     /* get needs[], offer them, ask again        */
	DCAP_VERIFIED,                  /* every status but Revoked is one           */
};

#define DCAP_NEEDS_MAX  4
#define DCAP_WARNINGS_MAX       4

/* From the PCK leaf: which machine this is. */
struct dcap_platform {
	uint8_t ppid[16];
	bool    has_piid;               /* only the Platform CA writes it            */
	uint8_t piid[16];
	uint8_t fmspc[6];
	uint8_t pce_id[2];
	uint8_t cpu_svn[16];
	uint16_t pce_svn;
	enum dv_pck_ca ca;
	bool    dynamic_platform, cached_keys, smt_enabled;     /* absent: false     */
};

/* Which collateral the verdict rests on. */
struct dcap_collateral {
	uint32_t tcb_evaluation_data_number;
	uint32_t qe_evaluation_data_number;
	struct dv_dates tcb, qe, root_crl, pck_crl;
	struct bytes root_crl_number;   /* content of cRLNumber; empty: none. In the arena */
	struct bytes pck_crl_number;
	bool    pinned;                 /* at least one of the four items is         */
	bool    has_fetched_at;         /* none of them is pinned                    */
	int64_t fetched_at;             /* of the one fetched longest ago            */
	uint64_t generation;            /* of the parsed set, for the log            */
};

struct dcap_result {
	enum dcap_outcome outcome;
	bool    clock_behind;           /* `why` is about our clock: "Internal error: " stands before it */

	bool    has_quote;              /* it parsed: quote is filled, also when refused */
	struct quote quote;             /* spans into the request's bytes            */
	bool    has_platform;           /* the PCK chain is Intel's: filled, also when refused */
	struct dcap_platform platform;

	size_t  nneeds;
	struct dv_key needs[DCAP_NEEDS_MAX];

	/* Only when verified. */
	struct tcb_match tcb;
	struct dcap_collateral collateral;
	size_t  nwarnings;
	struct bytes warnings[DCAP_WARNINGS_MAX];       /* in the arena              */
};

/*
 * dcap_verify - judge one quote
 *
 *   out     everything `details` and `quote` show; filled as far as judging came
 *   arena   holds advisories and warnings; nothing in `out` points into the context
 *   why     filled unless verified or in need; without the caller's prefix
 *           (`Quote verification failed: failed to verify TDX quote: `)
 *   gives   out->outcome
 *   cost    one public-key operation when platform, QE report and collateral are known;
 *           3 for a new platform, 2 for a new QE report, 9 with everything cold
 */
enum dcap_outcome dcap_verify(struct dcap_result *out, struct dcap *dcap,
    const struct dcap_request *request, struct arena *arena, struct reason *why);

/*
 * dcap_freshness_check - the operator's limits on the age of collateral
 *
 *   max_age_secs    policy.max_collateral_age_secs; 0: off.  TCB info, QE identity and PCK
 *                   CRL, by their signed dates; 300 s in the future are forgiven
 *   min_number      policy.min_tcb_evaluation_data_number, of TCB info and QE identity
 *   fails   REFUSED  text without the prefix `Policy check failed: `
 */
bool    dcap_freshness_check(const struct dcap_result *result, int64_t max_age_secs,
            uint32_t min_number, int64_t now, struct reason *why) MUST_CHECK;

#endif
