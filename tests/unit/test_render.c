/*
 * Members whose presence or value hangs on a condition, one condition a row.  Whole answers, with
 * members and order, are compared by test_answers.
 */
#include "testing.h"

#include "../support/verdict_sample.h"
#include "../teesim/build.h"
#include "core/timestamp.h"
#include "verify/render.h"

static void
nothing(struct verdict_sample *s)
{
}

#define CHANGE(name, ...)                                                                       \
static void                                                                                     \
name(struct verdict_sample *s)                                                                  \
{                                                                                               \
	__VA_ARGS__;                                                                            \
}

#define V       s->verdict
#define TCB     s->verdict.dcap.tcb
#define COLL    s->verdict.dcap.collateral

static struct bytes hashes[] = { { (const uint8_t *)"\1\2", 2 }, { (const uint8_t *)"\3", 1 } };
static struct bytes ids[2];
static const struct image_record published = { .is_dev = true, .version = "0.6\"", .version_len = 4 };

CHANGE(refused, verdict_sample_fail(s, VERDICT_QUOTE_REFUSED, REASON_REFUSED);
    V.quote_verified = V.event_log_verified = V.os_image_hash_verified = false)
CHANGE(image_failed, verdict_sample_fail(s, VERDICT_OS_IMAGE_REFUSED, REASON_REFUSED);
    V.event_log_verified = V.os_image_hash_verified = false)
CHANGE(internal, verdict_sample_fail(s, VERDICT_INTERNAL, REASON_INTERNAL);
    V.quote_verified = V.event_log_verified = V.os_image_hash_verified = false)
CHANGE(request_error, verdict_sample_fail(s, VERDICT_QUOTE_REQUIRED, REASON_MALFORMED);
    V.quote_verified = V.event_log_verified = V.os_image_hash_verified = false)
CHANGE(policy, verdict_sample_fail(s, VERDICT_POLICY, REASON_REFUSED);
    V.app.has_event_os_image_hash = true; V.app.event_os_image_hash = hashes[0])
CHANGE(external, s->terms.external_anchor = true)
CHANGE(piid, V.dcap.platform.has_piid = true)
CHANGE(processor, V.dcap.platform.ca = DV_PCK_CA_PROCESSOR)
CHANGE(two_pass, V.lite.two_pass = true)
CHANGE(genuine, V.lite.acpi_profile = ACPI_GENUINE)
CHANGE(record, V.record = &published)
CHANGE(legacy, record(s); V.config.variant = VM_VARIANT_LEGACY;
    V.image_source = IMAGE_SOURCE_IMAGE_DOWNLOAD; V.lite = ((struct lite_result){ 0 });
    V.legacy.kernel = LEGACY_KERNEL_PATCHED)
CHANGE(legacy_genuine, legacy(s); V.legacy.two_pass = true; V.legacy.acpi_profile = ACPI_GENUINE;
    V.legacy.acpi_tables_verified = true)
CHANGE(legacy_unpatched, legacy(s); V.legacy.kernel = LEGACY_KERNEL_UNPATCHED)
CHANGE(legacy_normalized, legacy(s); V.legacy.kernel = LEGACY_KERNEL_NORMALIZED)
CHANGE(legacy_failed, legacy(s); image_failed(s))
CHANGE(no_version, V.lite.measurement_version = 0)
CHANGE(provider, V.app.key_provider = ((struct key_provider){ true, bytes_str("kms"),
    bytes_str("a\"b") }))
CHANGE(provider_unproved, provider(s); image_failed(s))
CHANGE(scripts, V.app.init_script_hashes = hashes; V.app.n_init_script_hashes = NELEM(hashes))
CHANGE(event_hash, V.app.has_event_os_image_hash = true; V.app.event_os_image_hash = hashes[0])
CHANGE(advisories, ids[0] = bytes_str("A-1"); ids[1] = bytes_str("A-2");
    TCB.advisories = ((struct advisories){ ids, 2 }))
CHANGE(other_status, TCB.intel_status = TCB_OUT_OF_DATE)
CHANGE(other_null, TCB.intel_found = false)
CHANGE(intel_rule, TCB.rule = DV_TCB_RULE_INTEL)
CHANGE(intel_other, intel_rule(s); TCB.upstream_status = TCB_SW_HARDENING_NEEDED)
CHANGE(intel_null, intel_rule(s); TCB.upstream_found = false)
CHANGE(current, TCB.has_current = true; TCB.current_found = true;
    TCB.current_status = TCB_OUT_OF_DATE)
