#include "evidence/app_info.h"

#include "core/digest.h"
#include "core/json.h"
#include "evidence/replay.h"

#define BOOT_TIME_ENDS          "boot-mr-done"
#define LIST_ENDS               "system-ready"
#define INIT_SCRIPT             "init-script-hash"
#define KEY_PROVIDER_DEPTH      64
#define KEY_PROVIDER_VALUES     EVENT_PAYLOAD_MAX       /* so that none has more */

/* A string member that occurs once; *found tells. */
static bool
member_read(bool *found, struct bytes *out, struct arena *arena, const struct json *object,
    const char *key, struct reason *why)
{
	*found = json_occurrences(object, key) == 1 &&
	    json_type(json_find(object, key)) == JSON_STRING;
	return !*found || json_str(out, arena, object, key, EVENT_PAYLOAD_MAX, why);
}

bool
key_provider_read(struct key_provider *out, struct arena *arena, struct bytes payload,
    struct reason *why)
{
	static const struct json_limits limits = {
		.text_len = EVENT_PAYLOAD_MAX, .depth = KEY_PROVIDER_DEPTH,
		.values = KEY_PROVIDER_VALUES, .allow_duplicates = true,
	};
	const struct json *root;
	bool has_name, has_id;

	*out = (struct key_provider){ .known = false };
	if (!json_read(&root, arena, payload, &limits, why))
		return why->kind == REASON_MALFORMED || reject_as(why, "key provider");
	if (!member_read(&has_name, &out->name, arena, root, "name", why) ||
	    !member_read(&has_id, &out->id, arena, root, "id", why))
		return reject_as(why, "key provider");
	if (has_name && has_id)
		out->known = true;
	else
		*out = (struct key_provider){ .known = false };
	return true;
}

/* The payload of a named event, with a remark when its length is none of the two. */
static struct bytes
payload_of(const struct event_list *runtime, const char *name, size_t len, bool may_be_empty,
    struct warnings *warnings)
{
	const struct event *event = event_find(runtime, name);

	if (event == NULL)
		return (struct bytes){ NULL, 0 };
	if (event->payload.len != len && !(may_be_empty && event->payload.len == 0))
		warn_of(warnings, "event %s has %zu bytes, not %zu", name, event->payload.len, len);
	return event->payload;
}

static bool
init_scripts_find(struct app_info *out, struct arena *arena, const struct event_list *runtime,
    struct warnings *warnings, struct reason *why)
{
	const struct event *event;

	out->init_script_hashes = arena_array(arena, runtime->n + 1,
	    sizeof *out->init_script_hashes, why);
	if (out->init_script_hashes == NULL)
		return false;
	for (size_t i = 0; i < runtime->n; i++) {
		event = &runtime->event[i];
		if (bytes_equal(event->name, bytes_str(LIST_ENDS)))
			break;
		if (!bytes_equal(event->name, bytes_str(INIT_SCRIPT)))
			continue;
		if (event->payload.len != SHA256_DIGEST_LENGTH)
			warn_of(warnings, "event %s has %zu bytes, not %d", INIT_SCRIPT,
			    event->payload.len, SHA256_DIGEST_LENGTH);
		out->init_script_hashes[out->n_init_script_hashes++] = event->payload;
	}
	return true;
}

static void
identity_find(struct app_info *out, const struct event_list *runtime, struct warnings *warnings)
{
	const struct event *event;

	out->app_id = payload_of(runtime, "app-id", 20, false, warnings);
	out->compose_hash = payload_of(runtime, "compose-hash", 32, false, warnings);
	out->instance_id = payload_of(runtime, "instance-id", 20, true, warnings);
	event = event_find(runtime, "key-provider");
	if (event != NULL)
		out->key_provider_info = event->payload;
	event = event_find(runtime, "os-image-hash");
	if (event != NULL) {
		out->has_event_os_image_hash = true;
		out->event_os_image_hash = event->payload;
	}
	out->duplicate_events = event_log_duplicates(runtime, warnings) != 0;
}

static void
mr_system_of(struct digest256 *out, const struct app_info_quote *quote, struct bytes key_provider)
{
	struct digest256 hash = { { 0 } };
	const struct bytes parts[] = {
		quote->mrtd, quote->rtmr[0], quote->rtmr[1], quote->rtmr[2], BYTES_OF(hash.data),
	};

	if (key_provider.len != 0)
		digest256_of(&hash, key_provider);
	digest256_of_parts(out, parts, NELEM(parts));
}

static void
mr_aggregated_of(struct digest256 *out, const struct app_info_quote *quote,
    struct bytes runtime_register)
{
	const struct bytes parts[] = {
		quote->mrtd, quote->rtmr[0], quote->rtmr[1], quote->rtmr[2], runtime_register,
		quote->mr_config_id, quote->mr_owner, quote->mr_owner_config,
	};
	bool extended = !bytes_zero(quote->mr_config_id) || !bytes_zero(quote->mr_owner) ||
	    !bytes_zero(quote->mr_owner_config);

	/* The last three count all or not at all. */
	digest256_of_parts(out, parts, extended ? NELEM(parts) : NELEM(parts) - 3);
}

bool
app_info_tdx(struct app_info *out, struct arena *arena, const struct app_info_quote *quote,
    const struct event_list *runtime, bool boottime, struct warnings *warnings,
    struct reason *why)
{
	struct digest384 boot;

	memset(out, 0, sizeof *out);
	identity_find(out, runtime, warnings);
	if (!init_scripts_find(out, arena, runtime, warnings, why))
		return false;
	if (boottime)
		out->key_provider_info = (struct bytes){ NULL, 0 };
	if (!key_provider_read(&out->key_provider, arena, out->key_provider_info, why))
		return false;
	if (boottime)
		replay_runtime(&boot, runtime, BOOT_TIME_ENDS);
	digest256_of(&out->device_id, quote->ppid);
	mr_system_of(&out->mr_system, quote, out->key_provider_info);
	/* The whole list replays to the quoted register: replay_check() said so. */
	mr_aggregated_of(&out->mr_aggregated, quote,
	    boottime ? BYTES_OF(boot.data) : quote->rtmr[3]);
	return true;
}
