#include "ipc/channel.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define COPY_MAX_LEN    8192    /* a shorter payload gets a blob of its own size        */
#define SEND_IOVECS     16      /* frames that leave in one system call, about half of it */

/* One frame that waits: its head and first part, its body, its descriptors. */
struct outgoing {
	struct outgoing *next;
	struct blob *body;
	int     fds[FRAME_MAX_FDS];     /* sent with the first byte, then closed        */
	unsigned nfds;
	size_t  sent;                   /* bytes of head and body that have left        */
	size_t  head_len;
	uint8_t head[];
};

struct channel {
	int     fd;
	unsigned self, peer;

	struct outgoing *first, **last;
	size_t  pending_len, max_pending;

	uint8_t head[FRAME_HEAD_LEN];   /* of the frame that is arriving                */
	size_t  head_len;
	bool    has_frame;
	struct frame frame;
	struct blob *payload;
	size_t  payload_len;
	int     fds[FRAME_MAX_FDS];     /* that came with it                            */
	unsigned nfds;

	struct blob *spare;             /* CHANNEL_AHEAD bytes: the next payload        */
	size_t  spare_len;              /* of them, came behind a head                  */
	uint8_t *ahead;                 /* what came behind a whole frame               */
	size_t  ahead_at, ahead_len;
	bool    drained;                /* the last call emptied the socket             */
};

struct blob *
blob_new(size_t len)
{
	struct blob *blob;
	size_t size;

	if (!size_add(&size, sizeof *blob, len))
		return NULL;
	blob = malloc(size);
	if (blob == NULL)
		return NULL;
	blob->nrefs = 1;
	blob->len = len;
	return blob;
}

bool
blob_resize(struct blob **blob, size_t len)
{
	struct blob *resized;
	size_t size;

	assert((*blob)->nrefs == 1);
	if (!size_add(&size, sizeof *resized, len))
		return false;
	resized = realloc(*blob, size);
	if (resized == NULL)
		return false;
	resized->len = len;
	*blob = resized;
	return true;
}

struct blob *
blob_ref(struct blob *blob)
{
	blob->nrefs++;
	return blob;
}

void
blob_free(struct blob *blob)
{
	if (blob != NULL && --blob->nrefs == 0)
		free(blob);
}

static void
fds_close(int *fds, unsigned *nfds)
{
	while (*nfds > 0)
		(void)close(fds[--*nfds]);
}

struct channel *
channel_new(int fd, unsigned self, unsigned peer, size_t max_pending)
{
	struct channel *channel = calloc(1, sizeof *channel);

	if (channel == NULL || fcntl(fd, F_SETFL, O_NONBLOCK) == -1 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) == -1) {
		free(channel);
		(void)close(fd);
		return NULL;
	}
	channel->fd = fd;
	channel->self = self;
	channel->peer = peer;
	channel->max_pending = max_pending;
	channel->last = &channel->first;
	return channel;
}

static void
outgoing_free(struct outgoing *out)
{
	blob_free(out->body);
	fds_close(out->fds, &out->nfds);
	free(out);
}

int
channel_release(struct channel *channel)
{
	int fd = channel->fd;

	while (channel->first != NULL) {
		struct outgoing *out = channel->first;

		channel->first = out->next;
		outgoing_free(out);
	}
	blob_free(channel->payload);
	blob_free(channel->spare);
	free(channel->ahead);
	fds_close(channel->fds, &channel->nfds);
	free(channel);
	return fd;
}

void
channel_free(struct channel *channel)
{
	if (channel != NULL)
		(void)close(channel_release(channel));
}

int
channel_fd(const struct channel *channel)
{
	return channel->fd;
}

bool
channel_pending(const struct channel *channel)
{
	return channel->first != NULL;
}

static size_t
outgoing_len(const struct outgoing *out)
{
	return out->head_len + (out->body == NULL ? 0 : out->body->len);
}

