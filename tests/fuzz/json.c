#include "core/json.h"

#include <openssl/mem.h>

#include "core/json_writer.h"
#include "fuzz.h"

#define DEPTH   32

/* The string of a value, or of a key, which is written between quotes like one. */
static void
value_write(struct json_writer *w, const char *key, const struct json *value, struct arena *arena)
{
	struct reason why = { 0 };
	struct bytes text;

	switch (json_type(value)) {
	case JSON_NULL:
		json_write_null(w, key);
		break;
	case JSON_BOOL:
	case JSON_NUMBER:
		json_write_raw(w, key, json_span(value));
		break;
	case JSON_STRING:
		fuzz_must(json_value_str(&text, arena, value, "it", SIZE_MAX, &why), why.text);
		json_write_str(w, key, text);
		break;
	case JSON_ARRAY:
		json_write_array(w, key);
		break;
	case JSON_OBJECT:
		json_write_object(w, key);
		break;
	}
}

static void
value_end(struct json_writer *w, const struct json *value)
{
	if (json_type(value) == JSON_ARRAY)
		json_write_end_array(w);
	else
		json_write_end_object(w);
}

/* A key as a C string; NULL when there is none, and when it has a NUL inside, which cannot be
 * written. */
static const char *
key_text(struct arena *arena, struct bytes key, bool *ok)
{
	struct reason why = { 0 };
	struct bytes copy;

	if (key.len != 0 && memchr(key.ptr, '\0', key.len) != NULL)
		*ok = false;
	fuzz_must(arena_copy(arena, &copy, key, &why), "out of memory");
	return (const char *)copy.ptr;
}

/* The whole tree, compact; false when a key cannot be written. */
static bool
tree_write(CBB *out, const struct json *root, struct arena *arena)
{
	struct json_writer w = { .out = out };
	const struct json *open[DEPTH + 1], *value = root;
	size_t depth = 0, left[DEPTH + 1];
	bool ok = true;

	for (;;) {
		value_write(&w, depth != 0 && json_type(open[depth - 1]) == JSON_OBJECT ?
		    key_text(arena, json_key(value), &ok) : NULL, value, arena);
		if (json_type(value) == JSON_ARRAY || json_type(value) == JSON_OBJECT) {
			fuzz_must(depth < DEPTH, "deeper than the limit");
			open[depth] = value;
			left[depth++] = json_count(value);
			value = json_first(value);
		} else if (depth != 0) {
			value = json_next(value);
		}
		while (depth != 0 && left[depth - 1] == 0) {
			fuzz_must(depth == 0 || value == NULL, "more values than counted");
			value_end(&w, open[--depth]);
			value = depth == 0 ? NULL : json_next(open[depth]);
		}
		if (depth == 0)
			break;
		fuzz_must(value != NULL, "fewer values than counted");
		left[depth - 1]--;
	}
	fuzz_must(json_writer_ok(&w), "out of memory");
	return ok;
}

static struct bytes
finish(CBB *cbb, struct arena *arena)
{
	struct reason why = { 0 };
	struct bytes out;
	uint8_t *data;

	fuzz_must(CBB_finish(cbb, &data, &out.len), "out of memory");
	fuzz_must(arena_copy(arena, &out, (struct bytes){ data, out.len }, &why), "out of memory");
	OPENSSL_free(data);
	return out;
}

/* Every getter, by the key of every member. */
static void
getters_try(const struct json *object, struct arena *arena)
{
	const struct json *member, *inner;
	struct reason why = { 0 };
	const char *key, *text;
	struct bytes span;
	uint8_t hex[4];
	uint64_t number;
	bool flag, ok = true;

	for (member = json_first(object); member != NULL; member = json_next(member)) {
		key = key_text(arena, json_key(member), &ok);
		if (!ok)
			break;
		fuzz_must(json_find(object, key) != NULL && json_occurrences(object, key) >= 1,
		    "a member that is not found");
		fuzz_must(json_has(object, key) ==
		    (json_type(json_find(object, key)) != JSON_NULL), "null is there");
		(void)fuzz_sense(json_bool(&flag, object, key, &why), &why);
		if (fuzz_sense(json_u64(&number, object, key, 4096, &why), &why))
			fuzz_must(number <= 4096, "more than the maximum");
		if (fuzz_sense(json_str(&span, arena, object, key, 16, &why), &why))
			fuzz_must(span.len <= 16, "longer than the maximum");
		if (fuzz_sense(json_text(&text, arena, object, key, 16, &why), &why))
			fuzz_must(strlen(text) <= 16, "longer than the maximum");
		(void)fuzz_sense(json_hex(hex, object, key, sizeof hex, &why), &why);
		if (fuzz_sense(json_hex_var(&span, arena, object, key, 16, &why), &why))
			fuzz_must(span.len <= 16, "longer than the maximum");
		if (fuzz_sense(json_array(&inner, object, key, &why), &why))
			fuzz_must(json_type(inner) == JSON_ARRAY, "no array");
		if (fuzz_sense(json_object(&inner, object, key, &why), &why))
			fuzz_must(json_type(inner) == JSON_OBJECT, "no object");
	}
	(void)fuzz_sense(json_u64(&number, object, "absent", 1, &why), &why);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes text = { data, len }, compact, written;
	const uint8_t choice = fuzz_choice(&text);
	const struct json_limits limits = { 1u << 20, DEPTH, 1u << 16, (choice & 1) != 0 };
	struct arena *arena = fuzz_arena();
	const struct json *root;
	struct reason why = { 0 };
	CBB cbb;

	if (!fuzz_sense(json_read(&root, arena, text, &limits, &why), &why))
		return 0;
	fuzz_must(fuzz_json_c(text, DEPTH + 2), "json-c refuses it");
	fuzz_within(json_span(root), text);
	if (json_type(root) == JSON_OBJECT)
		getters_try(root, arena);
	fuzz_must(json_compact(&compact, arena, text, &why) && json_compact_is(compact), "compact");
	fuzz_must(CBB_init(&cbb, 0), "out of memory");
	if (!tree_write(&cbb, root, arena)) {
		CBB_cleanup(&cbb);
		return 0;
	}
	written = finish(&cbb, arena);
	fuzz_must(json_read(&root, arena, written, &limits, &why), why.text);
	fuzz_must(json_compact_is(written) && CBB_init(&cbb, 0) && tree_write(&cbb, root, arena),
	    "written again, it is not compact");
	fuzz_wrote(&cbb, written);
	fuzz_must(CBB_init(&cbb, 0) && json_indent(&cbb, written), "out of memory");
	text = finish(&cbb, arena);
	fuzz_must(json_read(&root, arena, text, &limits, &why) &&
	    json_compact(&compact, arena, text, &why) && bytes_equal(compact, written),
	    "indented, it differs");
	return 0;
}
