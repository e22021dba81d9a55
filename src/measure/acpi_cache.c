#include "measure/acpi_cache.h"

#include <assert.h>
#include <stdlib.h>

#include "measure/acpi/bytebuf.h"

#define ARENA_MAX_LEN           (4u << 20)      /* the largest tables need 1.2 MiB       */
#define KEY_MAX_LEN             192
#define KEY_MAX_TEXT_LEN        32              /* longer versions and modes: no caching */
#define KEY_MAX_NODES           16              /* more are refused by the generator     */
#define NONE                    SIZE_MAX

struct entry {
	size_t  key_len;
	uint8_t key[KEY_MAX_LEN];
	struct acpi_digests digests;
	size_t  bucket_next;    /* in the same bucket, or NONE                  */
	size_t  newer, older;   /* by last use, or NONE                         */
};

struct acpi_cache {
	struct arena *arena;
	size_t  n_max, n;       /* entries there is room for, and in use        */
	struct entry *entries;
	size_t *buckets;        /* n_max of them: first entry, or NONE          */
	size_t  newest, oldest;
	uint64_t hits;
};

struct acpi_cache *
acpi_cache_new(size_t n)
{
	AUTO(acpi_cache_free) struct acpi_cache *cache = calloc(1, sizeof *cache);
	size_t i;

	assert(n > 0);
	if (cache == NULL)
		return NULL;
	cache->arena = arena_new(ARENA_MAX_LEN);
	cache->entries = calloc(n, sizeof *cache->entries);
	cache->buckets = calloc(n, sizeof *cache->buckets);
	if (cache->arena == NULL || cache->entries == NULL || cache->buckets == NULL)
		return NULL;
	cache->n_max = n;
	cache->newest = cache->oldest = NONE;
	for (i = 0; i < n; i++)
		cache->buckets[i] = NONE;
	return TAKE(cache);
}

void
acpi_cache_free(struct acpi_cache *cache)
{
	if (cache == NULL)
		return;
	arena_free(cache->arena);
	free(cache->entries);
	free(cache->buckets);
	free(cache);
}

uint64_t
acpi_cache_hits(const struct acpi_cache *cache)
{
	return cache->hits;
}

static void
text_write(struct bytebuf *out, struct bytes text)
{
	bytebuf_u8(out, (unsigned)text.len);
	bytebuf_put(out, text);
}

static void
nodes_write(struct bytebuf *out, const struct acpi_shape *s)
{
	size_t i;

	bytebuf_u8(out, (unsigned)s->n_numa_nodes);
	for (i = 0; i < s->n_numa_nodes; i++) {
		bytebuf_u8(out, s->numa_nodes[i].has_pxb_bus);
		bytebuf_u8(out, s->numa_nodes[i].pxb_bus);
	}
}

/* What has no place in a key is generated each time, most of it to be refused. */
static bool
key_possible(const struct acpi_shape *s)
{
	return s->hole64 == NULL && s->n_extra_root_devices == 0 &&
	    s->n_numa_nodes <= KEY_MAX_NODES && s->qemu_version.len <= KEY_MAX_TEXT_LEN &&
	    s->host_share_mode.len <= KEY_MAX_TEXT_LEN;
}

/*
 * Every field of the shape, in fixed widths or with a length, so that different shapes never
 * have equal keys.  A field that is added to struct acpi_shape has to be added here; the unit
 * test changes each.
 */
static void
key_write(struct bytebuf *out, const struct acpi_shape *s, enum acpi_profile profile)
{
	bytebuf_u8(out, profile);
	bytebuf_u32(out, s->cpu_count);
	bytebuf_u64(out, s->memory_size);
	bytebuf_u8(out, s->has_qemu_version);
	text_write(out, s->qemu_version);
	bytebuf_u8(out, s->pic);
	bytebuf_u64(out, s->pci_hole64_size);
	bytebuf_u8(out, s->hugepages);
	bytebuf_u32(out, s->num_gpus);
	bytebuf_u32(out, s->num_nvswitches);
	bytebuf_u32(out, s->num_nics);
	bytebuf_u32(out, s->num_verity_volumes);
	bytebuf_u8(out, s->swtpm);
	bytebuf_u8(out, s->hotplug_off);
	text_write(out, s->host_share_mode);
	nodes_write(out, s);
	bytebuf_u8(out, s->root_verity);
	bytebuf_u8(out, s->smm);
	bytebuf_u8(out, s->hpet);
	assert(!out->full);
}

