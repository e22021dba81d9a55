#include "cli/config_key.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#define SHOWN_MAX       96      /* characters of a value in a message              */

static bool
type_refuse(const struct config_key *key, const struct setting_value *value,
    struct reason *why)
{
	char shown[SHOWN_MAX];

	setting_show(shown, sizeof shown, value);
	return reject(why, REASON_MALFORMED, "invalid type: found %s, expected %s for key `%s`",
	    shown, config_type_name(key->type), key->name);
}

static bool
value_refuse(const struct config_key *key, const struct setting_value *value,
    struct reason *why, const char *expected)
{
	char shown[SHOWN_MAX];

	setting_show(shown, sizeof shown, value);
	return reject(why, REASON_MALFORMED, "invalid value: found %s, expected %s for key `%s`",
	    shown, expected, key->name);
}

/* Where the key's value is kept. */
static void *
key_place(struct config *config, const struct config_key *key)
{
	return (uint8_t *)(key->of_policy ? (void *)&config->policy : (void *)config) + key->at;
}

static bool
string_set(void *place, const struct config_key *key, const struct setting_value *value,
    struct reason *why)
{
	if (value->type != SETTING_STRING)
		return type_refuse(key, value, why);
	memcpy(place, &value->string, sizeof value->string);
	return true;
}

static bool
boolean_set(void *place, const struct config_key *key, const struct setting_value *value,
    struct reason *why)
{
	if (value->type != SETTING_BOOLEAN)
		return type_refuse(key, value, why);
	memcpy(place, &value->boolean, sizeof value->boolean);
	return true;
}

static bool
integer_set(void *place, const struct config_key *key, const struct setting_value *value,
    struct reason *why)
{
	char expected[64];
	unsigned narrow;

	if (value->type != SETTING_INTEGER)
		return type_refuse(key, value, why);
	if (value->integer < key->min || value->integer > key->max) {
		(void)snprintf(expected, sizeof expected, "%" PRId64 " to %" PRId64, key->min,
		    key->max);
		return value_refuse(key, value, why, expected);
	}
	if (key->type == CONFIG_INTEGER) {
		memcpy(place, &value->integer, sizeof value->integer);
		return true;
	}
	narrow = (unsigned)value->integer;
	memcpy(place, &narrow, sizeof narrow);
	return true;
}

static bool
word_read(unsigned *out, const struct config_key *key, const struct setting_value *value,
    struct reason *why)
{
	const struct config_word *word;
	char expected[320] = "one of";
	size_t len;

	if (value->type != SETTING_STRING)
		return type_refuse(key, value, why);
	for (word = key->words; word->name != NULL; word++) {
		if (strcmp(word->name, value->string) == 0) {
			*out = word->value;
			return true;
		}
		len = strlen(expected);
		(void)snprintf(expected + len, sizeof expected - len, "%s `%s`",
		    word == key->words ? "" : ",", word->name);
	}
	return value_refuse(key, value, why, expected);
}

static bool
word_set(void *place, const struct config_key *key, const struct setting_value *value,
    struct reason *why)
{
	unsigned word;

	if (!word_read(&word, key, value, why))
		return false;
	memcpy(place, &word, sizeof word);
	return true;
}

/* A set of words.  The list's own type has been checked. */
static bool
words_set(void *place, const struct config_key *key, const struct setting *setting,
    struct reason *why)
{
	unsigned set = 0, word;
	size_t i;

	for (i = 0; i < setting->nitems; i++) {
		if (!word_read(&word, key, &setting->items[i], why))
			return false;
		set |= word;
	}
	memcpy(place, &set, sizeof set);
	return true;
}

/* How many hex digits a string is; -1 when it is anything else. */
static int64_t
hex_count(const char *text)
{
	const size_t len = strlen(text);

	return strspn(text, "0123456789abcdefABCDEF") == len ? (int64_t)len : -1;
}

static bool
hex_fits(const struct config_key *key, const char *text)
{
	const int64_t n = hex_count(text);

	return n >= key->min && n <= key->max && n % 2 == 0;
}

/* NAME, or NAME and the hex of its key after the last colon. */
static bool
provider_fits(const char *text)
{
	const char *colon = strrchr(text, ':');

	return *text != '\0' &&
	    (colon == NULL || (colon != text && hex_count(colon + 1) > 0 &&
	    hex_count(colon + 1) % 2 == 0));
}

