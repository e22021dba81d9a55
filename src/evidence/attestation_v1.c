/*
 * The MessagePack form.  Each map is a table of its fields, as in attestation-and-events.md
 * 4.1; keys may come in any order and unknown ones are skipped.
 */
#include <assert.h>

#include "core/msgpack.h"
#include "evidence/attestation.h"

#define ATTESTATION_VERSION     1
#define FIELDS_MAX              32      /* of one map: bits of a mask             */
#define SKIP_DEPTH              (ATTESTATION_DEPTH_MAX - 5)     /* ours is in 5 at most */
#define KEY_MAX                 64      /* bytes of a map key                     */

/* Reads the value of a field to `out`, which is what the field's table says. */
typedef bool field_reader(void *out, struct arena *arena, CBS *in, struct reason *why);

struct field {
	const char *name;
	field_reader *read;
	size_t  offset;         /* of `out` in the struct that the map describes  */
	bool    optional;
};

/* ---- maps ---- */

static const struct field *
field_find(const struct field *fields, size_t n, struct bytes key)
{
	for (size_t i = 0; i < n; i++)
		if (bytes_equal(key, bytes_str(fields[i].name)))
			return &fields[i];
	return NULL;
}

static bool
field_read(void *out, struct arena *arena, CBS *in, const struct field *fields, size_t n,
    uint32_t *seen, struct reason *why)
{
	const struct field *field;
	struct bytes key;
	uint32_t bit;

	if (!msgpack_text_read(&key, in, KEY_MAX, why))
		return reject_as(why, "key");
	field = field_find(fields, n, key);
	if (field == NULL)
		return msgpack_skip(in, SKIP_DEPTH, why) || reject_as(why, "unknown member");
	bit = UINT32_C(1) << (field - fields);
	if ((*seen & bit) != 0)
		return reject(why, REASON_MALFORMED, "%s: occurs twice", field->name);
	*seen |= bit;
	return field->read((uint8_t *)out + field->offset, arena, in, why) ||
	    reject_as(why, "%s", field->name);
}

static bool
map_read(void *out, struct arena *arena, CBS *in, const struct field *fields, size_t n,
    struct reason *why)
{
	uint32_t pairs, seen = 0;

	assert(n <= FIELDS_MAX);
	if (!msgpack_map_read(&pairs, in, why))
		return false;
	for (; pairs > 0; pairs--)
		if (!field_read(out, arena, in, fields, n, &seen, why))
			return false;
	for (size_t i = 0; i < n; i++)
		if ((seen >> i & 1) == 0 && !fields[i].optional)
			return reject(why, REASON_MALFORMED, "%s: is missing", fields[i].name);
	return true;
}

/* ---- values ---- */

static bool
u32_read(void *out, struct arena *arena, CBS *in, struct reason *why)
{
	uint64_t value;

	if (!msgpack_u64_read(&value, in, UINT32_MAX, why))
		return false;
	*(uint32_t *)out = (uint32_t)value;
	return true;
}

static bool
blob_read(void *out, struct arena *arena, CBS *in, struct reason *why)
{
	return msgpack_bytes_read(out, arena, in, ATTESTATION_MAX, why);
}

static bool
payload_read(void *out, struct arena *arena, CBS *in, struct reason *why)
{
	return msgpack_bytes_read(out, arena, in, EVENT_PAYLOAD_MAX, why);
}

static bool
text_read(void *out, struct arena *arena, CBS *in, struct reason *why)
{
	return msgpack_text_read(out, in, ATTESTATION_MAX, why);
}

/* ---- events ---- */

static bool
event_version_read(void *out, struct arena *arena, CBS *in, struct reason *why)
{
	uint64_t value;

	if (!msgpack_u64_read(&value, in, UINT64_MAX, why))
		return false;
	if (value != 1 && value != 2)
		return reject(why, REASON_MALFORMED, "unknown event log version: %llu",
		    (unsigned long long)value);
	*(uint32_t *)out = (uint32_t)value;
	return true;
}

static bool
preimage_read(void *out, struct arena *arena, CBS *in, struct reason *why)
{
	struct event *event = out;

	if (msgpack_nil_take(in))
		return true;
	event->has_preimage = true;
	return text_read(&event->preimage, arena, in, why);
}

