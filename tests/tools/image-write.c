/*
 * image-write - an image of the tests as files of a directory
 *
 *      image-write VARIANT DIR         "plain", "normalized", ...: tests/support/image_case.h
 */
#include <stdio.h>
#include <stdlib.h>

#include "../support/image_case.h"

#define ARENA_LEN       ((size_t)4 << 20)

static void
file_write(const char *dir, const char *name, struct bytes content)
{
	char path[4096];
	FILE *f;

	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "wb");
	if (f == NULL || fwrite(content.ptr, 1, content.len, f) != content.len ||
	    fclose(f) != 0) {
		(void)fprintf(stderr, "image-write: cannot write %s\n", path);
		exit(1);
	}
}

int
main(int argc, char **argv)
{
	struct arena *arena = arena_new(ARENA_LEN);
	struct image_case image;

	if (argc != 3 || arena == NULL) {
		(void)fprintf(stderr, "usage: image-write VARIANT DIR\n");
		return 2;
	}
	image_case_variant(&image, arena, argv[1]);
	file_write(argv[2], "ovmf.fd", image.files.firmware);
	file_write(argv[2], "bzImage", image.files.kernel);
	file_write(argv[2], "initramfs.cpio.gz", image_case_initrd(&image, arena));
	file_write(argv[2], "metadata.json", image.files.metadata);
	file_write(argv[2], "sha256sum.txt", image.files.manifest);
	arena_free(arena);
	return 0;
}
