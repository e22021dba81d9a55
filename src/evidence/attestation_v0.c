/* The SCALE form, field by field in the order of attestation-and-events.md 3.2. */
#include "core/scale.h"
#include "evidence/attestation.h"

/* Fewest bytes an item of each list takes. */
#define TDX_EVENT_MIN           11
#define RUNTIME_EVENT_MIN       2
#define CERT_MIN                1
#define PCR_MIN                 6
#define TPM_EVENT_MIN           5

static bool
blob_read(struct bytes *out, CBS *in, const char *name, struct reason *why)
{
	return scale_bytes_read(out, in, ATTESTATION_MAX, why) || reject_as(why, "%s", name);
}

static bool
text_read(struct bytes *out, CBS *in, const char *name, struct reason *why)
{
	return scale_text_read(out, in, ATTESTATION_MAX, why) || reject_as(why, "%s", name);
}

static bool
u32_read(uint32_t *out, CBS *in, const char *name, struct reason *why)
{
	return CBS_get_u32le(in, out) ||
	    reject(why, REASON_MALFORMED, "%s: is shorter than 4 bytes", name);
}

static bool
payload_read(struct bytes *out, CBS *in, struct reason *why)
{
	return scale_bytes_read(out, in, EVENT_PAYLOAD_MAX, why) || reject_as(why, "payload");
}

/* How many items follow, and zeroed room in the arena for as many; NULL on failure. */
static void *
list_read(uint32_t *n, struct arena *arena, CBS *in, size_t item_len, uint32_t max, size_t size,
    const char *name, struct reason *why)
{
	if (scale_count_read(n, in, item_len, max, why))
		return arena_array(arena, *n + (size_t)1, size, why);
	(void)reject_as(why, "%s", name);
	return NULL;
}

static bool
tdx_event_read(struct event *event, CBS *in, struct reason *why)
{
	event->version = 1;
	return u32_read(&event->imr, in, "imr", why) &&
	    u32_read(&event->type, in, "event_type", why) &&
	    blob_read(&event->digest, in, "digest", why) &&
	    text_read(&event->name, in, "event", why) &&
	    payload_read(&event->payload, in, why);
}

static bool
event_log_take(struct event_list *log, struct arena *arena, CBS *in, struct reason *why)
{
	uint32_t n;

	log->event = list_read(&n, arena, in, TDX_EVENT_MIN, EVENT_LOG_MAX, sizeof *log->event,
	    "event_log", why);
	if (log->event == NULL)
		return false;
	for (; log->n < n; log->n++)
		if (!tdx_event_read(&log->event[log->n], in, why))
			return reject_as(why, "event_log: event %zu", log->n);
	return true;
}

static bool
runtime_events_take(struct event_list *runtime, struct arena *arena, CBS *in, struct reason *why)
{
	struct event *event;
	uint32_t n;

	runtime->event = list_read(&n, arena, in, RUNTIME_EVENT_MIN, EVENT_LOG_MAX,
	    sizeof *runtime->event, "runtime_events", why);
	if (runtime->event == NULL)
		return false;
	for (; runtime->n < n; runtime->n++) {
		event = &runtime->event[runtime->n];
		*event = (struct event){ .imr = 3, .type = EVENT_TYPE_RUNTIME, .version = 1 };
		if (!text_read(&event->name, in, "event", why) ||
		    !payload_read(&event->payload, in, why))
			return reject_as(why, "runtime_events: event %zu", runtime->n);
	}
	return true;
}

static bool
pcrs_take(struct tpm_evidence *tpm, struct arena *arena, CBS *in, struct reason *why)
{
	struct tpm_pcr *pcr;
	uint32_t n;

	tpm->pcrs = list_read(&n, arena, in, PCR_MIN, ATTESTATION_PCRS_MAX, sizeof *tpm->pcrs,
	    "pcr_values", why);
	if (tpm->pcrs == NULL)
		return false;
	for (; tpm->n_pcrs < n; tpm->n_pcrs++) {
		pcr = &tpm->pcrs[tpm->n_pcrs];
		if (!u32_read(&pcr->index, in, "index", why) ||
		    !text_read(&pcr->algorithm, in, "algorithm", why) ||
		    !blob_read(&pcr->value, in, "value", why))
			return reject_as(why, "pcr_values: item %zu", tpm->n_pcrs);
	}
	return true;
}

