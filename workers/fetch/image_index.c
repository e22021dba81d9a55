#include "fetch/image_index.h"

#include <stdio.h>

#define HASH(hash)      ((struct bytes){ (hash), 32 })

/* Ends a statement that gives no row. */
static bool
finish(struct database *database, sqlite3_stmt *statement, bool bound, struct reason *why)
{
	return (bound && sqlite3_step(statement) == SQLITE_DONE) || database_broken(database, why);
}

/* Keeps the newest rows of a table. */
static bool
prune(struct database *database, const char *table, const char *order, int max,
    struct reason *why)
{
	char sql[200];

	(void)snprintf(sql, sizeof sql, "DELETE FROM %s WHERE rowid IN (SELECT rowid FROM %s"
	    " ORDER BY %s DESC LIMIT -1 OFFSET %d)", table, table, order, max);
	return database_run(database, sql, why);
}

/* Records and kernel facts */

/* The first four parameters of each statement about one record. */
static bool
record_prepare(sqlite3_stmt **out, struct database *database, const char *sql,
    const struct dv_key *key, const uint8_t *image_key, struct reason *why)
{
	return database_prepare(out, database, sql, why) &&
	    ((database_bind_blob(*out, 1, HASH(image_key)) &&
	    database_bind_blob(*out, 2, HASH(key->image)) &&
	    sqlite3_bind_int(*out, 3, key->type) == SQLITE_OK &&
	    sqlite3_bind_int64(*out, 4, key->initrd_addr) == SQLITE_OK) ||
	    database_broken(database, why));
}

#define WHICH_RECORD    " WHERE image_key = ?1 AND hash = ?2 AND type = ?3 AND initrd_addr = ?4"

static void
record_touch(struct database *database, const struct dv_key *key, const uint8_t *image_key,
    int64_t now)
{
	AUTO(sqlite3_finalize) sqlite3_stmt *statement = NULL;
	struct reason why;

	/* What cannot be noted is only forgotten sooner. */
	if (record_prepare(&statement, database, "UPDATE record SET used_at = ?5" WHICH_RECORD, key,
	    image_key, &why) && sqlite3_bind_int64(statement, 5, now) == SQLITE_OK)
		(void)sqlite3_step(statement);
}

bool
image_record_find(struct database *database, struct image_record_blob *out,
    const struct dv_key *key, const uint8_t *image_key, int64_t now)
{
	AUTO(sqlite3_finalize) sqlite3_stmt *statement = NULL;
	struct reason why;
	struct bytes blob;
	int64_t used_at;

	if (!record_prepare(&statement, database, "SELECT blob, used_at FROM record" WHICH_RECORD,
	    key, image_key, &why) || sqlite3_step(statement) != SQLITE_ROW)
		return false;
	blob = database_column_bytes(statement, 0);
	if (blob.len == 0 || blob.len > sizeof out->data)
		return false;
	bytes_copy(out->data, blob);
	out->len = blob.len;
	used_at = sqlite3_column_int64(statement, 1);
	if (used_at > now || now - used_at >= IMAGE_INDEX_TOUCH_S)
		record_touch(database, key, image_key, now);
	return true;
}

bool
image_record_put(struct database *database, const struct dv_key *key, const uint8_t *image_key,
    struct bytes blob, int64_t now, struct reason *why)
{
	AUTO(sqlite3_finalize) sqlite3_stmt *statement = NULL;

	return record_prepare(&statement, database, "INSERT OR REPLACE INTO record (image_key, hash,"
	    " type, initrd_addr, used_at, blob) VALUES (?1, ?2, ?3, ?4, ?5, ?6)", key, image_key,
	    why) &&
	    finish(database, statement, sqlite3_bind_int64(statement, 5, now) == SQLITE_OK &&
	    database_bind_blob(statement, 6, blob), why) &&
	    prune(database, "record", "used_at", IMAGE_INDEX_MAX_RECORDS, why);
}

bool
image_record_remove(struct database *database, const struct dv_key *key,
    const uint8_t *image_key, struct reason *why)
{
	AUTO(sqlite3_finalize) sqlite3_stmt *statement = NULL;

	return record_prepare(&statement, database, "DELETE FROM record" WHICH_RECORD, key,
	    image_key, why) && finish(database, statement, true, why);
}

