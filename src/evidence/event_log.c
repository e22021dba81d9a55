#include "evidence/event_log.h"

#include "core/hex.h"

#define ACPI_PAYLOAD    "ACPI DATA"
#define LIST_ENDS       "system-ready"  /* what follows is application data       */

/* Names that guests give events, attestation-and-events.md 6.4. */
static const struct {
	const char *name;
	bool    single;         /* occurs once                                    */
} known[] = {
	{ "system-preparing",   false },
	{ "app-id",             true },
	{ "compose-hash",       true },
	{ "upgraded-app-id",    false },
	{ "init-script-hash",   false },
	{ "gpu-policy-hash",    false },
	{ "gpu-attestation",    false },
	{ "instance-id",        true },
	{ "boot-mr-done",       true },
	{ "mr-kms",             false },
	{ "os-image-hash",      false },
	{ "key-provider",       true },
	{ "storage-fs",         false },
	{ "rootfs-hash",        false },
	{ "system-ready",       false },
};

/* ---- what is hashed ---- */

static bool
preimage_v1_write(CBB *out, const struct event *event)
{
	static const uint8_t head[] = { 0x01, 0x00, 0x00, 0x08, ':' }; /* the type, little endian */

	return CBB_add_bytes(out, head, sizeof head) &&
	    CBB_add_bytes(out, event->name.ptr, event->name.len) &&
	    CBB_add_u8(out, ':') &&
	    CBB_add_bytes(out, event->payload.ptr, event->payload.len);
}

static bool
text_write(CBB *out, const char *text)
{
	return CBB_add_bytes(out, (const uint8_t *)text, strlen(text));
}

/* One byte of a string as RFC 8785 (3.2.2.2) writes it; UTF-8 passes as it is. */
static bool
canonical_byte_write(CBB *out, uint8_t c)
{
	static const char shorts[] = "btn?fr";  /* 0x08 to 0x0d; 0x0b has none    */
	char escape[7] = "\\u00";

	if (c == '"' || c == '\\')
		return CBB_add_u8(out, '\\') && CBB_add_u8(out, c);
	if (c >= 0x20)
		return CBB_add_u8(out, c);
	if (c >= 0x08 && c <= 0x0d && c != 0x0b)
		return CBB_add_u8(out, '\\') && CBB_add_u8(out, (uint8_t)shorts[c - 0x08]);
	hex_text(escape + 4, (struct bytes){ &c, 1 });
	return text_write(out, escape);
}

static bool
preimage_v2_write(CBB *out, const struct event *event)
{
	char two[3];

	if (!text_write(out, "{\"name\":\""))
		return false;
	for (size_t i = 0; i < event->name.len; i++)
		if (!canonical_byte_write(out, event->name.ptr[i]))
			return false;
	if (!text_write(out, "\",\"payload\":\""))
		return false;
	for (size_t i = 0; i < event->payload.len; i++) {
		hex_text(two, (struct bytes){ event->payload.ptr + i, 1 });
		if (!text_write(out, two))
			return false;
	}
	return text_write(out, "\",\"type\":134217729}");
}

bool
event_preimage(struct bytes *out, struct arena *arena, const struct event *event,
    struct reason *why)
{
	/* An escape takes six bytes for one, hex two for one; 64 is more than the frame. */
	size_t room = event->name.len * 6 + event->payload.len * 2 + 64, len;
	uint8_t *text = arena_alloc(arena, room, why);
	CBB cbb;

	if (text == NULL)
		return false;
	if (!CBB_init_fixed(&cbb, text, room) ||
	    !(event->version == 2 ? preimage_v2_write : preimage_v1_write)(&cbb, event) ||
	    !CBB_finish(&cbb, NULL, &len)) {
		CBB_cleanup(&cbb);
		return reject(why, REASON_INTERNAL, "event does not fit its room");
	}
	*out = (struct bytes){ text, len };
	return true;
}

bool
event_list_hash(struct event_list *runtime, struct arena *arena, struct reason *why)
{
	struct bytes preimage;

	for (size_t i = 0; i < runtime->n; i++) {
		if (!event_preimage(&preimage, arena, &runtime->event[i], why))
			return false;
		digest384_of(&runtime->event[i].computed, preimage);
	}
	return true;
}

/* ---- the lists ---- */

bool
event_log_runtime(struct event_list *runtime, struct arena *arena, const struct event_list *log,
    struct reason *why)
{
	runtime->n = 0;
	runtime->event = arena_array(arena, log->n + 1, sizeof *runtime->event, why);
	if (runtime->event == NULL)
		return false;
	for (size_t i = 0; i < log->n; i++) {
		if (log->event[i].type != EVENT_TYPE_RUNTIME)
			continue;
		runtime->event[runtime->n++] = (struct event){
			.imr = 3, .type = EVENT_TYPE_RUNTIME, .version = log->event[i].version,
			.name = log->event[i].name, .payload = log->event[i].payload,
		};
	}
	return true;
}

