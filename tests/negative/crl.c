/*
 * Revocation: quote-verification.md 5, 6.3, 12.1 item 6, 12.2, steps 2 and 3.
 *
 * Advisory: GHSA-2cjj-h43h-m6xj (a CRL that is self-signed, signed by who may not, of another CA,
 * or empty, was taken).
 */
#include <stdio.h>

#include "judge.h"

#define CHAIN_FAILED    "Failed to verify certificate chain: "
#define CRL_FAILED      "Failed to parse CRL: "
#define BAD_SIGNATURE   "InvalidCrlSignatureForPublicKey"
#define EVIL_KEY        50

enum { ROOT, PCK };

static struct pki_crl *
crl_of(struct guest *g, int arg)
{
	return arg == ROOT ? &g->intel.root_crl : &g->intel.pck_crl;
}

#define SETTER(name, statement)                                         \
static void                                                             \
name(struct guest *g, struct judge *judge, int arg)                     \
{                                                                       \
	struct pki_crl *crl = crl_of(g, arg);                           \
									\
	statement;                                                      \
}

SETTER(other_key, crl->issuer_key = EVIL_KEY)
SETTER(other_issuer, crl->issuer = "Somebody Else")
SETTER(expired, crl->next_update = GUEST_NOW)
SETTER(expires_next, crl->next_update = GUEST_NOW + 1)
SETTER(from_future, crl->this_update = GUEST_NOW + 301)
SETTER(from_near_future, crl->this_update = GUEST_NOW + 300)
SETTER(long_number, crl->number = "010203040506070809101112131415161718192021")
SETTER(longest_number, crl->number = "0102030405060708091011121314151617181920")
SETTER(negative_number, crl->number = "80")
SETTER(by_signer, crl->issuer_key = PKI_SIGNER)
SETTER(by_leaf, crl->issuer_key = PKI_PCK)
SETTER(by_ca, crl->issuer_key = PKI_CA)
SETTER(by_root, crl->issuer_key = PKI_ROOT)

/* Self-signed in the name of the leaf, or of the signer: GHSA-2cjj-h43h-m6xj. */
SETTER(self_signed_leaf, crl->issuer = g->intel.leaf.subject; crl->issuer_key = PKI_PCK)
SETTER(self_signed_signer, crl->issuer = g->intel.tcb_signer.subject;
    crl->issuer_key = PKI_SIGNER)

static void
processor_crl(struct guest *g, struct judge *judge, int arg)
{
	g->intel.pck_crl.issuer = MOCK_PROCESSOR_NAME;
}

static void
swapped(struct guest *g, struct judge *judge, int arg)
{
	g->intel.root_crl_der = pki_crl(&g->intel.pck_crl);
	g->intel.pck_crl_der = pki_crl(&g->intel.root_crl);
}

static void
root_twice(struct guest *g, struct judge *judge, int arg)
{
	g->intel.pck_crl_der = pki_crl(&g->intel.root_crl);
}

static void
pck_twice(struct guest *g, struct judge *judge, int arg)
{
	g->intel.root_crl_der = pki_crl(&g->intel.pck_crl);
}

/* `arg`: index in the list below, of the CRL that revokes and the serial. */
static const struct {
	int crl;
	const char *serial;
} revocations[] = {
	{ PCK, "0d" },          /* leaf                        */
	{ ROOT, "0c" },         /* PCK CA                      */
	{ ROOT, "0e" },         /* TCB signer                  */
	{ ROOT, "0f" },         /* the anchor                  */
	{ PCK, "0c" },          /* of a serial of the other issuer's */
	{ ROOT, "0d" },
	{ PCK, "000d" },        /* not the same INTEGER        */
};

static void
revoke(struct guest *g, struct judge *judge, int arg)
{
	const struct pki_revoked one = { revocations[arg].serial, EMPTY };
	struct pki_crl *crl = crl_of(g, revocations[arg].crl);

	crl->revoked = (const struct pki_revoked *)(const void *)
	    build_keep(&one, sizeof one).ptr;
	crl->nrevoked = 1;
}

/* The leaf among a thousand others. */
static void
revoke_many(struct guest *g, struct judge *judge, int arg)
{
	struct pki_revoked many[1000];

	for (unsigned i = 0; i < NELEM(many); i++)
		many[i] = (struct pki_revoked){ i == (unsigned)arg ? "0d" :
		    build_str(build_text("4a%06x", (i * 7919) % 1000)), EMPTY };
	g->intel.pck_crl.revoked = (const struct pki_revoked *)(const void *)
	    build_keep(many, sizeof many).ptr;
	g->intel.pck_crl.nrevoked = NELEM(many);
}

