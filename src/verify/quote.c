#include "verify/quote.h"

#include "verify/render.h"
#include "verify/summary.h"

#define ANSWER_LEN      8192    /* to start with; a typical answer has 3 KiB */

static void
write_enclave_report(struct json_writer *w, const struct enclave_report *report)
{
	uint8_t misc_select[4];

	for (size_t i = 0; i < sizeof misc_select; i++)
		misc_select[i] = (uint8_t)(report->misc_select >> (8 * i));
	json_write_hex(w, "cpu_svn", report->cpu_svn);
	json_write_hex(w, "misc_select", BYTES_OF(misc_select));
	json_write_hex(w, "attributes", report->attributes);
	json_write_hex(w, "mr_enclave", report->mr_enclave);
	json_write_hex(w, "mr_signer", report->mr_signer);
	json_write_u64(w, "isv_prod_id", report->isv_prod_id);
	json_write_u64(w, "isv_svn", report->isv_svn);
	json_write_hex(w, "report_data", report->report_data);
}

static void
write_td_report(struct json_writer *w, const struct td_report *td, enum quote_body body)
{
	json_write_hex(w, "tee_tcb_svn", td->tee_tcb_svn);
	json_write_hex(w, "mr_seam", td->mr_seam);
	json_write_hex(w, "mr_signer_seam", td->mr_signer_seam);
	json_write_hex(w, "seam_attributes", td->seam_attributes);
	json_write_hex(w, "td_attributes", td->td_attributes);
	json_write_hex(w, "xfam", td->xfam);
	json_write_hex(w, "mr_td", td->mr_td);
	json_write_hex(w, "mr_config_id", td->mr_config_id);
	json_write_hex(w, "mr_owner", td->mr_owner);
	json_write_hex(w, "mr_owner_config", td->mr_owner_config);
	json_write_hex(w, "rt_mr0", td->rt_mr[0]);
	json_write_hex(w, "rt_mr1", td->rt_mr[1]);
	json_write_hex(w, "rt_mr2", td->rt_mr[2]);
	json_write_hex(w, "rt_mr3", td->rt_mr[3]);
	json_write_hex(w, "report_data", td->report_data);
	if (body == QUOTE_BODY_TD_10)
		return;
	json_write_hex(w, "tee_tcb_svn2", td->tee_tcb_svn2);
	json_write_hex(w, "mr_service_td", td->mr_service_td);
	if (body == QUOTE_BODY_TD_15)
		return;
	json_write_u64(w, "vmid", td->vmid);
	json_write_hex(w, "td_id", td->td_id);
	json_write_hex(w, "dev_info", td->dev_info);
	json_write_hex(w, "init_serv_td_hash", td->init_serv_td_hash);
	json_write_hex(w, "init_serv_td_attributes", td->init_serv_td_attributes);
	json_write_hex(w, "init_cpu_svn", td->init_cpu_svn);
	json_write_hex(w, "init_tee_tcb_svn", td->init_tee_tcb_svn);
	json_write_hex(w, "init_tee_fmspc", td->init_tee_fmspc);
	json_write_hex(w, "cur_serv_td_hash", td->cur_serv_td_hash);
	json_write_hex(w, "cur_serv_td_attributes", td->cur_serv_td_attributes);
}

static void
write_report(struct json_writer *w, const struct dcap_result *result)
{
	if (!result->has_quote) {
		json_write_null(w, "report");
		return;
	}
	json_write_object(w, "report");
	if (quote_is_td(&result->quote))
		write_td_report(w, &result->quote.td, result->quote.body);
	else
		write_enclave_report(w, &result->quote.enclave);
	json_write_end_object(w);
}

/* What the quote and its certificate say of themselves; null where it was not reached. */
static void
write_origin(struct json_writer *w, const struct dcap_result *result)
{
	if (result->has_quote) {
		json_write_text(w, "tee", quote_is_td(&result->quote) ? "tdx" : "sgx");
		json_write_u64(w, "quote_version", result->quote.header.version);
	} else {
		json_write_null(w, "tee");
		json_write_null(w, "quote_version");
	}
	if (result->has_platform) {
		json_write_hex(w, "fmspc", BYTES_OF(result->platform.fmspc));
		json_write_text(w, "pck_ca", verdict_ca_name(result->platform.ca));
	} else {
		json_write_null(w, "fmspc");
		json_write_null(w, "pck_ca");
	}
}

static void
write_current(struct json_writer *w, const struct dcap_result *result)
{
	if (!result->has_quote || !quote_is_td(&result->quote) ||
	    result->quote.body == QUOTE_BODY_TD_10)
		return;
	if (result->outcome == DCAP_VERIFIED && result->tcb.current_found)
		json_write_text(w, "current_tcb_status",
		    tcb_status_name(result->tcb.current_status));
	else
		json_write_null(w, "current_tcb_status");
}

