/*
 * supervisor.h - starts acceptor, fetcher and workers, and keeps them running
 *
 * The supervisor holds the listening socket and the configuration, restarts whatever dies,
 * with growing pauses, and ends everything in order on SIGTERM or SIGINT.  It sees no byte of
 * a request: a worker's socket is the supervisor's only until the child is ready, and the acceptor's
 * from then on; fetcher and acceptor have a socket of their own.  For the fetcher it starts helpers.
 */
#ifndef SERVER_SUPERVISOR_H
#define SERVER_SUPERVISOR_H

#include "server/helpers.h"

#define SUPERVISOR_MAX_WORKERS  256

/* Borrowed for the time of the call. */
struct supervisor_setup {
	const char *directory;          /* where the programs are                      */
	int     listener;               /* bound, listening; the caller's              */
	uint32_t nworkers;              /* 1 to SUPERVISOR_MAX_WORKERS                 */
	struct bytes acceptor_config;   /* CONFIG payloads                             */
	struct bytes fetcher_config;
	struct bytes worker_config;
	struct helpers_setup helpers;
	const struct bytes *pins;       /* PIN payloads, as many as the last announces */
	size_t  npins;
	int64_t drain_deadline_secs;
};

/*
 * supervisor_run - until a signal ends it
 *
 *   gives   true after a graceful end
 *   fails   INTERNAL     a program cannot be run
 *           MALFORMED    a child refuses its configuration at the first start
 *                        ("worker: ..."): a restart would not help
 */
bool    supervisor_run(const struct supervisor_setup *setup, struct reason *why) MUST_CHECK;

#endif
