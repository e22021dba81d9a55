#include "cli/environment.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

/* The key that a variable's name, less the prefix, stands for. */
static bool
key_translate(struct settings *settings, const char **out, struct bytes name,
    struct reason *why)
{
	char *key;
	size_t i, n = 0;

	key = arena_alloc(settings->arena, name.len + 1, why);
	if (key == NULL)
		return false;
	for (i = 0; i < name.len; i++) {
		if (name.ptr[i] == '_' && i + 1 < name.len && name.ptr[i + 1] == '_') {
			key[n++] = '.';
			i++;
		} else {
			key[n++] = (char)tolower(name.ptr[i]);
		}
	}
	*out = key;
	return true;
}

/* Text between double quotes, a backslash before a quote or a backslash taken away. */
static bool
quoted_read(struct settings *settings, const char **out, const char *text, struct reason *why)
{
	size_t i, n = 0, len = strlen(text);
	char *copy;

	copy = arena_alloc(settings->arena, len, why);
	if (copy == NULL)
		return false;
	for (i = 1; i + 1 < len; i++) {
		if (text[i] == '\\' && i + 2 < len && (text[i + 1] == '"' || text[i + 1] == '\\'))
			i++;
		copy[n++] = text[i];
	}
	*out = copy;
	return true;
}

static bool
is_integer(const char *text)
{
	const char *digit = text + (*text == '-' || *text == '+');

	if (*digit == '\0')
		return false;
	for (; *digit != '\0'; digit++)
		if (*digit < '0' || *digit > '9')
			return false;
	return true;
}

static bool
value_read(struct settings *settings, struct setting_value *out, const char *text,
    struct reason *why)
{
	const size_t len = strlen(text);

	if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
		out->type = SETTING_BOOLEAN;
		out->boolean = *text == 't';
		return true;
	}
	if (is_integer(text)) {
		out->type = SETTING_INTEGER;
		errno = 0;
		out->integer = strtoll(text, NULL, 10);
		if (errno == 0)
			return true;
	}
	out->type = SETTING_STRING;
	out->string = text;
	if (len < 2 || text[0] != '"' || text[len - 1] != '"')
		return true;
	return quoted_read(settings, &out->string, text, why);
}

static bool
variable_read(struct settings *settings, const char *variable, struct reason *why)
{
	const size_t prefix = strlen(ENVIRONMENT_PREFIX);
	const char *equals = strchr(variable, '=');
	struct setting setting = { .line = 0 };
	struct bytes name;

	name = (struct bytes){ (const uint8_t *)variable + prefix,
	    (size_t)(equals - variable) - prefix };
	return key_translate(settings, &setting.name, name, why) &&
	    value_read(settings, &setting.value, equals + 1, why) &&
	    settings_add(settings, &setting, why);
}

bool
environment_read(struct settings *settings, const char *const *variables, struct reason *why)
{
	const size_t prefix = strlen(ENVIRONMENT_PREFIX);
	const char *equals;

	for (; *variables != NULL; variables++) {
		equals = strchr(*variables, '=');
		if (equals == NULL || (size_t)(equals - *variables) <= prefix ||
		    strncasecmp(*variables, ENVIRONMENT_PREFIX, prefix) != 0)
			continue;
		if (!variable_read(settings, *variables, why))
			return settings_reject(settings, 0, why);
	}
	return true;
}

const char *
environment_find(const char *const *variables, const char *name)
{
	const size_t len = strlen(name);

	for (; *variables != NULL; variables++)
		if (strncmp(*variables, name, len) == 0 && (*variables)[len] == '=')
			return *variables + len + 1;
	return NULL;
}