/* What is about one image: its hash is the first parameter */

static bool
hash_prepare(sqlite3_stmt **out, struct database *database, const char *sql,
    const uint8_t hash[32], struct reason *why)
{
	return database_prepare(out, database, sql, why) &&
	    (database_bind_blob(*out, 1, HASH(hash)) || database_broken(database, why));
}

/* The row that a query of one image gives. */
static bool
hash_find(sqlite3_stmt **out, struct database *database, const char *sql, const uint8_t hash[32])
{
	struct reason why;

	return hash_prepare(out, database, sql, hash, &why) && sqlite3_step(*out) == SQLITE_ROW;
}

static bool
hash_remove(struct database *database, const char *sql, const uint8_t hash[32],
    struct reason *why)
{
	AUTO(sqlite3_finalize) sqlite3_stmt *statement = NULL;

	return hash_prepare(&statement, database, sql, hash, why) &&
	    finish(database, statement, true, why);
}

/* Failures */

bool
image_negative_find(struct database *database, struct image_negative *out,
    const uint8_t hash[32])
{
	AUTO(sqlite3_finalize) sqlite3_stmt *statement = NULL;
	struct bytes text;
	int64_t status;

	if (!hash_find(&statement, database, "SELECT until, http_status, refused, nfailures, text"
	    " FROM negative WHERE hash = ?1", hash))
		return false;
	status = sqlite3_column_int64(statement, 1);
	text = database_column_bytes(statement, 4);
	if (status < 0 || status > 999 || text.len >= sizeof out->text)
		return false;
	*out = (struct image_negative){
		.until = sqlite3_column_int64(statement, 0),
		.http_status = (unsigned)status,
		.refused = sqlite3_column_int64(statement, 2) != 0,
		.nfailures = (unsigned)sqlite3_column_int64(statement, 3),
	};
	bytes_copy(out->text, text);
	/* Words without a refusal are about something that may pass. */
	return !out->refused || text.len != 0;
}

bool
image_negative_put(struct database *database, const uint8_t hash[32],
    const struct image_negative *negative, struct reason *why)
{
	AUTO(sqlite3_finalize) sqlite3_stmt *statement = NULL;

	return hash_prepare(&statement, database, "INSERT OR REPLACE INTO negative (hash, until,"
	    " http_status, refused, nfailures, text) VALUES (?1, ?2, ?3, ?4, ?5, ?6)", hash, why) &&
	    finish(database, statement,
	    sqlite3_bind_int64(statement, 2, negative->until) == SQLITE_OK &&
	    sqlite3_bind_int64(statement, 3, negative->http_status) == SQLITE_OK &&
	    sqlite3_bind_int(statement, 4, negative->refused) == SQLITE_OK &&
	    sqlite3_bind_int64(statement, 5, negative->nfailures) == SQLITE_OK &&
	    sqlite3_bind_text(statement, 6, negative->text, -1, SQLITE_STATIC) == SQLITE_OK,
	    why) &&
	    prune(database, "negative", "until", IMAGE_INDEX_MAX_NEGATIVES, why);
}

bool
image_negative_clear(struct database *database, const uint8_t hash[32], struct reason *why)
{
	return hash_remove(database, "DELETE FROM negative WHERE hash = ?1", hash, why);
}

/* Images whose files are there */

bool
image_row_put(struct database *database, const uint8_t hash[32], uint64_t nbytes, int64_t now,
    struct reason *why)
{
	AUTO(sqlite3_finalize) sqlite3_stmt *statement = NULL;

	return hash_prepare(&statement, database, "INSERT INTO image (hash, bytes, used_at, pinned)"
	    " VALUES (?1, ?2, ?3, 0) ON CONFLICT (hash) DO UPDATE SET bytes = ?2, used_at = ?3",
	    hash, why) &&
	    finish(database, statement,
	    sqlite3_bind_int64(statement, 2, (sqlite3_int64)nbytes) == SQLITE_OK &&
	    sqlite3_bind_int64(statement, 3, now) == SQLITE_OK, why);
}

bool
image_row_touch(struct database *database, const uint8_t hash[32], int64_t now,
    struct reason *why)
{
	AUTO(sqlite3_finalize) sqlite3_stmt *statement = NULL;

