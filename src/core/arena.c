#include "core/arena.h"

#include <stdalign.h>
#include <stdlib.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
/* Under the address sanitizer what was not handed out may not be touched. */
#define GAP_LEN                 ((size_t)16)
#else
#define ASAN_POISON_MEMORY_REGION(p, len)       ((void)(p), (void)(len))
#define ASAN_UNPOISON_MEMORY_REGION(p, len)     ((void)(p), (void)(len))
#define GAP_LEN                 ((size_t)0)
#endif

/* Room of the first block: a typical request with its parsed event log fits. */
#define ARENA_BLOCK_LEN         ((size_t)64 << 10)

struct block {
	struct block *next;
	size_t  size;
	size_t  used;
	alignas(max_align_t) unsigned char data[];
};

struct arena {
	struct block *blocks;   /* newest first; the last is the one kept          */
	size_t  max_len;
	size_t  total_len;      /* handed out since the last reset; at most max_len */
};

static struct block *
block_new(size_t size)
{
	struct block *block;
	size_t len;

	if (!size_add(&len, sizeof *block, size))
		return NULL;
	block = malloc(len);
	if (block == NULL)
		return NULL;
	*block = (struct block){ .size = size };
	ASAN_POISON_MEMORY_REGION(block->data, size);
	return block;
}

struct arena *
arena_new(size_t max_len)
{
	struct arena *arena = malloc(sizeof *arena);

	if (arena == NULL)
		return NULL;
	*arena = (struct arena){ .max_len = max_len };
	return arena;
}

void
arena_reset(struct arena *arena)
{
	struct block *block = arena->blocks;

	while (block != NULL && block->next != NULL) {
		struct block *next = block->next;

		free(block);
		block = next;
	}
	if (block != NULL) {
		block->used = 0;
		ASAN_POISON_MEMORY_REGION(block->data, block->size);
	}
	arena->blocks = block;
	arena->total_len = 0;
}

void
arena_free(struct arena *arena)
{
	if (arena == NULL)
		return;
	arena_reset(arena);
	free(arena->blocks);
	free(arena);
}

void *
arena_room(struct arena *arena, size_t len, struct reason *why)
{
	const size_t align = alignof(max_align_t);
	struct block *block = arena->blocks;
	size_t padded, room;
	void *p;

	if (!size_add(&padded, len, align - 1) ||
	    padded - padded % align > arena->max_len - arena->total_len) {
		(void)reject(why, REASON_LIMIT, "input needs more than %zu bytes of memory",
		    arena->max_len);
		return NULL;
	}
	padded -= padded % align;
	room = padded + GAP_LEN;
	if (block == NULL || block->size - block->used < room) {
		block = block_new(room > ARENA_BLOCK_LEN ? room : ARENA_BLOCK_LEN);
		if (block == NULL) {
			(void)reject(why, REASON_INTERNAL, "out of memory");
			return NULL;
		}
		block->next = arena->blocks;
		arena->blocks = block;
	}
	p = block->data + block->used;
	block->used += room;
	arena->total_len += padded;
	ASAN_UNPOISON_MEMORY_REGION(p, len);
	return p;
}

void *
arena_alloc(struct arena *arena, size_t len, struct reason *why)
{
	void *p = arena_room(arena, len, why);

	if (p != NULL)
		memset(p, 0, len);
	return p;
}

void *
arena_array(struct arena *arena, size_t n, size_t size, struct reason *why)
{
	size_t len;

	if (!size_mul(&len, n, size)) {
		(void)reject(why, REASON_LIMIT, "input needs more than %zu bytes of memory",
		    arena->max_len);
		return NULL;
	}
	return arena_alloc(arena, len, why);
}

bool
arena_copy(struct arena *arena, struct bytes *out, struct bytes from, struct reason *why)
{
	uint8_t *p;
	size_t len;

	if (!size_add(&len, from.len, 1))
		return reject(why, REASON_LIMIT, "input is too long");
	p = arena_room(arena, len, why);
	if (p == NULL)
		return false;
	bytes_copy(p, from);
	p[from.len] = '\0';
	*out = (struct bytes){ p, from.len };
	return true;
}
