/*
 * test_store.c - items in SQLite: kept, replaced, migrated, mended
 */
#include "testing.h"

#include "alloc_fail.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fetch/store.h"

/* A new directory under the build's; left to make clean when a test fails. */
struct place {
	char    dir[64], path[128];
};

static void
place_init(struct place *place)
{
	(void)snprintf(place->dir, sizeof place->dir, "test_store.XXXXXX");
	assert_non_null(mkdtemp(place->dir));
	(void)snprintf(place->path, sizeof place->path, "%s/v1/index.db", place->dir);
}

static void
place_fini(const struct place *place)
{
	char command[128];

	(void)snprintf(command, sizeof command, "rm -rf %s", place->dir);
	assert_int_equal(system(command), 0);
}

static struct store *
open_in(const char *dir, bool pinned, bool rebuilt)
{
	struct store *store;
	struct reason why = { .text = "" };
	bool was;

	if (!store_open(&store, dir, pinned, &was, &why))
		fail_msg("%s", why.text);
	assert_int_equal(was, rebuilt);
	return store;
}

static struct store_item
item_of(const char *body, int64_t fetched_at)
{
	return (struct store_item){ .body = bytes_str(body), .chain = bytes_str("chain"),
	    .fetched_at = fetched_at, .dates = { fetched_at - 1, fetched_at + 1, UINT64_MAX } };
}

static void
put(struct store *store, const char *name, const char *body, int64_t fetched_at)
{
	struct store_item item = item_of(body, fetched_at);
	struct reason why = { .text = "" };

	if (!store_put(store, name, &item, &why))
		fail_msg("%s", why.text);
}

/* Fails unless the item of that name is the one that put() made, or there is none. */
static void
expect(struct store *store, const char *name, const char *body, int64_t fetched_at)
{
	struct reason why;
	AUTO(store_item_free) struct store_item *item = store_find(store, name, &why);

	assert_int_equal(why.kind, REASON_NONE);
	if (body == NULL) {
		assert_null(item);
		return;
	}
	assert_non_null(item);
	assert_true(bytes_equal(item->body, bytes_str(body)));
	assert_true(bytes_equal(item->chain, bytes_str("chain")));
	assert_int_equal(item->fetched_at, fetched_at);
}

static void
test_items(void **state)
{
	struct store *store = open_in("", false, false);
	struct store_item item = { .body = BYTES_OF("\0\1\2"), .dates = { -1, 2, 3 } };
	struct store_item *got;
	struct reason why;

	expect(store, "a", NULL, 0);
	put(store, "a", "one", 10);
	put(store, "b", "two", 20);
	expect(store, "a", "one", 10);
	put(store, "a", "three", 30);
	expect(store, "a", "three", 30);
	expect(store, "b", "two", 20);
	assert_true(store_touch(store, "a", 40, &why));
	expect(store, "a", "three", 40);
	assert_true(store_touch(store, "none", 40, &why));
	expect(store, "none", NULL, 0);
	got = store_find(store, "a", &why);
	assert_int_equal(got->dates.issued, 29);
	assert_int_equal(got->dates.next_update, 31);
	assert_true(got->dates.number == UINT64_MAX);
	store_item_free(got);
	/* Any bytes, and no chain. */
	assert_true(store_put(store, "a", &item, &why));
	got = store_find(store, "a", &why);
	assert_true(bytes_equal(got->body, item.body));
	assert_int_equal(got->chain.len, 0);
	assert_int_equal(got->dates.issued, -1);
	store_item_free(got);
	/* In memory, nobody else sees them. */
	store_close(TAKE(store));
	store = open_in("", false, false);
	expect(store, "a", NULL, 0);
	store_close(store);
}

static bool
run_once(void *arg, struct reason *why)
{
	AUTO(store_close) struct store *store = NULL;
	AUTO(store_item_free) struct store_item *got = NULL;
	struct store_item item = item_of("one", 10);
	bool rebuilt;

	if (!store_open(&store, "", false, &rebuilt, why) ||
	    !store_put(store, "a", &item, why))
		return false;
	got = store_find(store, "a", why);
	return got != NULL;
}

