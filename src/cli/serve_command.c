#include "cli/serve_command.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/setup.h"
#include "core/timestamp.h"
#include "ipc/log.h"
#include "server/notify.h"
#include "server/supervisor.h"

#define BACKLOG         4096
#define ARENA_MAX       ((size_t)1 << 30)       /* every file of --collateral, four times */

static bool
bind_to(int *out, const struct addrinfo *at, const struct config *config, struct reason *why)
{
	int fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;

	if (fd == -1)
		return reject(why, REASON_INTERNAL, "cannot make a socket: %s", strerror(errno));
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1 ||
	    bind(fd, at->ai_addr, at->ai_addrlen) == -1 || listen(fd, BACKLOG) == -1) {
		(void)reject(why, REASON_INTERNAL, "cannot listen on %s port %lld: %s",
		    config->address, (long long)config->port, strerror(errno));
		(void)close(fd);
		return false;
	}
	*out = fd;
	return true;
}

/* The configured address, or the socket that the service manager opened. */
static bool
listener_open(int *out, const struct config *config, struct reason *why)
{
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *at;
	char port[8];
	bool ok;

	*out = notify_listener();
	if (*out != -1) {
		/* Whoever wonders why address and port have no effect finds this. */
		log_line(LOG_INFO, "supervisor", "listener=inherited");
		return true;
	}
	(void)snprintf(port, sizeof port, "%lld", (long long)config->port);
	if (getaddrinfo(config->address, port, &hints, &at) != 0)
		return reject(why, REASON_MALFORMED, "invalid verifier address: %s",
		    config->address);
	ok = bind_to(out, at, config, why);
	freeaddrinfo(at);
	return ok;
}

static void
level_set(const struct config *config)
{
	static const int priorities[] = {
		[LOG_LEVEL_ERROR] = LOG_ERR,
		[LOG_LEVEL_WARN] = LOG_WARNING,
		[LOG_LEVEL_INFO] = LOG_INFO,
		[LOG_LEVEL_DEBUG] = LOG_DEBUG,
	};

	log_level_set(priorities[config->log_level]);
}

/* Verdicts at another time than now must not be taken for current ones. */
static void
pinned_say(const struct options *options)
{
	char at[TIMESTAMP_SIZE] = "";

	if (options->has_at && options->at <= TIMESTAMP_MAX)
		timestamp_text(at, options->at);
	if (options->has_at)
		log_line(LOG_WARNING, "supervisor", "pinned_at=%s note=\"every verdict is as of "
		    "this time\"", at);
	if (options->ncollateral != 0)
		log_line(LOG_WARNING, "supervisor", "pinned_collateral=%zu", options->ncollateral);
}

static bool
run(struct supervisor_setup *setup, struct arena *arena, const struct options *options,
    const struct config *config, struct reason *why)
{
	struct bytes pins[OPTIONS_COLLATERAL_MAX];

	setup->nworkers = (uint32_t)config->workers;
	setup->pins = pins;
	setup->npins = options->ncollateral;
	setup->drain_deadline_secs = config->drain_deadline_secs;
	setup->directory = setup_directory(arena, why);
	if (setup->directory == NULL)
		return false;
	setup_helpers(&setup->helpers, setup->directory, config);
	if (!setup_collateral(pins, arena, options, why) ||
	    !setup_acceptor(&setup->acceptor_config, arena, config, why) ||
	    !setup_fetcher(&setup->fetcher_config, arena, config, options, &setup->helpers.keys,
	    false, why) ||
	    !setup_worker(&setup->worker_config, arena, config, options, &setup->helpers.keys, why))
		return false;
	pinned_say(options);
	return supervisor_run(setup, why);
}

bool
serve_command(const struct options *options, const struct config *config, struct reason *why)
{
	AUTO(arena_free) struct arena *arena = arena_new(ARENA_MAX);
	struct supervisor_setup setup = { 0 };
	bool ok;

	if (arena == NULL)
		return reject(why, REASON_INTERNAL, "no memory");
	level_set(config);
	if (!listener_open(&setup.listener, config, why))
		return false;
	ok = run(&setup, arena, options, config, why);
	helpers_keys_wipe(&setup.helpers.keys);
	(void)close(setup.listener);
	return ok;
}
