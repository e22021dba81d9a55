/*
 * An archive, unpacked.  What the fuzzer makes is the tar inside, so that it need not learn to
 * compress; with a first byte of 1 it is the compressed bytes.  The hash that is asked for is that of
 * the manifest in it, so that what comes behind that check is reached.
 */
#include "unpack/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "measure/manifest.h"

#define STORED_MAX      65535   /* bytes of one stored block */

static char path[] = "/tmp/fuzz-archive-XXXXXX";
static int directory = -1;

static void
directory_remove(void)
{
	(void)rmdir(path);
}

static void
directory_make(void)
{
	fuzz_must(mkdtemp(path) != NULL && atexit(directory_remove) == 0, "no directory");
	directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fuzz_must(directory != -1, "no directory");
}

/* gzip without compression; its checksum is not looked at by the reader. */
static void
gzip_write(CBB *out, struct bytes tar)
{
	static const uint8_t head[10] = { 0x1f, 0x8b, 8 };
	CBS in = cbs_bytes(tar), block;
	bool last;

	fuzz_must(CBB_add_bytes(out, head, sizeof head), "out of memory");
	do {
		size_t len = CBS_len(&in) < STORED_MAX ? CBS_len(&in) : STORED_MAX;

		fuzz_must(CBS_get_bytes(&in, &block, len), "a block");
		last = CBS_len(&in) == 0;
		fuzz_must(CBB_add_u8(out, last) && CBB_add_u16le(out, (uint16_t)len) &&
		    CBB_add_u16le(out, (uint16_t)~len) &&
		    CBB_add_bytes(out, CBS_data(&block), len), "out of memory");
	} while (!last);
	fuzz_must(CBB_add_u32le(out, 0) && CBB_add_u32le(out, (uint32_t)tar.len), "out of memory");
}

/* The hash of the first file of the manifest's name, or zeroes. */
static void
hash_find(struct digest256 *out, struct bytes archive)
{
	struct archive *reader = archive_read_new();
	struct archive_entry *entry;
	static uint8_t text[MANIFEST_MAX_LEN];
	la_ssize_t n = 0;

	*out = (struct digest256){ { 0 } };
	fuzz_must(reader != NULL, "out of memory");
	(void)archive_read_support_format_tar(reader);
	(void)archive_read_support_filter_gzip(reader);
	if (archive_read_open_memory(reader, archive.ptr, archive.len) == ARCHIVE_OK)
		while (archive_read_next_header(reader, &entry) == ARCHIVE_OK) {
			const char *name = archive_entry_pathname(entry);

			if (name == NULL || (strcmp(name, "sha256sum.txt") != 0 &&
			    strcmp(name, "./sha256sum.txt") != 0))
				continue;
			n = archive_read_data(reader, text, sizeof text);
			digest256_of(out, (struct bytes){ text, n > 0 ? (size_t)n : 0 });
			break;
		}
	(void)archive_read_free(reader);
}

/* Everything that was written is a file of a name that may be, for its owner alone; it goes. */
static void
directory_clear(bool unpacked)
{
	DIR *entries = fdopendir(openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	const struct dirent *entry;
	struct stat st;

	fuzz_must(entries != NULL, "no directory");
	while ((entry = readdir(entries)) != NULL) {
		const char *name = entry->d_name;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			continue;
		fuzz_must(strcmp(name, "sha256sum.txt") == 0 ||
		    manifest_name_check(bytes_str(name)), "a file of a strange name");
		fuzz_must(fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && (st.st_mode & 077) == 0, "a strange file");
		fuzz_must(!unpacked || (uint64_t)st.st_size <= ARCHIVE_MAX_MEMBER, "a long file");
		fuzz_must(unlinkat(directory, name, 0) == 0, "a file that stays");
	}
	(void)closedir(entries);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = { data, len };
	const bool compressed = fuzz_choice(&in) == 1;
	struct reason why = { 0 };
	struct digest256 hash;
	uint64_t nbytes = 0;
	int fd;
	bool ok;
	CBB cbb;

	if (directory == -1)
		directory_make();
	fuzz_must(CBB_init(&cbb, in.len + 64), "out of memory");
	if (!compressed)
		gzip_write(&cbb, in);
	else
		fuzz_must(CBB_add_bytes(&cbb, in.ptr, in.len), "out of memory");
	in = (struct bytes){ CBB_data(&cbb), CBB_len(&cbb) };
	hash_find(&hash, in);
	fd = memfd_create("archive", MFD_CLOEXEC);
	fuzz_must(fd != -1 && write(fd, in.ptr, in.len) == (ssize_t)in.len &&
	    lseek(fd, 0, SEEK_SET) == 0, "no file");
	ok = fuzz_sense(archive_unpack(&nbytes, fd, directory, &hash, &why), &why);
	fuzz_must(ok || why.kind != REASON_UNAVAILABLE, "the machine is at fault");
	directory_clear(ok);
	(void)close(fd);
	CBB_cleanup(&cbb);
	return 0;
}
