#include "dcap/pck_chain.h"

#include <stdlib.h>

#include "dcap/pem.h"

#define TCB_SIGNER_CN   "Intel SGX TCB Signing"

static bool
chain_refuse(struct reason *why)
{
	return reject_as(why, "Failed to verify certificate chain");
}

static bool
unknown_issuer(struct reason *why)
{
	return reject(why, REASON_REFUSED, "UnknownIssuer");
}

static bool
chain_cert_init(struct chain_cert *out, const struct cert *cert, struct reason *why)
{
	*out = (struct chain_cert){
		.serial_len = cert->serial.len,
		.not_before = cert->not_before,
		.not_after = cert->not_after,
	};
	bytes_copy(out->serial, cert->serial);
	/* A point off the curve: what rustls-webpki says of a key it cannot use. */
	return p256_key_init(&out->key, BYTES_OF(cert->point), why) ||
	    ecdsa_refuse(why, "InvalidSignatureForPublicKey");
}

void
chain_cert_fini(struct chain_cert *cert)
{
	p256_key_fini(&cert->key);
}

void
pck_chain_free(struct pck_chain *chain)
{
	if (chain == NULL || --chain->nrefs != 0)
		return;
	chain_cert_fini(&chain->leaf);
	chain_cert_fini(&chain->ca);
	free(chain);
}

struct pck_chain *
pck_chain_ref(struct pck_chain *chain)
{
	chain->nrefs++;
	return chain;
}

/*
 * The leaf's issuer, among the certificates behind it.  Those that do not parse are of interest
 * only when no other is the one: a damaged copy of the root harms nobody.
 */
static bool
issuer_find(struct cert *out, const struct pem_chain *pem, struct bytes name, struct reason *why)
{
	bool damaged = false;
	size_t i;

	for (i = 1; i < pem->n; i++) {
		if (!cert_read(out, pem->der[i], why))
			damaged = true;
		else if (bytes_equal(out->subject, name))
			return true;
	}
	return damaged ? false : unknown_issuer(why);
}

/*
 * Copies of the root are not needed and not trusted, but one with another key than the anchor's is
 * no copy.  Stricter: upstream passes it over, Intel's library does not.
 */
static bool
roots_check(const struct pem_chain *pem, const struct anchor *anchor, struct reason *why)
{
	struct reason ignored;
	struct cert cert;
	size_t i;

	for (i = 1; i < pem->n; i++) {
		if (!cert_read(&cert, pem->der[i], &ignored))
			continue;
		if (bytes_equal(cert.subject, anchor->cert.subject) &&
		    memcmp(cert.point, anchor->key.point, P256_POINT_LEN) != 0)
			return unknown_issuer(why);
	}
	return true;
}

/* What can be said of both before any signature is checked. */
static bool
pck_shape_check(struct cert *ca, const struct cert *leaf, const struct pem_chain *pem,
    const struct anchor *anchor, int64_t now, struct reason *why)
{
	if (!cert_dates_check(leaf->not_before, leaf->not_after, now, why) ||
	    !cert_leaf_check(leaf, why) ||
	    !issuer_find(ca, pem, leaf->issuer, why) ||
	    !cert_dates_check(ca->not_before, ca->not_after, now, why) ||
	    !cert_issuer_check(ca, 0, why))
		return false;
	if (!bytes_equal(ca->issuer, anchor->cert.subject))
		return unknown_issuer(why);
	return roots_check(pem, anchor, why);
}

static bool
pck_signatures_verify(struct pck_chain *chain, const struct cert *leaf, const struct cert *ca,
    const struct chain_tools *tools, struct reason *why)
{
	return chain_cert_init(&chain->ca, ca, why) &&
	    chain_cert_init(&chain->leaf, leaf, why) &&
	    cert_verify(ca, &tools->anchor->key, tools->signatures, tools->nops, why) &&
	    cert_verify(leaf, &chain->ca.key, tools->signatures, tools->nops, why);
}

static bool
pck_platform_read(struct pck_chain *chain, const struct cert *leaf, const struct cert *ca,
    const struct anchor *anchor, struct reason *why)
{
	if (leaf->sgx.len == 0)
		return reject(why, REASON_MALFORMED, "Intel extension not found");
	if (ca->subject.len > sizeof chain->ca_name)
		return reject(why, REASON_LIMIT, "PCK CA name is longer than %d bytes",
		    PCK_NAME_MAX_LEN);
	chain->ca_name_len = ca->subject.len;
	bytes_copy(chain->ca_name, ca->subject);
	chain->ca_may_sign_crls = ca->may_sign_crls;
	return pck_read(&chain->pck, leaf->sgx, why) &&
	    pck_ca_read(&chain->ca_kind, leaf->issuer_cn, anchor->production, why);
}

