#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fetch/image_store.h"
#include "fetch/store.h"

#define NOW     INT64_C(1790000000)
#define LEN     1000            /* bytes of each file */

static const char *const names[] = { "sha256sum.txt", "metadata.json", "fw", "kernel", "kernel" };

/* A cache directory and what is open of it. */
struct place {
	char    dir[64];
	struct store *store;
	struct image_store *images;
};

static struct reason why;

static const uint8_t *
hash_of(unsigned n)
{
	static uint8_t hashes[16][32];

	memset(hashes[n], (int)(0xa0 + n), 32);
	return hashes[n];
}

static void
place_open(struct place *p, uint64_t max_bytes, int64_t now)
{
	bool rebuilt;

	assert_true(store_open(&p->store, p->dir, false, &rebuilt, &why));
	if (!image_store_open(&p->images, store_database(p->store), p->dir, max_bytes, now, &why))
		fail_msg("%s", why.text);
}

static void
place_close(struct place *p)
{
	image_store_close(TAKE(p->images));
	store_close(TAKE(p->store));
}

static void
place_init(struct place *p)
{
	*p = (struct place){ .dir = "/tmp/test_image_store.XXXXXX" };
	assert_non_null(mkdtemp(p->dir));
	place_open(p, 1 << 20, NOW);
}

static void
place_fini(struct place *p)
{
	char command[128];

	place_close(p);
	(void)snprintf(command, sizeof command, "rm -rf %s", p->dir);
	assert_int_equal(system(command), 0);
}

static const char *
path_in(const struct place *p, const char *name)
{
	static char path[256];

	(void)snprintf(path, sizeof path, "%s/%s", p->dir, name);
	return path;
}

/* How many entries a directory has. */
static int
count_in(const struct place *p, const char *name)
{
	char command[320];
	FILE *out;
	int n = -1;

	(void)snprintf(command, sizeof command, "ls -A %s | wc -l", path_in(p, name));
	out = popen(command, "r");
	assert_non_null(out);
	assert_int_equal(fscanf(out, "%d", &n), 1);
	(void)pclose(out);
	return n;
}

static void
file_make(int directory, const char *name)
{
	static const uint8_t content[LEN];
	int fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd != -1);
	assert_int_equal(write(fd, content, sizeof content), LEN);
	(void)close(fd);
}

static void
stage(struct place *p, struct image_staging *staging)
{
	if (!image_staging_new(staging, p->images, &why))
		fail_msg("%s", why.text);
	for (size_t i = 0; i < 4; i++)
		file_make(staging->fd, names[i]);
	file_make(staging->fd, "extra");
}

static bool
publish(struct place *p, unsigned n, int64_t now)
{
	struct image_staging staging;

	stage(p, &staging);
	return image_store_publish(p->images, &staging, hash_of(n), names, NELEM(names), now, &why);
}

static bool
is_there(struct place *p, unsigned n)
{
	int fd = image_store_find(p->images, hash_of(n));

	if (fd != -1)
		(void)close(fd);
	return fd != -1;
}

/* ---- publishing ---- */

static void
test_publish(void **state)
{
	struct place p;
	struct image_row row;
	int fd;

	place_init(&p);
	assert_false(is_there(&p, 0));
	assert_true(publish(&p, 0, NOW));
	assert_int_equal(count_in(&p, "v1/staging"), 0);
	fd = image_store_find(p.images, hash_of(0));
	assert_true(fd != -1);
	for (size_t i = 0; i < NELEM(names); i++)
		assert_int_equal(faccessat(fd, names[i], R_OK, 0), 0);
	assert_int_equal(faccessat(fd, "extra", R_OK, 0), -1);
	(void)close(fd);
	assert_true(image_row_find(store_database(p.store), &row, hash_of(0)));
	assert_int_equal(row.nbytes, 4 * LEN);
	assert_int_equal(row.used_at, NOW);
	/* Whoever is second finds it there, and leaves it. */
	assert_true(publish(&p, 0, NOW + 1));
	assert_int_equal(count_in(&p, "v1/staging"), 0);
	assert_int_equal(count_in(&p, "v1/images"), 1);
	place_fini(&p);
}

