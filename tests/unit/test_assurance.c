#include "testing.h"

#include <stdio.h>

#include "../support/verdict_sample.h"
#include "verify/assurance.h"

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

static const struct image_record published = { .is_dev = false }, dev = { .is_dev = true };

CHANGE(listed, s->policy.allowed_os_image_hashes = verdict_sample_list(VERDICT_SAMPLE_IMAGE))
CHANGE(other_listed, s->policy.allowed_os_image_hashes =
    verdict_sample_list(VERDICT_SAMPLE_DEVICE))
CHANGE(image_not_verified, V.os_image_hash_verified = false)
CHANGE(listed_not_verified, listed(s); V.os_image_hash_verified = false)
CHANGE(listed_no_config, listed(s); V.has_config = false)
CHANGE(no_source, V.image_source = IMAGE_SOURCE_NONE)
CHANGE(listed_no_source, listed(s); no_source(s))
CHANGE(record, V.record = &published)
CHANGE(record_other, record(s); V.image_differs = true)
CHANGE(download, V.image_source = IMAGE_SOURCE_IMAGE_DOWNLOAD)
CHANGE(download_tables, download(s); V.lite.acpi_tables_verified = false;
    V.legacy.acpi_tables_verified = true)
CHANGE(no_tables, V.lite.acpi_tables_verified = false)
CHANGE(boot, V.replay.covered[0] = V.replay.covered[1] = V.replay.covered[2] = true)
CHANGE(boot_01, V.replay.covered[0] = V.replay.covered[1] = true)
CHANGE(boot_12, V.replay.covered[1] = V.replay.covered[2] = true)
CHANGE(boot_02, V.replay.covered[0] = V.replay.covered[2] = true)
CHANGE(fresh, s->request.expected_report_data =
    ((struct request_bytes){ true, V.dcap.quote.td.report_data }))
CHANGE(fresh_other, s->request.expected_report_data =
    ((struct request_bytes){ true, V.dcap.quote.td.mr_td }))
CHANGE(fresh_null, s->request.expected_report_data =
    ((struct request_bytes){ false, V.dcap.quote.td.report_data }))
CHANGE(ppid, s->policy.allowed_platforms = verdict_sample_list(VERDICT_SAMPLE_PPID))
CHANGE(device, s->policy.allowed_platforms = verdict_sample_list(VERDICT_SAMPLE_DEVICE))
CHANGE(platform_other, s->policy.allowed_platforms = verdict_sample_list(VERDICT_SAMPLE_IMAGE))
CHANGE(platform_not_given, ppid(s); s->policy.allowed_platforms.given = false)
CHANGE(platform_denied, s->policy.denied_platforms = verdict_sample_list(VERDICT_SAMPLE_PPID))

/* os_image, identity, acpi_tables, boot_events, freshness, platform */
static const struct {
	const char *name;
	void    (*change)(struct verdict_sample *);
	const char *words;
} words[] = {
	{ "nobody's image", nothing,
	    "supplied_by_requester supplied_by_requester verified not_checked not_checked not_checked" },
	{ "listed", listed, "verified replayed verified not_checked not_checked not_checked" },
	{ "another one listed", other_listed,
	    "supplied_by_requester supplied_by_requester verified not_checked not_checked not_checked" },
	{ "image not verified", image_not_verified,
	    "not_checked not_checked verified not_checked not_checked not_checked" },
	{ "listed and not verified", listed_not_verified,
	    "not_checked not_checked verified not_checked not_checked not_checked" },
	{ "listed, no configuration", listed_no_config,
	    "supplied_by_requester supplied_by_requester verified not_checked not_checked not_checked" },
	{ "no source", no_source,
	    "not_checked not_checked verified not_checked not_checked not_checked" },
	{ "listed, no source", listed_no_source,
	    "not_checked not_checked verified not_checked not_checked not_checked" },
	{ "published", record, "verified replayed verified not_checked not_checked not_checked" },
	{ "published otherwise", record_other,
	    "supplied_by_requester supplied_by_requester verified not_checked not_checked not_checked" },
	{ "downloaded", download, "verified replayed verified not_checked not_checked not_checked" },
	{ "downloaded, tables", download_tables,
	    "verified replayed verified not_checked not_checked not_checked" },
	{ "no tables", no_tables,
	    "supplied_by_requester supplied_by_requester not_checked not_checked not_checked not_checked" },
	{ "boot events", boot,
	    "supplied_by_requester supplied_by_requester verified replayed not_checked not_checked" },
	{ "without RTMR2", boot_01,
	    "supplied_by_requester supplied_by_requester verified not_checked not_checked not_checked" },
	{ "without RTMR0", boot_12,
	    "supplied_by_requester supplied_by_requester verified not_checked not_checked not_checked" },
	{ "without RTMR1", boot_02,
	    "supplied_by_requester supplied_by_requester verified not_checked not_checked not_checked" },
	{ "fresh", fresh,
	    "supplied_by_requester supplied_by_requester verified not_checked verified not_checked" },
	{ "not fresh", fresh_other,
	    "supplied_by_requester supplied_by_requester verified not_checked not_checked not_checked" },
	{ "nothing expected", fresh_null,
	    "supplied_by_requester supplied_by_requester verified not_checked not_checked not_checked" },
	{ "platform by PPID", ppid,
	    "supplied_by_requester supplied_by_requester verified not_checked not_checked verified" },
	{ "platform by device id", device,
	    "supplied_by_requester supplied_by_requester verified not_checked not_checked verified" },
	{ "another platform", platform_other,
	    "supplied_by_requester supplied_by_requester verified not_checked not_checked not_checked" },
	{ "no list of platforms", platform_not_given,
	    "supplied_by_requester supplied_by_requester verified not_checked not_checked not_checked" },
	{ "denied platform", platform_denied,
	    "supplied_by_requester supplied_by_requester verified not_checked not_checked not_checked" },
};

