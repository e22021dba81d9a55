#include <stdlib.h>

#include "../teesim/encode.h"
#include "../support/sample.h"
#include "evidence/replay.h"
#include "alloc_fail.h"
#include "testing.h"

/* ---- dispatch and form B ---- */

static bool
read_raw(struct evidence *out, struct bytes raw, struct reason *why)
{
	return attestation_read(out, sample_arena(), raw, why);
}

static void
test_first_byte(void **state)
{
	struct evidence out;
	struct reason why;

	for (unsigned b = 0; b < 256; b++) {
		uint8_t byte = (uint8_t)b;
		bool known = b == 0 || (b >= 0x80 && b <= 0x8f) || b == 0xde || b == 0xdf;

		assert_false(read_raw(&out, (struct bytes){ &byte, 1 }, &why));
		assert_int_equal(strcmp(why.text, ATTESTATION_DECODE_FAILED
		    ": Unknown attestation wire format") != 0, known);
	}
	assert_false(read_raw(&out, (struct bytes){ NULL, 0 }, &why));
	assert_string_equal(why.text, "Failed to decode attestaion: Empty attestation bytes");
}

static void
test_too_large(void **state)
{
	static uint8_t big[ATTESTATION_MAX + 1];
	struct evidence out;
	struct reason why;

	assert_false(read_raw(&out, BYTES_OF(big), &why));
	assert_string_equal(why.text,
	    "Failed to decode attestaion: attestation bytes too large: 10485761 > 10485760");
	assert_int_equal(why.kind, REASON_LIMIT);
	assert_false(read_raw(&out, (struct bytes){ big, ATTESTATION_MAX }, &why));
	assert_null(strstr(why.text, "too large"));
}

static void
test_variant_names(void **state)
{
	assert_string_equal(evidence_variant_name(EVIDENCE_TDX), "dstack-tdx");
	assert_string_equal(evidence_variant_name(EVIDENCE_GCP_TDX), "dstack-gcp-tdx");
	assert_string_equal(evidence_variant_name(EVIDENCE_NITRO_ENCLAVE),
	    "dstack-nitro-enclave");
	assert_string_equal(evidence_variant_name(EVIDENCE_SEV_SNP), "dstack-amd-sev-snp");
	assert_string_equal(evidence_variant_name(EVIDENCE_AWS_NITRO_TPM),
	    "dstack-aws-nitro-tpm");
}

static void
test_from_quote(void **state)
{
	static const char log[] =
	    "[{\"imr\":0,\"event_type\":10,\"event\":\"\",\"event_payload\":\"\"},"
	    "{\"imr\":2,\"event_type\":134217729,\"event\":\"a\",\"event_payload\":\"01\","
	    "\"version\":2}]";
	uint8_t quote[] = { 1, 2 }, report_data[REPORT_DATA_LEN] = { 3 };
	struct evidence e;
	struct reason why;

	assert_true(attestation_from_quote(&e, sample_arena(), BYTES_OF(quote),
	    BYTES_OF(report_data), bytes_str(log), bytes_str(""), &why));
	assert_int_equal(e.form, EVIDENCE_FORM_QUOTE);
	assert_int_equal(e.log.n, 2);
	assert_int_equal(e.runtime.n, 1);       /* whatever its register          */
	assert_int_equal(e.runtime.event[0].version, 2);
	assert_true(bytes_equal(e.vm_config, bytes_str("{}")));
	assert_false(event_log_check(&e.log, &e.runtime, &why));
	assert_string_equal(why.text, "event 1 of type 134217729 is in register 2");
	assert_false(attestation_from_quote(&e, sample_arena(), BYTES_OF(quote),
	    BYTES_OF(report_data), bytes_str("{}"), bytes_str(""), &why));
	assert_string_equal(why.text, "Failed to create attestation: "
	    "event log: \"event_log\" is an object, not an array");
}

/* ---- report_data ---- */

