#include "verify/policy_check.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/hex.h"
#include "verify/os_version.h"

#define HASH_TEXT_LEN   (2 * 64 + 1)    /* the longest identifier that is shown */

/* Violations so far, joined by "; ". */
struct violations {
	struct reason *why;
	size_t  n;
};

static void PRINTF(2, 3)
violation(struct violations *found, const char *format, ...)
{
	char text[sizeof found->why->text];
	char joined[sizeof text];
	va_list args;
	int n;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (found->n++ == 0) {
		(void)reject(found->why, REASON_REFUSED, "Policy check failed: %s", text);
		return;
	}
	n = snprintf(joined, sizeof joined, "%s; %s", found->why->text, text);
	if (n > 0)
		(void)reject(found->why, REASON_REFUSED, "%s", joined);
}

bool
policy_list_has(const struct dv_list *list, struct bytes value)
{
	char text[HASH_TEXT_LEN];

	if (2 * value.len >= sizeof text)
		return false;
	hex_text(text, value);
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->items[i], text) == 0)
			return true;
	return false;
}

static bool
list_has_str(const struct dv_list *list, struct bytes value)
{
	for (size_t i = 0; i < list->n; i++)
		if (bytes_equal(bytes_str(list->items[i]), value))
			return true;
	return false;
}

bool
policy_platform_listed(const struct dv_list *list, const struct verdict *v)
{
	return (v->dcap.has_platform && policy_list_has(list, BYTES_OF(v->dcap.platform.ppid))) ||
	    (v->has_app && policy_list_has(list, BYTES_OF(v->app.device_id.data)));
}

static void
list_check(struct violations *found, const struct dv_list *allowed, const char *what,
    struct bytes value)
{
	char text[HASH_TEXT_LEN] = "";

	if (!allowed->given || policy_list_has(allowed, value))
		return;
	if (2 * value.len < sizeof text)
		hex_text(text, value);
	violation(found, "%s %s is not allowed", what, text);
}

/* An outdated platform is the grace period's to judge, where there is one. */
static void
tcb_status_check(struct violations *found, const struct verdict *v,
    const struct verdict_terms *terms)
{
	const struct dv_policy *policy = terms->policy;
	const struct tcb_match *tcb = &v->dcap.tcb;
	bool outdated = tcb->outdated && policy->platform_grace_period_secs > 0;

	if (!outdated && (policy->allowed_tcb_statuses >> tcb->status & 1) == 0)
		violation(found, "tcb_status %s is not allowed", tcb_status_name(tcb->status));
	if ((policy->allowed_qe_tcb_statuses >> tcb->qe.status & 1) == 0)
		violation(found, "qe_tcb_status %s is not allowed",
		    tcb_status_name(tcb->qe.status));
}

static void
grace_check(struct violations *found, const struct verdict *v, const struct verdict_terms *terms)
{
	const struct tcb_match *tcb = &v->dcap.tcb;
	int64_t grace = terms->policy->platform_grace_period_secs;

	if (grace <= 0 || !tcb->outdated)
		return;
	if (!tcb->has_outdated_since || terms->now - tcb->outdated_since > grace)
		violation(found, "tcb_status %s for more than %lld seconds",
		    tcb_status_name(tcb->status), (long long)grace);
}

static void
advisories_check(struct violations *found, const struct verdict *v,
    const struct dv_policy *policy)
{
	const struct advisories *advisories = &v->dcap.tcb.advisories;

	for (size_t i = 0; i < advisories->n; i++)
		if (list_has_str(&policy->rejected_advisory_ids, advisories->ids[i]))
			violation(found, "advisory %.*s is rejected",
			    (int)advisories->ids[i].len, (const char *)advisories->ids[i].ptr);
	if (!policy->allowed_advisory_ids.given)
		return;
	for (size_t i = 0; i < advisories->n; i++)
		if (!list_has_str(&policy->allowed_advisory_ids, advisories->ids[i]))
			violation(found, "advisory %.*s is not allowed",
			    (int)advisories->ids[i].len, (const char *)advisories->ids[i].ptr);
}

static void
collateral_check(struct violations *found, const struct verdict *v,
    const struct verdict_terms *terms)
{
	struct reason why = { 0 };

	if (!dcap_freshness_check(&v->dcap, terms->policy->max_collateral_age_secs,
	    terms->policy->min_tcb_evaluation_data_number, terms->now, &why))
		violation(found, "%s", why.text);
}

static void
platform_check(struct violations *found, const struct verdict *v, const struct dv_policy *policy)
{
	if (policy->denied_platforms.given &&
	    policy_platform_listed(&policy->denied_platforms, v))
		violation(found, "platform is denied");
	else if (policy->allowed_platforms.given &&
	    !policy_platform_listed(&policy->allowed_platforms, v))
		violation(found, "platform is not allowed");
}

/* "NAME" allows every id of that name, "NAME:HEXID" that one only. */
static bool
key_provider_listed(const struct dv_list *allowed, const struct key_provider *provider)
{
	for (size_t i = 0; provider->known && i < allowed->n; i++) {
		struct bytes item = bytes_str(allowed->items[i]);
		struct bytes name = provider->name, id = provider->id;

		if (bytes_equal(item, name))
			return true;
		if (item.len == name.len + 1 + id.len && item.ptr[name.len] == ':' &&
		    bytes_equal((struct bytes){ item.ptr, name.len }, name) &&
		    bytes_equal((struct bytes){ item.ptr + name.len + 1, id.len }, id))
			return true;
	}
	return false;
}

