/*
 * anchor.h - the root that everything must end in
 *
 * Intel's, built in; or one from the configuration, which replaces it.  An anchor gives its subject
 * name, its key and its validity; a root inside a supplied chain is never trusted for being there.
 */
#ifndef DCAP_ANCHOR_H
#define DCAP_ANCHOR_H

#include "dcap/cert.h"

#define ANCHOR_MAX_LEN          (64u << 10)     /* a root CA file, PEM or DER */

struct anchor {
	uint8_t *der;                   /* owned; cert points into it                      */
	struct cert cert;
	struct p256_key key;
	bool    production;             /* Intel's: names are then checked exactly         */
};

/* Intel SGX Root CA; NULL with INTERNAL when memory is out. */
struct anchor *anchor_intel_new(struct reason *why);

/*
 * anchor_external_new - a root of somebody else's, from the bytes of a file
 *
 *   file    PEM when it begins with -----BEGIN (the first block counts), else DER; not kept
 *   fails   NULL, with "failed to parse TDX root CA PEM",
 *           "failed to parse TDX root CA certificate", "trailing data in TDX root CA",
 *           "TDX root certificate is not a CA",
 *           "TDX root certificate is not self-issued",
 *           "TDX root certificate is not signed by itself"
 */
struct anchor *anchor_external_new(struct bytes file, struct reason *why);

void    anchor_free(struct anchor *anchor);
AUTO_DEFINE(struct anchor, anchor_free)

/* Whether now is inside its validity: REFUSED "Failed to load root ca: CertExpired { .. }". */
bool    anchor_check(const struct anchor *anchor, int64_t now, struct reason *why) MUST_CHECK;

#endif
