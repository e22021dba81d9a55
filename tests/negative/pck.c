/*
 * The PCK chain in the quote: quote-verification.md 2, 5, 6.1, 6.2, 12.2, steps 16 and 17.
 */
#include <stdio.h>

#include "judge.h"

#define CHAIN_FAILED    "Failed to verify certificate chain: "
#define PEM_FAILED      "Failed to extract PCK certificates from quote: "
#define LEAF_FAILED     "Failed to parse PCK certificate: "
#define UNKNOWN         CHAIN_FAILED "UnknownIssuer"
#define SIGNATURE       CHAIN_FAILED "InvalidSignatureForPublicKey"
#define SGX             "2a864886f84d010d01"
#define MALFORMED       "Intel extension is malformed"
#define EVIL_KEY        50

static void
entry_quote(struct guest *g, struct judge *judge)
{
	judge->entry = JUDGE_QUOTE;
}

/* As a platform CA's certificates are, with everything optional. */
static void
entry_configured(struct guest *g, struct judge *judge)
{
	struct pck *pck = &g->intel.pck;

	judge->entry = JUDGE_QUOTE;
	pck->has_instance_id = pck->has_configuration = true;
	pck->dynamic_platform = pck->cached_keys = pck->smt_enabled = true;
	mock_platform(&g->intel);
	g->intel.leaf.serial = "0d";
}

/* ---- chains ---- */

/* Certificates by letter: l leaf, c CA, r root, s TCB signer, e somebody else's CA of the same
 * name, R a root of the same name with another key, x the CA cross-signed by that root,
 * p a processor CA. */
static void
chain_of(struct guest *g, const char *letters)
{
	struct mock *m = &g->intel;
	struct bytes certs[16];
	struct pki_cert cert;
	size_t n = 0;

	for (; *letters != '\0'; letters++) {
		cert = *letters == 'l' ? m->leaf : *letters == 'c' ? m->ca :
		    *letters == 's' ? m->tcb_signer : m->root;
		if (*letters == 'R')
			cert.key = cert.issuer_key = EVIL_KEY;
		if (*letters == 'e' || *letters == 'x' || *letters == 'p')
			cert = m->ca;
		if (*letters == 'e')
			cert.key = EVIL_KEY;
		if (*letters == 'x')
			cert.issuer_key = EVIL_KEY;
		if (*letters == 'p')
			cert.subject = MOCK_PROCESSOR_NAME;
		certs[n++] = pki_cert(&cert);
	}
	m->pck_chain = (const struct bytes *)(const void *)build_keep(certs,
	    n * sizeof certs[0]).ptr;
	m->npck_chain = n;
}

static const char *const chains[] = {
	"", "l", "lr", "ls", "rcl", "clr", "lcc", "lrc", "lc", "lcr", "lcrr", "lcrs", "slcr", "lp",
	"le", "lec", "lce", "lcR", "lRc", "lRcr", "lxr", "lxR", "lxcr", "lcrcrcrcr", "cr", "rr",
	    "ll",
	"sr",
};

static void
chain(struct guest *g, struct judge *judge, int arg)
{
	chain_of(g, chains[arg]);
}

/* A whole chain under a look-alike: same names, serials and dates, other keys. */
static void
look_alike(struct guest *g, struct judge *judge, int arg)
{
	struct mock *m = &g->intel;
	struct bytes certs[3];
	struct pki_cert ca = m->ca, root = m->root;

	root.key = root.issuer_key = ca.issuer_key = EVIL_KEY;
	certs[0] = pki_cert(&m->leaf);
	certs[1] = pki_cert(&ca);
	certs[2] = pki_cert(&root);
	m->pck_chain = (const struct bytes *)(const void *)build_keep(certs, sizeof certs).ptr;
	m->npck_chain = arg != 0 ? 2 : 3;
}

/* ---- one member of a certificate ---- */

static struct pki_cert *
cert_of(struct guest *g, int arg)
{
	return arg == 0 ? &g->intel.leaf : &g->intel.ca;
}

enum { LEAF, CA };

#define SETTER(name, statement)                                         \
static void                                                             \
name(struct guest *g, struct judge *judge, int arg)                     \
{                                                                       \
	struct pki_cert *cert = cert_of(g, arg);                        \
									\
	statement;                                                      \
}