/* Store, database and the item; what SQLite allocates is its own affair. */
static void
test_memory(void **state)
{
	assert_int_equal(alloc_fail_each(run_once, NULL), 3);
}

static void
test_kept(void **state)
{
	struct place place;
	struct store *store, *pinned;

	place_init(&place);
	store = open_in(place.dir, false, false);
	put(store, "a", "one", 10);
	store_close(store);
	store = open_in(place.dir, false, false);
	expect(store, "a", "one", 10);
	/* A pinned time has items of its own; both see what the other process wrote. */
	pinned = open_in(place.dir, true, false);
	expect(pinned, "a", NULL, 0);
	put(pinned, "a", "pinned", 20);
	put(store, "a", "two", 30);
	expect(pinned, "a", "pinned", 20);
	expect(store, "a", "two", 30);
	store_close(pinned);
	store_close(store);
	place_fini(&place);
}

static void
test_prune(void **state)
{
	struct store *store = open_in("", false, false);
	char name[32];

	for (int i = 0; i < STORE_MAX_ITEMS; i++) {
		(void)snprintf(name, sizeof name, "%d", i);
		put(store, name, "x", 1000 + (i * 7) % STORE_MAX_ITEMS);
	}
	expect(store, "0", "x", 1000);
	put(store, "new", "x", 100000);
	expect(store, "0", NULL, 0);
	expect(store, "1", "x", 1007);
	expect(store, "new", "x", 100000);
	store_close(store);
}

