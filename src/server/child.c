#include "server/child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Bytes that may wait for a child: its configuration, and a worker's offline collateral. */
#define PENDING_MAX_LEN ((size_t)8 << 20)
#define PENDING_MAX_LEN_WORKER  ((size_t)256 << 20)

#define PATH_MAX_LEN    4096
#define EXIT_EXEC       127     /* as a shell says that there is no such program */

/* Between fork and exec: nothing here may allocate, and nothing returns. */
static void
run(const char *path, const char *program, const char *authorities, int socket, pid_t parent)
{
	char *const argv[] = { (char *)(uintptr_t)program, NULL };
	char *const environment[] = { (char *)(uintptr_t)authorities, NULL };
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	/* A child never outlives its supervisor, however that ended. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent)
		_exit(EXIT_EXEC);
	/* dup2() of a descriptor to itself would leave close-on-exec set. */
	if (socket == CHILD_SOCKET_FD && (socket = dup(socket)) == -1)
		_exit(EXIT_EXEC);
	if (dup2(socket, CHILD_SOCKET_FD) == -1 || close_range(CHILD_SOCKET_FD + 1, ~0u, 0) == -1)
		_exit(EXIT_EXEC);
	(void)execve(path, argv, environment);
	_exit(EXIT_EXEC);
}

/* "SSL_CERT_FILE=..." of our own environment: whom the fetcher believes; NULL when unset. */
static const char *
authorities_find(void)
{
	for (char **entry = environ; entry != NULL && *entry != NULL; entry++)
		if (strncmp(*entry, "SSL_CERT_FILE=", 14) == 0)
			return *entry;
	return NULL;
}

bool
child_start(struct child *out, const char *directory, const char *program, unsigned role,
    unsigned self, struct reason *why)
{
	char path[PATH_MAX_LEN];
	const char *authorities = authorities_find();
	pid_t parent = getpid();
	int ends[2];
	int n;

	*out = (struct child){ 0 };
	n = snprintf(path, sizeof path, "%s/%s", directory, program);
	if (n < 0 || (size_t)n >= sizeof path)
		return reject(why, REASON_INTERNAL, "path of %s is too long", program);
	if (access(path, X_OK) == -1)
		return reject(why, REASON_INTERNAL, "cannot run %s: %s", path, strerror(errno));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == -1)
		return reject(why, REASON_INTERNAL, "cannot make a socket pair: %s",
		    strerror(errno));
	out->pid = fork();
	if (out->pid == 0)
		run(path, program, authorities, ends[1], parent);
	(void)close(ends[1]);
	if (out->pid == -1) {
		out->pid = 0;
		(void)close(ends[0]);
		return reject(why, REASON_INTERNAL, "cannot fork: %s", strerror(errno));
	}
	out->channel = channel_new(ends[0], self, role, role == FRAME_WORKER ?
	    PENDING_MAX_LEN_WORKER : PENDING_MAX_LEN);
	if (out->channel == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	return true;
}

void
child_close(struct child *child)
{
	channel_free(child->channel);
	child->channel = NULL;
}

bool
child_send(struct child *child, enum frame_type type, bool written, CBB *cbb, int fd,
    struct reason *why)
{
	bool ok = written ? channel_send(child->channel, type, 0,
	    (struct bytes){ CBB_data(cbb), CBB_len(cbb) }, NULL, fd, why) :
	    reject(why, REASON_INTERNAL, "out of memory");

	CBB_cleanup(cbb);
	return ok;
}
