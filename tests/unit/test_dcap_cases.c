/*
 * Every case of tests/vectors/cases.json at its time, under both TCB rules, from a fresh
 * context each and, shuffled, through one that lives through all of them.
 */
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/arena.h"
#include "core/hex.h"
#include "core/json.h"
#include "dcap/dcap.h"

#define ARENA_MAX_LEN   ((size_t)64 << 20)

/* What a refusal of each class reads like here; a refusal may begin with any of the texts. */
static const struct {
	const char *class;
	const char *texts[6];
} classes[] = {
	{ "attr: debug", { "Debug mode is enabled" } },
	{ "attr: SEPT_VE_DISABLE not set", { "SEPT_VE_DISABLE is not enabled" } },
	{ "attr: MR_SERVICETD not zero", { "Invalid MR service TD" } },
	{ "chain: certificate outside validity",
	    { "Failed to verify certificate chain: CertExpired",
	    "Failed to verify certificate chain: CertNotValidYet" } },
	{ "chain: revocation status unknown",
	    { "Failed to verify certificate chain: UnknownRevocationStatus" } },
	{ "chain: signature / untrusted root",
	    { "Failed to verify certificate chain: InvalidSignatureForPublicKey",
	    "Failed to verify certificate chain: UnknownIssuer",
	    "Failed to verify certificate chain: BadDer",   /* its PCK CA was damaged */
	    "Failed to extract PCK certificates from quote",
	    "Failed to parse PCK certificate" } },
	/* Type 1 is refused as such, type 3 asks for a certificate that there is none of. */
	{ "quote: certification data type",
	    { "Unsupported certification data type: 1",
	    "collateral unavailable: PCK certificate" } },
	{ "qe: wrong QE identity type",
	    { "Unsupported QE Identity id/version for the quote TEE type: " } },
	{ "signature: quote", { "ISV enclave report signature is invalid" } },
	{ "tcb: FMSPC mismatch", { "Fmspc mismatch" } },
	{ "tcb: no matching TCB level", { "No matching TCB level found" } },
	{ "time: tcb expired", { "TCBInfo expired" } },
	{ "time: tcb issued in the future", { "TCBInfo issue date is in the future" } },
};

/* Cases that break two checks, of which ours names the other. */
static const struct {
	const char *name, *text;
} both[] = {
	/* SGX collateral of a day on which the PCK certificate was not issued yet. */
	{ "tdx-v4-20a06f000000-trustcenter-05d6687d@tdx-20a06f000000-20250902-ev17#othertee",
	    "Failed to verify certificate chain: CertNotValidYet "
	    "{ time: UnixTime(1749947739), not_before: UnixTime(1753946919) }" },
	{ "tdx-v4-90c06f000000-teep-0441bfc6@tdx-90c06f000000-20260218-ev18#othertee",
	    "Failed to verify certificate chain: CertNotValidYet "
	    "{ time: UnixTime(1749947739), not_before: UnixTime(1768324755) }" },
	{ "tdx-v4-90c06f000000-teep-0441bfc6@tdx-90c06f000000-20260520-ev19#othertee",
	    "Failed to verify certificate chain: CertNotValidYet "
	    "{ time: UnixTime(1749947739), not_before: UnixTime(1768324755) }" },
	/* No level by upstream's rule; a service TD, which needs no collateral to be seen. */
	{ "tdx-v5-00806f050000-openenclave-67adfc4a@tdx-00806f050000-20260612-ev21",
	    "Invalid MR service TD" },
};

struct expectation {
	bool    valid;
	const char *status;
	const struct json *advisories;  /* array                                     */
	const char *class;
};

struct test_case {
	const char *name, *file, *collateral;
	int64_t now;
	const struct json *expect;      /* by upstream's rule                        */
	const struct json *expect_intel;        /* NULL: the same                    */
};

static struct arena *arena;
static struct test_case *cases;
static size_t ncases;

static const char *
text_of(const struct json *object, const char *key)
{
	struct reason why;
	const char *text;

	if (!json_has(object, key))
		return NULL;
	if (!json_text(&text, arena, object, key, 4096, &why))
		fail_msg("%s", why.text);
	return text;
}

static int
setup(void **state)
{
	const struct json_limits limits = { .text_len = 1u << 20, .depth = 16, .values = 100000 };
	struct bytes text = vector_read("cases.json");
	const struct json *root, *item;
	struct reason why;

	arena = arena_new(ARENA_MAX_LEN);
	assert_non_null(arena);
	if (!json_read(&root, arena, text, &limits, &why))
		fail_msg("%s", why.text);
	cases = calloc(json_count(root), sizeof *cases);
	assert_non_null(cases);
	for (item = json_first(root); item != NULL; item = json_next(item)) {
		struct test_case *c = &cases[ncases++];
		uint64_t now;

		if (!json_u64(&now, item, "now", INT64_MAX, &why))
			fail_msg("%s", why.text);
		*c = (struct test_case){
			.name = text_of(item, "name"),
			.file = text_of(item, "file"),
			.collateral = text_of(item, "collateral"),
			.now = (int64_t)now,
			.expect = json_find(item, "expect"),
			.expect_intel = json_find(item, "expect_intel"),
		};
	}
	return 0;
}

