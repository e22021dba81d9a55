/*
 * store.h - accepted items of collateral, kept over restarts
 *
 * What is read back is believed no more than what a server sends: a worker judges it.
 *
 * A pinned time has items of its own, so that judging recorded evidence neither finds nor
 * displaces what the service uses.
 */
#ifndef FETCH_STORE_H
#define FETCH_STORE_H

#include "dstack-verifier/facts.h"
#include "fetch/database.h"

#define STORE_MAX_ITEMS         4096    /* beyond it the ones fetched longest ago go   */

struct store;

struct store_item {
	struct bytes body, chain;       /* freed with the item                         */
	int64_t fetched_at;             /* of the last successful fetch                */
	struct dv_dates dates;
};

void    store_item_free(struct store_item *item);
AUTO_DEFINE(struct store_item, store_item_free)

/* Opens the database, too; fails as database_open(). */
bool    store_open(struct store **out, const char *cache_dir, bool pinned, bool *rebuilt,
    struct reason *why) MUST_CHECK;
void    store_close(struct store *store);
AUTO_DEFINE(struct store, store_close)

/* For what else is kept there; the store's. */
struct database *store_database(const struct store *store);

/* NULL when there is none; also, with a reason (else REASON_NONE), when it cannot be read. */
struct store_item *store_find(struct store *store, const char *name, struct reason *why) MUST_CHECK;

/* Puts an item in the place of that name.  INTERNAL: the file cannot be written. */
bool    store_put(struct store *store, const char *name, const struct store_item *item,
    struct reason *why) MUST_CHECK;

/* The same bytes were fetched again. */
bool    store_touch(struct store *store, const char *name, int64_t fetched_at,
    struct reason *why) MUST_CHECK;

#endif
