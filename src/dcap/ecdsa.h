/*
 * ecdsa.h - P-256 signatures, the only public-key operation there is in a quote's verification
 *
 * Keys are decoded once and kept; digests are SHA-256.  Every verification adds one to the caller's
 * counter, so that a test can count what a verdict costs (about 48 us each).  BoringSSL's error
 * queue is left empty.
 */
#ifndef DCAP_ECDSA_H
#define DCAP_ECDSA_H

#include <openssl/base.h>
#include <openssl/sha.h>

#include "core/bytes.h"
#include "core/reason.h"

#define P256_POINT_LEN          65      /* 0x04, X, Y                  */
#define P256_SIGNATURE_LEN      64      /* raw r, s, both big-endian   */
#define P256_DER_SIGNATURE_MAX  72      /* the longest DER form        */

/* A point on the curve.  All zero holds nothing and is fine to p256_key_fini(). */
struct p256_key {
	uint8_t point[P256_POINT_LEN];
	EC_KEY  *ec;
};

/*
 * p256_key_init - a key from an uncompressed point
 *
 *   point   65 bytes beginning with 4, or 64 bytes X and Y as quotes have it
 *   fails   REFUSED      another length, compressed, coordinates not below p, not on the curve
 *           INTERNAL     no memory
 */
bool    p256_key_init(struct p256_key *key, struct bytes point, struct reason *why) MUST_CHECK;
void    p256_key_fini(struct p256_key *key);

/* Another reference to the same key; `to` needs its own p256_key_fini(). */
void    p256_key_copy(struct p256_key *to, const struct p256_key *from);

static inline bool
p256_key_equal(const struct p256_key *a, const struct p256_key *b)
{
	return memcmp(a->point, b->point, P256_POINT_LEN) == 0;
}

/*
 * ecdsa_verify_raw, ecdsa_verify_der - one signature over a SHA-256 digest
 *
 *   signature  64 bytes r and s; or DER Ecdsa-Sig-Value without anything behind it.  Both must
 *              be in 1..n-1; a high s is fine (half of all genuine quotes have one)
 *   nops       counts verifications
 *   fails      REFUSED   "InvalidSignatureForPublicKey"
 *              INTERNAL  no memory
 *
 * A caller with a text of its own puts it in place with ecdsa_refuse().
 */
bool    ecdsa_verify_raw(const struct p256_key *key, const uint8_t digest[SHA256_DIGEST_LENGTH],
    struct bytes signature, unsigned long *nops, struct reason *why) MUST_CHECK;
bool    ecdsa_verify_der(const struct p256_key *key, const uint8_t digest[SHA256_DIGEST_LENGTH],
    struct bytes signature, unsigned long *nops, struct reason *why) MUST_CHECK;

/* Replaces the text of a refusal and keeps one of INTERNAL; gives false. */
bool    ecdsa_refuse(struct reason *why, const char *text);

#endif