static int
teardown(void **state)
{
	free(cases);
	arena_free(arena);
	return 0;
}

static bool
begins(const char *text, const char *with)
{
	return with != NULL && strncmp(text, with, strlen(with)) == 0;
}

static void
refusal_compare(const struct test_case *c, const char *class, const char *text)
{
	for (size_t i = 0; i < NELEM(both); i++)
		if (strcmp(both[i].name, c->name) == 0) {
			assert_string_equal(text, both[i].text);
			return;
		}
	for (size_t i = 0; i < NELEM(classes); i++) {
		if (strcmp(classes[i].class, class) != 0)
			continue;
		for (size_t k = 0; k < NELEM(classes[i].texts); k++)
			if (begins(text, classes[i].texts[k]))
				return;
		break;
	}
	fail_msg("%s: refused for \"%s\", not for %s", c->name, text, class);
}

static void
advisories_compare(const struct test_case *c, const char *what, const struct json *want,
    const struct advisories *got)
{
	const struct json *item;
	size_t i = 0;

	if (json_count(want) != got->n)
		fail_msg("%s: %zu %s, not %zu", c->name, got->n, what, json_count(want));
	for (item = json_first(want); item != NULL; item = json_next(item), i++) {
		struct reason why;
		struct bytes id;

		assert_true(json_value_str(&id, arena, item, "id", 64, &why));
		if (!bytes_equal(id, got->ids[i]))
			fail_msg("%s: %s differ", c->name, what);
	}
}

static void
part_compare(const struct test_case *c, const char *what, const struct json *want,
    enum tcb_status status, const struct advisories *advisories)
{
	if (strcmp(text_of(want, "status"), tcb_status_name(status)) != 0)
		fail_msg("%s: %s is %s, not %s", c->name, what, tcb_status_name(status),
		    text_of(want, "status"));
	advisories_compare(c, what, json_find(want, "advisory_ids"), advisories);
}

static void
hex_compare(const struct test_case *c, const char *key, struct bytes got)
{
	const char *want = text_of(c->expect, key);
	char digits[2 * 64 + 1] = "";

	assert_true(got.len <= 64);
	hex_text(digits, got);
	if (want != NULL && strcmp(want, digits) != 0)
		fail_msg("%s: %s is %s, not %s", c->name, key, digits, want);
}

static void
platform_compare(const struct test_case *c, const struct dcap_result *result)
{
	struct reason why;
	uint64_t pce_svn;

	if (!json_has(c->expect, "pce_svn"))
		return;         /* refused by upstream's rule: nothing more is known */
	hex_compare(c, "fmspc", BYTES_OF(result->platform.fmspc));
	hex_compare(c, "ppid", BYTES_OF(result->platform.ppid));
	hex_compare(c, "cpu_svn_pck", BYTES_OF(result->platform.cpu_svn));
	assert_true(json_u64(&pce_svn, c->expect, "pce_svn", 65535, &why));
	assert_int_equal(pce_svn, result->platform.pce_svn);
}

static void
result_compare(const struct test_case *c, enum dv_tcb_rule rule,
    const struct dcap_result *result, const struct reason *why)
{
	const struct json *expect = c->expect;
	struct reason bad;
	bool valid;

	if (rule == DV_TCB_RULE_INTEL && c->expect_intel != NULL)
		expect = c->expect_intel;
	assert_true(json_bool(&valid, expect, "valid", &bad));
	if (valid != (result->outcome == DCAP_VERIFIED))
		fail_msg("%s: outcome %d \"%s\"", c->name, result->outcome, why->text);
	if (!valid) {
		refusal_compare(c, text_of(expect, "error_class"), why->text);
		return;
	}
	part_compare(c, "status", expect, result->tcb.status, &result->tcb.advisories);
	platform_compare(c, result);
	if (expect != c->expect || rule == DV_TCB_RULE_INTEL)
		return;
	part_compare(c, "platform_status", json_find(expect, "platform_status"),
	    result->tcb.platform_status, &result->tcb.platform_advisories);
	part_compare(c, "qe_status", json_find(expect, "qe_status"), result->tcb.qe.status,
	    &result->tcb.qe.advisories);
}

static void
pin(struct dcap *dcap, const struct test_case *c)
{
	struct reason why;

	if (!dcap_pin(dcap, vector_read(c->collateral), c->now, &why))
		fail_msg("%s: %s", c->name, why.text);
}

