#include "settings_dump.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static char text[65536];

static void put(const char *format, ...) PRINTF(1, 2);

static void
put(const char *format, ...)
{
	const size_t len = strlen(text);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text + len, sizeof text - len, format, args);
	va_end(args);
}

static void
value_put(const struct setting_value *value)
{
	switch (value->type) {
	case SETTING_STRING:
		put("\"%s\"", value->string);
		return;
	case SETTING_INTEGER:
		put("%" PRId64, value->integer);
		return;
	case SETTING_BOOLEAN:
		put(value->boolean ? "true" : "false");
		return;
	case SETTING_OTHER:
		put("?%s", value->string);
		return;
	case SETTING_LIST:
		return;
	}
}

const char *
settings_dump(const struct settings *settings)
{
	const struct setting *setting;
	size_t i, j;

	text[0] = '\0';
	for (i = 0; i < settings->n; i++) {
		setting = &settings->list[i];
		put("%s%s=", i == 0 ? "" : " ", setting->name);
		if (setting->value.type != SETTING_LIST) {
			value_put(&setting->value);
			continue;
		}
		put("[");
		for (j = 0; j < setting->nitems; j++) {
			put(j == 0 ? "" : ", ");
			value_put(&setting->items[j]);
		}
		put("]");
	}
	return text;
}