static void
test_report_data(void **state)
{
	static const struct bytes parts[] = {
		{ (const uint8_t *)"app-data:", 9 }, { (const uint8_t *)"{}", 2 },
	};
	struct digest512 digest;
	struct evidence e = { .pod = false };
	struct reason why;

	digest512_of_parts(&digest, parts, NELEM(parts));
	e.report_data = (struct bytes){ digest.data, 63 };
	assert_false(evidence_check_report_data(&e, &why));
	assert_string_equal(why.text, "stack.report_data must be 64 bytes");
	e.report_data = BYTES_OF(digest.data);
	assert_true(evidence_check_report_data(&e, &why));
	e.pod = true;
	assert_false(evidence_check_report_data(&e, &why));
	assert_string_equal(why.text, "report_data does not match report_data_payload");
	e.report_data_payload = bytes_str("{}");
	assert_true(evidence_check_report_data(&e, &why));
	/* The payload is judged first. */
	e.report_data.len = 63;
	assert_false(evidence_check_report_data(&e, &why));
	assert_string_equal(why.text, "report_data does not match report_data_payload");
}

static void
test_quoted_report_data(void **state)
{
	uint8_t a[REPORT_DATA_LEN] = { 0 }, b[REPORT_DATA_LEN] = { 0 };
	struct evidence e = { .report_data = BYTES_OF(a) };
	struct reason why;

	assert_true(evidence_check_quoted_report_data(&e, BYTES_OF(b), &why));
	b[63] = 1;
	assert_false(evidence_check_quoted_report_data(&e, BYTES_OF(b), &why));
	assert_string_equal(why.text, "tdx report_data mismatch");
}

/* ---- one attestation in both encodings ---- */

static const char *const real[] = {
	"dstack-verifier/tdx-lite-attestation.json",
	"dstack-verifier/sev-snp-attestation.json",
	"attestations/tdx-lite-normalized-attestation.json",
	"attestations/tdx-lite-v1-attest.json",
	"dstack/guest-agent-attestation.bin",
	"dstack/nitro_attestation_framed.bin",
	"dstack/sev_snp_attestation.bin",
};

static void
expect_same_events(const struct event_list *a, const struct event_list *b)
{
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++) {
		assert_int_equal(a->event[i].imr, b->event[i].imr);
		assert_int_equal(a->event[i].type, b->event[i].type);
		assert_int_equal(a->event[i].version, b->event[i].version);
		assert_int_equal(a->event[i].has_preimage, b->event[i].has_preimage);
		assert_true(bytes_equal(a->event[i].digest, b->event[i].digest));
		assert_true(bytes_equal(a->event[i].name, b->event[i].name));
		assert_true(bytes_equal(a->event[i].payload, b->event[i].payload));
		assert_true(bytes_equal(a->event[i].preimage, b->event[i].preimage));
		assert_true(digest384_equal(&a->event[i].computed, &b->event[i].computed));
	}
}

static void
expect_same_tpm(const struct tpm_evidence *a, const struct tpm_evidence *b)
{
	assert_true(bytes_equal(a->message, b->message));
	assert_true(bytes_equal(a->signature, b->signature));
	assert_true(bytes_equal(a->ak_cert, b->ak_cert));
	assert_int_equal(a->platform, b->platform);
	assert_int_equal(a->n_pcrs, b->n_pcrs);
	for (size_t i = 0; i < a->n_pcrs; i++) {
		assert_int_equal(a->pcrs[i].index, b->pcrs[i].index);
		assert_true(bytes_equal(a->pcrs[i].algorithm, b->pcrs[i].algorithm));
		assert_true(bytes_equal(a->pcrs[i].value, b->pcrs[i].value));
	}
	assert_int_equal(a->n_events, b->n_events);
	for (size_t i = 0; i < a->n_events; i++) {
		assert_int_equal(a->events[i].pcr, b->events[i].pcr);
		assert_true(bytes_equal(a->events[i].digest, b->events[i].digest));
	}
}

static void
expect_same(const struct evidence *a, const struct evidence *b)
{
	assert_int_equal(a->variant, b->variant);
	assert_int_equal(a->pod, b->pod);
	assert_true(bytes_equal(a->quote, b->quote));
	expect_same_events(&a->log, &b->log);
	expect_same_tpm(&a->tpm, &b->tpm);
	assert_true(bytes_equal(a->document, b->document));
	assert_int_equal(a->n_certs, b->n_certs);
	for (size_t i = 0; i < a->n_certs; i++)
		assert_true(bytes_equal(a->certs[i], b->certs[i]));
	assert_true(bytes_equal(a->mr_config, b->mr_config));
	expect_same_events(&a->runtime, &b->runtime);
	assert_true(bytes_equal(a->report_data, b->report_data));
	assert_true(bytes_equal(a->report_data_payload, b->report_data_payload));
	assert_true(bytes_equal(a->config, b->config));
	assert_true(bytes_equal(a->vm_config, b->vm_config));
}