static const struct field tdx_event_fields[] = {
	{ "imr",                u32_read,       offsetof(struct event, imr), false },
	{ "event_type",         u32_read,       offsetof(struct event, type), false },
	{ "digest",             blob_read,     offsetof(struct event, digest), true },
	{ "event",              text_read,      offsetof(struct event, name), false },
	{ "event_payload",      payload_read,   offsetof(struct event, payload), false },
	{ "version",            event_version_read, offsetof(struct event, version), true },
	{ "preimage",           preimage_read,  0, true },
};

static const struct field runtime_event_fields[] = {
	{ "event",              text_read,      offsetof(struct event, name), false },
	{ "payload",            payload_read,   offsetof(struct event, payload), false },
	{ "version",            event_version_read, offsetof(struct event, version), true },
};

static bool
events_read(struct event_list *list, struct arena *arena, CBS *in, const struct field *fields,
    size_t n_fields, struct event start, struct reason *why)
{
	uint32_t n;

	if (!msgpack_array_read(&n, in, why))
		return false;
	if (n > EVENT_LOG_MAX)
		return reject(why, REASON_LIMIT, "%u events are more than %d", n, EVENT_LOG_MAX);
	list->event = arena_array(arena, n + (size_t)1, sizeof *list->event, why);
	if (list->event == NULL)
		return false;
	for (list->n = 0; list->n < n; list->n++) {
		list->event[list->n] = start;
		if (!map_read(&list->event[list->n], arena, in, fields, n_fields, why))
			return reject_as(why, "event %zu", list->n);
	}
	return true;
}

static bool
tdx_events_read(void *out, struct arena *arena, CBS *in, struct reason *why)
{
	return events_read(out, arena, in, tdx_event_fields, NELEM(tdx_event_fields),
	    (struct event){ .version = 1 }, why);
}

static bool
runtime_events_read(void *out, struct arena *arena, CBS *in, struct reason *why)
{
	return events_read(out, arena, in, runtime_event_fields, NELEM(runtime_event_fields),
	    (struct event){ .version = 1, .imr = 3, .type = EVENT_TYPE_RUNTIME }, why);
}

/* ---- TPM quote and certificates ---- */

static const struct field pcr_fields[] = {
	{ "index",              u32_read,       offsetof(struct tpm_pcr, index), false },
	{ "algorithm",          text_read,      offsetof(struct tpm_pcr, algorithm), false },
	{ "value",              blob_read,     offsetof(struct tpm_pcr, value), false },
};

static const struct field tpm_event_fields[] = {
	{ "pcr_index",          u32_read,       offsetof(struct tpm_event, pcr), false },
	{ "digest",             blob_read,     offsetof(struct tpm_event, digest), false },
};

/* An array of maps: *items are in the arena, *n is set at the end. */
static bool
list_read(void **items, size_t *n, size_t size, uint32_t max, struct arena *arena, CBS *in,
    const struct field *fields, size_t n_fields, struct reason *why)
{
	uint32_t count;
	uint8_t *item;

	if (!msgpack_array_read(&count, in, why))
		return false;
	if (count > max)
		return reject(why, REASON_LIMIT, "%u items are more than %u", count, max);
	*items = item = arena_array(arena, count + (size_t)1, size, why);
	if (item == NULL)
		return false;
	for (uint32_t i = 0; i < count; i++, item += size)
		if (!map_read(item, arena, in, fields, n_fields, why))
			return reject_as(why, "item %u", i);
	*n = count;
	return true;
}

static bool
pcrs_read(void *out, struct arena *arena, CBS *in, struct reason *why)
{
	struct tpm_evidence *tpm = out;
	void *items;

	if (!list_read(&items, &tpm->n_pcrs, sizeof *tpm->pcrs, ATTESTATION_PCRS_MAX, arena, in,
	    pcr_fields, NELEM(pcr_fields), why))
		return false;
	tpm->pcrs = items;
	return true;
}

static bool
tpm_events_read(void *out, struct arena *arena, CBS *in, struct reason *why)
{
	struct tpm_evidence *tpm = out;
	void *items;

	if (!list_read(&items, &tpm->n_events, sizeof *tpm->events, ATTESTATION_TPM_EVENTS_MAX,
	    arena, in, tpm_event_fields, NELEM(tpm_event_fields), why))
		return false;
	tpm->events = items;
	return true;
}

