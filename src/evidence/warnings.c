#include "evidence/warnings.h"

#include <stdarg.h>
#include <stdio.h>

#define WARNING_LEN_MAX 511     /* bytes, as a reason's                           */

void
warnings_init(struct warnings *out, struct arena *arena)
{
	*out = (struct warnings){ .arena = arena };
}

static void
make_printable(char *text)
{
	for (; *text != '\0'; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

void
warn_of(struct warnings *out, const char *format, ...)
{
	char text[WARNING_LEN_MAX + 1];
	struct reason why;
	struct bytes kept;
	va_list ap;

	if (out == NULL)
		return;
	va_start(ap, format);
	(void)vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	make_printable(text);
	if (out->n == NELEM(out->text) || !arena_copy(out->arena, &kept, bytes_str(text), &why)) {
		out->n_dropped++;
		return;
	}
	out->text[out->n++] = (const char *)kept.ptr;
}
