/*
 * child.h - one of our programs, started with a socket and nothing else
 *
 * Each program is an executable of its own under libexec, started by fork and exec, so that
 * address spaces share no layout.  A child finds its socket as descriptor 3 and standard
 * error for its log; it inherits no other descriptor, and of the environment SSL_CERT_FILE alone.
 */
#ifndef SERVER_CHILD_H
#define SERVER_CHILD_H

#include <sys/types.h>

#include "ipc/channel.h"

#define CHILD_SOCKET_FD         3

struct child {
	pid_t   pid;                    /* 0: not running                              */
	struct channel *channel;        /* ours; NULL once it was given away           */
};

/*
 * child_start - run a program
 *
 *   directory       where the programs are
 *   program         "dstack-verifier-worker", ...
 *   role            FRAME_* bit of the program
 *   self            FRAME_* bits this process speaks for
 *   fails           INTERNAL; the text is for the operator and may hold a path
 */
bool    child_start(struct child *out, const char *directory, const char *program, unsigned role,
    unsigned self, struct reason *why) MUST_CHECK;

/* Closes our end; a child that lives exits by itself when it sees that. */
void    child_close(struct child *child);

/* Sends what a _write appended to `cbb` as one frame, and ends the CBB. */
bool    child_send(struct child *child, enum frame_type type, bool written, CBB *cbb, int fd,
    struct reason *why) MUST_CHECK;

#endif