/* Every way in which V1 may be written. */
static void
expect_same_encoded(const struct evidence *e)
{
	struct arena *arena = sample_arena();
	struct evidence out;
	struct reason why;

	for (unsigned flags = 0; flags < 8; flags++) {
		if (!attestation_read(&out, arena, encode_v1(e, flags), &why))
			fail_msg("flags %u: %s", flags, why.text);
		assert_int_equal(out.form, EVIDENCE_FORM_V1);
		expect_same(e, &out);
	}
}

static void
test_reencoded(void **state)
{
	struct sample s;
	struct evidence out;
	struct reason why;
	struct bytes raw;

	for (size_t i = 0; i < NELEM(real); i++) {
		sample_load(&s, real[i]);
		assert_int_equal(s.evidence.form, s.raw.ptr[0] == 0 ? EVIDENCE_FORM_V0 :
		    EVIDENCE_FORM_V1);
		/* The encoder writes what guests write, to the byte. */
		raw = s.evidence.form == EVIDENCE_FORM_V0 ? encode_v0(&s.evidence) :
		    encode_v1(&s.evidence, 0);
		assert_true(bytes_equal(raw, s.raw));
		expect_same_encoded(&s.evidence);
		if (!read_raw(&out, encode_v0(&s.evidence), &why))
			fail_msg("%s: %s", real[i], why.text);
		expect_same(&s.evidence, &out);
	}
}

/* gcp-tdx, of which there is no genuine capture, with something in each member. */
static struct evidence
gcp_evidence(struct arena *arena)
{
	static struct tpm_pcr pcrs[2];
	static struct tpm_event tpm_events[2];
	static struct event log, runtime;
	static uint8_t report_data[REPORT_DATA_LEN];
	struct evidence e = {
		.variant = EVIDENCE_GCP_TDX, .quote = bytes_str("quote"), .log = { &log, 1 },
		.tpm = { bytes_str("m"), bytes_str("s"), bytes_str("ak"), TPM_PLATFORM_GCP,
		    pcrs, 2, tpm_events, 2 },
		.runtime = { &runtime, 1 }, .report_data = BYTES_OF(report_data),
		.config = bytes_str("{\"a\":1}"), .vm_config = bytes_str("{\"a\":1}"),
	};
	struct reason why;

	pcrs[0] = (struct tpm_pcr){ 0, bytes_str("sha256"), bytes_str("v") };
	pcrs[1] = (struct tpm_pcr){ 14, bytes_str("sha384"), bytes_str("") };
	tpm_events[0] = (struct tpm_event){ 2, bytes_str("d") };
	tpm_events[1] = (struct tpm_event){ UINT32_MAX, bytes_str("") };
	log = (struct event){ .imr = 3, .type = EVENT_TYPE_RUNTIME, .version = 1,
		.name = bytes_str("n"), .payload = bytes_str("p"), .digest = bytes_str("d") };
	runtime = (struct event){ .imr = 3, .type = EVENT_TYPE_RUNTIME, .version = 1,
		.name = bytes_str("n"), .payload = bytes_str("p") };
	assert_true(event_list_hash(&e.runtime, arena, &why));
	return e;
}

static void
test_gcp(void **state)
{
	struct arena *arena = sample_arena();
	struct evidence e = gcp_evidence(arena), out;
	struct reason why;

	if (!attestation_read(&out, arena, encode_v0(&e), &why))
		fail_msg("%s", why.text);
	expect_same(&e, &out);
	expect_same_encoded(&e);
}

static void
test_nitro_tpm(void **state)
{
	struct arena *arena = sample_arena();
	struct evidence e = gcp_evidence(arena), out;
	struct reason why;

	e.variant = EVIDENCE_AWS_NITRO_TPM;
	e.document = bytes_str("document");
	e.quote = (struct bytes){ NULL, 0 };
	e.log.n = 0;
	e.tpm = (struct tpm_evidence){ .platform = 0 };
	if (!attestation_read(&out, arena, encode_v0(&e), &why))
		fail_msg("%s", why.text);
	expect_same(&e, &out);
	expect_same_encoded(&e);
}

