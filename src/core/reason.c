#include "core/reason.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void
text_clean(char *text)
{
	for (; *text != '\0'; text++)
		if (*text < 0x20 || *text > 0x7e)
			*text = '?';
}

bool
reject(struct reason *why, enum reason_kind kind, const char *format, ...)
{
	va_list args;

	assert(kind != REASON_NONE);
	why->kind = kind;
	va_start(args, format);
	(void)vsnprintf(why->text, sizeof why->text, format, args);
	va_end(args);
	text_clean(why->text);
	return false;
}

bool
reject_as(struct reason *why, const char *format, ...)
{
	char inner[sizeof why->text];
	va_list args;
	size_t len;
	int n;

	assert(why->kind != REASON_NONE);
	memcpy(inner, why->text, sizeof inner);
	va_start(args, format);
	n = vsnprintf(why->text, sizeof why->text, format, args);
	va_end(args);
	text_clean(why->text);
	if (n < 0)
		return false;
	len = strlen(why->text);
	(void)snprintf(why->text + len, sizeof why->text - len, ": %s", inner);
	return false;
}

const char *
reason_kind_name(enum reason_kind kind)
{
	switch (kind) {
	case REASON_NONE:
		return "none";
	case REASON_MALFORMED:
		return "malformed";
	case REASON_UNSUPPORTED:
		return "unsupported";
	case REASON_REFUSED:
		return "refused";
	case REASON_UNAVAILABLE:
		return "unavailable";
	case REASON_LIMIT:
		return "limit";
	case REASON_INTERNAL:
		return "internal";
	}
	return "internal";
}
