#include "ipc/frame.h"

struct rule {
	enum frame_type type;
	const char *name;
	unsigned senders, receivers;
	size_t  max_len;
	unsigned nfds;
};

static const struct rule rules[] = {
#define FRAME_RULE(name, no, senders, receivers, max, fds)                              \
	{ FRAME_TYPE_##name, #name, senders, receivers, max, fds },
	FRAMES(FRAME_RULE)
#undef FRAME_RULE
};

static const struct rule *
rule_find(unsigned type)
{
	for (size_t i = 0; i < NELEM(rules); i++)
		if (rules[i].type == type)
			return &rules[i];
	return NULL;
}

bool
frame_read(struct frame *out, CBS *in, unsigned from, unsigned to, struct reason *why)
{
	const struct rule *rule;
	uint16_t type, nfds;
	uint32_t len;

	if (!CBS_get_u16le(in, &type) ||
	    !CBS_get_u16le(in, &nfds) ||
	    !CBS_get_u32le(in, &len) ||
	    !CBS_get_u64le(in, &out->job))
		return reject(why, REASON_MALFORMED, "frame head is shorter than %d bytes",
		    FRAME_HEAD_LEN);
	rule = rule_find(type);
	if (rule == NULL)
		return reject(why, REASON_MALFORMED, "frame of unknown type %u", type);
	if ((rule->senders & from) == 0 || (rule->receivers & to) == 0)
		return reject(why, REASON_MALFORMED, "frame %s from one who may not send it",
		    rule->name);
	if (len > rule->max_len)
		return reject(why, REASON_MALFORMED, "frame %s of %u bytes, at most %zu",
		    rule->name, (unsigned)len, rule->max_len);
	if (nfds != rule->nfds)
		return reject(why, REASON_MALFORMED, "frame %s with %u descriptors, not %u",
		    rule->name, nfds, rule->nfds);
	out->type = rule->type;
	out->nfds = nfds;
	out->len = len;
	return true;
}

bool
frame_write(CBB *out, const struct frame *frame)
{
	return CBB_add_u16le(out, (uint16_t)frame->type) &&
	    CBB_add_u16le(out, (uint16_t)frame->nfds) &&
	    CBB_add_u32le(out, (uint32_t)frame->len) &&
	    CBB_add_u64le(out, frame->job);
}

size_t
frame_max_len(enum frame_type type)
{
	const struct rule *rule = rule_find(type);

	return rule == NULL ? 0 : rule->max_len;
}

const char *
frame_name(enum frame_type type)
{
	const struct rule *rule = rule_find(type);

	return rule == NULL ? "unknown" : rule->name;
}