	return hash_prepare(&statement, database, "UPDATE image SET used_at = ?2 WHERE hash = ?1"
	    " AND (used_at > ?2 OR used_at <= ?2 - ?3)", hash, why) &&
	    finish(database, statement, sqlite3_bind_int64(statement, 2, now) == SQLITE_OK &&
	    sqlite3_bind_int(statement, 3, IMAGE_INDEX_TOUCH_S) == SQLITE_OK, why);
}

static void
row_read(struct image_row *out, sqlite3_stmt *statement)
{
	struct bytes hash = database_column_bytes(statement, 0);
	int64_t nbytes = sqlite3_column_int64(statement, 1);

	*out = (struct image_row){
		.nbytes = nbytes < 0 ? 0 : (uint64_t)nbytes,
		.used_at = sqlite3_column_int64(statement, 2),
		.pinned = sqlite3_column_int64(statement, 3) != 0,
	};
	if (hash.len == sizeof out->hash)
		bytes_copy(out->hash, hash);
}

bool
image_row_find(struct database *database, struct image_row *out, const uint8_t hash[32])
{
	AUTO(sqlite3_finalize) sqlite3_stmt *statement = NULL;

	if (!hash_find(&statement, database, "SELECT hash, bytes, used_at, pinned FROM image"
	    " WHERE hash = ?1", hash))
		return false;
	row_read(out, statement);
	return true;
}

bool
image_row_next(struct database *database, struct image_row *row)
{
	AUTO(sqlite3_finalize) sqlite3_stmt *statement = NULL;
	struct reason why;

	if (!hash_prepare(&statement, database, "SELECT hash, bytes, used_at, pinned FROM image"
	    " WHERE length(hash) = 32 AND (used_at, hash) > (?2, ?1) ORDER BY used_at, hash LIMIT 1",
	    row->hash, &why) || sqlite3_bind_int64(statement, 2, row->used_at) != SQLITE_OK ||
	    sqlite3_step(statement) != SQLITE_ROW)
		return false;
	row_read(row, statement);
	return true;
}

bool
image_row_pin(struct database *database, bool *found, const uint8_t hash[32], bool pinned,
    struct reason *why)
{
	AUTO(sqlite3_finalize) sqlite3_stmt *statement = NULL;
	struct image_row row;

	*found = image_row_find(database, &row, hash);
	return hash_prepare(&statement, database, "UPDATE image SET pinned = ?2 WHERE hash = ?1",
	    hash, why) &&
	    finish(database, statement, sqlite3_bind_int(statement, 2, pinned) == SQLITE_OK, why);
}

bool
image_row_remove(struct database *database, const uint8_t hash[32], struct reason *why)
{
	return hash_remove(database, "DELETE FROM image WHERE hash = ?1", hash, why);
}

bool
image_rows_sum(struct database *database, uint64_t *n, uint64_t *nbytes, struct reason *why)
{
	AUTO(sqlite3_finalize) sqlite3_stmt *statement = NULL;

	if (!database_prepare(&statement, database,
	    "SELECT count(*), coalesce(sum(bytes), 0) FROM image", why))
		return false;
	if (sqlite3_step(statement) != SQLITE_ROW)
		return database_broken(database, why);
	*n = (uint64_t)sqlite3_column_int64(statement, 0);
	*nbytes = (uint64_t)sqlite3_column_int64(statement, 1);
	return true;
}

/* Adopted directories */

bool
image_condemned_find(struct database *database, int64_t *changed_at, const uint8_t hash[32])
{
	AUTO(sqlite3_finalize) sqlite3_stmt *statement = NULL;

	if (!hash_find(&statement, database, "SELECT changed_at FROM condemned WHERE hash = ?1",
	    hash))
		return false;
	*changed_at = sqlite3_column_int64(statement, 0);
	return true;
}

bool
image_condemned_put(struct database *database, const uint8_t hash[32], int64_t changed_at,
    struct reason *why)
{
	AUTO(sqlite3_finalize) sqlite3_stmt *statement = NULL;

	return hash_prepare(&statement, database, "INSERT OR REPLACE INTO condemned (hash,"
	    " changed_at) VALUES (?1, ?2)", hash, why) &&
	    finish(database, statement, sqlite3_bind_int64(statement, 2, changed_at) == SQLITE_OK,
	    why);
}