/* ---- cut short, and one byte more ---- */

static void
expect_no_prefix(struct bytes whole)
{
	struct arena *arena = arena_new(16u << 20);
	struct evidence out;
	struct reason why;
	uint8_t *copy = malloc(whole.len + 1);

	assert_non_null(arena);
	assert_non_null(copy);
	bytes_copy(copy, whole);
	copy[whole.len] = 0;
	for (size_t len = 0; len <= whole.len + 1; len++) {
		why = (struct reason){ .kind = REASON_NONE };
		arena_reset(arena);
		if (attestation_read(&out, arena, (struct bytes){ copy, len }, &why) !=
		    (len == whole.len))
			fail_msg("%zu of %zu bytes: %s", len, whole.len, why.text);
		if (len != whole.len && strncmp(why.text, "Failed to decode attestaion: ", 29) != 0)
			fail_msg("%zu of %zu bytes: %s", len, whole.len, why.text);
	}
	free(copy);
	arena_free(arena);
}

static void
test_prefixes_v0(void **state)
{
	struct sample s;

	sample_load(&s, "dstack-verifier/tdx-lite-attestation.json");
	expect_no_prefix(s.raw);
	sample_load(&s, "dstack-verifier/sev-snp-attestation.json");
	expect_no_prefix(s.raw);
	sample_load(&s, "dstack/nitro_attestation_framed.bin");
	expect_no_prefix(s.raw);
}

static void
test_prefixes_v1(void **state)
{
	struct arena *arena = sample_arena();
	struct evidence e = gcp_evidence(arena);
	struct sample s;

	sample_load(&s, "attestations/tdx-lite-v1-attest.json");
	expect_no_prefix(s.raw);
	expect_no_prefix(encode_v0(&e));
	expect_no_prefix(encode_v1(&e, 0));
	expect_no_prefix(encode_v1(&e, ENCODE_DATA_FIRST | ENCODE_SWAPPED | ENCODE_EXTRA));
}

static void
test_prefixes_quote(void **state)
{
	struct sample s;
	struct evidence out;
	struct reason why;
	struct bytes log;

	sample_load(&s, "dstack-verifier/quote-report.json");
	log = s.request.event_log.value;
	for (size_t len = 0; len < log.len; len++) {
		struct arena *arena = arena_new(1u << 20);

		if (attestation_from_quote(&out, arena, s.evidence.quote, s.report_data,
		    (struct bytes){ log.ptr, len }, bytes_str(""), &why))
			fail_msg("%zu of %zu bytes", len, log.len);
		arena_free(arena);
	}
}

static void
test_trailing_texts(void **state)
{
	struct arena *arena = sample_arena();
	struct evidence e = gcp_evidence(arena), out;
	struct bytes raw[] = { encode_v0(&e), encode_v1(&e, 0) };
	static const char *const wanted[] = {
		"Failed to decode attestaion: "
		"Trailing bytes after legacy VersionedAttestation: 1",
		"Failed to decode attestaion: trailing bytes after attestation msgpack: 1",
	};
	struct reason why;

	/* arena_copy() left a NUL behind each. */
	for (size_t i = 0; i < NELEM(raw); i++) {
		raw[i].len++;
		assert_false(read_raw(&out, raw[i], &why));
		assert_string_equal(why.text, wanted[i]);
	}
}

/* ---- single bits ---- */

/* The cheap checks of verify(), in its order. */
static bool
cheap_checks(struct evidence *e, const struct sample *s, struct arena *arena, struct reason *why)
{
	const struct event *acpi[EVENT_ACPIS];
	struct replay replay;

	return e->variant == EVIDENCE_TDX &&
	    evidence_check_report_data(e, why) &&
	    event_log_check(&e->log, &e->runtime, why) &&
	    replay_run(&replay, &e->log, &e->runtime, why) &&
	    replay_check(&replay, s->quoted.rtmr, why) &&
	    evidence_check_quoted_report_data(e, s->report_data, why) &&
	    event_log_check_preimages(&e->log, arena, why) &&
	    event_log_acpi(acpi, &e->log, why);
}

