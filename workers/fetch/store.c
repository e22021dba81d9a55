#include "fetch/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define STORE_PATH_SIZE 4096
#define BUSY_MS         250     /* another process is writing; nobody else waits longer    */
#define APPLICATION_ID  0x64737662      /* "dsvb" */

struct store {
	sqlite3 *db;
	bool    pinned;
};

/* Each brings a file from the version before to its own; version 0 is an empty file. */
static const char *const steps[] = {
	"CREATE TABLE item ("
	"    pinned      INTEGER NOT NULL,"
	"    name        TEXT NOT NULL,"
	"    fetched_at  INTEGER NOT NULL,"
	"    issued      INTEGER NOT NULL,"
	"    next_update INTEGER NOT NULL,"
	"    number      INTEGER NOT NULL,"
	"    chain       BLOB NOT NULL,"
	"    body        BLOB NOT NULL,"
	"    PRIMARY KEY (pinned, name))",
	/* The oldest are found without reading every body. */
	"CREATE INDEX item_fetched_at ON item (fetched_at)",
};

/* Fails with SQLITE_ERROR on a file of our version that is not of our making. */
#define SCHEMA_PROBE    "SELECT pinned, name, fetched_at, issued, next_update, number, chain," \
	    " body FROM item LIMIT 0"

AUTO_DEFINE(sqlite3_stmt, sqlite3_finalize)

static void
fd_close(const int *fd)
{
	if (*fd != -1)
		(void)close(*fd);
}

void
store_item_free(struct store_item *item)
{
	free(item);
}

void
store_close(struct store *store)
{
	if (store == NULL)
		return;
	(void)sqlite3_close(store->db);
	free(store);
}

static bool
broken(const struct store *store, const char *what, struct reason *why)
{
	return reject(why, REASON_INTERNAL, "%s: %s", what, sqlite3_errmsg(store->db));
}

static bool
run(struct store *store, const char *sql, struct reason *why)
{
	return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ||
	    broken(store, "store", why);
}

/* The first column of the first row, as a number. */
static bool
number_get(struct store *store, int64_t *out, const char *sql, struct reason *why)
{
	AUTO(sqlite3_finalize) sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK ||
	    sqlite3_step(statement) != SQLITE_ROW)
		return broken(store, "store", why);
	*out = sqlite3_column_int64(statement, 0);
	return true;
}

/* Opening */

static bool
migrate(struct store *store, struct reason *why)
{
	char sql[64];
	int64_t version;

	if (!run(store, "BEGIN IMMEDIATE", why) ||
	    !number_get(store, &version, "PRAGMA user_version", why))
		return false;
	if (version < 0 || version > (int64_t)NELEM(steps))
		return reject(why, REASON_UNSUPPORTED, "store has version %lld, a newer release's",
		    (long long)version);
	for (size_t i = (size_t)version; i < NELEM(steps); i++)
		if (!run(store, steps[i], why))
			return false;
	(void)snprintf(sql, sizeof sql, "PRAGMA user_version = %zu", NELEM(steps));
	return (version == (int64_t)NELEM(steps) || run(store, sql, why)) &&
	    run(store, "COMMIT", why);
}

/* A file that someone else may have written is opened without any of its own wishes. */
static bool
harden(struct store *store, struct reason *why)
{
	if (sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) != SQLITE_OK ||
	    sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL) != SQLITE_OK ||
	    sqlite3_db_config(store->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL) != SQLITE_OK ||
	    sqlite3_db_config(store->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL) != SQLITE_OK ||
	    sqlite3_busy_timeout(store->db, BUSY_MS) != SQLITE_OK)
		return broken(store, "store", why);
	(void)sqlite3_limit(store->db, SQLITE_LIMIT_LENGTH, 2 * (int)STORE_ITEM_MAX_LEN);
	return run(store, "PRAGMA cell_size_check = ON", why);
}

