/*
 * A context that has judged a platform valid, and then one change of the world, of the clock
 * or of what is sent: nothing remembered may outlive its date, its CRL or its TCB data.
 */
#include "../support/mock_context.h"

#include <openssl/sha.h>

/* Each date rule: the seconds at which it turns, on a warm context. */
enum date {
	TCB_ISSUED, TCB_NEXT, QE_ISSUED, QE_NEXT, ROOT_CRL_THIS, ROOT_CRL_NEXT, PCK_CRL_THIS,
	PCK_CRL_NEXT, LEAF_FROM, LEAF_TO, CA_FROM, CA_TO, SIGNER_FROM, SIGNER_TO, QE_SIGNER_FROM,
	QE_SIGNER_TO, ROOT_FROM, ROOT_TO,
};

/* Puts a date of the world at MOCK_NOW. */
static void
date_set(enum date which)
{
	const int64_t at = MOCK_NOW, before = at - 900 * MOCK_DAY, after = at + 900 * MOCK_DAY;
	const bool from = which == LEAF_FROM || which == CA_FROM || which == SIGNER_FROM ||
	    which == QE_SIGNER_FROM || which == ROOT_FROM;
	struct pki_cert *cert = NULL;

	switch (which) {
	case TCB_ISSUED: mock.tcb.issued = at; return;
	case TCB_NEXT: mock.tcb.next_update = at; return;
	case QE_ISSUED: mock.qe.issued = at; return;
	case QE_NEXT: mock.qe.next_update = at; return;
	case ROOT_CRL_THIS: mock.root_crl.this_update = at; return;
	case ROOT_CRL_NEXT: mock.root_crl.next_update = at; return;
	case PCK_CRL_THIS: mock.pck_crl.this_update = at; return;
	case PCK_CRL_NEXT: mock.pck_crl.next_update = at; return;
	case LEAF_FROM: case LEAF_TO: cert = &mock.leaf; break;
	case CA_FROM: case CA_TO: cert = &mock.ca; break;
	case SIGNER_FROM: case SIGNER_TO: cert = &mock.tcb_signer; break;
	case QE_SIGNER_FROM: case QE_SIGNER_TO: cert = &mock.qe_signer; break;
	case ROOT_FROM: case ROOT_TO: cert = &mock.root; break;
	}
	cert->not_before = from ? at : before;
	cert->not_after = from ? after : at;
}

#define NOT_YET         CHAIN "CertNotValidYet { time: UnixTime(1799999999), "          \
			"not_before: UnixTime(1800000000) }"
#define EXPIRED         CHAIN "CertExpired { time: UnixTime(1800000001), "              \
			"not_after: UnixTime(1800000000) }"
#define CRL_EXPIRED     "CrlExpired { time: UnixTime(1800000000), "                     \
			"next_update: UnixTime(1800000000) }"

static const struct {
	const char *name;
	enum date which;
	int64_t good, bad;              /* seconds after the date                    */
	const char *why;
} dates[] = {
	{ "tcb issued", TCB_ISSUED, 0, -1, "TCBInfo issue date is in the future" },
	{ "tcb next update", TCB_NEXT, 0, 1, "TCBInfo expired" },
	{ "qe issued", QE_ISSUED, 0, -1, "QE Identity issue date is in the future" },
	{ "qe next update", QE_NEXT, 0, 1, "QE Identity expired" },
	{ "root crl this update", ROOT_CRL_THIS, -300, -301, "CrlNotYetValid" },
	{ "root crl next update", ROOT_CRL_NEXT, -1, 0, CRL_EXPIRED },
	{ "pck crl this update", PCK_CRL_THIS, -300, -301, "CrlNotYetValid" },
	{ "pck crl next update", PCK_CRL_NEXT, -1, 0, CRL_EXPIRED },
	{ "leaf from", LEAF_FROM, 0, -1, NOT_YET },
	{ "leaf to", LEAF_TO, 0, 1, EXPIRED },
	{ "ca from", CA_FROM, 0, -1, NOT_YET },
	{ "ca to", CA_TO, 0, 1, EXPIRED },
	{ "tcb signer from", SIGNER_FROM, 0, -1, NOT_YET },
	{ "tcb signer to", SIGNER_TO, 0, 1, EXPIRED },
	{ "qe signer from", QE_SIGNER_FROM, 0, -1, NOT_YET },
	{ "qe signer to", QE_SIGNER_TO, 0, 1, EXPIRED },
	{ "root from", ROOT_FROM, 0, -1, "Failed to load root ca" },
	{ "root to", ROOT_TO, 0, 1, "Failed to load root ca" },
};

