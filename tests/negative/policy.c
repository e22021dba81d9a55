/*
 * What an operator or a request asks beyond "the evidence verifies": http-api-and-cli.md 9.2 and
 * 11.1, quote-verification.md 12.5 and 12.6.  Each key on either side.
 */
#include <stdio.h>

#include "judge.h"

static void
base(struct guest *g, struct judge *judge)
{
	/* One step behind the newest level, so that status and advisories say something. */
	g->intel.pck.cpusvn[0] = 1;
	g->intel.pck.has_configuration = true;
	g->intel.pck.dynamic_platform = g->intel.pck.cached_keys = g->intel.pck.smt_enabled = true;
	mock_platform(&g->intel);
	g->intel.leaf.serial = "0d";
}

static struct dv_list
list(const char *item)
{
	const char *const items[] = { item };
	struct dv_list out = { .given = true, .n = item != NULL };

	out.items = (const char *const *)(const void *)build_keep(items, sizeof items).ptr;
	return out;
}

static const char *
hex(struct bytes value)
{
	return build_str(build_digits(value, false));
}

#define POLICY(name, statement)                                         \
static void                                                             \
name(struct guest *g, struct judge *judge, int arg)                     \
{                                                                       \
	struct dv_policy *p = &judge->policy;                           \
									\
	statement;                                                      \
}

POLICY(statuses, p->allowed_tcb_statuses = arg ? DV_TCB_OUT_OF_DATE : DV_TCB_UP_TO_DATE)
POLICY(qe_statuses, p->allowed_qe_tcb_statuses = arg ? DV_TCB_UP_TO_DATE : DV_TCB_OUT_OF_DATE)
POLICY(rejected, p->rejected_advisory_ids = list(arg ? "INTEL-SA-00002" : "INTEL-SA-00001"))
POLICY(advisories, p->allowed_advisory_ids = list(arg ? "INTEL-SA-00001" : NULL))
POLICY(max_age, p->max_collateral_age_secs = arg)
POLICY(number, p->min_tcb_evaluation_data_number = (uint32_t)arg)
POLICY(platforms, p->allowed_platforms = list(arg ? hex(BYTES_OF(g->intel.pck.ppid)) :
    "00000000000000000000000000000000"))
POLICY(no_platforms, p->allowed_platforms = list(NULL))
POLICY(denied, p->denied_platforms = list(arg ? "00000000000000000000000000000000" :
    hex(BYTES_OF(g->intel.pck.ppid))))
POLICY(app_ids, p->allowed_app_ids = list(arg ? hex(guest_event(g, "app-id")->payload) : "00"))
POLICY(no_app_ids, p->allowed_app_ids = list(NULL))
POLICY(compose, p->allowed_compose_hashes =
    list(arg ? hex(guest_event(g, "compose-hash")->payload) : "00"))
POLICY(providers, p->allowed_key_providers = list(arg ? "kms" : "local-sgx"))
POLICY(provider_id, p->allowed_key_providers = list(arg == 0 ? "kms:00" : build_str(build_text(
    "kms:%s", hex(build_random(0, "kms", 0, 91))))))
POLICY(variants, p->allowed_tee_variants = list(arg ? "dstack-tdx" : "dstack-gcp-tdx"))
POLICY(dev, p->reject_dev_images = true)
POLICY(os_version, p->minimum_os_version = "0.6.0")
POLICY(dynamic, p->allow_dynamic_platform = arg != 0)
POLICY(cached, p->allow_cached_keys = arg != 0)
POLICY(smt, p->allow_smt = arg != 0)
POLICY(grace, p->platform_grace_period_secs = arg)
POLICY(duplicates, p->reject_duplicate_events = arg == 0;
    guest_insert(g, 2, 1, "app-id", build_random(1, "app", 0, 20)))
POLICY(published, p->os_image_anchor = DV_OS_IMAGE_PUBLISHED)

static void
image_list(struct guest *g, struct judge *judge, int arg)
{
	struct guest copy = *g;

	guest_build(&copy);
	judge->policy.allowed_os_image_hashes = list(arg ? hex(copy.image_hash) :
	    "0000000000000000000000000000000000000000000000000000000000000000");
}

static void
image_listed(struct guest *g, struct judge *judge, int arg)
{
	image_list(g, judge, arg);
	judge->policy.os_image_anchor = DV_OS_IMAGE_LISTED;
}

/* A member of the request. */
static void
expected(struct guest *g, struct judge *judge, int arg)
{
	static const char *const members[] = {
		"expected_report_data", "expected_app_id", "expected_compose_hash",
		"expected_os_image_hash",
	};

	g->change = (struct change){ STAGE_BODY, CHANGE_REPLACE, 0, "{",
	    build_str(build_text("{\"%s\":\"%s\",", members[arg], arg == 0 ?
	    "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
	    "000000000000000000000000000000000000000000000000" : "00")) };
}

