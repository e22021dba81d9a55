#include "document.h"

#include <stdio.h>

#define ZEROES_96       "00000000000000000000000000000000000000000000000000" \
			"0000000000000000000000000000000000000000000000"

struct document_level
document_level(unsigned sgx, unsigned tdx, unsigned pcesvn, const char *status)
{
	struct document_level level = {
		.nsgx = 16, .ntdx = 16, .pcesvn = pcesvn, .end.status = status,
	};

	level.sgx[0].svn = sgx;
	level.tdx[0].svn = tdx;
	return level;
}

static const char *
or_else(const char *given, const char *usual)
{
	return given != NULL ? given : usual;
}

static void
add_string(CBB *out, const char *before, const char *value)
{
	build_add_text(out, before);
	build_add_text(out, "\"");
	build_add_text(out, value);
	build_add_text(out, "\"");
}

static void
add_number(CBB *out, const char *before, unsigned value)
{
	char text[16];

	(void)snprintf(text, sizeof text, "%u", value);
	build_add_text(out, before);
	build_add_text(out, text);
}

static void
add_head(CBB *out, const struct document_head *head)
{
	add_string(out, "{\"id\":", head->id);
	add_number(out, ",\"version\":", head->version);
	add_string(out, ",\"issueDate\":", build_date(head->issued));
	add_string(out, ",\"nextUpdate\":", build_date(head->next_update));
}

/* The rest of a level, whose "tcb" is written. */
static void
add_status(CBB *out, const struct document_status *end)
{
	const char *at = end->advisories;
	size_t len;

	add_string(out, ",\"tcbDate\":", or_else(end->date, "2026-01-01T00:00:00Z"));
	add_string(out, ",\"tcbStatus\":", or_else(end->status, "UpToDate"));
	if (at != NULL) {
		build_add_text(out, ",\"advisoryIDs\":[");
		for (; *at != '\0'; at += len + (at[len] != '\0')) {
			len = strcspn(at, " ");
			build_add_text(out, at != end->advisories ? ",\"" : "\"");
			build_add(out, (struct bytes){ (const uint8_t *)at, len });
			build_add_text(out, "\"");
		}
		build_add_text(out, "]");
	}
	build_add_text(out, "}");
}

static void
add_components(CBB *out, const char *name, const struct document_component *c, size_t n)
{
	build_add_text(out, name);
	for (size_t i = 0; i < n; i++) {
		add_number(out, i != 0 ? ",{\"svn\":" : "{\"svn\":", c[i].svn);
		if (c[i].category != NULL)
			add_string(out, ",\"category\":", c[i].category);
		if (c[i].type != NULL)
			add_string(out, ",\"type\":", c[i].type);
		build_add_text(out, "}");
	}
	build_add_text(out, "]");
}

static void
add_level(CBB *out, const struct document_level *level)
{
	add_components(out, "{\"tcb\":{\"sgxtcbcomponents\":[", level->sgx, level->nsgx);
	add_number(out, ",\"pcesvn\":", level->pcesvn);
	if (level->ntdx != 0)
		add_components(out, ",\"tdxtcbcomponents\":[", level->tdx, level->ntdx);
	build_add_text(out, "}");
	add_status(out, &level->end);
}

static void
add_isv_levels(CBB *out, const struct document_isv_level *levels, size_t n)
{
	build_add_text(out, ",\"tcbLevels\":[");
	for (size_t i = 0; i < n; i++) {
		add_number(out, i != 0 ? ",{\"tcb\":{\"isvsvn\":" : "{\"tcb\":{\"isvsvn\":",
		    levels[i].isvsvn);
		build_add_text(out, "}");
		add_status(out, &levels[i].end);
	}
	build_add_text(out, "]");
}

/* Who signed the module and what its attributes are, without the end of the object. */
static void
add_signer(CBB *out, const char *before, const struct document_module *m)
{
	add_string(out, before, or_else(m->mrsigner, ZEROES_96));
	add_string(out, ",\"attributes\":", or_else(m->attributes, "0000000000000000"));
	add_string(out, ",\"attributesMask\":", or_else(m->mask, "FFFFFFFFFFFFFFFF"));
}

static void
add_modules(CBB *out, const struct document_tcb *tcb)
{
	const struct document_module *m;

	if (tcb->module) {
		add_signer(out, ",\"tdxModule\":{\"mrsigner\":", &tcb->tdx_module);
		build_add_text(out, "}");
	}
	if (tcb->nmodules == 0)
		return;
	build_add_text(out, ",\"tdxModuleIdentities\":[");
	for (size_t i = 0; i < tcb->nmodules; i++) {
		m = &tcb->modules[i];
		add_string(out, i != 0 ? ",{\"id\":" : "{\"id\":", or_else(m->id, "TDX_01"));
		add_signer(out, ",\"mrsigner\":", m);
		add_isv_levels(out, m->levels, m->nlevels);
		build_add_text(out, "}");
	}
	build_add_text(out, "]");
}

struct bytes
document_tcb(const struct document_tcb *tcb)
{
	CBB out;

	MUST(CBB_init(&out, 8192));
	add_head(&out, &tcb->head);
	add_string(&out, ",\"fmspc\":", tcb->fmspc);
	add_string(&out, ",\"pceId\":", tcb->pceid);
	add_number(&out, ",\"tcbType\":", 0);
	add_number(&out, ",\"tcbEvaluationDataNumber\":", tcb->head.number);
	add_modules(&out, tcb);
	build_add_text(&out, ",\"tcbLevels\":[");
	for (size_t i = 0; i < tcb->nlevels; i++) {
		if (i != 0)
			build_add_text(&out, ",");
		add_level(&out, &tcb->levels[i]);
	}
	build_add_text(&out, "]}");
	return build_finish(&out);
}

struct bytes
document_qe(const struct document_qe *qe)
{
	CBB out;

	MUST(CBB_init(&out, 2048));
	add_head(&out, &qe->head);
	add_number(&out, ",\"tcbEvaluationDataNumber\":", qe->head.number);
	add_string(&out, ",\"miscselect\":", qe->miscselect);
	add_string(&out, ",\"miscselectMask\":", qe->miscselect_mask);
	add_string(&out, ",\"attributes\":", qe->attributes);
	add_string(&out, ",\"attributesMask\":", qe->attributes_mask);
	add_string(&out, ",\"mrsigner\":", qe->mrsigner);
	add_number(&out, ",\"isvprodid\":", qe->isvprodid);
	add_isv_levels(&out, qe->levels, qe->nlevels);
	build_add_text(&out, "}");
	return build_finish(&out);
}
