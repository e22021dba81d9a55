/*
 * quote_verify.h - the two signatures in a quote and the hash that ties them together
 *
 *      PCK leaf key  --signs-->  QE report  --holds hash of-->  attestation key  --signs-->  quote
 */
#ifndef DCAP_QUOTE_VERIFY_H
#define DCAP_QUOTE_VERIFY_H

#include "dcap/ecdsa.h"
#include "dcap/memo.h"
#include "dcap/quote.h"

/*
 * qe_report_verify - step 18: the PCK key's signature of the QE report
 *
 *   memo    asked, never told; NULL for none.  After all QE checks (steps 21 to 26) have passed,
 *           and unless *hit, the caller says signature_memo_add(memo, key, ppid)
 *   fails   REFUSED      "Signature is invalid for qe_report in quote"
 *   cost    one verification unless remembered
 */
bool    qe_report_verify(struct memo_key *key, bool *hit, const struct quote *quote,
    const struct p256_key *pck, struct signature_memo *memo, unsigned long *nops,
    struct reason *why) MUST_CHECK;

/*
 * qe_binding_check - steps 19 and 20: the QE vouches for this attestation key
 *
 *   fails   REFUSED      "Invalid QE auth data length", "QE report hash mismatch",
 *                        "QE report data tail is not zero"
 */
bool    qe_binding_check(const struct quote *quote, struct reason *why) MUST_CHECK;

/*
 * quote_verify - step 27: the attestation key's signature of the quote
 *
 * Never remembered: nonces make each honest quote new.  A key that is not on the curve is
 * this step's failure.
 *   fails   REFUSED      "ISV enclave report signature is invalid"
 *   cost    one verification, always
 */
bool    quote_verify(const struct quote *quote, unsigned long *nops, struct reason *why) MUST_CHECK;

#endif
