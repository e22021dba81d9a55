#include "evidence/request.h"

#include "core/json.h"
#include "evidence/attestation.h"

#define VALUES_MAX      (1u << 20)      /* of one body, ignored members included  */

enum {
	QUOTE, EVENT_LOG, VM_CONFIG, ATTESTATION, EXPLAIN, EXPECTED_REPORT_DATA, EXPECTED_APP_ID,
	EXPECTED_COMPOSE_HASH, EXPECTED_OS_IMAGE_HASH, ALLOWED_TCB_STATUSES, N_KEYS
};

static const char *const keys[N_KEYS] = {
	[QUOTE] = "quote",
	[EVENT_LOG] = "event_log",
	[VM_CONFIG] = "vm_config",
	[ATTESTATION] = "attestation",
	[EXPLAIN] = "explain",
	[EXPECTED_REPORT_DATA] = "expected_report_data",
	[EXPECTED_APP_ID] = "expected_app_id",
	[EXPECTED_COMPOSE_HASH] = "expected_compose_hash",
	[EXPECTED_OS_IMAGE_HASH] = "expected_os_image_hash",
	[ALLOWED_TCB_STATUSES] = "allowed_tcb_statuses",
};

struct reader {
	struct arena *arena;
	size_t  body_len;                       /* bounds every value             */
	bool    lenient;
	const struct json *member[N_KEYS];      /* NULL: absent or null           */
};

/* The index of a key; N_KEYS when it is not one of ours. */
static size_t
key_index(struct bytes key)
{
	size_t i;

	for (i = 0; i < N_KEYS; i++)
		if (bytes_equal(key, bytes_str(keys[i])))
			break;
	return i;
}

/* Sorts the members by key.  Compat: unknown keys may repeat, known ones may not. */
static bool
members_find(struct reader *r, const struct json *object, struct reason *why)
{
	bool seen[N_KEYS] = { false };
	const struct json *member;
	size_t i;

	for (member = json_first(object); member != NULL; member = json_next(member)) {
		i = key_index(json_key(member));
		if (i == N_KEYS)
			continue;
		if (seen[i])
			return reject(why, REASON_MALFORMED, "\"%s\" occurs twice", keys[i]);
		seen[i] = true;
		if (json_type(member) != JSON_NULL)
			r->member[i] = member;
	}
	return true;
}

static bool
hex_member_read(struct request_bytes *out, const struct reader *r, size_t key,
    struct reason *why)
{
	if (r->member[key] == NULL)
		return true;
	out->given = true;
	return json_value_hex_var(&out->value, r->arena, r->member[key], keys[key], r->body_len,
	    why);
}

/* A string that holds JSON; the JSON itself where `lenient_json` allows that type. */
static bool
text_member_read(struct request_bytes *out, const struct reader *r, size_t key,
    enum json_type also, struct reason *why)
{
	if (r->member[key] == NULL)
		return true;
	out->given = true;
	if (r->lenient && json_type(r->member[key]) == also) {
		out->value = json_span(r->member[key]);
		return true;
	}
	return json_value_str(&out->value, r->arena, r->member[key], keys[key], r->body_len, why);
}

/* The guest pads what it is asked to report in the same way. */
static bool
report_data_read(struct request_bytes *out, const struct reader *r, struct reason *why)
{
	uint8_t *padded;

	if (!hex_member_read(out, r, EXPECTED_REPORT_DATA, why))
		return false;
	if (!out->given)
		return true;
	if (out->value.len > REPORT_DATA_LEN)
		return reject(why, REASON_MALFORMED, "\"%s\" has %zu bytes, more than %d",
		    keys[EXPECTED_REPORT_DATA], out->value.len, REPORT_DATA_LEN);
	padded = arena_alloc(r->arena, REPORT_DATA_LEN, why);
	if (padded == NULL)
		return false;
	bytes_copy(padded, out->value);
	out->value = (struct bytes){ padded, REPORT_DATA_LEN };
	return true;
}

