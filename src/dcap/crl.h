/*
 * crl.h - a certificate revocation list
 *
 * A parsed CRL owns all it needs; the DER may go.  The revoked serials lie sorted, so asking for
 * one is a binary search.  Reading, signature and use are apart: a signature is checked once when a
 * collateral set is made, dates and serials at every use.
 */
#ifndef DCAP_CRL_H
#define DCAP_CRL_H

#include "core/bytes.h"
#include "core/reason.h"
#include "dcap/cert.h"
#include "dcap/ecdsa.h"

#define CRL_MAX_LEN             (4u << 20)      /* PCK CRL; the caller caps a root CRL at 256 KiB */
#define CRL_NUMBER_MAX_LEN      20
#define CRL_NAME_MAX_LEN        1024            /* the issuer's name, DER                        */
#define CRL_SKEW_S              300             /* how far ahead thisUpdate may be               */

struct crl_serial {
	uint8_t len;
	uint8_t bytes[CERT_SERIAL_MAX_LEN];
};

struct crl {
	uint8_t digest[SHA256_DIGEST_LENGTH];   /* of the signed part                  */
	uint8_t signature[P256_DER_SIGNATURE_MAX];
	size_t  signature_len;
	uint8_t issuer[CRL_NAME_MAX_LEN];       /* Name, whole DER                     */
	size_t  issuer_len;
	int64_t this_update;
	int64_t next_update;                    /* exclusive: equal is expired         */
	bool    has_number;
	uint8_t number[CRL_NUMBER_MAX_LEN];     /* cRLNumber, big-endian, right-aligned:
	                                           memcmp() compares two               */
	bool    only_user;                      /* issuingDistributionPoint: leaves    */
	bool    only_ca;                        /* or CA certificates only             */
	size_t  n_revoked;
	struct crl_serial *revoked;             /* sorted                              */
};

/*
 * crl_read - one CRL, version 2, and nothing behind it
 *
 *   fails   MALFORMED    "Failed to parse CRL: <Name>": BadDer, BadDerTime, TrailingData,
 *                        InvalidSerialNumber, InvalidCrlNumber, ExtensionValueInvalid,
 *                        SignatureAlgorithmMismatch
 *           UNSUPPORTED  likewise: UnsupportedCrlVersion, UnsupportedSignatureAlgorithm,
 *                        UnsupportedCriticalExtension, UnsupportedDeltaCrl,
 *                        UnsupportedIndirectCrl, UnsupportedCrlIssuingDistributionPoint
 *                        (attribute certificates, some reasons, or a name: Intel has none)
 *           LIMIT        longer than CRL_MAX_LEN; INTERNAL without memory
 *   cost    about 30 bytes of memory per entry; n log n compares when the list is not sorted
 *   source  RFC 5280 5
 */
bool    crl_read(struct crl **out, struct bytes der, struct reason *why) MUST_CHECK;
void    crl_free(struct crl *crl);
AUTO_DEFINE(struct crl, crl_free)

/* The signature: REFUSED "InvalidCrlSignatureForPublicKey".  One verification. */
bool    crl_verify(const struct crl *crl, const struct p256_key *issuer, unsigned long *nops,
    struct reason *why) MUST_CHECK;

/*
 * crl_dates_check - inside its window
 *
 *   fails   REFUSED      "CrlNotYetValid" (now + CRL_SKEW_S < thisUpdate),
 *                        "CrlExpired { time: UnixTime(..), next_update: UnixTime(..) }"
 */
bool    crl_dates_check(const struct crl *crl, int64_t now, struct reason *why) MUST_CHECK;

/* Whether the serial (INTEGER content bytes) is revoked. */
bool    crl_has(const struct crl *crl, struct bytes serial);

static inline struct bytes
crl_issuer(const struct crl *crl)
{
	return (struct bytes){ crl->issuer, crl->issuer_len };
}

/*
 * crl_find - the list that speaks for certificates of this issuer
 *
 *   crls    tried in order; NULL entries are skipped
 *   is_ca   whether the certificate in question is a CA (issuingDistributionPoint)
 *   gives   NULL when there is none: the caller's "UnknownRevocationStatus"
 */
const struct crl *crl_find(const struct crl *const crls[], size_t n, struct bytes issuer,
    bool is_ca);

/*
 * crl_revocation_check - one certificate against the lists at hand
 *
 *   issuer  the certificate's issuer name, whole DER
 *   serial  INTEGER content bytes
 *   fails   REFUSED      "UnknownRevocationStatus", the texts of crl_dates_check(),
 *                        "CertRevoked"
 *
 * Signatures of the lists are not looked at: crl_verify() was done when they were accepted, and
 * whoever knows the issuer's certificate has asked may_sign_crls ("IssuerNotCrlSigner").
 */
bool    crl_revocation_check(const struct crl *const crls[], size_t n, struct bytes issuer,
    struct bytes serial, bool is_ca, int64_t now, struct reason *why) MUST_CHECK;

#endif
