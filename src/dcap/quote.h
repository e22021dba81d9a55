/*
 * quote.h - an Intel quote, taken apart
 *
 * Versions 3 (SGX), 4 (SGX, TDX) and 5 (SGX, TDX 1.0, 1.5, 1.5 extended).  quote_read() looks at
 * layout only; what it refuses is reported as "Failed to parse quote: <its text>".  quote_check()
 * looks at the meaning of the header; its texts stand alone.  Nothing is copied: all spans point
 * into the quote, which must outlive the struct.
 */
#ifndef DCAP_QUOTE_H
#define DCAP_QUOTE_H

#include "core/bytes.h"
#include "core/reason.h"
#include "dcap/report.h"

#define QUOTE_MAX_LEN           (64u << 10)     /* whole quote, trailing bytes included      */
#define QUOTE_AUTH_MAX_LEN      (48u << 10)
#define QUOTE_CERT_MAX_LEN      (32u << 10)     /* certification data; real: under 4 KiB     */
#define QUOTE_QE_AUTH_LEN       32              /* what quote_check() asks; Intel takes any  */

#define QUOTE_TEE_SGX           0x00000000u
#define QUOTE_TEE_TDX           0x00000081u
#define QUOTE_KEY_ECDSA_P256    2

/* Certification data types that carry, or lead to, a PCK chain. */
enum quote_cert_type {
	QUOTE_CERT_PPID_2048 = 2,       /* RSA-2048 encrypted PPID: the chain must be fetched */
	QUOTE_CERT_PPID_3072 = 3,       /* RSA-3072 encrypted PPID: likewise                  */
	QUOTE_CERT_PCK_CHAIN = 5,       /* PEM: leaf, PCK CA, root                            */
	QUOTE_CERT_QE_REPORT = 6,       /* only as the outer type of versions 4 and 5         */
};

struct quote_header {
	uint16_t version;
	uint16_t key_type;
	uint32_t tee_type;
	uint16_t qe_svn;                /* never used for TCB matching */
	uint16_t pce_svn;               /* likewise                    */
	struct bytes qe_vendor;         /* 16 */
	struct bytes user_data;         /* 20; the first 16 are the QE's id */
};

/* What a `pckcert` request is made of, from certification data 2 and 3. */
struct quote_pck_request {
	struct bytes qe_id;             /* 16, from the header                              */
	struct bytes encrypted_ppid;    /* 256 or 384                                       */
	struct bytes cpusvn;            /* 16                                               */
	struct bytes pcesvn;            /* 2, little-endian as in the quote and the request */
	struct bytes pceid;             /* 2                                                */
};

struct quote {
	struct bytes raw;               /* as given, trailing bytes included               */
	struct bytes body_signed;       /* the first bytes: what the quote signature covers */
	size_t  trailing_len;           /* bytes behind the auth data: legal, unsigned     */
	struct quote_header header;
	enum quote_body body;
	struct enclave_report enclave;  /* body QUOTE_BODY_SGX, else empty                 */
	struct td_report td;            /* the other bodies, else empty                    */

	/*
	 * Auth data.  Empty when key_type is not QUOTE_KEY_ECDSA_P256: its layout is then
	 * another, and quote_check() refuses such a quote.
	 */
	struct bytes signature;         /* 64, raw r and s                                 */
	struct bytes attestation_key;   /* 64, raw X and Y                                 */
	struct enclave_report qe_report;
	struct bytes qe_signature;      /* 64, raw r and s                                 */
	struct bytes qe_auth_data;
	uint16_t cert_type;             /* 5, 2 or 3 after quote_check()                   */
	struct bytes cert_data;
	struct quote_pck_request pck_request;   /* cert_type 2 and 3, else empty           */
};

/* Whether the body is a TD report, that is quote->td is filled. */
static inline bool
quote_is_td(const struct quote *quote)
{
	return quote->body >= QUOTE_BODY_TD_10;
}

/*
 * quote_read - the layout of a quote, to its last byte
 *
 *   raw     kept by reference; bytes behind the auth data are ignored, bytes left over inside
 *           it are refused
 *   fails   LIMIT        longer than QUOTE_MAX_LEN, or a field past its own limit
 *           MALFORMED    "Not enough data to fill buffer", "Invalid TEE type",
 *                        "TD report body size mismatch", "Trailing data in quote auth data",
 *                        "Trailing data in QE report certification data",
 *                        "Failed to decode ENCRYPTED_PPID_2048" (and _3072)
 *           UNSUPPORTED  "Unsupported quote version", "Unsupported body type",
 *                        "Unsupported certification data type: N" (an outer type that is not 6)
 *   source  Intel DCAP quote format, versions 3, 4 and 5
 */
bool    quote_read(struct quote *out, struct bytes raw, struct reason *why) MUST_CHECK;

/*
 * quote_check - whether the header names a quote that we can judge
 *
 *   fails   UNSUPPORTED, in this order: "Unknown QE vendor ID", "Unsupported TEE type: N",
 *           "SGX TEE quote must have version 3", "TDX TEE quote must have version 4 or 5",
 *           "Unsupported DCAP attestation key type",
 *           "Unsupported certification data type: N" (only 2, 3 and 5 pass)
 */
bool    quote_check(const struct quote *quote, struct reason *why) MUST_CHECK;

#endif