static bool
item_check(const struct config_key *key, const struct setting_value *item, struct reason *why)
{
	char expected[64];

	if (item->type != SETTING_STRING)
		return value_refuse(key, item, why, "strings");
	switch (key->type) {
	case CONFIG_HEXES:
		if (hex_fits(key, item->string))
			return true;
		if (key->min == key->max)
			(void)snprintf(expected, sizeof expected, "%" PRId64 " hex digits", key->min);
		else
			(void)snprintf(expected, sizeof expected, "whole bytes as hex digits");
		return value_refuse(key, item, why, expected);
	case CONFIG_PLATFORMS:
		return hex_count(item->string) == 32 || hex_count(item->string) == 64 ||
		    value_refuse(key, item, why, "32 or 64 hex digits");
	case CONFIG_PROVIDERS:
		return provider_fits(item->string) ||
		    value_refuse(key, item, why, "NAME or NAME:HEXID");
	default:
		return *item->string != '\0' || value_refuse(key, item, why, "strings with text");
	}
}

/* A copy in lower case, from `at` on. */
static const char *
lower_copy(struct arena *arena, const char *text, size_t at, struct reason *why)
{
	struct bytes copy;
	char *byte;

	if (!arena_copy(arena, &copy, bytes_str(text), why))
		return NULL;
	for (byte = (char *)(uintptr_t)copy.ptr + at; *byte != '\0'; byte++)
		if (*byte >= 'A' && *byte <= 'F')
			*byte = (char)(*byte - 'A' + 'a');
	return (const char *)copy.ptr;
}

static const char *
item_copy(struct config *config, const struct config_key *key, const char *text,
    struct reason *why)
{
	const char *colon;

	switch (key->type) {
	case CONFIG_HEXES:
	case CONFIG_PLATFORMS:
		return lower_copy(config->arena, text, 0, why);
	case CONFIG_PROVIDERS:
		colon = strrchr(text, ':');
		return colon == NULL ? text :
		    lower_copy(config->arena, text, (size_t)(colon - text), why);
	default:
		return text;
	}
}

static bool
list_set(struct config *config, const struct config_key *key,
    const struct setting_value *values, size_t n, struct reason *why)
{
	struct dv_list list = { .given = true, .n = n };
	const char **items;
	size_t i;

	items = arena_array(config->arena, n + 1, sizeof *items, why);
	if (items == NULL)
		return false;
	for (i = 0; i < n; i++) {
		if (!item_check(key, &values[i], why))
			return false;
		items[i] = item_copy(config, key, values[i].string, why);
		if (items[i] == NULL)
			return false;
	}
	list.items = items;
	memcpy(key_place(config, key), &list, sizeof list);
	return true;
}

static bool
numbers_check(const struct config_key *key, const struct setting *setting, struct reason *why)
{
	size_t i;

	for (i = 0; i < setting->nitems; i++)
		if (setting->items[i].type != SETTING_INTEGER)
			return value_refuse(key, &setting->items[i], why, "integers");
	return true;
}

bool
config_key_set(struct config *config, const struct config_key *key,
    const struct setting *setting, struct reason *why)
{
	const struct setting_value *value = &setting->value;
	void *place = key_place(config, key);

	switch (key->type) {
	case CONFIG_STRING:
		return string_set(place, key, value, why);
	case CONFIG_INTEGER:
	case CONFIG_UNSIGNED:
		return integer_set(place, key, value, why);
	case CONFIG_BOOLEAN:
		return boolean_set(place, key, value, why);
	case CONFIG_WORD:
		return word_set(place, key, value, why);
	case CONFIG_URLS:
		if (value->type == SETTING_STRING)
			return list_set(config, key, value, 1, why);
		break;
	case CONFIG_WORDS:
	case CONFIG_STRINGS:
	case CONFIG_HEXES:
	case CONFIG_PLATFORMS:
	case CONFIG_PROVIDERS:
	case CONFIG_INTEGERS:
		break;
	}
	if (value->type != SETTING_LIST)
		return type_refuse(key, value, why);
	if (key->type == CONFIG_WORDS)
		return words_set(place, key, setting, why);
	if (key->type == CONFIG_INTEGERS)
		return numbers_check(key, setting, why);
	return list_set(config, key, setting->items, setting->nitems, why);
}
