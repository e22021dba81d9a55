#include "fetch/store.h"

#include <stdio.h>
#include <stdlib.h>

struct store {
	struct database *database;
	bool    pinned;
};

void
store_item_free(struct store_item *item)
{
	free(item);
}

bool
store_open(struct store **out, const char *cache_dir, bool pinned, bool *rebuilt,
    struct reason *why)
{
	AUTO(store_close) struct store *store = calloc(1, sizeof *store);

	*out = NULL;
	*rebuilt = false;
	if (store == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	if (!database_open(&store->database, cache_dir, rebuilt, why))
		return false;
	store->pinned = pinned;
	*out = TAKE(store);
	return true;
}

void
store_close(struct store *store)
{
	if (store == NULL)
		return;
	database_close(store->database);
	free(store);
}

struct database *
store_database(const struct store *store)
{
	return store->database;
}

/* One allocation: the item, its chain, its body. */
static struct store_item *
item_copy(sqlite3_stmt *statement, struct reason *why)
{
	struct bytes chain = database_column_bytes(statement, 4);
	struct bytes body = database_column_bytes(statement, 5);
	struct store_item *item;
	uint8_t *at;

	if (chain.len > DATABASE_VALUE_MAX_LEN || body.len > DATABASE_VALUE_MAX_LEN ||
	    (item = calloc(1, sizeof *item + chain.len + body.len)) == NULL) {
		(void)reject(why, REASON_INTERNAL, "store: no room for an item");
		return NULL;
	}
	at = (uint8_t *)(item + 1);
	bytes_copy(at, chain);
	bytes_copy(at + chain.len, body);
	item->chain = (struct bytes){ at, chain.len };
	item->body = (struct bytes){ at + chain.len, body.len };
	item->fetched_at = sqlite3_column_int64(statement, 0);
	item->dates = (struct dv_dates){
		.issued = sqlite3_column_int64(statement, 1),
		.next_update = sqlite3_column_int64(statement, 2),
		.number = (uint64_t)sqlite3_column_int64(statement, 3),
	};
	return item;
}

/* Every statement's first two parameters say which item is meant. */
static bool
prepare(sqlite3_stmt **out, struct store *store, const char *sql, const char *name,
    struct reason *why)
{
	if (!database_prepare(out, store->database, sql, why))
		return false;
	return (sqlite3_bind_int(*out, 1, store->pinned) == SQLITE_OK &&
	    sqlite3_bind_text(*out, 2, name, -1, SQLITE_STATIC) == SQLITE_OK) ||
	    database_broken(store->database, why);
}

struct store_item *
store_find(struct store *store, const char *name, struct reason *why)
{
	AUTO(sqlite3_finalize) sqlite3_stmt *statement = NULL;

	*why = (struct reason){ .kind = REASON_NONE };
	if (!prepare(&statement, store, "SELECT fetched_at, issued, next_update, number, chain,"
	    " body FROM item WHERE pinned = ?1 AND name = ?2", name, why))
		return NULL;
	switch (sqlite3_step(statement)) {
	case SQLITE_ROW:
		return item_copy(statement, why);
	case SQLITE_DONE:
		return NULL;
	default:
		(void)database_broken(store->database, why);
		return NULL;
	}
}

static bool
item_bind(sqlite3_stmt *statement, const struct store_item *item)
{
	return sqlite3_bind_int64(statement, 3, item->fetched_at) == SQLITE_OK &&
	    sqlite3_bind_int64(statement, 4, item->dates.issued) == SQLITE_OK &&
	    sqlite3_bind_int64(statement, 5, item->dates.next_update) == SQLITE_OK &&
	    sqlite3_bind_int64(statement, 6, (int64_t)item->dates.number) == SQLITE_OK &&
	    database_bind_blob(statement, 7, item->chain) && database_bind_blob(statement, 8, item->body);
}

static bool
prune(struct store *store, struct reason *why)
{
	char sql[160];

	(void)snprintf(sql, sizeof sql, "DELETE FROM item WHERE rowid IN (SELECT rowid FROM item"
	    " ORDER BY fetched_at DESC LIMIT -1 OFFSET %d)", STORE_MAX_ITEMS);
	return database_run(store->database, sql, why);
}

bool
store_put(struct store *store, const char *name, const struct store_item *item,
    struct reason *why)
{
	AUTO(sqlite3_finalize) sqlite3_stmt *statement = NULL;

	if (!prepare(&statement, store, "INSERT OR REPLACE INTO item (pinned, name, fetched_at,"
	    " issued, next_update, number, chain, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
	    name, why))
		return false;
	if (!item_bind(statement, item) || sqlite3_step(statement) != SQLITE_DONE)
		return database_broken(store->database, why);
	return prune(store, why);
}

bool
store_touch(struct store *store, const char *name, int64_t fetched_at, struct reason *why)
{
	AUTO(sqlite3_finalize) sqlite3_stmt *statement = NULL;

	if (!prepare(&statement, store,
	    "UPDATE item SET fetched_at = ?3 WHERE pinned = ?1 AND name = ?2", name, why))
		return false;
	return (sqlite3_bind_int64(statement, 3, fetched_at) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_DONE) || database_broken(store->database, why);
}
