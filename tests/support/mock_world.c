#include "../unit/testing.h"

#include <stdio.h>

#include "../teesim/build.h"
#include "core/digest.h"
#include "../teesim/encode.h"
#include "measure/lite.h"
#include "measure/tdx_document.h"
#include "mock_world.h"

#define ERROR_LEN       512
#define CAPTURE         "dstack-verifier/tdx-lite-attestation.json"

/* Where things lie in a TD report. */
#define TD_MRTD         136
#define TD_RTMR         328
#define TD_REPORT_DATA  520

const enum dv_fact_type world_kinds[4] = {
	DV_FACT_TCB_INFO, DV_FACT_QE_IDENTITY, DV_FACT_PCK_CRL, DV_FACT_ROOT_CA_CRL,
};

static struct bytes
text_of(const char *text)
{
	return build_copy(text);
}

/* The capture's document with this machine's kernel, and hashes that fit. */
static struct bytes
own_config(const struct sample *s)
{
	struct vm_config config;
	struct tdx_document doc;
	struct digest256 hash;
	struct reason why;
	struct bytes own, sums, text = s->evidence.vm_config;
	static const uint8_t kernel[48] = "own kernel";

	if (!vm_config_read(&config, s->arena, text, &why) ||
	    !tdx_document_read(&doc, config.tdx.measurement, 3, &why))
		fail_msg("%s", why.text);
	own = pki_replace(config.tdx.measurement, doc.kernel_authenticode, BYTES_OF(kernel));
	digest256_of(&hash, own);
	sums = build_text("%s  measurement.tdx.cbor\n",
	    build_str(build_digits(BYTES_OF(hash.data), false)));
	text = pki_replace(text, build_base64(config.tdx.measurement), build_base64(own));
	text = pki_replace(text, build_base64(config.tdx.checksum_file), build_base64(sums));
	digest256_of(&hash, sums);
	return pki_replace(text, build_digits(config.os_image_hash, false),
	    build_digits(BYTES_OF(hash.data), false));
}

/* The launch registers that follow from the document. */
static void
launch(struct world *m)
{
	struct acpi_cache *cache = acpi_cache_new(ACPI_CACHE_ENTRIES);
	struct vm_config config;
	struct lite_result result;
	struct launch_registers none;
	const struct lite_input input = {
		&config, &m->evidence.log, &none, 3, cache,
	};
	struct reason why;
	uint8_t *body = m->mock.quote.body;

	memset(&none, 0, sizeof none);
	if (!vm_config_read(&config, m->sample.arena, m->evidence.vm_config, &why))
		fail_msg("%s", why.text);
	assert_false(lite_check(&result, &input, &why));
	if (!result.computed)
		fail_msg("%s", why.text);
	memcpy(body + TD_MRTD, result.expected.mrtd.data, 48);
	for (size_t i = 0; i < 3; i++)
		memcpy(body + TD_RTMR + 48 * i, result.expected.rtmr[i].data, 48);
	acpi_cache_free(cache);
}

static void
runtime_extend(struct world *m)
{
	struct digest384 rtmr = { .data = { 0 } };

	for (size_t i = 0; i < m->evidence.runtime.n; i++) {
		const struct bytes parts[] = {
			BYTES_OF(rtmr.data), BYTES_OF(m->evidence.runtime.event[i].computed.data),
		};
		struct digest384 next;

		digest384_of_parts(&next, parts, NELEM(parts));
		rtmr = next;
	}
	memcpy(m->mock.quote.body + TD_RTMR + 3 * 48, rtmr.data, 48);
}

void
world_init(struct world *m)
{
	memset(m, 0, sizeof *m);
	mock_init(&m->mock);
	sample_load(&m->sample, CAPTURE);
	m->evidence = m->sample.evidence;
	m->evidence.config = m->evidence.vm_config = own_config(&m->sample);
	memcpy(m->mock.quote.body + TD_REPORT_DATA, m->evidence.report_data.ptr, REPORT_DATA_LEN);
	launch(m);
	dv_policy_init(&m->policy, DV_PROFILE_DROP_IN);
	for (size_t i = 0; i < NELEM(m->offer); i++)
		m->offer[i] = true;
	m->now = MOCK_NOW;
	m->serve_stale_max_secs = 259200;
	m->json = "";
}

void
world_fini(struct world *m)
{
	dv_context_free(m->context);
	m->context = NULL;
}

void
world_config(struct world *m, const char *json)
{
	m->evidence.config = m->evidence.vm_config = text_of(json);
}

struct bytes
world_body(struct world *m)
{
	struct evidence e = m->evidence;

	if (m->body.len != 0)
		return m->body;
	if (!m->keep_rtmr3)
		runtime_extend(m);
	if (e.quote.ptr == m->sample.evidence.quote.ptr)
		e.quote = mock_quote(&m->mock);
	return build_text("{%s%s\"attestation\":\"%s\"}", m->insert != NULL ? m->insert : "",
	    m->insert != NULL ? "," : "",
	    build_str(build_digits(m->v1 ? encode_v1(&e, 0) :
	    encode_v0(&e), false)));
}

static struct dv_span
span(struct bytes b)
{
	return (struct dv_span){ b.ptr, b.len };
}

void
world_context(struct world *m)
{
	struct bytes anchor = mock_anchor(&m->mock);
	const struct dv_options options = {
		.policy = m->policy,
		.root_ca_tdx = m->builtin_root ? (struct dv_span){ NULL, 0 } : span(anchor),
		.serve_stale_max_secs = m->serve_stale_max_secs,
		.pinned_at = m->pinned_at,
		.at = m->now,
	};
	char error[ERROR_LEN];
	struct dv_dates dates;

	world_fini(m);
	m->context = dv_context_new(&options, error, sizeof error);
	if (m->context == NULL)
		fail_msg("%s", error);
	if (m->pin && !dv_collateral_add(m->context, span(mock_object(&m->mock)), m->now, error,
	    sizeof error))
		fail_msg("%s", error);
	for (size_t i = 0; !m->pin && i < NELEM(m->offer); i++) {
		const struct dv_key key = mock_key(&m->mock, world_kinds[i]);
		const struct dv_fact fact = mock_fact(&m->mock, world_kinds[i]);

		/* What is past its end is kept when there is none better. */
		if (m->offer[i])
			(void)dv_fact_offer(m->context, &key, &fact, m->now, &dates, error,
			    sizeof error);
	}
}

void
world_ask(struct world *m)
{
	struct bytes body = world_body(m);
	const struct dv_request request = {
		.body = span(body), .now = m->now, .failures = m->failures,
		.nfailures = m->nfailures, .full_reason = m->full_reason,
	};

	if (m->context == NULL)
		world_context(m);
	assert_true(dv_verify(m->context, &m->answer, &request));
	m->json = build_str((struct bytes){ m->answer.json.ptr, m->answer.json.len });
}

void
world_expect(const struct world *m, const char *row, const char *text)
{
	const char *own = strstr(m->json, "\"warnings\":");

	/* cmocka cuts long messages: from our own members on. */
	if (strstr(m->json, text) == NULL)
		fail_msg("%s: no %s in %.60s ... %s", row, text, m->json, own != NULL ? own : "");
}
