#include "mock_context.h"

#define ARENA_MAX_LEN   ((size_t)4 << 20)

const enum dv_fact_type context_kinds[CONTEXT_KINDS] = {
	DV_FACT_TCB_INFO, DV_FACT_QE_IDENTITY, DV_FACT_PCK_CRL, DV_FACT_ROOT_CA_CRL,
};

struct mock mock;
struct dcap *dcap;
struct dcap_config config;
struct dcap_result result;
struct reason why;
struct arena *arena;

void
context_renew(void)
{
	dcap_free(dcap);
	config.anchor = mock_anchor(&mock);
	if (!dcap_new(&dcap, &config, &why))
		fail_msg("%s", why.text);
}

int
context_setup(void **state)
{
	arena = arena_new(ARENA_MAX_LEN);
	config = (struct dcap_config){ .tcb_rule = DV_TCB_RULE_UPSTREAM };
	mock_init(&mock);
	context_renew();
	return arena == NULL;
}

int
context_teardown(void **state)
{
	dcap_free(dcap);
	dcap = NULL;
	arena_free(arena);
	return 0;
}

bool
context_offer(enum dv_fact_type type, int64_t now)
{
	const struct dv_key key = mock_key(&mock, type);
	const struct dv_fact fact = mock_fact(&mock, type);
	struct dv_dates dates;

	return dcap_offer(dcap, &key, &fact, now, &dates, &why);
}

void
context_offer_all(int64_t now)
{
	for (size_t i = 0; i < CONTEXT_KINDS; i++)
		if (!context_offer(context_kinds[i], now))
			fail_msg("%s", why.text);
}

/* Asks once, and gives the operations it took. */
uint64_t
context_ask(int64_t now, bool offline)
{
	const struct dcap_request request = {
		.quote = mock_quote(&mock), .now = now, .offline = offline,
	};
	uint64_t before = dcap_operations(dcap);

	arena_reset(arena);
	(void)dcap_verify(&result, dcap, &request, arena, &why);
	return dcap_operations(dcap) - before;
}

void
expect_valid(int64_t now)
{
	(void)context_ask(now, true);
	if (result.outcome != DCAP_VERIFIED)
		fail_msg("outcome %d \"%s\"", result.outcome, why.text);
}

void
expect_refused(int64_t now, const char *text, enum reason_kind kind)
{
	(void)context_ask(now, true);
	if (result.outcome != DCAP_REFUSED || strcmp(why.text, text) != 0 || why.kind != kind)
		fail_msg("outcome %d \"%s\" (%s), not \"%s\"", result.outcome, why.text,
		    reason_kind_name(why.kind), text);
	assert_int_equal(result.nneeds, 0);
}

void
context_warm(void)
{
	context_offer_all(MOCK_NOW);
	expect_valid(MOCK_NOW);
}
