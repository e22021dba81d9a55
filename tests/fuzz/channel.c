/*
 * What a peer sends, through a socket.  The first two bytes are who sends and who receives, the
 * third is how many bytes arrive at a time.
 */
#include "ipc/channel.h"

#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"

#define SENT_MAX        ((size_t)64 << 10)      /* fits the socket's buffer */

/* Takes in what there is; false when nothing more can come. */
static bool
receive(struct channel *channel, size_t *received)
{
	struct reason why = { 0 };
	struct frame frame;
	struct blob *payload;
	int fd;

	for (;;)
		switch (channel_receive(channel, &frame, &payload, &fd, &why)) {
		case CHANNEL_FRAME:
			fuzz_must(payload != NULL && payload->len == frame.len && fd == -1,
			    "a frame without its payload, or with a descriptor");
			*received += FRAME_HEAD_LEN + frame.len;
			blob_free(payload);
			break;
		case CHANNEL_IDLE:
			return true;
		case CHANNEL_CLOSED:
			return false;
		case CHANNEL_BROKEN:
			(void)fuzz_sense(false, &why);
			return false;
		}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = { data, len };
	const unsigned from = fuzz_choice(&in), to = fuzz_choice(&in);
	const size_t piece = 1 + ((size_t)fuzz_choice(&in) << 4);
	AUTO(channel_free) struct channel *channel = NULL;
	size_t received = 0, sent = 0, n;
	bool alive = true;
	int fds[2];

	if (in.len > SENT_MAX || in.len / piece > 64)
		return 0;
	fuzz_must(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0, "no socket");
	channel = channel_new(fds[0], to, from, 4096);
	fuzz_must(channel != NULL, "out of memory");
	while (alive && sent < in.len) {
		n = in.len - sent < piece ? in.len - sent : piece;
		fuzz_must(write(fds[1], in.ptr + sent, n) == (ssize_t)n, "a short write");
		sent += n;
		alive = receive(channel, &received);
	}
	(void)close(fds[1]);
	fuzz_must(!alive || !receive(channel, &received), "waits for a peer that is gone");
	fuzz_must(received <= sent, "more than was sent");
	return 0;
}