static bool
inside(const uint8_t *p, struct bytes span)
{
	return span.len != 0 && p >= span.ptr && p < span.ptr + span.len;
}

/*
 * What these checks do not cover of a lite attestation, from its layout:
 *   quote          its signature does
 *   ACPI digests   the recomputed RTMR0 does, which they are part of
 *   config         the OS image check does
 */
static bool
covered_elsewhere(const struct sample *s, const uint8_t *p)
{
	for (size_t i = 0; i < s->evidence.log.n; i++)
		if (event_is_acpi(&s->evidence.log.event[i]) &&
		    inside(p, s->evidence.log.event[i].digest))
			return true;
	return inside(p, s->evidence.quote) || inside(p, s->evidence.config);
}

static void
test_lite_bits(void **state)
{
	AUTO(arena_free) struct arena *arena = arena_new(1u << 20);
	struct sample s;
	struct evidence out;
	struct reason why;
	uint8_t *byte;

	sample_load(&s, "dstack-verifier/tdx-lite-attestation.json");
	assert_non_null(arena);
	assert_true(cheap_checks(&s.evidence, &s, arena, &why));
	for (size_t bit = 0; bit < 8 * s.raw.len; bit++) {
		byte = (uint8_t *)(uintptr_t)s.raw.ptr + bit / 8;
		if (covered_elsewhere(&s, byte))
			continue;
		*byte ^= (uint8_t)(1u << bit % 8);
		arena_reset(arena);
		if (attestation_read(&out, arena, s.raw, &why) &&
		    cheap_checks(&out, &s, arena, &why))
			fail_msg("byte %zu, bit %zu", bit / 8, bit % 8);
		*byte ^= (uint8_t)(1u << bit % 8);
	}
}

/* ---- no memory ---- */

static bool
read_once(void *arg, struct reason *why)
{
	AUTO(arena_free) struct arena *arena = arena_new(16u << 20);
	const struct sample *s = arg;
	struct evidence out;

	if (arena == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	if (s->raw.len != 0)
		return attestation_read(&out, arena, s->raw, why);
	return attestation_from_quote(&out, arena, s->evidence.quote, s->report_data,
	    s->request.event_log.value, s->request.vm_config.value, why);
}

static void
test_no_memory(void **state)
{
	static const char *const files[] = {
		"dstack-verifier/tdx-lite-attestation.json",
		"dstack-verifier/quote-report.json",
		"attestations/tdx-lite-v1-attest.json",
	};
	struct sample s;

	for (size_t i = 0; i < NELEM(files); i++) {
		sample_load(&s, files[i]);
		assert_true(alloc_fail_each(read_once, &s) > 0);
	}
}

/* A small arena in the place of no memory: every size of it is refused, up to one that does. */
static void
test_small_arenas(void **state)
{
	struct arena *maker = sample_arena();
	struct evidence e = gcp_evidence(maker), out;
	struct bytes raw[] = { encode_v0(&e), encode_v1(&e, 0) };
	struct reason why;

	for (size_t i = 0; i < NELEM(raw); i++) {
		size_t max = 1;

		for (;; max += 8) {
			AUTO(arena_free) struct arena *arena = arena_new(max);

			assert_non_null(arena);
			if (attestation_read(&out, arena, raw[i], &why))
				break;
			assert_int_equal(why.kind, REASON_LIMIT);
		}
		assert_true(max > sizeof(struct event));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_byte),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_variant_names),
		cmocka_unit_test(test_from_quote),
		cmocka_unit_test(test_report_data),
		cmocka_unit_test(test_quoted_report_data),
		cmocka_unit_test(test_reencoded),
		cmocka_unit_test(test_gcp),
		cmocka_unit_test(test_nitro_tpm),
		cmocka_unit_test(test_prefixes_v0),
		cmocka_unit_test(test_prefixes_v1),
		cmocka_unit_test(test_prefixes_quote),
		cmocka_unit_test(test_trailing_texts),
		cmocka_unit_test(test_lite_bits),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_small_arenas),
	};

	return cmocka_run_group_tests_name("attestation", tests, NULL, NULL);
}
