#include "measurer/shape.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/hex.h"
#include "core/json_writer.h"
#include "measure/legacy.h"

#define DIGEST_TEXT_LEN (2 * SHA384_DIGEST_LENGTH + 1)
#define LINE_LEN        512

struct shape {
	struct arena *arena;
	struct acpi_cache *cache;
	const struct image_files *files;
	struct digest256 hash;          /* of the image                                 */
	struct vm_config config;
	struct image_record record;
	struct legacy_result result;
	struct json_writer json;
	CBB    *text;
};

/* ---- measuring ---- */

static bool
hash_find(struct shape *s, struct reason *why)
{
	if (s->config.os_image_hash.len != 0)
		return vm_config_image_hash(&s->hash, &s->config, why);
	digest256_of(&s->hash, s->files->manifest);
	return true;
}

/* The kernel at this shape's initrd address, where the record does not have it. */
static bool
kernel_find(struct kernel_fact *fact, bool *needed, const struct shape *s, struct reason *why)
{
	struct reason ignored = { 0 };
	bool known = true;
	uint32_t addr;

	/* legacy_check() says what is wrong with an address that cannot be. */
	*needed = image_record_initrd_addr(&addr, &known, &s->record,
	    s->config.shape.memory_size, &ignored) && !known;
	return !*needed || kernel_fact_compute(fact, s->arena, &s->hash, s->files, addr, why);
}

/* RTMR0 with the tables that the named QEMU release itself makes, where those are accepted. */
static bool
genuine_find(struct digest384 *rtmr0, const struct shape *s)
{
	struct digest384 events[RTMR0_EVENTS], td_hob;
	struct acpi_digests acpi;
	struct reason ignored = { 0 };

	if (!acpi_second_chance(&s->config.shape) || !acpi_cache_digests(s->cache, &acpi,
	    &s->config.shape, ACPI_GENUINE, &ignored) ||
	    !td_hob_measure(&td_hob, &s->record.td_hob, s->config.shape.memory_size, &ignored))
		return false;
	rtmr0_events(events, &td_hob, &acpi);
	rtmr_compute(rtmr0, events, RTMR0_EVENTS);
	return true;
}

/*
 * Compares with registers that no machine has, and takes what was expected.  A shape that has no
 * tables but the genuine ones is asked for with those.
 */
static bool
registers_find(struct shape *s, struct reason *why)
{
	struct launch_registers quoted = { .mrtd = { { 0 } } };
	struct legacy_input input = { .record = &s->record, .config = &s->config,
	    .quoted = &quoted, .cache = s->cache };
	struct reason ignored = { 0 };
	struct kernel_fact fact;
	bool needed;

	if (!kernel_find(&fact, &needed, s, why))
		return false;
	if (needed)
		input.kernel = &fact;
	if (legacy_check(&s->result, &input, why) != LEGACY_REFUSED || s->result.computed)
		return true;
	return genuine_find(&quoted.rtmr[0], s) &&
	    (legacy_check(&s->result, &input, &ignored) != LEGACY_REFUSED || s->result.computed);
}

static bool
unpatched_find(struct digest384 *rtmr1, const struct shape *s)
{
	struct digest384 events[RTMR1_EVENTS];
	struct reason ignored = { 0 };
	struct acpi_version version;

	if (s->record.kernel_header_normalized ||
	    !vm_config_qemu_version(&version, &s->config, &ignored) ||
	    !legacy_unpatched_release(&version))
		return false;
	rtmr1_events(events, &s->record.kernel_unpatched);
	rtmr_compute(rtmr1, events, RTMR1_EVENTS);
	return true;
}

/* ---- saying ---- */

static void PRINTF(2, 3)
line(struct shape *s, const char *format, ...)
{
	char text[LINE_LEN];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	(void)CBB_add_bytes(s->text, (const uint8_t *)text, strlen(text));
}

static void
digest_say(struct shape *s, const char *key, const char *note, const struct digest384 *digest)
{
	char hex[DIGEST_TEXT_LEN];

	hex_text(hex, BYTES_OF(digest->data));
	json_write_text(&s->json, key, hex);
	line(s, "%-16s%s%s\n", key, hex, note);
}

