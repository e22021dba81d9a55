#include "measurer/input.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "measure/manifest.h"
#include "measure/tdx_document.h"
#include "measure/tdvf.h"

#define STREAM_LEN      ((size_t)64 << 10)      /* fits the caches, twice over */

static const struct {
	const char *name;
	uint64_t max;
} rules[INPUT_FILES] = {
	[INPUT_MANIFEST] = { "sha256sum.txt", MANIFEST_MAX_LEN },
	[INPUT_METADATA] = { "metadata.json", METADATA_MAX_LEN },
	[INPUT_FIRMWARE] = { "firmware", TDVF_MAX_LEN },
	[INPUT_KERNEL] = { "kernel", KERNEL_MAX_LEN },
	[INPUT_INITRD] = { "initrd", UINT32_MAX },
	[INPUT_DOCUMENT] = { TDX_DOCUMENT_NAME, TDX_DOCUMENT_MAX_LEN },
};

static bool
size_read(uint64_t *size, enum input_file file, int fd, struct reason *why)
{
	struct stat st;

	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) || st.st_size < 0)
		return reject(why, REASON_REFUSED, "%s is not a regular file", rules[file].name);
	*size = (uint64_t)st.st_size;
	if (*size > rules[file].max)
		return reject(why, REASON_LIMIT, "%s has %llu bytes, more than %llu",
		    rules[file].name, (unsigned long long)*size,
		    (unsigned long long)rules[file].max);
	return true;
}

/* All of these bytes of a file. */
static bool
part_read(uint8_t *to, size_t len, uint64_t at, enum input_file file, int fd, struct reason *why)
{
	ssize_t n;

	while (len > 0) {
		n = pread(fd, to, len, (off_t)at);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return reject(why, REASON_UNAVAILABLE, "cannot read %s",
			    rules[file].name);
		if (n == 0)
			return reject(why, REASON_UNAVAILABLE,
			    "%s became shorter while it was read", rules[file].name);
		to += n;
		len -= (size_t)n;
		at += (uint64_t)n;
	}
	return true;
}

static bool
file_read(struct input *input, struct bytes *out, enum input_file file, int fd,
    struct reason *why)
{
	uint64_t size;

	if (!size_read(&size, file, fd, why))
		return false;
	input->owned[file] = malloc(size == 0 ? 1 : (size_t)size);
	if (input->owned[file] == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	*out = (struct bytes){ input->owned[file], (size_t)size };
	return part_read(input->owned[file], (size_t)size, 0, file, fd, why);
}

/* Nothing parses an initrd, so it need not be in memory. */
static bool
initrd_stream(struct image_files *files, int fd, struct reason *why)
{
	uint8_t buffer[STREAM_LEN];
	SHA256_CTX sha256;
	SHA512_CTX sha384;
	uint64_t at, left;
	size_t n;

	SHA256_Init(&sha256);
	SHA384_Init(&sha384);
	for (at = 0; at < files->initrd_size; at += n) {
		left = files->initrd_size - at;
		n = left < sizeof buffer ? (size_t)left : sizeof buffer;
		if (!part_read(buffer, n, at, INPUT_INITRD, fd, why))
			return false;
		SHA256_Update(&sha256, buffer, n);
		SHA384_Update(&sha384, buffer, n);
	}
	SHA256_Final(files->initrd_sha256.data, &sha256);
	SHA384_Final(files->initrd_sha384.data, &sha384);
	return true;
}

bool
input_read(struct input *input, const int *fds, enum input_part part, struct reason *why)
{
	struct image_files *files = &input->files;

	*input = (struct input){ .files = { .initrd_size = 0 } };
	if (!file_read(input, &files->manifest, INPUT_MANIFEST, fds[INPUT_MANIFEST], why) ||
	    !file_read(input, &files->metadata, INPUT_METADATA, fds[INPUT_METADATA], why))
		return false;
	if (part == INPUT_PAPERS)
		return true;
	if (!file_read(input, &files->kernel, INPUT_KERNEL, fds[INPUT_KERNEL], why) ||
	    !size_read(&files->initrd_size, INPUT_INITRD, fds[INPUT_INITRD], why))
		return false;
	return part == INPUT_KERNEL_PART ||
	    (file_read(input, &files->firmware, INPUT_FIRMWARE, fds[INPUT_FIRMWARE], why) &&
	    initrd_stream(files, fds[INPUT_INITRD], why) &&
	    (part == INPUT_IMAGE || file_read(input, &input->document, INPUT_DOCUMENT,
	    fds[INPUT_DOCUMENT], why)));
}

void
input_fini(struct input *input)
{
	for (size_t i = 0; i < NELEM(input->owned); i++)
		free(input->owned[i]);
}
