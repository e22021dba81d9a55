#include "verify/tdx.h"

#include "core/hex.h"
#include "dcap/td_attributes.h"
#include "verify/policy_check.h"
#include "verify/quote.h"

#define QUOTE_FAILED            "Quote verification failed"
#define DCAP_FAILED             QUOTE_FAILED ": failed to verify TDX quote"
#define OS_IMAGE_FAILED         "OS image hash verification failed"

#define MR_CONFIG_DOCUMENT      3       /* first byte of an MRCONFIGID that is a document's hash */

/* The same text class for whatever the quote, the log or their tie does not bear out. */
static bool
fail_quote(struct verdict *v, enum verdict_code code, struct reason *why)
{
	(void)reject_as(why, QUOTE_FAILED);
	return verdict_fail(v, why->kind == REASON_INTERNAL ? VERDICT_INTERNAL : code, why);
}

/*
 * What costs no signature and no fact: report data and the event log against the quote.  Run
 * after the quote's own signatures and before collateral is asked for, so that neither a
 * made-up quote costs a replay nor a broken log a fetch.
 */
static bool
log_judge(struct verdict *v, struct arena *arena)
{
	const struct td_report *td = &v->dcap.quote.td;
	struct evidence *evidence = &v->evidence;
	struct reason why = { 0 };

	if (!event_log_check(&evidence->log, &evidence->runtime, &why) ||
	    !replay_run(&v->replay, &evidence->log, &evidence->runtime, &why))
		return fail_quote(v, VERDICT_EVENT_LOG_REFUSED, &why);
	if (!replay_check(&v->replay, td->rt_mr, &why))
		return fail_quote(v, VERDICT_RTMR_MISMATCH, &why);
	if (!evidence_check_quoted_report_data(evidence, td->report_data, &why))
		return fail_quote(v, VERDICT_REPORT_DATA_MISMATCH, &why);
	if (!event_log_check_preimages(&evidence->log, arena, &why))
		return fail_quote(v, VERDICT_EVENT_LOG_REFUSED, &why);
	return true;
}

/* Signatures, then the log, then collateral; dcap_verify() tells where it came to. */
static bool
quote_judge(struct dv_context *context, struct verdict *v, const struct verdict_terms *terms,
    const struct dv_request *request)
{
	struct reason why = { 0 };
	enum dcap_outcome outcome = quote_ask(context, v, terms, request, v->evidence.quote,
	    &why);

	if (outcome == DCAP_REFUSED && (why.kind != REASON_UNAVAILABLE || v->dcap.clock_behind))
		return quote_fail(v, DCAP_FAILED, &why);
	if (!quote_is_td(&v->dcap.quote)) {
		(void)reject(&why, REASON_UNSUPPORTED, "no td report");
		return fail_quote(v, VERDICT_QUOTE_UNSUPPORTED, &why);
	}
	if (!log_judge(v, context->arena))
		return false;
	if (outcome == DCAP_REFUSED)
		return quote_fail(v, DCAP_FAILED, &why);
	if (outcome == DCAP_NEEDS)
		return quote_needs(v);
	if (!report_dstack_check(&v->dcap.quote, terms->policy->allow_service_td, &why))
		return fail_quote(v, VERDICT_QUOTE_REFUSED, &why);
	return true;
}

/* Who runs inside, and whether the host configured the TD for that. */
static bool
identity_judge(struct verdict *v, struct arena *arena)
{
	const struct td_report *td = &v->dcap.quote.td;
	struct app_info_quote quoted = {
		.mrtd = td->mr_td,
		.mr_config_id = td->mr_config_id,
		.mr_owner = td->mr_owner,
		.mr_owner_config = td->mr_owner_config,
		.ppid = BYTES_OF(v->dcap.platform.ppid),
	};
	struct bytes document = { 0 };
	struct reason why = { 0 };

	memcpy(quoted.rtmr, td->rt_mr, sizeof quoted.rtmr);
	for (size_t i = 0; i < v->dcap.nwarnings; i++)
		warn_of(&v->warnings, "%.*s", (int)v->dcap.warnings[i].len,
		    (const char *)v->dcap.warnings[i].ptr);
	if (!app_info_tdx(&v->app, arena, &quoted, &v->evidence.runtime, false, &v->warnings,
	    &why))
		return verdict_fail(v, VERDICT_INTERNAL, &why);
	v->has_app = true;
	v->duplicate_events = v->app.duplicate_events;
	/* Only version 3 is a hash of a document; the others need not have it looked for. */
	if (td->mr_config_id.ptr[0] == MR_CONFIG_DOCUMENT)
		mr_config_document(&document, arena, v->evidence.vm_config);
	if (!mr_config_check(&v->mr_config, arena, td->mr_config_id, &v->app, document,
	    &v->warnings, &why))
		return fail_quote(v, VERDICT_MR_CONFIG_ID_MISMATCH, &why);
	return true;
}