static void
test_words(void **state)
{
	for (size_t i = 0; i < NELEM(words); i++) {
		struct verdict_sample s;
		struct assurance a;
		char got[256];

		verdict_sample_init(&s);
		words[i].change(&s);
		assurance_of(&a, &s.verdict, &s.terms);
		(void)snprintf(got, sizeof got, "%s %s %s %s %s %s", assurance_word_name(a.os_image),
		    assurance_word_name(a.identity), assurance_word_name(a.acpi_tables),
		    assurance_word_name(a.boot_events), assurance_word_name(a.freshness),
		    assurance_word_name(a.platform));
		if (strcmp(got, words[i].words) != 0)
			fail_msg("%s: got \"%s\"", words[i].name, got);
		assert_int_equal(a.quote, ASSURANCE_VERIFIED);
		assert_int_equal(a.tcb, ASSURANCE_VERIFIED);
		assert_int_equal(a.event_log, ASSURANCE_REPLAYED);
		assert_int_equal(a.revocation, ASSURANCE_VERIFIED);
	}
}

/* Best first: the lower of two is the later. */
static void
test_names(void **state)
{
	static const char *const names[] = {
		"verified", "replayed", "signed", "supplied_by_requester", "not_checked",
		"not_applicable",
	};
	static const char *const verdicts[] = { "reject", "unknown", "accept" };

	for (size_t i = 0; i < NELEM(names); i++)
		assert_string_equal(assurance_word_name((enum assurance_word)i), names[i]);
	for (size_t i = 0; i < NELEM(verdicts); i++)
		assert_string_equal(appraisal_verdict_name((enum appraisal_verdict)i), verdicts[i]);
}

CHANGE(legacy, V.config.variant = VM_VARIANT_LEGACY)
CHANGE(legacy_listed, legacy(s); listed(s))
CHANGE(no_config, V.has_config = false)
CHANGE(hardening, TCB.intel_status = TCB_SW_HARDENING_NEEDED; listed(s))
CHANGE(configuration, TCB.intel_status = TCB_CONFIGURATION_NEEDED; listed(s))
CHANGE(revoked, TCB.intel_status = TCB_REVOKED; listed(s))
CHANGE(relaunch, TCB.intel_status = TCB_TD_RELAUNCH_ADVISED; listed(s))
CHANGE(no_level, TCB.intel_found = false; listed(s))
CHANGE(upstream_only, TCB.status = TCB_OUT_OF_DATE; TCB.upstream_status = TCB_OUT_OF_DATE; listed(s))
CHANGE(duplicates, V.duplicate_events = true; listed(s))
CHANGE(policy, verdict_sample_fail(s, VERDICT_POLICY, REASON_REFUSED))
CHANGE(policy_listed, policy(s); listed(s))
CHANGE(bad, verdict_sample_fail(s, VERDICT_RTMR_MISMATCH, REASON_REFUSED); V.quote_verified = false)
CHANGE(bad_image, verdict_sample_fail(s, VERDICT_MEASUREMENT_MISMATCH, REASON_REFUSED))
CHANGE(no_collateral, verdict_sample_fail(s, VERDICT_COLLATERAL_UNAVAILABLE, REASON_UNAVAILABLE);
    V.quote_verified = false)
