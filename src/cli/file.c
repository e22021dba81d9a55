#include "cli/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_ROOM      16384

/* The words of the Rust verifier's runtime, which its one-shot answers have. */
static bool
system_refuse(int error, struct reason *why)
{
	return reject(why, REASON_UNAVAILABLE, "%s (os error %d)", strerror(error), error);
}

/* One read() that a signal does not end. */
static ssize_t
descriptor_read(int fd, void *to, size_t len)
{
	ssize_t n;

	do
		n = read(fd, to, len);
	while (n < 0 && errno == EINTR);
	return n;
}

static bool
room_double(struct arena *arena, uint8_t **data, size_t *room, size_t len, struct reason *why)
{
	uint8_t *more;

	*room = *room == 0 ? FIRST_ROOM : 2 * *room;
	more = arena_alloc(arena, *room, why);
	if (more == NULL)
		return false;
	bytes_copy(more, (struct bytes){ *data, len });
	*data = more;
	return true;
}

static bool
descriptor_read_all(struct bytes *out, struct arena *arena, int fd, size_t max_len,
    struct reason *why)
{
	uint8_t *data = NULL;
	size_t room = 0, len = 0;
	ssize_t n;

	for (;;) {
		if (len == room && !room_double(arena, &data, &room, len, why))
			return false;
		n = descriptor_read(fd, data + len, room - len);
		if (n < 0)
			return system_refuse(errno, why);
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > max_len)
			return reject(why, REASON_LIMIT, "longer than %zu bytes", max_len);
	}
	*out = (struct bytes){ data, len };
	return true;
}

bool
file_read(struct bytes *out, struct arena *arena, const char *path, size_t max_len,
    struct reason *why)
{
	bool ok;
	int fd;

	if (strcmp(path, "-") == 0)
		return descriptor_read_all(out, arena, STDIN_FILENO, max_len, why);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return system_refuse(errno, why);
	ok = descriptor_read_all(out, arena, fd, max_len, why);
	(void)close(fd);
	return ok;
}

/* Whether something is there that is not a directory, though perhaps not readable. */
static bool
is_there(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return errno != ENOENT && errno != ENOTDIR;
	return !S_ISDIR(st.st_mode);
}

bool
file_find(char out[FILE_PATH_MAX], const char *path)
{
	char directory[FILE_PATH_MAX];
	char *slash;
	int n;

	n = snprintf(out, FILE_PATH_MAX, "%s", path);
	if (n < 0 || n >= FILE_PATH_MAX)
		return false;
	if (is_there(out))
		return true;
	if (*path == '/' || getcwd(directory, sizeof directory) == NULL)
		return false;
	while ((slash = strrchr(directory, '/')) != NULL && directory[1] != '\0') {
		slash[slash == directory ? 1 : 0] = '\0';
		n = snprintf(out, FILE_PATH_MAX, "%s%s%s", directory,
		    slash == directory ? "" : "/", path);
		if (n > 0 && n < FILE_PATH_MAX && is_there(out))
			return true;
	}
	return false;
}

static bool
descriptor_write_all(int fd, struct bytes content)
{
	ssize_t n;

	while (content.len > 0) {
		n = write(fd, content.ptr, content.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		content.ptr += n;
		content.len -= (size_t)n;
	}
	return true;
}

bool
file_write(const char *path, struct bytes content, struct reason *why)
{
	int fd, error = 0;

	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
	if (fd < 0)
		return system_refuse(errno, why);
	if (!descriptor_write_all(fd, content)) {
		error = errno;
		/* Half a verdict must not lie around; on a device there is nothing to cut. */
		if (ftruncate(fd, 0) != 0)
			errno = 0;
	}
	if (close(fd) != 0 && error == 0)
		error = errno;
	return error == 0 || system_refuse(error, why);
}
