/*
 * setting.h - configuration as it was written: names and values, before anyone asks what
 * they mean
 *
 * Three readers fill a struct settings: toml.h, libconf.h and environment.h.  config.h gives
 * the names a meaning.  Groups are gone: a setting's name is the whole path, parts joined by
 * dots ("attestation.urls.pccs").
 */
#ifndef CLI_SETTING_H
#define CLI_SETTING_H

#include <stdint.h>

#include "core/arena.h"

/* Limits of one file; a real one has a few dozen settings. */
#define SETTINGS_TEXT_MAX       1048576
#define SETTINGS_MAX            512
#define SETTING_NAME_MAX        256
#define SETTING_ITEMS_MAX       65536   /* of all lists together: long allow-lists exist */

/* Room for the name of where settings come from. */
#define SETTINGS_ORIGIN_MAX     256

enum setting_type {
	SETTING_STRING,
	SETTING_INTEGER,
	SETTING_BOOLEAN,
	SETTING_LIST,
	SETTING_OTHER,          /* a fraction: no key wants one                    */
};

struct setting_value {
	enum setting_type type;
	const char *string;     /* STRING; also the source text of OTHER           */
	int64_t integer;
	bool    boolean;
};

struct setting {
	const char *name;
	struct setting_value value;
	const struct setting_value *items;      /* LIST: strings and integers      */
	size_t  nitems;
	unsigned line;                          /* 0: not from a file              */
};

/* Memory of names, strings and items is the arena's. */
struct settings {
	struct arena *arena;
	char    origin[SETTINGS_ORIGIN_MAX];    /* file name, for messages         */
	struct setting list[SETTINGS_MAX];
	size_t  n;
	size_t  nitems;                         /* in all lists                    */
};

void    settings_init(struct settings *settings, struct arena *arena, const char *origin);

/*
 * settings_add - append one setting
 *
 *   fails   MALFORMED    the name is there already, or is a group and a value at once
 *           LIMIT        too many settings, too long a name
 */
bool    settings_add(struct settings *settings, const struct setting *setting,
    struct reason *why) MUST_CHECK;

/* The setting of that name, or NULL. */
const struct setting *settings_find(const struct settings *settings, const char *name);

/* Puts "ORIGIN line N" (or "ORIGIN") in front of a reason. */
bool    settings_reject(const struct settings *settings, unsigned line, struct reason *why);

/* "string \"x\"", "integer 5", ...: how a value is shown in messages. */
void    setting_show(char *out, size_t out_len, const struct setting_value *value);

#endif