SETTER(issuer_key, cert->issuer_key = EVIL_KEY)
SETTER(issuer_name, cert->issuer = "Somebody Else")
SETTER(expired, cert->not_after = GUEST_NOW - 1)
SETTER(expires_now, cert->not_after = GUEST_NOW)
SETTER(not_yet, cert->not_before = GUEST_NOW + 1)
SETTER(from_now, cert->not_before = GUEST_NOW)
SETTER(backwards, cert->not_before = GUEST_NOW + 1; cert->not_after = GUEST_NOW - 1)
SETTER(is_ca, cert->ca = true)
SETTER(is_no_ca, cert->ca = false; cert->path_len = NULL)
SETTER(no_constraints, cert->no_constraints = true)
SETTER(bad_eku, cert->eku = "2b06010505070302")
SETTER(no_eku, cert->eku = NULL)
SETTER(negative_path, cert->path_len = "ff")
SETTER(path_of_leaf, cert->path_len = "00")
SETTER(empty_serial, cert->serial = "")
SETTER(negative_serial, cert->serial = "80")
SETTER(long_serial, cert->serial = "01020304050607080910111213141516171819202122")
SETTER(padded_serial, cert->serial = "0001")

/* An extension more. */
static void
add_extension(struct guest *g, int which, const char *oid, bool critical, const char *value)
{
	struct pki_extension e = { build_str(build_copy(oid)), critical, build_hex(value) };
	struct pki_cert *cert = cert_of(g, which);

	cert->more = (const struct pki_extension *)(const void *)build_keep(&e, sizeof e).ptr;
	cert->nmore = 1;
}

static void
critical_unknown(struct guest *g, struct judge *judge, int arg)
{
	add_extension(g, arg, "2a03", true, "0500");
}

static void
unknown(struct guest *g, struct judge *judge, int arg)
{
	add_extension(g, arg, "2a03", false, "0500");
}

static void
name_constraints(struct guest *g, struct judge *judge, int arg)
{
	add_extension(g, arg, "551d1e", false, "3000");
}

static void
twice(struct guest *g, struct judge *judge, int arg)
{
	add_extension(g, arg, "551d13", true, "3000");
}

static void
sgx_twice(struct guest *g, struct judge *judge, int arg)
{
	add_extension(g, LEAF, SGX, false, "3000");
}

static void
sgx_none(struct guest *g, struct judge *judge, int arg)
{
	g->intel.leaf.sgx = EMPTY;
}

static void
ca_name(struct guest *g, struct judge *judge, int arg)
{
	static const char *const names[] = {
		"Mock Intel SGX PCK CA", "Mock Intel SGX PCK platform CA", "X",
	};

	g->intel.ca.subject = g->intel.leaf.issuer = g->intel.pck_crl.issuer = names[arg];
}

/* DER inside DER, deeper than anything genuine; in the place of the signed part. */
static void
nested(struct guest *g, struct judge *judge, int arg)
{
	struct bytes der = EMPTY, certs[3];

	for (int i = 0; i < arg; i++)
		der = pki_der(0x30, der);
	certs[0] = der;
	certs[1] = pki_cert(&g->intel.ca);
	certs[2] = pki_cert(&g->intel.root);
	g->intel.pck_chain = (const struct bytes *)(const void *)build_keep(certs,
	    sizeof certs).ptr;
	g->intel.npck_chain = 3;
}

/* The leaf's DER, with one thing changed and not signed again. */
static void
leaf_der(struct guest *g, struct judge *judge, int arg)
{
	static const struct change changes[] = {
		APPEND(STAGE_PCK_PEM, "00"),
		CUT(STAGE_PCK_PEM, 1),
		FLIP(STAGE_PCK_PEM, 0, "01"),
		FLIP(STAGE_PCK_PEM, 3, "01"),
		PATCH(STAGE_PCK_PEM, 0, "3080"),
	};
	const struct bytes certs[] = {
		change_apply(&changes[arg], STAGE_PCK_PEM, pki_cert(&g->intel.leaf)),
		pki_cert(&g->intel.ca), pki_cert(&g->intel.root),
	};

	g->intel.pck_chain = (const struct bytes *)(const void *)build_keep(certs,
	    sizeof certs).ptr;
	g->intel.npck_chain = 3;
}

/* Algorithm P-384 with SHA-384 in both places; the signature cannot be looked at. */
static void
algorithm(struct guest *g, struct judge *judge, int arg)
{
	const struct bytes sha256 = build_hex("2a8648ce3d040302");
	struct bytes der = pki_cert(&g->intel.leaf), certs[3];
	uint8_t *at = memmem(der.ptr, der.len, sha256.ptr, sha256.len);

	at[7] = 3;
	if (arg != 0) {
		at = memmem(at + 8, der.len - (size_t)(at + 8 - der.ptr), sha256.ptr, sha256.len);
		at[7] = 3;
	}
	certs[0] = der;
	certs[1] = pki_cert(&g->intel.ca);
	certs[2] = pki_cert(&g->intel.root);
	g->intel.pck_chain = (const struct bytes *)(const void *)build_keep(certs,
	    sizeof certs).ptr;
	g->intel.npck_chain = 3;
}