CHANGE(current_null, TCB.has_current = true)
CHANGE(shortfall_none, TCB.has_shortfall = true)
CHANGE(shortfall, TCB.has_shortfall = true; TCB.nshortfall = 2;
    TCB.shortfall[0] = ((struct tcb_shortfall){ TCB_COMPONENT_TDX, true, 1, 2, 3 });
    TCB.shortfall[1] = ((struct tcb_shortfall){ TCB_COMPONENT_PCESVN, false, 0, 11, 13 }))
CHANGE(mr_config_false, V.mr_config = MR_CONFIG_FALSE)
CHANGE(mr_config_true, V.mr_config = MR_CONFIG_TRUE)
CHANGE(coverage, V.replay.covered[0] = V.replay.covered[2] = true; V.replay.covered[3] = false)
CHANGE(dates, COLL.tcb.issued = 0; COLL.tcb.next_update = TIMESTAMP_MAX;
    COLL.root_crl.issued = -1; COLL.pck_crl.issued = TIMESTAMP_MAX + 1)
CHANGE(numbers, COLL.tcb_evaluation_data_number = 19; COLL.root_crl_number = hashes[0];
    COLL.pck_crl_number = hashes[1])
CHANGE(fetched, COLL.has_fetched_at = true; COLL.fetched_at = VERDICT_SAMPLE_NOW - 7)
CHANGE(fetched_at, fetched(s); s->terms.pinned_at = true; s->terms.at = 5)
CHANGE(fetched_pinned, fetched(s); s->terms.pinned_collateral = true)
CHANGE(statuses, TCB.platform_status = TCB_OUT_OF_DATE; TCB.qe.status = TCB_CONFIGURATION_NEEDED)

