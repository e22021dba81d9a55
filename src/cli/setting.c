#include "cli/setting.h"

#include <inttypes.h>
#include <stdio.h>

void
settings_init(struct settings *settings, struct arena *arena, const char *origin)
{
	memset(settings, 0, sizeof *settings);
	settings->arena = arena;
	(void)snprintf(settings->origin, sizeof settings->origin, "%s", origin);
}

/* Whether one name is the other, or a group that the other lies in. */
static bool
names_clash(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return (*a == '\0' && (*b == '\0' || *b == '.')) || (*b == '\0' && *a == '.');
}

bool
settings_add(struct settings *settings, const struct setting *setting, struct reason *why)
{
	size_t i;

	if (strlen(setting->name) > SETTING_NAME_MAX)
		return reject(why, REASON_LIMIT, "name longer than %d characters", SETTING_NAME_MAX);
	if (settings->n == SETTINGS_MAX)
		return reject(why, REASON_LIMIT, "more than %d settings", SETTINGS_MAX);
	for (i = 0; i < settings->n; i++)
		if (names_clash(settings->list[i].name, setting->name))
			return reject(why, REASON_MALFORMED, "`%s` is given twice", setting->name);
	settings->list[settings->n++] = *setting;
	return true;
}

const struct setting *
settings_find(const struct settings *settings, const char *name)
{
	size_t i;

	for (i = 0; i < settings->n; i++)
		if (strcmp(settings->list[i].name, name) == 0)
			return &settings->list[i];
	return NULL;
}

bool
settings_reject(const struct settings *settings, unsigned line, struct reason *why)
{
	if (line == 0)
		return reject_as(why, "%s", settings->origin);
	return reject_as(why, "%s line %u", settings->origin, line);
}

void
setting_show(char *out, size_t out_len, const struct setting_value *value)
{
	switch (value->type) {
	case SETTING_STRING:
		(void)snprintf(out, out_len, "string \"%.60s\"", value->string);
		return;
	case SETTING_INTEGER:
		(void)snprintf(out, out_len, "integer %" PRId64, value->integer);
		return;
	case SETTING_BOOLEAN:
		(void)snprintf(out, out_len, "bool %s", value->boolean ? "true" : "false");
		return;
	case SETTING_LIST:
		(void)snprintf(out, out_len, "sequence");
		return;
	case SETTING_OTHER:
		(void)snprintf(out, out_len, "value %.60s", value->string);
		return;
	}
}
