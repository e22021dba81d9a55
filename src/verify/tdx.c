#include "verify/tdx.h"

#include "dcap/td_attributes.h"
#include "verify/os_image.h"
#include "verify/policy_check.h"
#include "verify/quote.h"

#define QUOTE_FAILED            "Quote verification failed"
#define DCAP_FAILED             QUOTE_FAILED ": failed to verify TDX quote"

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
	v->replayed = true;
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
