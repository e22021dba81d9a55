/*
 * What a context remembers and what it must not: public-key operations, needs, the clock,
 * marks, ages, and one change of the world after another on a warm context.
 */
#include "testing.h"

#include <stdlib.h>

#include <openssl/sha.h>

#include "dcap/dcap.h"
#include "../support/mock_collateral.h"

#define ARENA_MAX_LEN   ((size_t)4 << 20)
#define CHAIN           "Failed to verify certificate chain: "

static const enum dv_fact_type kinds[] = {
	DV_FACT_TCB_INFO, DV_FACT_QE_IDENTITY, DV_FACT_PCK_CRL, DV_FACT_ROOT_CA_CRL,
};

/* A world, a context that trusts its root, and the last answer. */
static struct mock mock;
static struct dcap *dcap;
static struct dcap_config config;
static struct dcap_result result;
static struct reason why;
static struct arena *arena;

static void
context_renew(void)
{
	dcap_free(dcap);
	config.anchor = mock_anchor(&mock);
	if (!dcap_new(&dcap, &config, &why))
		fail_msg("%s", why.text);
}

static int
setup(void **state)
{
	arena = arena_new(ARENA_MAX_LEN);
	config = (struct dcap_config){ .tcb_rule = DV_TCB_RULE_UPSTREAM };
	mock_init(&mock);
	context_renew();
	return arena == NULL;
}

static int
teardown(void **state)
{
	dcap_free(dcap);
	dcap = NULL;
	arena_free(arena);
	return 0;
}

static bool
offer(enum dv_fact_type type, int64_t now)
{
	const struct dv_key key = mock_key(&mock, type);
	const struct dv_fact fact = mock_fact(&mock, type);
	struct dv_dates dates;

	return dcap_offer(dcap, &key, &fact, now, &dates, &why);
}

static void
offer_all(int64_t now)
{
	for (size_t i = 0; i < NELEM(kinds); i++)
		if (!offer(kinds[i], now))
			fail_msg("%s", why.text);
}

/* Asks once, and gives the operations it took. */
static uint64_t
ask(int64_t now, bool offline)
{
	const struct dcap_request request = {
		.quote = mock_quote(&mock), .now = now, .offline = offline,
	};
	uint64_t before = dcap_operations(dcap);

	arena_reset(arena);
	(void)dcap_verify(&result, dcap, &request, arena, &why);
	return dcap_operations(dcap) - before;
}

static void
expect_valid(int64_t now)
{
	(void)ask(now, true);
	if (result.outcome != DCAP_VERIFIED)
		fail_msg("outcome %d \"%s\"", result.outcome, why.text);
}

static void
expect_refused(int64_t now, const char *text, enum reason_kind kind)
{
	(void)ask(now, true);
	if (result.outcome != DCAP_REFUSED || strcmp(why.text, text) != 0 || why.kind != kind)
		fail_msg("outcome %d \"%s\" (%s), not \"%s\"", result.outcome, why.text,
		    reason_kind_name(why.kind), text);
	assert_int_equal(result.nneeds, 0);
}

static void
make_warm(void)
{
	offer_all(MOCK_NOW);
	expect_valid(MOCK_NOW);
}

static void
test_operations(void **state)
{
	uint64_t cold;

	cold = ask(MOCK_NOW, false);
	assert_int_equal(result.outcome, DCAP_NEEDS);
	assert_int_equal(cold, 4);
	offer_all(MOCK_NOW);
	assert_int_equal(ask(MOCK_NOW, false), 2);      /* QE report, quote          */
	assert_int_equal(result.outcome, DCAP_VERIFIED);
	assert_int_equal(ask(MOCK_NOW, false), 1);

	mock.quote.attestation_key = 50;
	assert_int_equal(ask(MOCK_NOW, false), 2);
	assert_int_equal(result.outcome, DCAP_VERIFIED);
	assert_int_equal(ask(MOCK_NOW, false), 1);

	mock.pck.ppid[0] = 77;
	mock_platform(&mock);
	mock.leaf.key = mock.quote.pck_key = 51;
	assert_int_equal(ask(MOCK_NOW, false), 3);
	assert_int_equal(result.outcome, DCAP_VERIFIED);
	assert_int_equal(ask(MOCK_NOW, false), 1);
}

