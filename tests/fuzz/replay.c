/*
 * replay - feeds files to a fuzz target, without a fuzzer
 *
 * Without arguments: the target's corpus in the tree, as one TAP case.  With arguments: these
 * files, to see one fail.  Each input is in memory of just its length, so that a sanitizer sees
 * the first byte past it.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fuzz.h"

/* The name is out before the input is tried: it is the last line when that ends the program. */
static void
file_replay(const char *path)
{
	uint8_t *data;
	long len;
	FILE *f;

	(void)printf("# %s\n", path);
	(void)fflush(stdout);
	f = fopen(path, "rb");
	fuzz_must(f != NULL && fseek(f, 0, SEEK_END) == 0 && (len = ftell(f)) >= 0 &&
	    fseek(f, 0, SEEK_SET) == 0, path);
	data = malloc((size_t)len);
	fuzz_must(len == 0 || (data != NULL && fread(data, (size_t)len, 1, f) == 1), path);
	(void)fclose(f);
	(void)LLVMFuzzerTestOneInput(data, (size_t)len);
	free(data);
}

static int
is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* All files of a directory, which becomes the current one, by their names; gives how many. */
static int
directory_replay(const char *directory)
{
	struct dirent **entries;
	int n;

	fuzz_must(chdir(directory) == 0, directory);
	n = scandir(".", &entries, is_input, alphasort);
	fuzz_must(n > 0, directory);
	for (int i = 0; i < n; i++) {
		file_replay(entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return n;
}

int
main(int argc, char *argv[])
{
	const char *slash = strrchr(argv[0], '/');
	const char *name = slash == NULL ? argv[0] : slash + 1;
	int n;

	for (int i = 1; i < argc; i++)
		file_replay(argv[i]);
	if (argc > 1)
		return 0;
	(void)printf("1..1\n");
	fuzz_must(chdir(CORPUS) == 0, CORPUS);
	n = directory_replay(name);
	(void)printf("ok 1 - fuzz %s: %d inputs\n", name, n);
	return 0;
}