static void
test_dates(void **state)
{
	for (size_t i = 0; i < NELEM(dates); i++) {
		mock_init(&mock);
		date_set(dates[i].which);
		context_renew();
		assert_true(dcap_pin(dcap, mock_object(&mock), MOCK_NOW, &why));
		(void)context_ask(MOCK_NOW + dates[i].good, true);
		if (result.outcome != DCAP_VERIFIED)
			fail_msg("%s: \"%s\"", dates[i].name, why.text);
		(void)context_ask(MOCK_NOW + dates[i].bad, true);
		if (result.outcome != DCAP_REFUSED || why.kind != REASON_REFUSED ||
		    strncmp(why.text, dates[i].why, strlen(dates[i].why)) != 0)
			fail_msg("%s: \"%s\"", dates[i].name, why.text);
		(void)context_ask(MOCK_NOW + dates[i].good, true);
		assert_int_equal(result.outcome, DCAP_VERIFIED);
	}
}

/* Fetched collateral that ran out is asked for again, and only then is its text given. */
static void
test_expired_fetched(void **state)
{
	int64_t late = mock.tcb.next_update + 1;
	struct dv_key failed;
	struct dcap_request request;

	mock.qe.next_update = mock.pck_crl.next_update = late + MOCK_DAY;
	context_warm();
	(void)context_ask(late, false);
	assert_int_equal(result.outcome, DCAP_NEEDS);
	assert_int_equal(result.nneeds, 1);
	assert_int_equal(result.needs[0].type, DV_FACT_TCB_INFO);
	failed = result.needs[0];
	request = (struct dcap_request){
		.quote = mock_quote(&mock), .now = late, .failed = &failed, .nfailed = 1,
	};
	(void)dcap_verify(&result, dcap, &request, arena, &why);
	assert_string_equal(why.text, "TCBInfo expired");
	assert_int_equal(why.kind, REASON_UNAVAILABLE);
}

/* An item that is genuine but past its end is not accepted, and can still say so. */
static void
test_offered_expired(void **state)
{
	mock.tcb.next_update = MOCK_NOW - 1;
	assert_false(context_offer(DV_FACT_TCB_INFO, MOCK_NOW));
	assert_string_equal(why.text, "TCBInfo expired");
	mock.tcb.next_update = MOCK_NOW;
	for (size_t i = 1; i < CONTEXT_KINDS; i++)
		assert_true(context_offer(context_kinds[i], MOCK_NOW));
	expect_refused(MOCK_NOW, "TCBInfo expired", REASON_UNAVAILABLE);
	assert_true(context_offer(DV_FACT_TCB_INFO, MOCK_NOW));
	expect_valid(MOCK_NOW);
	mock.tcb.next_update = MOCK_NOW - 1;            /* does not displace it      */
	assert_false(context_offer(DV_FACT_TCB_INFO, MOCK_NOW));
	expect_valid(MOCK_NOW);
}

/* One newer item after the other; the quote stays as it is. */
static void
test_leaf_revoked(void **state)
{
	static const struct pki_revoked revoked = { .serial = "0d" };

	context_warm();
	mock.pck_crl.revoked = &revoked;
	mock.pck_crl.nrevoked = 1;
	assert_true(context_offer(DV_FACT_PCK_CRL, MOCK_NOW));
	expect_refused(MOCK_NOW, CHAIN "CertRevoked", REASON_REFUSED);
}