static void
qe_signer_revoked(struct guest *g, struct judge *judge, int arg)
{
	g->intel.qe_signer.serial = "10";
	revoke(g, judge, 2);
	((struct pki_revoked *)(uintptr_t)g->intel.root_crl.revoked)->serial = "10";
}

static void
crl_extension(struct guest *g, int which, const char *oid, bool critical, const char *value)
{
	const struct pki_extension e = { oid, critical, build_hex(value) };
	struct pki_crl *crl = crl_of(g, which);

	crl->more = (const struct pki_extension *)(const void *)build_keep(&e, sizeof e).ptr;
	crl->nmore = 1;
}

static void
delta(struct guest *g, struct judge *judge, int arg)
{
	crl_extension(g, arg, "551d1b", true, "020101");
}

static void
indirect(struct guest *g, struct judge *judge, int arg)
{
	crl_extension(g, arg, "551d1c", true, "30038401ff");
}

static void
only_ca(struct guest *g, struct judge *judge, int arg)
{
	crl_extension(g, arg, "551d1c", true, "30038201ff");
}

static void
only_user(struct guest *g, struct judge *judge, int arg)
{
	crl_extension(g, arg, "551d1c", true, "30038101ff");
}

static void
critical(struct guest *g, struct judge *judge, int arg)
{
	crl_extension(g, arg, "2a03", true, "0500");
}

static void
unknown(struct guest *g, struct judge *judge, int arg)
{
	crl_extension(g, arg, "2a03", false, "0500");
}

/* Of a CA that says it signs certificates only. */
static void
ca_may_not(struct guest *g, struct judge *judge, int arg)
{
	g->intel.ca.key_usage = 0x04;
}

static void
ca_says_nothing(struct guest *g, struct judge *judge, int arg)
{
	g->intel.ca.key_usage = 0;
}