static bool
pck_chain_read(struct pck_chain **out, const struct chain_tools *tools, struct bytes text,
    int64_t now, struct reason *why)
{
	AUTO(pck_chain_free) struct pck_chain *chain = NULL;
	struct pem_chain pem;
	struct cert leaf, ca;

	if (!pem_chain_read(&pem, tools->arena, text, why))
		return reject_as(why, "Failed to extract PCK certificates from quote");
	if (pem.n < 2)
		return reject(why, REASON_MALFORMED, "Certificate chain is too short in quote");
	if (!cert_read(&leaf, pem.der[0], why))
		return reject_as(why, "Failed to parse PCK certificate");
	if (!pck_shape_check(&ca, &leaf, &pem, tools->anchor, now, why))
		return chain_refuse(why);

	chain = calloc(1, sizeof *chain);
	if (chain == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	chain->nrefs = 1;
	if (!pck_signatures_verify(chain, &leaf, &ca, tools, why))
		return chain_refuse(why);
	if (!pck_platform_read(chain, &leaf, &ca, tools->anchor, why))
		return false;
	*out = TAKE(chain);
	return true;
}

/* What a remembered chain is asked again. */
static bool
pck_chain_dates_check(const struct pck_chain *chain, int64_t now, struct reason *why)
{
	if (!cert_dates_check(chain->leaf.not_before, chain->leaf.not_after, now, why) ||
	    !cert_dates_check(chain->ca.not_before, chain->ca.not_after, now, why))
		return chain_refuse(why);
	return true;
}

bool
pck_chain_verify(struct pck_chain **out, const struct chain_tools *tools,
    struct bytes pem, int64_t now, struct reason *why)
{
	AUTO(pck_chain_free) struct pck_chain *chain = NULL;
	struct memo_key key;

	*out = NULL;
	if (tools->chains == NULL)
		return pck_chain_read(out, tools, pem, now, why);
	pck_chain_memo_key(&key, &tools->anchor->key, pem);
	chain = pck_chain_memo_find(tools->chains, &key);
	if (chain == NULL) {
		if (!pck_chain_read(&chain, tools, pem, now, why))
			return false;
		pck_chain_memo_add(tools->chains, &key, chain);
	} else if (!pck_chain_dates_check(chain, now, why)) {
		return false;
	}
	*out = TAKE(chain);
	return true;
}

/* Without this any PCK certificate could sign collateral.  Stricter: upstream lets it. */
static bool
signer_check(const struct cert *cert, const struct anchor *anchor, struct reason *why)
{
	if (cert->sgx.len != 0 || (anchor->production &&
	    !bytes_equal(cert->subject_cn, bytes_str(TCB_SIGNER_CN))))
		return reject(why, REASON_REFUSED, "TCB signing certificate is not one");
	return true;
}

bool
signer_chain_verify(struct chain_cert *out, const struct chain_tools *tools,
    const char *what, struct bytes pem, struct reason *why)
{
	struct pem_chain chain;
	struct cert cert;

	*out = (struct chain_cert){ .serial_len = 0 };
	if (!pem_chain_read(&chain, tools->arena, pem, why))
		return reject_as(why, "Failed to extract certificates for %s", what);
	/* Upstream wants two, the second being the root that nobody looks at. */
	if (chain.n < 2)
		return reject(why, REASON_MALFORMED,
		    "Certificate chain is too short for %s", what);
	if (!cert_read(&cert, chain.der[0], why))
		return reject_as(why, "Failed to parse %s leaf certificate", what);
	if (!cert_leaf_check(&cert, why))
		return chain_refuse(why);
	if (!bytes_equal(cert.issuer, tools->anchor->cert.subject)) {
		(void)unknown_issuer(why);
		return chain_refuse(why);
	}
	if (!roots_check(&chain, tools->anchor, why) ||
	    !cert_verify(&cert, &tools->anchor->key, tools->signatures, tools->nops, why))
		return chain_refuse(why);
	return signer_check(&cert, tools->anchor, why) && chain_cert_init(out, &cert, why);
}