static void
test_root_crl_revokes(void **state)
{
	static const struct {
		const char *serial, *why;
	} rows[] = {
		{ "0c", CHAIN "CertRevoked" },          /* PCK CA                    */
		{ "0e", CHAIN "CertRevoked" },          /* TCB signer                */
		{ "0f", "CertRevoked" },                /* the root itself           */
		{ "0d", NULL },                         /* the leaf: not the root's  */
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct pki_revoked revoked = { .serial = rows[i].serial };

		mock_init(&mock);
		context_renew();
		context_warm();
		mock.root_crl.revoked = &revoked;
		mock.root_crl.nrevoked = 1;
		assert_true(context_offer(DV_FACT_ROOT_CA_CRL, MOCK_NOW));
		if (rows[i].why != NULL)
			expect_refused(MOCK_NOW, rows[i].why, REASON_REFUSED);
		else
			expect_valid(MOCK_NOW);
	}
}

static void
test_qe_signer_revoked(void **state)
{
	static const struct pki_revoked revoked = { .serial = "11" };

	mock.qe_signer.serial = "11";
	context_warm();
	mock.root_crl.revoked = &revoked;
	mock.root_crl.nrevoked = 1;
	assert_true(context_offer(DV_FACT_ROOT_CA_CRL, MOCK_NOW));
	expect_refused(MOCK_NOW, CHAIN "CertRevoked", REASON_REFUSED);
}

static void
test_qe_identity_raised(void **state)
{
	context_warm();
	mock.qe.floor = 2;
	assert_true(context_offer(DV_FACT_QE_IDENTITY, MOCK_NOW));
	expect_refused(MOCK_NOW, "QE ISVSVN 1 is below minimum required 2 from QE Identity",
	    REASON_REFUSED);
}

static void
test_tcb_raised(void **state)
{
	context_warm();
	assert_int_equal(result.tcb.status, TCB_UP_TO_DATE);
	mock.tcb.floor = 6;
	assert_true(context_offer(DV_FACT_TCB_INFO, MOCK_NOW));
	expect_valid(MOCK_NOW);
	assert_int_equal(result.tcb.status, TCB_OUT_OF_DATE);
	assert_int_equal(result.tcb.advisories.n, 1);
	assert_int_equal(result.tcb.nshortfall, 1);
}

static void
test_clock_back(void **state)
{
	int64_t seen = mock.tcb.issued;

	context_warm();
	expect_refused(seen - 301, "system clock is behind signed collateral",
	    REASON_UNAVAILABLE);
	assert_true(result.clock_behind);
	expect_refused(seen - 300, "TCBInfo issue date is in the future", REASON_UNAVAILABLE);
	assert_false(result.clock_behind);
	expect_refused(seen - 1, "TCBInfo issue date is in the future", REASON_UNAVAILABLE);
	expect_valid(seen);
}

/* A document that is refused for being in the future is its own proof. */
static void
test_clock_proof(void **state)
{
	context_warm();
	mock.tcb.issued = MOCK_NOW + 301;
	assert_false(context_offer(DV_FACT_TCB_INFO, MOCK_NOW));
	assert_string_equal(why.text, "TCBInfo issue date is in the future");
	expect_refused(MOCK_NOW, "system clock is behind signed collateral",
	    REASON_UNAVAILABLE);
	expect_valid(MOCK_NOW + 1);
}

static void
test_clock_pinned(void **state)
{
	config.pinned_at = true;
	context_renew();
	context_warm();
	expect_refused(mock.tcb.issued - 301, "TCBInfo issue date is in the future",
	    REASON_UNAVAILABLE);

	config.pinned_at = false;
	context_renew();
	assert_true(dcap_pin(dcap, mock_object(&mock), MOCK_NOW, &why));
	expect_valid(MOCK_NOW);
	expect_refused(mock.tcb.issued - 301, "TCBInfo issue date is in the future",
	    REASON_REFUSED);
}

