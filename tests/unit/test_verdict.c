#include "testing.h"

#include <stdio.h>

#include <config.h>

#include "../support/verdict_sample.h"

/* All three proofs, no failure and nothing missing: only then. */
static void
test_settle(void **state)
{
	for (unsigned i = 0; i < 32; i++) {
		struct verdict v = {
			.quote_verified = i & 1, .event_log_verified = i & 2,
			.os_image_hash_verified = i & 4,
			.code = i & 8 ? VERDICT_NONE : VERDICT_POLICY, .nneeds = i & 16 ? 0 : 1,
		};

		verdict_settle(&v);
		assert_int_equal(v.valid, i == 31);
	}
}

/* A verdict of zeroes is a refusal. */
static void
test_zero(void **state)
{
	struct verdict v = { .valid = false };

	verdict_settle(&v);
	assert_false(v.valid);
	assert_false(verdict_retryable(&v));
}

static void
test_first_failure(void **state)
{
	struct verdict v = { .valid = false };
	struct reason a = { 0 }, b = { 0 };

	(void)reject(&a, REASON_REFUSED, "the first");
	(void)reject(&b, REASON_UNAVAILABLE, "another");
	assert_false(verdict_fail(&v, VERDICT_RTMR_MISMATCH, &a));
	assert_false(verdict_fail(&v, VERDICT_COLLATERAL_UNAVAILABLE, &b));
	assert_int_equal(v.code, VERDICT_RTMR_MISMATCH);
	assert_string_equal(v.why.text, "the first");
	assert_false(verdict_retryable(&v));
}

static void
test_clock(void **state)
{
	static const struct {
		int64_t now;
		bool    pinned, ok;
	} rows[] = {
		{ RELEASE_DATE, false, true }, { RELEASE_DATE - 1, false, false },
		{ 0, false, false }, { 0, true, true }, { INT64_MIN, false, false },
		{ INT64_MAX, false, true },
	};

	for (size_t i = 0; i < NELEM(rows); i++) {
		struct verdict v = { .valid = false };
		struct verdict_terms terms = { .now = rows[i].now, .pinned_at = rows[i].pinned };

		assert_int_equal(verdict_clock_check(&v, &terms), rows[i].ok);
		assert_int_equal(v.code, rows[i].ok ? VERDICT_NONE : VERDICT_CLOCK_BEFORE_RELEASE);
		assert_int_equal(verdict_retryable(&v), !rows[i].ok);
	}
}

static void
test_codes(void **state)
{
	static const struct {
		enum verdict_code code;
		const char *name;
		enum dv_stage stage;
		bool    retryable;      /* also with a reason of kind REFUSED */
	} rows[] = {
		{ VERDICT_NONE, "none", DV_STAGE_NONE, false },
		{ VERDICT_QUOTE_REQUIRED, "quote_required", DV_STAGE_REQUEST, false },
		{ VERDICT_EVENT_LOG_REQUIRED, "event_log_required", DV_STAGE_REQUEST, false },
		{ VERDICT_ATTESTATION_MALFORMED, "attestation_malformed", DV_STAGE_REQUEST, false },
		{ VERDICT_EVIDENCE_MALFORMED, "evidence_malformed", DV_STAGE_REQUEST, false },
		{ VERDICT_INPUT_UNREADABLE, "input_unreadable", DV_STAGE_REQUEST, false },
		{ VERDICT_TEE_UNSUPPORTED, "tee_unsupported", DV_STAGE_QUOTE, false },
		{ VERDICT_QUOTE_MALFORMED, "quote_malformed", DV_STAGE_QUOTE, false },
		{ VERDICT_QUOTE_UNSUPPORTED, "quote_unsupported", DV_STAGE_QUOTE, false },
		{ VERDICT_QUOTE_REFUSED, "quote_refused", DV_STAGE_QUOTE, false },
		{ VERDICT_COLLATERAL_UNAVAILABLE, "collateral_unavailable", DV_STAGE_QUOTE, false },
		{ VERDICT_REPORT_DATA_MISMATCH, "report_data_mismatch", DV_STAGE_QUOTE, false },
		{ VERDICT_EVENT_LOG_REFUSED, "event_log_refused", DV_STAGE_EVENT_LOG, false },
		{ VERDICT_RTMR_MISMATCH, "rtmr_mismatch", DV_STAGE_EVENT_LOG, false },
		{ VERDICT_MR_CONFIG_ID_MISMATCH, "mr_config_id_mismatch", DV_STAGE_EVENT_LOG,
		    false },
		{ VERDICT_VM_CONFIG_MALFORMED, "vm_config_malformed", DV_STAGE_OS_IMAGE, false },
		{ VERDICT_IMAGE_UNAVAILABLE, "image_unavailable", DV_STAGE_OS_IMAGE, false },
		{ VERDICT_OS_IMAGE_REFUSED, "os_image_refused", DV_STAGE_OS_IMAGE, false },
		{ VERDICT_MEASUREMENT_MISMATCH, "measurement_mismatch", DV_STAGE_OS_IMAGE, false },
		{ VERDICT_POLICY, "policy_check_failed", DV_STAGE_POLICY, false },
		{ VERDICT_CLOCK_BEHIND_COLLATERAL, "clock_behind_collateral", DV_STAGE_INTERNAL,
		    true },
		{ VERDICT_CLOCK_BEFORE_RELEASE, "clock_before_release", DV_STAGE_INTERNAL, true },
		{ VERDICT_DEADLINE_EXCEEDED, "deadline_exceeded", DV_STAGE_INTERNAL, true },
		{ VERDICT_INTERNAL, "internal", DV_STAGE_INTERNAL, false },
	};

	assert_int_equal(NELEM(rows), VERDICT_INTERNAL + 1);
	for (size_t i = 0; i < NELEM(rows); i++) {
		struct verdict v = { .code = rows[i].code, .why = { .kind = REASON_REFUSED } };

		assert_int_equal(rows[i].code, i);
		assert_string_equal(verdict_code_name(rows[i].code), rows[i].name);
		assert_int_equal(verdict_code_stage(rows[i].code), rows[i].stage);
		assert_int_equal(verdict_retryable(&v), rows[i].retryable);
		v.why.kind = REASON_UNAVAILABLE;
		assert_int_equal(verdict_retryable(&v), i != VERDICT_NONE);
	}
}

/* Each code is in the manual. */
static void
test_manual(void **state)
{
	const char *page = (const char *)vector_read("../../man/dstack-verifier.1").ptr;
	char entry[64];

	for (int code = VERDICT_NONE + 1; code <= VERDICT_INTERNAL; code++) {
		(void)snprintf(entry, sizeof entry, ".TP\n.B %s\n",
		    verdict_code_name((enum verdict_code)code));
		if (strstr(page, entry) == NULL)
			fail_msg("no %s in dstack-verifier(1)", entry);
	}
}

static void
test_ca_names(void **state)
{
	assert_string_equal(verdict_ca_name(DV_PCK_CA_PROCESSOR), "processor");
	assert_string_equal(verdict_ca_name(DV_PCK_CA_PLATFORM), "platform");
	assert_string_equal(verdict_ca_name((enum dv_pck_ca)0), "none");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settle),
		cmocka_unit_test(test_zero),
		cmocka_unit_test(test_first_failure),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_manual),
		cmocka_unit_test(test_ca_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