/* Duplicates, which are closed when they have left. */
static bool
fds_copy(struct outgoing *out, const int *fds, unsigned nfds)
{
	for (; out->nfds < nfds; out->nfds++) {
		out->fds[out->nfds] = fcntl(fds[out->nfds], F_DUPFD_CLOEXEC, 0);
		if (out->fds[out->nfds] == -1)
			return false;
	}
	return true;
}

/* Head and first part in one allocation, the body by reference. */
static struct outgoing *
outgoing_new(const struct frame *frame, struct bytes head, struct blob *body, const int *fds,
    struct reason *why)
{
	struct outgoing *out = malloc(sizeof *out + FRAME_HEAD_LEN + head.len);
	CBB cbb;
	size_t written;

	if (out == NULL) {
		(void)reject(why, REASON_INTERNAL, "out of memory");
		return NULL;
	}
	*out = (struct outgoing){ .sent = 0 };
	if (!CBB_init_fixed(&cbb, out->head, FRAME_HEAD_LEN) || !frame_write(&cbb, frame) ||
	    !CBB_finish(&cbb, NULL, &written)) {
		CBB_cleanup(&cbb);
		free(out);
		(void)reject(why, REASON_INTERNAL, "frame head does not fit");
		return NULL;
	}
	bytes_copy(out->head + FRAME_HEAD_LEN, head);
	out->head_len = FRAME_HEAD_LEN + head.len;
	if (!fds_copy(out, fds, frame->nfds)) {
		outgoing_free(out);
		(void)reject(why, REASON_INTERNAL, "no descriptor left to pass one on");
		return NULL;
	}
	if (body != NULL)
		out->body = blob_ref(body);
	return out;
}

static void
iovec_add(struct iovec *iov, size_t *n, const uint8_t *ptr, size_t len, size_t skip)
{
	if (skip < len)
		iov[(*n)++] = (struct iovec){ (void *)(uintptr_t)(ptr + skip), len - skip };
}

/* The bytes that still have to leave, up to the next frame with a descriptor of its own. */
static size_t
iovec_fill(struct iovec iov[SEND_IOVECS], const struct channel *channel)
{
	size_t n = 0;

	for (const struct outgoing *out = channel->first; out != NULL; out = out->next) {
		size_t skip = out->sent;

		if (n + 2 > SEND_IOVECS || (out != channel->first && out->nfds != 0))
			break;
		iovec_add(iov, &n, out->head, out->head_len, skip);
		if (out->body != NULL)
			iovec_add(iov, &n, out->body->data, out->body->len,
			    skip > out->head_len ? skip - out->head_len : 0);
	}
	return n;
}

static ssize_t
send_some(struct channel *channel)
{
	struct iovec iov[SEND_IOVECS];
	union {
		struct cmsghdr head;
		char    room[CMSG_SPACE(sizeof(int) * FRAME_MAX_FDS)];
	} control = { 0 };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = iovec_fill(iov, channel) };
	const size_t len = channel->first->nfds * sizeof(int);

	if (len != 0) {
		msg.msg_control = control.room;
		msg.msg_controllen = CMSG_SPACE(len);
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(len);
		memcpy(CMSG_DATA(&control.head), channel->first->fds, len);
	}
	return sendmsg(channel->fd, &msg, MSG_NOSIGNAL);
}

/* Notes that n more bytes have left. */
static void
sent(struct channel *channel, size_t n)
{
	channel->pending_len -= n;
	while (channel->first != NULL) {
		struct outgoing *out = channel->first;
		size_t left = outgoing_len(out) - out->sent;

		if (n > 0)
			fds_close(out->fds, &out->nfds);
		if (n < left) {
			out->sent += n;
			return;
		}
		n -= left;
		channel->first = out->next;
		if (channel->first == NULL)
			channel->last = &channel->first;
		outgoing_free(out);
	}
}

/* Writes what the socket takes; 0, or the errno of a peer that is gone. */
static int
flush(struct channel *channel)
{
	while (channel->first != NULL) {
		ssize_t n = send_some(channel);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return errno == EAGAIN ? 0 : errno;
		sent(channel, (size_t)n);
	}
	return 0;
}

