/*
 * acpi-tables - what the ACPI generator says to machines, one JSON object a line
 *
 *      acpi-tables             reads cases (tests/support/acpi_case.h) and prints for each the
 *                              three digests, loader, rsdp, tables, or "refused: REASON"
 *      acpi-tables -d DIR      one case, and writes the three files into DIR
 *      acpi-tables -t          times the generator
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

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

static double
seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void
time_run(struct arena *arena)
{
	static const struct {
		uint32_t n_cpus;
		bool nodes;
	} shapes[] = {
		{ 1, false }, { 64, false }, { 64, true }, { 1024, false }, { 4096, true },
	};
	enum { ROUNDS = 2000 };

	for (size_t i = 0; i < NELEM(shapes); i++) {
		struct acpi_shape shape;
		struct acpi_blobs blobs;
		struct acpi_digests digests;
		struct reason why;
		double generate = 0, digest = 0;

		acpi_shape_init(&shape);
		shape.cpu_count = shapes[i].n_cpus;
		shape.memory_size = UINT64_C(64) << 30;
		shape.hugepages = shapes[i].nodes;
		for (unsigned round = 0; round < ROUNDS; round++) {
			const double start = seconds();
			double middle;

			arena_reset(arena);
			if (!acpi_generate(&blobs, arena, &shape, ACPI_NEWEST, &why))
				abort();
			middle = seconds();
			acpi_digest(&digests, &blobs);
			generate += middle - start;
			digest += seconds() - middle;
		}
		printf("%4" PRIu32 " CPUs%s: generated in %.1f us, digested in %.1f us\n",
		    shape.cpu_count, shape.hugepages ? ", NUMA" : "",
		    generate * 1e6 / ROUNDS, digest * 1e6 / ROUNDS);
	}
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
	if (argc == 2 && strcmp(argv[1], "-t") == 0)
		time_run(arena);
	else
		while (ok && getline(&line, &size, stdin) > 0)
			ok = case_run(line, dir, arena);
	free(line);
	arena_free(arena);
	return ok && fflush(stdout) == 0 ? 0 : 1;
}
