/*
 * collateral.h - one item of Intel's collateral: made, authenticated, judged by its window
 *
 * Four kinds: TCB info, QE identity, PCK CRL, root CA CRL; a fetched PCK certificate counts
 * as a fifth.  A fetched item is authenticated before its content is read; an item of the
 * operator's own file is read first, since he vouches for it, and authenticated when a quote
 * first needs it.
 *
 * Nothing between items is remembered here: that a signer is not revoked, or that a CRL is
 * of the CA of a quote's chain, is asked for each quote.
 */
#ifndef DCAP_COLLATERAL_H
#define DCAP_COLLATERAL_H

#include "core/arena.h"
#include "dcap/crl.h"
#include "dcap/marks.h"
#include "dcap/pck_chain.h"
#include "dcap/pem.h"
#include "dcap/qe_identity.h"
#include "dcap/tcb_info.h"
#include "dstack-verifier/facts.h"

#define COLLATERAL_ROOT_CRL_MAX_LEN     ((size_t)256 << 10)
#define COLLATERAL_NAME_SIZE            40

enum collateral_state {
	COLLATERAL_UNSETTLED = 0,       /* nothing was authenticated yet             */
	COLLATERAL_GOOD,
	COLLATERAL_BAD,                 /* for ever: `why`                           */
};

struct collateral {
	struct dv_key key;
	bool    pinned;
	int64_t fetched_at;             /* 0: not known                              */
	uint8_t digest[SHA256_DIGEST_LENGTH];   /* of what was given                 */
	uint64_t used;                  /* the context's count of uses               */

	enum collateral_state state;
	struct reason why;
	bool    readable;               /* the content was read: window and values hold */
	struct dv_dates dates;
	int64_t valid_from;             /* of the item with its signer's certificate; CRLs  */
	int64_t valid_until;            /* with the skew allowed; exclusive          */

	struct arena *arena;            /* owns what the spans below point to        */
	struct bytes text;              /* what a document's signature covers; DER; PEM */
	struct bytes signature;
	struct bytes chain;             /* PEM; may be empty                         */

	struct tcb_info tcb;
	struct qe_identity qe;
	struct chain_cert signer;       /* of a document, when good                  */
	struct crl *crl;
	uint8_t crl_key[P256_POINT_LEN];        /* under which its signature held; or zero */
};

void    collateral_free(struct collateral *item);
AUTO_DEFINE(struct collateral, collateral_free)

/* "TCB info for FMSPC 00906ED50000", "QE identity", "PCK CRL (platform)", ... */
void    collateral_name(char name[COLLATERAL_NAME_SIZE], const struct dv_key *key);

/* Whether two keys name the same item. */
bool    collateral_key_equal(const struct dv_key *a, const struct dv_key *b);

/*
 * collateral_fetched_new - what a server sent for a key
 *
 *   Only the envelope is opened: {"tcbInfo":..,"signature":..}, a CRL in DER or in hex.
 *   fails   MALFORMED, LIMIT
 */
bool    collateral_fetched_new(struct collateral **out, const struct dv_key *key,
            const struct dv_fact *fact, struct reason *why) MUST_CHECK;

/*
 * collateral_pinned_new - from the operator's file; text is the exact signed bytes
 *
 *   key     its type must be set; the rest is filled from the content, `early` is kept
 *   An item that cannot be read is made all the same, as BAD with the quote's text
 *   fails   INTERNAL     out of memory
 */
bool    collateral_pinned_new(struct collateral **out, const struct dv_key *key,
            struct bytes text, struct bytes signature, struct bytes chain,
            struct reason *why) MUST_CHECK;

/*
 * collateral_settle - authenticate it, and read it when that was not done
 *
 *   A PCK CRL without a chain stays unauthenticated until collateral_crl_verify().
 *   fails   the item's own reason, kept; INTERNAL is not kept
 *   cost    at most two verifications (certificates are remembered)
 */
bool    collateral_settle(struct collateral *item, const struct chain_tools *tools,
            struct reason *why) MUST_CHECK;

/* Whether the CRL is signed by this key: REFUSED, at most one verification for each new key. */
bool    collateral_crl_verify(struct collateral *item, const struct p256_key *key,
            unsigned long *nops, struct reason *why) MUST_CHECK;

/*
 * collateral_window_check - the dates of a readable item itself, not of its signer
 *
 *   fails   REFUSED  `TCBInfo expired`, `CrlExpired { .. }`, ...
 */
bool    collateral_window_check(const struct collateral *item, int64_t now,
            struct reason *why) MUST_CHECK;

/* Whether item and signer are inside their windows. */
static inline bool
collateral_current(const struct collateral *item, int64_t now)
{
	return item->readable && item->valid_from <= now && now < item->valid_until;
}

/*
 * collateral_key_check - a fetched item is what its key says; REFUSED
 *
 * Else a server that mixes up its items would make genuine quotes look bad.
 */
bool    collateral_key_check(const struct collateral *item, struct reason *why) MUST_CHECK;

/* Date and number, for marks. */
void    collateral_values(struct mark_values *values, const struct collateral *item);

#endif
