#include "change.h"

static struct bytes
spliced(struct bytes in, size_t at, size_t len, struct bytes with)
{
	MUST(at <= in.len && len <= in.len - at);
	return build_join((struct bytes[]){ { in.ptr, at }, with,
	    { in.ptr + at + len, in.len - at - len } }, 3);
}

static struct bytes
flipped(struct bytes in, size_t at, struct bytes bits)
{
	uint8_t *with = (uint8_t *)(uintptr_t)build_keep(bits.ptr, bits.len).ptr;

	MUST(at <= in.len && bits.len <= in.len - at);
	for (size_t i = 0; i < bits.len; i++)
		with[i] = in.ptr[at + i] ^ bits.ptr[i];
	return spliced(in, at, bits.len, (struct bytes){ with, bits.len });
}

static struct bytes
replaced(struct bytes in, struct bytes what, struct bytes with)
{
	const uint8_t *found = memmem(in.ptr, in.len, what.ptr, what.len);

	build_must(found != NULL, (const char *)what.ptr);
	return spliced(in, (size_t)(found - in.ptr), what.len, with);
}

struct bytes
change_apply(const struct change *c, enum stage stage, struct bytes in)
{
	struct bytes with;

	if (c->stage != stage)
		return in;
	switch (c->kind) {
	case CHANGE_PATCH:
		with = build_hex(c->with);
		return spliced(in, c->at, with.len, with);
	case CHANGE_INSERT:
		return spliced(in, c->at, 0, build_hex(c->with));
	case CHANGE_FLIP:
		return flipped(in, c->at, build_hex(c->with));
	case CHANGE_APPEND:
		return spliced(in, in.len, 0, build_hex(c->with));
	case CHANGE_CUT:
		return spliced(in, in.len - c->at, c->at, EMPTY);
	case CHANGE_KEEP:
		return spliced(in, c->at, in.len - c->at, EMPTY);
	case CHANGE_REPLACE:
		return replaced(in, bytes_str(c->what), bytes_str(c->with));
	case CHANGE_SET:
		return build_copy(c->with);
	}
	return in;
}