/* FNV-1a.  Keys made to collide cost a walk over n_max entries, which is little. */
static size_t
key_bucket(const struct acpi_cache *cache, struct bytes key)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	size_t i;

	for (i = 0; i < key.len; i++)
		hash = (hash ^ key.ptr[i]) * UINT64_C(0x100000001b3);
	return (size_t)((hash ^ hash >> 32) % cache->n_max);
}

/* Takes an entry out of the order of use. */
static void
use_remove(struct acpi_cache *cache, size_t i)
{
	struct entry *e = &cache->entries[i];

	*(e->newer == NONE ? &cache->newest : &cache->entries[e->newer].older) = e->older;
	*(e->older == NONE ? &cache->oldest : &cache->entries[e->older].newer) = e->newer;
}

static void
use_add(struct acpi_cache *cache, size_t i)
{
	struct entry *e = &cache->entries[i];

	e->newer = NONE;
	e->older = cache->newest;
	*(e->older == NONE ? &cache->oldest : &cache->entries[e->older].newer) = i;
	cache->newest = i;
}

static void
bucket_remove(struct acpi_cache *cache, size_t i)
{
	const struct entry *e = &cache->entries[i];
	size_t *at = &cache->buckets[key_bucket(cache, (struct bytes){ e->key, e->key_len })];

	while (*at != i)
		at = &cache->entries[*at].bucket_next;
	*at = e->bucket_next;
}

static const struct acpi_digests *
cache_find(struct acpi_cache *cache, struct bytes key)
{
	size_t i = cache->buckets[key_bucket(cache, key)];

	for (; i != NONE; i = cache->entries[i].bucket_next) {
		const struct entry *e = &cache->entries[i];

		if (!bytes_equal((struct bytes){ e->key, e->key_len }, key))
			continue;
		use_remove(cache, i);
		use_add(cache, i);
		cache->hits++;
		return &e->digests;
	}
	return NULL;
}

/* The key is not in the cache. */
static void
cache_add(struct acpi_cache *cache, struct bytes key, const struct acpi_digests *digests)
{
	size_t *bucket, i = cache->n;
	struct entry *e;

	if (cache->n == cache->n_max) {
		i = cache->oldest;
		use_remove(cache, i);
		bucket_remove(cache, i);
	} else
		cache->n++;
	e = &cache->entries[i];
	bytes_copy(e->key, key);
	e->key_len = key.len;
	e->digests = *digests;
	bucket = &cache->buckets[key_bucket(cache, key)];
	e->bucket_next = *bucket;
	*bucket = i;
	use_add(cache, i);
}

static bool
digests_generate(struct acpi_cache *cache, struct acpi_digests *out,
    const struct acpi_shape *shape, enum acpi_profile profile, struct reason *why)
{
	struct acpi_blobs blobs;

	arena_reset(cache->arena);
	if (!acpi_generate(&blobs, cache->arena, shape, profile, why))
		return false;
	acpi_digest(out, &blobs);
	return true;
}

bool
acpi_cache_digests(struct acpi_cache *cache, struct acpi_digests *out,
    const struct acpi_shape *shape, enum acpi_profile profile, struct reason *why)
{
	const struct acpi_digests *known;
	uint8_t buffer[KEY_MAX_LEN];
	struct bytebuf key = { .ptr = buffer, .max_len = sizeof buffer };

	if (!key_possible(shape))
		return digests_generate(cache, out, shape, profile, why);
	key_write(&key, shape, profile);
	known = cache_find(cache, (struct bytes){ key.ptr, key.len });
	if (known != NULL) {
		*out = *known;
		return true;
	}
	if (!digests_generate(cache, out, shape, profile, why))
		return false;
	cache_add(cache, (struct bytes){ key.ptr, key.len }, out);
	return true;
}
