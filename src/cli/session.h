/*
 * session.h - one question, judged as the server judges it
 *
 * The one-shot commands start a worker, and a fetcher when a fact is missing, and speak the
 * acceptor's and the supervisor's part with them themselves: the same programs, the same frames,
 * no port.
 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "cli/config.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "ipc/message.h"
#include "server/child.h"
#include "server/helpers.h"

#define EXIT_VALID      0
#define EXIT_INVALID    1
#define EXIT_USAGE      2

/*
 * Most bytes of a request or quote that are read.  The frame to the worker has 17 MiB, and no
 * request that the server takes is larger.
 */
#define SESSION_INPUT_MAX       16777216

struct session {
	const struct options *options;
	const struct config *config;
	struct arena *arena;            /* files, configuration                        */
	const char *directory;          /* of our programs                             */
	struct child worker;
	struct child fetcher;           /* started when something is to be fetched     */
	bool    fetcher_deaf;           /* it does not take what helpers say           */
	struct event_base *base;        /* over which its helpers run                  */
	struct helpers_setup helpers_setup;
	struct helpers *helpers;
	struct progress progress;       /* of a download, on a terminal                */
	struct blob *payload;           /* of the last verdict                         */
};

/* A verdict; spans live until the next call with the session. */
struct session_answer {
	struct verdict_head head;
	struct bytes text;              /* the response object, or what is wrong       */
};

/*
 * session_open - a worker that is ready, unless it is about images
 *
 *   config  borrowed; must outlive the session
 *   status  the exit status when it fails
 *   fails   any kind; for the operator
 */
bool    session_open(struct session *out, int *status, const struct options *options,
    const struct config *config, struct reason *why) MUST_CHECK;

/* The next frame of a child; fails when it is gone, makes no sense or takes too long. */
bool    session_frame(struct child *child, struct frame *frame, struct blob **payload,
    int64_t timeout_ms, struct reason *why) MUST_CHECK;

/* Ends a program and waits for it. */
void    session_child_end(struct child *child);

/* Ends the programs and waits for them. */
void    session_close(struct session *session);

/*
 * session_judge - ask until there is an answer
 *
 *   What is missing is fetched; what cannot be had is told to the worker, whose answer says so.
 *
 *   fails   INTERNAL     a program died or made no sense, or there is no memory
 */
bool    session_judge(struct session *session, struct session_answer *answer, enum job_kind kind,
    struct bytes body, struct reason *why) MUST_CHECK;

/*
 * session_images - ask the fetcher about the images that are kept
 *
 *   done    spans live until the session is closed
 *   fails   INTERNAL     a program died or made no sense, or there is no memory
 */
bool    session_images(struct session *session, struct images_done_message *done,
    struct reason *why) MUST_CHECK;

/*
 * session_print - an answer as one line on standard output, and its summary on a terminal
 *
 *   gives   the exit status
 */
int     session_print(const struct session *session, const struct session_answer *answer);

/* One line to stderr, "dstack-verifier: ...", unless the log level hides it. */
void    session_say(const struct config *config, enum log_level level, const char *format, ...)
    PRINTF(3, 4);

#endif