static bool
list_ends(const struct event *event)
{
	return bytes_equal(event->name, bytes_str(LIST_ENDS));
}

const struct event *
event_find(const struct event_list *runtime, const char *name)
{
	for (size_t i = 0; i < runtime->n; i++) {
		/* The end comes before the name: nobody looks for "system-ready" itself. */
		if (list_ends(&runtime->event[i]))
			return NULL;
		if (bytes_equal(runtime->event[i].name, bytes_str(name)))
			return &runtime->event[i];
	}
	return NULL;
}

/* Looks for names that occur once, one event after the other; zero at the start. */
struct repeats {
	bool    seen[NELEM(known)];
};

/* The name when the event repeats one that occurs once, else NULL. */
static const char *
repeats_name(struct repeats *repeats, const struct event *event)
{
	bool before;

	for (size_t i = 0; i < NELEM(known); i++) {
		if (!known[i].single || !bytes_equal(event->name, bytes_str(known[i].name)))
			continue;
		before = repeats->seen[i];
		repeats->seen[i] = true;
		return before ? known[i].name : NULL;
	}
	return NULL;
}

size_t
event_log_duplicates(const struct event_list *runtime, struct warnings *warnings)
{
	struct repeats repeats = { 0 };
	const char *name;
	size_t n = 0;

	for (size_t i = 0; i < runtime->n && !list_ends(&runtime->event[i]); i++) {
		name = repeats_name(&repeats, &runtime->event[i]);
		if (name == NULL)
			continue;
		warn_of(warnings, "runtime event %zu repeats %s, the first one counts", i, name);
		n++;
	}
	return n;
}

bool
event_log_check_duplicates(const struct event_list *runtime, struct reason *why)
{
	struct repeats repeats = { 0 };
	const char *name;

	for (size_t i = 0; i < runtime->n && !list_ends(&runtime->event[i]); i++) {
		name = repeats_name(&repeats, &runtime->event[i]);
		if (name != NULL)
			return reject(why, REASON_REFUSED, "runtime event %zu repeats %s", i, name);
	}
	return true;
}

/* ---- whether they are in order ---- */

/*
 * Stricter: the Rust verifier takes runtime events from any register, so that a log can show
 * in one what was extended into another.
 */
static bool
register_check(const struct event_list *log, struct reason *why)
{
	const struct event *event;

	for (size_t i = 0; i < log->n; i++) {
		event = &log->event[i];
		if (event->imr >= EVENT_RTMRS ||
		    (event->imr == 3) != (event->type == EVENT_TYPE_RUNTIME))
			return reject(why, REASON_REFUSED, "event %zu of type %u is in register %u",
			    i, event->type, event->imr);
	}
	return true;
}

/* Stricter: the longest genuine name has 20 bytes; upstream has no limit. */
static bool
names_check(const struct event_list *list, const char *what, struct reason *why)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->event[i].name.len > EVENT_NAME_MAX)
			return reject(why, REASON_REFUSED,
			    "%s %zu has a name of %zu bytes, more than %d",
			    what, i, list->event[i].name.len, EVENT_NAME_MAX);
	return true;
}

/*
 * Stricter: version 1 hashes "NAME:PAYLOAD", so whoever submits a log may move a ":" from one
 * to the other.  A known name followed by ":" is never genuine.
 */
static bool
ambiguous_name(const struct event *event)
{
	size_t len;

	if (event->version != 1)
		return false;
	for (size_t i = 0; i < NELEM(known); i++) {
		len = strlen(known[i].name);
		if (event->name.len > len && event->name.ptr[len] == ':' &&
		    memcmp(event->name.ptr, known[i].name, len) == 0)
			return true;
	}
	return false;
}

static bool
ambiguity_check(const struct event_list *runtime, struct reason *why)
{
	for (size_t i = 0; i < runtime->n; i++)
		if (ambiguous_name(&runtime->event[i]))
			return reject(why, REASON_REFUSED,
			    "runtime event %zu has an ambiguous name", i);
	return true;
}

static bool
same_event(const struct event *a, const struct event *b)
{
	return a->version == b->version && bytes_equal(a->name, b->name) &&
	    bytes_equal(a->payload, b->payload);
}

/*
 * Stricter: nothing binds the log's runtime events to those that are replayed but this.  A log
 * without any says nothing, and so nothing wrong.
 */
static bool
agreement_check(const struct event_list *log, const struct event_list *runtime,
    struct reason *why)
{
	size_t n = 0;

	for (size_t i = 0; i < log->n; i++) {
		if (log->event[i].type != EVENT_TYPE_RUNTIME)
			continue;
		if (n == runtime->n || !same_event(&log->event[i], &runtime->event[n]))
			return reject(why, REASON_REFUSED,
			    "event log and runtime events differ");
		n++;
	}
	if (n != 0 && n != runtime->n)
		return reject(why, REASON_REFUSED, "event log and runtime events differ");
	return true;
}