static void
tcb_missing_component(struct guest *g, struct judge *judge, int arg)
{
	/* Component 5's OID becomes one that nobody knows: 15 are left. */
	const struct bytes oid = build_hex("2a864886f84d010d010205");
	struct bytes sgx = g->intel.leaf.sgx;
	uint8_t *at = memmem(sgx.ptr, sgx.len, oid.ptr, oid.len);

	at[10] = 19;
}

static const struct row chain_rows[] = {
	{ "no certificate", chain, 0, {0}, PEM_FAILED "no PEM block" },
	{ "leaf alone", chain, 1, {0}, "Certificate chain is too short in quote" },
	{ "leaf and root", chain, 2, {0}, UNKNOWN },
	{ "leaf and TCB signer", chain, 3, {0}, UNKNOWN },
	{ "reversed", chain, 4, {0}, CHAIN_FAILED "CaUsedAsEndEntity" },
	{ "CA first", chain, 5, {0}, CHAIN_FAILED "CaUsedAsEndEntity" },
	{ "CA twice", chain, 6, {0}, NULL },
	{ "root before CA", chain, 7, {0}, NULL },
	{ "without root", chain, 8, {0}, NULL },
	{ "root twice", chain, 10, {0}, NULL },
	{ "TCB signer behind", chain, 11, {0}, NULL },
	{ "TCB signer in front", chain, 12, {0}, "Intel extension not found" },
	{ "CA of another name", chain, 13, {0}, UNKNOWN },
	{ "CA of the same name with another key", chain, 14, {0}, SIGNATURE },
	{ "that CA before the right one", chain, 15, {0}, SIGNATURE },
	{ "that CA behind the right one", chain, 16, {0}, NULL },
	{ "look-alike root behind", chain, 17, {0}, UNKNOWN },
	{ "look-alike root before CA", chain, 18, {0}, UNKNOWN },
	{ "look-alike root and the right one", chain, 19, {0}, UNKNOWN },
	{ "cross-signed CA", chain, 20, {0}, SIGNATURE },
	{ "cross-signed CA and its root", chain, 21, {0}, UNKNOWN },
	{ "cross-signed CA before the right one", chain, 22, {0}, SIGNATURE },
	{ "nine certificates", chain, 23, {0}, PEM_FAILED "more than 8 PEM blocks" },
	{ "no leaf", chain, 24, {0}, CHAIN_FAILED "CaUsedAsEndEntity" },
	{ "roots alone", chain, 25, {0}, CHAIN_FAILED "CaUsedAsEndEntity" },
	{ "leaves alone", chain, 26, {0}, UNKNOWN },
	{ "TCB signer as PCK", chain, 27, {0}, "Intel extension not found" },
	{ "look-alike chain", look_alike, 0, {0}, UNKNOWN },
	{ "look-alike chain without its root", look_alike, 1, {0}, SIGNATURE },
};

