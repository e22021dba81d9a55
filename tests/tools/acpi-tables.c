/*
 * acpi-tables - what the ACPI generator says to machines, one JSON object a line
 *
 *      acpi-tables             reads cases (tests/support/acpi_case.h) and prints for each the
 *                              three digests, loader, rsdp, tables, or "refused: REASON"
 *      acpi-tables -d DIR      one case, and writes the three files into DIR
 */
#include <stdio.h>
#include <stdlib.h>

#include "../support/acpi_case.h"

/* As much as acpi_generate() ever asks for. */
#define ARENA_LEN               ((size_t)2 << 20)

static void
digest_print(const uint8_t *digest, char behind)
{
	for (size_t i = 0; i < ACPI_DIGEST_LEN; i++)
		printf("%02x", digest[i]);
	putchar(behind);
}

static bool
file_write(const char *dir, const char *name, struct bytes data)
{
	char path[4096];
	FILE *f;
	bool ok;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "wb");
	if (f == NULL)
		return false;
	ok = fwrite(data.ptr, 1, data.len, f) == data.len;
	return fclose(f) == 0 && ok;
}

/* One line of input, one of output; false when a file cannot be written. */
static bool
case_run(const char *line, const char *dir, struct arena *arena)
{
	struct json_object *object = json_tokener_parse(line);
	struct acpi_case c;
	struct acpi_blobs blobs;
	struct acpi_digests digests;
	struct reason why;
	bool ok = true;

	arena_reset(arena);
	if (!acpi_case_read(&c, object, &why) ||
	    !acpi_generate(&blobs, arena, &c.shape, c.profile, &why)) {
		printf("refused: %s\n", why.text);
	} else {
		acpi_digest(&digests, &blobs);
		digest_print(digests.loader, ' ');
		digest_print(digests.rsdp, ' ');
		digest_print(digests.tables, '\n');
		if (dir != NULL)
			ok = file_write(dir, "loader", blobs.loader) &&
			    file_write(dir, "rsdp", blobs.rsdp) &&
			    file_write(dir, "tables", blobs.tables);
	}
	json_object_put(object);
	return ok;
}

int
main(int argc, char **argv)
{
	struct arena *arena = arena_new(ARENA_LEN);
	const char *dir = argc == 3 && strcmp(argv[1], "-d") == 0 ? argv[2] : NULL;
	char *line = NULL;
	size_t size = 0;
	bool ok = true;

	if (arena == NULL)
		return 1;
	while (ok && getline(&line, &size, stdin) > 0)
		ok = case_run(line, dir, arena);
	free(line);
	arena_free(arena);
	return ok && fflush(stdout) == 0 ? 0 : 1;
}
