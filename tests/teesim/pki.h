/*
 * pki.h - certificates, CRLs and quotes of platforms that do not exist
 *
 * Everything that Intel would sign, signed by keys that the tests make up, with every field open
 * to be wrong.  What is returned is kept until the program ends.  Shapes not spoken of here are
 * those of the simulator: serial 42, 2020 to 2100.
 */
#ifndef TESTS_TEESIM_PKI_H
#define TESTS_TEESIM_PKI_H

#include "build.h"
#include "dcap/pck.h"

/* Keys have numbers; the same number is always the same P-256 key.  0 to 99: the unit tests'. */
#define PKI_POINT_LEN           65
#define PKI_MAX_KEYS            (1u << 20)

void    pki_point(uint8_t out[PKI_POINT_LEN], unsigned key);

/* A signature over SHA-256 of the message: 64 bytes r and s, or DER. */
struct bytes pki_sign_raw(unsigned key, struct bytes message);
struct bytes pki_sign_der(unsigned key, struct bytes message);

/* Bytes from hexadecimal digits; blanks between them are skipped. */
struct bytes pki_hex(const char *text);

/* A copy whose bytes from `at` on are those of `hex`. */
struct bytes pki_patch(struct bytes in, size_t at, const char *hex);

/* All parts, one behind the other. */
struct bytes pki_join(const struct bytes *parts, size_t n);

/* A copy with `with` in place of the only occurrence of `what`; fails the test if there is none. */
struct bytes pki_replace(struct bytes in, struct bytes what, struct bytes with);

/* One DER element: identifier byte, length, content. */
struct bytes pki_der(unsigned tag, struct bytes content);

struct pki_extension {
	const char *oid;                /* content bytes in hex */
	bool    critical;
	struct bytes value;
};

struct pki_cert {
	const char *issuer, *subject;   /* common names                                */
	unsigned issuer_key, key;
	const char *serial;             /* content bytes in hex; NULL: 2a              */
	int64_t not_before, not_after;  /* 0 and 0: 2020-01-01 to 2100-01-01           */
	bool    ca;
	const char *path_len;           /* content bytes in hex; NULL: none            */
	bool    no_constraints;         /* without basicConstraints                    */
	unsigned key_usage;             /* first byte of the bits: 0x80 digitalSignature,
					   0x04 keyCertSign, 0x02 cRLSign; 0: none     */
	const char *eku;                /* content bytes of one OID; NULL: none        */
	struct bytes sgx;               /* value of the SGX extension; empty: none     */
	const struct pki_extension *more;
	size_t  nmore;
};

struct bytes pki_cert(const struct pki_cert *cert);

struct pki_revoked {
	const char *serial;             /* content bytes in hex                        */
	struct bytes extensions;        /* content of SEQUENCE OF; empty: none         */
};

struct pki_crl {
	const char *issuer;
	unsigned issuer_key;
	int64_t this_update, next_update;       /* 0 and 0: 2020-01-01 to 2100-01-01   */
	const char *number;             /* content bytes in hex; NULL: 01              */
	const struct pki_revoked *revoked;
	size_t  nrevoked;
	const struct pki_extension *more;
	size_t  nmore;
};

struct bytes pki_crl(const struct pki_crl *crl);

/* Name with one common name, whole DER. */
struct bytes pki_name(const char *cn);

/* PEM of one certificate after the other. */
struct bytes pki_pem(const struct bytes *certs, size_t n);

/* The SGX extension; without the 16 components it is as the simulator writes it. */
struct bytes pki_sgx(const struct pck *pck, bool components);

/*
 * A usual platform: root (key 0) <- Mock Intel SGX PCK Platform CA (key 1) <- leaf (key 2), and
 * Mock Intel SGX TCB Signing (key 3).
 */
enum { PKI_ROOT = 0, PKI_CA = 1, PKI_PCK = 2, PKI_SIGNER = 3, PKI_ATTESTATION = 4 };
#define PKI_ROOT_NAME           "Mock Intel SGX Root CA"
#define PKI_CA_NAME             "Mock Intel SGX PCK Platform CA"

extern const struct pki_cert pki_root, pki_ca, pki_signer;
struct pki_cert pki_leaf(const struct pck *pck);

struct pki_quote {
	uint16_t version, key_type;
	uint32_t tee_type;
	uint16_t body_type;             /* version 5                                   */
	uint32_t body_size;             /* version 5; 0: what the body is              */
	size_t  body_len;
	uint8_t vendor[16];
	uint8_t body[885];              /* report as it lies in the quote              */
	uint8_t qe_report[384];         /* likewise; report_data is the binding, unless: */
	bool    keep_report_data;
	struct bytes qe_auth;
	uint16_t outer_type, cert_type;
	struct bytes cert_data;
	struct bytes inner_tail, auth_tail, tail;       /* left over in the wrong places */
	unsigned pck_key, attestation_key;
	const uint8_t *attestation_point;       /* 64 bytes in its place, or NULL      */
	uint16_t qe_svn, pce_svn;
	uint8_t user_data[20];
	const uint8_t *signature, *qe_signature;        /* 64 bytes in its place, or NULL */
};

/* A TDX quote of version 4, as the simulator makes it, with this chain. */
void    pki_quote_init(struct pki_quote *quote, struct bytes cert_data);
struct bytes pki_quote(const struct pki_quote *quote);

#endif
