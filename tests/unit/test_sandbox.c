/*
 * What a sandboxed program tries, by the programs' own tables.  Each attempt is made by a process of
 * its own: first without a sandbox, where it has to succeed, and then in each.
 */
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/landlock.h>
#include <netinet/in.h>

#include "measurer_sandbox.h"
#include "unpack/archive.h"
#include "unpacker_sandbox.h"

#define ALLOWED         0
#define UNKNOWN         127             /* no error that an attempt has                 */
#define MIB             ((size_t)1 << 20)

/* A directory to unpack into, one beside it, and somebody who listens. */
struct place {
	char    root[32], inside[48], outside[48];
	int     fd;                     /* of inside                                    */
	int     tcp, local;
	struct sockaddr_in tcp_address;
	struct sockaddr_un local_address;
	socklen_t local_len;
};

static void
file_make(const char *directory, const char *name)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof path, "%s/%s", directory, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, "old", 3), 3);
	assert_int_equal(close(fd), 0);
}

static void
listeners_make(struct place *p)
{
	socklen_t len = sizeof p->tcp_address;

	p->tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	p->tcp_address = (struct sockaddr_in){
		.sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) },
	};
	assert_int_equal(bind(p->tcp, (struct sockaddr *)&p->tcp_address, len), 0);
	assert_int_equal(getsockname(p->tcp, (struct sockaddr *)&p->tcp_address, &len), 0);
	assert_int_equal(listen(p->tcp, 8), 0);

	/* Without a path, so that no file decides. */
	p->local = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	p->local_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	(void)snprintf(p->local_address.sun_path + 1, sizeof p->local_address.sun_path - 1, "%s",
	    p->root);
	p->local_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(p->root));
	assert_int_equal(bind(p->local, (struct sockaddr *)&p->local_address, p->local_len), 0);
	assert_int_equal(listen(p->local, 8), 0);
}

static void
place_init(struct place *p)
{
	*p = (struct place){ .root = "/tmp/test_sandbox.XXXXXX" };
	assert_non_null(mkdtemp(p->root));
	(void)snprintf(p->inside, sizeof p->inside, "%s/inside", p->root);
	(void)snprintf(p->outside, sizeof p->outside, "%s/outside", p->root);
	assert_int_equal(mkdir(p->inside, 0700), 0);
	assert_int_equal(mkdir(p->outside, 0700), 0);
	file_make(p->inside, "old");
	file_make(p->outside, "old");
	p->fd = open(p->inside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_not_equal(p->fd, -1);
	listeners_make(p);
}

static void
place_fini(struct place *p)
{
	char command[64];

	(void)close(p->fd);
	(void)close(p->tcp);
	(void)close(p->local);
	(void)snprintf(command, sizeof command, "rm -rf %s", p->root);
	assert_int_equal(system(command), 0);
}

/* Sandboxes */

static bool
no_sandbox(const struct place *p, struct reason *why)
{
	return true;
}

static bool
unpacker(const struct place *p, struct reason *why)
{
	return unpacker_sandbox(p->fd, why);
}

static bool
measurer(const struct place *p, struct reason *why)
{
	return measurer_sandbox(why);
}

/* Attempts: each gives 0, or why not */

static int
result(int ret)
{
	return ret == -1 ? errno : 0;
}

static const char *
path_of(const char *directory, const char *name)
{
	static char path[64];

	(void)snprintf(path, sizeof path, "%s/%s", directory, name);
	return path;
}

static int
make_inside(const struct place *p)
{
	return result(openat(p->fd, "new", O_WRONLY | O_CREAT | O_EXCL, 0600));
}

static int
write_inside(const struct place *p)
{
	int fd = openat(p->fd, "new", O_WRONLY | O_CREAT | O_EXCL, 0600);

	return fd == -1 ? errno : write(fd, "new", 3) == 3 ? 0 : errno;
}

static int
remove_inside(const struct place *p)
{
	return result(unlinkat(p->fd, "old", 0));
}

static int
directory_inside(const struct place *p)
{
	return result(mkdirat(p->fd, "new", 0700));
}

static int
link_inside(const struct place *p)
{
	return result(symlinkat("/etc/passwd", p->fd, "new"));
}

static int
fifo_inside(const struct place *p)
{
	return result(mkfifoat(p->fd, "new", 0600));
}

static int
execute(const struct place *p)
{
	return result(execl("/bin/true", "true", (char *)NULL));
}

static int
up_from_inside(const struct place *p)
{
	return result(openat(p->fd, "../outside/old", O_RDONLY));
}

static int
read_outside(const struct place *p)
{
	return result(open(path_of(p->outside, "old"), O_RDONLY));
}

static int
list_outside(const struct place *p)
{
	return result(open(p->outside, O_RDONLY | O_DIRECTORY));
}

static int
write_outside(const struct place *p)
{
	return result(open(path_of(p->outside, "old"), O_WRONLY));
}

static int
truncate_outside(const struct place *p)
{
	return result(truncate(path_of(p->outside, "old"), 0));
}

static int
make_outside(const struct place *p)
{
	return result(open(path_of(p->outside, "new"), O_WRONLY | O_CREAT | O_EXCL, 0600));
}

static int
remove_outside(const struct place *p)
{
	return result(unlink(path_of(p->outside, "old")));
}

static int
move_out(const struct place *p)
{
	return result(renameat(p->fd, "old", AT_FDCWD, path_of(p->outside, "new")));
}

static int
connect_tcp(const struct place *p)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd == -1 ? errno : result(connect(fd, (const struct sockaddr *)&p->tcp_address,
	    sizeof p->tcp_address));
}

