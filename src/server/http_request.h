/*
 * http_request.h - one request off a connection
 *
 * llhttp parses, in its strict mode; here are what our rules forbid on top, the limits, and the
 * body, which is put together in the blob that goes to a worker.  No socket and no clock: bytes
 * are fed in, and what became of them comes out.
 */
#ifndef SERVER_HTTP_REQUEST_H
#define SERVER_HTTP_REQUEST_H

#include <llhttp.h>

#include "ipc/channel.h"

#define HTTP_HEAD_MAX_LEN       ((size_t)16 << 10)
#define HTTP_HEAD_MAX_LINES     100     /* header lines; of a trailer as many more      */
#define HTTP_PATH_MAX_LEN       64      /* longer than any path that we have            */
#define HTTP_FIELD_MAX_LEN      24      /* longer than any header name that we read     */
#define HTTP_VALUE_MAX_LEN      24

enum http_event {
	HTTP_EVENT_MORE,        /* all was taken, the request goes on                   */
	HTTP_EVENT_HEAD,        /* the head is complete: look, then feed on             */
	HTTP_EVENT_COMPLETE,    /* the whole request is there                           */
	HTTP_EVENT_ERROR,       /* `status` and `detail` say what is wrong; no way on   */
};

enum http_target {
	HTTP_TARGET_OTHER = 0,
	HTTP_TARGET_VERIFY,     /* /verify                                              */
	HTTP_TARGET_HEALTH,     /* /health                                              */
};

struct http_request {
	llhttp_t parser;
	size_t  max_body_len;

	bool    begun;          /* at least one byte was fed                            */
	bool    head_complete;
	size_t  head_len;
	bool    head_scanned;   /* our own look at the head: up to its empty line       */
	bool    line_begun;     /* the line being looked at is not empty                */
	bool    line_follows;   /* it is not the first                                  */
	char    last;           /* character looked at                                  */
	unsigned nlines;        /* header lines; after the head, of the trailer         */

	char    path[HTTP_PATH_MAX_LEN];        /* without query; not NUL-terminated    */
	size_t  path_len;       /* HTTP_PATH_MAX_LEN: may be longer                     */
	bool    path_ended;
	char    field[HTTP_FIELD_MAX_LEN];      /* name of the header being read        */
	size_t  field_len;
	bool    field_complete;
	char    value[HTTP_VALUE_MAX_LEN];      /* its value, when it is one we read    */
	size_t  value_len;

	enum http_target target;
	bool    keep_alive;
	bool    http10;
	bool    expects_continue;
	bool    coded;          /* there is a Transfer-Encoding                         */
	bool    coding_unknown; /* and it is not just "chunked"                         */

	struct blob *body;      /* one reference, the request's; NULL before it begins  */
	size_t  body_len;       /* bytes of it that are there                           */
	size_t  raw_len;        /* bytes fed since the head                             */

	unsigned status;        /* with HTTP_EVENT_ERROR: 400, 413, 431, 500, 501             */
	const char *detail;
};

/* Ready for a first request; max_body_len as in the configuration. */
void    http_request_init(struct http_request *request, size_t max_body_len);

/* Ready for the next one: drops the body, unless it was taken. */
void    http_request_reset(struct http_request *request);

/*
 * http_request_feed - bytes of the connection
 *
 *   taken   how many of them belong to this request; all, with HTTP_EVENT_MORE
 */
enum http_event http_request_feed(struct http_request *request, struct bytes in, size_t *taken);

/*
 * http_request_room - where the next bytes of the body may be received, to spare a copy
 *
 *   gives   their number; 0: nowhere, or not worth it.  What was received there is fed then.
 */
size_t  http_request_room(struct http_request *request, uint8_t **to);

/* Whether a body follows the head: only then are there bytes left unread. */
bool    http_request_has_body(const struct http_request *request);

/*
 * http_request_route - what a complete head asks for
 *
 *   strict  405 in place of 404 for the wrong method
 *   allow   with 405: the methods there are
 *   gives   0: POST /verify, go on with the body; else the status to answer with, 200 being
 *           /health (with or without a body of ours: http_request_is_head())
 */
unsigned http_request_route(const struct http_request *request, bool strict, const char **allow);

bool    http_request_is_head(const struct http_request *request);

/* Takes the body of a complete request, cut to its length; NULL when memory is out. */
struct blob *http_request_take_body(struct http_request *request);

#endif
