/*
 * arena.h - memory of one job, freed at once
 *
 * Most of what a job builds is carved from its arena.  An arena has a maximum from the
 * start; past it every request for memory fails with LIMIT, as it does with INTERNAL when
 * the system has no memory.  arena_reset() keeps the first block, so a worker that reuses
 * its arena settles at no allocation per job.
 */
#ifndef CORE_ARENA_H
#define CORE_ARENA_H

#include "core/bytes.h"
#include "core/reason.h"

struct arena;

/* An arena that hands out at most max_len bytes; NULL when memory is out. */
struct arena *arena_new(size_t max_len);
void    arena_free(struct arena *arena);
AUTO_DEFINE(struct arena, arena_free)

/* Forgets everything handed out; keeps the first block for the next job. */
void    arena_reset(struct arena *arena);

/*
 * arena_alloc - len zeroed bytes, aligned for any type; lives until reset or free
 *
 *   fails   NULL; LIMIT past the arena's maximum, INTERNAL without memory
 */
void   *arena_alloc(struct arena *arena, size_t len, struct reason *why) MUST_CHECK;

/* The same, not cleared: for what is written whole at once. */
void   *arena_room(struct arena *arena, size_t len, struct reason *why) MUST_CHECK;

/* n zeroed elements of `size` bytes each, as arena_alloc(). */
void   *arena_array(struct arena *arena, size_t n, size_t size, struct reason *why) MUST_CHECK;

/* A copy of `from` with one NUL behind it that *out's length does not count. */
bool    arena_copy(struct arena *arena, struct bytes *out, struct bytes from,
    struct reason *why) MUST_CHECK;

#endif