static const struct row pem_rows[] = {
	{ "label of a key", NULL, 0, REPLACE(STAGE_PCK_PEM, "BEGIN CERTIFICATE", "BEGIN PUBLIC "
	    "KEY"),
	    PEM_FAILED "PEM marker is not BEGIN CERTIFICATE" },
	{ "label of an old certificate", NULL, 0,
	    REPLACE(STAGE_PCK_PEM, "BEGIN CERTIFICATE", "BEGIN X509 CERTIFICATE"),
	    PEM_FAILED "PEM marker is not BEGIN CERTIFICATE" },
	{ "END first", NULL, 0, REPLACE(STAGE_PCK_PEM, "BEGIN", "END"),
	    PEM_FAILED "PEM marker is not BEGIN CERTIFICATE" },
	{ "nested BEGIN", NULL, 0, REPLACE(STAGE_PCK_PEM, "-----END CERTIFICATE", "-----BEGIN "
	    "CERTIFICATE"), PEM_FAILED "PEM marker is not END CERTIFICATE" },
	{ "END of another kind", NULL, 0, REPLACE(STAGE_PCK_PEM, "END CERTIFICATE", "END KEY"),
	    PEM_FAILED "PEM marker is not END CERTIFICATE" },
	{ "cut in a block", NULL, 0, CUT(STAGE_PCK_PEM, 100), PEM_FAILED "PEM block has no END" },
	{ "not base64", NULL, 0, REPLACE(STAGE_PCK_PEM, "CERTIFICATE-----\nMII",
	    "CERTIFICATE-----\nM*I"), PEM_FAILED "PEM block is not base64" },
	{ "padding in front", NULL, 0, REPLACE(STAGE_PCK_PEM, "CERTIFICATE-----\nMII",
	    "CERTIFICATE-----\n=MII"), PEM_FAILED "PEM block is not base64" },
	{ "a character more", NULL, 0, REPLACE(STAGE_PCK_PEM, "CERTIFICATE-----\nMII",
	    "CERTIFICATE-----\nAMII"), PEM_FAILED "PEM block is not base64" },
	{ "headers in a block", NULL, 0, REPLACE(STAGE_PCK_PEM, "CERTIFICATE-----\nMII",
	    "CERTIFICATE-----\nX: y\n\nMII"), PEM_FAILED "PEM block is not base64" },
	{ "an empty block", NULL, 0, REPLACE(STAGE_PCK_PEM, "-----BEGIN CERTIFICATE-----\n",
	    "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n-----BEGIN "
	    "CERTIFICATE-----\n"),
	    PEM_FAILED "PEM block is empty" },
	{ "only blanks", NULL, 0, SET(STAGE_PCK_PEM, " \n"), PEM_FAILED "no PEM block" },
	{ "NUL behind", NULL, 0, APPEND(STAGE_PCK_PEM, "00"), NULL },
	{ "text between", NULL, 0, REPLACE(STAGE_PCK_PEM, "-----\n-----BEGIN",
	    "-----\nsubject: x\n-----BEGIN"), NULL },
	{ "DER", NULL, 0, PATCH(STAGE_PCK_PEM, 0, "3082000000000000000000000000000000000000000000"
	    "0000000000"), PEM_FAILED "PEM marker is not BEGIN CERTIFICATE" },
};

static const struct row certificate_rows[] = {
	{ "leaf signed by another key", issuer_key, LEAF, {0}, SIGNATURE },
	{ "CA signed by another key", issuer_key, CA, {0}, SIGNATURE },
	{ "leaf of another issuer", issuer_name, LEAF, {0}, UNKNOWN },
	{ "CA of another issuer", issuer_name, CA, {0}, UNKNOWN },
	{ "leaf expired", expired, LEAF, {0}, CHAIN_FAILED
	    "CertExpired { time: UnixTime(1800000000), not_after: UnixTime(1799999999) }" },
	{ "CA expired", expired, CA, {0}, CHAIN_FAILED
	    "CertExpired { time: UnixTime(1800000000), not_after: UnixTime(1799999999) }" },
	{ "leaf in its last second", expires_now, LEAF, {0}, NULL },
	{ "CA in its last second", expires_now, CA, {0}, NULL },
	{ "leaf not yet valid", not_yet, LEAF, {0}, CHAIN_FAILED
	    "CertNotValidYet { time: UnixTime(1800000000), not_before: UnixTime(1800000001) }" },
	{ "CA not yet valid", not_yet, CA, {0}, CHAIN_FAILED
	    "CertNotValidYet { time: UnixTime(1800000000), not_before: UnixTime(1800000001) }" },
	{ "leaf in its first second", from_now, LEAF, {0}, NULL },
	{ "CA in its first second", from_now, CA, {0}, NULL },
	{ "leaf ends before it begins", backwards, LEAF, {0}, LEAF_FAILED "InvalidCertValidity" },
	{ "CA ends before it begins", backwards, CA, {0}, CHAIN_FAILED "InvalidCertValidity" },
	{ "leaf is a CA", is_ca, LEAF, {0}, CHAIN_FAILED "CaUsedAsEndEntity" },
	{ "CA is none", is_no_ca, CA, {0}, CHAIN_FAILED "EndEntityUsedAsCa" },
	{ "CA does not say that it is one", no_constraints, CA, {0},
	    CHAIN_FAILED "EndEntityUsedAsCa" },
	{ "leaf for clients", bad_eku, LEAF, {0}, CHAIN_FAILED "RequiredEkuNotFound" },
	{ "CA for clients", bad_eku, CA, {0}, CHAIN_FAILED "RequiredEkuNotFound" },
	{ "leaf for anything", no_eku, LEAF, {0}, NULL },
	{ "path length below zero", negative_path, CA, {0},
	    CHAIN_FAILED "ExtensionValueInvalid" },
	{ "path length of a leaf", path_of_leaf, LEAF, {0}, LEAF_FAILED "ExtensionValueInvalid" },
	{ "no serial", empty_serial, LEAF, {0}, LEAF_FAILED "BadDer" },
	{ "negative serial", negative_serial, LEAF, {0}, LEAF_FAILED "InvalidSerialNumber" },
	{ "serial of 22 bytes", long_serial, LEAF, {0}, LEAF_FAILED "InvalidSerialNumber" },
	{ "padded serial", padded_serial, LEAF, {0}, LEAF_FAILED "BadDer" },
	{ "critical extension of nobody, leaf", critical_unknown, LEAF, {0},
	    LEAF_FAILED "UnsupportedCriticalExtension" },
	{ "critical extension of nobody, CA", critical_unknown, CA, {0},
	    CHAIN_FAILED "UnsupportedCriticalExtension" },
	{ "extension of nobody", unknown, LEAF, {0}, NULL },
	{ "name constraints, CA", name_constraints, CA, {0},
	    CHAIN_FAILED "UnsupportedCriticalExtension" },
	{ "basicConstraints twice, leaf", twice, LEAF, {0}, LEAF_FAILED "ExtensionValueInvalid" },
	{ "basicConstraints twice, CA", twice, CA, {0}, CHAIN_FAILED "ExtensionValueInvalid" },
	{ "SGX extension twice", sgx_twice, 0, {0}, LEAF_FAILED "ExtensionValueInvalid" },
	{ "no SGX extension", sgx_none, 0, {0}, "Intel extension not found" },
	{ "neither Platform nor Processor", ca_name, 0, {0}, "Unknown PCK issuer" },
	{ "platform in small letters", ca_name, 1, {0}, "Unknown PCK issuer" },
	{ "nested 2 deep", nested, 2, {0}, LEAF_FAILED "BadDer" },
	{ "nested 100 deep", nested, 100, {0}, LEAF_FAILED "BadDer" },
	{ "nested 1000 deep", nested, 1000, {0}, LEAF_FAILED "BadDer" },
	{ "a byte behind", leaf_der, 0, {0}, LEAF_FAILED "TrailingData" },
	{ "a byte less", leaf_der, 1, {0}, LEAF_FAILED "BadDer" },
	{ "not a SEQUENCE", leaf_der, 2, {0}, LEAF_FAILED "BadDer" },
	{ "length off by one", leaf_der, 3, {0}, LEAF_FAILED "BadDer" },
	{ "indefinite length", leaf_der, 4, {0}, LEAF_FAILED "BadDer" },
	{ "two algorithms", algorithm, 0, {0}, LEAF_FAILED "SignatureAlgorithmMismatch" },
	{ "another algorithm", algorithm, 1, {0}, LEAF_FAILED "UnsupportedSignatureAlgorithm" },
};

