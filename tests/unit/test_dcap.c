/*
 * What a context asks for, what that costs in public-key operations, and what it is told.
 */
#include "../support/mock_context.h"

#include <stdlib.h>

static void
test_operations(void **state)
{
	uint64_t cold;

	cold = context_ask(MOCK_NOW, false);
	assert_int_equal(result.outcome, DCAP_NEEDS);
	assert_int_equal(cold, 4);
	context_offer_all(MOCK_NOW);
	assert_int_equal(context_ask(MOCK_NOW, false), 2);      /* QE report, quote          */
	assert_int_equal(result.outcome, DCAP_VERIFIED);
	assert_int_equal(context_ask(MOCK_NOW, false), 1);

	mock.quote.attestation_key = 50;
	assert_int_equal(context_ask(MOCK_NOW, false), 2);
	assert_int_equal(result.outcome, DCAP_VERIFIED);
	assert_int_equal(context_ask(MOCK_NOW, false), 1);

	mock.pck.ppid[0] = 77;
	mock_platform(&mock);
	mock.leaf.key = mock.quote.pck_key = 51;
	assert_int_equal(context_ask(MOCK_NOW, false), 3);
	assert_int_equal(result.outcome, DCAP_VERIFIED);
	assert_int_equal(context_ask(MOCK_NOW, false), 1);
}

/* Collateral at hand from the start: nine signatures, each once. */
static void
test_operations_pinned(void **state)
{
	uint64_t before = dcap_operations(dcap);

	assert_true(dcap_pin(dcap, mock_object(&mock), MOCK_NOW, &why));
	assert_int_equal(dcap_operations(dcap), before);
	assert_int_equal(context_ask(MOCK_NOW, true), 9);
	assert_int_equal(result.outcome, DCAP_VERIFIED);
	assert_true(result.collateral.pinned && !result.collateral.has_fetched_at);
	assert_int_equal(context_ask(MOCK_NOW, true), 1);

	context_renew();
	before = dcap_operations(dcap);
	context_offer_all(MOCK_NOW);
	(void)context_ask(MOCK_NOW, true);
	assert_int_equal(result.outcome, DCAP_VERIFIED);
	assert_int_equal(dcap_operations(dcap) - before, 9);

	mock.qe_signer.key = mock.qe.signer_key = 52;   /* as the simulator has it   */
	context_renew();
	assert_true(dcap_pin(dcap, mock_object(&mock), MOCK_NOW, &why));
	assert_int_equal(context_ask(MOCK_NOW, true), 10);
	assert_int_equal(result.outcome, DCAP_VERIFIED);
}

static void
test_needs(void **state)
{
	(void)context_ask(MOCK_NOW, false);
	assert_int_equal(result.outcome, DCAP_NEEDS);
	assert_int_equal(result.nneeds, CONTEXT_KINDS);
	for (size_t i = 0; i < CONTEXT_KINDS; i++) {
		struct dv_key key = mock_key(&mock, context_kinds[i]);

		assert_memory_equal(&result.needs[i], &key, sizeof key);
	}
	assert_true(context_offer(DV_FACT_PCK_CRL, MOCK_NOW));
	assert_true(context_offer(DV_FACT_QE_IDENTITY, MOCK_NOW));
	(void)context_ask(MOCK_NOW, false);
	assert_int_equal(result.nneeds, 2);
	assert_int_equal(result.needs[0].type, DV_FACT_TCB_INFO);
	assert_int_equal(result.needs[1].type, DV_FACT_ROOT_CA_CRL);
	assert_true(result.has_platform);
	assert_int_equal(result.platform.ca, DV_PCK_CA_PLATFORM);
}

/* What was asked for in vain is named, and nothing more is asked for. */
static void
test_failed(void **state)
{
	static const char *const texts[] = {
		"collateral unavailable: TCB info for FMSPC B0C06F000000",
		"collateral unavailable: QE identity",
		"collateral unavailable: PCK CRL (platform)",
		"collateral unavailable: root CA CRL",
	};

	for (size_t i = 0; i < CONTEXT_KINDS; i++) {
		const struct dv_key key = mock_key(&mock, context_kinds[i]);
		const struct dcap_request request = {
			.quote = mock_quote(&mock), .now = MOCK_NOW, .failed = &key, .nfailed = 1,
		};

		(void)dcap_verify(&result, dcap, &request, arena, &why);
		assert_int_equal(result.outcome, DCAP_REFUSED);
		assert_int_equal(result.nneeds, 0);
		assert_string_equal(why.text, texts[i]);
		assert_int_equal(why.kind, REASON_UNAVAILABLE);
	}
}

