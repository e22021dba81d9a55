/*
 * dcap_context.h - what a context holds; for dcap.c and dcap_verify.c only
 */
#ifndef DCAP_DCAP_CONTEXT_H
#define DCAP_DCAP_CONTEXT_H

#include "dcap/anchor.h"
#include "dcap/collateral.h"
#include "dcap/dcap.h"
#include "dcap/marks.h"

#define DCAP_MAX_ITEMS          512     /* of all kinds; a set is four, most shared  */

struct dcap {
	struct dcap_config config;      /* anchor: not used after the start          */
	struct anchor *anchor;
	struct signature_memo *signatures;
	struct pck_chain_memo *chains;
	struct marks *marks;
	struct arena *scratch;          /* decoded PEM of one call                   */
	int64_t seen;                   /* the newest date that a signature vouched for */
	unsigned long nops;
	uint64_t generation;            /* counts changes of the items               */
	uint64_t nuses;
	size_t  nitems;
	struct collateral *items[DCAP_MAX_ITEMS];
};

/* The tools of this context, for one call. */
struct chain_tools dcap_tools(struct dcap *dcap);

/* The item of a key, pinned ones first; NULL: none.  Counts as a use. */
struct collateral *dcap_item_find(struct dcap *dcap, const struct dv_key *key);

/* The pinned item given last of a kind, whatever its key; NULL: none. */
struct collateral *dcap_pinned_find(struct dcap *dcap, enum dv_fact_type type);

#endif