static const struct row rows[] = {
	{ "status not allowed", statuses, 0, {0}, "tcb_status OutOfDate is not allowed" },
	{ "status allowed", statuses, 1, {0}, NULL },
	{ "QE status not allowed", qe_statuses, 0, {0}, "qe_tcb_status UpToDate is not allowed" },
	{ "QE status allowed", qe_statuses, 1, {0}, NULL },
	{ "advisory rejected", rejected, 0, {0}, "advisory INTEL-SA-00001 is rejected" },
	{ "another advisory rejected", rejected, 1, {0}, NULL },
	{ "no advisory allowed", advisories, 0, {0}, "advisory INTEL-SA-00001 is not allowed" },
	{ "advisory allowed", advisories, 1, {0}, NULL },
	{ "collateral of a day, an hour allowed", max_age, 3600, {0},
	    "TCB info is older than 3600 seconds" },
	{ "collateral of a day, a second less allowed", max_age, 86399, {0},
	    "TCB info is older than 86399 seconds" },
	{ "collateral of a day, a day allowed", max_age, 86400, {0}, NULL },
	{ "number 20, 21 demanded", number, 21, {0},
	    "TCB info has tcbEvaluationDataNumber 20, not at least 21" },
	{ "number 20, 20 demanded", number, 20, {0}, NULL },
	{ "platform not listed", platforms, 0, {0}, "platform is not allowed" },
	{ "platform listed", platforms, 1, {0}, NULL },
	{ "no platform listed", no_platforms, 0, {0}, "platform is not allowed" },
	{ "platform denied", denied, 0, {0}, "platform is denied" },
	{ "another platform denied", denied, 1, {0}, NULL },
	{ "application not listed", app_ids, 0, {0}, "app_id * is not allowed" },
	{ "application listed", app_ids, 1, {0}, NULL },
	{ "no application listed", no_app_ids, 0, {0}, "app_id * is not allowed" },
	{ "compose hash not listed", compose, 0, {0}, "compose_hash * is not allowed" },
	{ "compose hash listed", compose, 1, {0}, NULL },
	{ "key provider not listed", providers, 0, {0}, "key provider is not allowed" },
	{ "key provider listed", providers, 1, {0}, NULL },
	{ "key provider of another id", provider_id, 0, {0}, "key provider is not allowed" },
	{ "key provider of that id", provider_id, 1, {0}, NULL },
	{ "TEE not listed", variants, 0, {0}, "tee_variant dstack-tdx is not allowed" },
	{ "TEE listed", variants, 1, {0}, NULL },
	{ "development images rejected", dev, 0, {0}, "os_image_is_dev is not known" },
	{ "a minimum OS version", os_version, 0, {0}, "os_image_version is not known" },
	{ "dynamic platform", dynamic, 0, {0}, "dynamic platform is not allowed" },
	{ "dynamic platform allowed", dynamic, 1, {0}, NULL },
	{ "cached keys", cached, 0, {0}, "cached keys are not allowed" },
	{ "cached keys allowed", cached, 1, {0}, NULL },
	{ "SMT", smt, 0, {0}, "SMT is not allowed" },
	{ "SMT allowed", smt, 1, {0}, NULL },
	{ "out of date for longer than the grace period", grace, 3600, {0},
	    "tcb_status OutOfDate for more than 3600 seconds" },
	{ "out of date within the grace period", grace, 400 * 86400, {0}, NULL },
	{ "app-id twice, rejected", duplicates, 0, {0}, "runtime event 2 repeats app-id" },
	{ "app-id twice", duplicates, 1, {0}, NULL },
	{ "image not listed", image_list, 0, {0}, "os_image_hash * is not allowed" },
	{ "image listed", image_list, 1, {0}, NULL },
	{ "image not listed, by anchor", image_listed, 0, {0}, "os_image_hash * is not allowed" },
	{ "image listed, by anchor", image_listed, 1, {0}, NULL },
	{ "another report data expected", expected, 0, {0}, "expected_report_data does not match" },
	{ "another app id expected", expected, 1, {0}, "expected_app_id does not match" },
	{ "another compose hash expected", expected, 2, {0},
	    "expected_compose_hash does not match" },
	{ "another image expected", expected, 3, {0}, "expected_os_image_hash does not match" },
	{ "another status allowed by the request", NULL, 0, REPLACE(STAGE_BODY, "{",
	    "{\"allowed_tcb_statuses\":[\"UpToDate\"],"),
	    "tcb_status OutOfDate is not allowed by the request" },
	{ "the status allowed by the request", NULL, 0, REPLACE(STAGE_BODY, "{",
	    "{\"allowed_tcb_statuses\":[\"UpToDate\",\"OutOfDate\"],"), NULL },
};

static const struct row image_rows[] = {
	{ "published images only", published, 0, {0}, "needs an image" },
};

/* ---- the strict profile ---- */

static void
strict(struct guest *g, struct judge *judge)
{
	struct guest copy;

	dv_policy_init(&judge->policy, DV_PROFILE_STRICT);
	guest_init(&copy, 0);
	guest_build(&copy);
	judge->policy.allowed_os_image_hashes = list(hex(copy.image_hash));
	judge->policy.reject_dev_images = false;
}

static void
not_listed(struct guest *g, struct judge *judge, int arg)
{
	g->image.kernel_authenticode = build_random(1, "my own kernel", 0, 48);
}

static void
outdated(struct guest *g, struct judge *judge, int arg)
{
	g->intel.pck.cpusvn[0] = 1;
	mock_platform(&g->intel);
	g->intel.leaf.serial = "0d";
}

static const struct row strict_rows[] = {
	{ "strict: my own kernel", not_listed, 0, {0},
	    "Policy check failed: os_image_hash * is not allowed" },
	{ "strict: out of date", outdated, 0, {0},
	    "Policy check failed: tcb_status OutOfDate is not allowed" },
};

#define PREFIX  "Policy check failed: "

static void
test_policy(void **state)
{
	judge_table(&(struct table){ PREFIX, base, rows, NELEM(rows) });
	judge_table(&(struct table){ "", base, image_rows, NELEM(image_rows) });
}

static void
test_strict(void **state)
{
	judge_table(&(struct table){ "", strict, strict_rows, NELEM(strict_rows) });
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy),
		cmocka_unit_test(test_strict),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