static const struct row rows[] = {
	{ "root CRL signed by another key", other_key, ROOT, {0}, BAD_SIGNATURE },
	{ "PCK CRL signed by another key", other_key, PCK, {0}, CHAIN_FAILED BAD_SIGNATURE },
	{ "GHSA-2cjj-h43h-m6xj: root CRL signed by the TCB signer", by_signer, ROOT, {0},
	    BAD_SIGNATURE },
	{ "GHSA-2cjj-h43h-m6xj: root CRL signed by the PCK CA", by_ca, ROOT, {0}, BAD_SIGNATURE },
	{ "GHSA-2cjj-h43h-m6xj: root CRL signed by a PCK", by_leaf, ROOT, {0}, BAD_SIGNATURE },
	{ "GHSA-2cjj-h43h-m6xj: PCK CRL signed by a PCK", by_leaf, PCK, {0},
	    CHAIN_FAILED BAD_SIGNATURE },
	{ "GHSA-2cjj-h43h-m6xj: PCK CRL signed by the TCB signer", by_signer, PCK, {0},
	    CHAIN_FAILED BAD_SIGNATURE },
	{ "GHSA-2cjj-h43h-m6xj: PCK CRL signed by the root", by_root, PCK, {0},
	    CHAIN_FAILED BAD_SIGNATURE },
	{ "GHSA-2cjj-h43h-m6xj: PCK CRL self-signed by a PCK", self_signed_leaf, PCK, {0},
	    CHAIN_FAILED "UnknownRevocationStatus" },
	{ "GHSA-2cjj-h43h-m6xj: root CRL self-signed by a PCK", self_signed_leaf, ROOT, {0},
	    "UnknownRevocationStatus" },
	{ "GHSA-2cjj-h43h-m6xj: root CRL self-signed by the TCB signer", self_signed_signer, ROOT,
	    {0}, "UnknownRevocationStatus" },
	{ "GHSA-2cjj-h43h-m6xj: root CRL of somebody else", other_issuer, ROOT, {0},
	    "UnknownRevocationStatus" },
	{ "GHSA-2cjj-h43h-m6xj: PCK CRL of somebody else", other_issuer, PCK, {0},
	    CHAIN_FAILED "UnknownRevocationStatus" },
	{ "GHSA-2cjj-h43h-m6xj: PCK CRL of the processor CA", processor_crl, 0, {0},
	    CHAIN_FAILED "UnknownRevocationStatus" },
	{ "the two CRLs swapped", swapped, 0, {0}, NULL },
	{ "SGX root CRL in both places", root_twice, 0, {0},
	    CHAIN_FAILED "UnknownRevocationStatus" },
	{ "SGX root CRL missing", pck_twice, 0, {0}, "UnknownRevocationStatus" },
	{ "GHSA-2cjj-h43h-m6xj: PCK CRL without a byte", NULL, 0, KEEP(STAGE_PCK_CRL, 0),
	    CRL_FAILED "BadDer" },
	{ "GHSA-2cjj-h43h-m6xj: root CRL without a byte", NULL, 0, KEEP(STAGE_ROOT_CRL, 0),
	    CRL_FAILED "BadDer" },
	{ "root CRL cut", NULL, 0, CUT(STAGE_ROOT_CRL, 1), CRL_FAILED "BadDer" },
	{ "PCK CRL cut", NULL, 0, CUT(STAGE_PCK_CRL, 1), CRL_FAILED "BadDer" },
	{ "root CRL with a byte behind", NULL, 0, APPEND(STAGE_ROOT_CRL, "00"),
	    CRL_FAILED "TrailingData" },
	{ "PCK CRL with a byte behind", NULL, 0, APPEND(STAGE_PCK_CRL, "00"),
	    CRL_FAILED "TrailingData" },
	{ "root CRL is no SEQUENCE", NULL, 0, PATCH(STAGE_ROOT_CRL, 0, "31"), CRL_FAILED "BadDer" },
	{ "root CRL of indefinite length", NULL, 0, PATCH(STAGE_ROOT_CRL, 0, "3080"),
	    CRL_FAILED "BadDer" },
	{ "root CRL expires now", expired, ROOT, {0},
	    "CrlExpired { time: UnixTime(1800000000), next_update: UnixTime(1800000000) }" },
	{ "PCK CRL expires now", expired, PCK, {0},
	    "CrlExpired { time: UnixTime(1800000000), next_update: UnixTime(1800000000) }" },
	{ "root CRL in its last second", expires_next, ROOT, {0}, NULL },
	{ "PCK CRL in its last second", expires_next, PCK, {0}, NULL },
	{ "root CRL 301 seconds ahead", from_future, ROOT, {0}, "CrlNotYetValid" },
	{ "PCK CRL 301 seconds ahead", from_future, PCK, {0}, "CrlNotYetValid" },
	{ "root CRL 300 seconds ahead", from_near_future, ROOT, {0}, NULL },
	{ "PCK CRL 300 seconds ahead", from_near_future, PCK, {0}, NULL },
	{ "CRL number of 21 bytes", long_number, PCK, {0}, CRL_FAILED "InvalidCrlNumber" },
	{ "CRL number of 20 bytes", longest_number, PCK, {0}, NULL },
	{ "negative CRL number", negative_number, ROOT, {0}, CRL_FAILED "InvalidCrlNumber" },
	{ "delta PCK CRL", delta, PCK, {0}, CRL_FAILED "UnsupportedDeltaCrl" },
	{ "delta root CRL", delta, ROOT, {0}, CRL_FAILED "UnsupportedDeltaCrl" },
	{ "indirect PCK CRL", indirect, PCK, {0}, CRL_FAILED "UnsupportedIndirectCrl" },
	{ "indirect root CRL", indirect, ROOT, {0}, CRL_FAILED "UnsupportedIndirectCrl" },
	{ "PCK CRL for CAs only", only_ca, PCK, {0}, CHAIN_FAILED "UnknownRevocationStatus" },
	{ "PCK CRL for others only", only_user, PCK, {0}, NULL },
	{ "root CRL for others only", only_user, ROOT, {0}, "UnknownRevocationStatus" },
	{ "root CRL for CAs only", only_ca, ROOT, {0}, CHAIN_FAILED "UnknownRevocationStatus" },
	{ "critical extension of nobody in the root CRL", critical, ROOT, {0},
	    CRL_FAILED "UnsupportedCriticalExtension" },
	{ "critical extension of nobody in the PCK CRL", critical, PCK, {0},
	    CRL_FAILED "UnsupportedCriticalExtension" },
	{ "extension of nobody", unknown, PCK, {0}, NULL },
	{ "leaf revoked", revoke, 0, {0}, CHAIN_FAILED "CertRevoked" },
	{ "PCK CA revoked", revoke, 1, {0}, CHAIN_FAILED "CertRevoked" },
	{ "TCB signer revoked", revoke, 2, {0}, CHAIN_FAILED "CertRevoked" },
	{ "QE signer revoked", qe_signer_revoked, 0, {0}, CHAIN_FAILED "CertRevoked" },
	{ "anchor revoked", revoke, 3, {0}, "CertRevoked" },
	{ "the CA's serial in its own CRL", revoke, 4, {0}, NULL },
	{ "the leaf's serial in the root CRL", revoke, 5, {0}, NULL },
	{ "leaf revoked, first of a thousand", revoke_many, 0, {0}, CHAIN_FAILED "CertRevoked" },
	{ "leaf revoked, last of a thousand", revoke_many, 999, {0}, CHAIN_FAILED "CertRevoked" },
	{ "leaf not among a thousand", revoke_many, 1000, {0}, NULL },
	{ "PCK CA may not sign CRLs", ca_may_not, 0, {0}, CHAIN_FAILED "IssuerNotCrlSigner" },
	{ "PCK CA may sign anything", ca_says_nothing, 0, {0}, NULL },
	{ "PCK CRL, a bit of the signed part", NULL, 0, FLIP(STAGE_PCK_CRL, 40, "01"),
	    CHAIN_FAILED "UnknownRevocationStatus" },
};

