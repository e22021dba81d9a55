/*
 * json_writer.h - compact JSON onto a CBB
 *
 * Every function takes the member's key, NULL for an element of an array and for the root.
 * Commas are the writer's.  A failure (no memory, the CBB's fixed room) is remembered: write
 * on, and ask json_writer_ok() once at the end.
 *
 *      struct json_writer w = { .out = &cbb };
 *
 *      json_write_object(&w, NULL);
 *      json_write_text(&w, "tcb_status", "UpToDate");
 *      json_write_array(&w, "advisory_ids");
 *      json_write_end_array(&w);
 *      json_write_end_object(&w);
 *      if (!json_writer_ok(&w)) ...
 */
#ifndef CORE_JSON_WRITER_H
#define CORE_JSON_WRITER_H

#include "core/bytes.h"

struct json_writer {
	CBB    *out;            /* no child of it may be open                      */
	bool    comma;          /* the next key or value needs one before it       */
	bool    failed;
};

/* Whether everything so far was written. */
bool    json_writer_ok(const struct json_writer *w) MUST_CHECK;

void    json_write_object(struct json_writer *w, const char *key);
void    json_write_end_object(struct json_writer *w);
void    json_write_array(struct json_writer *w, const char *key);
void    json_write_end_array(struct json_writer *w);

/*
 * A string: quotes, backslashes and control characters escaped as serde_json does, other
 * characters as they are.  Bytes that are not UTF-8 become U+FFFD each.
 */
void    json_write_str(struct json_writer *w, const char *key, struct bytes value);
/* The same for a C string. */
void    json_write_text(struct json_writer *w, const char *key, const char *value);

/* A string of lower-case hex digits. */
void    json_write_hex(struct json_writer *w, const char *key, struct bytes value);

void    json_write_u64(struct json_writer *w, const char *key, uint64_t value);
void    json_write_i64(struct json_writer *w, const char *key, int64_t value);
void    json_write_bool(struct json_writer *w, const char *key, bool value);
void    json_write_null(struct json_writer *w, const char *key);

/* A value that is compact JSON already; not checked. */
void    json_write_raw(struct json_writer *w, const char *key, struct bytes json);

/*
 * json_indent - lay compact JSON out as serde_json's pretty form
 *
 * Two spaces a level, `"key": value`, `{}` and `[]` when empty, no newline at the end.
 *
 *   compact  what the writer above wrote; not checked
 *   fails    false when the CBB does
 */
bool    json_indent(CBB *out, struct bytes compact) MUST_CHECK;

#endif
