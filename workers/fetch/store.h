/*
 * store.h - accepted items, kept over restarts
 *
 * One SQLite file under CACHE_DIR/v1/, in WAL mode, which several processes may use at once: a
 * server and one-shot commands.  Every change is one short transaction, so a process that is
 * killed loses at most its last one.  What is read back is believed no more than what a server
 * sends: a worker judges it.
 *
 * A pinned time has items of its own, so that judging recorded evidence neither finds nor
 * displaces what the service uses.
 */
#ifndef FETCH_STORE_H
#define FETCH_STORE_H

#include "core/bytes.h"
#include "core/reason.h"
#include "dstack-verifier/facts.h"

#define STORE_DIRECTORY         "v1"
#define STORE_FILE              "collateral.db"
#define STORE_DAMAGED           "collateral.db.damaged"
#define STORE_MAX_ITEMS         4096    /* beyond it the ones fetched longest ago go   */
#define STORE_ITEM_MAX_LEN      ((size_t)8 << 20)

struct store;

struct store_item {
	struct bytes body, chain;       /* freed with the item                         */
	int64_t fetched_at;             /* of the last successful fetch                */
	struct dv_dates dates;
};

void    store_item_free(struct store_item *item);
AUTO_DEFINE(struct store_item, store_item_free)

/*
 * store_open - the file, made or brought up to date as needed
 *
 *   cache_dir   "" for a store that lives in memory and dies with the process
 *   rebuilt     set when a damaged file was moved aside
 *   fails       INTERNAL     the directory or the file cannot be made or is not ours alone to
 *               write; UNSUPPORTED  a newer release made it
 */
bool    store_open(struct store **out, const char *cache_dir, bool pinned, bool *rebuilt,
    struct reason *why) MUST_CHECK;
void    store_close(struct store *store);
AUTO_DEFINE(struct store, store_close)

/* NULL when there is none; also, with a reason (else REASON_NONE), when it cannot be read. */
struct store_item *store_find(struct store *store, const char *name, struct reason *why) MUST_CHECK;

/* Puts an item in the place of that name.  INTERNAL: the file cannot be written. */
bool    store_put(struct store *store, const char *name, const struct store_item *item,
    struct reason *why) MUST_CHECK;

/* The same bytes were fetched again. */
bool    store_touch(struct store *store, const char *name, int64_t fetched_at,
    struct reason *why) MUST_CHECK;

#endif
