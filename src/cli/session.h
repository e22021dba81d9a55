/*
 * session.h - what every one-shot command needs: a context with the operator's policy, trust
 * anchor and collateral, and the time to judge at
 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "cli/config.h"
#include "cli/options.h"
#include "dstack-verifier/verify.h"

#define EXIT_VALID      0
#define EXIT_INVALID    1
#define EXIT_USAGE      2

/* A file of collateral has about 20 KiB; CRLs may grow. */
#define SESSION_COLLATERAL_MAX  4194304

/*
 * Most bytes of a request or quote that are read.  An attestation may have 10 MiB, which is
 * 20 MiB of hex; the library has its own limits.
 */
#define SESSION_INPUT_MAX       33554432

struct session {
	const struct options *options;
	struct config *config;
	struct arena *arena;            /* files                                   */
	struct dv_context *context;
	int64_t now;
	bool    clock_wrong;            /* before the release date, and not pinned */
};

/*
 * session_open - make everything ready
 *
 *   config  borrowed; must outlive the session
 *   clock   the system's, seconds since 1970 UTC; --at takes its place
 *   status  the exit status when it fails
 *   fails   any kind; for the operator
 */
bool    session_open(struct session *out, int *status, const struct options *options,
    struct config *config, int64_t clock, struct reason *why) MUST_CHECK;
void    session_close(struct session *session);

/* One line to stderr, "dstack-verifier: ...", unless the log level hides it. */
void    session_say(const struct config *config, enum log_level level, const char *format, ...)
    PRINTF(3, 4);

/* dv_verify() or dv_quote(). */
typedef bool session_verify(struct dv_context *context, struct dv_answer *answer,
    const struct dv_request *request);

/*
 * session_judge - ask until there is an answer
 *
 *   What is missing is told on stderr and noted as not reachable, since nothing fetches yet.
 *
 *   gives   false only when memory is out
 */
bool    session_judge(struct session *session, struct dv_answer *answer, struct bytes body,
    session_verify *verify) MUST_CHECK;

/*
 * session_print - an answer as one line on standard output, and its summary on a terminal
 *
 *   gives   the exit status
 */
int     session_print(const struct session *session, const struct dv_answer *answer);

#endif
