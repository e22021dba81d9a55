#include "testing.h"

#include "verify/policy_check.h"

/*
 * Each key of the policy on either side: one verdict that verifies, one key changed, and the
 * exact reason.  The verdict is filled by hand, so that statuses and flags that no genuine
 * evidence at hand shows can be judged as well.
 */

#define APP_ID          "86b0e55f2fa8e4fb69d890f14f54d5612707646e"
#define COMPOSE_HASH    "2222222222222222222222222222222222222222222222222222222222222222"
#define IMAGE_HASH      "3333333333333333333333333333333333333333333333333333333333333333"
#define PPID            "44444444444444444444444444444444"
#define DEVICE_ID       "5555555555555555555555555555555555555555555555555555555555555555"
#define DAY             INT64_C(86400)
#define NOW             (INT64_C(20000) * DAY)

static const uint8_t app_id[] = { 0x86, 0xb0, 0xe5, 0x5f, 0x2f, 0xa8, 0xe4, 0xfb, 0x69, 0xd8,
    0x90, 0xf1, 0x4f, 0x54, 0xd5, 0x61, 0x27, 0x07, 0x64, 0x6e };
static uint8_t compose_hash[32];
static uint8_t report_data[64];
static struct bytes advisory_ids[2];
static struct event events[2];

static struct request request;
static struct verdict verdict;
static struct dv_policy policy;
static struct image_record record;

static struct dv_list
list_of(const char *const *items, size_t n)
{
	return (struct dv_list){ .given = true, .n = n, .items = items };
}

static const char *const none[1];

static void
fill(void)
{
	memset(compose_hash, 0x22, sizeof compose_hash);
	memset(report_data, 0x66, sizeof report_data);
	advisory_ids[0] = bytes_str("INTEL-SA-00001");
	advisory_ids[1] = bytes_str("INTEL-SA-00002");
	request = (struct request){ 0 };
	verdict = (struct verdict){
		.quote_verified = true,
		.event_log_verified = true,
		.os_image_hash_verified = true,
		.request = &request,
		.has_evidence = true,
		.evidence = { .variant = EVIDENCE_TDX },
		.has_app = true,
		.app = {
			.app_id = BYTES_OF(app_id),
			.compose_hash = BYTES_OF(compose_hash),
			.key_provider = {
				.known = true,
				.name = bytes_str("kms"),
				.id = bytes_str("abcd"),
			},
		},
		.has_config = true,
		.image_source = IMAGE_SOURCE_SUPPLIED_MEASUREMENT,
	};
	memset(verdict.os_image_hash.data, 0x33, sizeof verdict.os_image_hash.data);
	memset(verdict.app.device_id.data, 0x55, sizeof verdict.app.device_id.data);
	verdict.dcap.outcome = DCAP_VERIFIED;
	verdict.dcap.has_platform = true;
	memset(verdict.dcap.platform.ppid, 0x44, sizeof verdict.dcap.platform.ppid);
	verdict.dcap.quote.td.report_data = BYTES_OF(report_data);
	verdict.dcap.tcb.level.found = true;
	verdict.dcap.tcb.qe.found = true;
	verdict.dcap.collateral.tcb.issued = NOW - DAY;
	verdict.dcap.collateral.qe.issued = NOW - DAY;
	verdict.dcap.collateral.pck_crl.issued = NOW - DAY;
	verdict.dcap.collateral.tcb_evaluation_data_number = 19;
	verdict.dcap.collateral.qe_evaluation_data_number = 19;
	dv_policy_init(&policy, DV_PROFILE_DROP_IN);
}

/* Changes of the evidence. */

static void
nothing(void)
{
}

static void
out_of_date(void)
{
	verdict.dcap.tcb.status = TCB_OUT_OF_DATE;
	verdict.dcap.tcb.level.status = TCB_OUT_OF_DATE;
	verdict.dcap.tcb.outdated = true;
	verdict.dcap.tcb.has_outdated_since = true;
	verdict.dcap.tcb.outdated_since = NOW - 10 * DAY;
}

static void
out_of_date_without_better(void)
{
	out_of_date();
	verdict.dcap.tcb.has_outdated_since = false;
}

static void
qe_out_of_date(void)
{
	verdict.dcap.tcb.qe.status = TCB_OUT_OF_DATE;
}

