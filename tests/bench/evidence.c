#include "evidence.h"

#include <stdio.h>
#include <stdlib.h>

#include "../teesim/encode.h"
#include "core/json.h"
#include "core/json_writer.h"

#define CAPTURE         "dstack-verifier/tdx-lite-attestation.json"
#define MEMORY_LEN      (16u << 20)

const char *const evidence_names[BODIES] = {
	[BODY_QUOTE] = "GetQuote", [BODY_V0] = "V0", [BODY_V1] = "V1",
};

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

struct bytes
file_read(const char *name)
{
	char path[1024];
	uint8_t *data;
	size_t len;
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/%s", VECTORS, name);
	f = fopen(path, "rb");
	must(f != NULL && fseek(f, 0, SEEK_END) == 0, path);
	len = (size_t)ftell(f);
	data = malloc(len + 1);
	must(data != NULL && fseek(f, 0, SEEK_SET) == 0 && fread(data, 1, len, f) == len, path);
	(void)fclose(f);
	data[len] = '\0';
	return (struct bytes){ data, len };
}

static struct bytes
cbb_bytes(CBB *cbb)
{
	struct bytes out;
	uint8_t *data;

	must(CBB_finish(cbb, &data, &out.len), "out of memory");
	out.ptr = data;
	return out;
}

/* The event log as a guest's GetQuote gives it. */
static struct bytes
log_json(const struct event_list *log)
{
	struct json_writer w = { 0 };
	CBB cbb;

	must(CBB_init(&cbb, 4096), "out of memory");
	w.out = &cbb;
	json_write_array(&w, NULL);
	for (size_t i = 0; i < log->n; i++) {
		const struct event *e = &log->event[i];

		json_write_object(&w, NULL);
		json_write_u64(&w, "imr", e->imr);
		json_write_u64(&w, "event_type", e->type);
		json_write_hex(&w, "digest", e->digest);
		json_write_str(&w, "event", e->name);
		json_write_hex(&w, "event_payload", e->payload);
		json_write_end_object(&w);
	}
	json_write_end_array(&w);
	must(json_writer_ok(&w), "out of memory");
	return cbb_bytes(&cbb);
}

static struct bytes
quote_body(const struct evidence *evidence)
{
	struct json_writer w = { 0 };
	CBB cbb;

	must(CBB_init(&cbb, 4096), "out of memory");
	w.out = &cbb;
	json_write_object(&w, NULL);
	json_write_hex(&w, "quote", evidence->quote);
	json_write_str(&w, "event_log", log_json(&evidence->log));
	json_write_str(&w, "vm_config", evidence->vm_config);
	json_write_end_object(&w);
	must(json_writer_ok(&w), "out of memory");
	return cbb_bytes(&cbb);
}

static struct bytes
attestation_body(struct bytes attestation)
{
	struct json_writer w = { 0 };
	CBB cbb;

	must(CBB_init(&cbb, 4096), "out of memory");
	w.out = &cbb;
	json_write_object(&w, NULL);
	json_write_hex(&w, "attestation", attestation);
	json_write_end_object(&w);
	must(json_writer_ok(&w), "out of memory");
	return cbb_bytes(&cbb);
}

void
evidence_bodies(struct bytes bodies[BODIES])
{
	static const struct json_limits limits = { 1u << 20, 4, 64, false };
	AUTO(arena_free) struct arena *arena = arena_new(MEMORY_LEN);
	struct evidence evidence;
	const struct json *root;
	struct reason why;
	struct bytes raw;

	must(arena != NULL, "out of memory");
	bodies[BODY_V0] = file_read(CAPTURE);
	if (!json_read(&root, arena, bodies[BODY_V0], &limits, &why) ||
	    !json_hex_var(&raw, arena, root, "attestation", 1u << 20, &why) ||
	    !attestation_read(&evidence, arena, raw, &why))
		must(false, why.text);
	bodies[BODY_V1] = attestation_body(encode_v1(&evidence, 0));
	bodies[BODY_QUOTE] = quote_body(&evidence);
}