static bool
integrity_check(struct store *store, struct reason *why)
{
	AUTO(sqlite3_finalize) sqlite3_stmt *statement = NULL;
	const unsigned char *word;

	if (sqlite3_prepare_v2(store->db, "PRAGMA integrity_check(1)", -1, &statement, NULL) !=
	    SQLITE_OK || sqlite3_step(statement) != SQLITE_ROW)
		return broken(store, "integrity check", why);
	word = sqlite3_column_text(statement, 0);
	return (word != NULL && strcmp((const char *)word, "ok") == 0) ||
	    reject(why, REASON_MALFORMED, "integrity check: %s",
	    word == NULL ? "nothing" : (const char *)word);
}

/* *damaged: the file is no database, or one that lies; else it may be in use, or not be ours. */
static bool
file_open(struct store **out, const char *path, bool *damaged, struct reason *why)
{
	AUTO(store_close) struct store *store = calloc(1, sizeof *store);
	int code;

	*damaged = false;
	if (store == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	if (sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
	    SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		return broken(store, "cannot open the store", why);
	if (harden(store, why) && run(store, "PRAGMA journal_mode = WAL", why) &&
	    run(store, "PRAGMA synchronous = NORMAL", why) && integrity_check(store, why) &&
	    migrate(store, why) && run(store, SCHEMA_PROBE, why)) {
		*out = TAKE(store);
		return true;
	}
	code = sqlite3_errcode(store->db);
	*damaged = why->kind == REASON_MALFORMED || code == SQLITE_CORRUPT ||
	    code == SQLITE_NOTADB || code == SQLITE_ERROR;
	return false;
}

/* A directory with all its parents, for us alone where it is new. */
static bool
directories_make(char *path, struct reason *why)
{
	for (char *p = path + 1;; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(path, 0700) == -1 && errno != EEXIST)
			return reject(why, REASON_INTERNAL, "cannot make %s: %s", path,
			    strerror(errno));
		*p = c;
		if (c == '\0')
			return true;
	}
}

static bool
directory_check(const char *path, struct reason *why)
{
	struct stat st;

	if (lstat(path, &st) == -1)
		return reject(why, REASON_INTERNAL, "cannot look at %s: %s", path,
		    strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return reject(why, REASON_INTERNAL, "%s is not a directory", path);
	/* Whoever can write here can put links in the way of what we create, as root even. */
	if (st.st_uid != geteuid())
		return reject(why, REASON_INTERNAL, "%s belongs to another user", path);
	if ((st.st_mode & S_IWOTH) != 0)
		return reject(why, REASON_INTERNAL, "%s can be written by anybody", path);
	return true;
}

static bool
path_join(char out[STORE_PATH_SIZE], const char *directory, const char *name, const char *end,
    struct reason *why)
{
	int n = snprintf(out, STORE_PATH_SIZE, "%s/%s%s", directory, name, end);

	return (n >= 0 && n < STORE_PATH_SIZE) ||
	    reject(why, REASON_INTERNAL, "cache directory's path is too long");
}

/* The damaged file is kept, one of them; what belongs to it goes. */
static bool
move_aside(const char *directory, const char *path, struct reason *why)
{
	static const char *const parts[] = { "-wal", "-shm", "-journal" };
	char other[STORE_PATH_SIZE];

	if (!path_join(other, directory, STORE_DAMAGED, "", why))
		return false;
	if (rename(path, other) == -1)
		return reject(why, REASON_INTERNAL, "cannot move %s aside: %s", path,
		    strerror(errno));
	for (size_t i = 0; i < NELEM(parts); i++) {
		if (!path_join(other, directory, STORE_FILE, parts[i], why))
			return false;
		if (unlink(other) == -1 && errno != ENOENT)
			return reject(why, REASON_INTERNAL, "cannot remove %s: %s", other,
			    strerror(errno));
	}
	return true;
}

/* Two processes that start together check, mend and migrate one after the other. */
static int
lock(const char *directory, struct reason *why)
{
	char path[STORE_PATH_SIZE];
	int fd;

	if (!path_join(path, directory, STORE_FILE, ".lock", why))
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1 || flock(fd, LOCK_EX) == -1) {
		(void)reject(why, REASON_INTERNAL, "cannot lock %s: %s", path, strerror(errno));
		fd_close(&fd);
		return -1;
	}
	return fd;
}

static bool
directory_open(struct store **out, const char *directory, bool *rebuilt, struct reason *why)
{
	__attribute__((cleanup(fd_close))) int fd = lock(directory, why);
	char path[STORE_PATH_SIZE];
	bool damaged;

	if (fd == -1 || !path_join(path, directory, STORE_FILE, "", why))
		return false;
	if (file_open(out, path, &damaged, why))
		return true;
	if (!damaged)
		return false;
	*rebuilt = true;
	return move_aside(directory, path, why) && file_open(out, path, &damaged, why);
}

bool
store_open(struct store **out, const char *cache_dir, bool pinned, bool *rebuilt,
    struct reason *why)
{
	char directory[STORE_PATH_SIZE];
	bool damaged, ok;

	*out = NULL;
	*rebuilt = false;
	if (cache_dir[0] == '\0')
		ok = file_open(out, ":memory:", &damaged, why);
	else
		ok = path_join(directory, cache_dir, STORE_DIRECTORY, "", why) &&
		    directories_make(directory, why) && directory_check(directory, why) &&
		    directory_open(out, directory, rebuilt, why);
	if (ok)
		(*out)->pinned = pinned;
	return ok;
}

/* Items */

static struct bytes
column_bytes(sqlite3_stmt *statement, int i)
{
	return (struct bytes){ sqlite3_column_blob(statement, i),
	    (size_t)sqlite3_column_bytes(statement, i) };
}

/* One allocation: the item, its chain, its body. */
static struct store_item *
item_copy(sqlite3_stmt *statement, struct reason *why)
{
	struct bytes chain = column_bytes(statement, 4), body = column_bytes(statement, 5);
	struct store_item *item;
	uint8_t *at;

	if (chain.len > STORE_ITEM_MAX_LEN || body.len > STORE_ITEM_MAX_LEN ||
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
	return (sqlite3_prepare_v2(store->db, sql, -1, out, NULL) == SQLITE_OK &&
	    sqlite3_bind_int(*out, 1, store->pinned) == SQLITE_OK &&
	    sqlite3_bind_text(*out, 2, name, -1, SQLITE_STATIC) == SQLITE_OK) ||
	    broken(store, "store", why);
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
		(void)broken(store, "store", why);
		return NULL;
	}
}

static bool
blob_bind(sqlite3_stmt *statement, int i, struct bytes value)
{
	/* A NULL pointer would bind NULL. */
	return sqlite3_bind_blob64(statement, i, value.len == 0 ? (const uint8_t *)"" : value.ptr,
	    value.len, SQLITE_STATIC) == SQLITE_OK;
}

static bool
item_bind(sqlite3_stmt *statement, const struct store_item *item)
{
	return sqlite3_bind_int64(statement, 3, item->fetched_at) == SQLITE_OK &&
	    sqlite3_bind_int64(statement, 4, item->dates.issued) == SQLITE_OK &&
	    sqlite3_bind_int64(statement, 5, item->dates.next_update) == SQLITE_OK &&
	    sqlite3_bind_int64(statement, 6, (int64_t)item->dates.number) == SQLITE_OK &&
	    blob_bind(statement, 7, item->chain) && blob_bind(statement, 8, item->body);
}

static bool
prune(struct store *store, struct reason *why)
{
	char sql[160];

	(void)snprintf(sql, sizeof sql, "DELETE FROM item WHERE rowid IN (SELECT rowid FROM item"
	    " ORDER BY fetched_at DESC LIMIT -1 OFFSET %d)", STORE_MAX_ITEMS);
	return run(store, sql, why);
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
		return broken(store, "store", why);
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
	    sqlite3_step(statement) == SQLITE_DONE) || broken(store, "store", why);
}
