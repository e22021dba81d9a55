#include "fetch/operation.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/hex.h"
#include "core/json_writer.h"
#include "core/timestamp.h"

#define TEXT_MAX_LEN    ((size_t)1 << 20)
#define MIB             1048576.0

struct operation {
	struct image_store *store;
	struct image_flights *flights;
	bool    running, ok;
	struct images_message asked;
	uint8_t hashes[OPERATION_MAX_IMAGES][32];       /* still to be done, from the back */
	size_t  n;
	bool    waiting;                        /* for the word on one                  */
	bool    writing;
	CBB     json, text;
	struct json_writer w;
};

struct operation *
operation_new(struct image_store *store, struct image_flights *flights)
{
	struct operation *operation = calloc(1, sizeof *operation);

	if (operation == NULL)
		return NULL;
	operation->store = store;
	operation->flights = flights;
	return operation;
}

static void
output_end(struct operation *operation)
{
	if (!operation->writing)
		return;
	CBB_cleanup(&operation->json);
	CBB_cleanup(&operation->text);
	operation->writing = false;
}

void
operation_free(struct operation *operation)
{
	if (operation == NULL)
		return;
	output_end(operation);
	free(operation);
}

bool
operation_is_running(const struct operation *operation)
{
	return operation->running;
}

/* A line for a person.  What does not fit is left out. */
static void PRINTF(2, 3)
say(struct operation *operation, const char *format, ...)
{
	char line[1024];
	va_list values;
	int n;

	va_start(values, format);
	n = vsnprintf(line, sizeof line, format, values);
	va_end(values);
	if (n > 0 && CBB_len(&operation->text) < TEXT_MAX_LEN)
		(void)CBB_add_bytes(&operation->text, (const uint8_t *)line,
		    (size_t)n < sizeof line ? (size_t)n : sizeof line - 1);
}

static void
image_show(void *context, const struct image_row *row, bool adopted)
{
	struct operation *operation = context;
	struct json_writer *w = &operation->w;
	char hash[65], used[TIMESTAMP_SIZE] = "-";

	hex_text(hash, BYTES_OF(row->hash));
	if (row->used_at > 0 && row->used_at <= TIMESTAMP_MAX)
		timestamp_text(used, row->used_at);
	json_write_object(w, NULL);
	json_write_text(w, "os_image_hash", hash);
	json_write_u64(w, "bytes", row->nbytes);
	if (adopted)
		json_write_null(w, "last_used");
	else
		json_write_i64(w, "last_used", row->used_at);
	json_write_bool(w, "pinned", row->pinned);
	json_write_bool(w, "adopted", adopted);
	json_write_end_object(w);
	say(operation, "%s %9.1f MiB  %s%s%s\n", hash, (double)row->nbytes / MIB, used,
	    row->pinned ? "  pinned" : "", adopted ? "  adopted" : "");
}

static void
image_take(void *context, const struct image_row *row, bool adopted)
{
	struct operation *operation = context;

	(void)adopted;
	if (operation->n < OPERATION_MAX_IMAGES)
		memcpy(operation->hashes[operation->n++], row->hash, sizeof row->hash);
}

void
operation_image(struct operation *operation, const uint8_t hash[32], const struct reason *why)
{
	struct json_writer *w = &operation->w;
	char text[65];

	hex_text(text, (struct bytes){ hash, 32 });
	operation->waiting = false;
	operation->ok = operation->ok && why->kind == REASON_NONE;
	json_write_object(w, NULL);
	json_write_text(w, "os_image_hash", text);
	json_write_bool(w, "ok", why->kind == REASON_NONE);
	if (why->kind != REASON_NONE)
		json_write_text(w, "reason", why->text);
	json_write_end_object(w);
	say(operation, "%s  %s\n", text, why->kind == REASON_NONE ? "ok" : why->text);
}

/* What is done at once to one image. */
static bool
store_change(struct operation *operation, bool *found, const uint8_t hash[32],
    struct reason *why)
{
	if (operation->asked.operation == IMAGES_EVICT)
		return image_store_evict(operation->store, found, hash, why);
	return image_store_pin(operation->store, found, hash,
	    operation->asked.operation == IMAGES_PIN, why);
}

static void
change(struct operation *operation, const uint8_t hash[32])
{
	struct reason why = { .kind = REASON_NONE };
	bool found = false;

	if (store_change(operation, &found, hash, &why) && !found)
		(void)reject(&why, REASON_REFUSED, "%s", operation->asked.operation ==
		    IMAGES_EVICT ? "it is not here, or pinned" : "it is not here");
	operation_image(operation, hash, &why);
}

static void
room_make(struct operation *operation)
{
	struct reason why = { .kind = REASON_NONE };

	operation->ok = image_store_make_room(operation->store, NULL, &why);
	image_store_each(operation->store, image_show, operation);
	if (!operation->ok)
		say(operation, "%s\n", why.text);
}

bool
operation_begin(struct operation *operation, const struct images_message *asked,
    struct reason *why)
{
	const bool needs_hash = asked->operation == IMAGES_FETCH ||
	    asked->operation == IMAGES_PIN || asked->operation == IMAGES_UNPIN;

	if (operation->running || (needs_hash && !asked->has_hash))
		return reject(why, REASON_MALFORMED, "IMAGES message is malformed");
	output_end(operation);
	if (!CBB_init(&operation->json, 4096))
		return reject(why, REASON_INTERNAL, "out of memory");
	if (!CBB_init(&operation->text, 4096)) {
		CBB_cleanup(&operation->json);
		return reject(why, REASON_INTERNAL, "out of memory");
	}
	operation->running = operation->writing = operation->ok = true;
	operation->waiting = false;
	operation->asked = *asked;
	operation->w = (struct json_writer){ .out = &operation->json };
	operation->n = 0;
	json_write_object(&operation->w, NULL);
	json_write_array(&operation->w, "images");
	if (asked->operation == IMAGES_LIST)
		image_store_each(operation->store, image_show, operation);
	else if (asked->has_hash)
		memcpy(operation->hashes[operation->n++], asked->hash, sizeof asked->hash);
	else if (asked->operation == IMAGES_VERIFY)
		image_store_each(operation->store, image_take, operation);
	else
		room_make(operation);
	return true;
}

/* The next image. */
static void
image_begin(struct operation *operation, struct moment at)
{
	const uint8_t *hash = operation->hashes[--operation->n];
	struct dv_key key;

	operation->waiting = true;
	switch (operation->asked.operation) {
	case IMAGES_FETCH:
		memset(&key, 0, sizeof key);
		key.type = DV_FACT_IMAGE;
		memcpy(key.image, hash, sizeof key.image);
		image_flights_fetch(operation->flights, &key, at);
		return;
	case IMAGES_VERIFY:
		image_flights_verify(operation->flights, hash, at);
		return;
	case IMAGES_PIN:
	case IMAGES_UNPIN:
	case IMAGES_EVICT:
		change(operation, hash);
		return;
	case IMAGES_LIST:
		break;
	}
	operation->waiting = false;
}

bool
operation_step(struct operation *operation, struct images_done_message *done, struct moment at)
{
	if (!operation->running)
		return false;
	while (!operation->waiting && operation->n != 0)
		image_begin(operation, at);
	if (operation->waiting)
		return false;
	json_write_end_array(&operation->w);
	json_write_end_object(&operation->w);
	operation->running = false;
	*done = (struct images_done_message){
		.ok = operation->ok && json_writer_ok(&operation->w),
		.json = { CBB_data(&operation->json), CBB_len(&operation->json) },
		.text = { CBB_data(&operation->text), CBB_len(&operation->text) },
	};
	return true;
}
