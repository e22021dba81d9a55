#include "verify/render.h"

#include "core/timestamp.h"
#include "verify/assurance.h"
#include "verify/explain.h"
#include "verify/summary.h"

/* Room to start with; a typical answer has 4 KiB. */
#define ANSWER_LEN      8192

static void
write_word(struct json_writer *w, const char *key, enum assurance_word word)
{
	json_write_text(w, key, assurance_word_name(word));
}

static void
write_time(struct json_writer *w, const char *key, int64_t at)
{
	char text[TIMESTAMP_SIZE];

	if (at < 0 || at > TIMESTAMP_MAX) {
		json_write_null(w, key);
		return;
	}
	timestamp_text(text, at);
	json_write_text(w, key, text);
}

/* A hex string, or null for an empty one. */
static void
write_hex_or_null(struct json_writer *w, const char *key, struct bytes value)
{
	if (value.len == 0)
		json_write_null(w, key);
	else
		json_write_hex(w, key, value);
}

void
render_advisories(struct json_writer *w, const char *key, const struct advisories *advisories)
{
	json_write_array(w, key);
	for (size_t i = 0; i < advisories->n; i++)
		json_write_str(w, NULL, advisories->ids[i]);
	json_write_end_array(w);
}

void
render_pinned(struct json_writer *w, const struct verdict_terms *terms)
{
	if (!terms->pinned_at && !terms->pinned_collateral)
		return;
	json_write_object(w, "pinned");
	if (terms->pinned_at)
		json_write_i64(w, "at", terms->at);
	else
		json_write_null(w, "at");
	json_write_bool(w, "collateral", terms->pinned_collateral);
	json_write_end_object(w);
}

static void
write_key_provider(struct json_writer *w, const struct verdict *v)
{
	const struct key_provider *provider = &v->app.key_provider;

	if (!v->event_log_verified || !provider->known) {
		json_write_null(w, "key_provider");
		return;
	}
	json_write_object(w, "key_provider");
	json_write_str(w, "name", provider->name);
	json_write_str(w, "id", provider->id);
	json_write_end_object(w);
}

/* The launch registers between device_id and mr_system are those of the first releases. */
static void
write_registers(struct json_writer *w, const struct td_report *td)
{
	json_write_hex(w, "mrtd", td->mr_td);
	json_write_hex(w, "rtmr0", td->rt_mr[0]);
	json_write_hex(w, "rtmr1", td->rt_mr[1]);
	json_write_hex(w, "rtmr2", td->rt_mr[2]);
	json_write_hex(w, "rtmr3", td->rt_mr[3]);
}

static void
write_app_info(struct json_writer *w, const struct verdict *v)
{
	const struct app_info *app = &v->app;

	if (!v->event_log_verified) {
		json_write_null(w, "app_info");
		return;
	}
	json_write_object(w, "app_info");
	json_write_hex(w, "app_id", app->app_id);
	json_write_hex(w, "compose_hash", app->compose_hash);
	json_write_hex(w, "instance_id", app->instance_id);
	json_write_hex(w, "device_id", BYTES_OF(app->device_id.data));
	write_registers(w, &v->dcap.quote.td);
	json_write_hex(w, "mr_system", BYTES_OF(app->mr_system.data));
	json_write_hex(w, "mr_aggregated", BYTES_OF(app->mr_aggregated.data));
	json_write_hex(w, "os_image_hash", BYTES_OF(v->os_image_hash.data));
	json_write_hex(w, "key_provider_info", app->key_provider_info);
	json_write_array(w, "init_script_hashes");
	for (size_t i = 0; i < app->n_init_script_hashes; i++)
		json_write_hex(w, NULL, app->init_script_hashes[i]);
	json_write_end_array(w);
	json_write_end_object(w);
}

