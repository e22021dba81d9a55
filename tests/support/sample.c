#include <stdlib.h>

#include "../unit/testing.h"
#include "core/hex.h"
#include "sample.h"

#define ARENA_MAX       (64u << 20)
#define ARENAS_MAX      4096
#define TD_REPORT       48      /* offset in a v4 quote                           */

static struct arena *arenas[ARENAS_MAX];

struct arena *
sample_arena(void)
{
	static size_t n;

	assert_true(n < ARENAS_MAX);
	arenas[n] = arena_new(ARENA_MAX);
	assert_non_null(arenas[n]);
	return arenas[n++];
}

struct bytes
sample_hex(struct arena *arena, const char *hex)
{
	struct bytes out;
	struct reason why;

	if (!hex_decode_arena(&out, arena, bytes_str(hex), strlen(hex), &why))
		fail_msg("%s: %s", hex, why.text);
	return out;
}

void
sample_expect(const char *row, bool ok, const struct reason *why, const char *want)
{
	if (ok != (want == NULL) || (!ok && strcmp(why->text, want) != 0))
		fail_msg("%s: got %d \"%s\", wanted \"%s\"", row, ok, ok ? "" : why->text,
		    want != NULL ? want : "");
}

static struct bytes
quote_field(struct bytes quote, size_t offset, size_t len)
{
	assert_true(quote.len >= TD_REPORT + offset + len);
	return (struct bytes){ quote.ptr + TD_REPORT + offset, len };
}

static void
quote_read_fields(struct sample *s)
{
	struct bytes q = s->evidence.quote;

	s->quoted = (struct app_info_quote){
		.mrtd = quote_field(q, 136, 48),
		.mr_config_id = quote_field(q, 184, 48),
		.mr_owner = quote_field(q, 232, 48),
		.mr_owner_config = quote_field(q, 280, 48),
	};
	for (size_t i = 0; i < EVENT_RTMRS; i++)
		s->quoted.rtmr[i] = quote_field(q, 328 + 48 * i, 48);
	s->report_data = quote_field(q, 520, 64);
}

static void
body_read(struct sample *s, struct bytes body, struct reason *why)
{
	struct bytes quote;
	/* Initialised for clang, which does not see that fail_msg() never returns. */
	enum request_form form = REQUEST_ATTESTATION;
	int status;

	if (!request_read(&s->request, s->arena, body, false, &status, why) ||
	    !request_form(&form, &s->request, why))
		fail_msg("%s", why->text);
	if (form == REQUEST_ATTESTATION) {
		s->raw = s->request.attestation.value;
		return;
	}
	quote = s->request.quote.value;
	if (!attestation_from_quote(&s->evidence, s->arena, quote, quote_field(quote, 520, 64),
	    s->request.event_log.value, s->request.vm_config.value, why))
		fail_msg("%s", why->text);
}

void
sample_load(struct sample *s, const char *name)
{
	struct bytes file = vector_read(name);
	struct reason why;

	memset(s, 0, sizeof *s);
	s->arena = sample_arena();
	if (strstr(name, ".json") != NULL)
		body_read(s, file, &why);
	else
		s->raw = file;
	if (s->raw.len != 0 && !attestation_read(&s->evidence, s->arena, s->raw, &why))
		fail_msg("%s: %s", name, why.text);
	if (s->evidence.variant == EVIDENCE_TDX)
		quote_read_fields(s);
}
