#include "cli/measure_command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/file.h"
#include "cli/session.h"
#include "cli/setup.h"
#include "ipc/message.h"

#define CONFIG_FILE_MAX ((size_t)1 << 20)       /* of a VM configuration                */
#define ARENA_LEN       (16 * CONFIG_FILE_MAX)
#define MEASURE_MS      600000  /* for a measurer to read an image from a slow disk     */

/* In the order in which they are passed. */
enum { MANIFEST, METADATA, FIRMWARE, KERNEL, INITRD, FILES };

struct measuring {
	const struct options *options;
	struct arena *arena;
	struct child measurer;
	int     fds[FILES];             /* -1: not open                                 */
	struct bytes config;
	struct blob *answer;
	int     status;                 /* when it fails                                */
};

static bool
file_open(struct measuring *m, int file, struct bytes name, struct reason *why)
{
	char path[FILE_PATH_MAX];
	int n = snprintf(path, sizeof path, "%s/%.*s", m->options->file, (int)name.len,
	    (const char *)name.ptr);

	m->status = EXIT_USAGE;
	if (n < 0 || (size_t)n >= sizeof path)
		return reject(why, REASON_MALFORMED, "path is too long");
	m->fds[file] = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (m->fds[file] == -1)
		return reject(why, REASON_UNAVAILABLE, "%s: %s", path, strerror(errno));
	m->status = EXIT_INVALID;
	return true;
}

/* Sends a frame with the first n descriptors and waits for an answer of that type. */
static bool
ask(struct measuring *m, enum frame_type question, struct bytes payload, unsigned n,
    enum frame_type wanted, CBS *in, struct reason *why)
{
	struct record_message record;
	struct frame frame;

	blob_free(TAKE(m->answer));
	if (!channel_send_fds(m->measurer.channel, question, 0, payload, NULL, m->fds, n, why) ||
	    !session_frame(&m->measurer, &frame, &m->answer, MEASURE_MS, why))
		return reject_as(why, "dstack-verifier-measurer");
	*in = cbs_bytes(blob_bytes(m->answer));
	if (frame.type == wanted)
		return true;
	if (frame.type != FRAME_TYPE_RECORD)
		return reject(why, REASON_INTERNAL, "unexpected %s", frame_name(frame.type));
	return message_record_read(&record, in, why) &&
	    reject(why, REASON_REFUSED, "%.*s", (int)record.reason.len,
	    (const char *)record.reason.ptr);
}

/* The three files whose names metadata.json has, once it is known to be the image's. */
static bool
files_open(struct measuring *m, struct reason *why)
{
	struct names_message names;
	CBS in;

	return file_open(m, MANIFEST, bytes_str("sha256sum.txt"), why) &&
	    file_open(m, METADATA, bytes_str("metadata.json"), why) &&
	    ask(m, FRAME_TYPE_PAPERS, (struct bytes){ 0 }, METADATA + 1, FRAME_TYPE_NAMES, &in,
	    why) &&
	    message_names_read(&names, &in, why) &&
	    file_open(m, FIRMWARE, names.firmware, why) &&
	    file_open(m, KERNEL, names.kernel, why) &&
	    file_open(m, INITRD, names.initrd, why);
}

static bool
start(struct measuring *m, struct reason *why)
{
	const char *directory;

	m->status = EXIT_INVALID;
	m->arena = arena_new(ARENA_LEN);
	if (m->arena == NULL)
		return reject(why, REASON_INTERNAL, "no memory");
	directory = setup_directory(m->arena, why);
	if (directory == NULL || !child_start(&m->measurer, directory, "dstack-verifier-measurer",
	    FRAME_MEASURER, FRAME_SUPERVISOR, why))
		return false;
	m->status = EXIT_USAGE;
	if (!file_read(&m->config, m->arena, m->options->vm_config, CONFIG_FILE_MAX, why))
		return reject_as(why, "%s", m->options->vm_config);
	return true;
}

static bool
print(const struct registers_message *registers, struct reason *why)
{
	bool ok = fwrite(registers->json.ptr, 1, registers->json.len, stdout) ==
	    registers->json.len && fputc('\n', stdout) != EOF;

	if (fflush(stdout) != 0 || !ok)
		return reject(why, REASON_UNAVAILABLE, "cannot write the answer: %s",
		    strerror(errno));
	if (isatty(STDERR_FILENO))
		(void)fwrite(registers->text.ptr, 1, registers->text.len, stderr);
	return true;
}

static bool
measure(struct measuring *m, struct reason *why)
{
	struct registers_message registers;
	CBS in;

	return start(m, why) && files_open(m, why) &&
	    ask(m, FRAME_TYPE_SHAPE, m->config, FILES, FRAME_TYPE_REGISTERS, &in, why) &&
	    message_registers_read(&registers, &in, why) && print(&registers, why);
}

static void
end(struct measuring *m)
{
	for (size_t i = 0; i < NELEM(m->fds); i++)
		if (m->fds[i] != -1)
			(void)close(m->fds[i]);
	session_child_end(&m->measurer);
	blob_free(m->answer);
	arena_free(m->arena);
}

int
measure_command(const struct options *options)
{
	struct measuring m = { .options = options, .fds = { -1, -1, -1, -1, -1 } };
	struct reason why = { 0 };
	bool ok = measure(&m, &why);

	if (!ok)
		session_say(NULL, LOG_LEVEL_ERROR, "%s", why.text);
	end(&m);
	return ok ? EXIT_VALID : m.status;
}