static void
write_boot_info(struct json_writer *w, const struct verdict *v)
{
	const struct app_info *app = &v->app;

	if (!v->valid)
		return;
	json_write_object(w, "boot_info");
	json_write_text(w, "teeVariant", evidence_variant_name(v->evidence.variant));
	json_write_hex(w, "mrAggregated", BYTES_OF(app->mr_aggregated.data));
	json_write_hex(w, "osImageHash", BYTES_OF(v->os_image_hash.data));
	json_write_hex(w, "mrSystem", BYTES_OF(app->mr_system.data));
	json_write_hex(w, "appId", app->app_id);
	json_write_hex(w, "composeHash", app->compose_hash);
	json_write_hex(w, "instanceId", app->instance_id);
	json_write_hex(w, "deviceId", BYTES_OF(app->device_id.data));
	json_write_hex(w, "keyProviderInfo", app->key_provider_info);
	json_write_text(w, "tcbStatus", tcb_status_name(v->dcap.tcb.status));
	render_advisories(w, "advisoryIds", &v->dcap.tcb.advisories);
	json_write_end_object(w);
}

/* Compat: on the legacy path alone, also when a record was read to confirm a document. */
static void
write_image(struct json_writer *w, const struct verdict *v)
{
	const struct image_record *record = v->record;

	if (record == NULL || v->config.variant != VM_VARIANT_LEGACY) {
		json_write_null(w, "os_image_is_dev");
		json_write_null(w, "os_image_version");
		return;
	}
	json_write_bool(w, "os_image_is_dev", record->is_dev);
	if (record->version_len == 0)
		json_write_null(w, "os_image_version");
	else
		json_write_str(w, "os_image_version", (struct bytes){
		    (const uint8_t *)record->version, record->version_len });
}

/* The members of the Rust verifier, in its order. */
static void
write_compatible(struct json_writer *w, const struct verdict *v)
{
	json_write_bool(w, "quote_verified", v->quote_verified);
	json_write_bool(w, "event_log_verified", v->event_log_verified);
	json_write_bool(w, "os_image_hash_verified", v->os_image_hash_verified);
	json_write_bool(w, "acpi_tables_verified", verdict_acpi_verified(v));
	write_image(w, v);
	if (v->quote_verified) {
		json_write_text(w, "tee_variant", evidence_variant_name(v->evidence.variant));
		json_write_hex(w, "report_data", v->dcap.quote.td.report_data);
		json_write_text(w, "tcb_status", tcb_status_name(v->dcap.tcb.status));
		render_advisories(w, "advisory_ids", &v->dcap.tcb.advisories);
	} else {
		json_write_null(w, "tee_variant");
		json_write_null(w, "report_data");
		json_write_null(w, "tcb_status");
		json_write_array(w, "advisory_ids");
		json_write_end_array(w);
	}
	write_key_provider(w, v);
	write_app_info(w, v);
	write_boot_info(w, v);
}

static void
write_warnings(struct json_writer *w, const struct verdict *v)
{
	json_write_array(w, "warnings");
	for (size_t i = 0; i < v->warnings.n; i++)
		json_write_text(w, NULL, v->warnings.text[i]);
	json_write_end_array(w);
}

static const char *
stage_name(enum dv_stage stage)
{
	switch (stage) {
	case DV_STAGE_NONE:
		break;
	case DV_STAGE_REQUEST:
		return "request";
	case DV_STAGE_QUOTE:
		return "quote";
	case DV_STAGE_EVENT_LOG:
		return "event_log";
	case DV_STAGE_OS_IMAGE:
		return "os_image";
	case DV_STAGE_APP_INFO:
		return "app_info";
	case DV_STAGE_POLICY:
		return "policy";
	case DV_STAGE_INTERNAL:
		return "internal";
	}
	return "internal";
}

static void
write_error(struct json_writer *w, const struct verdict *v)
{
	if (v->valid)
		return;
	json_write_object(w, "error");
	json_write_text(w, "stage", stage_name(verdict_code_stage(v->code)));
	json_write_text(w, "code", verdict_code_name(v->code));
	json_write_text(w, "kind", reason_kind_name(v->why.kind));
	json_write_bool(w, "retryable", verdict_retryable(v));
	json_write_end_object(w);
}