static struct dcap *
context_new(enum dv_tcb_rule rule)
{
	const struct dcap_config config = { .tcb_rule = rule };
	struct dcap *dcap;
	struct reason why;

	if (!dcap_new(&dcap, &config, &why))
		fail_msg("%s", why.text);
	return dcap;
}

static void
case_run(struct dcap *dcap, const struct test_case *c, enum dv_tcb_rule rule,
    struct arena *job, struct dcap_result *result, struct reason *why)
{
	const struct dcap_request request = {
		.quote = vector_read(c->file),
		.offline = true,
		.now = c->now,
	};

	(void)dcap_verify(result, dcap, &request, job, why);
	result_compare(c, rule, result, why);
}

static void
all_fresh(enum dv_tcb_rule rule)
{
	struct arena *job = arena_new(1u << 20);

	assert_true(ncases == 280);
	for (size_t i = 0; i < ncases; i++) {
		struct dcap *dcap = context_new(rule);
		struct dcap_result result;
		struct reason why;

		arena_reset(job);
		pin(dcap, &cases[i]);
		case_run(dcap, &cases[i], rule, job, &result, &why);
		dcap_free(dcap);
	}
	arena_free(job);
}

static void
test_fresh_upstream(void **state)
{
	all_fresh(DV_TCB_RULE_UPSTREAM);
}

static void
test_fresh_intel(void **state)
{
	all_fresh(DV_TCB_RULE_INTEL);
}

/* Everything of a result that an answer could show, but for the count of collateral changes. */
static void
result_equal(const char *name, const struct dcap_result *a, const struct reason *why_a,
    const struct dcap_result *b, const struct reason *why_b)
{
	if (a->outcome != b->outcome || strcmp(why_a->text, why_b->text) != 0 ||
	    why_a->kind != why_b->kind)
		fail_msg("%s: \"%s\" and \"%s\"", name, why_a->text, why_b->text);
	assert_memory_equal(&a->platform, &b->platform, sizeof a->platform);
	assert_int_equal(a->tcb.status, b->tcb.status);
	assert_int_equal(a->tcb.platform_status, b->tcb.platform_status);
	assert_int_equal(a->tcb.upstream_found, b->tcb.upstream_found);
	assert_int_equal(a->tcb.intel_found, b->tcb.intel_found);
	assert_int_equal(a->tcb.intel_status, b->tcb.intel_status);
	assert_int_equal(a->tcb.current_status, b->tcb.current_status);
	assert_int_equal(a->tcb.advisories.n, b->tcb.advisories.n);
	assert_int_equal(a->tcb.nshortfall, b->tcb.nshortfall);
	assert_memory_equal(a->tcb.shortfall, b->tcb.shortfall, sizeof a->tcb.shortfall);
	assert_memory_equal(&a->collateral.tcb, &b->collateral.tcb, sizeof a->collateral.tcb);
	assert_memory_equal(&a->collateral.pck_crl, &b->collateral.pck_crl,
	    sizeof a->collateral.pck_crl);
	assert_int_equal(a->nwarnings, b->nwarnings);
}

static uint32_t
random_next(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void
shuffle(size_t *order, size_t n, uint32_t seed)
{
	for (size_t i = 0; i < n; i++)
		order[i] = i;
	for (size_t i = n; i > 1; i--) {
		size_t k = random_next(&seed) % i, at = order[i - 1];

		order[i - 1] = order[k];
		order[k] = at;
	}
}

static void
all_shuffled(enum dv_tcb_rule rule, uint32_t seed)
{
	struct arena *job = arena_new(4u << 20);
	struct dcap *old = context_new(rule);
	size_t order[512];
	const char *pinned = "";

	assert_true(ncases <= NELEM(order));
	shuffle(order, ncases, seed);
	for (size_t i = 0; i < 2 * ncases; i++) {
		const struct test_case *c = &cases[order[i % ncases]];
		struct dcap *fresh = context_new(rule);
		struct dcap_result a, b;
		struct reason why_a, why_b;

		arena_reset(job);
		if (strcmp(pinned, c->collateral) != 0) {
			dcap_unpin(old);
			pin(old, c);
			pinned = c->collateral;
		}
		pin(fresh, c);
		case_run(old, c, rule, job, &a, &why_a);
		case_run(fresh, c, rule, job, &b, &why_b);
		result_equal(c->name, &a, &why_a, &b, &why_b);
		dcap_free(fresh);
	}
	dcap_free(old);
	arena_free(job);
}

static void
test_shuffled(void **state)
{
	all_shuffled(DV_TCB_RULE_UPSTREAM, 1);
	all_shuffled(DV_TCB_RULE_INTEL, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fresh_upstream),
		cmocka_unit_test(test_fresh_intel),
		cmocka_unit_test(test_shuffled),
	};

	return cmocka_run_group_tests_name("dcap_cases", tests, setup, teardown);
}
