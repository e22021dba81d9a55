#include "encode.h"

static void
u32le(CBB *out, uint32_t v)
{
	for (unsigned i = 0; i < 32; i += 8)
		MUST(CBB_add_u8(out, (uint8_t)(v >> i)));
}

/* ---- SCALE ---- */

static void
compact(CBB *out, size_t v)
{
	if (v <= 63) {
		MUST(CBB_add_u8(out, (uint8_t)(v << 2)));
	} else if (v <= 16383) {
		MUST(CBB_add_u8(out, (uint8_t)(v << 2 | 1)));
		MUST(CBB_add_u8(out, (uint8_t)(v >> 6)));
	} else {
		u32le(out, (uint32_t)v << 2 | 2);
	}
}

static void
scale_blob(CBB *out, struct bytes b)
{
	compact(out, b.len);
	MUST(CBB_add_bytes(out, b.ptr, b.len));
}

static void
scale_log(CBB *out, const struct event_list *log)
{
	compact(out, log->n);
	for (size_t i = 0; i < log->n; i++) {
		u32le(out, log->event[i].imr);
		u32le(out, log->event[i].type);
		scale_blob(out, log->event[i].digest);
		scale_blob(out, log->event[i].name);
		scale_blob(out, log->event[i].payload);
	}
}

static void
scale_tpm(CBB *out, const struct tpm_evidence *tpm)
{
	scale_blob(out, tpm->message);
	scale_blob(out, tpm->signature);
	compact(out, tpm->n_pcrs);
	for (size_t i = 0; i < tpm->n_pcrs; i++) {
		u32le(out, tpm->pcrs[i].index);
		scale_blob(out, tpm->pcrs[i].algorithm);
		scale_blob(out, tpm->pcrs[i].value);
	}
	scale_blob(out, tpm->ak_cert);
	MUST(CBB_add_u8(out, (uint8_t)tpm->platform));
	compact(out, tpm->n_events);
	for (size_t i = 0; i < tpm->n_events; i++) {
		u32le(out, tpm->events[i].pcr);
		scale_blob(out, tpm->events[i].digest);
	}
}

static void
scale_platform(CBB *out, const struct evidence *e)
{
	switch (e->variant) {
	case EVIDENCE_TDX:
	case EVIDENCE_GCP_TDX:
		scale_blob(out, e->quote);
		scale_log(out, &e->log);
		if (e->variant == EVIDENCE_GCP_TDX)
			scale_tpm(out, &e->tpm);
		break;
	case EVIDENCE_NITRO_ENCLAVE:
	case EVIDENCE_AWS_NITRO_TPM:
		scale_blob(out, e->document);
		break;
	case EVIDENCE_SEV_SNP:
		scale_blob(out, e->document);
		compact(out, e->n_certs);
		for (size_t i = 0; i < e->n_certs; i++)
			scale_blob(out, e->certs[i]);
		scale_blob(out, e->mr_config);
		break;
	}
}

struct bytes
encode_v0(const struct evidence *e)
{
	CBB out;

	MUST(CBB_init(&out, 16384));
	MUST(CBB_add_u8(&out, 0));
	MUST(CBB_add_u8(&out, (uint8_t)e->variant));
	scale_platform(&out, e);
	compact(&out, e->runtime.n);
	for (size_t i = 0; i < e->runtime.n; i++) {
		scale_blob(&out, e->runtime.event[i].name);
		scale_blob(&out, e->runtime.event[i].payload);
	}
	MUST(CBB_add_bytes(&out, e->report_data.ptr, e->report_data.len));
	scale_blob(&out, e->config);
	return build_finish(&out);
}

/* ---- MessagePack ---- */

struct writer {
	CBB     out;
	unsigned flags;
};

/* A count or length: `fix` up to fix_max, then the forms of 8 (0: none), 16 and 32 bits. */
static void
head(CBB *out, size_t n, uint8_t fix, size_t fix_max, uint8_t u8, uint8_t u16, uint8_t u32)
{
	if (n <= fix_max && fix != 0) {
		MUST(CBB_add_u8(out, (uint8_t)(fix | n)));
	} else if (n <= 0xff && u8 != 0) {
		MUST(CBB_add_u8(out, u8) && CBB_add_u8(out, (uint8_t)n));
	} else if (n <= 0xffff) {
		MUST(CBB_add_u8(out, u16) && CBB_add_u16(out, (uint16_t)n));
	} else {
		MUST(CBB_add_u8(out, u32) && CBB_add_u32(out, (uint32_t)n));
	}
}

