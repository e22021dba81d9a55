#include "patch.h"

enum { PATCH_REPLACE, PATCH_INSERT, PATCH_DELETE, PATCH_FLIP };

struct patch {
	uint8_t operation;
	uint16_t at;
	struct bytes data;
};

/* The last one may be cut short. */
static bool
patch_read(struct patch *out, CBS *in)
{
	uint8_t len;
	CBS data;

	if (!CBS_get_u8(in, &out->operation) || !CBS_get_u16(in, &out->at) ||
	    !CBS_get_u8(in, &len))
		return false;
	if (!CBS_get_bytes(in, &data, len < CBS_len(in) ? len : CBS_len(in)))
		return false;
	out->data = bytes_cbs(&data);
	return true;
}

static struct bytes
patch_apply(const struct patch *patch, struct bytes old, struct arena *arena)
{
	const unsigned operation = patch->operation & 3;
	const size_t at = patch->at % (old.len + 1);
	size_t gone_len = patch->data.len < old.len - at ? patch->data.len : old.len - at;
	CBS rest = cbs_bytes(old), before, gone;
	struct reason why = { 0 };
	struct bytes added = patch->data, new;
	uint8_t *to;

	if (operation == PATCH_INSERT)
		gone_len = 0;
	if (operation == PATCH_DELETE)
		added.len = 0;
	if (operation == PATCH_FLIP)
		added.len = gone_len;
	fuzz_must(CBS_get_bytes(&rest, &before, at) && CBS_get_bytes(&rest, &gone, gone_len),
	    "a patch behind the end");
	new.len = at + added.len + CBS_len(&rest);
	to = arena_alloc(arena, new.len, &why);
	fuzz_must(to != NULL, "out of memory");
	new.ptr = to;
	bytes_copy(to, bytes_cbs(&before));
	bytes_copy(to + at, added);
	for (size_t i = 0; operation == PATCH_FLIP && i < added.len; i++)
		to[at + i] ^= CBS_data(&gone)[i];
	bytes_copy(to + at + added.len, bytes_cbs(&rest));
	return new;
}

void
patches_apply(struct bytes *parts, size_t nparts, struct bytes list, struct arena *arena)
{
	CBS in = cbs_bytes(list);
	struct patch patch;
	struct bytes *part;

	for (size_t i = 0; i < PATCHES_MAX && patch_read(&patch, &in); i++) {
		part = &parts[(patch.operation >> 2) % nparts];
		*part = patch_apply(&patch, *part, arena);
	}
}