/* Collateral at hand from the start: nine signatures, each once. */
static void
test_operations_pinned(void **state)
{
	uint64_t before = dcap_operations(dcap);

	assert_true(dcap_pin(dcap, mock_object(&mock), MOCK_NOW, &why));
	assert_int_equal(dcap_operations(dcap), before);
	assert_int_equal(ask(MOCK_NOW, true), 9);
	assert_int_equal(result.outcome, DCAP_VERIFIED);
	assert_true(result.collateral.pinned && !result.collateral.has_fetched_at);
	assert_int_equal(ask(MOCK_NOW, true), 1);

	context_renew();
	before = dcap_operations(dcap);
	offer_all(MOCK_NOW);
	(void)ask(MOCK_NOW, true);
	assert_int_equal(result.outcome, DCAP_VERIFIED);
	assert_int_equal(dcap_operations(dcap) - before, 9);

	mock.qe_signer.key = mock.qe.signer_key = 52;   /* as the simulator has it   */
	context_renew();
	assert_true(dcap_pin(dcap, mock_object(&mock), MOCK_NOW, &why));
	assert_int_equal(ask(MOCK_NOW, true), 10);
	assert_int_equal(result.outcome, DCAP_VERIFIED);
}

static void
test_needs(void **state)
{
	(void)ask(MOCK_NOW, false);
	assert_int_equal(result.outcome, DCAP_NEEDS);
	assert_int_equal(result.nneeds, NELEM(kinds));
	for (size_t i = 0; i < NELEM(kinds); i++) {
		struct dv_key key = mock_key(&mock, kinds[i]);

		assert_memory_equal(&result.needs[i], &key, sizeof key);
	}
	assert_true(offer(DV_FACT_PCK_CRL, MOCK_NOW));
	assert_true(offer(DV_FACT_QE_IDENTITY, MOCK_NOW));
	(void)ask(MOCK_NOW, false);
	assert_int_equal(result.nneeds, 2);
	assert_int_equal(result.needs[0].type, DV_FACT_TCB_INFO);
	assert_int_equal(result.needs[1].type, DV_FACT_ROOT_CA_CRL);
	assert_true(result.has_platform);
	assert_int_equal(result.platform.ca, DV_PCK_CA_PLATFORM);
}

/* What was asked for in vain is named; the rest is still asked for. */
static void
test_failed(void **state)
{
	static const char *const texts[] = {
		"collateral unavailable: TCB info for FMSPC B0C06F000000",
		"collateral unavailable: QE identity",
		"collateral unavailable: PCK CRL (platform)",
		"collateral unavailable: root CA CRL",
	};

	for (size_t i = 0; i < NELEM(kinds); i++) {
		const struct dv_key key = mock_key(&mock, kinds[i]);
		const struct dcap_request request = {
			.quote = mock_quote(&mock), .now = MOCK_NOW, .failed = &key, .nfailed = 1,
		};

		(void)dcap_verify(&result, dcap, &request, arena, &why);
		assert_int_equal(result.outcome, DCAP_REFUSED);
		assert_string_equal(why.text, texts[i]);
		assert_int_equal(why.kind, REASON_UNAVAILABLE);
	}
}

static void
test_early(void **state)
{
	config.early = true;
	context_renew();
	(void)ask(MOCK_NOW, false);
	assert_true(result.needs[0].early && result.needs[1].early);
	assert_false(result.needs[2].early || result.needs[3].early);
	offer_all(MOCK_NOW);            /* the standard ones are no answer to it */
	(void)ask(MOCK_NOW, false);
	assert_int_equal(result.nneeds, 2);
}

/* Made-up quotes are refused without one need.  Spoils the world; see spoil(). */
enum spoil {
	LEAF_BY_ANOTHER, CA_BY_ANOTHER, QE_REPORT, QUOTE, ROOT, QE_DEBUG, QE_BINDING, DEBUG,
	LEAF_EXPIRED, CA_EXPIRED, VENDOR, CUT,
};

static void
spoil(enum spoil what)
{
	struct pki_quote *quote = &mock.quote;

	switch (what) {
	case LEAF_BY_ANOTHER: mock.leaf.issuer_key = 60; break;
	case CA_BY_ANOTHER: mock.ca.issuer_key = 60; break;
	case QE_REPORT: quote->pck_key = 60; break;
	case QUOTE: break;      /* spoilt below, behind the signature */
	case ROOT: mock.ca.issuer = "My own root"; break;
	case QE_DEBUG: quote->qe_report[48] |= 2; break;
	case QE_BINDING: quote->keep_report_data = true; break;
	case DEBUG: quote->body[120] |= 1; break;
	case LEAF_EXPIRED: mock.leaf.not_before = 1; mock.leaf.not_after = MOCK_NOW - 1; break;
	case CA_EXPIRED: mock.ca.not_before = 1; mock.ca.not_after = MOCK_NOW - 1; break;
	case VENDOR: quote->vendor[0] ^= 1; break;
	case CUT: break;
	}
}

