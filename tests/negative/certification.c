/*
 * Certification data of types 2 and 3: the quote names its PCK certificate, and somebody has to
 * bring it.  quote-verification.md 1.7, 4.3, 12.4.
 */
#include "judge.h"

#define QUOTE_FAILED    "Quote verification failed: failed to verify TDX quote: "
#define CHAIN_FAILED    "Failed to verify certificate chain: "
#define DECODE_FAILED   QUOTE_FAILED "Failed to parse quote: Failed to decode "
#define ANOTHER_TCB     "TCB level mismatch: the PCK certificate is for another TCB, " \
	    "platform not re-registered"
#define EVIL_KEY        50
#define PPID_3072       384

static void
entry_2048(struct guest *g, struct judge *judge)
{
	judge->offer = true;
	g->certification = 2;
}

static void
entry_3072(struct guest *g, struct judge *judge)
{
	judge->offer = true;
	g->certification = 3;
}

static void
leaf_key(struct guest *g, struct judge *judge, int arg)
{
	g->intel.leaf.key = EVIL_KEY;
}

static void
leaf_issuer(struct guest *g, struct judge *judge, int arg)
{
	g->intel.leaf.issuer_key = EVIL_KEY;
}

static void
ca_issuer(struct guest *g, struct judge *judge, int arg)
{
	g->intel.ca.issuer_key = EVIL_KEY;
}

static void
revoke(struct guest *g, struct judge *judge, int arg)
{
	static const struct pki_revoked leaf = { "0d", { NULL, 0 } };

	g->intel.pck_crl.revoked = &leaf;
	g->intel.pck_crl.nrevoked = 1;
}

/* Another platform's certificate: collateral is asked for that one, and is not for it. */
static void
other_fmspc(struct guest *g, struct judge *judge, int arg)
{
	g->intel.tcb_fmspc = "000000000001";
}

/* Nobody has it. */
static void
not_to_be_had(struct guest *g, struct judge *judge, int arg)
{
	judge->offer = false;
}

static const struct row rows[] = {
	{ "a certificate of another key", leaf_key, 0, {0},
	    QUOTE_FAILED "Signature is invalid for qe_report in quote" },
	{ "a certificate that the CA did not sign", leaf_issuer, 0, {0},
	    CHAIN_FAILED "InvalidSignatureForPublicKey" },
	{ "a CA that the root did not sign", ca_issuer, 0, {0},
	    CHAIN_FAILED "InvalidSignatureForPublicKey" },
	{ "revoked", revoke, 0, {0}, QUOTE_FAILED CHAIN_FAILED "CertRevoked" },
	{ "collateral for another FMSPC", other_fmspc, 0, {0}, "TCB info is of another platform" },
	{ "not to be had", not_to_be_had, 0, {0},
	    QUOTE_FAILED "collateral unavailable: PCK certificate" },
};

static const struct row rows_2048[] = {
	{ "one byte short", NULL, 0, CUT(STAGE_PCK_ID, 1),
	    DECODE_FAILED "ENCRYPTED_PPID_2048" },
	{ "one byte more", NULL, 0, APPEND(STAGE_PCK_ID, "00"),
	    DECODE_FAILED "ENCRYPTED_PPID_2048" },
};

static const struct row rows_3072[] = {
	{ "one byte short", NULL, 0, CUT(STAGE_PCK_ID, 1),
	    DECODE_FAILED "ENCRYPTED_PPID_3072" },
	{ "one byte more", NULL, 0, APPEND(STAGE_PCK_ID, "00"),
	    DECODE_FAILED "ENCRYPTED_PPID_3072" },
	{ "the other type's length", NULL, 0, CUT(STAGE_PCK_ID, 128),
	    DECODE_FAILED "ENCRYPTED_PPID_3072" },
	{ "another CPUSVN", NULL, 0, PATCH(STAGE_PCK_ID, PPID_3072, "06"), ANOTHER_TCB },
	{ "another PCESVN", NULL, 0, PATCH(STAGE_PCK_ID, PPID_3072 + 16, "0c"), ANOTHER_TCB },
	/* It is asked for by that name; whose certificate it is, is told by the key. */
	{ "another PCEID", NULL, 0, PATCH(STAGE_PCK_ID, PPID_3072 + 18, "01"), NULL },
};

#define TABLE(base, rows)       judge_table(&(struct table){ "", base, rows, NELEM(rows) })

static void
test_2048(void **state)
{
	TABLE(entry_2048, rows);
	TABLE(entry_2048, rows_2048);
}

static void
test_3072(void **state)
{
	TABLE(entry_3072, rows);
	TABLE(entry_3072, rows_3072);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_2048),
		cmocka_unit_test(test_3072),
	};

	return cmocka_run_group_tests_name("certification", tests, NULL, NULL);
}
