/*
 * image_index.h - what the database knows of images
 *
 * Whether an image's files are there is told by the directories (image_store.h); here is when it
 * was used, what a service has measured, and what could not be had.  Records are kept under the
 * public key that signs them, so that services which share a directory share files and never
 * records.  A row that makes no sense counts as none.
 *
 * source  os-image-measurement.md 13.2, 13.4, 13.5
 */
#ifndef FETCH_IMAGE_INDEX_H
#define FETCH_IMAGE_INDEX_H

#include "dstack-verifier/facts.h"
#include "fetch/database.h"

#define IMAGE_INDEX_RECORD_MAX  8192    /* bytes of a signed record                     */
#define IMAGE_INDEX_TEXT_SIZE   512
#define IMAGE_INDEX_MAX_RECORDS 8192    /* beyond it the ones used longest ago go       */
#define IMAGE_INDEX_MAX_NEGATIVES       4096
#define IMAGE_INDEX_TOUCH_S     60      /* uses are noted at most so often              */

/* Records and kernel facts */

struct image_record_blob {
	uint8_t data[IMAGE_INDEX_RECORD_MAX];
	size_t  len;
};

/* The record of that key under that public key of 32 bytes; false: there is none. */
bool    image_record_find(struct database *database, struct image_record_blob *out,
    const struct dv_key *key, const uint8_t *image_key, int64_t now);
bool    image_record_put(struct database *database, const struct dv_key *key,
    const uint8_t *image_key, struct bytes blob, int64_t now, struct reason *why) MUST_CHECK;
bool    image_record_remove(struct database *database, const struct dv_key *key,
    const uint8_t *image_key, struct reason *why) MUST_CHECK;

/* Failures */

struct image_negative {
	int64_t until;                  /* when to try again                            */
	unsigned http_status;           /* 0: none                                      */
	bool    refused;                /* by what the image holds                      */
	unsigned nfailures;             /* in a row                                     */
	char    text[IMAGE_INDEX_TEXT_SIZE];    /* "": by the status                    */
};

bool    image_negative_find(struct database *database, struct image_negative *out,
    const uint8_t hash[32]);
bool    image_negative_put(struct database *database, const uint8_t hash[32],
    const struct image_negative *negative, struct reason *why) MUST_CHECK;
bool    image_negative_clear(struct database *database, const uint8_t hash[32],
    struct reason *why) MUST_CHECK;

/* Images whose files are there */

struct image_row {
	uint8_t hash[32];
	uint64_t nbytes;
	int64_t used_at;
	bool    pinned;
};

/* Makes the row, or brings its size and use up to date. */
bool    image_row_put(struct database *database, const uint8_t hash[32], uint64_t nbytes,
    int64_t now, struct reason *why) MUST_CHECK;
/* The image was used. */
bool    image_row_touch(struct database *database, const uint8_t hash[32], int64_t now,
    struct reason *why) MUST_CHECK;
/* *found: whether there is such a row. */
bool    image_row_pin(struct database *database, bool *found, const uint8_t hash[32], bool pinned,
    struct reason *why) MUST_CHECK;
bool    image_row_remove(struct database *database, const uint8_t hash[32],
    struct reason *why) MUST_CHECK;
bool    image_row_find(struct database *database, struct image_row *out, const uint8_t hash[32]);

/* The next row in the order of last use, after `row`; at first a row of zeroes. */
bool    image_row_next(struct database *database, struct image_row *row);

/* Count and bytes of all rows. */
bool    image_rows_sum(struct database *database, uint64_t *n, uint64_t *nbytes,
    struct reason *why) MUST_CHECK;

/* Adopted directories that were found to be wrong, and as of when: until they change. */
bool    image_condemned_find(struct database *database, int64_t *changed_at,
    const uint8_t hash[32]);
bool    image_condemned_put(struct database *database, const uint8_t hash[32],
    int64_t changed_at, struct reason *why) MUST_CHECK;

#endif