static const struct {
	enum spoil what;
	uint64_t operations;
	const char *why;
} made_up[] = {
	{ LEAF_BY_ANOTHER, 2, CHAIN "InvalidSignatureForPublicKey" },
	{ CA_BY_ANOTHER, 2, CHAIN "InvalidSignatureForPublicKey" },
	{ QE_REPORT, 3, "Signature is invalid for qe_report in quote" },
	{ QUOTE, 4, "ISV enclave report signature is invalid" },
	{ ROOT, 0, CHAIN "UnknownIssuer" },
	{ QE_DEBUG, 3, "QE report validation failed: Debug mode is enabled" },
	{ QE_BINDING, 3, "QE report hash mismatch" },
	{ DEBUG, 4, "Debug mode is enabled" },
	{ LEAF_EXPIRED, 2, CHAIN "CertExpired { time: UnixTime(1800000000), "
	    "not_after: UnixTime(1799999999) }" },
	{ CA_EXPIRED, 2, CHAIN "CertExpired { time: UnixTime(1800000000), "
	    "not_after: UnixTime(1799999999) }" },
	{ VENDOR, 0, "Unknown QE vendor ID" },
	{ CUT, 0, "Failed to parse quote: Not enough data to fill buffer" },
};

static void
test_made_up(void **state)
{
	for (size_t i = 0; i < NELEM(made_up); i++) {
		struct dcap_request request = { .now = MOCK_NOW };
		uint64_t before;
		uint8_t *raw;

		mock_init(&mock);
		context_renew();
		spoil(made_up[i].what);
		request.quote = mock_quote(&mock);
		raw = malloc(request.quote.len);
		assert_non_null(raw);
		bytes_copy(raw, request.quote);
		if (made_up[i].what == QUOTE)
			raw[48 + 568] ^= 1;     /* report_data */
		if (made_up[i].what == CUT)
			request.quote.len--;
		request.quote.ptr = raw;
		before = dcap_operations(dcap);
		(void)dcap_verify(&result, dcap, &request, arena, &why);
		if (result.outcome != DCAP_REFUSED || result.nneeds != 0 ||
		    strcmp(why.text, made_up[i].why) != 0)
			fail_msg("%zu: outcome %d \"%s\"", i, result.outcome, why.text);
		assert_in_range(dcap_operations(dcap) - before, 0, made_up[i].operations);
		free(raw);
	}
}

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
	struct pki_cert *cert = NULL;
	bool from = false;

	switch (which) {
	case TCB_ISSUED: mock.tcb.issued = at; return;
	case TCB_NEXT: mock.tcb.next_update = at; return;
	case QE_ISSUED: mock.qe.issued = at; return;
	case QE_NEXT: mock.qe.next_update = at; return;
	case ROOT_CRL_THIS: mock.root_crl.this_update = at; return;
	case ROOT_CRL_NEXT: mock.root_crl.next_update = at; return;
	case PCK_CRL_THIS: mock.pck_crl.this_update = at; return;
	case PCK_CRL_NEXT: mock.pck_crl.next_update = at; return;
	case LEAF_FROM: from = true; /* FALLTHROUGH */
	case LEAF_TO: cert = &mock.leaf; break;
	case CA_FROM: from = true; /* FALLTHROUGH */
	case CA_TO: cert = &mock.ca; break;
	case SIGNER_FROM: from = true; /* FALLTHROUGH */
	case SIGNER_TO: cert = &mock.tcb_signer; break;
	case QE_SIGNER_FROM: from = true; /* FALLTHROUGH */
	case QE_SIGNER_TO: cert = &mock.qe_signer; break;
	case ROOT_FROM: from = true; /* FALLTHROUGH */
	case ROOT_TO: cert = &mock.root; break;
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
		(void)ask(MOCK_NOW + dates[i].good, true);
		if (result.outcome != DCAP_VERIFIED)
			fail_msg("%s: \"%s\"", dates[i].name, why.text);
		(void)ask(MOCK_NOW + dates[i].bad, true);
		if (result.outcome != DCAP_REFUSED || why.kind != REASON_REFUSED ||
		    strncmp(why.text, dates[i].why, strlen(dates[i].why)) != 0)
			fail_msg("%s: \"%s\"", dates[i].name, why.text);
		(void)ask(MOCK_NOW + dates[i].good, true);
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
	make_warm();
	(void)ask(late, false);
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
	assert_false(offer(DV_FACT_TCB_INFO, MOCK_NOW));
	assert_string_equal(why.text, "TCBInfo expired");
	mock.tcb.next_update = MOCK_NOW;
	for (size_t i = 1; i < NELEM(kinds); i++)
		assert_true(offer(kinds[i], MOCK_NOW));
	expect_refused(MOCK_NOW, "TCBInfo expired", REASON_UNAVAILABLE);
	assert_true(offer(DV_FACT_TCB_INFO, MOCK_NOW));
	expect_valid(MOCK_NOW);
	mock.tcb.next_update = MOCK_NOW - 1;            /* does not displace it      */
	assert_false(offer(DV_FACT_TCB_INFO, MOCK_NOW));
	expect_valid(MOCK_NOW);
}

