/* The JSON form of the log; its rules are the other file's. */
#include "core/json.h"
#include "evidence/event_log.h"

#define LOG_TEXT_MAX    10485760        /* bytes, as an attestation               */
#define LOG_DEPTH_MAX   64
#define LOG_VALUES_MAX  (32 * EVENT_LOG_MAX)

enum { IMR, TYPE, DIGEST, NAME, PAYLOAD, VERSION, PREIMAGE, N_KEYS };

static const char *const keys[N_KEYS] = {
	[IMR] = "imr",
	[TYPE] = "event_type",
	[DIGEST] = "digest",
	[NAME] = "event",
	[PAYLOAD] = "event_payload",
	[VERSION] = "version",
	[PREIMAGE] = "preimage",
};

/*
 * Sorts an object's members by key; unknown ones are left out.  Guests write the keys in our
 * order, so the search starts behind the last one found.
 */
static void
members_find(const struct json *out[N_KEYS], const struct json *object)
{
	const struct json *member;
	size_t next = 0, i;

	for (member = json_first(object); member != NULL; member = json_next(member)) {
		for (size_t tried = 0; tried < N_KEYS; tried++) {
			i = (next + tried) % N_KEYS;
			if (!bytes_equal(json_key(member), bytes_str(keys[i])))
				continue;
			out[i] = member;
			next = i + 1;
			break;
		}
	}
}

static bool
u32_read(uint32_t *out, const struct json *value, const char *name, struct reason *why)
{
	uint64_t wide;

	if (!json_value_u64(&wide, value, name, UINT32_MAX, why))
		return false;
	*out = (uint32_t)wide;
	return true;
}

static bool
version_read(struct event *event, const struct json *value, struct reason *why)
{
	event->version = 1;
	if (value == NULL)
		return true;
	if (!u32_read(&event->version, value, keys[VERSION], why))
		return false;
	if (event->version != 1 && event->version != 2)
		return reject(why, REASON_MALFORMED,
		    "unknown event log version: %u", event->version);
	return true;
}

static bool
preimage_read(struct event *event, struct arena *arena, const struct json *value,
    struct reason *why)
{
	if (value == NULL || json_type(value) == JSON_NULL)
		return true;
	event->has_preimage = true;
	return json_value_str(&event->preimage, arena, value, keys[PREIMAGE], LOG_TEXT_MAX, why);
}

static bool
event_read(struct event *event, struct arena *arena, const struct json *object,
    struct reason *why)
{
	const struct json *m[N_KEYS] = { NULL };

	if (!json_value_check(object, JSON_OBJECT, "event", why))
		return false;
	members_find(m, object);
	return u32_read(&event->imr, m[IMR], keys[IMR], why) &&
	    u32_read(&event->type, m[TYPE], keys[TYPE], why) &&
	    (m[DIGEST] == NULL ||
	    json_value_hex_var(&event->digest, arena, m[DIGEST], keys[DIGEST],
	    EVENT_PAYLOAD_MAX, why)) &&
	    json_value_str(&event->name, arena, m[NAME], keys[NAME], EVENT_PAYLOAD_MAX, why) &&
	    json_value_hex_var(&event->payload, arena, m[PAYLOAD], keys[PAYLOAD],
	    EVENT_PAYLOAD_MAX, why) &&
	    version_read(event, m[VERSION], why) &&
	    preimage_read(event, arena, m[PREIMAGE], why);
}

bool
event_log_read(struct event_list *log, struct arena *arena, struct bytes text,
    struct reason *why)
{
	static const struct json_limits limits = {
		.text_len = LOG_TEXT_MAX, .depth = LOG_DEPTH_MAX, .values = LOG_VALUES_MAX,
	};
	const struct json *root, *item;

	*log = (struct event_list){ NULL, 0 };
	if (!json_read(&root, arena, text, &limits, why) ||
	    !json_value_check(root, JSON_ARRAY, "event_log", why))
		return reject_as(why, "event log");
	if (json_count(root) > EVENT_LOG_MAX)
		return reject(why, REASON_LIMIT, "event log: %zu events are more than %d",
		    json_count(root), EVENT_LOG_MAX);
	log->event = arena_array(arena, json_count(root) + 1, sizeof *log->event, why);
	if (log->event == NULL)
		return false;
	for (item = json_first(root); item != NULL; item = json_next(item)) {
		if (!event_read(&log->event[log->n], arena, item, why))
			return reject_as(why, "event log: event %zu", log->n);
		log->n++;
	}
	return true;
}
