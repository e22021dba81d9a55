/*
 * database.h - the one file of what is kept: an index that can be made anew
 *
 * SQLite under CACHE_DIR/v1/, in WAL mode, which several processes may use at once: a server and
 * one-shot commands.  Every change is one short transaction, so a process that is killed loses at
 * most its last one.  What is read back is believed no more than what a server sends.
 *
 * All SQL about one subject is in one file: store.c, image_index.c.
 */
#ifndef FETCH_DATABASE_H
#define FETCH_DATABASE_H

#include <sqlite3.h>

#include "core/bytes.h"
#include "core/reason.h"

#define DATABASE_DIRECTORY      "v1"
#define DATABASE_FILE           "index.db"
#define DATABASE_DAMAGED        "index.db.damaged"
#define DATABASE_PATH_SIZE      4096
#define DATABASE_VALUE_MAX_LEN  ((size_t)8 << 20)

AUTO_DEFINE(sqlite3_stmt, sqlite3_finalize)

struct database;

/*
 * database_open - the file, made or brought up to date as needed
 *
 *   cache_dir   "" for one that lives in memory and dies with the process
 *   rebuilt     set when a damaged file was moved aside
 *   fails       INTERNAL     the directory or the file cannot be made or is not ours alone to
 *               write; UNSUPPORTED  a newer release made it
 */
bool    database_open(struct database **out, const char *cache_dir, bool *rebuilt,
    struct reason *why) MUST_CHECK;
void    database_close(struct database *database);
AUTO_DEFINE(struct database, database_close)

/* A statement; sqlite3_finalize() ends it.  All of these fail with INTERNAL. */
bool    database_prepare(sqlite3_stmt **out, struct database *database, const char *sql,
    struct reason *why) MUST_CHECK;
/* One without values, run. */
bool    database_run(struct database *database, const char *sql, struct reason *why) MUST_CHECK;
/* After SQLite said no: false, with its words. */
bool    database_broken(const struct database *database, struct reason *why);

/* The bytes must live until the statement ends. */
bool    database_bind_blob(sqlite3_stmt *statement, int i, struct bytes value) MUST_CHECK;
/* Live until the statement's next step. */
struct bytes database_column_bytes(sqlite3_stmt *statement, int i);

#endif