static const struct {
	const char *name;
	void    (*change)(struct verdict_sample *);
	const char *has[3], *lacks[3];
} cases[] = {
	{ "valid", nothing, { "{\"is_valid\":true,", "\"boot_info\":{", "},\"reason\":null}" },
	    { "\"error\":", "\"pinned\":", "\"tcb_rule\":" } },
	{ "valid, more", nothing, { "\"key_provider\":null", "\"init_script_hashes\":[]",
	    "\"mr_config_id_verified\":null" },
	    { "\"current_tcb_status\"", "\"tcb_shortfall\"", "\"event_os_image_hash\"" } },
	{ "refused", refused, { "{\"is_valid\":false,", "\"app_info\":null,\"warnings\":[],\"error\":{"
	    "\"stage\":\"quote\",\"code\":\"quote_refused\",\"kind\":\"refused\",\"retryable\":false}"
	    ",\"appraisal\":{", "\"reason\":\"a reason\"}" },
	    { "assurance", "\"platform\":{", "\"collateral\":{" } },
	{ "refused, more", refused, { "\"tee_variant\":null,\"report_data\":null,\"tcb_status\":null,"
	    "\"advisory_ids\":[],\"key_provider\":null,\"app_info\":null" },
	    { "\"boot_info\"", "\"event_log_coverage\"", "\"mr_config_id\"" } },
	{ "refused, most", refused, { "\"measurement_version\":3" },
	    { "\"measurement_match\"", "\"os_image_hash_source\"" } },
	{ "image failed", image_failed, { "\"tee_variant\":\"dstack-tdx\"", "\"assurance\":{",
	    "\"collateral\":{" }, { "\"measurement_match\"", "\"os_image_hash_source\"",
	    "\"app_info\":{" } },
	{ "internal", internal, { "\"stage\":\"internal\"" }, { "appraisal", "assurance" } },
	{ "request", request_error, { "\"stage\":\"request\"" }, { "appraisal", "assurance" } },
	{ "policy", policy, { "\"stage\":\"policy\"", "\"app_info\":{", "\"appraisal\":{" },
	    { "\"boot_info\"", "\"event_os_image_hash\"" } },
	{ "Intel's anchor", nothing, { "\"trust_anchor\":\"builtin\"" }, { NULL } },
	{ "another anchor", external, { "\"trust_anchor\":\"external\"" }, { NULL } },
	{ "no piid", nothing, { "\"piid\":null,\"fmspc\":\"000000000000\",\"ca\":\"platform\"}" },
	    { NULL } },
	{ "piid", piid, { "\"piid\":\"00000000000000000000000000000000\"" }, { NULL } },
	{ "processor", processor, { "\"ca\":\"processor\"}" }, { NULL } },
	{ "match", nothing, { "\"measurement_version\":3,\"measurement_match\":{\"mrtd\":"
	    "\"single_pass\",\"kernel\":null,\"acpi_profile\":\"newest\"}" }, { NULL } },
	{ "two passes", two_pass, { "\"mrtd\":\"two_pass\"" }, { NULL } },
	{ "genuine", genuine, { "\"acpi_profile\":\"genuine\"" }, { NULL } },
	{ "record of a document", record, { "\"os_image_is_dev\":null,\"os_image_version\":null,",
	    "\"os_image_hash_source\":\"supplied_measurement\"", "\"kernel\":null" }, { NULL } },
	{ "legacy", legacy, { "\"acpi_tables_verified\":false,\"os_image_is_dev\":true,"
	    "\"os_image_version\":\"0.6\\\"\",", "\"measurement_match\":{\"mrtd\":\"single_pass\","
	    "\"kernel\":\"patched\",\"acpi_profile\":\"newest\"}",
	    "\"os_image_hash_source\":\"image_download\"" }, { "\"measurement_version\"" } },
	{ "legacy, genuine", legacy_genuine, { "\"mrtd\":\"two_pass\"",
	    "\"acpi_profile\":\"genuine\"", "\"acpi_tables_verified\":true" }, { NULL } },
	{ "legacy, unpatched", legacy_unpatched, { "\"kernel\":\"unpatched\"" }, { NULL } },
	{ "legacy, normalized", legacy_normalized, { "\"kernel\":\"normalized\"" }, { NULL } },
	{ "legacy, failed", legacy_failed, { "\"os_image_is_dev\":true," },
	    { "\"measurement_match\"", "\"os_image_hash_source\"" } },
	{ "no version", no_version, { "\"measurement_match\":" }, { "\"measurement_version\"" } },
	{ "key provider", provider, { "\"key_provider\":{\"name\":\"kms\",\"id\":\"a\\\"b\"}" },
	    { NULL } },
	{ "key provider, not proved", provider_unproved, { "\"key_provider\":null" }, { NULL } },
	{ "scripts", scripts, { "\"init_script_hashes\":[\"0102\",\"03\"]" }, { NULL } },
	{ "hash event", event_hash, { "\"event_os_image_hash\":\"0102\",\"os_image_hash_source\":"
	    "\"supplied_measurement\"" }, { NULL } },
	{ "advisories", advisories, { "\"advisory_ids\":[\"A-1\",\"A-2\"]",
	    "\"advisoryIds\":[\"A-1\",\"A-2\"]" }, { NULL } },
	{ "other rule", other_status,
	    { "\"tcb_rule\":{\"rule\":\"upstream\",\"other_status\":\"OutOfDate\"}" }, { NULL } },
	{ "other rule, no level", other_null,
	    { "\"tcb_rule\":{\"rule\":\"upstream\",\"other_status\":null}" }, { NULL } },
	{ "Intel's rule", intel_rule, { NULL }, { "\"tcb_rule\"" } },
	{ "Intel's rule, other", intel_other,
	    { "\"tcb_rule\":{\"rule\":\"intel\",\"other_status\":\"SWHardeningNeeded\"}" },
	    { NULL } },
	{ "Intel's rule, no level", intel_null,
	    { "\"tcb_rule\":{\"rule\":\"intel\",\"other_status\":null}" }, { NULL } },
	{ "current", current, { "\"current_tcb_status\":\"OutOfDate\",\"mr_config_id\"" },
	    { NULL } },
	{ "current, no level", current_null, { "\"current_tcb_status\":null" }, { NULL } },
	{ "nothing too low", shortfall_none, { "\"tcb_shortfall\":[]" }, { NULL } },
	{ "too low", shortfall, { "\"tcb_shortfall\":[{\"component\":\"tdx\",\"index\":1,\"have\":2,"
	    "\"needs\":3,\"update\":\"tdx_module\"},{\"component\":\"pcesvn\",\"index\":null,"
	    "\"have\":11,\"needs\":13,\"update\":\"pce\"}]" }, { NULL } },
	{ "MRCONFIGID false", mr_config_false, { "\"mr_config_id_verified\":false" }, { NULL } },
	{ "MRCONFIGID true", mr_config_true, { "\"mr_config_id_verified\":true" }, { NULL } },
	{ "coverage", coverage, { "\"event_log_coverage\":{\"rtmr0\":true,\"rtmr1\":false,"
	    "\"rtmr2\":true,\"rtmr3\":false}" }, { NULL } },
	{ "dates", dates, { "\"tcb_issue_date\":\"1970-01-01T00:00:00Z\","
	    "\"tcb_next_update\":\"9999-12-31T23:59:59Z\"",
	    "\"root_crl_this_update\":null,\"pck_crl_this_update\":null" }, { NULL } },
	{ "no numbers", nothing, { "\"root_crl_number\":null,\"pck_crl_number\":null" }, { NULL } },
	{ "numbers", numbers, { "\"tcb_evaluation_data_number\":19",
	    "\"root_crl_number\":\"0102\",\"pck_crl_number\":\"03\"" }, { NULL } },
	{ "statuses", statuses, { "\"platform_tcb_status\":\"OutOfDate\","
	    "\"qe_tcb_status\":\"ConfigurationNeeded\"" }, { NULL } },
	{ "not fetched", nothing, { "\"fetched_age_secs\":null}" }, { NULL } },
	{ "fetched", fetched, { "\"fetched_age_secs\":7}}" }, { NULL } },
	{ "fetched, fixed time", fetched_at, { "\"fetched_age_secs\":null},"
	    "\"pinned\":{\"at\":5,\"collateral\":false}}" }, { NULL } },
	{ "fetched, pinned", fetched_pinned, { "\"fetched_age_secs\":null},"
	    "\"pinned\":{\"at\":null,\"collateral\":true}}" }, { NULL } },
};