static void
test_publish_refused(void **state)
{
	struct image_staging staging;
	struct place p;

	place_init(&p);
	stage(&p, &staging);
	assert_int_equal(unlinkat(staging.fd, "fw", 0), 0);
	assert_false(image_store_publish(p.images, &staging, hash_of(0), names, NELEM(names), NOW,
	    &why));
	assert_string_equal(why.text, "OS image cannot be written");
	assert_int_equal(why.kind, REASON_UNAVAILABLE);
	stage(&p, &staging);
	assert_int_equal(unlinkat(staging.fd, "fw", 0), 0);
	assert_int_equal(symlinkat("kernel", staging.fd, "fw"), 0);
	assert_false(image_store_publish(p.images, &staging, hash_of(0), names, NELEM(names), NOW,
	    &why));
	stage(&p, &staging);
	assert_int_equal(unlinkat(staging.fd, "fw", 0), 0);
	assert_int_equal(mkfifoat(staging.fd, "fw", 0600), 0);
	assert_false(image_store_publish(p.images, &staging, hash_of(0), names, NELEM(names), NOW,
	    &why));
	assert_false(is_there(&p, 0));
	assert_int_equal(count_in(&p, "v1/staging"), 0);
	assert_int_equal(count_in(&p, "v1/images"), 0);
	place_fini(&p);
}

/* A full disk, where one can be made. */
static void
test_no_space(void **state)
{
	struct image_staging staging;
	char command[160];
	struct place p;
	int fd;

	place_init(&p);
	(void)snprintf(command, sizeof command,
	    "mount -t tmpfs -o size=64k none %s/v1/staging 2>/dev/null", p.dir);
	if (system(command) != 0) {
		place_fini(&p);
		skip();
	}
	place_close(&p);
	place_open(&p, 1 << 20, NOW);
	assert_true(image_staging_new(&staging, p.images, &why));
	fd = openat(staging.fd, "full", O_WRONLY | O_CREAT, 0600);
	while (write(fd, command, sizeof command) > 0)
		continue;
	(void)close(fd);
	assert_true(errno == ENOSPC);
	image_staging_discard(&staging, p.images);
	assert_true(image_staging_new(&staging, p.images, &why));
	image_staging_discard(&staging, p.images);
	place_close(&p);
	(void)snprintf(command, sizeof command, "umount -l %s/v1/staging", p.dir);
	assert_int_equal(system(command), 0);
	place_open(&p, 1 << 20, NOW);
	place_fini(&p);
}

static void
test_nowhere(void **state)
{
	struct image_staging staging;
	struct place p = { .dir = "" };

	place_open(&p, 1 << 20, NOW);
	assert_false(is_there(&p, 0));
	assert_false(image_staging_new(&staging, p.images, &why));
	assert_string_equal(why.text, "OS image cannot be written");
	place_close(&p);
}

/* ---- starting ---- */

static void
test_recovery(void **state)
{
	struct image_staging living;
	struct image_row row;
	struct place p, other;
	char name[96];

	place_init(&p);
	assert_true(publish(&p, 0, NOW));
	assert_true(publish(&p, 1, NOW));
	stage(&p, &living);
	/* What a process left that was killed, and a file that has no business there. */
	assert_int_equal(mkdir(path_in(&p, "v1/staging/dead"), 0700), 0);
	file_make(AT_FDCWD, path_in(&p, "v1/staging/dead/kernel"));
	file_make(AT_FDCWD, path_in(&p, "v1/staging/file"));
	/* A row without its directory, a directory without its row, and none of ours. */
	(void)snprintf(name, sizeof name, "v1/images/%s",
	    "a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0");
	assert_int_equal(rename(path_in(&p, name), "/tmp/test_image_store.moved"), 0);
	assert_true(image_row_remove(store_database(p.store), hash_of(1), &why));
	assert_int_equal(mkdir(path_in(&p, "v1/images/strange"), 0700), 0);

	other = p;
	place_open(&other, 1 << 20, NOW + 5);
	assert_int_equal(count_in(&p, "v1/staging"), 1);
	assert_false(image_row_find(store_database(other.store), &row, hash_of(0)));
	assert_true(image_row_find(store_database(other.store), &row, hash_of(1)));
	assert_int_equal(row.nbytes, 4 * LEN);
	assert_int_equal(row.used_at, NOW + 5);
	place_close(&other);

	image_staging_discard(&living, p.images);
	assert_int_equal(system("rm -r /tmp/test_image_store.moved"), 0);
	place_fini(&p);
}

