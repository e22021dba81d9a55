/*
 * transfer.h - GET requests that run at the same time in one thread
 *
 * The whole of libcurl's use is here.  A transfer ends well only with status 200 and the body
 * that was announced, within its limits of size and time; at most TRANSFER_MAX_REDIRECTS
 * redirects, none to another scheme; servers of https prove who they are; neither the
 * environment's proxies nor a .netrc matter.  Each has a connection of its own.
 */
#ifndef FETCH_TRANSFER_H
#define FETCH_TRANSFER_H

#include "core/bytes.h"
#include "core/reason.h"

#define TRANSFER_CONNECT_MS     10000
#define TRANSFER_TOTAL_MS       30000
#define TRANSFER_MAX_REDIRECTS  3
#define TRANSFER_MAX_HEADERS    3
#define TRANSFER_HEADERS_MAX_LEN        ((size_t)64 << 10)      /* all of one answer    */

/* Strings are copied. */
struct transfer_request {
	const char *url;
	size_t  body_max_len;
	const char *headers[TRANSFER_MAX_HEADERS];      /* names of those to keep, or NULL */
};

struct transfer_answer {
	bool    ok;                     /* status 200, complete                        */
	unsigned http_status;           /* of the last answer; 0: none came            */
	bool    unreachable;            /* no connection, no end in time: the server's trouble */
	bool    retryable;              /* trying again soon may help                  */
	int64_t retry_after_s;          /* as the server asked; 0: it did not          */
	struct reason why;              /* when not ok, without the URL                */
	struct bytes body;              /* these last until the next transfers_next()  */
	struct bytes headers[TRANSFER_MAX_HEADERS];     /* ptr NULL: absent            */
};

struct transfers;

/* ca_file: NULL for the system's authorities.  NULL when libcurl cannot be used. */
struct transfers *transfers_new(const char *ca_file);

/* Ends what runs; does not wait for a name server. */
void    transfers_free(struct transfers *transfers);
AUTO_DEFINE(struct transfers, transfers_free)

/* Begins one; `owner` comes back with the answer.  INTERNAL: out of memory. */
bool    transfer_start(struct transfers *transfers, const struct transfer_request *request,
    void *owner, struct reason *why) MUST_CHECK;

/* Waits until something moves: a transfer, fd (for writing too when asked), the time. */
void    transfers_wait(struct transfers *transfers, int fd, bool writing, int timeout_ms);

/* Moves all transfers on, never waiting. */
void    transfers_run(struct transfers *transfers);

/* The next one that has ended: its owner, or NULL. */
void   *transfers_next(struct transfers *transfers, struct transfer_answer *answer);

#endif
