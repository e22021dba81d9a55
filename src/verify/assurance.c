#include "verify/assurance.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "verify/policy_check.h"

const char *
assurance_word_name(enum assurance_word word)
{
	switch (word) {
	case ASSURANCE_VERIFIED:
		return "verified";
	case ASSURANCE_REPLAYED:
		return "replayed";
	case ASSURANCE_SIGNED:
		return "signed";
	case ASSURANCE_SUPPLIED_BY_REQUESTER:
		return "supplied_by_requester";
	case ASSURANCE_NOT_CHECKED:
		return "not_checked";
	case ASSURANCE_NOT_APPLICABLE:
		return "not_applicable";
	}
	return "not_checked";
}

const char *
appraisal_verdict_name(enum appraisal_verdict verdict)
{
	switch (verdict) {
	case APPRAISAL_REJECT:
		return "reject";
	case APPRAISAL_UNKNOWN:
		return "unknown";
	case APPRAISAL_ACCEPT:
		return "accept";
	}
	return "reject";
}

static enum assurance_word
lower(enum assurance_word a, enum assurance_word b)
{
	return a > b ? a : b;
}

/* Whether the operator vouches for the image hash. */
static bool
image_listed(const struct verdict *v, const struct verdict_terms *terms)
{
	return v->has_config &&
	    policy_list_has(&terms->policy->allowed_os_image_hashes, BYTES_OF(v->os_image_hash.data));
}

/* Whether somebody other than the requester says what the image is. */
static bool
image_confirmed(const struct verdict *v, const struct verdict_terms *terms)
{
	return image_listed(v, terms) || (v->record != NULL && !v->image_differs);
}

static enum assurance_word
os_image_word(const struct verdict *v, const struct verdict_terms *terms)
{
	if (!v->os_image_hash_verified)
		return ASSURANCE_NOT_CHECKED;
	switch (v->image_source) {
	case IMAGE_SOURCE_NONE:
		break;
	case IMAGE_SOURCE_SUPPLIED_MEASUREMENT:
		return image_confirmed(v, terms) ? ASSURANCE_VERIFIED :
		    ASSURANCE_SUPPLIED_BY_REQUESTER;
	case IMAGE_SOURCE_IMAGE_DOWNLOAD:
		return ASSURANCE_VERIFIED;
	}
	return ASSURANCE_NOT_CHECKED;
}

void
assurance_of(struct assurance *out, const struct verdict *v, const struct verdict_terms *terms)
{
	const struct dv_list *platforms = &terms->policy->allowed_platforms;
	const struct request_bytes *expected = &v->request->expected_report_data;
	bool boot = v->replay.covered[0] && v->replay.covered[1] && v->replay.covered[2];

	assert(v->quote_verified);
	*out = (struct assurance){
		.quote = ASSURANCE_VERIFIED,
		.tcb = ASSURANCE_VERIFIED,
		.event_log = ASSURANCE_REPLAYED,
		.boot_events = boot ? ASSURANCE_REPLAYED : ASSURANCE_NOT_CHECKED,
		.os_image = os_image_word(v, terms),
		.acpi_tables = verdict_acpi_verified(v) ? ASSURANCE_VERIFIED :
		    ASSURANCE_NOT_CHECKED,
		.freshness = expected->given &&
		    bytes_equal(expected->value, v->dcap.quote.td.report_data) ?
		    ASSURANCE_VERIFIED : ASSURANCE_NOT_CHECKED,
		/* dcap looks up every certificate under the anchor, or does not verify. */
		.revocation = ASSURANCE_VERIFIED,
		.platform = platforms->given && policy_platform_listed(platforms, v) ?
		    ASSURANCE_VERIFIED : ASSURANCE_NOT_CHECKED,
	};
	/* The OS extends the register that identity is read from, so it is worth no more. */
	out->identity = lower(ASSURANCE_REPLAYED, out->os_image);
}

static void PRINTF(3, 4)
unmet(struct appraisal *out, enum appraisal_verdict at_most, const char *format, ...)
{
	va_list args;

	assert(out->nunmet < APPRAISAL_UNMET_MAX);
	va_start(args, format);
	(void)vsnprintf(out->unmet[out->nunmet], sizeof out->unmet[0], format, args);
	va_end(args);
	out->nunmet++;
	if (at_most < out->verdict)
		out->verdict = at_most;
}

static void
appraise_tcb(struct appraisal *out, const struct tcb_match *tcb)
{
	if (!tcb->intel_found)
		unmet(out, APPRAISAL_REJECT, "tcb_status: no matching level");
	else if (tcb->intel_status != TCB_UP_TO_DATE &&
	    tcb->intel_status != TCB_SW_HARDENING_NEEDED)
		unmet(out, APPRAISAL_REJECT, "tcb_status: %s", tcb_status_name(tcb->intel_status));
}

/* What is known of the image, and from whom. */
static void
appraise_image(struct appraisal *out, const struct verdict *v, const struct verdict_terms *terms)
{
	bool listed = image_listed(v, terms);
	bool supplied = v->has_config && v->config.variant == VM_VARIANT_LITE;

	if (supplied && !listed && v->record == NULL)
		unmet(out, APPRAISAL_UNKNOWN, "os_image: not confirmed");
	if (v->image_differs)
		unmet(out, APPRAISAL_REJECT, "os_image: differs from the published image");
	if (v->record != NULL && v->record->is_dev)
		unmet(out, APPRAISAL_REJECT, "os_image: dev");
	else if (v->record == NULL && !listed)
		unmet(out, APPRAISAL_UNKNOWN, "os_image: dev not known");
}

void
appraise(struct appraisal *out, const struct verdict *v, const struct verdict_terms *terms)
{
	bool evidence_bad = v->code != VERDICT_NONE && v->code != VERDICT_POLICY &&
	    !verdict_retryable(v);

	*out = (struct appraisal){ .verdict = APPRAISAL_ACCEPT };
	if (evidence_bad) {
		unmet(out, APPRAISAL_REJECT, "evidence: %s", verdict_code_name(v->code));
		return;
	}
	if (v->quote_verified) {
		appraise_tcb(out, &v->dcap.tcb);
		appraise_image(out, v, terms);
		if (v->duplicate_events)
			unmet(out, APPRAISAL_REJECT, "event_log: duplicate events");
	}
	if (verdict_retryable(v))
		unmet(out, APPRAISAL_UNKNOWN, "unavailable: %s", verdict_code_name(v->code));
}
