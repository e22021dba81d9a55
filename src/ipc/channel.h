/*
 * channel.h - frames over one non-blocking socket
 *
 * A channel never waits.  Its owner polls the descriptor, with whatever loop it has, for
 * reading always and for writing while channel_pending(), and calls channel_receive() and
 * channel_flush().  Memory is bounded on both sides: a payload is received only up to its
 * type's limit, and channel_send() refuses once `max_pending` bytes wait.
 *
 * System calls are what a small frame costs, so one call takes in as much as there is, up to
 * CHANNEL_AHEAD bytes past a head, straight to where the payload stays; and when it gave less than
 * it could have, the socket is known to be empty and not asked again.  For polling that is
 * triggered by level, not by edge.
 */
#ifndef IPC_CHANNEL_H
#define IPC_CHANNEL_H

#include "ipc/frame.h"

/* Bytes with counted references: a request's body goes to a worker without being copied. */
struct blob {
	size_t  nrefs;
	size_t  len;
	uint8_t data[];
};

/* len bytes, not cleared, one reference; NULL when memory is out. */
struct blob *blob_new(size_t len);
/* Another length, for a blob with one reference; false, *blob as it was, when memory is out. */
bool    blob_resize(struct blob **blob, size_t len) MUST_CHECK;
struct blob *blob_ref(struct blob *blob);
void    blob_free(struct blob *blob);   /* drops one reference; NULL is fine            */
AUTO_DEFINE(struct blob, blob_free)

static inline struct bytes
blob_bytes(const struct blob *blob)
{
	return (struct bytes){ blob->data, blob->len };
}

#define CHANNEL_AHEAD   ((size_t)32 << 10)

struct channel;

/*
 * channel_new - take over a socket
 *
 *   fd          AF_UNIX stream, owned by the channel from now on; made non-blocking and
 *               close-on-exec
 *   self, peer  FRAME_* bits of the two ends
 *   max_pending most bytes that wait to be sent
 *   gives       NULL when memory is out; fd is then closed
 */
struct channel *channel_new(int fd, unsigned self, unsigned peer, size_t max_pending);

/* Closes the socket, drops what waits. */
void    channel_free(struct channel *channel);
AUTO_DEFINE(struct channel, channel_free)

int     channel_fd(const struct channel *channel);

/* Gives the socket away and frees the channel.  The peer must not have sent anything that was
 * not received: it may have been taken in already, and is lost. */
int     channel_release(struct channel *channel);

/*
 * channel_send - queue one frame
 *
 *   head    first part of the payload, copied
 *   body    second part, a reference is taken; NULL for none
 *   fd      descriptor to pass, -1 for none; it stays the caller's (a duplicate is sent)
 *   fails   LIMIT        max_pending would be passed; INTERNAL no memory, no descriptor
 *   effect  tries to write at once: an idle peer gets a frame in one system call
 */
bool    channel_send(struct channel *channel, enum frame_type type, uint64_t job,
    struct bytes head, struct blob *body, int fd, struct reason *why) MUST_CHECK;

/* The same with as many descriptors as the type has. */
bool    channel_send_fds(struct channel *channel, enum frame_type type, uint64_t job,
    struct bytes head, struct blob *body, const int *fds, unsigned nfds,
    struct reason *why) MUST_CHECK;

/* Whether bytes wait to be sent. */
bool    channel_pending(const struct channel *channel);

/* Writes what the socket takes: false when the peer is gone, with a reason. */
bool    channel_flush(struct channel *channel, struct reason *why) MUST_CHECK;

enum channel_event {
	CHANNEL_FRAME,          /* *frame, *payload and *fd are filled                  */
	CHANNEL_IDLE,           /* nothing more for now                                 */
	CHANNEL_CLOSED,         /* the peer is gone, at the end of a frame              */
	CHANNEL_BROKEN,         /* the peer makes no sense, or died inside a frame: `why` */
};

/*
 * channel_receive - the next frame, when it is complete
 *
 *   payload one reference, the caller's; never NULL with CHANNEL_FRAME (len may be 0)
 *   fd      the descriptor that came along, the caller's; else -1.  More than one breaks the peer
 *   effect  call it until it gives something else than CHANNEL_FRAME
 */
enum channel_event channel_receive(struct channel *channel, struct frame *frame,
    struct blob **payload, int *fd, struct reason *why) MUST_CHECK;

/* The same for a peer that may send several: frame->nfds of them, the caller's. */
enum channel_event channel_receive_fds(struct channel *channel, struct frame *frame,
    struct blob **payload, int fds[FRAME_MAX_FDS], struct reason *why) MUST_CHECK;

/* What a program does with one frame; the descriptors are closed after it. */
typedef bool channel_handler(void *context, const struct frame *frame, struct bytes payload,
    const int fds[FRAME_MAX_FDS], struct reason *why);

/*
 * channel_serve - hands every frame that is there to the handler
 *
 *   gives   true: nothing more for now.  False: the peer is gone, and `why` is untouched; or a
 *           frame makes no sense, here or to the handler
 */
bool    channel_serve(struct channel *channel, channel_handler *handle, void *context,
    struct reason *why) MUST_CHECK;

/*
 * channel_wait - block until the channel can be read (or written, while something waits)
 *
 *   timeout_ms  -1: for ever
 *   gives       false on a timeout.  For programs with nothing else to do.
 */
bool    channel_wait(struct channel *channel, int timeout_ms) MUST_CHECK;

#endif