/* ---- making room ---- */

static void
test_eviction(void **state)
{
	struct place p;
	bool found;

	place_init(&p);
	place_close(&p);
	place_open(&p, 10 * LEN, NOW);          /* room for two */
	assert_true(publish(&p, 0, NOW) && publish(&p, 1, NOW + 1));
	assert_true(is_there(&p, 0) && is_there(&p, 1));
	image_store_touch(p.images, hash_of(0), NOW + 100);
	assert_true(publish(&p, 2, NOW + 101));
	assert_true(is_there(&p, 0) && !is_there(&p, 1) && is_there(&p, 2));
	assert_true(image_store_pin(p.images, &found, hash_of(0), true, &why) && found);
	assert_true(image_store_pin(p.images, &found, hash_of(1), true, &why) && !found);
	assert_true(publish(&p, 3, NOW + 102) && publish(&p, 4, NOW + 103));
	assert_true(is_there(&p, 0) && !is_there(&p, 2) && !is_there(&p, 3) && is_there(&p, 4));
	assert_true(image_store_evict(p.images, &found, hash_of(0), &why) && !found);
	assert_true(image_store_pin(p.images, &found, hash_of(0), false, &why) && found);
	assert_true(image_store_evict(p.images, &found, hash_of(0), &why) && found);
	assert_false(is_there(&p, 0));
	/* The one that was just published stays, however little room there is. */
	place_close(&p);
	place_open(&p, 1, NOW);
	assert_true(publish(&p, 5, NOW - 1000));
	assert_true(is_there(&p, 5) && !is_there(&p, 4));
	assert_true(image_store_make_room(p.images, NULL, &why));
	assert_false(is_there(&p, 5));
	place_fini(&p);
}

/* Uses are noted once a minute, and never wait for a clock that was set back. */
static void
test_touch(void **state)
{
	static const struct { int64_t at, noted; } uses[] = {
		{ NOW + 59, NOW }, { NOW + 60, NOW + 60 }, { NOW + 61, NOW + 60 },
		{ NOW - 1000, NOW - 1000 },
	};
	struct image_row row;
	struct place p;

	place_init(&p);
	assert_true(publish(&p, 0, NOW));
	for (size_t i = 0; i < NELEM(uses); i++) {
		image_store_touch(p.images, hash_of(0), uses[i].at);
		assert_true(image_row_find(store_database(p.store), &row, hash_of(0)));
		assert_int_equal(row.used_at, uses[i].noted);
	}
	place_fini(&p);
}

/* ---- wrong files ---- */

static void
test_condemn(void **state)
{
	struct place p;
	char name[96];

	place_init(&p);
	assert_true(publish(&p, 0, NOW));
	assert_true(image_store_condemn(p.images, hash_of(0), &why));
	assert_false(is_there(&p, 0));
	assert_int_equal(count_in(&p, "v1/staging"), 0);
	assert_true(image_store_condemn(p.images, hash_of(0), &why));

	(void)snprintf(name, sizeof name, "images/%s",
	    "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1");
	assert_int_equal(mkdir(path_in(&p, "images"), 0700), 0);
	assert_int_equal(mkdir(path_in(&p, name), 0700), 0);
	place_close(&p);
	place_open(&p, 1 << 20, NOW);
	assert_true(is_there(&p, 1));
	assert_true(image_store_condemn(p.images, hash_of(1), &why));
	assert_false(is_there(&p, 1));
	place_close(&p);
	place_open(&p, 1 << 20, NOW);
	assert_false(is_there(&p, 1));
	assert_int_equal(count_in(&p, "images"), 1);
	(void)snprintf(name + strlen(name), sizeof name - strlen(name), "/kernel");
	file_make(AT_FDCWD, path_in(&p, name));
	assert_true(is_there(&p, 1));
	place_fini(&p);
}

/* ---- the index ---- */

static struct dv_key
key_of(unsigned n, uint32_t initrd_addr)
{
	struct dv_key key;

	memset(&key, 0, sizeof key);
	key.type = initrd_addr == 0 ? DV_FACT_IMAGE : DV_FACT_KERNEL;
	key.initrd_addr = initrd_addr;
	memcpy(key.image, hash_of(n), sizeof key.image);
	return key;
}

