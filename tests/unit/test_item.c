/*
 * test_item.c - which stored item may serve
 */
#include "testing.h"

#include "fetch/item.h"

#define DAY     INT64_C(86400)
#define START   INT64_C(1800000000)

static const struct dv_key qe = { .type = DV_FACT_QE_IDENTITY, .tee = DV_TEE_TDX };
static const struct dv_key crl = { .type = DV_FACT_PCK_CRL, .ca = DV_PCK_CA_PLATFORM };
static const struct dv_key root = { .type = DV_FACT_ROOT_CA_CRL };
static const struct dv_key pck = { .type = DV_FACT_PCK_CERTIFICATE };

static const struct fetcher_config usual = {
	.collateral_max_cache_age_secs = 3600,
	.root_crl_max_cache_age_secs = DAY,
	.serve_stale_max_secs = 3 * DAY,
};
static const struct fetcher_config no_stale = {
	.collateral_max_cache_age_secs = 3600,
	.root_crl_max_cache_age_secs = DAY,
};
static const struct fetcher_config no_age = { .serve_stale_max_secs = 3 * DAY };
static const struct fetcher_config no_limit = { .serve_stale_max_secs = 0 };
static const struct fetcher_config pinned = {
	.collateral_max_cache_age_secs = 3600,
	.root_crl_max_cache_age_secs = DAY,
	.serve_stale_max_secs = 3 * DAY,
	.pinned_at = true,
	.at = START + DAY,
};

/* An item issued at START, for 30 days, fetched at START + fetched, looked at after `now`. */
static const struct {
	const char *name;
	const struct fetcher_config *config;
	const struct dv_key *key;
	int64_t fetched, now;
	bool    current, servable, fresh;
} cases[] = {
	{ "young", &usual, &qe, DAY, DAY, true, true, true },
	{ "at its age", &usual, &qe, DAY, DAY + 3600, true, true, true },
	{ "past its age", &usual, &qe, DAY, DAY + 3601, true, true, false },
	{ "at the stale limit", &usual, &qe, DAY, 4 * DAY, true, true, false },
	{ "past the stale limit", &usual, &qe, DAY, 4 * DAY + 1, true, false, false },
	{ "root, young", &usual, &root, DAY, 2 * DAY, true, true, true },
	{ "root, past its age", &usual, &root, DAY, 2 * DAY + 1, true, true, false },
	{ "root, past the stale limit", &usual, &root, DAY, 4 * DAY + 1, true, false, false },
	{ "PCK certificate", &usual, &pck, DAY, 2 * DAY, true, true, true },
	{ "no staleness", &no_stale, &qe, DAY, DAY + 3601, true, false, false },
	{ "no staleness, young", &no_stale, &qe, DAY, DAY + 3600, true, true, true },
	{ "no age", &no_age, &qe, DAY, 4 * DAY, true, true, true },
	{ "no age, past the stale limit", &no_age, &qe, DAY, 4 * DAY + 1, true, false, false },
	{ "no limit", &no_limit, &qe, DAY, 29 * DAY, true, true, true },
	{ "no limit, ended", &no_limit, &qe, DAY, 30 * DAY + 1, false, false, false },
	{ "last second", &usual, &qe, 30 * DAY, 30 * DAY, true, true, true },
	{ "ended", &usual, &qe, 30 * DAY, 30 * DAY + 1, false, false, false },
	{ "CRL, last second", &usual, &crl, 30 * DAY, 30 * DAY - 1, true, true, true },
	{ "CRL, ended", &usual, &crl, 30 * DAY, 30 * DAY, false, false, false },
	{ "root, ended", &usual, &root, 30 * DAY, 30 * DAY, false, false, false },
	{ "first second", &usual, &qe, 0, 0, true, true, true },
	{ "not yet", &usual, &qe, -1, -1, false, false, false },
	{ "CRL, skew", &usual, &crl, -300, -300, true, true, true },
	{ "CRL, not yet", &usual, &crl, -301, -301, false, false, false },
	{ "fetched a little ahead", &usual, &qe, DAY + 60, DAY, true, true, true },
	{ "fetched in the future", &usual, &qe, DAY + 61, DAY, true, false, false },
	{ "pinned, after the end", &pinned, &qe, 99 * DAY, 99 * DAY, true, true, true },
	{ "pinned, past its age", &pinned, &qe, 99 * DAY, 99 * DAY + 3601, true, true, false },
};

