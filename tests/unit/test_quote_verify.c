#include "testing.h"

#include <stdlib.h>

#include "../teesim/pki.h"
#include "dcap/pck_chain.h"
#include "dcap/quote_verify.h"

#define QE_SIGNATURE    "Signature is invalid for qe_report in quote"
#define QE_HASH         "QE report hash mismatch"
#define QUOTE_SIGNATURE "ISV enclave report signature is invalid"
#define NOW             INT64_C(1750400000)

static void
key_make(struct p256_key *key, unsigned n)
{
	uint8_t point[PKI_POINT_LEN];
	struct reason why;

	pki_point(point, n);
	assert_true(p256_key_init(key, BYTES_OF(point), &why));
}

/* The three proofs in their order; *nops is added to. */
static bool
proofs_verify(const struct quote *quote, const struct p256_key *pck, unsigned long *nops,
    struct reason *why)
{
	struct memo_key key;
	bool hit;

	return qe_report_verify(&key, &hit, quote, pck, NULL, nops, why) &&
	    qe_binding_check(quote, why) &&
	    quote_verify(quote, nops, why);
}

static void
expect_quote(const char *name, struct bytes raw, const char *wanted)
{
	struct p256_key pck;
	struct quote quote;
	struct reason why;
	unsigned long nops = 0;

	key_make(&pck, PKI_PCK);
	assert_true(quote_read(&quote, raw, &why));
	expect_reason(name, proofs_verify(&quote, &pck, &nops, &why), &why, wanted);
	p256_key_fini(&pck);
}

/* Offsets are those of a version 4 quote. */
static void
test_bytes(void **state)
{
	static const struct {
		const char *name;
		size_t  at;
		const char *why;
	} cases[] = {
		{ "header", 8, QUOTE_SIGNATURE },
		{ "report_data", 48 + 520, QUOTE_SIGNATURE },
		{ "last signed byte", 631, QUOTE_SIGNATURE },
		{ "quote signature, r", 636, QUOTE_SIGNATURE },
		{ "quote signature, s", 699, QUOTE_SIGNATURE },
		{ "attestation key, X", 700, QE_HASH },
		{ "attestation key, Y", 763, QE_HASH },
		{ "QE report, first byte", 770, QE_SIGNATURE },
		{ "QE report, last byte", 1153, QE_SIGNATURE },
		{ "QE signature, r", 1154, QE_SIGNATURE },
		{ "QE signature, s", 1217, QE_SIGNATURE },
		{ "QE auth data, first byte", 1220, QE_HASH },
		{ "QE auth data, last byte", 1251, QE_HASH },
	};
	struct pki_quote spec;
	struct bytes raw;
	uint8_t *copy;
	size_t i;

	pki_quote_init(&spec, bytes_str("PEM"));
	raw = pki_quote(&spec);
	expect_quote("good", raw, NULL);
	for (i = 0; i < NELEM(cases); i++) {
		copy = malloc(raw.len);
		assert_non_null(copy);
		bytes_copy(copy, raw);
		copy[cases[i].at] ^= 0x10;
		expect_quote(cases[i].name, (struct bytes){ copy, raw.len }, cases[i].why);
		free(copy);
	}
}

static void
test_binding(void **state)
{
	static const uint8_t off_curve[64] = { 1 };
	static const char *const auth[] = {
		"", "00000000000000000000000000000000000000000000000000000000000000",
		"000000000000000000000000000000000000000000000000000000000000000000",
	};
	struct pki_quote spec;
	size_t i;

	for (i = 0; i < NELEM(auth); i++) {
		pki_quote_init(&spec, bytes_str("PEM"));
		spec.qe_auth = pki_hex(auth[i]);
		expect_quote("auth length", pki_quote(&spec), "Invalid QE auth data length");
	}
	pki_quote_init(&spec, bytes_str("PEM"));
	spec.qe_report[352] = 1;
	expect_quote("tail, first byte", pki_quote(&spec), "QE report data tail is not zero");
	pki_quote_init(&spec, bytes_str("PEM"));
	spec.qe_report[383] = 1;
	expect_quote("tail, last byte", pki_quote(&spec), "QE report data tail is not zero");
	pki_quote_init(&spec, bytes_str("PEM"));
	spec.keep_report_data = true;
	expect_quote("no hash", pki_quote(&spec), QE_HASH);
	pki_quote_init(&spec, bytes_str("PEM"));
	spec.pck_key = 9;
	expect_quote("another PCK", pki_quote(&spec), QE_SIGNATURE);
	pki_quote_init(&spec, bytes_str("PEM"));
	spec.attestation_point = off_curve;
	expect_quote("key off the curve", pki_quote(&spec), QUOTE_SIGNATURE);
}