static void
pack_u32(CBB *out, uint32_t v)
{
	if (v < 0x80)
		MUST(CBB_add_u8(out, (uint8_t)v));
	else
		head(out, v, 0, 0, 0xcc, 0xcd, 0xce);
}

static void
pack_str(CBB *out, struct bytes s)
{
	head(out, s.len, 0xa0, 31, 0xd9, 0xda, 0xdb);
	MUST(CBB_add_bytes(out, s.ptr, s.len));
}

static void
pack_text(CBB *out, const char *s)
{
	pack_str(out, bytes_str(s));
}

static void
pack_list(CBB *out, size_t n)
{
	head(out, n, 0x90, 15, 0, 0xdc, 0xdd);
}

static void
pack_map(struct writer *w, size_t n)
{
	bool extra = (w->flags & ENCODE_EXTRA) != 0;

	head(&w->out, n + extra, 0x80, 15, 0, 0xde, 0xdf);
	if (!extra)
		return;
	pack_text(&w->out, "surprise");
	MUST(CBB_add_u8(&w->out, 0x92));        /* [ nil, { 1.0: "" } ]   */
	MUST(CBB_add_u8(&w->out, 0xc0));
	MUST(CBB_add_u8(&w->out, 0x81));
	MUST(CBB_add_u8(&w->out, 0xca) && CBB_add_u32(&w->out, 0x3f800000));
	MUST(CBB_add_u8(&w->out, 0xa0));
}

static void
pack_bin(CBB *out, struct bytes b)
{
	head(out, b.len, 0, 0, 0xc4, 0xc5, 0xc6);
	MUST(CBB_add_bytes(out, b.ptr, b.len));
}

static void
pack_array(CBB *out, struct bytes b)
{
	pack_list(out, b.len);
	for (size_t i = 0; i < b.len; i++)
		pack_u32(out, b.ptr[i]);
}

/* Encoding A of the specification, and B. */
static void
pack_a(struct writer *w, const char *key, struct bytes b)
{
	if (key != NULL)
		pack_text(&w->out, key);
	((w->flags & ENCODE_SWAPPED) != 0 ? pack_bin : pack_array)(&w->out, b);
}

static void
pack_b(struct writer *w, const char *key, struct bytes b)
{
	pack_text(&w->out, key);
	((w->flags & ENCODE_SWAPPED) != 0 ? pack_array : pack_bin)(&w->out, b);
}

static void
pack_member_u32(struct writer *w, const char *key, uint32_t v)
{
	pack_text(&w->out, key);
	pack_u32(&w->out, v);
}

static void
pack_member_str(struct writer *w, const char *key, struct bytes s)
{
	pack_text(&w->out, key);
	pack_str(&w->out, s);
}

static void
pack_tdx_events(struct writer *w, const struct event_list *log)
{
	const struct event *e;

	pack_text(&w->out, "event_log");
	pack_list(&w->out, log->n);
	for (size_t i = 0; i < log->n; i++) {
		e = &log->event[i];
		pack_map(w, 5u + (e->version != 1) + e->has_preimage);
		pack_member_u32(w, "imr", e->imr);
		pack_member_u32(w, "event_type", e->type);
		pack_b(w, "digest", e->digest);
		pack_member_str(w, "event", e->name);
		pack_b(w, "event_payload", e->payload);
		if (e->version != 1)
			pack_member_u32(w, "version", e->version);
		if (e->has_preimage)
			pack_member_str(w, "preimage", e->preimage);
	}
}