static void
write_assurance(struct json_writer *w, const struct verdict *v, const struct verdict_terms *terms)
{
	struct assurance a;

	if (!v->quote_verified)
		return;
	assurance_of(&a, v, terms);
	json_write_object(w, "assurance");
	write_word(w, "quote", a.quote);
	write_word(w, "tcb", a.tcb);
	write_word(w, "event_log", a.event_log);
	write_word(w, "boot_events", a.boot_events);
	write_word(w, "os_image", a.os_image);
	write_word(w, "acpi_tables", a.acpi_tables);
	write_word(w, "identity", a.identity);
	write_word(w, "freshness", a.freshness);
	write_word(w, "revocation", a.revocation);
	write_word(w, "platform", a.platform);
	json_write_text(w, "trust_anchor", terms->external_anchor ? "external" : "builtin");
	json_write_end_object(w);
}

static void
write_appraisal(struct json_writer *w, const struct verdict *v, const struct verdict_terms *terms)
{
	enum dv_stage stage = verdict_code_stage(v->code);
	struct appraisal a;

	if (stage == DV_STAGE_REQUEST || stage == DV_STAGE_INTERNAL)
		return;
	appraise(&a, v, terms);
	json_write_object(w, "appraisal");
	json_write_text(w, "profile", "strict");
	json_write_text(w, "verdict", appraisal_verdict_name(a.verdict));
	json_write_array(w, "unmet");
	for (size_t i = 0; i < a.nunmet; i++)
		json_write_text(w, NULL, a.unmet[i]);
	json_write_end_array(w);
	json_write_end_object(w);
}

static void
write_platform(struct json_writer *w, const struct dcap_platform *platform)
{
	json_write_object(w, "platform");
	json_write_hex(w, "ppid", BYTES_OF(platform->ppid));
	write_hex_or_null(w, "piid", platform->has_piid ? BYTES_OF(platform->piid) :
	    (struct bytes){ 0 });
	json_write_hex(w, "fmspc", BYTES_OF(platform->fmspc));
	json_write_text(w, "ca", verdict_ca_name(platform->ca));
	json_write_end_object(w);
}

/* Which kernel RTMR1 holds; a document has one digest only. */
static void
write_kernel(struct json_writer *w, enum legacy_kernel kernel)
{
	switch (kernel) {
	case LEGACY_KERNEL_NONE:
		break;
	case LEGACY_KERNEL_PATCHED:
		json_write_text(w, "kernel", "patched");
		return;
	case LEGACY_KERNEL_UNPATCHED:
		json_write_text(w, "kernel", "unpatched");
		return;
	case LEGACY_KERNEL_NORMALIZED:
		json_write_text(w, "kernel", "normalized");
		return;
	}
	json_write_null(w, "kernel");
}

static void
write_measurement(struct json_writer *w, const struct verdict *v)
{
	const struct lite_result *lite = &v->lite;
	const struct legacy_result *legacy = &v->legacy;
	bool downloaded = v->image_source == IMAGE_SOURCE_IMAGE_DOWNLOAD;

	if (lite->measurement_version != 0)
		json_write_u64(w, "measurement_version", lite->measurement_version);
	if (!v->os_image_hash_verified)
		return;
	json_write_object(w, "measurement_match");
	json_write_text(w, "mrtd", (downloaded ? legacy->two_pass : lite->two_pass) ?
	    "two_pass" : "single_pass");
	write_kernel(w, legacy->kernel);
	json_write_text(w, "acpi_profile", (downloaded ? legacy->acpi_profile :
	    lite->acpi_profile) == ACPI_GENUINE ? "genuine" : "newest");
	json_write_end_object(w);
}

