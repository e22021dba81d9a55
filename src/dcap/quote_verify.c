#include "dcap/quote_verify.h"

/*
 * Stricter: upstream does not look at the second half of the QE report's data.  It is zero in
 * every genuine quote seen.  One constant, so that a divergence can be bisected.
 */
#define QE_REPORT_DATA_TAIL_IS_ZERO     1

bool
qe_report_verify(struct memo_key *key, bool *hit, const struct quote *quote,
    const struct p256_key *pck, struct signature_memo *memo, unsigned long *nops,
    struct reason *why)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];

	SHA256(quote->qe_report.raw.ptr, quote->qe_report.raw.len, digest);
	signature_memo_key(key, MEMO_QE_REPORT, pck, digest, quote->qe_signature);
	*hit = memo != NULL && signature_memo_find(memo, key);
	if (*hit)
		return true;
	return ecdsa_verify_raw(pck, digest, quote->qe_signature, nops, why) ||
	    ecdsa_refuse(why, "Signature is invalid for qe_report in quote");
}

bool
qe_binding_check(const struct quote *quote, struct reason *why)
{
	const struct bytes data = quote->qe_report.report_data;
	const struct bytes head = { data.ptr, SHA256_DIGEST_LENGTH };
	const struct bytes tail = { data.ptr + head.len, data.len - head.len };
	uint8_t digest[SHA256_DIGEST_LENGTH];
	SHA256_CTX sha;

	if (quote->qe_auth_data.len != QUOTE_QE_AUTH_LEN)
		return reject(why, REASON_REFUSED, "Invalid QE auth data length");
	SHA256_Init(&sha);
	SHA256_Update(&sha, quote->attestation_key.ptr, quote->attestation_key.len);
	SHA256_Update(&sha, quote->qe_auth_data.ptr, quote->qe_auth_data.len);
	SHA256_Final(digest, &sha);
	if (!bytes_equal(head, BYTES_OF(digest)))
		return reject(why, REASON_REFUSED, "QE report hash mismatch");
	if (QE_REPORT_DATA_TAIL_IS_ZERO && !bytes_zero(tail))
		return reject(why, REASON_REFUSED, "QE report data tail is not zero");
	return true;
}

bool
quote_verify(const struct quote *quote, unsigned long *nops, struct reason *why)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	struct p256_key key;
	bool ok;

	if (!p256_key_init(&key, quote->attestation_key, why))
		return ecdsa_refuse(why, "ISV enclave report signature is invalid");
	SHA256(quote->body_signed.ptr, quote->body_signed.len, digest);
	ok = ecdsa_verify_raw(&key, digest, quote->signature, nops, why) ||
	    ecdsa_refuse(why, "ISV enclave report signature is invalid");
	p256_key_fini(&key);
	return ok;
}
