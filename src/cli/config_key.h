/*
 * config_key.h - the table of configuration keys
 *
 * Files, the environment and the tests of the documentation all go by it.  A new key is one
 * row here, one member of struct config or struct dv_policy, one line in
 * etc/dstack-verifier.toml, in README.md and in man/dstack-verifier.toml.5.
 */
#ifndef CLI_CONFIG_KEY_H
#define CLI_CONFIG_KEY_H

#include "cli/config.h"

enum config_type {
	CONFIG_STRING,          /* const char *                                    */
	CONFIG_INTEGER,         /* int64_t, min to max                             */
	CONFIG_UNSIGNED,        /* unsigned, min to max                            */
	CONFIG_BOOLEAN,         /* bool                                            */
	CONFIG_WORD,            /* an enum, by the words of the row                */
	CONFIG_WORDS,           /* unsigned, a set of the words' bits              */
	CONFIG_URLS,            /* struct dv_list; one string will do; blank: the default */
	CONFIG_STRINGS,         /* struct dv_list, no empty items                  */
	CONFIG_HEXES,           /* struct dv_list, lower case, min to max digits   */
	CONFIG_PLATFORMS,       /* struct dv_list, 32 or 64 hex digits             */
	CONFIG_PROVIDERS,       /* struct dv_list, NAME or NAME:HEXID              */
	CONFIG_INTEGERS,        /* a list of numbers; nothing keeps one yet        */
};

enum config_effect {
	CONFIG_WORKS,
	CONFIG_NO_VERDICT,      /* nothing reads it yet; it cannot change a verdict */
	CONFIG_REFUSED,         /* nothing reads it yet; it could: giving it is an error */
};

struct config_word {
	const char *name;
	unsigned value;
};

struct config_key {
	const char *name;
	enum config_type type;
	enum config_effect effect;
	bool    of_policy;              /* `at` counts in struct dv_policy         */
	size_t  at;
	const char *fallback;           /* the default as TOML; NULL: absent       */
	const char *fallback_strict;    /* under profile "strict"; NULL: the same  */
	int64_t min, max;
	const struct config_word *words;        /* NULL name at the end            */
};

extern const struct config_key config_keys[];
extern const size_t config_nkeys;

/* The row of that name, or NULL. */
const struct config_key *config_key_find(const char *name);

/* Which row it is. */
size_t  config_key_index(const struct config_key *key);

/* "an integer", "a sequence", ...: what a key wants. */
const char *config_type_name(enum config_type type);

/*
 * config_key_set - check one value and store it
 *
 *   fails   MALFORMED    wrong type, out of range, not one of the words; names the key
 */
bool    config_key_set(struct config *config, const struct config_key *key,
    const struct setting *setting, struct reason *why) MUST_CHECK;

#endif
