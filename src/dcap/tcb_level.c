#include "dcap/tcb_level.h"

#include "core/timestamp.h"

/* Advisories go into answers as they are: nothing that could be more than a name. */
static bool
advisory_check(struct bytes id)
{
	if (id.len == 0 || id.len > TCB_ADVISORY_MAX_LEN)
		return false;
	for (size_t i = 0; i < id.len; i++) {
		uint8_t c = id.ptr[i];

		if (!(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') &&
		    !(c >= '0' && c <= '9') && c != '_' && c != '.' && c != '-')
			return false;
	}
	return true;
}

static bool
advisories_read(struct advisories *out, struct tcb_reader *reader, const struct json *level,
    struct reason *why)
{
	const struct json *list, *item;
	struct bytes *ids;
	size_t n = 0;

	*out = (struct advisories){ .n = 0 };
	if (json_find(level, "advisoryIDs") == NULL)
		return true;
	if (!json_array(&list, level, "advisoryIDs", why))
		return false;
	if (json_count(list) > TCB_MAX_ADVISORIES - reader->nadvisories)
		return reject(why, REASON_LIMIT, "more than %d advisories", TCB_MAX_ADVISORIES);
	if (json_count(list) == 0)
		return true;
	ids = arena_array(reader->arena, json_count(list), sizeof *ids, why);
	if (ids == NULL)
		return false;
	for (item = json_first(list); item != NULL; item = json_next(item), n++) {
		struct bytes id;

		if (!json_value_str(&id, reader->scratch, item, "advisoryIDs",
		    TCB_STRING_MAX_LEN, why))
			return false;
		if (!advisory_check(id))
			return reject(why, REASON_MALFORMED, "an advisory id is not a name");
		if (!arena_copy(reader->arena, &ids[n], id, why))
			return false;
	}
	reader->nadvisories += n;
	*out = (struct advisories){ ids, n };
	return true;
}

bool
tcb_date_read(int64_t *out, struct tcb_reader *reader, const struct json *object,
    const char *key, struct reason *why)
{
	struct bytes text;

	if (!json_str(&text, reader->scratch, object, key, TCB_STRING_MAX_LEN, why))
		return false;
	if (!timestamp_read(out, text, why))
		return reject_as(why, "\"%s\"", key);
	return true;
}

bool
tcb_level_read(enum tcb_status *status, int64_t *date, struct advisories *advisories,
    struct tcb_reader *reader, const struct json *level, struct reason *why)
{
	struct bytes name;

	if (!json_str(&name, reader->scratch, level, "tcbStatus", TCB_STRING_MAX_LEN, why))
		return false;
	if (!tcb_status_find(status, name))
		return reject(why, REASON_MALFORMED, "unknown tcbStatus");
	return tcb_date_read(date, reader, level, "tcbDate", why) &&
	    advisories_read(advisories, reader, level, why);
}

static bool
isv_level_read(struct isv_level *out, struct tcb_reader *reader, const struct json *level,
    uint16_t max_svn, struct reason *why)
{
	const struct json *tcb;
	uint64_t svn;

	if (!json_value_check(level, JSON_OBJECT, "tcbLevels", why) ||
	    !json_object(&tcb, level, "tcb", why) ||
	    !json_u64(&svn, tcb, "isvsvn", max_svn, why) ||
	    !tcb_level_read(&out->status, &out->date, &out->advisories, reader, level, why))
		return false;
	out->isv_svn = (uint16_t)svn;
	return true;
}

bool
isv_levels_read(const struct isv_level **levels, size_t *nlevels, struct tcb_reader *reader,
    const struct json *object, uint16_t max_svn, struct reason *why)
{
	const struct json *list, *item;
	struct isv_level *made;
	size_t n = 0;

	*levels = NULL;
	*nlevels = 0;
	if (!json_array(&list, object, "tcbLevels", why))
		return false;
	if (json_count(list) > TCB_MAX_LEVELS)
		return reject(why, REASON_LIMIT, "more than %d levels", TCB_MAX_LEVELS);
	if (json_count(list) == 0)
		return true;
	made = arena_array(reader->arena, json_count(list), sizeof *made, why);
	if (made == NULL)
		return false;
	for (item = json_first(list); item != NULL; item = json_next(item), n++)
		if (!isv_level_read(&made[n], reader, item, max_svn, why))
			return false;
	*levels = made;
	*nlevels = n;
	return true;
}

const struct isv_level *
isv_level_find(const struct isv_level *levels, size_t nlevels, unsigned isv_svn)
{
	for (size_t i = 0; i < nlevels; i++)
		if (isv_svn >= levels[i].isv_svn)
			return &levels[i];
	return NULL;
}
