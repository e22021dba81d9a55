/*
 * image_store.h - the files of images, one directory each
 *
 *      CACHE_DIR/v1/staging/RANDOM/    being filled or being removed; locked while its owner lives
 *      CACHE_DIR/v1/images/HASH/       published: the five files a measurement reads, all at once
 *      CACHE_DIR/images/HASH/          what the Rust program of the same name has: used, not touched
 *
 * A directory is published by a rename, and taken away by one, so nobody sees half of one; whoever
 * has it open keeps it.  Several processes may use the same directories.  Nothing here is believed: a
 * measurer checks every hash on every use.
 *
 * source  os-image-measurement.md 13.5; decisions.md 13
 */
#ifndef FETCH_IMAGE_STORE_H
#define FETCH_IMAGE_STORE_H

#include "fetch/image_index.h"

#define IMAGE_STORE_MAX_IMAGES  1024    /* published, whatever their size               */
#define IMAGE_STORE_MAX_FILES   512     /* looked at in one directory                   */
#define IMAGE_STORE_MAX_ENTRIES 65536   /* looked at in one directory of directories    */
#define IMAGE_STAGING_NAME_SIZE 33

struct image_store;

/*
 * image_store_open - the directories, made as needed, and mended: what others left half done is
 * removed, and the index told what is there
 *
 *   cache_dir   ""  for none: then no image is ever found, and none can be kept
 *   max_bytes   of published files; beyond it those used longest ago go
 *   fails       INTERNAL     cannot be made
 */
bool    image_store_open(struct image_store **out, struct database *database,
    const char *cache_dir, uint64_t max_bytes, int64_t now, struct reason *why) MUST_CHECK;
void    image_store_close(struct image_store *store);
AUTO_DEFINE(struct image_store, image_store_close)

/* The directory of an image, to be closed by the caller; -1: there is none. */
int     image_store_find(struct image_store *store, const uint8_t hash[32]);

/* The image was used. */
void    image_store_touch(struct image_store *store, const uint8_t hash[32], int64_t now);

/* A place to put files of an image that nobody sees. */
struct image_staging {
	char    name[IMAGE_STAGING_NAME_SIZE];
	int     fd;
};

/* UNAVAILABLE: no space, or no directory. */
bool    image_staging_new(struct image_staging *out, struct image_store *store,
    struct reason *why) MUST_CHECK;
/* Removes it with all that is in it. */
void    image_staging_discard(struct image_staging *staging, struct image_store *store);

/*
 * image_store_publish - what was staged becomes the image's directory
 *
 *   staging     is over, whether this succeeds or not
 *   names       of the files that are kept, flat; the others are removed.  One name may come twice
 *   effect      if the image is there already that one stays, and this one goes.  Makes room by
 *               evicting others afterwards
 *   fails       UNAVAILABLE  "no space left for the OS image", "OS image cannot be written"
 */
bool    image_store_publish(struct image_store *store, struct image_staging *staging,
    const uint8_t hash[32], const char *const *names, size_t n, int64_t now,
    struct reason *why) MUST_CHECK;

/* The files found there are wrong: ours are removed, adopted ones not used again as they are. */
bool    image_store_condemn(struct image_store *store, const uint8_t hash[32],
    struct reason *why) MUST_CHECK;

/* Removes a published image; *found: whether it was there and not pinned. */
bool    image_store_evict(struct image_store *store, bool *found, const uint8_t hash[32],
    struct reason *why) MUST_CHECK;
/* Removes those used longest ago, but not what is pinned nor `but` (NULL: none), down to what is
 * allowed. */
bool    image_store_make_room(struct image_store *store, const uint8_t *but,
    struct reason *why) MUST_CHECK;
/* Pins or unpins; *found: whether it is published here. */
bool    image_store_pin(struct image_store *store, bool *found, const uint8_t hash[32],
    bool pinned, struct reason *why) MUST_CHECK;

/* Calls fn for each image, published ones in the order of last use; then adopted ones. */
void    image_store_each(struct image_store *store,
    void (*fn)(void *context, const struct image_row *row, bool adopted), void *context);

struct database *image_store_database(const struct image_store *store);

#endif
