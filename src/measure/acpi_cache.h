/*
 * acpi_cache.h - digests of ACPI tables that were generated before
 *
 * Tables depend on the shape of the machine alone, and making them for thousands of processors
 * costs a megabyte of hashing.  The cache is bounded, evicts what was used least recently and is
 * keyed by the complete shape and the profile, compared byte by byte: it never changes an answer,
 * only its cost.  Refusals are not kept, they cost nothing.  It owns the memory that tables are
 * generated in, too.  One per thread; no locks.
 */
#ifndef MEASURE_ACPI_CACHE_H
#define MEASURE_ACPI_CACHE_H

#include "measure/acpi/acpi.h"

#define ACPI_CACHE_ENTRIES      256             /* about 100 KiB */

struct acpi_cache;

/* A cache of at most n entries (n > 0); NULL when memory is out. */
struct acpi_cache *acpi_cache_new(size_t n);
void    acpi_cache_free(struct acpi_cache *cache);
AUTO_DEFINE(struct acpi_cache, acpi_cache_free)

/* How many lookups were answered from the cache since it was made. */
uint64_t acpi_cache_hits(const struct acpi_cache *cache);

/*
 * acpi_cache_digests - the digests of a shape's tables, remembered or computed
 *
 *   fails   as the generator, with its texts
 */
bool    acpi_cache_digests(struct acpi_cache *cache, struct acpi_digests *out,
    const struct acpi_shape *shape, enum acpi_profile profile, struct reason *why) MUST_CHECK;

#endif