static bool
tpm_platform_read(void *out, struct arena *arena, CBS *in, struct reason *why)
{
	static const char *const names[] = {
		[TPM_PLATFORM_DSTACK] = "dstack",
		[TPM_PLATFORM_GCP] = "gcp",
		[TPM_PLATFORM_NITRO_ENCLAVE] = "nitroenclave",
		[TPM_PLATFORM_AWS_EC2] = "aws-ec2",
	};
	struct tpm_evidence *tpm = out;
	struct bytes name;

	if (!text_read(&name, arena, in, why))
		return false;
	for (size_t i = 0; i < NELEM(names); i++) {
		if (!bytes_equal(name, bytes_str(names[i])))
			continue;
		tpm->platform = (enum tpm_platform)i;
		return true;
	}
	return reject(why, REASON_MALFORMED, "is unknown");
}

static bool
tpm_quote_read(void *out, struct arena *arena, CBS *in, struct reason *why)
{
	static const struct field fields[] = {
		{ "message",    blob_read,     offsetof(struct tpm_evidence, message), false },
		{ "signature",  blob_read,     offsetof(struct tpm_evidence, signature), false },
		{ "pcr_values", pcrs_read,      0, false },
		{ "ak_cert",    blob_read,     offsetof(struct tpm_evidence, ak_cert), false },
		{ "platform",   tpm_platform_read, 0, false },
		{ "event_log",  tpm_events_read, 0, false },
	};

	return map_read(out, arena, in, fields, NELEM(fields), why);
}

static bool
certs_read(void *out, struct arena *arena, CBS *in, struct reason *why)
{
	struct evidence *evidence = out;
	uint32_t n;

	if (!msgpack_array_read(&n, in, why))
		return false;
	if (n > ATTESTATION_CERTS_MAX)
		return reject(why, REASON_LIMIT, "%u certificates are more than %d",
		    n, ATTESTATION_CERTS_MAX);
	for (; evidence->n_certs < n; evidence->n_certs++)
		if (!blob_read(&evidence->certs[evidence->n_certs], arena, in, why))
			return reject_as(why, "certificate %zu", evidence->n_certs);
	return true;
}

/* ---- the two enums ---- */

#define IN_EVIDENCE(member)     offsetof(struct evidence, member)

static const struct field tdx_fields[] = {
	{ "quote",              blob_read,     IN_EVIDENCE(quote), false },
	{ "event_log",          tdx_events_read, IN_EVIDENCE(log), false },
};

static const struct field gcp_fields[] = {
	{ "quote",              blob_read,     IN_EVIDENCE(quote), false },
	{ "event_log",          tdx_events_read, IN_EVIDENCE(log), false },
	{ "tpm_quote",          tpm_quote_read, IN_EVIDENCE(tpm), false },
};

static const struct field nitro_enclave_fields[] = {
	{ "nsm_quote",          blob_read,     IN_EVIDENCE(document), false },
};

static const struct field nitro_tpm_fields[] = {
	{ "attestation_doc",    blob_read,     IN_EVIDENCE(document), false },
};

static const struct field snp_fields[] = {
	{ "report",             blob_read,     IN_EVIDENCE(document), false },
	{ "cert_chain",         certs_read,     0, false },
	{ "mr_config",          text_read,      IN_EVIDENCE(mr_config), false },
};

static const struct field dstack_fields[] = {
	{ "report_data",        blob_read,     IN_EVIDENCE(report_data), false },
	{ "runtime_events",     runtime_events_read, IN_EVIDENCE(runtime), false },
	{ "config",             text_read,      IN_EVIDENCE(config), false },
};

static const struct field pod_fields[] = {
	{ "report_data",        blob_read,     IN_EVIDENCE(report_data), false },
	{ "runtime_events",     runtime_events_read, IN_EVIDENCE(runtime), false },
	{ "config",             text_read,      IN_EVIDENCE(config), false },
	{ "report_data_payload", text_read,     IN_EVIDENCE(report_data_payload), false },
};

struct kind {
	const char *name;
	const struct field *fields;
	size_t  n_fields;
	enum evidence_variant variant;  /* platforms                              */
	bool    pod;                    /* stacks                                 */
};

static const struct kind platforms[] = {
	{ "tdx",           tdx_fields, NELEM(tdx_fields), EVIDENCE_TDX, false },
	{ "gcp-tdx",       gcp_fields, NELEM(gcp_fields), EVIDENCE_GCP_TDX, false },
	{ "nitro-enclave", nitro_enclave_fields, NELEM(nitro_enclave_fields),
	    EVIDENCE_NITRO_ENCLAVE, false },
	{ "aws-nitro-tpm", nitro_tpm_fields, NELEM(nitro_tpm_fields),
	    EVIDENCE_AWS_NITRO_TPM, false },
	{ "sev-snp",       snp_fields, NELEM(snp_fields), EVIDENCE_SEV_SNP, false },
};