static void
with_advisories(void)
{
	verdict.dcap.tcb.advisories = (struct advisories){ advisory_ids, NELEM(advisory_ids) };
}

static void
with_flags(void)
{
	verdict.dcap.platform.dynamic_platform = true;
	verdict.dcap.platform.cached_keys = true;
	verdict.dcap.platform.smt_enabled = true;
}

static void
with_duplicate(void)
{
	memset(events, 0, sizeof events);
	for (size_t i = 0; i < NELEM(events); i++) {
		events[i].version = 1;
		events[i].name = bytes_str("app-id");
	}
	verdict.evidence.runtime = (struct event_list){ events, NELEM(events) };
}

static void
with_record(void)
{
	record = (struct image_record){ .version = "0.6.0", .version_len = 5 };
	verdict.record = &record;
}

static void
with_dev_record(void)
{
	with_record();
	record.is_dev = true;
}

static void
with_version(void)
{
	with_record();
	record.version_len = 0;
}

static void
with_other_document(void)
{
	with_record();
	verdict.image_differs = true;
}

static void
without_key_provider(void)
{
	verdict.app.key_provider = (struct key_provider){ 0 };
}

/* Changes of the policy. */

#define POLICY(name, change)    static void name(void) { change; }
#define POLICY_LIST(name, member, ...)                                          \
	static void                                                             \
	name(void)                                                              \
	{                                                                       \
		static const char *const items[] = { __VA_ARGS__ };             \
                                                                                \
		policy.member = list_of(items, NELEM(items));                   \
	}
#define POLICY_NONE(name, member)                                               \
	static void                                                             \
	name(void)                                                              \
	{                                                                       \
		policy.member = list_of(none, 0);                               \
	}

POLICY(up_to_date_only, policy.allowed_tcb_statuses = DV_TCB_UP_TO_DATE)
POLICY(qe_up_to_date_only, policy.allowed_qe_tcb_statuses = DV_TCB_UP_TO_DATE)
POLICY_LIST(reject_second, rejected_advisory_ids, "INTEL-SA-00002")
POLICY_NONE(reject_none, rejected_advisory_ids)
POLICY_LIST(allow_first, allowed_advisory_ids, "INTEL-SA-00001")
POLICY_LIST(allow_both, allowed_advisory_ids, "INTEL-SA-00001", "INTEL-SA-00002")
POLICY(age_short, policy.max_collateral_age_secs = DAY - 1)
POLICY(age_long, policy.max_collateral_age_secs = DAY)
POLICY(number_reached, policy.min_tcb_evaluation_data_number = 19)
POLICY(number_missed, policy.min_tcb_evaluation_data_number = 20)
POLICY_LIST(image_listed, allowed_os_image_hashes, APP_ID, IMAGE_HASH)
POLICY_LIST(image_not_listed, allowed_os_image_hashes, COMPOSE_HASH)
POLICY_NONE(image_none, allowed_os_image_hashes)
POLICY_LIST(app_listed, allowed_app_ids, APP_ID)
POLICY_LIST(app_not_listed, allowed_app_ids, PPID)
POLICY_LIST(compose_listed, allowed_compose_hashes, COMPOSE_HASH)
POLICY_LIST(compose_not_listed, allowed_compose_hashes, IMAGE_HASH)
POLICY_LIST(ppid_allowed, allowed_platforms, PPID)
POLICY_LIST(device_allowed, allowed_platforms, DEVICE_ID)
POLICY_LIST(other_allowed, allowed_platforms, COMPOSE_HASH)
POLICY_NONE(no_platform_allowed, allowed_platforms)
POLICY_LIST(ppid_denied, denied_platforms, PPID)
POLICY_LIST(device_denied, denied_platforms, DEVICE_ID)
POLICY_NONE(no_platform_denied, denied_platforms)
POLICY(allowed_and_denied, ppid_allowed(); device_denied())
POLICY_LIST(provider_name, allowed_key_providers, "kms")
POLICY_LIST(provider_id, allowed_key_providers, "kms:abcd")
POLICY_LIST(provider_other_id, allowed_key_providers, "kms:abce", "kms:abcd0", "kms:")
POLICY_LIST(provider_other, allowed_key_providers, "local-sgx")
POLICY_LIST(variant_listed, allowed_tee_variants, "dstack-gcp-tdx", "dstack-tdx")
POLICY_LIST(variant_not_listed, allowed_tee_variants, "dstack-gcp-tdx")
POLICY(no_dev, policy.reject_dev_images = true)
POLICY(no_dev_listed, policy.reject_dev_images = true; image_listed())
POLICY(minimum_version, policy.minimum_os_version = "0.5.0")
POLICY(grace_short, policy.platform_grace_period_secs = 10 * DAY - 1)
POLICY(grace_long, policy.platform_grace_period_secs = 10 * DAY)
POLICY(grace_instead_of_list, grace_long(); up_to_date_only())
POLICY(no_dynamic, policy.allow_dynamic_platform = false)
POLICY(no_cached_keys, policy.allow_cached_keys = false)
POLICY(no_smt, policy.allow_smt = false)
POLICY(dev_listed, policy.reject_dev_images = true; image_listed())
POLICY(version_reached, policy.minimum_os_version = "0.6.0")
POLICY(version_missed, policy.minimum_os_version = "0.6.1")
POLICY(no_duplicates, policy.reject_duplicate_events = true)
POLICY(published_order, compose_not_listed(); other_allowed())
POLICY(several, app_not_listed(); no_smt(); qe_up_to_date_only())