static void
write_other_rule(struct json_writer *w, const struct tcb_match *tcb)
{
	bool upstream = tcb->rule == DV_TCB_RULE_UPSTREAM;
	bool found = upstream ? tcb->intel_found : tcb->upstream_found;
	enum tcb_status other = upstream ? tcb->intel_status : tcb->upstream_status;

	if (found && other == tcb->status)
		return;
	json_write_object(w, "tcb_rule");
	json_write_text(w, "rule", upstream ? "upstream" : "intel");
	if (found)
		json_write_text(w, "other_status", tcb_status_name(other));
	else
		json_write_null(w, "other_status");
	json_write_end_object(w);
}

static void
write_shortfall(struct json_writer *w, const struct tcb_match *tcb)
{
	if (!tcb->has_shortfall)
		return;
	json_write_array(w, "tcb_shortfall");
	for (size_t i = 0; i < tcb->nshortfall; i++) {
		const struct tcb_shortfall *s = &tcb->shortfall[i];

		json_write_object(w, NULL);
		json_write_text(w, "component", tcb_component_name(s->component));
		if (s->has_index)
			json_write_u64(w, "index", s->index);
		else
			json_write_null(w, "index");
		json_write_u64(w, "have", s->have);
		json_write_u64(w, "needs", s->needs);
		json_write_text(w, "update", tcb_shortfall_update(s));
		json_write_end_object(w);
	}
	json_write_end_array(w);
}

static void
write_tcb(struct json_writer *w, const struct tcb_match *tcb)
{
	write_other_rule(w, tcb);
	if (tcb->has_current) {
		if (tcb->current_found)
			json_write_text(w, "current_tcb_status",
			    tcb_status_name(tcb->current_status));
		else
			json_write_null(w, "current_tcb_status");
	}
	write_shortfall(w, tcb);
}

static void
write_mr_config(struct json_writer *w, const struct verdict *v)
{
	json_write_hex(w, "mr_config_id", v->dcap.quote.td.mr_config_id);
	switch (v->mr_config) {
	case MR_CONFIG_NULL:
		json_write_null(w, "mr_config_id_verified");
		break;
	case MR_CONFIG_FALSE:
		json_write_bool(w, "mr_config_id_verified", false);
		break;
	case MR_CONFIG_TRUE:
		json_write_bool(w, "mr_config_id_verified", true);
		break;
	}
}

static void
write_coverage(struct json_writer *w, const struct replay *replay)
{
	static const char *const names[EVENT_RTMRS] = { "rtmr0", "rtmr1", "rtmr2", "rtmr3" };

	json_write_object(w, "event_log_coverage");
	for (size_t i = 0; i < NELEM(names); i++)
		json_write_bool(w, names[i], replay->covered[i]);
	json_write_end_object(w);
}

static void
write_collateral(struct json_writer *w, const struct verdict *v, const struct verdict_terms *terms)
{
	const struct dcap_collateral *c = &v->dcap.collateral;

	json_write_object(w, "collateral");
	json_write_hex(w, "fmspc", BYTES_OF(v->dcap.platform.fmspc));
	json_write_u64(w, "tcb_evaluation_data_number", c->tcb_evaluation_data_number);
	write_time(w, "tcb_issue_date", c->tcb.issued);
	write_time(w, "tcb_next_update", c->tcb.next_update);
	json_write_text(w, "platform_tcb_status", tcb_status_name(v->dcap.tcb.platform_status));
	json_write_text(w, "qe_tcb_status", tcb_status_name(v->dcap.tcb.qe.status));
	write_time(w, "root_crl_this_update", c->root_crl.issued);
	write_time(w, "pck_crl_this_update", c->pck_crl.issued);
	write_hex_or_null(w, "root_crl_number", c->root_crl_number);
	write_hex_or_null(w, "pck_crl_number", c->pck_crl_number);
	if (c->has_fetched_at && !terms->pinned_at && !terms->pinned_collateral)
		json_write_i64(w, "fetched_age_secs", terms->now - c->fetched_at);
	else
		json_write_null(w, "fetched_age_secs");
	json_write_end_object(w);
}