/* Two CAs of one name: the leaf of the one, the CRL of the other. */
static void
test_two_cas(void **state)
{
	context_warm();
	mock.ca.key = mock.leaf.issuer_key = 61;
	expect_refused(MOCK_NOW, CHAIN "InvalidCrlSignatureForPublicKey", REASON_REFUSED);
	mock.pck_crl.issuer_key = 61;
	assert_true(context_offer(DV_FACT_PCK_CRL, MOCK_NOW));
	expect_valid(MOCK_NOW);
}

static void
test_ca_may_not_sign_crls(void **state)
{
	mock.ca.key_usage = 0x04;
	assert_true(dcap_pin(dcap, mock_object(&mock), MOCK_NOW, &why));
	expect_refused(MOCK_NOW, CHAIN "IssuerNotCrlSigner", REASON_REFUSED);
	assert_false(context_offer(DV_FACT_PCK_CRL, MOCK_NOW));
	assert_string_equal(why.text, "PCK CRL issuer chain: IssuerNotCrlSigner");
}

/* The report that platform A's QE made, beside the chain of platform B. */
static void
test_report_of_another_platform(void **state)
{
	context_warm();
	mock.pck.ppid[0] = 9;
	mock_platform(&mock);
	mock.leaf.key = 62;                     /* quote.pck_key stays A's           */
	expect_refused(MOCK_NOW, "Signature is invalid for qe_report in quote", REASON_REFUSED);
}

/* A known report, byte for byte, that is of another attestation key. */
static void
test_report_with_another_key(void **state)
{
	uint8_t point[PKI_POINT_LEN], data[64 + 32] = { 0 }, digest[SHA256_DIGEST_LENGTH];

	context_warm();
	pki_point(point, PKI_ATTESTATION);
	memcpy(data, point + 1, 64);
	SHA256(data, sizeof data, digest);
	memcpy(mock.quote.qe_report + 320, digest, sizeof digest);
	mock.quote.keep_report_data = true;
	expect_valid(MOCK_NOW);
	mock.quote.attestation_key = 63;
	expect_refused(MOCK_NOW, "QE report hash mismatch", REASON_REFUSED);
}

static void
test_many_reports(void **state)
{
	context_warm();
	mock.pck.ppid[0] = 8;
	mock_platform(&mock);
	mock.leaf.key = mock.quote.pck_key = 65;
	for (unsigned i = 0; i < 100; i++) {
		mock.quote.qe_report[0] = (uint8_t)i;   /* cpu_svn: not judged           */
		expect_valid(MOCK_NOW);
	}
	assert_int_equal(context_ask(MOCK_NOW, true), 1);       /* the last is kept              */
	mock.quote.qe_report[0] = 0;
	assert_int_equal(context_ask(MOCK_NOW, true), 2);       /* the first is not              */
	mock_init(&mock);
	assert_int_equal(context_ask(MOCK_NOW, true), 1);       /* and the other platform's is   */
}

/* A report whose QE is not Intel's is never remembered. */
static void
test_report_not_remembered(void **state)
{
	context_warm();
	mock.quote.qe_report[128] = 0x45;
	(void)context_ask(MOCK_NOW, true);
	assert_int_equal(result.outcome, DCAP_REFUSED);
	assert_int_equal(context_ask(MOCK_NOW, true), 2);
}

static void
test_ages(void **state)
{
	const int64_t at = mock.fetched_at;

	config.max_age_secs = 3600;
	config.root_crl_max_age_secs = 86400;
	config.serve_stale_max_secs = 259200;
	context_renew();
	context_warm();
	(void)context_ask(at + 3600, false);
	assert_int_equal(result.outcome, DCAP_VERIFIED);
	(void)context_ask(at + 3601, false);
	assert_int_equal(result.outcome, DCAP_NEEDS);
	assert_int_equal(result.nneeds, 3);             /* not the root CRL              */
	(void)context_ask(at + 86401, false);
	assert_int_equal(result.nneeds, 4);
	expect_valid(at + 259200);
	assert_int_equal(result.collateral.fetched_at, at);
	expect_refused(at + 259201, "collateral unavailable: TCB info for FMSPC B0C06F000000",
	    REASON_UNAVAILABLE);

	mock.fetched_at = at + 86401;                   /* the same bytes again          */
	context_offer_all(mock.fetched_at);
	(void)context_ask(mock.fetched_at + 3600, false);
	assert_int_equal(result.outcome, DCAP_VERIFIED);
}