bool
channel_send(struct channel *channel, enum frame_type type, uint64_t job, struct bytes head,
    struct blob *body, int fd, struct reason *why)
{
	return channel_send_fds(channel, type, job, head, body, &fd, fd != -1, why);
}

bool
channel_send_fds(struct channel *channel, enum frame_type type, uint64_t job, struct bytes head,
    struct blob *body, const int *fds, unsigned nfds, struct reason *why)
{
	struct frame frame = { .type = type, .nfds = nfds, .job = job };
	struct outgoing *out;
	size_t pending;

	assert(nfds <= FRAME_MAX_FDS);
	if (!size_add(&frame.len, head.len, body == NULL ? 0 : body->len) ||
	    frame.len > frame_max_len(type))
		return reject(why, REASON_LIMIT, "frame %s is too long", frame_name(type));
	if (!size_add(&pending, channel->pending_len, FRAME_HEAD_LEN + frame.len) ||
	    pending > channel->max_pending)
		return reject(why, REASON_LIMIT, "peer does not take its frames");
	out = outgoing_new(&frame, head, body, fds, why);
	if (out == NULL)
		return false;
	*channel->last = out;
	channel->last = &out->next;
	channel->pending_len = pending;
	/* A peer that is gone is found out by channel_receive(). */
	(void)flush(channel);
	return true;
}

bool
channel_flush(struct channel *channel, struct reason *why)
{
	int error = flush(channel);

	if (error != 0)
		return reject(why, REASON_UNAVAILABLE, "peer is gone: errno %d", error);
	return true;
}

/* Keeps as many descriptors as may come along; any other is closed. */
static bool
fds_receive(struct channel *channel, struct msghdr *msg)
{
	bool ok = (msg->msg_flags & MSG_CTRUNC) == 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (channel->nfds < FRAME_MAX_FDS) {
				channel->fds[channel->nfds++] = fd;
				continue;
			}
			(void)close(fd);
			ok = false;
		}
	}
	return ok;
}

/* One recvmsg(): what it says, 0 at the end, -1 with errno. */
static ssize_t
receive_iov(struct channel *channel, struct iovec *iov, size_t niov, bool *ok)
{
	union {
		struct cmsghdr head;
		char    room[CMSG_SPACE(sizeof(int) * FRAME_MAX_FDS)];
	} control;
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = niov };
	size_t wanted = 0;
	ssize_t n;

	for (size_t i = 0; i < niov; i++)
		wanted += iov[i].iov_len;
	msg.msg_control = control.room;
	msg.msg_controllen = sizeof control.room;
	do
		n = recvmsg(channel->fd, &msg, MSG_CMSG_CLOEXEC);
	while (n == -1 && errno == EINTR);
	if (n > 0)
		*ok = fds_receive(channel, &msg);
	/* A read ends behind a descriptor, whatever else is there. */
	channel->drained = n > 0 && (size_t)n < wanted && msg.msg_controllen == 0;
	return n;
}

/*
 * Where frames begin: a head and whatever follows it, into the blob that becomes the payload.
 * Not inside a frame, so that the next descriptor cannot arrive before its frame's turn.
 */
static ssize_t
receive_ahead(struct channel *channel, bool *ok)
{
	struct iovec iov[2];
	ssize_t n;

	if (channel->spare == NULL && (channel->spare = blob_new(CHANNEL_AHEAD)) == NULL) {
		errno = ENOMEM;
		return -1;
	}
	iov[0] = (struct iovec){ channel->head, FRAME_HEAD_LEN };
	iov[1] = (struct iovec){ channel->spare->data, CHANNEL_AHEAD };
	n = receive_iov(channel, iov, NELEM(iov), ok);
	if (n <= 0)
		return n;
	channel->head_len = (size_t)n < FRAME_HEAD_LEN ? (size_t)n : FRAME_HEAD_LEN;
	channel->spare_len = (size_t)n - channel->head_len;
	return n;
}

