/*
 * x509.h - what certificates and CRLs have in common: the signed frame, extensions, serials
 *
 * For cert.c and crl.c only.  CBS refuses lengths that are not definite and minimal, so all that
 * is left of DER's rules is asked here.
 */
#ifndef DCAP_X509_H
#define DCAP_X509_H

#include "core/bytes.h"
#include "core/reason.h"

#define X509_MAX_EXTENSIONS     32

/* SEQUENCE { signed part, algorithm, BIT STRING }, nothing behind it. */
struct x509_frame {
	struct bytes tbs;               /* the signed part, whole DER                  */
	CBS     in;                     /* its content                                 */
	CBS     algorithm;              /* outer AlgorithmIdentifier, whole DER        */
	struct bytes signature;         /* content of the BIT STRING                   */
};

/* MALFORMED "BadDer", "TrailingData". */
bool    x509_frame_read(struct x509_frame *out, struct bytes der, struct reason *why) MUST_CHECK;

/*
 * x509_algorithm_read - the inner AlgorithmIdentifier: ecdsa-with-SHA256, equal to the outer one
 *
 *   fails   "BadDer", "SignatureAlgorithmMismatch", "UnsupportedSignatureAlgorithm"
 */
bool    x509_algorithm_read(const struct x509_frame *frame, CBS *in,
    struct reason *why) MUST_CHECK;

/* Content of an INTEGER, minimal, not negative, at most max_len bytes; else MALFORMED `text`. */
bool    x509_integer_read(struct bytes *out, CBS *in, size_t max_len, const char *text,
    struct reason *why) MUST_CHECK;

/* BOOLEAN that may be absent: false then. */
bool    x509_boolean_read(bool *out, CBS *in) MUST_CHECK;

struct x509_extension {
	CBS     oid;                    /* content bytes */
	bool    critical;
	CBS     value;                  /* what is in the OCTET STRING */
};

/*
 * x509_extensions_read - all extensions, handed one by one to `each`
 *
 *   in      content of the SEQUENCE OF; drained
 *   fails   "BadDer"; "ExtensionValueInvalid" when an OID is repeated; LIMIT for more than
 *           X509_MAX_EXTENSIONS; whatever `each` says
 */
bool    x509_extensions_read(CBS *in,
    bool (*each)(void *ctx, struct x509_extension *extension, struct reason *why), void *ctx,
    struct reason *why) MUST_CHECK;

/* Last byte of an OID under id-ce (2.5.29), 0 for another OID. */
uint8_t x509_id_ce(const CBS *oid);

enum {
	ID_CE_KEY_USAGE = 15,
	ID_CE_SUBJECT_ALT_NAME = 17,
	ID_CE_BASIC_CONSTRAINTS = 19,
	ID_CE_CRL_NUMBER = 20,
	ID_CE_CRL_REASON = 21,
	ID_CE_DELTA_CRL = 27,
	ID_CE_ISSUING_DISTRIBUTION_POINT = 28,
	ID_CE_CERTIFICATE_ISSUER = 29,
	ID_CE_NAME_CONSTRAINTS = 30,
	ID_CE_CRL_DISTRIBUTION_POINTS = 31,
	ID_CE_EXTENDED_KEY_USAGE = 37,
};

#endif