/* One item alone fails to be fetched; 0 means that nothing serves past its age. */
static void
test_stale_root_crl(void **state)
{
	const int64_t at = mock.fetched_at;

	config.max_age_secs = config.root_crl_max_age_secs = 3600;
	context_renew();
	context_warm();
	mock.fetched_at = at + 3601;
	for (size_t i = 0; i < CONTEXT_KINDS; i++)
		if (context_kinds[i] != DV_FACT_ROOT_CA_CRL)
			assert_true(context_offer(context_kinds[i], mock.fetched_at));
	expect_refused(at + 3601, "collateral unavailable: root CA CRL", REASON_UNAVAILABLE);
	expect_valid(at + 3600);
}

/* Where the time is fixed by the operator, ages are counted by the real clock. */
static void
test_ages_pinned(void **state)
{
	struct dcap_request request = { .quote = mock_quote(&mock), .now = MOCK_NOW };

	config.max_age_secs = config.root_crl_max_age_secs = 60;
	config.pinned_at = true;
	context_renew();
	context_warm();
	for (int64_t age = 60; age <= 61; age++) {
		request.clock = mock.fetched_at + age;
		arena_reset(arena);
		assert_int_equal(dcap_verify(&result, dcap, &request, arena, &why),
		    age == 60 ? DCAP_VERIFIED : DCAP_NEEDS);
	}
}

/* For what the operator gave nothing is fetched, also when it is past its end. */
static void
test_pinned_not_fetched(void **state)
{
	assert_true(dcap_pin(dcap, mock_object(&mock), MOCK_NOW, &why));
	(void)context_ask(mock.tcb.next_update + 1, false);
	assert_int_equal(result.outcome, DCAP_REFUSED);
	assert_string_equal(why.text, "TCBInfo expired");
}

/* What came with a chain that does not hold now is no accepted item. */
static void
test_offered_chain_dates(void **state)
{
	static const int64_t spans[][2] = {
		{ MOCK_NOW + 1, MOCK_NOW + MOCK_DAY }, { MOCK_NOW - MOCK_DAY, MOCK_NOW - 1 },
	};

	for (size_t i = 0; i < NELEM(spans); i++) {
		mock.tcb_signer.not_before = mock.ca.not_before = spans[i][0];
		mock.tcb_signer.not_after = mock.ca.not_after = spans[i][1];
		assert_false(context_offer(DV_FACT_TCB_INFO, MOCK_NOW));
		assert_string_equal(why.text, "issuer chain is outside its validity");
		assert_false(context_offer(DV_FACT_PCK_CRL, MOCK_NOW));
		assert_string_equal(why.text, "issuer chain is outside its validity");
	}
}

#define TEST(name)                                                              \
	cmocka_unit_test_setup_teardown(name, context_setup, context_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_dates),
		TEST(test_expired_fetched),
		TEST(test_offered_expired),
		TEST(test_leaf_revoked),
		TEST(test_root_crl_revokes),
		TEST(test_qe_signer_revoked),
		TEST(test_qe_identity_raised),
		TEST(test_tcb_raised),
		TEST(test_clock_back),
		TEST(test_clock_proof),
		TEST(test_clock_pinned),
		TEST(test_two_cas),
		TEST(test_ca_may_not_sign_crls),
		TEST(test_report_of_another_platform),
		TEST(test_report_with_another_key),
		TEST(test_many_reports),
		TEST(test_report_not_remembered),
		TEST(test_ages),
		TEST(test_ages_pinned),
		TEST(test_pinned_not_fetched),
		TEST(test_offered_chain_dates),
		TEST(test_stale_root_crl),
	};

	return cmocka_run_group_tests_name("dcap_warm", tests, NULL, NULL);
}
