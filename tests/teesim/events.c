#include "events.h"

#include <stdio.h>

#include <openssl/sha.h>

struct event
events_runtime(unsigned version, const char *name, struct bytes payload)
{
	return (struct event){
		.imr = 3, .type = EVENT_TYPE_RUNTIME, .version = version,
		.name = build_copy(name), .payload = payload,
	};
}

/* A string as RFC 8785 writes it. */
static void
add_canonical(CBB *out, struct bytes text)
{
	static const char *const shorts[0x20] = {
		[8] = "\\b", [9] = "\\t", [10] = "\\n", [12] = "\\f", [13] = "\\r",
	};
	char escape[8];

	build_add_text(out, "\"");
	for (size_t i = 0; i < text.len; i++) {
		const uint8_t c = text.ptr[i];

		if (c >= 0x20) {
			if (c == '"' || c == '\\')
				build_add_text(out, "\\");
			MUST(CBB_add_u8(out, c));
			continue;
		}
		(void)snprintf(escape, sizeof escape, "\\u%04x", c);
		build_add_text(out, shorts[c] != NULL ? shorts[c] : escape);
	}
	build_add_text(out, "\"");
}

struct bytes
events_preimage(const struct event *e)
{
	CBB out;

	MUST(CBB_init(&out, 128));
	if (e->version == 2) {
		build_add_text(&out, "{\"name\":");
		add_canonical(&out, e->name);
		build_add_text(&out, ",\"payload\":\"");
		build_add(&out, build_digits(e->payload, false));
		build_add_text(&out, "\",\"type\":134217729}");
	} else {
		build_add_le(&out, 0x08000001, 4);
		build_add_text(&out, ":");
		build_add(&out, e->name);
		build_add_text(&out, ":");
		build_add(&out, e->payload);
	}
	return build_finish(&out);
}

struct bytes
events_sha384(const struct bytes *parts, size_t n)
{
	uint8_t digest[SHA384_DIGEST_LENGTH];
	SHA512_CTX sha;

	SHA384_Init(&sha);
	for (size_t i = 0; i < n; i++)
		SHA384_Update(&sha, parts[i].ptr, parts[i].len);
	SHA384_Final(digest, &sha);
	return build_keep(digest, sizeof digest);
}

struct bytes
events_digest(const struct event *e)
{
	const struct bytes preimage = events_preimage(e);

	return events_sha384(&preimage, 1);
}

void
events_extend(uint8_t reg[EVENT_DIGEST_LEN], struct bytes digest)
{
	const struct bytes after = events_sha384((struct bytes[]){
	    { reg, EVENT_DIGEST_LEN }, digest }, 2);

	memcpy(reg, after.ptr, EVENT_DIGEST_LEN);
}

void
events_replay(uint8_t reg[EVENT_DIGEST_LEN], const struct event_list *runtime)
{
	memset(reg, 0, EVENT_DIGEST_LEN);
	for (size_t i = 0; i < runtime->n; i++)
		events_extend(reg, events_digest(&runtime->event[i]));
}

static void
add_event(CBB *out, const struct event *e)
{
	build_add(out, build_text("{\"imr\":%u,\"event_type\":%u,\"digest\":\"", e->imr, e->type));
	build_add(out, build_digits(e->digest, false));
	build_add_text(out, "\",\"event\":");
	add_canonical(out, e->name);
	build_add_text(out, ",\"event_payload\":\"");
	build_add(out, build_digits(e->payload, false));
	build_add_text(out, "\"");
	if (e->version != 1)
		build_add(out, build_text(",\"version\":%u", e->version));
	if (e->has_preimage) {
		build_add_text(out, ",\"preimage\":\"");
		build_add(out, e->preimage);
		build_add_text(out, "\"");
	}
	build_add_text(out, "}");
}

struct bytes
events_json(const struct event_list *log)
{
	CBB out;

	MUST(CBB_init(&out, 4096));
	build_add_text(&out, "[");
	for (size_t i = 0; i < log->n; i++) {
		if (i != 0)
			build_add_text(&out, ",");
		add_event(&out, &log->event[i]);
	}
	build_add_text(&out, "]");
	return build_finish(&out);
}