static struct dv_context *context;

static int
setup(void **state)
{
	struct dv_options options = { .pinned_at = false };
	char error[512];

	dv_policy_init(&options.policy, DV_PROFILE_DROP_IN);
	context = dv_context_new(&options, error, sizeof error);
	return context == NULL;
}

static int
teardown(void **state)
{
	dv_context_free(context);
	return 0;
}

static const char *
render(struct dv_answer *answer, const struct verdict_sample *s)
{
	context_begin(context, answer);
	assert_true(render_answer(context, answer, &s->verdict, &s->terms));
	return build_str((struct bytes){ answer->json.ptr, answer->json.len });
}

static void
test_cases(void **state)
{
	for (size_t i = 0; i < NELEM(cases); i++) {
		struct verdict_sample s;
		struct dv_answer answer;
		const char *json;

		verdict_sample_init(&s);
		cases[i].change(&s);
		json = render(&answer, &s);
		for (size_t k = 0; k < NELEM(cases[i].has); k++) {
			if (cases[i].has[k] != NULL && strstr(json, cases[i].has[k]) == NULL)
				fail_msg("%s: no %s in %s", cases[i].name, cases[i].has[k], json);
			if (cases[i].lacks[k] != NULL && strstr(json, cases[i].lacks[k]) != NULL)
				fail_msg("%s: %s in %s", cases[i].name, cases[i].lacks[k], json);
		}
	}
}

/* What the caller is told beside the text. */
static void
test_head(void **state)
{
	struct verdict_sample s;
	struct dv_answer answer;

	verdict_sample_init(&s);
	(void)render(&answer, &s);
	assert_true(answer.valid && !answer.retryable && !answer.unavailable);
	assert_int_equal(answer.stage, DV_STAGE_NONE);
	assert_null(answer.reason);
	assert_int_equal(answer.http_status, 200);
	verdict_sample_fail(&s, VERDICT_IMAGE_UNAVAILABLE, REASON_UNAVAILABLE);
	(void)render(&answer, &s);
	assert_true(!answer.valid && answer.retryable && answer.unavailable);
	assert_int_equal(answer.stage, DV_STAGE_OS_IMAGE);
	assert_string_equal(answer.reason, "a reason");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_head),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