/* Expectations of the request. */

static const uint8_t other[64];

POLICY(expect_report_data, request.expected_report_data =
    ((struct request_bytes){ true, BYTES_OF(report_data) }))
POLICY(expect_other_report_data, request.expected_report_data =
    ((struct request_bytes){ true, BYTES_OF(other) }))
POLICY(expect_app_id, request.expected_app_id =
    ((struct request_bytes){ true, BYTES_OF(app_id) }))
POLICY(expect_empty_app_id, request.expected_app_id = ((struct request_bytes){ .given = true }))
POLICY(expect_compose_hash, request.expected_compose_hash =
    ((struct request_bytes){ true, BYTES_OF(compose_hash) }))
POLICY(expect_other_compose_hash, request.expected_compose_hash =
    ((struct request_bytes){ true, BYTES_OF(app_id) }))
POLICY(expect_image, request.expected_os_image_hash =
    ((struct request_bytes){ true, BYTES_OF(verdict.os_image_hash.data) }))
POLICY(expect_other_image, request.expected_os_image_hash =
    ((struct request_bytes){ true, BYTES_OF(compose_hash) }))

static struct bytes statuses[2];

static void
allow_statuses(const char *a, const char *b)
{
	statuses[0] = bytes_str(a);
	statuses[1] = bytes_str(b);
	request.has_allowed_tcb_statuses = true;
	request.allowed_tcb_statuses = statuses;
	request.n_allowed_tcb_statuses = NELEM(statuses);
}

POLICY(request_allows, allow_statuses("OutOfDate", "UpToDate"))
POLICY(request_narrows, allow_statuses("SWHardeningNeeded", "UpToDate"))
POLICY(request_cannot_widen, allow_statuses("OutOfDate", "UpToDate"); up_to_date_only())
POLICY(request_allows_nothing, request.has_allowed_tcb_statuses = true)

static const char *const blank[] = { "" }, *const same_id[] = { "kmt:abcd" };

POLICY(blank_provider, policy.allowed_key_providers = list_of(blank, 1))
POLICY(other_provider_same_id, policy.allowed_key_providers = list_of(same_id, 1))
POLICY(denied_not_given, ppid_denied(); policy.denied_platforms.given = false)
POLICY(grace_and_list, policy.platform_grace_period_secs = 863999; up_to_date_only())
POLICY(app_short_list, app_listed())

static void
asks_configuration(void)
{
	verdict.dcap.tcb.status = TCB_CONFIGURATION_NEEDED;
}

static void
no_platform_known(void)
{
	verdict.dcap.has_platform = false;
}

static void
no_app_known(void)
{
	verdict.has_app = false;
}

/* As long as an event's payload may be, and longer than any list's item. */
static void
long_app_id(void)
{
	static const uint8_t id[65536];

	verdict.app.app_id = BYTES_OF(id);
}

POLICY(anchor_listed, policy.os_image_anchor = DV_OS_IMAGE_LISTED)

#define FAILED  "Policy check failed: "

