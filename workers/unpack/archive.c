#include "unpack/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "measure/manifest.h"

#define BUFFER_LEN      ((size_t)64 << 10)
#define MANIFEST_NAME   "sha256sum.txt"
#define METADATA_NAME   "metadata.json"

/* A flat file of the archive. */
struct member {
	char    name[ARCHIVE_MAX_NAME_LEN + 1];
	uint64_t len;
	struct digest256 sha256;
	bool    listed;
};

struct unpacking {
	struct archive *archive;
	int     in, directory;
	uint8_t buffer[BUFFER_LEN];             /* what was read last                   */
	uint64_t nread;
	bool    unreadable;                     /* the descriptor, not the archive      */
	uint64_t nmembers;
	uint64_t unpacked;                      /* bytes of all members so far          */
	struct member members[ARCHIVE_MAX_MEMBERS];
	size_t  nkept;
	uint8_t manifest[MANIFEST_MAX_LEN];
	size_t  manifest_len;
	bool    has_manifest;
};

static void
unpacking_free(struct unpacking *u)
{
	(void)archive_read_free(u->archive);
	free(u);
}
AUTO_DEFINE(struct unpacking, unpacking_free)

static void
fd_close(const int *fd)
{
	if (*fd != -1)
		(void)close(*fd);
}

/* What libarchive calls for more: 0 at the end, -1 ends the reading. */
static la_ssize_t
more(struct archive *archive, void *context, const void **buffer)
{
	struct unpacking *u = context;
	ssize_t n;

	do
		n = read(u->in, u->buffer, sizeof u->buffer);
	while (n == -1 && errno == EINTR);
	*buffer = u->buffer;
	if (n == -1) {
		u->unreadable = true;
		archive_set_error(archive, errno, "read");
		return -1;
	}
	u->nread += (uint64_t)n;
	return n;
}

/* What may have been read and unpacked by now; `len` more bytes are about to be. */
static bool
amounts_check(const struct unpacking *u, uint64_t len, struct reason *why)
{
	if (u->nread > ARCHIVE_MAX_LEN)
		return reject(why, REASON_LIMIT, "image archive has more than %llu bytes",
		    (unsigned long long)ARCHIVE_MAX_LEN);
	if (u->nread > ARCHIVE_RATIO_FROM && (u->unpacked + len) / u->nread > ARCHIVE_MAX_RATIO)
		return reject(why, REASON_LIMIT, "image archive is compressed more than %d times",
		    ARCHIVE_MAX_RATIO);
	return true;
}

/* After libarchive said no: whose fault it is. */
static bool
unreadable(const struct unpacking *u, const char *what, struct reason *why)
{
	if (u->unreadable)
		return reject(why, REASON_UNAVAILABLE, "image archive cannot be read");
	if (archive_errno(u->archive) == ENOMEM)
		return reject(why, REASON_INTERNAL, "out of memory");
	return reject(why, REASON_MALFORMED, "%s", what);
}

/* Names */

static bool
unsafe(const char *path, struct reason *why)
{
	return reject(why, REASON_REFUSED, "image archive contains unsafe path %.*s",
	    ARCHIVE_MAX_NAME_LEN, path);
}

static bool
component_is(struct bytes component, const char *name)
{
	return bytes_equal(component, bytes_str(name));
}

/*
 * The last component of a path, and how many it has; "." is none.  A name that a reader of it, or
 * of a log, could take for another is refused with those that lead out of the directory.
 */
