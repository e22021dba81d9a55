#include <stdio.h>
#include <stdlib.h>

#include "testing.h"

#define VECTOR_MAX      (64u << 20)

/* What was handed out, so that the leak checker sees it in use. */
static struct kept {
	struct kept *next;
	char    data[];
} *kept;

static char *
keep(size_t len)
{
	struct kept *k;

	k = malloc(sizeof *k + len);
	assert_non_null(k);
	k->next = kept;
	kept = k;
	return k->data;
}

const char *
vector_path(const char *name)
{
	size_t len = strlen(VECTORS) + 1 + strlen(name) + 1;
	char *path = keep(len);

	snprintf(path, len, "%s/%s", VECTORS, name);
	return path;
}

struct bytes
vector_read(const char *name)
{
	const char *path = vector_path(name);
	FILE *file;
	char *data;
	long len;

	file = fopen(path, "rb");
	if (file == NULL)
		fail_msg("cannot open %s", path);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	len = ftell(file);
	assert_in_range(len, 0, VECTOR_MAX);
	rewind(file);
	data = keep((size_t)len + 1);
	assert_int_equal(fread(data, 1, (size_t)len, file), len);
	data[len] = '\0';
	fclose(file);
	return (struct bytes){ (const uint8_t *)data, (size_t)len };
}

void
expect_reason(const char *name, bool ok, const struct reason *why, const char *wanted)
{
	if (ok != (wanted == NULL) || (!ok && strcmp(why->text, wanted) != 0))
		fail_msg("%s: got %d \"%s\", wanted \"%s\"", name, ok, ok ? "" : why->text,
		    wanted == NULL ? "success" : wanted);
}
