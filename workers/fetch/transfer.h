/*
 * transfer.h - GET requests that run at the same time in one thread
 *
 * The whole of libcurl's use is here.  A transfer ends well only with status 200 and the body
 * that was announced, within its limits of size and time; at most TRANSFER_MAX_REDIRECTS
 * redirects, none to another scheme; servers of https prove who they are; neither the
 * environment's proxies nor a .netrc matter.  Each has a connection of its own.
 *
 * A transfer with a sink is a stream: its body goes there piece by piece and is not kept, as the
 * server has it, whatever it says the coding is.  A stream can be held up and can go on where
 * another one broke off; it follows no redirect but says where it leads, and has no limit of
 * time but TRANSFER_STALL_S: its owner has the clock.
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
#define TRANSFER_IF_RANGE_MAX_LEN       256
#define TRANSFER_PIECE_MAX_LEN  16384   /* of a stream                                  */
#define TRANSFER_STALL_BYTES    1024    /* fewer than that in each second, for so long: */
#define TRANSFER_STALL_S        30      /* a stream has broken, unless it is held up    */
#define TRANSFER_MAX_WAITS      8

/* What a stream's answer says before its body. */
struct transfer_head {
	uint64_t from;                  /* of the whole: what the first byte's offset is */
	uint64_t total_len;             /* of the whole; 0: it does not say             */
	struct bytes headers[TRANSFER_MAX_HEADERS];     /* ptr NULL: absent             */
};

enum transfer_taken {
	TRANSFER_TAKEN,
	TRANSFER_HELD,                  /* not now: again after transfer_resume()       */
	TRANSFER_ABORTED,               /* nor any more                                 */
};

/* Where a stream goes.  What is called here must neither cancel nor start a transfer. */
struct transfer_sink {
	/* Before the first byte, when there is something to take; false: it is not wanted. */
	bool    (*head)(void *context, const struct transfer_head *head, struct reason *why);
	/* At most TRANSFER_PIECE_MAX_LEN bytes: all of them, or none. */
	enum transfer_taken (*take)(void *context, struct bytes piece);
	void    *context;
};

/* Strings are copied. */
struct transfer_request {
	const char *url;
	size_t  body_max_len;           /* of the whole, also when part of it was had   */
	const char *headers[TRANSFER_MAX_HEADERS];      /* names of those to keep, or NULL */
	const struct transfer_sink *sink;       /* copied too; NULL: the body is kept   */
	uint64_t range_from;            /* streams: bytes that were had of ...          */
	const char *if_range;           /* ... what this strong ETag or date names:     */
	                                /* TRANSFER_IF_RANGE_MAX_LEN                    */
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
	bool    stream;                 /* there was a sink, which has had body and headers */
	const char *location;           /* streams: where a redirect leads; else NULL  */
};

/* A descriptor that is waited for as well; fd -1 is none. */
struct transfer_wait {
	int     fd;
	bool    reading, writing;
};

struct transfer;
struct transfers;

/* ca_file: NULL for the system's authorities.  NULL when libcurl cannot be used. */
struct transfers *transfers_new(const char *ca_file);

/* Ends what runs; does not wait for a name server. */
void    transfers_free(struct transfers *transfers);
AUTO_DEFINE(struct transfers, transfers_free)

/*
 * transfer_start - begins one
 *
 *   out     the transfer, until its answer is there; NULL when that is of no use
 *   owner   comes back with the answer
 *   fails   INTERNAL     out of memory
 */
bool    transfer_start(struct transfers *transfers, struct transfer **out,
    const struct transfer_request *request, void *owner, struct reason *why) MUST_CHECK;

/* Lets a stream go on that its sink held up; the sink may be called at once. */
void    transfer_resume(struct transfer *transfer);

/* Ends one that nobody wants any more: no answer comes. */
void    transfer_cancel(struct transfers *transfers, struct transfer *transfer);

/* Waits until something moves: a transfer, one of at most TRANSFER_MAX_WAITS others, the time. */
void    transfers_wait(struct transfers *transfers, const struct transfer_wait *waits, size_t n,
    int timeout_ms);

/* Moves all transfers on, never waiting. */
void    transfers_run(struct transfers *transfers);

/* The next one that has ended: its owner, or NULL. */
void   *transfers_next(struct transfers *transfers, struct transfer_answer *answer);

/*
 * transfer_redirect_check - whether a stream may be had from where it was redirected to
 *
 *   fails   REFUSED      another host, https left, neither http nor https.  The port is free:
 *                        whoever has the host can reach all of them anyway
 */
bool    transfer_redirect_check(const char *from, const char *to, struct reason *why) MUST_CHECK;

#endif