static const struct kind stacks[] = {
	{ "dstack",     dstack_fields, NELEM(dstack_fields), EVIDENCE_TDX, false },
	{ "dstack-pod", pod_fields, NELEM(pod_fields), EVIDENCE_TDX, true },
};

/* The map { kind, data } while it is read. */
struct tagged {
	const struct kind *kinds;
	size_t  n_kinds;
	struct evidence *evidence;
	const struct kind *kind;        /* NULL until its key came                */
	CBS     early;                  /* `data` that came before `kind`         */
	bool    is_early;
};

static bool
kind_read(void *out, struct arena *arena, CBS *in, struct reason *why)
{
	struct tagged *tagged = out;
	struct bytes name;

	if (!text_read(&name, arena, in, why))
		return false;
	for (size_t i = 0; i < tagged->n_kinds; i++)
		if (bytes_equal(name, bytes_str(tagged->kinds[i].name)))
			tagged->kind = &tagged->kinds[i];
	if (tagged->kind == NULL)
		return reject(why, REASON_MALFORMED, "is unknown");
	return true;
}

/* Guests write `kind` first; only else is the value walked twice. */
static bool
data_read(void *out, struct arena *arena, CBS *in, struct reason *why)
{
	struct tagged *tagged = out;

	if (tagged->kind != NULL)
		return map_read(tagged->evidence, arena, in, tagged->kind->fields,
		    tagged->kind->n_fields, why);
	tagged->is_early = true;
	tagged->early = *in;
	return msgpack_skip(in, SKIP_DEPTH, why);
}

static const struct kind *
tagged_read(struct evidence *out, struct arena *arena, CBS *in, const struct kind *kinds,
    size_t n, struct reason *why)
{
	static const struct field fields[] = {
		{ "kind",       kind_read,      0, false },
		{ "data",       data_read,      0, false },
	};
	struct tagged tagged = { .kinds = kinds, .n_kinds = n, .evidence = out };

	if (!map_read(&tagged, arena, in, fields, NELEM(fields), why))
		return NULL;
	if (tagged.is_early && !data_read(&tagged, arena, &tagged.early, why)) {
		(void)reject_as(why, "data");
		return NULL;
	}
	return tagged.kind;
}

static bool
platform_read(void *out, struct arena *arena, CBS *in, struct reason *why)
{
	struct evidence *evidence = out;
	const struct kind *kind;

	kind = tagged_read(evidence, arena, in, platforms, NELEM(platforms), why);
	if (kind == NULL)
		return false;
	evidence->variant = kind->variant;
	return true;
}

static bool
stack_read(void *out, struct arena *arena, CBS *in, struct reason *why)
{
	struct evidence *evidence = out;
	const struct kind *kind;

	kind = tagged_read(evidence, arena, in, stacks, NELEM(stacks), why);
	if (kind == NULL)
		return false;
	evidence->pod = kind->pod;
	return true;
}

static bool
version_read(void *out, struct arena *arena, CBS *in, struct reason *why)
{
	uint64_t value;

	if (!msgpack_u64_read(&value, in, UINT64_MAX, why))
		return false;
	if (value != ATTESTATION_VERSION)
		return reject(why, REASON_UNSUPPORTED,
		    "unsupported attestation version: expected %d, got %llu",
		    ATTESTATION_VERSION, (unsigned long long)value);
	return true;
}

bool
attestation_v1_read(struct evidence *out, struct arena *arena, struct bytes raw,
    struct reason *why)
{
	static const struct field fields[] = {
		{ "version",    version_read,   0, false },
		{ "platform",   platform_read,  0, false },
		{ "stack",      stack_read,     0, false },
	};
	CBS in = cbs_bytes(raw);

	out->form = EVIDENCE_FORM_V1;
	if (!map_read(out, arena, &in, fields, NELEM(fields), why))
		return false;
	if (CBS_len(&in) != 0)
		return reject(why, REASON_MALFORMED,
		    "trailing bytes after attestation msgpack: %zu", CBS_len(&in));
	return true;
}
