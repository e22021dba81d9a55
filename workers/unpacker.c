/*
 * unpacker.c - the archive of one image, unpacked into one directory
 *
 * An unpacker is given what to read, where to write and the hash that the image should have, and
 * answers once.  It has libarchive in it, so it may write beneath that directory and do nothing
 * else, and is thrown away.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "ipc/channel.h"
#include "ipc/log.h"
#include "ipc/message.h"
#include "unpack/archive.h"
#include "unpacker_sandbox.h"

#define PROGRAM         "unpacker"
#define SOCKET_FD       3               /* where every child finds its socket           */
#define PENDING_MAX_LEN ((size_t)64 << 10)

struct unpacker {
	struct channel *channel;
	bool    used;
};

/* Whether the archive itself is at fault, and would be the next time. */
static bool
is_refusal(enum reason_kind kind)
{
	return kind == REASON_MALFORMED || kind == REASON_REFUSED || kind == REASON_LIMIT ||
	    kind == REASON_UNSUPPORTED;
}

static bool
unpacked_send(struct unpacker *u, const struct unpacked_message *unpacked, struct reason *why)
{
	CBB cbb;
	bool ok;

	if (!CBB_init(&cbb, 1024))
		return reject(why, REASON_INTERNAL, "out of memory");
	ok = message_unpacked_write(&cbb, unpacked) ?
	    channel_send(u->channel, FRAME_TYPE_UNPACKED, 0,
	    (struct bytes){ CBB_data(&cbb), CBB_len(&cbb) }, NULL, -1, why) :
	    reject(why, REASON_INTERNAL, "out of memory");
	CBB_cleanup(&cbb);
	return ok;
}

static bool
unpack(struct unpacker *u, struct bytes payload, const int *fds, struct reason *why)
{
	struct unpacked_message unpacked = { .ok = false };
	struct digest256 hash;
	struct reason found = { 0 };

	if (u->used || payload.len != sizeof hash.data)
		return reject(why, REASON_MALFORMED, "UNPACK message is malformed");
	u->used = true;
	bytes_copy(hash.data, payload);
	if (!unpacker_sandbox(fds[1], why))
		return false;
	unpacked.ok = archive_unpack(&unpacked.nbytes, fds[0], fds[1], &hash, &found);
	if (!unpacked.ok)
		unpacked = (struct unpacked_message){ .refused = is_refusal(found.kind),
		    .reason = bytes_str(found.text) };
	return unpacked_send(u, &unpacked, why);
}

static bool
dispatch(void *context, const struct frame *frame, struct bytes payload,
    const int fds[FRAME_MAX_FDS], struct reason *why)
{
	if (frame->type != FRAME_TYPE_UNPACK)
		return reject(why, REASON_MALFORMED, "unexpected %s", frame_name(frame->type));
	return unpack(context, payload, fds, why);
}

int
main(void)
{
	struct unpacker u = { .channel = NULL };
	struct reason why = { 0 };

	/* A file that becomes too long is an error of write() like any other. */
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)umask(077);
	u.channel = channel_new(SOCKET_FD, FRAME_UNPACKER, FRAME_SUPERVISOR, PENDING_MAX_LEN);
	if (u.channel == NULL) {
		log_line(LOG_ERR, PROGRAM, "error=\"no socket on descriptor %d\"", SOCKET_FD);
		return EXIT_FAILURE;
	}
	while (channel_serve(u.channel, dispatch, &u, &why))
		(void)!channel_wait(u.channel, -1);
	channel_free(u.channel);
	if (why.kind == REASON_NONE)
		return EXIT_SUCCESS;
	log_line(LOG_ERR, PROGRAM, "error=\"%s\"", why.text);
	return EXIT_FAILURE;
}
