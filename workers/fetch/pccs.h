/*
 * pccs.h - what a PCCS is asked for a key, and the parts of its answer that are not a body
 *
 * Text in, text out: no socket, no clock.  Nothing here is trusted by anybody; a worker judges
 * what was fetched.
 *
 * source  quote verification specification, section 4; limits 12.3
 */
#ifndef FETCH_PCCS_H
#define FETCH_PCCS_H

#include "core/bytes.h"
#include "core/reason.h"
#include "dstack-verifier/facts.h"

#define PCCS_DEFAULT_URL        "https://pccs.phala.network"

#define PCCS_BASE_SIZE          512     /* a configured URL and its NUL                */
#define PCCS_URL_SIZE           (PCCS_BASE_SIZE + 1024)
#define PCCS_NAME_SIZE          960     /* longest: a PCK certificate's                */
#define PCCS_HEADER_MAX_LEN     ((size_t)16 << 10)      /* of one value                */

enum { PCCS_CHAIN, PCCS_CHAIN_OLD, PCCS_TCBM, PCCS_NHEADERS };

struct pccs_request {
	char    url[PCCS_URL_SIZE];
	size_t  body_max_len;
	const char *headers[PCCS_NHEADERS];     /* names of those that matter, else NULL */
};

/*
 * pccs_base_read - a configured URL, normalised
 *
 *   text    blank means the default; trailing slashes and the paths of the API are dropped
 *   fails   MALFORMED    neither http nor https, a query, blanks or control characters inside
 *           LIMIT        PCCS_BASE_SIZE
 */
bool    pccs_base_read(char out[PCCS_BASE_SIZE], const char *text, struct reason *why) MUST_CHECK;

/* Whether that is Intel's own service, which has no `rootcacrl`. */
bool    pccs_is_intel(const char *base);

/* Whether the server is on this machine: 127.0.0.0/8, ::1 or localhost. */
bool    pccs_is_local(const char *base);

/*
 * pccs_request - the one GET for a key
 *
 *   base    normalised; NULL: where Intel publishes the root CA CRL itself, for that key only
 *           (the address is fixed: never one that a certificate of a response names)
 *   fails   UNSUPPORTED  no server of this kind has such a thing
 */
bool    pccs_request(struct pccs_request *out, const struct dv_key *key, const char *base,
    struct reason *why) MUST_CHECK;

/*
 * pccs_chain_decode - percent-encoded PEM of a header
 *
 *   out     room for value.len bytes
 *   fails   MALFORMED    `%` without two digits, %00, not UTF-8 (a `+` is a plus sign)
 *           LIMIT        PCCS_HEADER_MAX_LEN
 */
bool    pccs_chain_decode(char *out, size_t *out_len, struct bytes value,
    struct reason *why) MUST_CHECK;

/* SGX-TCBm of a PCK certificate's answer against what was asked for. */
bool    pccs_tcbm_check(struct bytes value, const struct dv_key *key, struct reason *why) MUST_CHECK;

/* A key as text, a different one for each: `tcb tdx 90C06F000000 standard`.  For store and log. */
void    pccs_key_name(char out[PCCS_NAME_SIZE], const struct dv_key *key);

/* A URL without its user and password. */
void    pccs_url_show(char out[PCCS_URL_SIZE], const char *url);

#endif
