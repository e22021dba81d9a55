#include "verify/verdict.h"

#include <assert.h>

#include "config.h"

bool
verdict_fail(struct verdict *v, enum verdict_code code, const struct reason *why)
{
	assert(code != VERDICT_NONE && why->kind != REASON_NONE);
	if (v->code == VERDICT_NONE) {
		v->code = code;
		v->why = *why;
	}
	return false;
}

bool
verdict_clock_check(struct verdict *v, const struct verdict_terms *terms)
{
	struct reason why = { 0 };

	if (terms->pinned_at || terms->now >= RELEASE_DATE)
		return true;
	(void)reject(&why, REASON_UNAVAILABLE,
	    "Internal error: system clock is before the release date");
	return verdict_fail(v, VERDICT_CLOCK_BEFORE_RELEASE, &why);
}

void
verdict_settle(struct verdict *v)
{
	v->valid = v->quote_verified && v->event_log_verified && v->os_image_hash_verified &&
	    v->code == VERDICT_NONE && v->nneeds == 0;
}

const char *
verdict_code_name(enum verdict_code code)
{
	switch (code) {
	case VERDICT_NONE:
		break;
#define VERDICT_CODE_NAME(code_, stage, name)   case VERDICT_##code_: return name;
	VERDICT_CODES(VERDICT_CODE_NAME)
#undef VERDICT_CODE_NAME
	}
	return "none";
}

enum dv_stage
verdict_code_stage(enum verdict_code code)
{
	switch (code) {
	case VERDICT_NONE:
		break;
#define VERDICT_CODE_STAGE(code_, stage, name)  case VERDICT_##code_: return DV_STAGE_##stage;
	VERDICT_CODES(VERDICT_CODE_STAGE)
#undef VERDICT_CODE_STAGE
	}
	return DV_STAGE_NONE;
}

bool
verdict_acpi_verified(const struct verdict *v)
{
	return v->lite.acpi_tables_verified || v->legacy.acpi_tables_verified;
}

const char *
verdict_ca_name(enum dv_pck_ca ca)
{
	switch (ca) {
	case DV_PCK_CA_PROCESSOR:
		return "processor";
	case DV_PCK_CA_PLATFORM:
		return "platform";
	}
	return "none";
}

bool
verdict_retryable(const struct verdict *v)
{
	return v->code == VERDICT_CLOCK_BEHIND_COLLATERAL ||
	    v->code == VERDICT_CLOCK_BEFORE_RELEASE || v->code == VERDICT_DEADLINE_EXCEEDED ||
	    (v->code != VERDICT_NONE && v->why.kind == REASON_UNAVAILABLE);
}
