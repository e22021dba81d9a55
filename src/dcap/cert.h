/*
 * cert.h - one X.509 certificate, as much of it as Intel's chains need
 *
 * Version 3, P-256 and SHA-256 only.  Spans point into the DER, which must outlive the struct.
 * Reading judges form; dates, role and signature are asked separately, because the first of them
 * is asked again at every use.  Texts are the names that the Rust verifier's chain code
 * (rustls-webpki) prints, since clients see them behind "Failed to verify certificate chain: ".
 */
#ifndef DCAP_CERT_H
#define DCAP_CERT_H

#include "core/bytes.h"
#include "core/reason.h"
#include "dcap/ecdsa.h"
#include "dcap/memo.h"

#define CERT_MAX_LEN            (64u << 10)
#define CERT_SERIAL_MAX_LEN     21      /* content bytes: 20 and a zero for the sign    */

struct cert {
	struct bytes der;
	struct bytes tbs;               /* what the signature covers                       */
	struct bytes signature;         /* DER Ecdsa-Sig-Value                             */
	struct bytes serial;            /* INTEGER content bytes                           */
	struct bytes issuer;            /* Name, whole DER; compared byte for byte         */
	struct bytes subject;           /* likewise                                        */
	struct bytes issuer_cn;         /* content of the only common name; empty: none    */
	struct bytes subject_cn;        /* likewise                                        */
	int64_t not_before;
	int64_t not_after;              /* inclusive                                       */
	uint8_t point[P256_POINT_LEN];  /* public key, not yet known to be on the curve    */
	bool    is_ca;                  /* basicConstraints cA                             */
	int     path_len;               /* pathLenConstraint, -1 without                   */
	bool    has_key_usage;
	bool    may_sign_crls;          /* cRLSign, or no keyUsage at all                  */
	bool    has_eku;
	bool    eku_server_auth;
	struct bytes sgx;               /* value of the SGX extension; empty: none         */
	struct bytes crl_dp;            /* value of cRLDistributionPoints; empty: none     */
};

/*
 * cert_read - one certificate and nothing behind it
 *
 *   fails   MALFORMED    "BadDer", "BadDerTime", "TrailingData", "InvalidCertValidity",
 *                        "InvalidSerialNumber", "ExtensionValueInvalid" (also: one repeated),
 *                        "SignatureAlgorithmMismatch"
 *           UNSUPPORTED  "UnsupportedCertVersion", "UnsupportedSignatureAlgorithm",
 *                        "UnsupportedSignatureAlgorithmForPublicKey",
 *                        "UnsupportedCriticalExtension"
 *           LIMIT        longer than CERT_MAX_LEN, more than X509_MAX_EXTENSIONS extensions
 *   source  RFC 5280 4.1; DER as X.690 has it
 */
bool    cert_read(struct cert *out, struct bytes der, struct reason *why) MUST_CHECK;

/*
 * cert_dates_check - not_before <= now <= not_after, both inclusive
 *
 *   fails   REFUSED      "CertNotValidYet { time: UnixTime(1), not_before: UnixTime(2) }",
 *                        "CertExpired { time: UnixTime(2), not_after: UnixTime(1) }"
 *
 * Takes dates, not a certificate, because memos keep dates only.
 */
bool    cert_dates_check(int64_t not_before, int64_t not_after, int64_t now,
    struct reason *why) MUST_CHECK;

/* A leaf: "CaUsedAsEndEntity", "RequiredEkuNotFound" (an EKU without serverAuth). */
bool    cert_leaf_check(const struct cert *cert, struct reason *why) MUST_CHECK;

/* An issuer with n_below CAs under it: "EndEntityUsedAsCa", "PathLenConstraintViolated", EKU. */
bool    cert_issuer_check(const struct cert *cert, int n_below, struct reason *why) MUST_CHECK;

/*
 * cert_verify - the certificate's signature by a key
 *
 *   memo    asked first and told of a success; NULL for none
 *   fails   REFUSED      "InvalidSignatureForPublicKey"; INTERNAL no memory
 *   cost    one verification, counted in nops, unless the memo knows it
 */
bool    cert_verify(const struct cert *cert, const struct p256_key *issuer,
    struct signature_memo *memo, unsigned long *nops, struct reason *why) MUST_CHECK;

#endif