static bool
tpm_events_take(struct tpm_evidence *tpm, struct arena *arena, CBS *in, struct reason *why)
{
	struct tpm_event *event;
	uint32_t n;

	tpm->events = list_read(&n, arena, in, TPM_EVENT_MIN, ATTESTATION_TPM_EVENTS_MAX,
	    sizeof *tpm->events, "event_log", why);
	if (tpm->events == NULL)
		return false;
	for (; tpm->n_events < n; tpm->n_events++) {
		event = &tpm->events[tpm->n_events];
		if (!u32_read(&event->pcr, in, "pcr_index", why) ||
		    !blob_read(&event->digest, in, "digest", why))
			return reject_as(why, "event_log: item %zu", tpm->n_events);
	}
	return true;
}

static bool
tpm_platform_read(enum tpm_platform *out, CBS *in, struct reason *why)
{
	uint8_t index;

	if (!CBS_get_u8(in, &index))
		return reject(why, REASON_MALFORMED, "platform: is missing");
	if (index > TPM_PLATFORM_AWS_EC2)
		return reject(why, REASON_MALFORMED, "platform: unknown index %u", index);
	*out = (enum tpm_platform)index;
	return true;
}

static bool
tpm_quote_read(struct tpm_evidence *tpm, struct arena *arena, CBS *in, struct reason *why)
{
	if (!blob_read(&tpm->message, in, "message", why) ||
	    !blob_read(&tpm->signature, in, "signature", why) ||
	    !pcrs_take(tpm, arena, in, why) ||
	    !blob_read(&tpm->ak_cert, in, "ak_cert", why) ||
	    !tpm_platform_read(&tpm->platform, in, why) ||
	    !tpm_events_take(tpm, arena, in, why))
		return reject_as(why, "tpm_quote");
	return true;
}

static bool
snp_read(struct evidence *out, CBS *in, struct reason *why)
{
	uint32_t n;

	if (!blob_read(&out->document, in, "report", why))
		return false;
	if (!scale_count_read(&n, in, CERT_MIN, ATTESTATION_CERTS_MAX, why))
		return reject_as(why, "cert_chain");
	for (; out->n_certs < n; out->n_certs++)
		if (!blob_read(&out->certs[out->n_certs], in, "cert_chain", why))
			return false;
	return text_read(&out->mr_config, in, "mr_config", why);
}

static bool
platform_read(struct evidence *out, struct arena *arena, CBS *in, struct reason *why)
{
	uint8_t index;

	if (!CBS_get_u8(in, &index))
		return reject(why, REASON_MALFORMED, "platform: is missing");
	out->variant = (enum evidence_variant)index;
	switch (index) {
	case EVIDENCE_TDX:
		return blob_read(&out->quote, in, "quote", why) &&
		    event_log_take(&out->log, arena, in, why);
	case EVIDENCE_GCP_TDX:
		return blob_read(&out->quote, in, "quote", why) &&
		    event_log_take(&out->log, arena, in, why) &&
		    tpm_quote_read(&out->tpm, arena, in, why);
	case EVIDENCE_NITRO_ENCLAVE:
		return blob_read(&out->document, in, "nsm_quote", why);
	case EVIDENCE_SEV_SNP:
		return snp_read(out, in, why);
	case EVIDENCE_AWS_NITRO_TPM:
		return blob_read(&out->document, in, "attestation_doc", why);
	default:
		return reject(why, REASON_MALFORMED, "platform: unknown index %u", index);
	}
}

bool
attestation_v0_read(struct evidence *out, struct arena *arena, struct bytes raw,
    struct reason *why)
{
	CBS in = cbs_bytes(raw);

	out->form = EVIDENCE_FORM_V0;
	if (!CBS_skip(&in, 1))
		return reject(why, REASON_MALFORMED, "Empty attestation bytes");
	if (!platform_read(out, arena, &in, why) ||
	    !runtime_events_take(&out->runtime, arena, &in, why))
		return false;
	if (!bytes_read(&out->report_data, &in, REPORT_DATA_LEN))
		return reject(why, REASON_MALFORMED, "report_data: is shorter than %d bytes",
		    REPORT_DATA_LEN);
	if (!text_read(&out->config, &in, "config", why))
		return false;
	if (CBS_len(&in) != 0)
		return reject(why, REASON_MALFORMED,
		    "Trailing bytes after legacy VersionedAttestation: %zu", CBS_len(&in));
	return true;
}
