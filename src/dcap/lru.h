/*
 * lru.h - a bounded table that forgets the least recently used entry first
 *
 * Keys are digests of 32 bytes; lookups take constant time.  An entry may have an owner, and of one
 * owner only so many are kept.  All memory is taken when the table is made.  For memo.c and
 * verify/images.c.
 */
#ifndef DCAP_LRU_H
#define DCAP_LRU_H

#include "core/bytes.h"

#define LRU_KEY_LEN             32
#define LRU_OWNER_LEN           16

struct lru;

/*
 * lru_new - an empty table
 *
 *   max_entries     at least 1
 *   per_owner       how many entries of one owner are kept, at least 1
 *   drop            called with each value that leaves; NULL: values are not owned
 *   gives           NULL when memory is out
 */
struct lru *lru_new(size_t max_entries, size_t per_owner, void (*drop)(void *value));
void    lru_free(struct lru *lru);
AUTO_DEFINE(struct lru, lru_free)

/* Finds an entry, makes it the most recently used, and gives its value, if that is asked for. */
bool    lru_find(struct lru *lru, const uint8_t key[LRU_KEY_LEN], void **value);

/*
 * lru_add - a new entry; one of the same key is replaced
 *
 *   owner   16 bytes, or NULL for nobody's.  When the owner has per_owner entries already, his
 *           least recently used one goes, and otherwise, in a full table, everybody's
 */
void    lru_add(struct lru *lru, const uint8_t key[LRU_KEY_LEN], const uint8_t *owner,
    void *value);

size_t  lru_count(const struct lru *lru);

#endif