static struct store_item
item_of(int64_t fetched)
{
	return (struct store_item){ .fetched_at = START + fetched,
	    .dates = { START, START + 30 * DAY, 1 } };
}

static void
test_serving(void **state)
{
	for (size_t i = 0; i < NELEM(cases); i++) {
		const struct store_item item = item_of(cases[i].fetched);
		int64_t now = START + cases[i].now;
		bool current = item_current(cases[i].config, cases[i].key, &item.dates, now);
		bool servable = item_servable(cases[i].config, cases[i].key, &item, now);
		bool fresh = item_fresh(cases[i].config, cases[i].key, &item, now);

		if (current != cases[i].current || servable != cases[i].servable ||
		    fresh != cases[i].fresh)
			fail_msg("%s: current %d, servable %d, fresh %d", cases[i].name, current,
			    servable, fresh);
	}
}

/* After an item of START with number 20. */
static const struct {
	const char *name;
	int64_t issued;
	uint64_t number;
	int64_t now;
	bool    older;
} replays[] = {
	{ "the same", 0, 20, 0, false },
	{ "newer", 1, 21, 0, false },
	{ "older", -1, 20, 0, true },
	{ "older, greater number", -1, 21, 0, true },
	{ "smaller number", 1, 19, 1, true },
	{ "smaller number on the last day", 1, 19, 30 * DAY, true },
	{ "smaller number, the other has ended", 1, 19, 30 * DAY + 1, false },
	{ "older, the other has ended", -1, 19, 30 * DAY + 1, true },
	{ "unknown number", 1, 0, 1, false },
};

static void
test_replays(void **state)
{
	const struct dv_dates stored = { START, START + 30 * DAY, 20 };

	for (size_t i = 0; i < NELEM(replays); i++) {
		const struct dv_dates next = { START + replays[i].issued, START + 60 * DAY,
		    replays[i].number };

		if (item_older(&next, &stored, START + replays[i].now) != replays[i].older)
			fail_msg("%s", replays[i].name);
	}
}

static const struct {
	const char *name;
	const struct fetcher_config *config;
	const struct dv_key *key;
	int64_t fetched, due;
} refreshes[] = {
	{ "three quarters of its age", &usual, &qe, DAY, DAY + 2700 },
	{ "root", &usual, &root, DAY, DAY + DAY / 4 * 3 },
	{ "three quarters of its window first", &usual, &root, 22 * DAY, 22 * DAY + DAY / 2 },
	{ "in the last quarter: at most four times", &usual, &qe, 25 * DAY, 25 * DAY + 900 },
	{ "no age: the stale limit's", &no_age, &qe, DAY, DAY + 3 * DAY / 4 * 3 },
	{ "no limit", &no_limit, &qe, DAY, DAY + DAY / 4 * 3 },
	{ "pinned", &pinned, &qe, 25 * DAY, 25 * DAY + 2700 },
};

static void
test_refreshes(void **state)
{
	for (size_t i = 0; i < NELEM(refreshes); i++) {
		const struct store_item item = item_of(refreshes[i].fetched);
		int64_t due = item_refresh_at(refreshes[i].config, refreshes[i].key, &item);

		if (due != START + refreshes[i].due)
			fail_msg("%s: %lld", refreshes[i].name, (long long)(due - START));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_serving),
		cmocka_unit_test(test_replays),
		cmocka_unit_test(test_refreshes),
	};

	return cmocka_run_group_tests_name("item", tests, NULL, NULL);
}