static const struct {
	const char *name;
	void    (*evidence)(void);
	void    (*terms)(void);
	const char *why;                /* NULL: accepted */
} cases[] = {
	{ "defaults", nothing, nothing, NULL },
	{ "default, out of date", out_of_date, nothing, NULL },
	{ "default, advisories", with_advisories, nothing, NULL },
	{ "default, flags", with_flags, nothing, NULL },
	{ "default, duplicates", with_duplicate, nothing, NULL },
	{ "status allowed", nothing, up_to_date_only, NULL },
	{ "status not allowed", out_of_date, up_to_date_only,
	    FAILED "tcb_status OutOfDate is not allowed" },
	{ "QE status allowed", nothing, qe_up_to_date_only, NULL },
	{ "QE status not allowed", qe_out_of_date, qe_up_to_date_only,
	    FAILED "qe_tcb_status OutOfDate is not allowed" },
	{ "advisory rejected", with_advisories, reject_second,
	    FAILED "advisory INTEL-SA-00002 is rejected" },
	{ "no advisory rejected", with_advisories, reject_none, NULL },
	{ "rejected advisory absent", nothing, reject_second, NULL },
	{ "advisory not allowed", with_advisories, allow_first,
	    FAILED "advisory INTEL-SA-00002 is not allowed" },
	{ "advisories allowed", with_advisories, allow_both, NULL },
	{ "collateral young enough", nothing, age_long, NULL },
	{ "evaluation number reached", nothing, number_reached, NULL },
	{ "image listed", nothing, image_listed, NULL },
	{ "image not listed", nothing, image_not_listed,
	    FAILED "os_image_hash " IMAGE_HASH " is not allowed" },
	{ "no image allowed", nothing, image_none,
	    FAILED "os_image_hash " IMAGE_HASH " is not allowed" },
	{ "anchor listed, no list", nothing, anchor_listed,
	    FAILED "os_image_hash " IMAGE_HASH " is not allowed" },
	{ "app id of 64 KiB", long_app_id, app_short_list, FAILED "app_id  is not allowed" },
	{ "no provider, blank in the list", without_key_provider, blank_provider,
	    FAILED "key provider is not allowed" },
	{ "another provider of the same id", nothing, other_provider_same_id,
	    FAILED "key provider is not allowed" },
	{ "denied list not given", nothing, denied_not_given, NULL },
	{ "PPID not known", no_platform_known, ppid_allowed, FAILED "platform is not allowed" },
	{ "device id not known", no_app_known, device_allowed, FAILED "platform is not allowed" },
	{ "grace is for what is outdated", asks_configuration, grace_and_list,
	    FAILED "tcb_status ConfigurationNeeded is not allowed" },
	{ "record, dev not allowed", with_record, no_dev, NULL },
	{ "dev record, dev not allowed", with_dev_record, no_dev,
	    FAILED "dev image is not allowed" },
	{ "dev record, listed", with_dev_record, dev_listed, FAILED "dev image is not allowed" },
	{ "dev record, no policy", with_dev_record, nothing, NULL },
	{ "version reached", with_record, version_reached, NULL },
	{ "version missed", with_record, version_missed,
	    FAILED "os_image_version 0.6.0 is older than 0.6.1" },
	{ "record without version", with_version, version_reached,
	    FAILED "os_image_version is not known" },
	{ "not as published", with_other_document, nothing,
	    FAILED "os_image_hash " IMAGE_HASH " does not match the published image" },
	{ "not as published, and more", with_other_document, published_order,
	    FAILED "compose_hash " COMPOSE_HASH " is not allowed; os_image_hash " IMAGE_HASH
	    " does not match the published image; platform is not allowed" },
	{ "app listed", nothing, app_listed, NULL },
	{ "app not listed", nothing, app_not_listed, FAILED "app_id " APP_ID " is not allowed" },
	{ "compose hash listed", nothing, compose_listed, NULL },
	{ "compose hash not listed", nothing, compose_not_listed,
	    FAILED "compose_hash " COMPOSE_HASH " is not allowed" },
	{ "platform allowed by PPID", nothing, ppid_allowed, NULL },
	{ "platform allowed by device id", nothing, device_allowed, NULL },
	{ "platform not allowed", nothing, other_allowed, FAILED "platform is not allowed" },
	{ "no platform allowed", nothing, no_platform_allowed, FAILED "platform is not allowed" },
	{ "platform denied by PPID", nothing, ppid_denied, FAILED "platform is denied" },
	{ "platform denied by device id", nothing, device_denied, FAILED "platform is denied" },
	{ "no platform denied", nothing, no_platform_denied, NULL },
	{ "denied wins", nothing, allowed_and_denied, FAILED "platform is denied" },
	{ "key provider by name", nothing, provider_name, NULL },
	{ "key provider by id", nothing, provider_id, NULL },
	{ "key provider of another id", nothing, provider_other_id,
	    FAILED "key provider is not allowed" },
	{ "another key provider", nothing, provider_other, FAILED "key provider is not allowed" },
	{ "no key provider", without_key_provider, provider_name,
	    FAILED "key provider is not allowed" },
	{ "variant listed", nothing, variant_listed, NULL },
	{ "variant not listed", nothing, variant_not_listed,
	    FAILED "tee_variant dstack-tdx is not allowed" },
	{ "dev image not known", nothing, no_dev, FAILED "os_image_is_dev is not known" },
	{ "dev image, operator's word", nothing, no_dev_listed, NULL },
	{ "version not known", nothing, minimum_version,
	    FAILED "os_image_version is not known" },
	{ "grace over", out_of_date, grace_short,
	    FAILED "tcb_status OutOfDate for more than 863999 seconds" },
	{ "grace lasts", out_of_date, grace_long, NULL },
	{ "grace without a better level", out_of_date_without_better, grace_long,
	    FAILED "tcb_status OutOfDate for more than 864000 seconds" },
	{ "grace, up to date", nothing, grace_short, NULL },
	{ "grace judges what is out of date", out_of_date, grace_instead_of_list, NULL },
	{ "dynamic platform", with_flags, no_dynamic, FAILED "dynamic platform is not allowed" },
	{ "no dynamic platform", nothing, no_dynamic, NULL },
	{ "cached keys", with_flags, no_cached_keys, FAILED "cached keys are not allowed" },
	{ "no cached keys", nothing, no_cached_keys, NULL },
	{ "SMT", with_flags, no_smt, FAILED "SMT is not allowed" },
	{ "no SMT", nothing, no_smt, NULL },
	{ "duplicate events", with_duplicate, no_duplicates,
	    FAILED "runtime event 1 repeats app-id" },
	{ "no duplicate events", nothing, no_duplicates, NULL },
	{ "report data as expected", nothing, expect_report_data, NULL },
	{ "other report data", nothing, expect_other_report_data,
	    FAILED "expected_report_data does not match" },
	{ "app id as expected", nothing, expect_app_id, NULL },
	{ "empty app id expected", nothing, expect_empty_app_id,
	    FAILED "expected_app_id does not match" },
	{ "compose hash as expected", nothing, expect_compose_hash, NULL },
	{ "other compose hash", nothing, expect_other_compose_hash,
	    FAILED "expected_compose_hash does not match" },
	{ "image as expected", nothing, expect_image, NULL },
	{ "other image", nothing, expect_other_image,
	    FAILED "expected_os_image_hash does not match" },
	{ "request allows the status", out_of_date, request_allows, NULL },
	{ "request narrows", out_of_date, request_narrows,
	    FAILED "tcb_status OutOfDate is not allowed by the request" },
	{ "request cannot widen", out_of_date, request_cannot_widen,
	    FAILED "tcb_status OutOfDate is not allowed" },
	{ "request allows nothing", nothing, request_allows_nothing,
	    FAILED "tcb_status UpToDate is not allowed by the request" },
	{ "several, in order", with_flags, several,
	    FAILED "app_id " APP_ID " is not allowed; SMT is not allowed" },
};