static void
pack_tpm(struct writer *w, const struct tpm_evidence *tpm)
{
	static const char *const platforms[] = { "dstack", "gcp", "nitroenclave", "aws-ec2" };

	pack_text(&w->out, "tpm_quote");
	pack_map(w, 6);
	pack_b(w, "message", tpm->message);
	pack_b(w, "signature", tpm->signature);
	pack_text(&w->out, "pcr_values");
	pack_list(&w->out, tpm->n_pcrs);
	for (size_t i = 0; i < tpm->n_pcrs; i++) {
		pack_map(w, 3);
		pack_member_u32(w, "index", tpm->pcrs[i].index);
		pack_member_str(w, "algorithm", tpm->pcrs[i].algorithm);
		pack_b(w, "value", tpm->pcrs[i].value);
	}
	pack_b(w, "ak_cert", tpm->ak_cert);
	pack_member_str(w, "platform", bytes_str(platforms[tpm->platform]));
	pack_text(&w->out, "event_log");
	pack_list(&w->out, tpm->n_events);
	for (size_t i = 0; i < tpm->n_events; i++) {
		pack_map(w, 2);
		pack_member_u32(w, "pcr_index", tpm->events[i].pcr);
		pack_b(w, "digest", tpm->events[i].digest);
	}
}

static const char *
pack_platform(struct writer *w, const struct evidence *e)
{
	switch (e->variant) {
	case EVIDENCE_TDX:
		pack_map(w, 2);
		pack_a(w, "quote", e->quote);
		pack_tdx_events(w, &e->log);
		return "tdx";
	case EVIDENCE_GCP_TDX:
		pack_map(w, 3);
		pack_a(w, "quote", e->quote);
		pack_tdx_events(w, &e->log);
		pack_tpm(w, &e->tpm);
		return "gcp-tdx";
	case EVIDENCE_NITRO_ENCLAVE:
		pack_map(w, 1);
		pack_a(w, "nsm_quote", e->document);
		return "nitro-enclave";
	case EVIDENCE_AWS_NITRO_TPM:
		pack_map(w, 1);
		pack_a(w, "attestation_doc", e->document);
		return "aws-nitro-tpm";
	case EVIDENCE_SEV_SNP:
		pack_map(w, 3);
		pack_a(w, "report", e->document);
		pack_text(&w->out, "cert_chain");
		pack_list(&w->out, e->n_certs);
		for (size_t i = 0; i < e->n_certs; i++)
			pack_a(w, NULL, e->certs[i]);
		pack_member_str(w, "mr_config", e->mr_config);
		return "sev-snp";
	}
	return NULL;
}

static const char *
pack_stack(struct writer *w, const struct evidence *e)
{
	const struct event *event;

	pack_map(w, 3u + e->pod);
	pack_a(w, "report_data", e->report_data);
	pack_text(&w->out, "runtime_events");
	pack_list(&w->out, e->runtime.n);
	for (size_t i = 0; i < e->runtime.n; i++) {
		event = &e->runtime.event[i];
		pack_map(w, 2u + (event->version != 1));
		pack_member_str(w, "event", event->name);
		pack_b(w, "payload", event->payload);
		if (event->version != 1)
			pack_member_u32(w, "version", event->version);
	}
	pack_member_str(w, "config", e->config);
	if (e->pod)
		pack_member_str(w, "report_data_payload", e->report_data_payload);
	return e->pod ? "dstack-pod" : "dstack";
}

/* { kind, data } around what `data` writes, which also knows the kind. */
static void
pack_tagged(struct writer *w, const char *key, const struct evidence *e,
    const char *(*data)(struct writer *, const struct evidence *))
{
	struct writer inner = { .flags = w->flags };
	struct bytes body;
	const char *kind;

	MUST(CBB_init(&inner.out, 16384));
	kind = data(&inner, e);
	body = build_finish(&inner.out);
	pack_text(&w->out, key);
	pack_map(w, 2);
	if ((w->flags & ENCODE_DATA_FIRST) == 0)
		pack_member_str(w, "kind", bytes_str(kind));
	pack_text(&w->out, "data");
	MUST(CBB_add_bytes(&w->out, body.ptr, body.len));
	if ((w->flags & ENCODE_DATA_FIRST) != 0)
		pack_member_str(w, "kind", bytes_str(kind));
}

struct bytes
encode_v1(const struct evidence *e, unsigned flags)
{
	struct writer w = { .flags = flags };

	MUST(CBB_init(&w.out, 16384));
	pack_map(&w, 3);
	pack_member_u32(&w, "version", 1);
	pack_tagged(&w, "platform", e, pack_platform);
	pack_tagged(&w, "stack", e, pack_stack);
	return build_finish(&w.out);
}