/* A known QE report is known under the key that signed it, and under no other. */
static void
test_memo(void **state)
{
	AUTO(signature_memo_free) struct signature_memo *memo = signature_memo_new(16);
	uint8_t ppid[MEMO_PPID_LEN] = { 1 };
	struct p256_key pck, other;
	struct pki_quote spec;
	struct quote quote;
	struct memo_key key;
	struct reason why;
	unsigned long nops = 0;
	bool hit;

	key_make(&pck, PKI_PCK);
	key_make(&other, 9);
	pki_quote_init(&spec, bytes_str("PEM"));
	assert_true(quote_read(&quote, pki_quote(&spec), &why));
	assert_true(qe_report_verify(&key, &hit, &quote, &pck, memo, &nops, &why));
	assert_false(hit);
	assert_int_equal(signature_memo_count(memo), 0);        /* the caller adds it */
	assert_true(qe_report_verify(&key, &hit, &quote, &pck, memo, &nops, &why));
	assert_false(hit);
	assert_int_equal(nops, 2);
	signature_memo_add(memo, &key, ppid);
	assert_true(qe_report_verify(&key, &hit, &quote, &pck, memo, &nops, &why));
	assert_true(hit);
	assert_int_equal(nops, 2);
	expect_reason("beside another chain",
	    qe_report_verify(&key, &hit, &quote, &other, memo, &nops, &why), &why, QE_SIGNATURE);
	assert_false(hit);
	assert_int_equal(nops, 3);
	p256_key_fini(&pck);
	p256_key_fini(&other);
}

/* A quote whose auth data was not looked into verifies as nothing. */
static void
test_empty(void **state)
{
	struct p256_key pck;
	struct pki_quote spec;
	struct quote quote;
	struct reason why;
	struct memo_key key;
	unsigned long nops = 0;
	bool hit;

	key_make(&pck, PKI_PCK);
	pki_quote_init(&spec, bytes_str("PEM"));
	spec.key_type = 3;
	assert_true(quote_read(&quote, pki_quote(&spec), &why));
	expect_reason("QE", qe_report_verify(&key, &hit, &quote, &pck, NULL, &nops, &why), &why,
	    QE_SIGNATURE);
	expect_reason("binding", qe_binding_check(&quote, &why), &why,
	    "Invalid QE auth data length");
	expect_reason("quote", quote_verify(&quote, &nops, &why), &why, QUOTE_SIGNATURE);
	p256_key_fini(&pck);
}

/*
 * Every bit of a genuine quote.  No signature covers, and nothing depends on:
 *   - bytes behind the auth data;
 *   - the text between the PEM blocks and behind the last;
 *   - of the third block, the copy of the root, all but its name and key.
 * The last is asked for its name and key only when it parses, so it is left out as a whole.
 */
static bool
is_ignored(const struct quote *q, size_t at)
{
	static const char begin[] = "-----BEGIN";
	const uint8_t *base = q->raw.ptr, *cert = q->cert_data.ptr, *p = base + at, *second, *third;
	size_t len = q->cert_data.len;

	if (at >= q->raw.len - q->trailing_len)
		return true;
	if (p < cert || p >= cert + len)
		return false;
	second = (const uint8_t *)memmem(cert + 1, len - 1, begin, strlen(begin));
	third = (const uint8_t *)memmem(second + 1, len - (size_t)(second + 1 - cert), begin,
	    strlen(begin));
	if (p == second - 1 || p == third - 1)  /* the line ends before them */
		return true;
	return p >= third;
}

static bool
all_verify(struct chain_tools *tools, struct bytes raw, struct reason *why)
{
	AUTO(pck_chain_free) struct pck_chain *chain = NULL;
	struct quote quote;

	arena_reset(tools->arena);
	return quote_read(&quote, raw, why) &&
	    quote_check(&quote, why) &&
	    pck_chain_verify(&chain, tools, quote.cert_data, NOW, why) &&
	    proofs_verify(&quote, &chain->leaf.key, tools->nops, why);
}

static void
test_every_bit(void **state)
{
	AUTO(signature_memo_free) struct signature_memo *signatures = signature_memo_new(1000);
	AUTO(pck_chain_memo_free) struct pck_chain_memo *chains = pck_chain_memo_new(10);
	AUTO(arena_free) struct arena *arena = arena_new(1u << 20);
	struct reason why;
	AUTO(anchor_free) struct anchor *anchor = anchor_intel_new(&why);
	unsigned long nops = 0;
	struct chain_tools tools = { anchor, signatures, chains, arena, &nops };
	struct bytes genuine = vector_read("quotes/tdx/tdx-v4-b0c06f000000-dcapqvl-f1c85033.bin");
	uint8_t *raw = malloc(genuine.len);
	struct bytes changed = { raw, genuine.len };
	struct quote quote;
	size_t at, nbits = 0;
	unsigned bit;

	assert_non_null(raw);
	bytes_copy(raw, genuine);
	assert_true(quote_read(&quote, genuine, &why));
	expect_reason("genuine", all_verify(&tools, changed, &why), &why, NULL);
	for (at = 0; at < genuine.len; at++) {
		if (is_ignored(&quote, at))
			continue;
		for (bit = 0; bit < 8; bit++) {
			raw[at] ^= (uint8_t)(1u << bit);
			if (all_verify(&tools, changed, &why))
				fail_msg("bit %u of byte %zu does not matter", bit, at);
			raw[at] ^= (uint8_t)(1u << bit);
			nbits++;
		}
	}
	assert_true(nbits > 8 * 3500);
	free(raw);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_binding),
		cmocka_unit_test(test_memo),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_every_bit),
	};

	return cmocka_run_group_tests_name("quote_verify", tests, NULL, NULL);
}