static void
sql_run(const char *path, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* What the program of version 1 left is kept. */
static void
test_migration(void **state)
{
	struct place place;
	struct store *store;
	char dir[80];

	place_init(&place);
	(void)snprintf(dir, sizeof dir, "%s/v1", place.dir);
	assert_int_equal(mkdir(dir, 0700), 0);
	sql_run(place.path, "CREATE TABLE item (pinned INTEGER NOT NULL, name TEXT NOT NULL,"
	    " fetched_at INTEGER NOT NULL, issued INTEGER NOT NULL, next_update INTEGER NOT NULL,"
	    " number INTEGER NOT NULL, chain BLOB NOT NULL, body BLOB NOT NULL,"
	    " PRIMARY KEY (pinned, name));"
	    "INSERT INTO item VALUES (0, 'a', 10, 9, 11, -1, x'636861696e', x'6f6e65');"
	    "PRAGMA user_version = 1");
	store = open_in(place.dir, false, false);
	expect(store, "a", "one", 10);
	put(store, "b", "two", 20);
	store_close(store);
	sql_run(place.path, "DROP INDEX item_fetched_at");      /* step 2 made it */
	place_fini(&place);
}

static const struct {
	const char *name, *sql;
	const char *why;                /* NULL: moved aside and made anew      */
} strange[] = {
	{ "newer", "PRAGMA user_version = 99", "store has version 99, a newer release's" },
	{ "impossible", "PRAGMA user_version = -1", "store has version -1, a newer release's" },
	{ "no table", "DROP TABLE item", NULL },
	{ "another table", "DROP TABLE item; CREATE TABLE item (name TEXT)", NULL },
	{ "a step too few", "PRAGMA user_version = 1", NULL },
};

static void
test_strange(void **state)
{
	for (size_t i = 0; i < NELEM(strange); i++) {
		struct place place;
		struct store *store;
		struct reason why = { .text = "" };
		bool rebuilt, ok;

		place_init(&place);
		store_close(open_in(place.dir, false, false));
		sql_run(place.path, strange[i].sql);
		ok = store_open(&store, place.dir, false, &rebuilt, &why);
		if (ok != (strange[i].why == NULL) || rebuilt != ok ||
		    (!ok && strcmp(why.text, strange[i].why) != 0))
			fail_msg("%s: got %d, rebuilt %d, \"%s\"", strange[i].name, ok, rebuilt,
			    why.text);
		store_close(store);
		place_fini(&place);
	}
}

static void
file_damage(const char *path, off_t at, const char *bytes)
{
	int fd = open(path, O_WRONLY);

	assert_int_not_equal(fd, -1);
	assert_int_equal(pwrite(fd, bytes, strlen(bytes), at), strlen(bytes));
	assert_int_equal(close(fd), 0);
}

/* Its head; a page of the table; and again, with what was moved aside before in the way. */
static void
test_damaged(void **state)
{
	struct place place;
	struct store *store;
	char moved[160];
	const off_t where[] = { 0, 4096 + 3, 4096 };

	place_init(&place);
	(void)snprintf(moved, sizeof moved, "%s.damaged", place.path);
	for (size_t i = 0; i < NELEM(where); i++) {
		store = open_in(place.dir, false, false);
		put(store, "a", "one", 10);
		store_close(store);
		file_damage(place.path, where[i], "\377\377\377\377\377\377");
		store = open_in(place.dir, false, true);
		expect(store, "a", NULL, 0);
		put(store, "a", "two", 20);
		expect(store, "a", "two", 20);
		store_close(store);
		assert_int_equal(access(moved, F_OK), 0);
	}
	place_fini(&place);
}

static void
test_directory(void **state)
{
	struct place place;
	struct store *store;
	struct reason why;
	char dir[300];
	struct stat st;
	bool rebuilt;

	place_init(&place);
	(void)umask(0);
	(void)snprintf(dir, sizeof dir, "%s/a//b", place.dir);
	store_close(open_in(dir, false, false));
	(void)snprintf(dir, sizeof dir, "%s/a/b/v1", place.dir);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(chmod(dir, 0707), 0);
	(void)snprintf(dir, sizeof dir, "%s/a/b", place.dir);
	assert_false(store_open(&store, dir, false, &rebuilt, &why));
	assert_non_null(strstr(why.text, "/v1 can be written by anybody"));
	(void)snprintf(dir, sizeof dir, "%s/a/b/v1", place.dir);
	assert_int_equal(chmod(dir, 0700), 0);
	/* Only root can make such a one. */
	if (chown(dir, 65534, 65534) == 0) {
		(void)snprintf(dir, sizeof dir, "%s/a/b", place.dir);
		assert_false(store_open(&store, dir, false, &rebuilt, &why));
		assert_non_null(strstr(why.text, "/v1 belongs to another user"));
	}
	(void)snprintf(dir, sizeof dir, "%s/a/c", place.dir);
	assert_int_equal(mkdir(dir, 0700), 0);
	(void)snprintf(dir, sizeof dir, "%s/a/c/v1", place.dir);
	assert_int_equal(symlink("../b/v1", dir), 0);
	(void)snprintf(dir, sizeof dir, "%s/a/c", place.dir);
	assert_false(store_open(&store, dir, false, &rebuilt, &why));
	assert_non_null(strstr(why.text, "/v1 is not a directory"));
	(void)snprintf(dir, sizeof dir, "%s/a/d/v1/index.db.lock", place.dir);
	store_close(open_in(dir, false, false));        /* makes a directory of that name */
	(void)snprintf(dir, sizeof dir, "%s/a/d", place.dir);
	assert_false(store_open(&store, dir, false, &rebuilt, &why));
	assert_non_null(strstr(why.text, "cannot lock "));
	place_fini(&place);
}

/* Another process that writes for long costs one failed call, not a hanging program. */
static void
test_busy(void **state)
{
	struct place place;
	struct store *store;
	struct store_item item = item_of("two", 20);
	struct reason why;
	sqlite3 *other;

	place_init(&place);
	store = open_in(place.dir, false, false);
	put(store, "a", "one", 10);
	assert_int_equal(sqlite3_open(place.path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_false(store_put(store, "a", &item, &why));
	assert_string_equal(why.text, "store: database is locked");
	assert_false(store_touch(store, "a", 20, &why));
	expect(store, "a", "one", 10);
	assert_int_equal(sqlite3_close(other), SQLITE_OK);
	put(store, "a", "two", 20);
	store_close(store);
	place_fini(&place);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_items),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_prune),
		cmocka_unit_test(test_migration),
		cmocka_unit_test(test_strange),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_directory),
		cmocka_unit_test(test_busy),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
