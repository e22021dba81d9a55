/*
 * pck_chain.h - the two fixed shapes a chain may have
 *
 *      PCK:        leaf <- PCK CA <- anchor        exactly one intermediate
 *      collateral: signer <- anchor                none, and not a PCK certificate
 *
 * No path is searched: certificates are picked from the supplied list by issuer name, extra ones
 * are ignored; only a copy of the root must have the anchor's key.  Nothing here knows revocation; what it needs is in the struct.
 */
#ifndef DCAP_PCK_CHAIN_H
#define DCAP_PCK_CHAIN_H

#include "core/arena.h"
#include "dcap/anchor.h"
#include "dcap/cert.h"
#include "dcap/memo.h"
#include "dcap/pck.h"

#define PCK_NAME_MAX_LEN        512     /* the CA's name, DER; real: 114 bytes */

/* What verification works with; borrowed, for the time of the calls. */
struct chain_tools {
	const struct anchor *anchor;
	struct signature_memo *signatures;      /* NULL: nothing is remembered         */
	struct pck_chain_memo *chains;          /* likewise                            */
	struct arena *arena;                    /* decoded PEM; results do not need it */
	unsigned long *nops;                    /* public-key operations, added to     */
};

/* What outlives a certificate's bytes. */
struct chain_cert {
	struct p256_key key;
	uint8_t serial[CERT_SERIAL_MAX_LEN];
	size_t  serial_len;
	int64_t not_before;
	int64_t not_after;              /* inclusive */
};

static inline struct bytes
chain_cert_serial(const struct chain_cert *cert)
{
	return (struct bytes){ cert->serial, cert->serial_len };
}

/* A verified PCK chain.  Counted references, so that a memo's eviction harms no user of it. */
struct pck_chain {
	size_t  nrefs;
	struct pck pck;                         /* SGX extension of the leaf           */
	enum dv_pck_ca ca_kind;
	struct chain_cert leaf;                 /* its key signed the QE report        */
	struct chain_cert ca;                   /* its issuer is the anchor            */
	bool    ca_may_sign_crls;
	uint8_t ca_name[PCK_NAME_MAX_LEN];      /* CA's subject = leaf's issuer        */
	size_t  ca_name_len;
};

static inline struct bytes
pck_chain_ca_name(const struct pck_chain *chain)
{
	return (struct bytes){ chain->ca_name, chain->ca_name_len };
}

/*
 * pck_chain_verify - certification data 5 up to the anchor: steps 16 and 17 without revocation
 *
 *   out     a reference of the caller's; pck_chain_free() drops it
 *   pem     the quote's certification data, or the chain of a pckcert answer
 *   now     both dates are checked, remembered or not
 *   fails   MALFORMED    "Failed to extract PCK certificates from quote: <what>",
 *                        "Certificate chain is too short in quote",
 *                        "Failed to parse PCK certificate: <Name>", "Intel extension not found",
 *                        texts of pck_read()
 *           REFUSED      "Failed to verify certificate chain: <Name>": CertExpired {..},
 *                        CertNotValidYet {..}, CaUsedAsEndEntity, EndEntityUsedAsCa,
 *                        PathLenConstraintViolated, RequiredEkuNotFound, UnknownIssuer,
 *                        InvalidSignatureForPublicKey; "Unknown PCK issuer"
 *   cost    two verifications; one hash of the data when remembered
 *
 * The anchor's own validity is anchor_check()'s.  Left to whoever has the CRLs: the CA's serial
 * in the root CRL, the leaf's in a CRL of pck_chain_ca_name(), and that this CRL was signed by
 * chain->ca.key.
 */
bool    pck_chain_verify(struct pck_chain **out, const struct chain_tools *tools,
    struct bytes pem, int64_t now, struct reason *why) MUST_CHECK;
void    pck_chain_free(struct pck_chain *chain);

/* Another reference, for which there must be a pck_chain_free() of its own; gives `chain`. */
struct pck_chain *pck_chain_ref(struct pck_chain *chain);
AUTO_DEFINE(struct pck_chain, pck_chain_free)

/*
 * signer_chain_verify - the signer of TCB info or QE identity, directly under the anchor
 *
 *   out     owned by the caller: chain_cert_fini() frees its key
 *   what    "TCB Info" or "QE Identity", for the texts
 *   pem     issuer chain as text; the signer is its first certificate
 *   fails   MALFORMED    "Certificate chain is too short for <what>",
 *                        "Failed to parse <what> leaf certificate: <Name>"
 *           REFUSED      "Failed to verify certificate chain: <Name>",
 *                        "TCB signing certificate is not one": it carries the SGX extension, or
 *                        under Intel's anchor another common name than Intel SGX TCB Signing
 *   cost    one verification, none when remembered
 *
 * Dates are not looked at: the caller asks cert_dates_check(out->not_before, ...) when it uses the
 * signer, with "Failed to verify certificate chain" before it.
 */
bool    signer_chain_verify(struct chain_cert *out, const struct chain_tools *tools,
    const char *what, struct bytes pem, struct reason *why) MUST_CHECK;
void    chain_cert_fini(struct chain_cert *cert);

#endif
