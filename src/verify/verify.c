#include "verify/context.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/mem.h>

#include "verify/render.h"
#include "verify/tdx.h"

/*
 * Most memory one job may take.  A request of 1 MiB needs about four times its size; too
 * little refuses honest evidence, too much lets one request push others out of memory.
 */
#define JOB_MAX_LEN             ((size_t)64 << 20)

static struct bytes
span(struct dv_span s)
{
	return (struct bytes){ s.ptr, s.len };
}

static void
say(char *error, size_t error_len, const char *text)
{
	(void)snprintf(error, error_len, "%s", text);
}

static bool
context_fill(struct dv_context *context, const struct dv_options *options, struct reason *why)
{
	const struct dcap_config config = {
		.anchor = span(options->root_ca_tdx),
		.early = options->policy.tcb_update == DV_TCB_UPDATE_EARLY,
		.tcb_rule = options->policy.tcb_rule,
		.pinned_at = options->pinned_at,
		.serve_stale_max_secs = options->serve_stale_max_secs,
		.max_age_secs = options->collateral_max_cache_age_secs,
		.root_crl_max_age_secs = options->root_crl_max_cache_age_secs,
	};

	context->options = *options;
	context->arena = arena_new(JOB_MAX_LEN);
	context->acpi = acpi_cache_new(ACPI_CACHE_ENTRIES);
	context->neighbours = acpi_cache_new(LIKELY_CAUSE_MAX_TRIES);
	context->images = images_new();
	if (context->arena == NULL || context->acpi == NULL || context->neighbours == NULL ||
	    context->images == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	return dcap_new(&context->dcap, &config, why);
}

struct dv_context *
dv_context_new(const struct dv_options *options, char *error, size_t error_len)
{
	struct dv_context *context = calloc(1, sizeof *context);
	struct reason why = { 0 };

	if (context == NULL) {
		say(error, error_len, "out of memory");
		return NULL;
	}
	if (!context_fill(context, options, &why)) {
		say(error, error_len, why.text);
		dv_context_free(context);
		return NULL;
	}
	return context;
}

void
dv_context_free(struct dv_context *context)
{
	if (context == NULL)
		return;
	OPENSSL_free(context->json);
	dcap_free(context->dcap);
	acpi_cache_free(context->acpi);
	acpi_cache_free(context->neighbours);
	images_free(context->images);
	arena_free(context->arena);
	free(context);
}

bool
dv_collateral_add(struct dv_context *context, struct dv_span json, int64_t now, char *error,
    size_t error_len)
{
	struct reason why = { 0 };

	if (!dcap_pin(context->dcap, span(json), now, &why)) {
		say(error, error_len, why.text);
		return false;
	}
	context->pinned_collateral = true;
	return true;
}

/* What this service measured and signed; a record has no dates. */
static bool
image_offer(struct dv_context *context, const struct dv_key *key, const struct dv_fact *fact,
    struct dv_dates *dates, struct reason *why)
{
	if (!context->options.has_image_key)
		return reject(why, REASON_REFUSED, "no key to verify facts about images with");
	*dates = (struct dv_dates){ 0 };
	return images_offer(context->images, key, span(fact->body), context->options.image_key,
	    why);
}

bool
dv_fact_offer(struct dv_context *context, const struct dv_key *key, const struct dv_fact *fact,
    int64_t now, struct dv_dates *dates, char *error, size_t error_len)
{
	struct reason why = { 0 };

	if (images_has_type(key->type) ? image_offer(context, key, fact, dates, &why) :
	    dcap_offer(context->dcap, key, fact, now, dates, &why))
		return true;
	say(error, error_len, why.text);
	return false;
}

void
context_begin(struct dv_context *context, struct dv_answer *answer)
{
	arena_reset(context->arena);
	OPENSSL_free(context->json);
	context->json = NULL;
	context->operations = dcap_operations(context->dcap);
	*answer = (struct dv_answer){ .http_status = 200 };
}

void
context_terms(struct verdict_terms *terms, const struct dv_context *context, int64_t now)
{
	*terms = (struct verdict_terms){
		.policy = &context->options.policy,
		.external_anchor = dcap_external(context->dcap),
		.pinned_at = context->options.pinned_at,
		.at = context->options.at,
		.pinned_collateral = context->pinned_collateral,
		.now = now,
	};
}

static unsigned
operations(const struct dv_context *context)
{
	return (unsigned)(dcap_operations(context->dcap) - context->operations);
}

bool
context_needs(struct dv_context *context, struct dv_answer *answer)
{
	const struct verdict *v = &context->verdict;

	answer->nneeds = v->nneeds;
	memcpy(answer->needs, v->needs, v->nneeds * sizeof v->needs[0]);
	answer->public_key_operations = operations(context);
	return true;
}

bool
context_answer(struct dv_context *context, struct dv_answer *answer, struct json_writer *json)
{
	size_t len;

	if (!json_writer_ok(json) || !CBB_finish(json->out, &context->json, &len)) {
		CBB_cleanup(json->out);
		return false;
	}
	answer->json = (struct dv_span){ context->json, len };
	answer->public_key_operations = operations(context);
	return true;
}

/* "Internal error: " of what the evidence itself is made of; HTTP shows the outermost only. */
static bool
fail_internal(struct verdict *v, enum verdict_code code, const struct verdict_terms *terms,
    struct reason *why)
{
	size_t outer = request_outer_len(why);

	if (!terms->full_reason && outer < sizeof why->text)
		why->text[outer] = '\0';
	(void)reject_as(why, "Internal error");
	return verdict_fail(v, code, why);
}

static bool
evidence_from_quote(struct verdict *v, struct arena *arena, struct reason *why)
{
	const struct request *request = v->request;
	struct quote quote;

	if (!quote_read(&quote, request->quote.value, why)) {
		(void)reject_as(why, "Invalid TDX quote");
		return reject_as(why, ATTESTATION_CREATE_FAILED);
	}
	if (!quote_is_td(&quote)) {
		(void)reject(why, REASON_MALFORMED, "Invalid TDX report");
		return reject_as(why, ATTESTATION_CREATE_FAILED);
	}
	return attestation_from_quote(&v->evidence, arena, request->quote.value,
	    quote.td.report_data, request->event_log.value, request->vm_config.value, why);
}

static bool
evidence_read(struct verdict *v, struct arena *arena, const struct verdict_terms *terms)
{
	struct reason why = { 0 };
	enum request_form form;

	if (!request_form(&form, v->request, &why))
		return fail_internal(v, v->request->quote.given ? VERDICT_EVENT_LOG_REQUIRED :
		    VERDICT_QUOTE_REQUIRED, terms, &why);
	switch (form) {
	case REQUEST_ATTESTATION:
		v->has_evidence = attestation_read(&v->evidence, arena,
		    v->request->attestation.value, &why);
		return v->has_evidence ||
		    fail_internal(v, VERDICT_ATTESTATION_MALFORMED, terms, &why);
	case REQUEST_QUOTE:
		v->has_evidence = evidence_from_quote(v, arena, &why);
		return v->has_evidence ||
		    fail_internal(v, VERDICT_EVIDENCE_MALFORMED, terms, &why);
	}
	return false;
}

static bool
judge(struct dv_context *context, struct verdict *v, const struct verdict_terms *terms,
    const struct dv_request *request)
{
	struct reason why = { 0 };

	if (!verdict_clock_check(v, terms) || !evidence_read(v, context->arena, terms))
		return false;
	switch (v->evidence.variant) {
	case EVIDENCE_TDX:
		return tdx_judge(context, v, terms, request);
	case EVIDENCE_GCP_TDX:
	case EVIDENCE_NITRO_ENCLAVE:
	case EVIDENCE_SEV_SNP:
	case EVIDENCE_AWS_NITRO_TPM:
		break;
	}
	(void)reject(&why, REASON_UNSUPPORTED,
	    "Quote verification failed: evidence of %s is not supported",
	    evidence_variant_name(v->evidence.variant));
	return verdict_fail(v, VERDICT_TEE_UNSUPPORTED, &why);
}

/* 400 and 422: there is no response object, only a status and a sentence. */
static bool
answer_bad_request(struct dv_context *context, struct dv_answer *answer, int status,
    const struct reason *why)
{
	context->reason = *why;
	answer->http_status = status;
	answer->stage = DV_STAGE_REQUEST;
	answer->reason = context->reason.text;
	return true;
}

bool
dv_verify(struct dv_context *context, struct dv_answer *answer, const struct dv_request *request)
{
	struct verdict *v = &context->verdict;
	struct verdict_terms terms;
	struct reason why = { 0 };
	int status;

	context_begin(context, answer);
	context_terms(&terms, context, request->now);
	terms.full_reason = request->full_reason;
	terms.summary = request->summary;
	*v = (struct verdict){ .request = &context->request };
	warnings_init(&v->warnings, context->arena);
	if (!request_read(&context->request, context->arena, span(request->body),
	    context->options.policy.lenient_json, &status, &why)) {
		if (status != 200)
			return answer_bad_request(context, answer, status, &why);
		(void)fail_internal(v, VERDICT_INTERNAL, &terms, &why);
	} else if (judge(context, v, &terms, request)) {
		verdict_settle(v);
	} else if (v->nneeds != 0) {
		return context_needs(context, answer);
	}
	if (context->request.explain && context->options.policy.allow_explain) {
		explain(&context->explanation, context, v);
		v->explanation = &context->explanation;
	}
	return render_answer(context, answer, v, &terms);
}

bool
dv_fault_answer(struct dv_context *context, struct dv_answer *answer, enum dv_fault fault,
    const char *text)
{
	struct verdict *v = &context->verdict;
	struct verdict_terms terms;
	enum verdict_code code = VERDICT_INTERNAL;
	enum reason_kind kind = REASON_INTERNAL;
	struct reason why = { 0 };

	context_begin(context, answer);
	context_terms(&terms, context, 0);
	terms.summary = true;
	context->request = (struct request){ 0 };
	*v = (struct verdict){ .request = &context->request };
	switch (fault) {
	case DV_FAULT_INPUT:
		code = VERDICT_INPUT_UNREADABLE;
		kind = REASON_MALFORMED;
		break;
	case DV_FAULT_DEADLINE:
		code = VERDICT_DEADLINE_EXCEEDED;
		text = text != NULL ? text : "deadline exceeded";
		break;
	case DV_FAULT_INTERNAL:
		break;
	}
	(void)reject(&why, kind, "Internal error: %s", text != NULL ? text : "internal fault");
	(void)verdict_fail(v, code, &why);
	return render_answer(context, answer, v, &terms);
}