/* ---- the same offered by a server, which cannot be believed either ---- */

static void
offered(struct guest *g, struct judge *judge)
{
	judge->offer = true;
}

static void
offer_chain(struct guest *g, int kind)
{
	struct pki_cert ca = g->intel.ca;
	struct bytes certs[2] = { EMPTY, pki_cert(&g->intel.root) };

	if (kind == 0)
		ca.issuer_key = ca.key = EVIL_KEY;
	else if (kind == 1)
		ca.subject = "Somebody Else PCK Platform CA";
	else if (kind == 2)
		ca.ca = false, ca.path_len = NULL;
	else if (kind == 3)
		ca.key_usage = 0x04;
	else if (kind == 4)
		ca.issuer = "Somebody Else";
	else
		ca.key = EVIL_KEY;
	certs[0] = pki_cert(&ca);
	g->intel.crl_chain = pki_pem(certs, 2);
}

static void
crl_chain(struct guest *g, struct judge *judge, int arg)
{
	offer_chain(g, arg);
}

static const struct row offered_rows[] = {
	{ "PCK CRL chain of a made-up CA", crl_chain, 0, {0},
	    "PCK CRL issuer chain: InvalidSignatureForPublicKey" },
	{ "PCK CRL chain of another CA", crl_chain, 1, {0},
	    "PCK CRL issuer chain: UnknownIssuer" },
	{ "PCK CRL chain of no CA", crl_chain, 2, {0}, "PCK CRL issuer chain: EndEntityUsedAsCa" },
	{ "PCK CRL chain of a CA that may not", crl_chain, 3, {0},
	    "PCK CRL issuer chain: IssuerNotCrlSigner" },
	{ "PCK CRL chain under another root", crl_chain, 4, {0},
	    "PCK CRL issuer chain: UnknownIssuer" },
	{ "PCK CRL chain with another key", crl_chain, 5, {0}, BAD_SIGNATURE },
	{ "root CRL offered by another CA", pck_twice, 0, {0}, "root CA CRL is of another CA" },
	{ "offered root CRL signed by another key", other_key, ROOT, {0}, BAD_SIGNATURE },
	{ "offered PCK CRL signed by another key", other_key, PCK, {0}, BAD_SIGNATURE },
	{ "offered root CRL expires now", expired, ROOT, {0},
	    "CrlExpired { time: UnixTime(1800000000), next_update: UnixTime(1800000000) }" },
	{ "offered PCK CRL 301 seconds ahead", from_future, PCK, {0}, "CrlNotYetValid" },
	{ "offered PCK CRL without a byte", NULL, 0, KEEP(STAGE_PCK_CRL, 0),
	    CRL_FAILED "BadDer" },
};

#define PREFIX  "Quote verification failed: failed to verify TDX quote: "

static void
test_crls(void **state)
{
	judge_table(&(struct table){ PREFIX, NULL, rows, NELEM(rows) });
}

static void
test_offered(void **state)
{
	judge_table(&(struct table){ "", offered, offered_rows, NELEM(offered_rows) });
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crls),
		cmocka_unit_test(test_offered),
	};

	return cmocka_run_group_tests_name("crl", tests, NULL, NULL);
}
