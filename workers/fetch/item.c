#include "fetch/item.h"

#define CRL_SKEW_S      300     /* a CRL may be that much ahead of our clock            */
#define CLOCK_SKEW_S    60      /* a fetch may seem to lie that much in the future      */
#define DEFAULT_AGE_S   86400   /* when no age was set, for refreshing only             */
#define REFRESH_MIN_S   60      /* between two refreshes of an item near its end        */

static bool
is_crl(const struct dv_key *key)
{
	return key->type == DV_FACT_PCK_CRL || key->type == DV_FACT_ROOT_CA_CRL;
}

static int64_t
max_age(const struct fetcher_config *config, const struct dv_key *key)
{
	/* A PCK certificate never changes, and Intel counts the requests for them. */
	return key->type == DV_FACT_ROOT_CA_CRL || key->type == DV_FACT_PCK_CERTIFICATE ?
	    config->root_crl_max_cache_age_secs : config->collateral_max_cache_age_secs;
}

bool
item_current(const struct fetcher_config *config, const struct dv_key *key,
    const struct dv_dates *dates, int64_t now)
{
	int64_t at = config->pinned_at ? config->at : now;

	if (is_crl(key))
		return dates->issued <= at + CRL_SKEW_S && at < dates->next_update;
	return dates->issued <= at && at <= dates->next_update;
}

/* The age past which nothing serves: never less than what is fresh.  0: there is none. */
static int64_t
stale_age(const struct fetcher_config *config, const struct dv_key *key)
{
	int64_t age = max_age(config, key);

	return config->serve_stale_max_secs > age ? config->serve_stale_max_secs : age;
}

/* A limit of 0 is none; a fetch in the future has an age that nobody knows. */
static bool
age_check(const struct store_item *item, int64_t limit, int64_t now)
{
	return item->fetched_at <= now + CLOCK_SKEW_S &&
	    (limit == 0 || now - item->fetched_at <= limit);
}

bool
item_servable(const struct fetcher_config *config, const struct dv_key *key,
    const struct store_item *item, int64_t now)
{
	return item_current(config, key, &item->dates, now) &&
	    age_check(item, stale_age(config, key), now);
}

bool
item_fresh(const struct fetcher_config *config, const struct dv_key *key,
    const struct store_item *item, int64_t now)
{
	return item_servable(config, key, item, now) &&
	    age_check(item, max_age(config, key), now);
}

bool
item_older(const struct dv_dates *next, const struct dv_dates *stored, int64_t now)
{
	if (next->issued < stored->issued)
		return true;
	/* A number that is not known is 0; one whose item has ended does not count. */
	return next->number != 0 && next->number < stored->number && now <= stored->next_update;
}

int64_t
item_refresh_at(const struct fetcher_config *config, const struct dv_key *key,
    const struct store_item *item)
{
	int64_t age = max_age(config, key);
	int64_t soonest, window;

	if (age == 0)
		age = stale_age(config, key);
	if (age == 0)
		age = DEFAULT_AGE_S;
	/* By a pinned time a window never runs out. */
	window = config->pinned_at ? INT64_MAX : item->dates.issued +
	    (item->dates.next_update - item->dates.issued) / 4 * 3;
	if (item->fetched_at + age / 4 * 3 < window)
		return item->fetched_at + age / 4 * 3;
	/* Servers repeat a document until its end: at most four times in a maximum age. */
	soonest = item->fetched_at + (age / 4 > REFRESH_MIN_S ? age / 4 : REFRESH_MIN_S);
	return window > soonest ? window : soonest;
}
