#include "dcap/ecdsa.h"

#include <openssl/bn.h>
#include <openssl/ec_key.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/nid.h>

AUTO_DEFINE(EC_POINT, EC_POINT_free)
AUTO_DEFINE(EC_KEY, EC_KEY_free)
AUTO_DEFINE(ECDSA_SIG, ECDSA_SIG_free)
AUTO_DEFINE(BIGNUM, BN_free)

static bool
no_memory(struct reason *why)
{
	ERR_clear_error();
	return reject(why, REASON_INTERNAL, "out of memory");
}

/* A refusal, unless the library failed for want of memory.  Empties its error queue. */
static bool
library_refuse(struct reason *why, const char *text)
{
	if (ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE)
		return no_memory(why);
	ERR_clear_error();
	return reject(why, REASON_REFUSED, "%s", text);
}

static bool
signature_refuse(struct reason *why)
{
	return library_refuse(why, "InvalidSignatureForPublicKey");
}

bool
ecdsa_refuse(struct reason *why, const char *text)
{
	if (why->kind == REASON_INTERNAL)
		return false;
	return reject(why, REASON_REFUSED, "%s", text);
}

bool
p256_key_init(struct p256_key *key, struct bytes point, struct reason *why)
{
	AUTO(EC_KEY_free) EC_KEY *ec = NULL;
	AUTO(EC_POINT_free) EC_POINT *at = NULL;

	*key = (struct p256_key){ .point = { POINT_CONVERSION_UNCOMPRESSED } };
	if (point.len == P256_POINT_LEN)
		bytes_copy(key->point, point);
	else if (point.len == P256_POINT_LEN - 1)
		bytes_copy(key->point + 1, point);
	else
		return reject(why, REASON_REFUSED, "P-256 key has %zu bytes", point.len);
	if (key->point[0] != POINT_CONVERSION_UNCOMPRESSED)
		return reject(why, REASON_REFUSED, "P-256 key is not an uncompressed point");

	ec = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
	if (ec == NULL)
		return no_memory(why);
	at = EC_POINT_new(EC_KEY_get0_group(ec));
	if (at == NULL)
		return no_memory(why);
	if (!EC_POINT_oct2point(EC_KEY_get0_group(ec), at, key->point, sizeof key->point, NULL))
		return library_refuse(why, "P-256 key is not on the curve");
	if (!EC_KEY_set_public_key(ec, at))
		return no_memory(why);
	key->ec = TAKE(ec);
	return true;
}

void
p256_key_fini(struct p256_key *key)
{
	EC_KEY_free(key->ec);
	*key = (struct p256_key){ .ec = NULL };
}

void
p256_key_copy(struct p256_key *to, const struct p256_key *from)
{
	*to = *from;
	if (to->ec != NULL)
		EC_KEY_up_ref(to->ec);
}

static bool
signature_verify(const struct p256_key *key, const uint8_t digest[SHA256_DIGEST_LENGTH],
    const ECDSA_SIG *signature, unsigned long *nops, struct reason *why)
{
	++*nops;
	/* Refuses r and s outside 1..n-1; takes a high s, as it must. */
	if (ECDSA_do_verify(digest, SHA256_DIGEST_LENGTH, signature, key->ec) != 1)
		return signature_refuse(why);
	return true;
}

bool
ecdsa_verify_raw(const struct p256_key *key, const uint8_t digest[SHA256_DIGEST_LENGTH],
    struct bytes signature, unsigned long *nops, struct reason *why)
{
	AUTO(ECDSA_SIG_free) ECDSA_SIG *sig = NULL;
	AUTO(BN_free) BIGNUM *r = NULL;
	AUTO(BN_free) BIGNUM *s = NULL;

	if (signature.len != P256_SIGNATURE_LEN)
		return signature_refuse(why);
	sig = ECDSA_SIG_new();
	r = BN_bin2bn(signature.ptr, P256_SIGNATURE_LEN / 2, NULL);
	s = BN_bin2bn(signature.ptr + P256_SIGNATURE_LEN / 2, P256_SIGNATURE_LEN / 2, NULL);
	if (sig == NULL || r == NULL || s == NULL)
		return no_memory(why);
	if (!ECDSA_SIG_set0(sig, r, s))
		return no_memory(why);
	(void)TAKE(r);
	(void)TAKE(s);
	return signature_verify(key, digest, sig, nops, why);
}

bool
ecdsa_verify_der(const struct p256_key *key, const uint8_t digest[SHA256_DIGEST_LENGTH],
    struct bytes signature, unsigned long *nops, struct reason *why)
{
	AUTO(ECDSA_SIG_free) ECDSA_SIG *sig = NULL;

	if (signature.len > P256_DER_SIGNATURE_MAX)
		return signature_refuse(why);
	sig = ECDSA_SIG_from_bytes(signature.ptr, signature.len);
	if (sig == NULL)
		return signature_refuse(why);
	return signature_verify(key, digest, sig, nops, why);
}
