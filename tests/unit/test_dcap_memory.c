/*
 * A context, its collateral and a quote's whole way, with each allocation failing in turn.
 */
#include "testing.h"

#include <stdlib.h>

#include "alloc_fail.h"
#include "dcap/dcap.h"
#include "../teesim/mock_collateral.h"

/* Made beforehand: the tests' own allocations are not what is tried. */
static struct bytes anchor, quote, object;
static struct dv_key key;
static struct dv_fact fact;

static int
setup(void **state)
{
	struct mock mock;

	mock_init(&mock);
	anchor = mock_anchor(&mock);
	quote = mock_quote(&mock);
	object = mock_object(&mock);
	key = mock_key(&mock, DV_FACT_PCK_CRL);
	fact = mock_fact(&mock, DV_FACT_PCK_CRL);
	return 0;
}

static bool
new_run(void *arg, struct reason *why)
{
	const struct dcap_config config = { .anchor = { NULL, 0 } };
	AUTO(dcap_free) struct dcap *dcap = NULL;

	return dcap_new(&dcap, &config, why);
}

static bool
verify_run(void *arg, struct reason *why)
{
	const struct dcap_config config = { .anchor = anchor };
	const struct dcap_request request = {
		.quote = quote, .offline = true, .now = MOCK_NOW,
	};
	AUTO(dcap_free) struct dcap *dcap = NULL;
	AUTO(arena_free) struct arena *arena = arena_new(1u << 20);
	struct dcap_result result;

	if (arena == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	return dcap_new(&dcap, &config, why) &&
	    dcap_pin(dcap, object, MOCK_NOW, why) &&
	    dcap_verify(&result, dcap, &request, arena, why) == DCAP_VERIFIED;
}

static bool
offer_run(void *arg, struct reason *why)
{
	const struct dcap_config config = { .anchor = anchor };
	AUTO(dcap_free) struct dcap *dcap = NULL;
	struct dv_dates dates;

	return dcap_new(&dcap, &config, why) &&
	    dcap_offer(dcap, &key, &fact, MOCK_NOW, &dates, why);
}

static void
test_new(void **state)
{
	assert_in_range(alloc_fail_each_any(new_run, NULL), 5, 1000);
}

static void
test_verify(void **state)
{
	assert_in_range(alloc_fail_each_any(verify_run, NULL), 20, 10000);
}

static void
test_offer(void **state)
{
	assert_in_range(alloc_fail_each_any(offer_run, NULL), 20, 10000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new),
		cmocka_unit_test(test_verify),
		cmocka_unit_test(test_offer),
	};

	return cmocka_run_group_tests_name("dcap_memory", tests, setup, NULL);
}
