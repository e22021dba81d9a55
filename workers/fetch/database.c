#include "fetch/database.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSY_MS         250     /* another process is writing; nobody else waits longer    */

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
	/* Images whose files are there; bytes of an adopted one are not counted. */
	"CREATE TABLE image ("
	"    hash        BLOB NOT NULL PRIMARY KEY,"
	"    bytes       INTEGER NOT NULL,"
	"    used_at     INTEGER NOT NULL,"
	"    pinned      INTEGER NOT NULL)",
	/* Signed records and kernel facts, under the key of one service each. */
	"CREATE TABLE record ("
	"    image_key   BLOB NOT NULL,"
	"    hash        BLOB NOT NULL,"
	"    type        INTEGER NOT NULL,"
	"    initrd_addr INTEGER NOT NULL,"
	"    used_at     INTEGER NOT NULL,"
	"    blob        BLOB NOT NULL,"
	"    PRIMARY KEY (image_key, hash, type, initrd_addr))",
	"CREATE INDEX record_used_at ON record (used_at)",
	/* Images that could not be had, and when to try again. */
	"CREATE TABLE negative ("
	"    hash        BLOB NOT NULL PRIMARY KEY,"
	"    until       INTEGER NOT NULL,"
	"    http_status INTEGER NOT NULL,"
	"    refused     INTEGER NOT NULL,"
	"    nfailures   INTEGER NOT NULL,"
	"    text        TEXT NOT NULL)",
	/* Adopted directories whose files were found to be wrong: as they were then. */
	"CREATE TABLE condemned ("
	"    hash        BLOB NOT NULL PRIMARY KEY,"
	"    changed_at  INTEGER NOT NULL)",
};

/* Each fails with SQLITE_ERROR on a file of our version that is not of our making. */
static const char *const probes[] = {
	"SELECT pinned, name, fetched_at, issued, next_update, number, chain, body FROM item LIMIT 0",
	"SELECT hash, bytes, used_at, pinned FROM image LIMIT 0",
	"SELECT image_key, hash, type, initrd_addr, used_at, blob FROM record LIMIT 0",
	"SELECT hash, until, http_status, refused, nfailures, text FROM negative LIMIT 0",
	"SELECT hash, changed_at FROM condemned LIMIT 0",
};

struct database {
	sqlite3 *db;
};

static void
fd_close(const int *fd)
{
	if (*fd != -1)
		(void)close(*fd);
}

void
database_close(struct database *database)
{
	if (database == NULL)
		return;
	(void)sqlite3_close(database->db);
	free(database);
}

bool
database_broken(const struct database *database, struct reason *why)
{
	return reject(why, REASON_INTERNAL, "store: %s", sqlite3_errmsg(database->db));
}

bool
database_run(struct database *database, const char *sql, struct reason *why)
{
	return sqlite3_exec(database->db, sql, NULL, NULL, NULL) == SQLITE_OK ||
	    database_broken(database, why);
}

bool
database_prepare(sqlite3_stmt **out, struct database *database, const char *sql,
    struct reason *why)
{
	return sqlite3_prepare_v2(database->db, sql, -1, out, NULL) == SQLITE_OK ||
	    database_broken(database, why);
}

bool
database_bind_blob(sqlite3_stmt *statement, int i, struct bytes value)
{
	/* A NULL pointer would bind NULL. */
	return sqlite3_bind_blob64(statement, i, value.len == 0 ? (const uint8_t *)"" : value.ptr,
	    value.len, SQLITE_STATIC) == SQLITE_OK;
}

struct bytes
database_column_bytes(sqlite3_stmt *statement, int i)
{
	return (struct bytes){ sqlite3_column_blob(statement, i),
	    (size_t)sqlite3_column_bytes(statement, i) };
}

/* The first column of the first row, as a number. */
static bool
number_get(struct database *database, int64_t *out, const char *sql, struct reason *why)
{
	AUTO(sqlite3_finalize) sqlite3_stmt *statement = NULL;

	if (!database_prepare(&statement, database, sql, why))
		return false;
	if (sqlite3_step(statement) != SQLITE_ROW)
		return database_broken(database, why);
	*out = sqlite3_column_int64(statement, 0);
	return true;
}

/* Opening */

static bool
migrate(struct database *database, struct reason *why)
{
	char sql[64];
	int64_t version;

	if (!database_run(database, "BEGIN IMMEDIATE", why) ||
	    !number_get(database, &version, "PRAGMA user_version", why))
		return false;
	if (version < 0 || version > (int64_t)NELEM(steps))
		return reject(why, REASON_UNSUPPORTED, "store has version %lld, a newer release's",
		    (long long)version);
	for (size_t i = (size_t)version; i < NELEM(steps); i++)
		if (!database_run(database, steps[i], why))
			return false;
	(void)snprintf(sql, sizeof sql, "PRAGMA user_version = %zu", NELEM(steps));
	return (version == (int64_t)NELEM(steps) || database_run(database, sql, why)) &&
	    database_run(database, "COMMIT", why);
}

