#include "dcap/lru.h"

#include <assert.h>
#include <stdlib.h>

/* Links are indexes into the entries; this one ends a list. */
#define NONE    UINT32_MAX

struct entry {
	uint8_t key[LRU_KEY_LEN];
	uint8_t owner[LRU_OWNER_LEN];
	void    *value;
	uint64_t used;                  /* ticks: greater is more recent    */
	uint32_t next;                  /* in its bucket; free list too     */
	uint32_t next_owned;            /* in its owner's bucket            */
	uint32_t newer, older;
	bool    owned;
};

struct lru {
	struct entry *entries;
	uint32_t *buckets;              /* heads, by key                    */
	uint32_t *owners;               /* heads, by owner                  */
	void    (*drop)(void *value);
	size_t  mask;                   /* number of buckets less 1         */
	size_t  per_owner;
	size_t  count, max;
	uint64_t tick;
	uint32_t free, newest, oldest;
};

/* Keys are digests: any of their bits choose evenly. */
static uint32_t *
bucket_of(uint32_t *heads, const struct lru *lru, const uint8_t *key)
{
	uint32_t hash;

	memcpy(&hash, key, sizeof hash);
	return &heads[hash & lru->mask];
}

struct lru *
lru_new(size_t max_entries, size_t per_owner, void (*drop)(void *value))
{
	AUTO(lru_free) struct lru *lru = calloc(1, sizeof *lru);
	size_t i, nbuckets = 1;

	assert(max_entries > 0 && max_entries < NONE / 2 && per_owner > 0);
	if (lru == NULL)
		return NULL;
	while (nbuckets < max_entries)
		nbuckets *= 2;
	*lru = (struct lru){ .drop = drop, .mask = nbuckets - 1, .per_owner = per_owner,
	    .max = max_entries, .free = NONE, .newest = NONE, .oldest = NONE };
	lru->entries = calloc(max_entries, sizeof *lru->entries);
	lru->buckets = calloc(nbuckets, sizeof *lru->buckets);
	lru->owners = calloc(nbuckets, sizeof *lru->owners);
	if (lru->entries == NULL || lru->buckets == NULL || lru->owners == NULL)
		return NULL;
	for (i = 0; i < nbuckets; i++)
		lru->buckets[i] = lru->owners[i] = NONE;
	return TAKE(lru);
}

void
lru_free(struct lru *lru)
{
	uint32_t i;

	if (lru == NULL)
		return;
	for (i = lru->newest; lru->drop != NULL && i != NONE; i = lru->entries[i].older)
		lru->drop(lru->entries[i].value);
	free(lru->entries);
	free(lru->buckets);
	free(lru->owners);
	free(lru);
}

static uint32_t
entry_find(const struct lru *lru, const uint8_t key[LRU_KEY_LEN])
{
	uint32_t i = *bucket_of(lru->buckets, lru, key);

	while (i != NONE && memcmp(lru->entries[i].key, key, LRU_KEY_LEN) != 0)
		i = lru->entries[i].next;
	return i;
}

static void
order_unlink(struct lru *lru, const struct entry *e)
{
	if (e->newer != NONE)
		lru->entries[e->newer].older = e->older;
	else
		lru->newest = e->older;
	if (e->older != NONE)
		lru->entries[e->older].newer = e->newer;
	else
		lru->oldest = e->newer;
}

static void
order_push(struct lru *lru, uint32_t i)
{
	struct entry *e = &lru->entries[i];

	e->used = ++lru->tick;
	e->newer = NONE;
	e->older = lru->newest;
	if (lru->newest != NONE)
		lru->entries[lru->newest].newer = i;
	else
		lru->oldest = i;
	lru->newest = i;
}

static void
chains_unlink(struct lru *lru, uint32_t i)
{
	struct entry *e = &lru->entries[i];
	uint32_t *link = bucket_of(lru->buckets, lru, e->key);

	while (*link != i)
		link = &lru->entries[*link].next;
	*link = e->next;
	if (!e->owned)
		return;
	link = bucket_of(lru->owners, lru, e->owner);
	while (*link != i)
		link = &lru->entries[*link].next_owned;
	*link = e->next_owned;
}

static void
entry_remove(struct lru *lru, uint32_t i)
{
	struct entry *e = &lru->entries[i];

	chains_unlink(lru, i);
	order_unlink(lru, e);
	if (lru->drop != NULL)
		lru->drop(e->value);
	e->next = lru->free;
	lru->free = i;
	lru->count--;
}

/* Makes room among the owner's entries. */
static void
owner_trim(struct lru *lru, const uint8_t *owner)
{
	uint32_t i, victim = NONE;
	size_t n = 0;

	for (i = *bucket_of(lru->owners, lru, owner); i != NONE; i = lru->entries[i].next_owned) {
		const struct entry *e = &lru->entries[i];

		if (memcmp(e->owner, owner, LRU_OWNER_LEN) != 0)
			continue;
		n++;
		if (victim == NONE || e->used < lru->entries[victim].used)
			victim = i;
	}
	if (n >= lru->per_owner)
		entry_remove(lru, victim);
}

/* An unused entry: one that was removed, one never used yet, or the oldest. */
static uint32_t
entry_take(struct lru *lru)
{
	uint32_t i;

	if (lru->count == lru->max)
		entry_remove(lru, lru->oldest);
	i = lru->free;
	if (i == NONE)
		return (uint32_t)lru->count;    /* none was ever removed: they lie in order */
	lru->free = lru->entries[i].next;
	return i;
}

bool
lru_find(struct lru *lru, const uint8_t key[LRU_KEY_LEN], void **value)
{
	uint32_t i = entry_find(lru, key);

	if (i == NONE)
		return false;
	order_unlink(lru, &lru->entries[i]);
	order_push(lru, i);
	if (value != NULL)
		*value = lru->entries[i].value;
	return true;
}

void
lru_add(struct lru *lru, const uint8_t key[LRU_KEY_LEN], const uint8_t *owner, void *value)
{
	struct entry *e;
	uint32_t *head, i = entry_find(lru, key);

	if (i != NONE)
		entry_remove(lru, i);
	if (owner != NULL)
		owner_trim(lru, owner);
	i = entry_take(lru);
	e = &lru->entries[i];
	*e = (struct entry){ .value = value, .owned = owner != NULL };
	memcpy(e->key, key, LRU_KEY_LEN);
	head = bucket_of(lru->buckets, lru, key);
	e->next = *head;
	*head = i;
	if (owner != NULL) {
		memcpy(e->owner, owner, LRU_OWNER_LEN);
		head = bucket_of(lru->owners, lru, owner);
		e->next_owned = *head;
		*head = i;
	}
	order_push(lru, i);
	lru->count++;
}

size_t
lru_count(const struct lru *lru)
{
	return lru->count;
}