static void
test_early(void **state)
{
	config.early = true;
	context_renew();
	(void)context_ask(MOCK_NOW, false);
	assert_true(result.needs[0].early && result.needs[1].early);
	assert_false(result.needs[2].early || result.needs[3].early);
	context_offer_all(MOCK_NOW);            /* the standard ones are no answer to it */
	(void)context_ask(MOCK_NOW, false);
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
		context_warm();
		type = lie_tell(lies[i].lie);
		if (context_offer(type, MOCK_NOW) || strcmp(why.text, lies[i].why) != 0)
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
		(void)context_ask(MOCK_NOW, true);
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
	assert_int_equal(result.collateral.root_crl.issued, mock.root_crl.this_update);
	assert_int_equal(result.collateral.pck_crl.issued, mock.pck_crl.this_update);
}

/* Files of two platforms, SGX and TDX: each quote finds its own. */
static void
test_pin_two_platforms(void **state)
{
	struct mock other = mock;

	assert_true(dcap_pin(dcap, mock_object(&mock), MOCK_NOW, &why));
	other.tcb.id = "SGX";
	other.qe.id = "QE";
	assert_true(dcap_pin(dcap, mock_object(&other), MOCK_NOW, &why));
	other.tcb.id = "TDX";
	other.tcb_fmspc = "000000000001";
	assert_true(dcap_pin(dcap, mock_object(&other), MOCK_NOW, &why));
	other.pck_crl.issuer = "Mock Intel SGX PCK Processor CA";
	assert_true(dcap_pin(dcap, mock_object(&other), MOCK_NOW, &why));
	expect_valid(MOCK_NOW);
}

/* One item of the operator's, the others fetched: no age can be told. */
static void
test_pin_some(void **state)
{
	struct bytes object = mock_object(&mock);

	object = pki_replace(object, bytes_str("\"tcb_info\""), bytes_str("\"x\""));
	object = pki_replace(object, bytes_str("\"pck_crl\""), bytes_str("\"y\""));
	object = pki_replace(object, bytes_str("\"root_ca_crl\""), bytes_str("\"z\""));
	assert_true(dcap_pin(dcap, object, MOCK_NOW, &why));
	(void)context_ask(MOCK_NOW, false);
	assert_int_equal(result.nneeds, 3);
	context_offer_all(MOCK_NOW);
	expect_valid(MOCK_NOW);
	assert_true(result.collateral.pinned && !result.collateral.has_fetched_at);
	assert_int_equal(result.collateral.fetched_at, 0);
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
	assert_int_equal(context_ask(MOCK_NOW, false), 0);
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
	(void)context_ask(MOCK_NOW, false);
	assert_int_equal(result.nneeds, 4);
	context_offer_all(MOCK_NOW);
	expect_valid(MOCK_NOW);
}

/* The operator's file can hold the chain of such a quote. */
static void
test_pck_certificate_pinned(void **state)
{
	static const uint8_t data[404];
	const struct dv_fact fact = mock_fact(&mock, DV_FACT_PCK_CERTIFICATE);
	const struct bytes body = { fact.body.ptr, fact.body.len };
	const struct bytes chain = { fact.chain.ptr, fact.chain.len };
	struct bytes pem = pki_join((struct bytes[]){ body, chain }, 2);
	struct bytes object = mock_object(&mock);

	mock.quote.cert_type = 3;
	mock.quote.cert_data = BYTES_OF(data);
	object = pki_replace(object, bytes_str("{\"root_ca_crl\""), pki_join((struct bytes[]){
	    bytes_str("{\"pck_certificate_chain\":\""), build_escaped(pem),
	    bytes_str("\",\"root_ca_crl\"") }, 3));
	assert_true(dcap_pin(dcap, object, MOCK_NOW, &why));
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
	context_warm();
	assert_int_equal(result.quote.td.vmid, 1);
	assert_int_equal(result.nwarnings, 0);
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
	context_offer_all(MOCK_NOW);
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
	context_offer_all(MOCK_NOW);
	(void)dcap_verify(&result, dcap, &request, arena, &why);
	assert_int_equal(result.outcome, DCAP_REFUSED);
}

static void
test_result(void **state)
{
	static const uint8_t number[] = { 1 };

	mock.fetched_at = MOCK_NOW - 100;
	assert_true(context_offer(DV_FACT_QE_IDENTITY, MOCK_NOW));
	mock.fetched_at = MOCK_NOW - 50;
	for (size_t i = 0; i < CONTEXT_KINDS; i++)
		if (context_kinds[i] != DV_FACT_QE_IDENTITY)
			assert_true(context_offer(context_kinds[i], MOCK_NOW));
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
	context_warm();
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

#define TEST(name)                                                              \
	cmocka_unit_test_setup_teardown(name, context_setup, context_teardown)

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
		TEST(test_lies),
		TEST(test_pinned_lies),
		TEST(test_expired_first),
		TEST(test_swapped_crls),
		TEST(test_pin_two_platforms),
		TEST(test_pin_some),
		TEST(test_pin_twice),
		TEST(test_pck_certificate),
		TEST(test_pck_certificate_pinned),
		TEST(test_body_type_4),
		TEST(test_warnings),
		TEST(test_result),
		TEST(test_freshness),
	};

	return cmocka_run_group_tests_name("dcap", tests, NULL, NULL);
}