static void
write_explain_event(struct json_writer *w, const struct explain_event *e)
{
	const struct event *event = e->event;
	const bool named = event != NULL && event->name.len != 0;

	json_write_object(w, NULL);
	json_write_u64(w, "index", e->index);
	json_write_u64(w, "event_type", event != NULL ? event->type : 0);
	json_write_str(w, "name", named ? event->name :
	    bytes_str(event != NULL ? "(unnamed)" : "(missing)"));
	json_write_hex(w, "actual", e->actual);
	write_hex_or_null(w, "expected", e->expected);
	json_write_u64(w, "payload_len", event != NULL ? event->payload.len : 0);
	json_write_text(w, "status", explain_status_name(e->status));
	json_write_end_object(w);
}

static void
write_text_or_null(struct json_writer *w, const char *key, const char *text)
{
	if (text[0] == '\0')
		json_write_null(w, key);
	else
		json_write_text(w, key, text);
}

static void
write_explain(struct json_writer *w, const struct explanation *x)
{
	json_write_object(w, "explain");
	json_write_array(w, "registers");
	for (size_t i = 0; i < x->n_registers; i++) {
		json_write_object(w, NULL);
		json_write_text(w, "name", x->registers[i].name);
		json_write_hex(w, "expected", x->registers[i].expected);
		json_write_hex(w, "actual", x->registers[i].actual);
		json_write_array(w, "events");
		for (size_t j = 0; j < x->registers[i].n_events; j++)
			write_explain_event(w, &x->registers[i].events[j]);
		json_write_end_array(w);
		json_write_end_object(w);
	}
	json_write_end_array(w);
	write_text_or_null(w, "first_divergence", x->first_divergence);
	write_text_or_null(w, "likely_cause", x->likely_cause.text);
	json_write_end_object(w);
}

/* Ours, behind the compatible ones; each with its own condition. */
static void
write_own(struct json_writer *w, const struct verdict *v, const struct verdict_terms *terms)
{
	write_warnings(w, v);
	write_error(w, v);
	write_assurance(w, v, terms);
	write_appraisal(w, v, terms);
	if (v->quote_verified)
		write_platform(w, &v->dcap.platform);
	write_measurement(w, v);
	if (v->quote_verified) {
		write_tcb(w, &v->dcap.tcb);
		write_mr_config(w, v);
		write_coverage(w, &v->replay);
	}
	if (v->valid && v->app.has_event_os_image_hash)
		json_write_hex(w, "event_os_image_hash", v->app.event_os_image_hash);
	if (v->os_image_hash_verified)
		json_write_text(w, "os_image_hash_source",
		    v->image_source == IMAGE_SOURCE_IMAGE_DOWNLOAD ? "image_download" :
		    "supplied_measurement");
	if (v->quote_verified)
		write_collateral(w, v, terms);
	render_pinned(w, terms);
	if (v->explanation != NULL)
		write_explain(w, v->explanation);
}

static void
write_response(struct json_writer *w, const struct verdict *v, const struct verdict_terms *terms)
{
	json_write_object(w, NULL);
	json_write_bool(w, "is_valid", v->valid);
	json_write_object(w, "details");
	write_compatible(w, v);
	write_own(w, v, terms);
	json_write_end_object(w);
	if (v->valid)
		json_write_null(w, "reason");
	else
		json_write_text(w, "reason", v->why.text);
	json_write_end_object(w);
}

bool
render_answer(struct dv_context *context, struct dv_answer *answer, const struct verdict *v,
    const struct verdict_terms *terms)
{
	CBB cbb;
	struct json_writer w = { .out = &cbb };

	answer->valid = v->valid;
	answer->retryable = verdict_retryable(v);
	answer->unavailable = !v->valid && v->why.kind == REASON_UNAVAILABLE;
	answer->stage = verdict_code_stage(v->code);
	answer->reason = v->valid ? NULL : v->why.text;
	if (terms->summary)
		answer->summary = summary_of(context->arena, v, terms);
	if (!CBB_init(&cbb, ANSWER_LEN))
		return false;
	write_response(&w, v, terms);
	return context_answer(context, answer, &w);
}