/* The rest of the frame that is arriving, and no more. */
static ssize_t
receive_rest(struct channel *channel, bool *ok)
{
	struct iovec iov;
	ssize_t n;

	if (channel->has_frame)
		iov = (struct iovec){ channel->payload->data + channel->payload_len,
		    channel->frame.len - channel->payload_len };
	else
		iov = (struct iovec){ channel->head + channel->head_len,
		    FRAME_HEAD_LEN - channel->head_len };
	n = receive_iov(channel, &iov, 1, ok);
	if (n <= 0)
		return n;
	if (channel->has_frame)
		channel->payload_len += (size_t)n;
	else
		channel->head_len += (size_t)n;
	return n;
}

/* Takes up to len of the bytes that came behind an earlier frame. */
static size_t
ahead_take(struct channel *channel, uint8_t *to, size_t len)
{
	if (len > channel->ahead_len)
		len = channel->ahead_len;
	bytes_copy(to, (struct bytes){ channel->ahead + channel->ahead_at, len });
	channel->ahead_at += len;
	channel->ahead_len -= len;
	return len;
}

static void
ahead_consume(struct channel *channel)
{
	if (channel->has_frame)
		channel->payload_len += ahead_take(channel,
		    channel->payload->data + channel->payload_len,
		    channel->frame.len - channel->payload_len);
	else
		channel->head_len += ahead_take(channel, channel->head + channel->head_len,
		    FRAME_HEAD_LEN - channel->head_len);
}

/* Keeps what came behind the frame whose payload the spare blob is. */
static bool
ahead_keep(struct channel *channel, struct bytes rest)
{
	if (rest.len == 0)
		return true;
	if (channel->ahead == NULL && (channel->ahead = malloc(CHANNEL_AHEAD)) == NULL)
		return false;
	bytes_copy(channel->ahead, rest);
	channel->ahead_at = 0;
	channel->ahead_len = rest.len;
	return true;
}

/* The blob for the payload: the spare one when that was read into, unless it is mostly empty. */
static bool
payload_begin(struct channel *channel)
{
	size_t len = channel->frame.len, have = channel->spare_len;
	size_t taken = have < len ? have : len;
	struct bytes rest = { NULL, 0 };

	if (have > len)
		rest = (struct bytes){ channel->spare->data + len, have - len };
	channel->spare_len = 0;
	channel->payload_len = taken;
	if (!ahead_keep(channel, rest))
		return false;
	if (taken > COPY_MAX_LEN && len <= CHANNEL_AHEAD) {
		channel->payload = TAKE(channel->spare);
		channel->payload->len = len;
		return true;
	}
	channel->payload = blob_new(len);
	if (channel->payload == NULL)
		return false;
	if (taken != 0)
		bytes_copy(channel->payload->data, (struct bytes){ channel->spare->data, taken });
	return true;
}

static bool
head_complete(struct channel *channel, struct reason *why)
{
	CBS in;

	CBS_init(&in, channel->head, FRAME_HEAD_LEN);
	if (!frame_read(&channel->frame, &in, channel->peer, channel->self, why))
		return false;
	if (!payload_begin(channel))
		return reject(why, REASON_INTERNAL, "out of memory");
	channel->has_frame = true;
	return true;
}

/* What came along is what the frame announced; for one that has none, it is the next one's. */
static bool
fds_take(struct channel *channel, int *fds, struct reason *why)
{
	const unsigned announced = channel->frame.nfds;

	if (announced == 0)
		return true;
	if (channel->nfds < announced)
		return reject(why, REASON_MALFORMED,
		    "frame %s without the descriptor it announces",
		    frame_name(channel->frame.type));
	if (channel->nfds > announced)
		return reject(why, REASON_MALFORMED, "more descriptors than announced");
	memcpy(fds, channel->fds, announced * sizeof *fds);
	channel->nfds = 0;
	return true;
}

static enum channel_event
frame_complete(struct channel *channel, struct frame *frame, struct blob **payload, int *fds,
    struct reason *why)
{
	if (!fds_take(channel, fds, why))
		return CHANNEL_BROKEN;
	*frame = channel->frame;
	*payload = TAKE(channel->payload);
	channel->has_frame = false;
	channel->head_len = 0;
	return CHANNEL_FRAME;
}