static void
test_records(void **state)
{
	const struct dv_key record = key_of(0, 0), kernel = key_of(0, 0x1000);
	struct image_record_blob blob;
	struct database *database;
	struct place p;

	place_init(&p);
	database = store_database(p.store);
	assert_false(image_record_find(database, &blob, &record, hash_of(8), NOW));
	assert_true(image_record_put(database, &record, hash_of(8), bytes_str("one"), NOW, &why));
	assert_true(image_record_put(database, &kernel, hash_of(8), bytes_str("two"), NOW, &why));
	assert_true(image_record_find(database, &blob, &record, hash_of(8), NOW));
	assert_true(bytes_equal((struct bytes){ blob.data, blob.len }, bytes_str("one")));
	assert_true(image_record_find(database, &blob, &kernel, hash_of(8), NOW));
	assert_true(bytes_equal((struct bytes){ blob.data, blob.len }, bytes_str("two")));
	/* Another service, another image, another address. */
	assert_false(image_record_find(database, &blob, &record, hash_of(9), NOW));
	assert_false(image_record_find(database, &blob, &(struct dv_key){ .type = DV_FACT_IMAGE },
	    hash_of(8), NOW));
	assert_true(image_record_remove(database, &record, hash_of(8), &why));
	assert_false(image_record_find(database, &blob, &record, hash_of(8), NOW));
	assert_true(image_record_find(database, &blob, &kernel, hash_of(8), NOW));
	/* What nobody of ours has written. */
	assert_true(database_run(database, "UPDATE record SET blob = zeroblob(8193)", &why));
	assert_false(image_record_find(database, &blob, &kernel, hash_of(8), NOW));
	assert_true(database_run(database, "UPDATE record SET blob = x''", &why));
	assert_false(image_record_find(database, &blob, &kernel, hash_of(8), NOW));
	place_fini(&p);
}

static void
test_negatives(void **state)
{
	static const char *const wrong[] = {
		"UPDATE negative SET http_status = -1", "UPDATE negative SET http_status = 1000",
		"UPDATE negative SET http_status = 404, text = ''",
		"UPDATE negative SET refused = 0, text = printf('%.512c', 'x')",
	};
	const struct image_negative put = { .until = NOW, .http_status = 404, .refused = true,
	    .nfailures = 3, .text = "why" };
	struct image_negative got;
	struct database *database;
	struct place p;

	place_init(&p);
	database = store_database(p.store);
	assert_false(image_negative_find(database, &got, hash_of(0)));
	assert_true(image_negative_put(database, hash_of(0), &put, &why));
	assert_true(image_negative_find(database, &got, hash_of(0)));
	assert_true(got.until == NOW && got.http_status == 404 && got.refused &&
	    got.nfailures == 3 && strcmp(got.text, "why") == 0);
	assert_false(image_negative_find(database, &got, hash_of(1)));
	for (size_t i = 0; i < NELEM(wrong); i++) {
		assert_true(database_run(database, wrong[i], &why));
		if (image_negative_find(database, &got, hash_of(0)))
			fail_msg("%s", wrong[i]);
	}
	assert_true(image_negative_clear(database, hash_of(0), &why));
	assert_false(image_negative_find(database, &got, hash_of(0)));
	place_fini(&p);
}

/* A row whose hash is none is passed over, by whoever goes through them. */
static void
test_strange_rows(void **state)
{
	struct image_row row = { .used_at = INT64_MIN };
	struct database *database;
	struct place p;

	place_init(&p);
	database = store_database(p.store);
	assert_true(publish(&p, 0, NOW));
	assert_true(database_run(database, "INSERT INTO image VALUES (x'00', 1, 0, 0)", &why));
	assert_true(database_run(database, "UPDATE image SET bytes = -5 WHERE length(hash) = 32",
	    &why));
	assert_true(image_row_next(database, &row));
	assert_memory_equal(row.hash, hash_of(0), 32);
	assert_int_equal(row.nbytes, 0);
	assert_false(image_row_next(database, &row));
	place_fini(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_publish),
		cmocka_unit_test(test_publish_refused),
		cmocka_unit_test(test_no_space),
		cmocka_unit_test(test_nowhere),
		cmocka_unit_test(test_recovery),
		cmocka_unit_test(test_eviction),
		cmocka_unit_test(test_touch),
		cmocka_unit_test(test_condemn),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_negatives),
		cmocka_unit_test(test_strange_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
