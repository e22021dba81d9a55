#include "verify/summary.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/hex.h"
#include "verify/assurance.h"
#include "verify/explain.h"

#define SUMMARY_MAX_LEN 4096    /* a screenful; what does not fit is left out */

struct text {
	char   *ptr;
	size_t  len;
};

static void PRINTF(2, 3)
add(struct text *out, const char *format, ...)
{
	size_t room = SUMMARY_MAX_LEN - out->len;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(out->ptr + out->len, room, format, args);
	va_end(args);
	if (n > 0 && (size_t)n < room)
		out->len += (size_t)n;
	out->ptr[out->len] = '\0';
}

/* The name column of every line. */
static void
add_name(struct text *out, const char *name)
{
	add(out, "  %-16s", name);
}

static void
add_hex(struct text *out, const char *name, struct bytes value)
{
	char text[2 * 64 + 1];

	if (2 * value.len >= sizeof text)
		return;
	hex_text(text, value);
	add_name(out, name);
	add(out, "%s\n", value.len == 0 ? "(none)" : text);
}

/* What an operator would call the thing to update. */
static const char *
update_words(const struct tcb_shortfall *s)
{
	switch (s->component) {
	case TCB_COMPONENT_SGX:
		return "the BIOS and microcode";
	case TCB_COMPONENT_TDX:
		return s->index < 2 ? "the TDX module" : "the BIOS and microcode";
	case TCB_COMPONENT_PCESVN:
		return "the PCE";
	case TCB_COMPONENT_TDX_MODULE:
		return "the TDX module";
	case TCB_COMPONENT_QE:
		return "the quoting enclave";
	}
	return "the platform";
}

static void
add_shortfall(struct text *out, const struct tcb_match *tcb)
{
	if (!tcb->has_shortfall)
		return;
	if (tcb->nshortfall == 0) {
		add_name(out, "");
		add(out, "no number is too low: the status comes from configuration or "
		    "hardening advice\n");
		return;
	}
	for (size_t i = 0; i < tcb->nshortfall; i++) {
		const struct tcb_shortfall *s = &tcb->shortfall[i];

		add_name(out, i == 0 ? "out of date" : "");
		add(out, "%s", tcb_component_name(s->component));
		if (s->has_index)
			add(out, " component %u", s->index);
		add(out, " is %u and needs %u: update %s\n", s->have, s->needs, update_words(s));
	}
}

static void
add_tcb(struct text *out, const struct verdict *v)
{
	const struct tcb_match *tcb = &v->dcap.tcb;

	add_name(out, "TCB");
	add(out, "%s", tcb_status_name(tcb->status));
	for (size_t i = 0; i < tcb->advisories.n; i++)
		add(out, "%s%.*s", i == 0 ? "; " : ", ", (int)tcb->advisories.ids[i].len,
		    (const char *)tcb->advisories.ids[i].ptr);
	add(out, "\n");
	add_shortfall(out, tcb);
}

static void
add_appraisal(struct text *out, const struct verdict *v, const struct verdict_terms *terms)
{
	struct appraisal a;

	appraise(&a, v, terms);
	add_name(out, "strict profile");
	add(out, "%s", appraisal_verdict_name(a.verdict));
	for (size_t i = 0; i < a.nunmet; i++)
		add(out, "%s%s", i == 0 ? " (" : ", ", a.unmet[i]);
	add(out, "%s\n", a.nunmet == 0 ? "" : ")");
}

static void
add_identity(struct text *out, const struct verdict *v, const struct verdict_terms *terms)
{
	struct assurance a;

	assurance_of(&a, v, terms);
	add_hex(out, "app id", v->app.app_id);
	add_hex(out, "compose hash", v->app.compose_hash);
	add_hex(out, "instance id", v->app.instance_id);
	add_hex(out, "OS image", BYTES_OF(v->os_image_hash.data));
	add_name(out, "");
	add(out, "%s\n", a.os_image == ASSURANCE_SUPPLIED_BY_REQUESTER ?
	    "as the requester describes it; no list and no published image confirms it" :
	    "confirmed");
}

static void
add_explanation(struct text *out, const struct explanation *x)
{
	if (x->first_divergence[0] != '\0') {
		add_name(out, "differs first");
		add(out, "%s\n", x->first_divergence);
	}
	if (x->likely_cause.text[0] != '\0') {
		add_name(out, "likely cause");
		add(out, "%s\n", x->likely_cause.text);
	}
}

static bool
text_new(struct text *out, struct arena *arena)
{
	struct reason why = { 0 };

	*out = (struct text){ .ptr = arena_alloc(arena, SUMMARY_MAX_LEN, &why) };
	return out->ptr != NULL;
}

const char *
summary_of(struct arena *arena, const struct verdict *v, const struct verdict_terms *terms)
{
	struct text out;

	if (!text_new(&out, arena))
		return "";
	if (v->valid)
		add(&out, "VALID  %s\n", evidence_variant_name(v->evidence.variant));
	else
		add(&out, "%s  %s\n", verdict_retryable(v) ? "NOT JUDGED" : "NOT VALID",
		    v->why.text);
	if (v->explanation != NULL)
		add_explanation(&out, v->explanation);
	if (v->event_log_verified)
		add_identity(&out, v, terms);
	if (v->quote_verified) {
		add_tcb(&out, v);
		add_appraisal(&out, v, terms);
	}
	return out.ptr;
}

const char *
summary_of_quote(struct arena *arena, const struct verdict *v)
{
	struct text out;

	if (!text_new(&out, arena))
		return "";
	if (!v->quote_verified) {
		add(&out, "%s  %s\n", verdict_retryable(v) ? "NOT JUDGED" : "REFUSED", v->why.text);
		return out.ptr;
	}
	add(&out, "VERIFIED  %s quote, version %u\n",
	    quote_is_td(&v->dcap.quote) ? "TDX" : "SGX", v->dcap.quote.header.version);
	add_tcb(&out, v);
	return out.ptr;
}
