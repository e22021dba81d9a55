/*
 * One real attestation cut short at every length, and with every single bit of it turned: the
 * whole of dv_verify() and dv_quote() on it.
 */
#include "testing.h"

#include <stdlib.h>

#include "../support/sample.h"
#include "core/hex.h"
#include "dstack-verifier/verify.h"

#define NOW             INT64_C(1780536131)
#define COLLATERAL      "collateral/tdx-90c06f000000-20260520-ev19.json"
#define EVIDENCE        "dstack-verifier/tdx-lite-attestation.json"
#define HEAD            "{\"attestation\":\""
#define TAIL            "\"}"

static struct dv_context *context;
static struct sample sample;
static uint8_t *raw;                    /* a copy of the attestation to spoil           */
static char *body;                      /* the request around it                        */

static int
setup(void **state)
{
	struct dv_options options = { .pinned_at = true, .at = NOW };
	struct bytes json = vector_read(COLLATERAL);
	char error[512];

	sample_load(&sample, EVIDENCE);
	dv_policy_init(&options.policy, DV_PROFILE_DROP_IN);
	context = dv_context_new(&options, error, sizeof error);
	raw = malloc(sample.raw.len);
	body = malloc(sizeof HEAD + 2 * sample.raw.len + sizeof TAIL);
	if (context == NULL || raw == NULL || body == NULL)
		return 1;
	bytes_copy(raw, sample.raw);
	return !dv_collateral_add(context, (struct dv_span){ json.ptr, json.len }, NOW, error,
	    sizeof error);
}

static int
teardown(void **state)
{
	dv_context_free(context);
	free(raw);
	free(body);
	return 0;
}

static bool
ask(struct dv_answer *answer, size_t len)
{
	struct dv_request request = { .body = { (const uint8_t *)body, 0 }, .now = NOW };
	size_t at = strlen(HEAD);

	memcpy(body, HEAD, at);
	hex_text(body + at, (struct bytes){ raw, len });
	memcpy(body + at + 2 * len, TAIL, sizeof TAIL);
	request.body.len = strlen(body);
	assert_true(dv_verify(context, answer, &request));
	if (answer->nneeds == 0)
		assert_true(answer->valid == (answer->reason == NULL));
	else    /* without the word "lite" it is evidence of another form */
		assert_int_equal(answer->needs[0].type, DV_FACT_IMAGE);
	return answer->valid;
}

/* Where a text begins in what is sent; behind `from`. */
static const uint8_t *
text_find(struct bytes in, size_t from, const char *text)
{
	const uint8_t *at = memmem(in.ptr + from, in.len - from, text, strlen(text));

	if (at == NULL)
		fail_msg("no %s", text);
	return at;
}

/*
 * Of the quote no signature covers, and nothing depends on: what is behind the auth data, the
 * end of the line before a PEM block, and the third block, a copy of the root.
 */
static bool
quote_ignored(const uint8_t *p)
{
	struct bytes q = sample.evidence.quote;
	const uint8_t *first = text_find(q, 0, "-----BEGIN");
	const uint8_t *second = text_find(q, (size_t)(first + 1 - q.ptr), "-----BEGIN");
	const uint8_t *third = text_find(q, (size_t)(second + 1 - q.ptr), "-----BEGIN");

	return p == second - 1 || p == third - 1 || (p >= third && p < q.ptr + q.len);
}

/*
 * Of the configuration nothing depends on: the names of members that say what is said without
 * them, so that another name is as good; names and values that are not read, or not measured;
 * what of QEMU's version is behind the major number; and the case of hex digits.
 */
static bool
config_ignored(const uint8_t *p, unsigned bit)
{
	static const char *const names[] = {
		"pci_hole64_size", "hugepages", "num_gpus", "num_nvswitches", "hotplug_off",
		"image\"", "host_share_mode", "ovmf_variant", "spec_version",
	};
	static const struct {
		const char *before;
		size_t  len;
	} values[] = {
		{ "\"image\":\"", strlen("dstack-0.6.0") }, { "\"spec_version\":", 1 },
		{ "\"qemu_version\":\"8.", strlen("2.2") },
	};
	struct bytes config = sample.evidence.config;
	const uint8_t *hash = text_find(config, 0, "\"os_image_hash\":\"") + 17;

	for (size_t i = 0; i < NELEM(names); i++) {
		const uint8_t *at = text_find(config, 0, names[i]);

		if (p >= at && p < at + strcspn((const char *)at, "\""))
			return true;
	}
	for (size_t i = 0; i < NELEM(values); i++) {
		const uint8_t *at = text_find(config, 0, values[i].before) +
		    strlen(values[i].before);

		if (p >= at && p < at + values[i].len)
			return true;
	}
	return bit == 5 && p >= hash && p < hash + 64 && *p >= 'a';
}

/* All bits; of the certificates, which have a test of their own, one of each byte. */
static bool
bit_asked(const uint8_t *p, unsigned bit)
{
	struct bytes q = sample.evidence.quote;
	const uint8_t *certs = text_find(q, 0, "-----BEGIN");

	return p < certs || p >= q.ptr + q.len || bit == (unsigned)(p - certs) % 8;
}

static void
test_bits(void **state)
{
	struct dv_answer answer;
	size_t n = 0;

	assert_true(ask(&answer, sample.raw.len));
	for (size_t at = 0; at < sample.raw.len; at++) {
		const uint8_t *p = sample.raw.ptr + at;

		for (unsigned bit = 0; bit < 8; bit++) {
			if (quote_ignored(p) || config_ignored(p, bit) || !bit_asked(p, bit))
				continue;
			raw[at] ^= (uint8_t)(1u << bit);
			if (ask(&answer, sample.raw.len))
				fail_msg("bit %u of byte %zu does not matter", bit, at);
			raw[at] ^= (uint8_t)(1u << bit);
			n++;
		}
	}
	assert_in_range(n, 25000, 100000);
	assert_true(ask(&answer, sample.raw.len));
}

static void
test_prefixes(void **state)
{
	struct dv_answer answer;

	for (size_t len = 0; len < sample.raw.len; len++)
		if (ask(&answer, len) || answer.nneeds != 0)
			fail_msg("%zu of %zu bytes", len, sample.raw.len);
}

/* The quote alone: whole with its auth data, and refused when one byte of that is missing. */
static void
test_quote_prefixes(void **state)
{
	struct bytes q = sample.evidence.quote;
	size_t auth = 636 + (size_t)(q.ptr[632] | q.ptr[633] << 8);
	struct dv_answer answer;

	for (size_t len = 0; len <= q.len; len++) {
		/* A copy of this size, so that reading past it shows. */
		uint8_t *copy = malloc(len + 1);
		const struct dv_request request = { .body = { copy + 1, len }, .now = NOW };

		assert_non_null(copy);
		bytes_copy(copy + 1, (struct bytes){ q.ptr, len });
		assert_true(dv_quote(context, &answer, &request));
		if (answer.nneeds != 0 || answer.valid != (len >= auth))
			fail_msg("%zu of %zu bytes: %s", len, q.len, answer.reason);
		free(copy);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bits),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_quote_prefixes),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
