#include "fetch/image_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/hex.h"
#include "ipc/log.h"

#define PROGRAM         "fetcher"
#define HASH_SIZE       65              /* hex and its NUL                              */
#define STAGING_TRIES   8

struct image_store {
	struct database *database;
	uint64_t max_bytes;
	int     images, staging;        /* v1/images, v1/staging; -1: nothing is kept   */
	int     adopted;                /* images; -1: there is none                    */
};

static void
fd_close(const int *fd)
{
	if (*fd != -1)
		(void)close(*fd);
}
#define AUTO_FD         __attribute__((cleanup(fd_close))) int

static void
directory_close(DIR *directory)
{
	(void)closedir(directory);
}
AUTO_DEFINE(DIR, directory_close)

/* The words for a client; the log has what the system said. */
static bool
cannot_write(const char *what, struct reason *why)
{
	const int error = errno;

	log_line(LOG_ERR, PROGRAM, "store=%s error=\"%s\"", what, strerror(error));
	return reject(why, REASON_UNAVAILABLE, error == ENOSPC || error == EDQUOT ?
	    "no space left for the OS image" : "OS image cannot be written");
}

static int
directory_open(int at, const char *name)
{
	return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* A stream over a directory of its own descriptor, from the beginning. */
static DIR *
directory_read(int at, const char *name)
{
	int fd = directory_open(at, name);
	DIR *directory;

	if (fd == -1)
		return NULL;
	directory = fdopendir(fd);
	if (directory == NULL)
		(void)close(fd);
	return directory;
}

/* The next entry but "." and ".."; NULL at the end, or after `*left` of them. */
static const char *
entry_next(DIR *directory, size_t *left)
{
	const struct dirent *entry;

	while (*left > 0 && (entry = readdir(directory)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		(*left)--;
		return entry->d_name;
	}
	return NULL;
}

/* The hash that a directory is called by; 64 lower-case digits, nothing else. */
static bool
hash_of_name(uint8_t hash[32], const char *name)
{
	char again[HASH_SIZE];
	struct reason why;

	if (strlen(name) != HASH_SIZE - 1 ||
	    !hex_decode(hash, bytes_str(name), &why))
		return false;
	hex_text(again, (struct bytes){ hash, 32 });
	return strcmp(again, name) == 0;
}

/* Removal */

/* A directory of files; images have no directories in them. */
static void
tree_remove(int at, const char *name)
{
	AUTO(directory_close) DIR *directory = directory_read(at, name);
	size_t left = IMAGE_STORE_MAX_FILES;
	const char *entry;

	if (directory != NULL)
		while ((entry = entry_next(directory, &left)) != NULL)
			(void)unlinkat(dirfd(directory), entry, 0);
	if (unlinkat(at, name, AT_REMOVEDIR) == -1 && errno != ENOENT)
		log_line(LOG_ERR, PROGRAM, "staging=\"%.40s\" error=\"cannot remove: %s\"", name,
		    strerror(errno));
}

/* Staging */

static bool
name_make(char name[IMAGE_STAGING_NAME_SIZE])
{
	uint8_t random[(IMAGE_STAGING_NAME_SIZE - 1) / 2];

	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		return false;
	hex_text(name, BYTES_OF(random));
	return true;
}

/* Opens what was just made, and locks it; false when somebody's recovery was faster. */
static bool
staging_lock(struct image_staging *staging, const struct image_store *store)
{
	struct stat st;

	staging->fd = directory_open(store->staging, staging->name);
	if (staging->fd == -1)
		return false;
	if (flock(staging->fd, LOCK_EX | LOCK_NB) == 0 && fstat(staging->fd, &st) == 0 &&
	    st.st_nlink > 0)
		return true;
	(void)close(staging->fd);
	staging->fd = -1;
	return false;
}

bool
image_staging_new(struct image_staging *out, struct image_store *store, struct reason *why)
{
	*out = (struct image_staging){ .fd = -1 };
	if (store->staging == -1) {
		errno = ENOENT;
		return cannot_write("staging", why);
	}
	for (unsigned try = 0; try < STAGING_TRIES; try++) {
		if (!name_make(out->name) || mkdirat(store->staging, out->name, 0700) == -1)
			return cannot_write("staging", why);
		if (staging_lock(out, store))
			return true;
	}
	errno = EAGAIN;
	return cannot_write("staging", why);
}

void
image_staging_discard(struct image_staging *staging, struct image_store *store)
{
	tree_remove(store->staging, staging->name);
	fd_close(&staging->fd);
	staging->fd = -1;
}

/* What others left: no one has it locked, so no one will go on with it. */
static void
staging_recover(const struct image_store *store)
{
	AUTO(directory_close) DIR *directory = directory_read(store->staging, ".");
	size_t left = IMAGE_STORE_MAX_ENTRIES;
	const char *name;

	if (directory == NULL)
		return;
	while ((name = entry_next(directory, &left)) != NULL) {
		AUTO_FD fd = directory_open(store->staging, name);

		if (fd == -1)
			(void)unlinkat(store->staging, name, 0);
		else if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			tree_remove(store->staging, name);
	}
}

/* Finding */

/* When anything in an adopted directory changed last, in nanoseconds. */
static int64_t
changed_at(int fd)
{
	AUTO(directory_close) DIR *directory = directory_read(fd, ".");
	size_t left = IMAGE_STORE_MAX_FILES;
	int64_t last = 0, at;
	const char *name = ".";
	struct stat st;

	for (; directory != NULL && name != NULL; name = entry_next(directory, &left)) {
		if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
			continue;
		at = (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec;
		if (at > last)
			last = at;
	}
	return last;
}

static int
adopted_open(const struct image_store *store, const char *name)
{
	/* The Rust program's directory may be a link to where there is more room. */
	return store->adopted == -1 ? -1 : directory_open(store->adopted, name);
}

int
image_store_find(struct image_store *store, const uint8_t hash[32])
{
	char name[HASH_SIZE];
	int64_t condemned_at;
	int fd;

	hex_text(name, (struct bytes){ hash, 32 });
	fd = store->images == -1 ? -1 : directory_open(store->images, name);
	if (fd != -1)
		return fd;
	fd = adopted_open(store, name);
	if (fd != -1 && image_condemned_find(store->database, &condemned_at, hash) &&
	    condemned_at == changed_at(fd)) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

void
image_store_touch(struct image_store *store, const uint8_t hash[32], int64_t now)
{
	struct reason why;

	if (!image_row_touch(store->database, hash, now, &why))
		log_line(LOG_ERR, PROGRAM, "error=\"%s\"", why.text);
}

/* Publishing */

static bool
name_is_kept(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static bool
others_remove(int fd, const char *const *names, size_t n, struct reason *why)
{
	AUTO(directory_close) DIR *directory = directory_read(fd, ".");
	size_t left = IMAGE_STORE_MAX_FILES;
	const char *name;

	if (directory == NULL)
		return cannot_write("staging", why);
	while ((name = entry_next(directory, &left)) != NULL)
		if (!name_is_kept(name, names, n) && unlinkat(fd, name, 0) == -1)
			return cannot_write(name, why);
	return true;
}

/* A kept file on its way to the disk, and its size. */
static bool
file_sync(uint64_t *nbytes, int directory, const char *name, struct reason *why)
{
	AUTO_FD fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd == -1 || fstat(fd, &st) == -1)
		return cannot_write(name, why);
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		return cannot_write(name, why);
	}
	if (fsync(fd) == -1)
		return cannot_write(name, why);
	*nbytes += (uint64_t)st.st_size;
	return true;
}

static bool
staging_sync(uint64_t *nbytes, const struct image_staging *staging, const char *const *names,
    size_t n, struct reason *why)
{
	*nbytes = 0;
	for (size_t i = 0; i < n; i++)
		if (!name_is_kept(names[i], names, i) &&
		    !file_sync(nbytes, staging->fd, names[i], why))
			return false;
	return others_remove(staging->fd, names, n, why) &&
	    (fsync(staging->fd) == 0 || cannot_write("staging", why));
}

/* *there: somebody else was faster. */
static bool
staging_rename(const struct image_store *store, const struct image_staging *staging,
    const char *name, bool *there, struct reason *why)
{
	if (renameat2(store->staging, staging->name, store->images, name, RENAME_NOREPLACE) == 0)
		return fsync(store->images) == 0 || cannot_write("images", why);
	*there = errno == EEXIST;
	return *there || cannot_write("images", why);
}

bool
image_store_publish(struct image_store *store, struct image_staging *staging,
    const uint8_t hash[32], const char *const *names, size_t n, int64_t now,
    struct reason *why)
{
	char name[HASH_SIZE];
	uint64_t nbytes;
	bool there = false;

	hex_text(name, (struct bytes){ hash, 32 });
	if (!staging_sync(&nbytes, staging, names, n, why) ||
	    !staging_rename(store, staging, name, &there, why)) {
		image_staging_discard(staging, store);
		return false;
	}
	if (there)
		image_staging_discard(staging, store);
	else
		fd_close(&staging->fd);
	staging->fd = -1;
	/* The index can be made anew from the directories; so what fails here is for the log. */
	if (!image_row_put(store->database, hash, nbytes, now, why) ||
	    !image_store_make_room(store, hash, why))
		log_line(LOG_ERR, PROGRAM, "image=%s error=\"%s\"", name, why->text);
	return true;
}

/* Taking away */

/* Out of sight at once, and then removed; false when it is not there. */
static bool
image_remove(struct image_store *store, const uint8_t hash[32])
{
	char name[HASH_SIZE], aside[IMAGE_STAGING_NAME_SIZE];

	hex_text(name, (struct bytes){ hash, 32 });
	if (store->images == -1 || !name_make(aside) ||
	    renameat(store->images, name, store->staging, aside) == -1)
		return false;
	tree_remove(store->staging, aside);
	return true;
}

static bool
adopted_condemn(struct image_store *store, const uint8_t hash[32], const char *name,
    struct reason *why)
{
	AUTO_FD fd = adopted_open(store, name);

	return fd == -1 || image_condemned_put(store->database, hash, changed_at(fd), why);
}

bool
image_store_condemn(struct image_store *store, const uint8_t hash[32], struct reason *why)
{
	char name[HASH_SIZE];

	if (image_remove(store, hash))
		return image_row_remove(store->database, hash, why);
	hex_text(name, (struct bytes){ hash, 32 });
	return adopted_condemn(store, hash, name, why);
}

bool
image_store_evict(struct image_store *store, bool *found, const uint8_t hash[32],
    struct reason *why)
{
	struct image_row row;

	*found = (!image_row_find(store->database, &row, hash) || !row.pinned) &&
	    image_remove(store, hash);
	return !*found || image_row_remove(store->database, hash, why);
}

bool
image_store_make_room(struct image_store *store, const uint8_t *but, struct reason *why)
{
	struct image_row row = { .nbytes = 0 };
	uint64_t n, nbytes;
	bool found;

	if (!image_rows_sum(store->database, &n, &nbytes, why))
		return false;
	row.used_at = INT64_MIN;
	while ((n > IMAGE_STORE_MAX_IMAGES || nbytes > store->max_bytes) &&
	    image_row_next(store->database, &row)) {
		if (row.pinned || (but != NULL && memcmp(row.hash, but, sizeof row.hash) == 0))
			continue;
		if (!image_store_evict(store, &found, row.hash, why) ||
		    (!found && !image_row_remove(store->database, row.hash, why)))
			return false;
		n--;
		nbytes -= row.nbytes < nbytes ? row.nbytes : nbytes;
	}
	return true;
}

bool
image_store_pin(struct image_store *store, bool *found, const uint8_t hash[32], bool pinned,
    struct reason *why)
{
	return image_row_pin(store->database, found, hash, pinned, why);
}

/* Opening */

/* Rows without a directory go. */
static bool
rows_recover(struct image_store *store, struct reason *why)
{
	struct image_row row = { .used_at = INT64_MIN };
	char name[HASH_SIZE];

	while (image_row_next(store->database, &row)) {
		hex_text(name, BYTES_OF(row.hash));
		if (faccessat(store->images, name, F_OK, AT_SYMLINK_NOFOLLOW) == -1 &&
		    errno == ENOENT && !image_row_remove(store->database, row.hash, why))
			return false;
	}
	return true;
}

static uint64_t
directory_size(int at, const char *name)
{
	AUTO(directory_close) DIR *directory = directory_read(at, name);
	size_t left = IMAGE_STORE_MAX_FILES;
	uint64_t nbytes = 0;
	const char *entry;
	struct stat st;

	while (directory != NULL && (entry = entry_next(directory, &left)) != NULL)
		if (fstatat(dirfd(directory), entry, &st, AT_SYMLINK_NOFOLLOW) == 0)
			nbytes += (uint64_t)st.st_size;
	return nbytes;
}

/* Directories without a row get one. */
static bool
directories_recover(struct image_store *store, int64_t now, struct reason *why)
{
	AUTO(directory_close) DIR *directory = directory_read(store->images, ".");
	size_t left = IMAGE_STORE_MAX_ENTRIES;
	struct image_row row;
	const char *name;
	uint8_t hash[32];

	while (directory != NULL && (name = entry_next(directory, &left)) != NULL)
		if (hash_of_name(hash, name) && !image_row_find(store->database, &row, hash) &&
		    !image_row_put(store->database, hash, directory_size(store->images, name), now,
		    why))
			return false;
	return true;
}

static bool
directory_make(int *out, int at, const char *name, struct reason *why)
{
	if (mkdirat(at, name, 0700) == -1 && errno != EEXIST)
		return reject(why, REASON_INTERNAL, "cannot make %s: %s", name, strerror(errno));
	*out = directory_open(at, name);
	return *out != -1 ||
	    reject(why, REASON_INTERNAL, "cannot open %s: %s", name, strerror(errno));
}

static bool
directories_open(struct image_store *store, const char *cache_dir, struct reason *why)
{
	AUTO_FD cache = open(cache_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_FD own = -1;

	if (cache == -1)
		return reject(why, REASON_INTERNAL, "cannot open %s: %s", cache_dir,
		    strerror(errno));
	store->adopted = openat(cache, "images", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return directory_make(&own, cache, DATABASE_DIRECTORY, why) &&
	    directory_make(&store->images, own, "images", why) &&
	    directory_make(&store->staging, own, "staging", why);
}

bool
image_store_open(struct image_store **out, struct database *database, const char *cache_dir,
    uint64_t max_bytes, int64_t now, struct reason *why)
{
	AUTO(image_store_close) struct image_store *store = calloc(1, sizeof *store);

	*out = NULL;
	if (store == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	store->database = database;
	store->max_bytes = max_bytes;
	store->images = store->staging = store->adopted = -1;
	if (cache_dir[0] != '\0') {
		if (!directories_open(store, cache_dir, why))
			return false;
		staging_recover(store);
		if (!rows_recover(store, why) || !directories_recover(store, now, why))
			return false;
	}
	*out = TAKE(store);
	return true;
}

void
image_store_close(struct image_store *store)
{
	if (store == NULL)
		return;
	fd_close(&store->images);
	fd_close(&store->staging);
	fd_close(&store->adopted);
	free(store);
}

struct database *
image_store_database(const struct image_store *store)
{
	return store->database;
}

/* Listing */

void
image_store_each(struct image_store *store,
    void (*fn)(void *context, const struct image_row *row, bool adopted), void *context)
{
	AUTO(directory_close) DIR *directory = NULL;
	struct image_row row = { .used_at = INT64_MIN };
	size_t left = IMAGE_STORE_MAX_ENTRIES;
	const char *name;

	while (image_row_next(store->database, &row))
		fn(context, &row, false);
	if (store->adopted == -1)
		return;
	directory = directory_read(store->adopted, ".");
	while (directory != NULL && (name = entry_next(directory, &left)) != NULL) {
		row = (struct image_row){ .nbytes = directory_size(store->adopted, name) };
		if (hash_of_name(row.hash, name))
			fn(context, &row, true);
	}
}