static void
test_cases(void **state)
{
	for (size_t i = 0; i < NELEM(cases); i++) {
		struct reason why = { 0 };
		struct verdict_terms terms;
		bool ok;

		fill();
		cases[i].evidence();
		cases[i].terms();
		terms = (struct verdict_terms){ .policy = &policy, .now = NOW };
		ok = policy_check(&verdict, &terms, &why);
		if (ok != (cases[i].why == NULL) ||
		    (!ok && strcmp(why.text, cases[i].why) != 0))
			fail_msg("%s: got %d \"%s\"", cases[i].name, ok, why.text);
	}
}

/* Texts of dcap_freshness_check(), which has its own test, with the prefix of this one. */
static void
test_collateral(void **state)
{
	static void (*const changes[])(void) = { age_short, number_missed };

	for (size_t i = 0; i < NELEM(changes); i++) {
		struct verdict_terms terms;
		struct reason why = { 0 };

		fill();
		changes[i]();
		terms = (struct verdict_terms){ .policy = &policy, .now = NOW };
		assert_false(policy_check(&verdict, &terms, &why));
		assert_int_equal(strncmp(why.text, FAILED, strlen(FAILED)), 0);
	}
}

/* Before an image is asked for, only the list of images counts. */
static void
test_image(void **state)
{
	struct verdict_terms terms = { .policy = &policy, .now = NOW };
	struct reason why = { 0 };

	fill();
	app_not_listed();
	assert_true(policy_image_check(&verdict, &terms, &why));
	image_not_listed();
	assert_false(policy_image_check(&verdict, &terms, &why));
	assert_string_equal(why.text, FAILED "os_image_hash " IMAGE_HASH " is not allowed");
}