/* One newer item after the other; the quote stays as it is. */
static void
test_leaf_revoked(void **state)
{
	static const struct pki_revoked revoked = { .serial = "0d" };

	make_warm();
	mock.pck_crl.revoked = &revoked;
	mock.pck_crl.nrevoked = 1;
	assert_true(offer(DV_FACT_PCK_CRL, MOCK_NOW));
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
		make_warm();
		mock.root_crl.revoked = &revoked;
		mock.root_crl.nrevoked = 1;
		assert_true(offer(DV_FACT_ROOT_CA_CRL, MOCK_NOW));
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
	make_warm();
	mock.root_crl.revoked = &revoked;
	mock.root_crl.nrevoked = 1;
	assert_true(offer(DV_FACT_ROOT_CA_CRL, MOCK_NOW));
	expect_refused(MOCK_NOW, CHAIN "CertRevoked", REASON_REFUSED);
}

static void
test_qe_identity_raised(void **state)
{
	make_warm();
	mock.qe.floor = 2;
	assert_true(offer(DV_FACT_QE_IDENTITY, MOCK_NOW));
	expect_refused(MOCK_NOW, "QE ISVSVN 1 is below minimum required 2 from QE Identity",
	    REASON_REFUSED);
}

static void
test_tcb_raised(void **state)
{
	make_warm();
	assert_int_equal(result.tcb.status, TCB_UP_TO_DATE);
	mock.tcb.floor = 6;
	assert_true(offer(DV_FACT_TCB_INFO, MOCK_NOW));
	expect_valid(MOCK_NOW);
	assert_int_equal(result.tcb.status, TCB_OUT_OF_DATE);
	assert_int_equal(result.tcb.advisories.n, 1);
	assert_int_equal(result.tcb.nshortfall, 1);
}

