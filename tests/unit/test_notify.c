/*
 * test_notify.c - the listening socket that a service manager passes
 */
#include "testing.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/notify.h"

#define FIRST_FD        3       /* where sd_listen_fds(3) puts them */

static void
notify_listener_takes_one_that_listens(void **state)
{
	static const struct {
		const char *name, *count;
		int     family, type;
		bool    listens;
		int     wanted;
	} cases[] = {
		{ "none", NULL, AF_INET, SOCK_STREAM, true, -1 },
		{ "IPv4", "1", AF_INET, SOCK_STREAM, true, FIRST_FD },
		{ "IPv6", "1", AF_INET6, SOCK_STREAM, true, FIRST_FD },
		{ "two", "2", AF_INET, SOCK_STREAM, true, -1 },
		{ "a connection's", "1", AF_INET, SOCK_STREAM, false, -1 },
		{ "datagrams", "1", AF_INET, SOCK_DGRAM, false, -1 },
	};
	char pid[16];

	(void)snprintf(pid, sizeof pid, "%d", (int)getpid());
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int fd = socket(cases[i].family, cases[i].type, 0);

		if (fd == -1)
			continue;       /* no IPv6 here */
		assert_int_equal(dup2(fd, FIRST_FD), FIRST_FD);
		assert_int_equal(dup2(fd, FIRST_FD + 1), FIRST_FD + 1);
		if (cases[i].listens)
			assert_int_equal(listen(fd, 1), 0);
		(void)unsetenv("LISTEN_FDS");
		if (cases[i].count != NULL) {
			assert_int_equal(setenv("LISTEN_PID", pid, 1), 0);
			assert_int_equal(setenv("LISTEN_FDS", cases[i].count, 1), 0);
		}
		if (notify_listener() != cases[i].wanted)
			fail_msg("%s", cases[i].name);
		(void)close(fd);
		(void)close(FIRST_FD);
		(void)close(FIRST_FD + 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(notify_listener_takes_one_that_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