/*
 * Stricter: a reported digest is of no use to us, but a wrong one is a log that lies.  Version
 * 2 events with a preimage are left to event_log_check_preimages(), whose texts clients know.
 */
static bool
digest_check(const struct event_list *log, const struct event_list *runtime, struct reason *why)
{
	const struct event *event;
	size_t n = 0;

	for (size_t i = 0; i < log->n; i++) {
		event = &log->event[i];
		if (event->type != EVENT_TYPE_RUNTIME)
			continue;
		if (event->digest.len != 0 && !(event->version == 2 && event->has_preimage) &&
		    !bytes_equal(event->digest, BYTES_OF(runtime->event[n].computed.data)))
			return reject(why, REASON_REFUSED,
			    "runtime event %zu digest does not match its content", n);
		n++;
	}
	return true;
}

bool
event_log_check(const struct event_list *log, const struct event_list *runtime,
    struct reason *why)
{
	return register_check(log, why) &&
	    names_check(log, "event", why) &&
	    names_check(runtime, "runtime event", why) &&
	    agreement_check(log, runtime, why) &&
	    ambiguity_check(runtime, why) &&
	    digest_check(log, runtime, why);
}

/* ---- reported preimages ---- */

static bool
preimage_check(const struct event *event, size_t i, struct arena *arena, struct reason *why)
{
	struct bytes reported, wanted;
	struct digest384 digest;

	if (!hex_decode_arena(&reported, arena, event->preimage, event->preimage.len, why)) {
		if (why->kind != REASON_MALFORMED)
			return false;
		why->kind = REASON_REFUSED;
		return reject_as(why, "V%u runtime event %zu has a malformed digest preimage",
		    event->version, i);
	}
	digest384_of(&digest, reported);
	if (event->digest.len != 0 && !bytes_equal(event->digest, BYTES_OF(digest.data)))
		return reject(why, REASON_REFUSED,
		    "V%u runtime event %zu digest does not match its preimage",
		    event->version, i);
	if (!event_preimage(&wanted, arena, event, why))
		return false;
	if (!bytes_equal(reported, wanted))
		return reject(why, REASON_REFUSED,
		    "V%u runtime event %zu preimage is not the canonical event representation",
		    event->version, i);
	return true;
}

bool
event_log_check_preimages(const struct event_list *log, struct arena *arena, struct reason *why)
{
	const struct event *event;

	for (size_t i = 0; i < log->n; i++) {
		event = &log->event[i];
		/*
		 * A guest that strips digests or preimages is not refused, as the Rust verifier
		 * refuses it: the register was computed from the event itself.
		 */
		if (event->type != EVENT_TYPE_RUNTIME || !event->has_preimage)
			continue;
		if (!preimage_check(event, i, arena, why))
			return reject_as(why, "Failed to validate TDX V2 event digest preimages");
	}
	return true;
}

/* ---- ACPI events of a lite attestation ---- */

bool
event_is_acpi(const struct event *event)
{
	return event->imr == 0 && event->type == EVENT_TYPE_ACPI &&
	    bytes_equal(event->payload, bytes_str(ACPI_PAYLOAD));
}

static bool
acpi_count_check(const struct event_list *log, struct reason *why)
{
	size_t n = 0, n_rtmr0 = 0;

	for (size_t i = 0; i < log->n; i++) {
		n += event_is_acpi(&log->event[i]);
		n_rtmr0 += log->event[i].imr == 0;
	}
	if (n == EVENT_ACPIS)
		return true;
	return reject(why, REASON_REFUSED,
	    "TDX lite attestation requires exactly 3 RTMR0 ACPI DATA events; found %zu candidates and %zu RTMR0 events",
	    n, n_rtmr0);
}

static bool
acpi_find(const struct event **out, const struct event_list *log, const char *name,
    struct reason *why)
{
	size_t n = 0;

	for (size_t i = 0; i < log->n; i++) {
		if (!event_is_acpi(&log->event[i]) ||
		    !bytes_equal(log->event[i].name, bytes_str(name)))
			continue;
		*out = &log->event[i];
		n++;
	}
	if (n != 1)
		return reject(why, REASON_REFUSED,
		    "TDX lite attestation requires exactly one RTMR0 ACPI DATA event named %s; found %zu",
		    name, n);
	if ((*out)->digest.len != EVENT_DIGEST_LEN)
		return reject(why, REASON_REFUSED,
		    "TDX RTMR0 ACPI DATA event %s has invalid digest length %zu, expected %d",
		    name, (*out)->digest.len, EVENT_DIGEST_LEN);
	return true;
}

bool
event_log_acpi(const struct event *acpi[EVENT_ACPIS], const struct event_list *log,
    struct reason *why)
{
	return acpi_count_check(log, why) &&
	    acpi_find(&acpi[EVENT_ACPI_LOADER], log, "acpi-loader", why) &&
	    acpi_find(&acpi[EVENT_ACPI_RSDP], log, "acpi-rsdp", why) &&
	    acpi_find(&acpi[EVENT_ACPI_TABLES], log, "acpi-tables", why);
}