CHANGE(no_image, verdict_sample_fail(s, VERDICT_IMAGE_UNAVAILABLE, REASON_UNAVAILABLE))
CHANGE(no_image_legacy, no_image(s); legacy(s))
CHANGE(no_image_listed, no_image(s); legacy_listed(s))
CHANGE(legacy_record, legacy(s); record(s))
CHANGE(dev_record, V.record = &dev)
CHANGE(dev_listed, dev_record(s); listed(s))
CHANGE(everything, no_image(s); TCB.intel_status = TCB_OUT_OF_DATE; V.duplicate_events = true)

static const struct {
	const char *name;
	void    (*change)(struct verdict_sample *);
	const char *says;
} appraisals[] = {
	{ "listed", listed, "accept:" },
	{ "nobody's image", nothing,
	    "unknown: [os_image: not confirmed] [os_image: dev not known]" },
	{ "another one listed", other_listed,
	    "unknown: [os_image: not confirmed] [os_image: dev not known]" },
	{ "legacy", legacy, "unknown: [os_image: dev not known]" },
	{ "legacy, listed", legacy_listed, "accept:" },
	{ "no configuration", no_config, "unknown: [os_image: dev not known]" },
	{ "hardening", hardening, "accept:" },
	{ "configuration", configuration, "reject: [tcb_status: ConfigurationNeeded]" },
	{ "revoked", revoked, "reject: [tcb_status: Revoked]" },
	{ "relaunch", relaunch, "reject: [tcb_status: TDRelaunchAdvised]" },
	{ "no level", no_level, "reject: [tcb_status: no matching level]" },
	{ "out of date by upstream's rule", upstream_only, "accept:" },
	{ "duplicates", duplicates, "reject: [event_log: duplicate events]" },
	{ "policy", policy, "unknown: [os_image: not confirmed] [os_image: dev not known]" },
	{ "policy, listed", policy_listed, "accept:" },
	{ "bad evidence", bad, "reject: [evidence: rtmr_mismatch]" },
	{ "bad evidence of a good quote", bad_image, "reject: [evidence: measurement_mismatch]" },
	{ "no collateral", no_collateral, "unknown: [unavailable: collateral_unavailable]" },
	{ "no image", no_image, "unknown: [os_image: not confirmed] [os_image: dev not known] "
	    "[unavailable: image_unavailable]" },
	{ "no legacy image", no_image_legacy,
	    "unknown: [os_image: dev not known] [unavailable: image_unavailable]" },
	{ "no image, listed", no_image_listed, "unknown: [unavailable: image_unavailable]" },
	{ "published", record, "accept:" },
	{ "legacy, published", legacy_record, "accept:" },
	{ "published otherwise", record_other, "reject: [os_image: differs from the published image]" },
	{ "dev", dev_record, "reject: [os_image: dev]" },
	{ "dev, listed", dev_listed, "reject: [os_image: dev]" },
	{ "everything", everything, "reject: [tcb_status: OutOfDate] [os_image: not confirmed] "
	    "[os_image: dev not known] [event_log: duplicate events] "
	    "[unavailable: image_unavailable]" },
};

/* The same under either profile, whatever is enforced. */
static void
appraisal_check(size_t i, enum dv_profile profile)
{
	struct verdict_sample s;
	struct appraisal a;
	char got[512];
	int len;

	verdict_sample_init(&s);
	dv_policy_init(&s.policy, profile);
	appraisals[i].change(&s);
	appraise(&a, &s.verdict, &s.terms);
	len = snprintf(got, sizeof got, "%s:", appraisal_verdict_name(a.verdict));
	for (size_t k = 0; k < a.nunmet; k++)
		len += snprintf(got + len, sizeof got - (size_t)len, " [%s]", a.unmet[k]);
	if (strcmp(got, appraisals[i].says) != 0)
		fail_msg("%s: got \"%s\"", appraisals[i].name, got);
}

static void
test_appraisals(void **state)
{
	for (size_t i = 0; i < NELEM(appraisals); i++) {
		appraisal_check(i, DV_PROFILE_DROP_IN);
		appraisal_check(i, DV_PROFILE_STRICT);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_appraisals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
