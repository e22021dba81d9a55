#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "testing.h"
#include "config_show.h"

static char scratch[] = "/tmp/dstack-verifier-test.XXXXXX";

static const char *
list_show(char *text, size_t room, const struct dv_list *list)
{
	size_t i, len;

	if (!list->given)
		return "absent";
	(void)snprintf(text, room, "[");
	for (i = 0; i < list->n; i++) {
		len = strlen(text);
		(void)snprintf(text + len, room - len, "%s\"%s\"", i == 0 ? "" : ", ",
		    list->items[i]);
	}
	len = strlen(text);
	(void)snprintf(text + len, room - len, "]");
	return text;
}

static const char *
words_show(char *text, size_t room, const struct config_key *key, unsigned set)
{
	const struct config_word *word;
	size_t len;

	(void)snprintf(text, room, "[");
	for (word = key->words; word->name != NULL; word++) {
		if ((set & word->value) == 0)
			continue;
		len = strlen(text);
		(void)snprintf(text + len, room - len, "%s\"%s\"", len == 1 ? "" : ", ",
		    word->name);
	}
	len = strlen(text);
	(void)snprintf(text + len, room - len, "]");
	return text;
}

static const char *
word_show(char *text, size_t room, const struct config_key *key, unsigned value)
{
	const struct config_word *word;

	for (word = key->words; word->name != NULL; word++)
		if (word->value == value)
			break;
	(void)snprintf(text, room, "\"%s\"", word->name == NULL ? "?" : word->name);
	return text;
}

const char *
config_show(const struct config *config, const struct config_key *key)
{
	static char text[4096];
	const uint8_t *place = key->of_policy ? (const uint8_t *)&config->policy :
	    (const uint8_t *)config;
	const char *string;
	struct dv_list list;
	unsigned number;
	int64_t integer;

	place += key->at;
	switch (key->type) {
	case CONFIG_STRING:
		memcpy(&string, place, sizeof string);
		(void)snprintf(text, sizeof text, "\"%s\"", string);
		return string == NULL ? "absent" : text;
	case CONFIG_INTEGER:
		memcpy(&integer, place, sizeof integer);
		(void)snprintf(text, sizeof text, "%" PRId64, integer);
		return text;
	case CONFIG_UNSIGNED:
		memcpy(&number, place, sizeof number);
		(void)snprintf(text, sizeof text, "%u", number);
		return text;
	case CONFIG_BOOLEAN:
		return *place ? "true" : "false";
	case CONFIG_WORD:
		memcpy(&number, place, sizeof number);
		return word_show(text, sizeof text, key, number);
	case CONFIG_WORDS:
		memcpy(&number, place, sizeof number);
		return words_show(text, sizeof text, key, number);
	case CONFIG_URLS:
	case CONFIG_STRINGS:
	case CONFIG_HEXES:
	case CONFIG_PLATFORMS:
	case CONFIG_PROVIDERS:
		memcpy(&list, place, sizeof list);
		return list_show(text, sizeof text, &list);
	case CONFIG_INTEGERS:
		return "absent";
	}
	return "?";
}

int
scratch_enter(void **state)
{
	return mkdtemp(scratch) == NULL || chdir(scratch) != 0;
}

int
scratch_leave(void **state)
{
	struct dirent *entry;
	DIR *dir = opendir(scratch);

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.' && remove(entry->d_name) != 0)
			return 1;
	return dir == NULL || closedir(dir) != 0 || rmdir(scratch) != 0;
}

void
scratch_write(const char *name, const char *text)
{
	FILE *file = fopen(name, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	assert_int_equal(fclose(file), 0);
}

struct config *
config_try(const char *name, const char *text, const char *variable,
    const char *other_variable, struct reason *why)
{
	const char *variables[] = { variable, other_variable, NULL };
	struct config_source source = { .path = name, .environment = variables };
	struct config *config;

	if (variable == NULL)
		source.environment = variables + 2;
	if (name != NULL)
		scratch_write(name, text);
	if (!config_load(&config, &source, why))
		assert_null(config);
	return config;
}

const char *
config_notes(const struct config *config, enum log_level level)
{
	static char text[8192];
	size_t i, len;

	text[0] = '\0';
	for (i = 0; i < config->nnotes; i++) {
		if (config->notes[i].level > level)
			continue;
		len = strlen(text);
		(void)snprintf(text + len, sizeof text - len, "%s%s", len == 0 ? "" : "; ",
		    config->notes[i].text);
	}
	return text;
}