/*
 * The SGX extension: 5 bytes of SEQUENCE head, or 4 when it is shorter, then an entry of 32 bytes
 * with the PPID, and so on.  Offsets were taken from the builder's output.
 */
static const struct row sgx_rows[] = {
	{ "empty", NULL, 0, KEEP(STAGE_SGX, 0), "Intel extension not found" },
	{ "cut", NULL, 0, CUT(STAGE_SGX, 1), MALFORMED },
	{ "a byte behind the list", NULL, 0, APPEND(STAGE_SGX, "00"), MALFORMED },
	{ "not a list", NULL, 0, PATCH(STAGE_SGX, 0, "31"), MALFORMED },
	{ "entry is no SEQUENCE", NULL, 0, PATCH(STAGE_SGX, 4, "31"), MALFORMED },
	{ "no PPID", NULL, 0, PATCH(STAGE_SGX, 17, "09"),
	    "Intel extension path 1.2.840.113741.1.13.1.1 is missing" },
	{ "TCB is an INTEGER", NULL, 0, PATCH(STAGE_SGX, 40, "0206"), MALFORMED },
	{ "components are not all there", tcb_missing_component, 0, {0},
	    "Intel extension has some but not all TCB components" },
};

#define PREFIX  "Quote verification failed: "
#define TABLE(base, rows)       judge_table(&(struct table){ PREFIX, base, rows, NELEM(rows) })

static void
test_chains(void **state)
{
	TABLE(entry_quote, chain_rows);
}

static void
test_pem(void **state)
{
	TABLE(entry_quote, pem_rows);
}

static void
test_certificates(void **state)
{
	TABLE(entry_quote, certificate_rows);
}

static void
test_sgx(void **state)
{
	TABLE(entry_configured, sgx_rows);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chains),
		cmocka_unit_test(test_pem),
		cmocka_unit_test(test_certificates),
		cmocka_unit_test(test_sgx),
	};

	return cmocka_run_group_tests_name("pck", tests, NULL, NULL);
}
