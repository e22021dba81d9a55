#include "../unit/testing.h"

#include "verdict_sample.h"

#define LISTS_MAX       64

static uint8_t report_data[64];
static uint8_t digest[48];

void
verdict_sample_init(struct verdict_sample *s)
{
	struct verdict *v = &s->verdict;
	const struct bytes d = BYTES_OF(digest);

	memset(report_data, 0x66, sizeof report_data);
	memset(digest, 0x11, sizeof digest);
	memset(s, 0, sizeof *s);
	dv_policy_init(&s->policy, DV_PROFILE_DROP_IN);
	*v = (struct verdict){
		.valid = true, .quote_verified = true, .event_log_verified = true,
		.os_image_hash_verified = true, .request = &s->request,
		.has_evidence = true, .evidence = { .variant = EVIDENCE_TDX },
		.has_app = true, .has_config = true, .config = { .variant = VM_VARIANT_LITE },
		.lite = { .measurement_version = 3, .acpi_tables_verified = true,
		    .computed = true },
		.image_source = IMAGE_SOURCE_SUPPLIED_MEASUREMENT,
		.replay = { .covered = { [3] = true } },
	};
	v->dcap.outcome = DCAP_VERIFIED;
	v->dcap.has_platform = true;
	v->dcap.platform.ca = DV_PCK_CA_PLATFORM;
	memset(v->dcap.platform.ppid, 0x44, sizeof v->dcap.platform.ppid);
	memset(v->os_image_hash.data, 0x33, sizeof v->os_image_hash.data);
	memset(v->app.device_id.data, 0x55, sizeof v->app.device_id.data);
	v->dcap.has_quote = true;
	v->dcap.quote.header.version = 4;
	v->dcap.quote.body = QUOTE_BODY_TD_10;
	v->dcap.quote.td = (struct td_report){
		.mr_td = d, .mr_config_id = d, .rt_mr = { d, d, d, d },
		.report_data = BYTES_OF(report_data),
	};
	v->dcap.tcb.upstream_found = v->dcap.tcb.intel_found = true;
	v->dcap.tcb.level.found = v->dcap.tcb.qe.found = true;
	s->terms = (struct verdict_terms){ .policy = &s->policy, .now = VERDICT_SAMPLE_NOW };
}

void
verdict_sample_fail(struct verdict_sample *s, enum verdict_code code, enum reason_kind kind)
{
	struct reason why = { 0 };

	s->verdict.valid = false;
	(void)reject(&why, kind, "a reason");
	assert_false(verdict_fail(&s->verdict, code, &why));
}

struct dv_list
verdict_sample_list(const char *text)
{
	static const char *items[LISTS_MAX];
	static size_t n;

	assert_true(n < NELEM(items));
	items[n] = text;
	return (struct dv_list){ .given = true, .n = 1, .items = &items[n++] };
}
