#include "server/notify.h"

#include <sys/socket.h>

#include <systemd/sd-daemon.h>

void
notify_service(const char *state)
{
	(void)sd_notify(0, state);
}

int
notify_listener(void)
{
	if (sd_listen_fds(1) != 1 || sd_is_socket(SD_LISTEN_FDS_START, AF_UNSPEC, SOCK_STREAM, 1) <= 0)
		return -1;
	return SD_LISTEN_FDS_START;
}