static bool
fail_os_image(struct verdict *v, enum verdict_code code, struct reason *why)
{
	(void)reject_as(why, OS_IMAGE_FAILED);
	return verdict_fail(v, why->kind == REASON_INTERNAL ? VERDICT_INTERNAL : code, why);
}

/* The failure a caller reported for this image; NULL when it was not asked for yet. */
static const struct dv_failure *
image_failure_find(const struct dv_request *request, const struct dv_key *key)
{
	for (size_t i = 0; i < request->nfailures; i++)
		if (request->failures[i].key.type == DV_FACT_IMAGE &&
		    memcmp(request->failures[i].key.image, key->image, sizeof key->image) == 0)
			return &request->failures[i];
	return NULL;
}

/* Asks for the published image, or says why it could not be had. */
static bool
image_need(struct verdict *v, const struct verdict_terms *terms, const struct dv_request *request)
{
	struct dv_key key;
	const struct dv_failure *failure;
	struct reason why = { 0 };
	char hash[2 * SHA256_DIGEST_LENGTH + 1];

	memset(&key, 0, sizeof key);
	key.type = DV_FACT_IMAGE;
	memcpy(key.image, v->os_image_hash.data, sizeof key.image);
	failure = image_failure_find(request, &key);
	if (failure == NULL && !terms->no_images) {
		v->needs[v->nneeds++] = key;
		return false;
	}
	hex_text(hash, BYTES_OF(v->os_image_hash.data));
	if (failure != NULL && (failure->http_status == 404 || failure->http_status == 410))
		(void)reject(&why, REASON_UNAVAILABLE, "Failed to download image: "
		    "HTTP status %u %s", failure->http_status,
		    failure->http_status == 404 ? "Not Found" : "Gone");
	else
		(void)reject(&why, REASON_UNAVAILABLE,
		    "Failed to download image: server not reachable");
	(void)reject_as(&why, "Failed to download image %s", hash);
	return fail_os_image(v, VERDICT_IMAGE_UNAVAILABLE, &why);
}

static bool
lite_judge(struct dv_context *context, struct verdict *v, const struct verdict_terms *terms)
{
	const struct td_report *td = &v->dcap.quote.td;
	struct launch_registers quoted;
	const struct lite_input input = {
		.config = &v->config,
		.log = &v->evidence.log,
		.quoted = &quoted,
		.minimum_version = terms->policy->minimum_measurement_version,
		.cache = context->acpi,
	};
	struct reason why = { 0 };

	bytes_copy(quoted.mrtd.data, td->mr_td);
	for (size_t i = 0; i < NELEM(quoted.rtmr); i++)
		bytes_copy(quoted.rtmr[i].data, td->rt_mr[i]);
	if (!lite_check(&v->lite, &input, &why))
		return fail_os_image(v, v->lite.computed ? VERDICT_MEASUREMENT_MISMATCH :
		    VERDICT_OS_IMAGE_REFUSED, &why);
	v->image_source = IMAGE_SOURCE_SUPPLIED_MEASUREMENT;
	return true;
}

/* Whether the published image is to confirm a document.  Unsettled: the stricter of the two. */
static bool
anchor_published(const struct dv_policy *policy)
{
	switch (policy->os_image_anchor) {
	case DV_OS_IMAGE_ANY:
	case DV_OS_IMAGE_LISTED:
		return false;
	case DV_OS_IMAGE_PUBLISHED:
	case DV_OS_IMAGE_UNSET:
		break;
	}
	return true;
}

static bool
os_image_judge(struct dv_context *context, struct verdict *v, const struct verdict_terms *terms,
    const struct dv_request *request)
{
	struct reason why = { 0 };

	if (!vm_config_read(&v->config, context->arena, v->evidence.vm_config, &why))
		return fail_os_image(v, VERDICT_VM_CONFIG_MALFORMED, &why);
	if (!vm_config_image_hash(&v->os_image_hash, &v->config, &why))
		return fail_os_image(v, VERDICT_VM_CONFIG_MALFORMED, &why);
	v->has_config = true;
	switch (v->config.variant) {
	case VM_VARIANT_LITE:
		if (!lite_judge(context, v, terms))
			return false;
		if (!anchor_published(terms->policy))
			return true;
		break;
	case VM_VARIANT_LEGACY:
		break;
	}
	if (!policy_image_check(v, terms, &why))
		return verdict_fail(v, VERDICT_POLICY, &why);
	return image_need(v, terms, request);
}

bool
tdx_judge(struct dv_context *context, struct verdict *v, const struct verdict_terms *terms,
    const struct dv_request *request)
{
	struct reason why = { 0 };

	if (!evidence_check_report_data(&v->evidence, &why))
		return fail_quote(v, VERDICT_REPORT_DATA_MISMATCH, &why);
	if (!quote_judge(context, v, terms, request) || !identity_judge(v, context->arena))
		return false;
	v->quote_verified = true;
	if (!os_image_judge(context, v, terms, request))
		return false;
	v->os_image_hash_verified = true;
	v->event_log_verified = true;
	if (!policy_check(v, terms, &why))
		return verdict_fail(v, VERDICT_POLICY, &why);
	return true;
}