static bool
statuses_read(struct request *out, const struct reader *r, struct reason *why)
{
	const struct json *list = r->member[ALLOWED_TCB_STATUSES], *item;
	const char *key = keys[ALLOWED_TCB_STATUSES];

	if (list == NULL)
		return true;
	if (!json_value_check(list, JSON_ARRAY, key, why))
		return false;
	out->has_allowed_tcb_statuses = true;
	out->allowed_tcb_statuses = arena_array(r->arena, json_count(list) + 1,
	    sizeof *out->allowed_tcb_statuses, why);
	if (out->allowed_tcb_statuses == NULL)
		return false;
	for (item = json_first(list); item != NULL; item = json_next(item))
		if (!json_value_str(&out->allowed_tcb_statuses[out->n_allowed_tcb_statuses++],
		    r->arena, item, key, r->body_len, why))
			return false;
	return true;
}

static bool
members_read(struct request *out, const struct reader *r, struct reason *why)
{
	return hex_member_read(&out->quote, r, QUOTE, why) &&
	    text_member_read(&out->event_log, r, EVENT_LOG, JSON_ARRAY, why) &&
	    text_member_read(&out->vm_config, r, VM_CONFIG, JSON_OBJECT, why) &&
	    hex_member_read(&out->attestation, r, ATTESTATION, why) &&
	    (r->member[EXPLAIN] == NULL ||
	    json_value_bool(&out->explain, r->member[EXPLAIN], keys[EXPLAIN], why)) &&
	    report_data_read(&out->expected_report_data, r, why) &&
	    hex_member_read(&out->expected_app_id, r, EXPECTED_APP_ID, why) &&
	    hex_member_read(&out->expected_compose_hash, r, EXPECTED_COMPOSE_HASH, why) &&
	    hex_member_read(&out->expected_os_image_hash, r, EXPECTED_OS_IMAGE_HASH, why) &&
	    statuses_read(out, r, why);
}

/* Whether objects and arrays nest deeper than we read; the text is JSON up to that place. */
static bool
too_deep(struct bytes text)
{
	bool in_string = false;
	size_t depth = 0;

	for (size_t i = 0; i < text.len; i++) {
		const uint8_t c = text.ptr[i];

		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '{' || c == '['))
			depth++;
		else if (!in_string && (c == '}' || c == ']') && depth > 0)
			depth--;
		if (depth > REQUEST_DEPTH_MAX)
			return true;
	}
	return false;
}

bool
request_read(struct request *out, struct arena *arena, struct bytes body, bool lenient_json,
    int *status, struct reason *why)
{
	const struct json_limits limits = {
		.text_len = body.len, .depth = REQUEST_DEPTH_MAX, .values = VALUES_MAX,
		.allow_duplicates = true,
	};
	struct reader r = { .arena = arena, .body_len = body.len, .lenient = lenient_json };
	const struct json *root;

	memset(out, 0, sizeof *out);
	*status = 200;
	if (!json_read(&root, arena, body, &limits, why)) {
		/* Depth is the client's fault, memory is ours; json_read() calls both LIMIT. */
		if (why->kind == REASON_LIMIT && too_deep(body))
			why->kind = REASON_MALFORMED;
		if (why->kind == REASON_MALFORMED)
			*status = 400;
		return false;
	}
	if (!json_value_check(root, JSON_OBJECT, "request", why) ||
	    !members_find(&r, root, why) ||
	    !members_read(out, &r, why)) {
		if (why->kind == REASON_MALFORMED)
			*status = 422;
		return false;
	}
	return true;
}

bool
request_form(enum request_form *out, const struct request *request, struct reason *why)
{
	if (request->attestation.given) {
		*out = REQUEST_ATTESTATION;
		return true;
	}
	if (!request->quote.given)
		return reject(why, REASON_MALFORMED, "Quote is required");
	if (!request->event_log.given)
		return reject(why, REASON_MALFORMED, "Event log is required");
	*out = REQUEST_QUOTE;
	return true;
}

size_t
request_outer_len(const struct reason *why)
{
	const char *end = strstr(why->text, ": ");

	return end != NULL ? (size_t)(end - why->text) : strlen(why->text);
}