static enum channel_event
ended(const struct channel *channel, ssize_t n, struct reason *why)
{
	if (n == -1 && errno == EAGAIN)
		return CHANNEL_IDLE;
	if (n == 0 && !channel->has_frame && channel->head_len == 0)
		return CHANNEL_CLOSED;
	/* A peer that died with frames of ours unread gives this in place of the end. */
	if (n == -1 && errno == ECONNRESET && !channel->has_frame && channel->head_len == 0)
		return CHANNEL_CLOSED;
	(void)reject(why, REASON_MALFORMED, "peer ended inside a frame");
	return CHANNEL_BROKEN;
}

/* More bytes of this frame, from what was taken in before or from the socket. */
static enum channel_event
receive_some(struct channel *channel, struct reason *why)
{
	bool begins = !channel->has_frame && channel->head_len == 0, ok = true;
	ssize_t n;

	if (channel->ahead_len != 0) {
		ahead_consume(channel);
		return CHANNEL_FRAME;
	}
	if (begins && channel->nfds != 0) {
		(void)reject(why, REASON_MALFORMED, "a descriptor that no frame announced");
		return CHANNEL_BROKEN;
	}
	if (channel->drained) {
		channel->drained = false;
		return CHANNEL_IDLE;
	}
	n = begins ? receive_ahead(channel, &ok) : receive_rest(channel, &ok);
	if (n <= 0)
		return ended(channel, n, why);
	if (!ok) {
		(void)reject(why, REASON_MALFORMED, "more descriptors than announced");
		return CHANNEL_BROKEN;
	}
	return CHANNEL_FRAME;
}

enum channel_event
channel_receive(struct channel *channel, struct frame *frame, struct blob **payload, int *fd,
    struct reason *why)
{
	int fds[FRAME_MAX_FDS];
	enum channel_event event = channel_receive_fds(channel, frame, payload, fds, why);

	*fd = -1;
	if (event != CHANNEL_FRAME || frame->nfds == 0)
		return event;
	if (frame->nfds == 1) {
		*fd = fds[0];
		return event;
	}
	fds_close(fds, &frame->nfds);
	blob_free(TAKE(*payload));
	(void)reject(why, REASON_MALFORMED, "frame %s is not expected", frame_name(frame->type));
	return CHANNEL_BROKEN;
}

enum channel_event
channel_receive_fds(struct channel *channel, struct frame *frame, struct blob **payload,
    int fds[FRAME_MAX_FDS], struct reason *why)
{
	for (;;) {
		enum channel_event event;

		if (channel->has_frame && channel->payload_len == channel->frame.len)
			return frame_complete(channel, frame, payload, fds, why);
		if (!channel->has_frame && channel->head_len == FRAME_HEAD_LEN) {
			if (!head_complete(channel, why))
				return CHANNEL_BROKEN;
			continue;
		}
		event = receive_some(channel, why);
		if (event != CHANNEL_FRAME)
			return event;
	}
}

bool
channel_serve(struct channel *channel, channel_handler *handle, void *context,
    struct reason *why)
{
	struct frame frame;
	struct blob *payload;
	int fds[FRAME_MAX_FDS];
	bool ok;

	for (;;) {
		switch (channel_receive_fds(channel, &frame, &payload, fds, why)) {
		case CHANNEL_FRAME:
			ok = handle(context, &frame, blob_bytes(payload), fds, why);
			blob_free(payload);
			fds_close(fds, &frame.nfds);
			if (!ok)
				return false;
			break;
		case CHANNEL_IDLE:
			return true;
		case CHANNEL_CLOSED:
		case CHANNEL_BROKEN:
			return false;
		}
	}
}

bool
channel_wait(struct channel *channel, int timeout_ms)
{
	struct pollfd p = { .fd = channel->fd, .events = POLLIN };
	int n;

	if (channel_pending(channel))
		p.events |= POLLOUT;
	do
		n = poll(&p, 1, timeout_ms);
	while (n == -1 && errno == EINTR);
	if (n > 0 && (p.revents & POLLOUT) != 0)
		(void)flush(channel);
	return n > 0;
}