static void
identity_check(struct violations *found, const struct verdict *v, const struct dv_policy *policy)
{
	if (policy->allowed_key_providers.given &&
	    !key_provider_listed(&policy->allowed_key_providers, &v->app.key_provider))
		violation(found, "key provider is not allowed");
	if (policy->allowed_tee_variants.given && !list_has_str(&policy->allowed_tee_variants,
	    bytes_str(evidence_variant_name(v->evidence.variant))))
		violation(found, "tee_variant %s is not allowed",
		    evidence_variant_name(v->evidence.variant));
}

/* Without a record, a hash on the operator's list is the operator's own word for it. */
static void
dev_check(struct violations *found, const struct verdict *v, const struct dv_policy *policy)
{
	if (!policy->reject_dev_images)
		return;
	if (v->record != NULL && v->record->is_dev)
		violation(found, "dev image is not allowed");
	else if (v->record == NULL && !policy_list_has(&policy->allowed_os_image_hashes,
	    BYTES_OF(v->os_image_hash.data)))
		violation(found, "os_image_is_dev is not known");
}

static void
version_check(struct violations *found, const struct verdict *v, const struct dv_policy *policy)
{
	struct bytes version = { 0 };
	bool older;

	if (policy->minimum_os_version[0] == '\0')
		return;
	if (v->record != NULL)
		version = (struct bytes){ (const uint8_t *)v->record->version,
		    v->record->version_len };
	if (!os_version_older(&older, version, policy->minimum_os_version))
		violation(found, "os_image_version is not known");
	else if (older)
		violation(found, "os_image_version %.*s is older than %s", (int)version.len,
		    (const char *)version.ptr, policy->minimum_os_version);
}

static void
machine_check(struct violations *found, const struct verdict *v, const struct dv_policy *policy)
{
	const struct dcap_platform *platform = &v->dcap.platform;

	if (!policy->allow_dynamic_platform && platform->dynamic_platform)
		violation(found, "dynamic platform is not allowed");
	if (!policy->allow_cached_keys && platform->cached_keys)
		violation(found, "cached keys are not allowed");
	if (!policy->allow_smt && platform->smt_enabled)
		violation(found, "SMT is not allowed");
}

static void
expect(struct violations *found, const struct request_bytes *expected, const char *what,
    struct bytes actual)
{
	if (expected->given && !bytes_equal(expected->value, actual))
		violation(found, "%s does not match", what);
}

static void
expectations_check(struct violations *found, const struct verdict *v)
{
	const struct request *request = v->request;
	struct bytes status = bytes_str(tcb_status_name(v->dcap.tcb.status));
	bool listed = false;

	expect(found, &request->expected_report_data, "expected_report_data",
	    v->dcap.quote.td.report_data);
	expect(found, &request->expected_app_id, "expected_app_id", v->app.app_id);
	expect(found, &request->expected_compose_hash, "expected_compose_hash",
	    v->app.compose_hash);
	expect(found, &request->expected_os_image_hash, "expected_os_image_hash",
	    BYTES_OF(v->os_image_hash.data));
	for (size_t i = 0; i < request->n_allowed_tcb_statuses; i++)
		listed = listed || bytes_equal(request->allowed_tcb_statuses[i], status);
	if (request->has_allowed_tcb_statuses && !listed)
		violation(found, "tcb_status %s is not allowed by the request",
		    tcb_status_name(v->dcap.tcb.status));
}

/* Set only where the anchor is "published". */
static void
published_check(struct violations *found, const struct verdict *v)
{
	char hash[HASH_TEXT_LEN];

	if (!v->image_differs)
		return;
	hex_text(hash, BYTES_OF(v->os_image_hash.data));
	violation(found, "os_image_hash %s does not match the published image", hash);
}

/* An anchor of "listed" without a list lists nothing, settled or not. */
static void
image_list_check(struct violations *found, const struct verdict *v,
    const struct dv_policy *policy)
{
	struct dv_list allowed = policy->allowed_os_image_hashes;

	if (policy->os_image_anchor == DV_OS_IMAGE_LISTED)
		allowed.given = true;
	list_check(found, &allowed, "os_image_hash", BYTES_OF(v->os_image_hash.data));
}

bool
policy_check(const struct verdict *v, const struct verdict_terms *terms, struct reason *why)
{
	const struct dv_policy *policy = terms->policy;
	struct violations found = { .why = why };
	struct reason duplicate = { 0 };

	if (policy->reject_duplicate_events &&
	    !event_log_check_duplicates(&v->evidence.runtime, &duplicate))
		violation(&found, "%s", duplicate.text);
	tcb_status_check(&found, v, terms);
	advisories_check(&found, v, policy);
	collateral_check(&found, v, terms);
	image_list_check(&found, v, policy);
	list_check(&found, &policy->allowed_app_ids, "app_id", v->app.app_id);
	list_check(&found, &policy->allowed_compose_hashes, "compose_hash", v->app.compose_hash);
	published_check(&found, v);
	platform_check(&found, v, policy);
	identity_check(&found, v, policy);
	dev_check(&found, v, policy);
	version_check(&found, v, policy);
	grace_check(&found, v, terms);
	machine_check(&found, v, policy);
	expectations_check(&found, v);
	return found.n == 0;
}

bool
policy_image_check(const struct verdict *v, const struct verdict_terms *terms, struct reason *why)
{
	struct violations found = { .why = why };

	image_list_check(&found, v, terms->policy);
	return found.n == 0;
}