static int
bind_tcp(const struct place *p)
{
	const struct sockaddr_in any = {
		.sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) },
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd == -1 ? errno : result(bind(fd, (const struct sockaddr *)&any, sizeof any));
}

static int
connect_local(const struct place *p)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	return fd == -1 ? errno : result(connect(fd, (const struct sockaddr *)&p->local_address,
	    p->local_len));
}

static int
signal_parent(const struct place *p)
{
	return result(kill(getppid(), 0));
}

static int
many_descriptors(const struct place *p)
{
	for (size_t i = 0; i < 64; i++)
		if (dup(p->fd) == -1)
			return errno;
	return 0;
}

/* A hole of a file as long as the sandbox allows, and one byte. */
static int
long_file(const struct place *p)
{
	int fd = openat(p->fd, "new", O_WRONLY | O_CREAT | O_EXCL, 0600);

	if (fd == -1)
		return errno;
	(void)signal(SIGXFSZ, SIG_IGN);
	if (pwrite(fd, "", 1, ARCHIVE_MAX_MEMBER - 1) != 1)
		return UNKNOWN;
	return pwrite(fd, "", 1, ARCHIVE_MAX_MEMBER) == 1 ? 0 : errno;
}

/* A sanitizer needs more room than there is, and has it. */
#ifndef __SANITIZE_ADDRESS__
static int
room_of(size_t len)
{
	return mmap(NULL, len, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) ==
	    MAP_FAILED ? errno : 0;
}

static int
room_for_unpacking(const struct place *p)
{
	return room_of(256 * MIB);
}

static int
room_for_measuring(const struct place *p)
{
	return room_of(1024 * MIB);
}
#endif

static const struct {
	const char *name;
	int     (*attempt)(const struct place *p);
	int     of_unpacker, of_measurer;       /* errors, or ALLOWED                   */
	int     abi;                            /* of Landlock that forbids it; 0: none */
} cases[] = {
	{ "make a file inside", make_inside, ALLOWED, EACCES, 1 },
	{ "write a file inside", write_inside, ALLOWED, EACCES, 1 },
	{ "remove a file inside", remove_inside, ALLOWED, EACCES, 1 },
	{ "make a directory inside", directory_inside, EACCES, EACCES, 1 },
	{ "make a symbolic link inside", link_inside, EACCES, EACCES, 1 },
	{ "make a fifo inside", fifo_inside, EACCES, EACCES, 1 },
	{ "execute", execute, EACCES, EACCES, 1 },
	{ "read through ..", up_from_inside, EACCES, EACCES, 1 },
	{ "read a file outside", read_outside, EACCES, EACCES, 1 },
	{ "list a directory outside", list_outside, EACCES, EACCES, 1 },
	{ "write a file outside", write_outside, EACCES, EACCES, 1 },
	{ "make a file outside", make_outside, EACCES, EACCES, 1 },
	{ "remove a file outside", remove_outside, EACCES, EACCES, 1 },
	{ "move a file out", move_out, EACCES, EACCES, 2 },
	{ "truncate a file outside", truncate_outside, EACCES, EACCES, 3 },
	{ "connect", connect_tcp, EACCES, EACCES, 4 },
	{ "bind", bind_tcp, EACCES, EACCES, 4 },
	{ "connect to a local socket", connect_local, EPERM, EPERM, 6 },
	{ "send a signal", signal_parent, EPERM, EPERM, 6 },
	{ "open many descriptors", many_descriptors, EMFILE, EMFILE, 0 },
	{ "write a long file", long_file, EFBIG, EACCES, 1 },
#ifndef __SANITIZE_ADDRESS__
	{ "room for unpacking", room_for_unpacking, ENOMEM, ALLOWED, 0 },
	{ "room for measuring", room_for_measuring, ENOMEM, ENOMEM, 0 },
#endif
};

/* What becomes of an attempt, in a process and a place of its own. */
static int
outcome(int (*attempt)(const struct place *p),
    bool (*sandbox)(const struct place *p, struct reason *why))
{
	struct reason why = { 0 };
	struct place p;
	int status;
	pid_t pid;

	place_init(&p);
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0)
		_exit(sandbox(&p, &why) ? attempt(&p) : UNKNOWN);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	place_fini(&p);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
expect(const char *name, const char *sandbox, int got, int wanted)
{
	if (got != wanted)
		fail_msg("%s, %s: %s, not %s", name, sandbox, strerror(got), strerror(wanted));
}

static void
attempts(void **state)
{
	const long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION);

	for (size_t i = 0; i < NELEM(cases); i++) {
		if (cases[i].abi > abi)
			continue;
		expect(cases[i].name, "no sandbox", outcome(cases[i].attempt, no_sandbox), ALLOWED);
		expect(cases[i].name, "unpacker", outcome(cases[i].attempt, unpacker),
		    cases[i].of_unpacker);
		expect(cases[i].name, "measurer", outcome(cases[i].attempt, measurer),
		    cases[i].of_measurer);
	}
	if (abi < 1)
		skip();
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(attempts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