static void
write_status(struct json_writer *w, const struct dcap_result *result)
{
	const struct tcb_match *tcb = &result->tcb;

	if (result->outcome != DCAP_VERIFIED) {
		json_write_null(w, "tcb_status");
		json_write_null(w, "advisory_ids");
		json_write_null(w, "platform_tcb_status");
		json_write_null(w, "qe_tcb_status");
		write_current(w, result);
		json_write_null(w, "tcb_evaluation_data_number");
		return;
	}
	json_write_text(w, "tcb_status", tcb_status_name(tcb->status));
	render_advisories(w, "advisory_ids", &tcb->advisories);
	json_write_text(w, "platform_tcb_status", tcb_status_name(tcb->platform_status));
	json_write_text(w, "qe_tcb_status", tcb_status_name(tcb->qe.status));
	write_current(w, result);
	json_write_u64(w, "tcb_evaluation_data_number",
	    result->collateral.tcb_evaluation_data_number);
}

static void
write_quote_answer(struct json_writer *w, const struct verdict *v,
    const struct verdict_terms *terms)
{
	json_write_object(w, NULL);
	json_write_bool(w, "quote_verified", v->quote_verified);
	write_origin(w, &v->dcap);
	write_status(w, &v->dcap);
	write_report(w, &v->dcap);
	if (terms->pinned_at || terms->pinned_collateral)
		render_pinned(w, terms);
	else
		json_write_null(w, "pinned");
	if (v->code == VERDICT_NONE)
		json_write_null(w, "reason");
	else
		json_write_text(w, "reason", v->why.text);
	json_write_end_object(w);
}

/* Facts that were asked for in vain, as dcap wants them; NULL without memory. */
static const struct dv_key *
failed_keys(struct arena *arena, const struct dv_request *request, struct reason *why)
{
	struct dv_key *keys = arena_array(arena, request->nfailures, sizeof *keys, why);

	for (size_t i = 0; keys != NULL && i < request->nfailures; i++)
		keys[i] = request->failures[i].key;
	return keys;
}

enum dcap_outcome
quote_ask(struct dv_context *context, struct verdict *v, const struct verdict_terms *terms,
    const struct dv_request *request, struct bytes quote, struct reason *why)
{
	const struct dcap_request ask = {
		.quote = quote,
		.allow_service_td = terms->policy->allow_service_td,
		.failed = failed_keys(context->arena, request, why),
		.nfailed = request->nfailures,
		.now = terms->now,
		.clock = request->clock,
	};

	if (ask.failed == NULL)
		return DCAP_REFUSED;
	return dcap_verify(&v->dcap, context->dcap, &ask, context->arena, why);
}

bool
quote_needs(struct verdict *v)
{
	v->nneeds = v->dcap.nneeds;
	memcpy(v->needs, v->dcap.needs, v->nneeds * sizeof v->needs[0]);
	return false;
}

enum verdict_code
quote_code(enum reason_kind kind)
{
	switch (kind) {
	case REASON_MALFORMED:
	case REASON_LIMIT:
		return VERDICT_QUOTE_MALFORMED;
	case REASON_UNSUPPORTED:
		return VERDICT_QUOTE_UNSUPPORTED;
	case REASON_UNAVAILABLE:
		return VERDICT_COLLATERAL_UNAVAILABLE;
	case REASON_NONE:
	case REASON_REFUSED:
		return VERDICT_QUOTE_REFUSED;
	case REASON_INTERNAL:
		break;
	}
	return VERDICT_INTERNAL;
}

bool
quote_fail(struct verdict *v, const char *context, struct reason *why)
{
	if (v->dcap.clock_behind) {
		(void)reject_as(why, "Internal error");
		return verdict_fail(v, VERDICT_CLOCK_BEHIND_COLLATERAL, why);
	}
	(void)reject_as(why, "%s", context);
	return verdict_fail(v, quote_code(why->kind), why);
}

static bool
judge(struct dv_context *context, struct verdict *v, const struct verdict_terms *terms,
    const struct dv_request *request)
{
	struct bytes quote = { request->body.ptr, request->body.len };
	struct reason why = { 0 };

	if (!verdict_clock_check(v, terms))
		return false;
	switch (quote_ask(context, v, terms, request, quote, &why)) {
	case DCAP_NEEDS:
		return quote_needs(v);
	case DCAP_REFUSED:
		return quote_fail(v, "Quote verification failed", &why);
	case DCAP_VERIFIED:
		v->quote_verified = true;
		return true;
	}
	return false;
}

bool
dv_quote(struct dv_context *context, struct dv_answer *answer, const struct dv_request *request)
{
	struct verdict *v = &context->verdict;
	struct verdict_terms terms;
	CBB cbb;
	struct json_writer w = { .out = &cbb };

	context_begin(context, answer);
	context_terms(&terms, context, request->now);
	context->request = (struct request){ 0 };
	*v = (struct verdict){ .request = &context->request };
	if (!judge(context, v, &terms, request) && v->nneeds != 0)
		return context_needs(context, answer);
	answer->valid = v->quote_verified;
	answer->retryable = verdict_retryable(v);
	answer->unavailable = v->why.kind == REASON_UNAVAILABLE;
	answer->stage = verdict_code_stage(v->code);
	answer->reason = v->code == VERDICT_NONE ? NULL : v->why.text;
	if (request->summary)
		answer->summary = summary_of_quote(context->arena, v);
	if (!CBB_init(&cbb, ANSWER_LEN))
		return false;
	write_quote_answer(&w, v, &terms);
	return context_answer(context, answer, &w);
}
