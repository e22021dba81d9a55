/*
 * mock_world.h - a whole TDX machine that does not exist: quote, log, document, collateral
 *
 * Its platform is that of mock_collateral.h.  Its kernel is its owner's, its document describes
 * that kernel and fits its own hash, and its events name somebody else's application, whose log
 * is public.  Everything holds together; only nobody vouches for it.  A test spoils one part
 * and asks.
 */
#ifndef TESTS_SUPPORT_MOCK_WORLD_H
#define TESTS_SUPPORT_MOCK_WORLD_H

#include "../teesim/mock_collateral.h"
#include "dstack-verifier/verify.h"
#include "sample.h"

#define WORLD_APP_ID  "86b0e55f2fa8e4fb69d890f14f54d5612707646e"
#define WORLD_FAILURES        8

struct world {
	struct mock mock;
	struct sample sample;           /* the real attestation that log and shape are from */
	struct evidence evidence;       /* what is sent; quote is made by world_body() */
	struct dv_policy policy;        /* not settled, when it is the profile's     */
	bool    builtin_root;           /* Intel's root in place of the platform's   */
	bool    pinned_at, full_reason;
	bool    pin;                    /* collateral as --collateral gives it       */
	bool    offer[4];               /* these of mock_kinds, as fetched           */
	bool    v1;                     /* sent as MessagePack                       */
	bool    keep_rtmr3;             /* what a test put there, not the log's replay */
	int64_t serve_stale_max_secs;
	int64_t now;
	struct dv_failure failures[WORLD_FAILURES];
	size_t  nfailures;
	const char *insert;             /* members put at the request's front        */
	struct bytes body;              /* the whole request; empty: world_body()  */

	struct dv_context *context;
	struct dv_answer answer;
	const char *json;               /* of the answer, NUL-terminated; "" when there is none */
};

/* The four items, in the order in which they are asked for. */
extern const enum dv_fact_type world_kinds[4];

/* Sound, with its own root as the anchor and all items offered as fetched. */
void    world_init(struct world *m);
void    world_fini(struct world *m);

/* Puts another vm_config in place and, without a `lite` member, legacy evidence. */
void    world_config(struct world *m, const char *json);

/* The request as posted. */
struct bytes world_body(struct world *m);

/* A context of these options, facts included; world_ask() makes one when there is none. */
void    world_context(struct world *m);

/* One call of dv_verify(). */
void    world_ask(struct world *m);

/* Fails the test unless the answer has this text somewhere. */
void    world_expect(const struct world *m, const char *row, const char *text);

#endif