/* A file that someone else may have written is opened without any of its own wishes. */
static bool
harden(struct database *database, struct reason *why)
{
	if (sqlite3_db_config(database->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) != SQLITE_OK ||
	    sqlite3_db_config(database->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL) != SQLITE_OK ||
	    sqlite3_db_config(database->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL) != SQLITE_OK ||
	    sqlite3_db_config(database->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL) != SQLITE_OK ||
	    sqlite3_busy_timeout(database->db, BUSY_MS) != SQLITE_OK)
		return database_broken(database, why);
	(void)sqlite3_limit(database->db, SQLITE_LIMIT_LENGTH, 2 * (int)DATABASE_VALUE_MAX_LEN);
	return database_run(database, "PRAGMA cell_size_check = ON", why);
}

static bool
integrity_check(struct database *database, struct reason *why)
{
	AUTO(sqlite3_finalize) sqlite3_stmt *statement = NULL;
	const unsigned char *word;

	if (!database_prepare(&statement, database, "PRAGMA integrity_check(1)", why))
		return false;
	if (sqlite3_step(statement) != SQLITE_ROW)
		return database_broken(database, why);
	word = sqlite3_column_text(statement, 0);
	return (word != NULL && strcmp((const char *)word, "ok") == 0) ||
	    reject(why, REASON_MALFORMED, "integrity check: %s",
	    word == NULL ? "nothing" : (const char *)word);
}

static bool
probe(struct database *database, struct reason *why)
{
	for (size_t i = 0; i < NELEM(probes); i++)
		if (!database_run(database, probes[i], why))
			return false;
	return true;
}

/* *damaged: the file is no database, or one that lies; else it may be in use, or not be ours. */
static bool
file_open(struct database **out, const char *path, bool *damaged, struct reason *why)
{
	AUTO(database_close) struct database *database = calloc(1, sizeof *database);
	int code;

	*damaged = false;
	if (database == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	if (sqlite3_open_v2(path, &database->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
	    SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		return database_broken(database, why);
	if (harden(database, why) && database_run(database, "PRAGMA journal_mode = WAL", why) &&
	    database_run(database, "PRAGMA synchronous = NORMAL", why) &&
	    integrity_check(database, why) && migrate(database, why) && probe(database, why)) {
		*out = TAKE(database);
		return true;
	}
	code = sqlite3_errcode(database->db);
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
path_join(char out[DATABASE_PATH_SIZE], const char *directory, const char *name, const char *end,
    struct reason *why)
{
	int n = snprintf(out, DATABASE_PATH_SIZE, "%s/%s%s", directory, name, end);

	return (n >= 0 && n < DATABASE_PATH_SIZE) ||
	    reject(why, REASON_INTERNAL, "cache directory's path is too long");
}

/* The damaged file is kept, one of them; what belongs to it goes. */
static bool
move_aside(const char *directory, const char *path, struct reason *why)
{
	static const char *const parts[] = { "-wal", "-shm", "-journal" };
	char other[DATABASE_PATH_SIZE];

	if (!path_join(other, directory, DATABASE_DAMAGED, "", why))
		return false;
	if (rename(path, other) == -1)
		return reject(why, REASON_INTERNAL, "cannot move %s aside: %s", path,
		    strerror(errno));
	for (size_t i = 0; i < NELEM(parts); i++) {
		if (!path_join(other, directory, DATABASE_FILE, parts[i], why))
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
	char path[DATABASE_PATH_SIZE];
	int fd;

	if (!path_join(path, directory, DATABASE_FILE, ".lock", why))
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
directory_open(struct database **out, const char *directory, bool *rebuilt, struct reason *why)
{
	__attribute__((cleanup(fd_close))) int fd = lock(directory, why);
	char path[DATABASE_PATH_SIZE];
	bool damaged;

	if (fd == -1 || !path_join(path, directory, DATABASE_FILE, "", why))
		return false;
	if (file_open(out, path, &damaged, why))
		return true;
	if (!damaged)
		return false;
	*rebuilt = true;
	return move_aside(directory, path, why) && file_open(out, path, &damaged, why);
}

bool
database_open(struct database **out, const char *cache_dir, bool *rebuilt, struct reason *why)
{
	char directory[DATABASE_PATH_SIZE];
	bool damaged;

	*out = NULL;
	*rebuilt = false;
	if (cache_dir[0] == '\0')
		return file_open(out, ":memory:", &damaged, why);
	return path_join(directory, cache_dir, DATABASE_DIRECTORY, "", why) &&
	    directories_make(directory, why) && directory_check(directory, why) &&
	    directory_open(out, directory, rebuilt, why);
}