/* More violations than a reason has room for are cut, never lost altogether. */
static void
test_many(void **state)
{
	static const char *const items[] = { "INTEL-SA-00001", "INTEL-SA-00002" };
	struct bytes many[100];
	struct verdict_terms terms = { .policy = &policy, .now = NOW };
	struct reason why = { 0 };

	fill();
	for (size_t i = 0; i < NELEM(many); i++)
		many[i] = advisory_ids[i % 2];
	policy.rejected_advisory_ids = list_of(items, NELEM(items));
	verdict.dcap.tcb.advisories = (struct advisories){ many, NELEM(many) };
	assert_false(policy_check(&verdict, &terms, &why));
	assert_int_equal(strlen(why.text), sizeof why.text - 1);
}

/* What the strict profile changes, and nothing else. */
static void
test_strict(void **state)
{
	struct dv_policy strict;

	dv_policy_init(&policy, DV_PROFILE_DROP_IN);
	dv_policy_init(&strict, DV_PROFILE_STRICT);
	assert_int_equal(strict.allowed_tcb_statuses,
	    DV_TCB_UP_TO_DATE | DV_TCB_SW_HARDENING_NEEDED);
	assert_int_equal(strict.os_image_anchor, DV_OS_IMAGE_UNSET);
	assert_true(strict.reject_dev_images);
	assert_true(strict.reject_duplicate_events);
	assert_int_equal(strict.tcb_rule, DV_TCB_RULE_INTEL);
	strict.profile = policy.profile;
	strict.allowed_tcb_statuses = policy.allowed_tcb_statuses;
	strict.os_image_anchor = policy.os_image_anchor;
	strict.reject_dev_images = policy.reject_dev_images;
	strict.reject_duplicate_events = policy.reject_duplicate_events;
	strict.tcb_rule = policy.tcb_rule;
	assert_memory_equal(&strict, &policy, sizeof strict);
	assert_int_equal(policy.allowed_tcb_statuses, DV_TCB_ALL & ~DV_TCB_REVOKED);
	assert_int_equal(policy.allowed_qe_tcb_statuses, DV_TCB_ALL);
	assert_int_equal(policy.minimum_measurement_version, 3);
}

static void
test_settle(void **state)
{
	char error[128] = "";

	dv_policy_init(&policy, DV_PROFILE_STRICT);
	assert_true(dv_policy_settle(&policy, error, sizeof error));
	assert_int_equal(policy.os_image_anchor, DV_OS_IMAGE_PUBLISHED);
	dv_policy_init(&policy, DV_PROFILE_STRICT);
	image_listed();
	assert_true(dv_policy_settle(&policy, error, sizeof error));
	assert_int_equal(policy.os_image_anchor, DV_OS_IMAGE_LISTED);
	dv_policy_init(&policy, DV_PROFILE_DROP_IN);
	policy.os_image_anchor = DV_OS_IMAGE_LISTED;
	assert_false(dv_policy_settle(&policy, error, sizeof error));
	assert_string_equal(error, "policy.os_image_anchor is \"listed\" but "
	    "policy.allowed_os_image_hashes is not given");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_collateral),
		cmocka_unit_test(test_image),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_strict),
		cmocka_unit_test(test_settle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