static bool
path_read(struct bytes *name, size_t *ncomponents, const char *path, struct reason *why)
{
	struct bytes component;
	const char *end;

	*name = (struct bytes){ 0 };
	*ncomponents = 0;
	if (path[0] == '/' || path[0] == '\0' || strlen(path) > ARCHIVE_MAX_NAME_LEN)
		return unsafe(path, why);
	for (const char *p = path; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			return unsafe(path, why);
	for (const char *p = path; *p != '\0'; p = *end == '\0' ? end : end + 1) {
		end = strchrnul(p, '/');
		component = (struct bytes){ (const uint8_t *)p, (size_t)(end - p) };
		if (component_is(component, ".."))
			return unsafe(path, why);
		if (component.len == 0 || component_is(component, "."))
			continue;
		*name = component;
		(*ncomponents)++;
	}
	return true;
}

static struct member *
member_find(struct unpacking *u, struct bytes name)
{
	for (size_t i = 0; i < u->nkept; i++)
		if (bytes_equal(bytes_str(u->members[i].name), name))
			return &u->members[i];
	return NULL;
}

/* Most bytes that a file may have: what is read into memory has less. */
static uint64_t
member_max_len(const char *name)
{
	if (strcmp(name, MANIFEST_NAME) == 0)
		return MANIFEST_MAX_LEN;
	if (strcmp(name, METADATA_NAME) == 0)
		return ARCHIVE_MAX_METADATA;
	return ARCHIVE_MAX_MEMBER;
}

/* Contents */

static bool
file_write(int fd, struct bytes piece, struct reason *why)
{
	while (piece.len != 0) {
		ssize_t n = write(fd, piece.ptr, piece.len);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
			return reject(why, REASON_UNAVAILABLE, "no space left for the OS image");
		if (n <= 0)
			return reject(why, REASON_UNAVAILABLE, "OS image cannot be written");
		piece.ptr += n;
		piece.len -= (size_t)n;
	}
	return true;
}

/* `len` more bytes of a member, promised by its header or read. */
static bool
member_check(const struct unpacking *u, const struct member *member, uint64_t len,
    struct reason *why)
{
	const uint64_t max = member_max_len(member->name);

	if (len > max - member->len)
		return reject(why, REASON_LIMIT, "image archive entry %s has more than %llu bytes",
		    member->name, (unsigned long long)max);
	if (len > ARCHIVE_MAX_UNPACKED - u->unpacked)
		return reject(why, REASON_LIMIT, "image archive has more than %llu bytes unpacked",
		    (unsigned long long)ARCHIVE_MAX_UNPACKED);
	return true;
}

/* A piece of a member: hashed and written, or with fd -1 only counted. */
static bool
piece_take(struct unpacking *u, struct member *member, SHA256_CTX *sha, int fd, struct bytes piece,
    struct reason *why)
{
	if (!member_check(u, member, piece.len, why) || !amounts_check(u, piece.len, why))
		return false;
	if (fd != -1 && strcmp(member->name, MANIFEST_NAME) == 0) {
		bytes_copy(u->manifest + u->manifest_len, piece);
		u->manifest_len += piece.len;
	}
	u->unpacked += piece.len;
	member->len += piece.len;
	if (fd == -1)
		return true;
	SHA256_Update(sha, piece.ptr, piece.len);
	return file_write(fd, piece, why);
}

/* All of the member that libarchive is at, whose header promises so many bytes. */
static bool
content_take(struct unpacking *u, struct member *member, uint64_t promised, int fd,
    struct reason *why)
{
	SHA256_CTX sha;
	const void *data;
	la_int64_t offset;
	size_t len;
	int code;

	/* One that is too large costs nothing; piece by piece it is libarchive that is not trusted. */
	if (!member_check(u, member, promised, why))
		return false;
	SHA256_Init(&sha);
	while ((code = archive_read_data_block(u->archive, &data, &len, &offset)) == ARCHIVE_OK) {
		/* A gap would be a hole that no byte of the archive stands for. */
		if (offset < 0 || (uint64_t)offset != member->len)
			return reject(why, REASON_REFUSED,
			    "image archive contains unsupported entry %s", member->name);
		if (!piece_take(u, member, &sha, fd, (struct bytes){ data, len }, why))
			return false;
	}
	if (code != ARCHIVE_EOF)
		return unreadable(u, "Failed to read image archive entry", why);
	SHA256_Final(member->sha256.data, &sha);
	return true;
}

static bool
file_take(struct unpacking *u, struct bytes name, uint64_t promised, struct reason *why)
{
	__attribute__((cleanup(fd_close))) int fd = -1;
	struct member *member;

	if (member_find(u, name) != NULL)
		return reject(why, REASON_REFUSED, "image archive contains %.*s twice",
		    (int)name.len, (const char *)name.ptr);
	/* There are no more members than places. */
	member = &u->members[u->nkept++];
	*member = (struct member){ .len = 0 };
	bytes_copy(member->name, name);
	fd = openat(u->directory, member->name,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1)
		return reject(why, REASON_UNAVAILABLE, errno == ENOSPC || errno == EDQUOT ?
		    "no space left for the OS image" : "OS image cannot be written");
	u->has_manifest = u->has_manifest || component_is(name, MANIFEST_NAME);
	return content_take(u, member, promised, fd, why);
}

/* What no manifest can list is read past. */
static bool
other_take(struct unpacking *u, struct bytes name, uint64_t promised, struct reason *why)
{
	struct member other = { .len = 0 };

	bytes_copy(other.name, name);
	return content_take(u, &other, promised, -1, why);
}

static bool
entry_check(const struct unpacking *u, struct archive_entry *entry, const char *path,
    struct reason *why)
{
	la_int64_t header_len = archive_filter_bytes(u->archive, 0) -
	    archive_read_header_position(u->archive);

	if (u->nmembers > ARCHIVE_MAX_MEMBERS)
		return reject(why, REASON_LIMIT, "image archive has more than %d entries",
		    ARCHIVE_MAX_MEMBERS);
	if (header_len > (la_int64_t)ARCHIVE_MAX_HEADER)
		return reject(why, REASON_LIMIT, "image archive has a header of more than %u bytes",
		    ARCHIVE_MAX_HEADER);
	if (archive_entry_hardlink(entry) != NULL || archive_entry_symlink(entry) != NULL ||
	    archive_entry_sparse_count(entry) != 0 ||
	    (archive_entry_filetype(entry) != AE_IFREG &&
	    archive_entry_filetype(entry) != AE_IFDIR))
		return reject(why, REASON_REFUSED, "image archive contains unsupported entry %.*s",
		    ARCHIVE_MAX_NAME_LEN, path);
	return true;
}

static bool
entry_take(struct unpacking *u, struct archive_entry *entry, struct reason *why)
{
	const char *path = archive_entry_pathname(entry);
	const uint64_t promised = (uint64_t)archive_entry_size(entry);
	struct bytes name;
	size_t ncomponents;

	u->nmembers++;
	if (path == NULL)
		return unsafe("", why);
	if (!path_read(&name, &ncomponents, path, why) || !entry_check(u, entry, path, why))
		return false;
	if (archive_entry_filetype(entry) == AE_IFREG && ncomponents == 1 &&
	    (component_is(name, MANIFEST_NAME) || manifest_name_check(name)))
		return file_take(u, name, promised, why);
	return other_take(u, name, promised, why);
}

static bool
entries_take(struct unpacking *u, struct reason *why)
{
	struct archive_entry *entry;
	int code;

	while ((code = archive_read_next_header(u->archive, &entry)) == ARCHIVE_OK) {
		/* What it takes for compressed, or for compressed twice, is something else. */
		if (archive_filter_count(u->archive) != 2 ||
		    archive_filter_code(u->archive, 0) != ARCHIVE_FILTER_GZIP)
			return reject(why, REASON_MALFORMED, "Failed to open image archive");
		if (!amounts_check(u, 0, why) || !entry_take(u, entry, why))
			return false;
	}
	return code == ARCHIVE_EOF ||
	    unreadable(u, u->nmembers == 0 ? "Failed to open image archive" :
	    "Failed to read image archive entry", why);
}

/* What was unpacked, against the manifest */

static bool
listed_check(struct unpacking *u, uint64_t *nbytes, const struct manifest *manifest,
    struct reason *why)
{
	for (size_t i = 0; i < manifest->n_entries; i++) {
		const struct manifest_entry *entry = &manifest->entries[i];
		struct member *member = member_find(u, entry->name);

		if (member == NULL || !digest256_equal(&member->sha256, &entry->sha256))
			return reject(why, REASON_REFUSED, "Checksum verification failed: %.*s",
			    (int)entry->name.len, (const char *)entry->name.ptr);
		member->listed = true;
		*nbytes += member->len;
	}
	return true;
}

/* Removes what is not listed. */
static bool
others_remove(const struct unpacking *u, struct reason *why)
{
	for (size_t i = 0; i < u->nkept; i++) {
		const struct member *member = &u->members[i];

		if (!member->listed && strcmp(member->name, MANIFEST_NAME) != 0 &&
		    unlinkat(u->directory, member->name, 0) == -1)
			return reject(why, REASON_UNAVAILABLE, "OS image cannot be written");
	}
	return true;
}

static bool
manifest_check(struct unpacking *u, uint64_t *nbytes, const struct digest256 *hash,
    struct reason *why)
{
	const struct bytes text = { u->manifest, u->manifest_len };
	struct manifest manifest;
	struct digest256 digest;

	if (!u->has_manifest)
		return reject(why, REASON_MALFORMED, "Failed to read sha256sum.txt");
	digest256_of(&digest, text);
	if (!digest256_equal(&digest, hash))
		return reject(why, REASON_REFUSED,
		    "os_image_hash does not match sha256(sha256sum.txt)");
	*nbytes = text.len;
	if (!manifest_read(&manifest, text, why) || !listed_check(u, nbytes, &manifest, why))
		return false;
	if (manifest_find(&manifest, METADATA_NAME) == NULL)
		return reject(why, REASON_MALFORMED,
		    "metadata.json not found in the extracted archive");
	return others_remove(u, why);
}

bool
archive_unpack(uint64_t *nbytes, int in, int directory, const struct digest256 *hash,
    struct reason *why)
{
	AUTO(unpacking_free) struct unpacking *u = calloc(1, sizeof *u);

	if (u == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	u->in = in;
	u->directory = directory;
	u->archive = archive_read_new();
	if (u->archive == NULL || archive_read_support_format_tar(u->archive) != ARCHIVE_OK ||
	    archive_read_support_filter_gzip(u->archive) != ARCHIVE_OK)
		return reject(why, REASON_INTERNAL, "out of memory");
	if (archive_read_open(u->archive, u, NULL, more, NULL) != ARCHIVE_OK)
		return unreadable(u, "Failed to open image archive", why);
	return entries_take(u, why) && manifest_check(u, nbytes, hash, why);
}
