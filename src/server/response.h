/*
 * response.h - what an answer looks like
 *
 * The head goes into room of the caller's, the body stays where it is: both leave in one write.
 */
#ifndef SERVER_RESPONSE_H
#define SERVER_RESPONSE_H

#include "ipc/channel.h"

#define RESPONSE_HEAD_SIZE      384

struct response {
	unsigned status;
	unsigned retry_after_secs;      /* 0: no such header                            */
	const char *allow;              /* 405: the methods there are; else NULL        */
	struct bytes body;
	struct blob *owner;             /* what the body lies in, one reference; NULL: constant */
};

/* Drops the body. */
void    response_fini(struct response *response);

/* "Bad Request" for 400, ... of the statuses there are. */
const char *response_reason(unsigned status);

/*
 * response_error - the error body in the shape of the Rust program's framework
 *
 *   detail  one member more: what is wrong, in a sentence
 *   gives   false when memory is out; *out is then empty
 */
bool    response_error(struct response *out, unsigned status, struct bytes detail) MUST_CHECK;

/* GET /health */
void    response_health(struct response *out);

enum response_connection {
	RESPONSE_KEEP = 0,
	RESPONSE_KEEP_HTTP10,   /* has to be said to a client of HTTP/1.0               */
	RESPONSE_CLOSE,
};

/*
 * response_head - status line and headers, with the empty line
 *
 *   date    seconds since 1970
 *   gives   how many bytes were written
 */
size_t  response_head(char to[RESPONSE_HEAD_SIZE], const struct response *response,
    enum response_connection connection, int64_t date);

#endif