static void
test_clock_back(void **state)
{
	int64_t seen = mock.tcb.issued;

	make_warm();
	expect_refused(seen - 301, "Internal error: system clock is behind signed collateral",
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
	make_warm();
	mock.tcb.issued = MOCK_NOW + 301;
	assert_false(offer(DV_FACT_TCB_INFO, MOCK_NOW));
	assert_string_equal(why.text, "TCBInfo issue date is in the future");
	expect_refused(MOCK_NOW, "Internal error: system clock is behind signed collateral",
	    REASON_UNAVAILABLE);
	expect_valid(MOCK_NOW + 1);
}

static void
test_clock_pinned(void **state)
{
	config.pinned_at = true;
	context_renew();
	make_warm();
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
	make_warm();
	mock.ca.key = mock.leaf.issuer_key = 61;
	expect_refused(MOCK_NOW, CHAIN "InvalidCrlSignatureForPublicKey", REASON_REFUSED);
	mock.pck_crl.issuer_key = 61;
	assert_true(offer(DV_FACT_PCK_CRL, MOCK_NOW));
	expect_valid(MOCK_NOW);
}

static void
test_ca_may_not_sign_crls(void **state)
{
	mock.ca.key_usage = 0x04;
	assert_true(dcap_pin(dcap, mock_object(&mock), MOCK_NOW, &why));
	expect_refused(MOCK_NOW, CHAIN "IssuerNotCrlSigner", REASON_REFUSED);
	assert_false(offer(DV_FACT_PCK_CRL, MOCK_NOW));
	assert_string_equal(why.text, "PCK CRL issuer chain: IssuerNotCrlSigner");
}

/* The report that platform A's QE made, beside the chain of platform B. */
static void
test_report_of_another_platform(void **state)
{
	make_warm();
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

	make_warm();
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
	make_warm();
	mock.pck.ppid[0] = 8;
	mock_platform(&mock);
	mock.leaf.key = mock.quote.pck_key = 65;
	for (unsigned i = 0; i < 100; i++) {
		mock.quote.qe_report[0] = (uint8_t)i;   /* cpu_svn: not judged           */
		expect_valid(MOCK_NOW);
	}
	assert_int_equal(ask(MOCK_NOW, true), 1);       /* the last is kept              */
	mock.quote.qe_report[0] = 0;
	assert_int_equal(ask(MOCK_NOW, true), 2);       /* the first is not              */
	mock_init(&mock);
	assert_int_equal(ask(MOCK_NOW, true), 1);       /* and the other platform's is   */
}

/* A report whose QE is not Intel's is never remembered. */
static void
test_report_not_remembered(void **state)
{
	make_warm();
	mock.quote.qe_report[128] = 0x45;
	(void)ask(MOCK_NOW, true);
	assert_int_equal(result.outcome, DCAP_REFUSED);
	assert_int_equal(ask(MOCK_NOW, true), 2);
}

static void
test_ages(void **state)
{
	const int64_t at = mock.fetched_at;

	config.max_age_secs = 3600;
	config.root_crl_max_age_secs = 86400;
	config.serve_stale_max_secs = 259200;
	context_renew();
	make_warm();
	(void)ask(at + 3600, false);
	assert_int_equal(result.outcome, DCAP_VERIFIED);
	(void)ask(at + 3601, false);
	assert_int_equal(result.outcome, DCAP_NEEDS);
	assert_int_equal(result.nneeds, 3);             /* not the root CRL              */
	(void)ask(at + 86401, false);
	assert_int_equal(result.nneeds, 4);
	expect_valid(at + 259200);
	assert_int_equal(result.collateral.fetched_at, at);
	expect_refused(at + 259201, "collateral unavailable: TCB info for FMSPC B0C06F000000",
	    REASON_UNAVAILABLE);

	mock.fetched_at = at + 86401;                   /* the same bytes again          */
	offer_all(mock.fetched_at);
	(void)ask(mock.fetched_at + 3600, false);
	assert_int_equal(result.outcome, DCAP_VERIFIED);
}

/* One item alone fails to be fetched; 0 means that nothing serves past its age. */
static void
test_stale_root_crl(void **state)
{
	const int64_t at = mock.fetched_at;

	config.max_age_secs = config.root_crl_max_age_secs = 3600;
	context_renew();
	make_warm();
	mock.fetched_at = at + 3601;
	for (size_t i = 0; i < NELEM(kinds); i++)
		if (kinds[i] != DV_FACT_ROOT_CA_CRL)
			assert_true(offer(kinds[i], mock.fetched_at));
	expect_refused(at + 3601, "collateral unavailable: root CA CRL", REASON_UNAVAILABLE);
	expect_valid(at + 3600);
}

/* What a fetcher that lies, or a server that mixes things up, can send. */
enum lie {
	TCB_SIGNATURE, QE_SIGNATURE, OTHER_FMSPC, OTHER_TEE, OTHER_QE, SIGNER_IS_PCK, OTHER_CRL,
	OTHER_ROOT_CRL, PCK_CRL_SIGNATURE, ROOT_CRL_SIGNATURE, CRL_CA_FAKE, CRL_CA_OTHER,
};

static enum dv_fact_type
lie_tell(enum lie lie)
{
	switch (lie) {
	case TCB_SIGNATURE: mock.tcb.bad_signature = true; return DV_FACT_TCB_INFO;
	case QE_SIGNATURE: mock.qe.bad_signature = true; return DV_FACT_QE_IDENTITY;
	case OTHER_FMSPC: mock.tcb_fmspc = "000000000001"; return DV_FACT_TCB_INFO;
	case OTHER_TEE: mock.tcb.id = "SGX"; return DV_FACT_TCB_INFO;
	case OTHER_QE: mock.qe.id = "QE"; return DV_FACT_QE_IDENTITY;
	case SIGNER_IS_PCK:
		mock.tcb_signer.sgx = mock.leaf.sgx;
		return DV_FACT_TCB_INFO;
	case OTHER_CRL: mock.pck_crl.issuer = "Somebody"; return DV_FACT_PCK_CRL;
	case OTHER_ROOT_CRL: mock.root_crl.issuer = PKI_CA_NAME; return DV_FACT_ROOT_CA_CRL;
	case PCK_CRL_SIGNATURE: mock.pck_crl.issuer_key = 64; return DV_FACT_PCK_CRL;
	case ROOT_CRL_SIGNATURE: mock.root_crl.issuer_key = 64; return DV_FACT_ROOT_CA_CRL;
	case CRL_CA_FAKE:
		mock.ca.issuer_key = 64;
		return DV_FACT_PCK_CRL;
	case CRL_CA_OTHER:
		mock.ca.subject = mock.pck_crl.issuer = "Mock Intel SGX PCK Processor CA";
		return DV_FACT_PCK_CRL;
	}
	return DV_FACT_IMAGE;
}

static const struct {
	enum lie lie;
	const char *why;
} lies[] = {
	{ TCB_SIGNATURE, "Signature is invalid for tcb_info in quote_collateral" },
	{ QE_SIGNATURE, "Signature is invalid for qe_identity in quote_collateral" },
	{ OTHER_FMSPC, "TCB info is of another platform" },
	{ OTHER_TEE, "TCB info is of another platform" },
	{ OTHER_QE, "Unsupported QE Identity id/version for the quote TEE type: QE/2" },
	{ SIGNER_IS_PCK, "TCB signing certificate is not one" },
	{ OTHER_CRL, "PCK CRL issuer chain: UnknownIssuer" },
	{ OTHER_ROOT_CRL, "root CA CRL is of another CA" },
	{ PCK_CRL_SIGNATURE, "InvalidCrlSignatureForPublicKey" },
	{ ROOT_CRL_SIGNATURE, "InvalidCrlSignatureForPublicKey" },
	{ CRL_CA_FAKE, "PCK CRL issuer chain: InvalidSignatureForPublicKey" },
	{ CRL_CA_OTHER, "PCK CRL issuer chain: PCK CRL is of another CA" },
};

/* Refused as a candidate, and what was there before goes on serving. */
static void
test_lies(void **state)
{
	for (size_t i = 0; i < NELEM(lies); i++) {
		enum dv_fact_type type;

		mock_init(&mock);
		context_renew();
		make_warm();
		type = lie_tell(lies[i].lie);
		if (offer(type, MOCK_NOW) || strcmp(why.text, lies[i].why) != 0)
			fail_msg("%zu: \"%s\"", i, why.text);
		mock_init(&mock);
		expect_valid(MOCK_NOW);
	}
}

/* The same in the operator's file: the quote is refused, by the check's own text. */
static const struct {
	enum lie lie;
	const char *why;
} pinned_lies[] = {
	{ TCB_SIGNATURE, "Signature is invalid for tcb_info in quote_collateral" },
	{ QE_SIGNATURE, "Signature is invalid for qe_identity in quote_collateral" },
	{ OTHER_FMSPC, "Fmspc mismatch" },
	{ OTHER_TEE, "TDX quote with non-TDX TCB info in the collateral" },
	{ OTHER_QE, "Unsupported QE Identity id/version for the quote TEE type: QE/2" },
	{ SIGNER_IS_PCK, "TCB signing certificate is not one" },
	{ OTHER_CRL, CHAIN "UnknownRevocationStatus" },
	{ OTHER_ROOT_CRL, "UnknownRevocationStatus" },
	{ PCK_CRL_SIGNATURE, CHAIN "InvalidCrlSignatureForPublicKey" },
	{ ROOT_CRL_SIGNATURE, "InvalidCrlSignatureForPublicKey" },
};

static void
test_pinned_lies(void **state)
{
	for (size_t i = 0; i < NELEM(pinned_lies); i++) {
		mock_init(&mock);
		context_renew();
		(void)lie_tell(pinned_lies[i].lie);
		assert_true(dcap_pin(dcap, mock_object(&mock), MOCK_NOW, &why));
		(void)ask(MOCK_NOW, true);
		if (result.outcome != DCAP_REFUSED || strcmp(why.text, pinned_lies[i].why) != 0)
			fail_msg("%zu: outcome %d \"%s\"", i, result.outcome, why.text);
	}
}

/* "Expired" goes ahead of "signature invalid". */
static void
test_expired_first(void **state)
{
	mock.tcb.bad_signature = true;
	mock.qe.next_update = MOCK_NOW - 1;
	assert_true(dcap_pin(dcap, mock_object(&mock), MOCK_NOW, &why));
	expect_refused(MOCK_NOW, "QE Identity expired", REASON_REFUSED);
}

static void
test_swapped_crls(void **state)
{
	struct bytes object = mock_object(&mock);

	object = pki_replace(object, bytes_str("\"root_ca_crl\""), bytes_str("\"x\""));
	object = pki_replace(object, bytes_str("\"pck_crl\""), bytes_str("\"root_ca_crl\""));
	object = pki_replace(object, bytes_str("\"x\""), bytes_str("\"pck_crl\""));
	assert_true(dcap_pin(dcap, object, MOCK_NOW, &why));
	expect_valid(MOCK_NOW);
}

/* A file that is current is not displaced by one that is not. */
static void
test_pin_twice(void **state)
{
	assert_true(dcap_pin(dcap, mock_object(&mock), MOCK_NOW, &why));
	mock.qe.next_update = MOCK_NOW - 1;
	mock.pck_crl.next_update = MOCK_NOW;
	assert_true(dcap_pin(dcap, mock_object(&mock), MOCK_NOW, &why));
	expect_valid(MOCK_NOW);
	dcap_unpin(dcap);
	expect_refused(MOCK_NOW, "collateral unavailable: TCB info for FMSPC B0C06F000000",
	    REASON_UNAVAILABLE);
}

/* Types 2 and 3 ask for the certificate alone, and then go on as usual. */
static void
test_pck_certificate(void **state)
{
	uint8_t data[404] = { [0] = 0x5a };
	struct dv_key key;
	struct dv_fact fact;
	struct dv_dates item_dates;

	memcpy(data + 384, mock.pck.cpusvn, 16);
	data[400] = 11;
	mock.quote.cert_type = 3;
	mock.quote.cert_data = BYTES_OF(data);
	assert_int_equal(ask(MOCK_NOW, false), 0);
	assert_int_equal(result.outcome, DCAP_NEEDS);
	assert_int_equal(result.nneeds, 1);
	key = result.needs[0];
	assert_int_equal(key.type, DV_FACT_PCK_CERTIFICATE);
	assert_int_equal(key.pck.encrypted_ppid_len, 384);
	assert_int_equal(key.pck.encrypted_ppid[0], 0x5a);
	assert_memory_equal(key.pck.pce_svn, "\x0b\0", 2);
	expect_refused(MOCK_NOW, "collateral unavailable: PCK certificate", REASON_UNAVAILABLE);

	fact = mock_fact(&mock, DV_FACT_PCK_CERTIFICATE);
	key.pck.pce_svn[0] = 12;
	assert_false(dcap_offer(dcap, &key, &fact, MOCK_NOW, &item_dates, &why));
	assert_string_equal(why.text, "TCB level mismatch: the PCK certificate is for another TCB, "
	    "platform not re-registered");
	key.pck.pce_svn[0] = 11;
	if (!dcap_offer(dcap, &key, &fact, MOCK_NOW, &item_dates, &why))
		fail_msg("%s", why.text);
	(void)ask(MOCK_NOW, false);
	assert_int_equal(result.nneeds, 4);
	offer_all(MOCK_NOW);
	expect_valid(MOCK_NOW);
}

/* Body type 4: verified, and shown with what dstack's own rules would refuse. */
static void
test_body_type_4(void **state)
{
	mock.quote.version = 5;
	mock.quote.body_type = 4;
	mock.quote.body_len = 885;
	mock.quote.body[648] = 1;
	make_warm();
	assert_int_equal(result.quote.td.vmid, 1);
	assert_true(result.tcb.has_current && result.tcb.current_found);
	mock.quote.body[600] = 1;
	expect_refused(MOCK_NOW, "Invalid MR service TD", REASON_REFUSED);
	mock.quote.body[600] = 0;
	mock.quote.body_size = 884;
	expect_refused(MOCK_NOW, "Failed to parse quote: TD report body size mismatch",
	    REASON_MALFORMED);
}

static void
test_warnings(void **state)
{
	struct dcap_request request = { .now = MOCK_NOW, .offline = true,
	    .allow_service_td = true };

	mock.quote.version = 5;
	mock.quote.body_type = 3;
	mock.quote.body_len = 648;
	mock.quote.body[584 + 1] = 1;           /* tee_tcb_svn2: a module nobody knows */
	mock.quote.body[600 + 47] = 0xab;
	offer_all(MOCK_NOW);
	request.quote = mock_quote(&mock);
	(void)dcap_verify(&result, dcap, &request, arena, &why);
	assert_int_equal(result.outcome, DCAP_VERIFIED);
	assert_int_equal(result.nwarnings, 2);
	assert_true(bytes_equal(result.warnings[0],
	    bytes_str("tee_tcb_svn2 matches no TCB level")));
	assert_true(bytes_equal(result.warnings[1], bytes_str("mr_service_td is "
	    "00000000000000000000000000000000000000000000000000"
	    "00000000000000000000000000000000000000000000ab")));
	config.tcb_rule = DV_TCB_RULE_INTEL;
	context_renew();
	offer_all(MOCK_NOW);
	(void)dcap_verify(&result, dcap, &request, arena, &why);
	assert_int_equal(result.outcome, DCAP_REFUSED);
}

static void
test_result(void **state)
{
	static const uint8_t number[] = { 1 };

	mock.fetched_at = MOCK_NOW - 100;
	assert_true(offer(DV_FACT_QE_IDENTITY, MOCK_NOW));
	mock.fetched_at = MOCK_NOW - 50;
	for (size_t i = 0; i < NELEM(kinds); i++)
		if (kinds[i] != DV_FACT_QE_IDENTITY)
			assert_true(offer(kinds[i], MOCK_NOW));
	expect_valid(MOCK_NOW);
	assert_true(result.has_quote && result.has_platform);
	assert_memory_equal(result.platform.ppid, mock.pck.ppid, 16);
	assert_false(result.platform.has_piid);
	assert_int_equal(result.platform.pce_svn, 11);
	assert_int_equal(result.collateral.fetched_at, MOCK_NOW - 100);
	assert_int_equal(result.collateral.tcb.issued, mock.tcb.issued);
	assert_int_equal(result.collateral.root_crl.issued, mock.root_crl.this_update);
	assert_int_equal(result.collateral.tcb_evaluation_data_number, 20);
	assert_true(bytes_equal(result.collateral.pck_crl_number, BYTES_OF(number)));
	assert_true(dcap_external(dcap));
	assert_false(result.tcb.has_current);
}

static void
test_freshness(void **state)
{
	mock.tcb.issued = mock.qe.issued = mock.pck_crl.this_update = MOCK_NOW - 1000;
	make_warm();
	assert_true(dcap_freshness_check(&result, 0, 0, MOCK_NOW, &why));
	assert_true(dcap_freshness_check(&result, 1000, 20, MOCK_NOW, &why));
	assert_false(dcap_freshness_check(&result, 999, 0, MOCK_NOW, &why));
	assert_string_equal(why.text, "TCB info is older than 999 seconds");
	result.collateral.tcb.issued++;
	assert_false(dcap_freshness_check(&result, 999, 0, MOCK_NOW, &why));
	assert_string_equal(why.text, "QE identity is older than 999 seconds");
	result.collateral.qe.issued++;
	assert_false(dcap_freshness_check(&result, 999, 0, MOCK_NOW, &why));
	assert_string_equal(why.text, "PCK CRL is older than 999 seconds");
	result.collateral.pck_crl.issued = MOCK_NOW + 300;
	assert_true(dcap_freshness_check(&result, 999, 0, MOCK_NOW, &why));
	result.collateral.pck_crl.issued = MOCK_NOW + 301;
	assert_false(dcap_freshness_check(&result, 999, 0, MOCK_NOW, &why));
	assert_string_equal(why.text, "PCK CRL is dated in the future");
	assert_false(dcap_freshness_check(&result, 0, 21, MOCK_NOW, &why));
	assert_string_equal(why.text, "TCB info has tcbEvaluationDataNumber 20, not at least 21");
	result.collateral.tcb_evaluation_data_number = 21;
	assert_false(dcap_freshness_check(&result, 0, 21, MOCK_NOW, &why));
	assert_string_equal(why.text, "QE identity has tcbEvaluationDataNumber 20, not at least 21");
}

#define TEST(name)      cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_operations),
		TEST(test_operations_pinned),
		TEST(test_needs),
		TEST(test_failed),
		TEST(test_early),
		TEST(test_made_up),
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
		TEST(test_stale_root_crl),
		TEST(test_lies),
		TEST(test_pinned_lies),
		TEST(test_expired_first),
		TEST(test_swapped_crls),
		TEST(test_pin_twice),
		TEST(test_pck_certificate),
		TEST(test_body_type_4),
		TEST(test_warnings),
		TEST(test_result),
		TEST(test_freshness),
	};

	return cmocka_run_group_tests_name("dcap", tests, NULL, NULL);
}