static void
events_say(struct shape *s, size_t rtmr)
{
	static const char *const names[] = { "rtmr0", "rtmr1", "rtmr2" };
	const struct digest384 *events;
	char hex[DIGEST_TEXT_LEN];
	size_t i, n;

	events = launch_events_of(&n, &s->result.events, rtmr);
	for (i = 0; i < n; i++) {
		hex_text(hex, BYTES_OF(events[i].data));
		json_write_object(&s->json, NULL);
		json_write_text(&s->json, "register", names[rtmr]);
		json_write_text(&s->json, "name", rtmr_event_name(rtmr, i));
		json_write_text(&s->json, "digest", hex);
		json_write_end_object(&s->json);
		line(s, "  %s  %s  %s\n", names[rtmr], hex, rtmr_event_name(rtmr, i));
	}
}

static void
image_say(struct shape *s)
{
	const struct bytes version = { (const uint8_t *)s->record.version,
	    s->record.version_len };
	char hex[2 * SHA256_DIGEST_LENGTH + 1];

	hex_text(hex, BYTES_OF(s->hash.data));
	json_write_text(&s->json, "os_image_hash", hex);
	json_write_bool(&s->json, "os_image_is_dev", s->record.is_dev);
	if (version.len == 0)
		json_write_null(&s->json, "os_image_version");
	else
		json_write_str(&s->json, "os_image_version", version);
	json_write_bool(&s->json, "variable_store_known", s->record.variables_known);
	line(s, "%-16s%s%s\n", "os_image_hash", hex, s->record.is_dev ? "  (development)" : "");
	if (!s->record.variables_known)
		line(s, "%-16sthe firmware's variable store is another than RTMR0 ever holds: "
		    "no machine matches\n", "");
}

static void
registers_say(struct shape *s)
{
	const struct launch_registers *r = &s->result.expected;
	const char *order = s->result.two_pass ? "two_pass" : "single_pass";
	const char *kernel = s->record.kernel_header_normalized ? "normalized" : "patched";
	const char *profile = s->result.acpi_profile == ACPI_GENUINE ? "genuine" : "newest";
	struct digest384 other;

	digest_say(s, "mrtd", "", &r->mrtd);
	digest_say(s, "rtmr0", "", &r->rtmr[0]);
	digest_say(s, "rtmr1", "", &r->rtmr[1]);
	digest_say(s, "rtmr2", "", &r->rtmr[2]);
	json_write_object(&s->json, "measurement_match");
	json_write_text(&s->json, "mrtd", order);
	json_write_text(&s->json, "kernel", kernel);
	json_write_text(&s->json, "acpi_profile", profile);
	json_write_end_object(&s->json);
	line(s, "%-16s%s, kernel %s, ACPI %s\n", "", order, kernel, profile);
	if (genuine_find(&other, s) && !digest384_equal(&other, &r->rtmr[0]))
		digest_say(s, "rtmr0_genuine", "  (accepted, too)", &other);
	if (unpatched_find(&other, s))
		digest_say(s, "rtmr1_unpatched", "  (accepted, too)", &other);
	if (s->record.kernel_header_normalized)
		json_write_null(&s->json, "initrd_addr");
	else
		json_write_u64(&s->json, "initrd_addr", s->result.initrd_addr);
}

static void
all_say(struct shape *s)
{
	json_write_object(&s->json, NULL);
	image_say(s);
	registers_say(s);
	json_write_array(&s->json, "events");
	for (size_t rtmr = 0; rtmr < NELEM(s->result.expected.rtmr); rtmr++)
		events_say(s, rtmr);
	json_write_end_array(&s->json);
	json_write_end_object(&s->json);
}

static bool
measure(struct shape *s, struct bytes config, struct reason *why)
{
	if (s->cache == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	if (!vm_config_read(&s->config, s->arena, config, why) || !hash_find(s, why) ||
	    !image_record_compute(&s->record, s->arena, &s->hash, s->files, why) ||
	    !registers_find(s, why))
		return false;
	all_say(s);
	return json_writer_ok(&s->json) || reject(why, REASON_INTERNAL, "out of memory");
}

bool
shape_measure(CBB *json, CBB *text, struct arena *arena, const struct image_files *files,
    struct bytes config, struct reason *why)
{
	struct shape s = { .arena = arena, .files = files, .text = text,
	    .json = { .out = json }, .cache = acpi_cache_new(1) };
	bool ok = measure(&s, config, why);

	acpi_cache_free(s.cache);
	return ok;
}
