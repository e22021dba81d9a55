#include "server/http_request.h"

#include <strings.h>

#define BODY_FIRST_LEN  ((size_t)64 << 10)      /* allocated before more has arrived            */
#define DIRECT_MIN_LEN  ((size_t)4 << 10)       /* a rest of the body worth a read of its own   */

/* Chunks of one byte with nothing else take six; beyond this many it is no body but an attack. */
#define FRAMING_FACTOR  8

static struct http_request *
request_of(llhttp_t *parser)
{
	return parser->data;
}

static int
fail(struct http_request *r, unsigned status, const char *detail)
{
	r->status = status;
	r->detail = detail;
	return HPE_USER;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Appends what fits; the length goes up to `max` and says no more then. */
static void
collect(char *to, size_t *to_len, size_t max, const char *at, size_t len)
{
	for (size_t i = 0; i < len && *to_len < max; i++)
		to[(*to_len)++] = lower(at[i]);
}

static bool
text_is(const char *text, size_t len, const char *wanted)
{
	return len == strlen(wanted) && memcmp(text, wanted, len) == 0;
}

/* The path, as it is written; query and fragment are ignored. */
static int
on_url(llhttp_t *parser, const char *at, size_t len)
{
	struct http_request *r = request_of(parser);

	for (size_t i = 0; i < len && !r->path_ended; i++) {
		if (at[i] == '?' || at[i] == '#')
			r->path_ended = true;
		else if (r->path_len < HTTP_PATH_MAX_LEN)
			r->path[r->path_len++] = at[i];
	}
	return 0;
}

static int
on_header_field(llhttp_t *parser, const char *at, size_t len)
{
	struct http_request *r = request_of(parser);

	if (r->field_complete) {
		r->field_complete = false;
		r->field_len = r->value_len = 0;
	}
	collect(r->field, &r->field_len, HTTP_FIELD_MAX_LEN, at, len);
	return 0;
}

static int
on_header_field_complete(llhttp_t *parser)
{
	struct http_request *r = request_of(parser);

	r->field_complete = true;
	if (++r->nlines > HTTP_HEAD_MAX_LINES)
		return fail(r, 431, "more than 100 header lines");
	return 0;
}

static int
on_header_value(llhttp_t *parser, const char *at, size_t len)
{
	struct http_request *r = request_of(parser);

	collect(r->value, &r->value_len, HTTP_VALUE_MAX_LEN, at, len);
	return 0;
}

static int
on_header_value_complete(llhttp_t *parser)
{
	struct http_request *r = request_of(parser);
	size_t len = r->value_len;

	if (r->head_complete)
		return 0;       /* a trailer means nothing to us */
	while (len > 0 && (r->value[len - 1] == ' ' || r->value[len - 1] == '\t'))
		len--;
	if (text_is(r->field, r->field_len, "expect"))
		r->expects_continue = text_is(r->value, len, "100-continue");
	if (text_is(r->field, r->field_len, "transfer-encoding")) {
		r->coding_unknown = r->coded || !text_is(r->value, len, "chunked");
		r->coded = true;
	}
	return 0;
}

static enum http_target
target_find(const struct http_request *r)
{
	size_t at = 0;

	/* The form that a proxy is asked with. */
	if (r->path_len > 7 && strncasecmp(r->path, "http://", 7) == 0)
		for (at = 7; at < r->path_len && r->path[at] != '/'; at++)
			;
	if (r->path_len == HTTP_PATH_MAX_LEN)
		return HTTP_TARGET_OTHER;
	if (text_is(r->path + at, r->path_len - at, "/verify"))
		return HTTP_TARGET_VERIFY;
	if (text_is(r->path + at, r->path_len - at, "/health"))
		return HTTP_TARGET_HEALTH;
	return HTTP_TARGET_OTHER;
}

static int
on_headers_complete(llhttp_t *parser)
{
	struct http_request *r = request_of(parser);

	r->target = target_find(r);
	r->http10 = parser->http_minor == 0;
	r->keep_alive = llhttp_should_keep_alive(parser) != 0;
	/* No other protocol is spoken here: the header that offers one is ignored. */
	if (parser->method != HTTP_CONNECT)
		parser->upgrade = 0;
	if (parser->http_major != 1)
		return fail(r, 400, "HTTP version is neither 1.0 nor 1.1");
	if (r->coded && r->http10)
		return fail(r, 400, "Transfer-Encoding in an HTTP/1.0 request");
	if (r->coding_unknown)
		return fail(r, 501, "only the transfer coding chunked is supported");
	r->head_complete = true;
	r->nlines = 0;
	return HPE_PAUSED;
}

static bool
has_length(const struct http_request *r)
{
	return (r->parser.flags & F_CONTENT_LENGTH) != 0;
}

/*
 * Makes room for `len` more bytes, of a body of at most `total`.  Grows with what arrives, not
 * with what was announced.
 */
static bool
body_grow(struct http_request *r, size_t len, size_t total)
{
	size_t needed = r->body_len + len, room = BODY_FIRST_LEN;

	if (r->body != NULL) {
		if (needed <= r->body->len)
			return true;
		room = 2 * r->body->len;
	}
	room = room < needed ? needed : room > total ? total : room;
	if (r->body != NULL)
		return blob_resize(&r->body, room);
	r->body = blob_new(room);
	return r->body != NULL;
}

/* The length that the body can have, when `rest` bytes of it are to come by its head. */
static size_t
body_total(const struct http_request *r, size_t len, uint64_t rest)
{
	size_t most = r->max_body_len - r->body_len - len;

	return r->body_len + len + (has_length(r) && rest < most ? (size_t)rest : most);
}

static int
on_body(llhttp_t *parser, const char *at, size_t len)
{
	struct http_request *r = request_of(parser);

	if (len > r->max_body_len - r->body_len)
		return fail(r, 413, "the body is longer than max_body_bytes");
	/* Received where it belongs already? */
	if (r->body == NULL || (const uint8_t *)at != r->body->data + r->body_len) {
		if (!body_grow(r, len, body_total(r, len, parser->content_length)))
			return fail(r, 500, "out of memory");
		bytes_copy(r->body->data + r->body_len,
		    (struct bytes){ (const uint8_t *)at, len });
	}
	r->body_len += len;
	return 0;
}

static int
on_message_complete(llhttp_t *parser)
{
	return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
	.on_url = on_url,
	.on_header_field = on_header_field,
	.on_header_field_complete = on_header_field_complete,
	.on_header_value = on_header_value,
	.on_header_value_complete = on_header_value_complete,
	.on_headers_complete = on_headers_complete,
	.on_body = on_body,
	.on_message_complete = on_message_complete,
};

void
http_request_init(struct http_request *r, size_t max_body_len)
{
	*r = (struct http_request){ .max_body_len = max_body_len };
	llhttp_init(&r->parser, HTTP_REQUEST, &settings);
	r->parser.data = r;
}

void
http_request_reset(struct http_request *r)
{
	blob_free(r->body);
	http_request_init(r, r->max_body_len);
}

static enum http_event
error(struct http_request *r, unsigned status, const char *detail)
{
	r->status = status;
	r->detail = detail;
	return HTTP_EVENT_ERROR;
}

static enum http_event
limits_check(struct http_request *r)
{
	size_t framing = r->raw_len < BODY_FIRST_LEN ? 0 : r->raw_len - BODY_FIRST_LEN;

	if (r->head_len > HTTP_HEAD_MAX_LEN)
		return error(r, 431, "the head is longer than 16384 bytes");
	if (framing / FRAMING_FACTOR > r->max_body_len)
		return error(r, 413, "the body is longer than max_body_bytes");
	return HTTP_EVENT_MORE;
}

static enum http_event
parsed(struct http_request *r, llhttp_errno_t code, bool in_head)
{
	if (r->status != 0)
		return HTTP_EVENT_ERROR;
	if (code != HPE_OK && code != HPE_PAUSED)
		return error(r, 400, llhttp_get_error_reason(&r->parser));
	if (limits_check(r) == HTTP_EVENT_ERROR)
		return HTTP_EVENT_ERROR;
	if (code == HPE_OK)
		return HTTP_EVENT_MORE;
	llhttp_resume(&r->parser);
	return in_head ? HTTP_EVENT_HEAD : HTTP_EVENT_COMPLETE;
}

/*
 * What llhttp lets through even in strict mode and our rules forbid: lines that go on in the
 * next, lines that end in LF alone, headers without a name.  NULL: nothing of that.
 */
static const char *
head_scan(struct http_request *r, struct bytes in)
{
	for (size_t i = 0; i < in.len && !r->head_scanned; i++) {
		char c = (char)in.ptr[i];

		if (c == '\n' && r->last != '\r')
			return "a line ends in LF without CR";
		if (c == '\n') {
			/* Empty lines before the first are no end. */
			r->head_scanned = r->line_follows && !r->line_begun;
			r->line_follows = r->line_follows || r->line_begun;
			r->line_begun = false;
		} else if (c != '\r') {
			if (r->line_follows && !r->line_begun && (c == ' ' || c == '\t'))
				return "a header line goes on in the next";
			if (r->line_follows && !r->line_begun && c == ':')
				return "a header without a name";
			r->line_begun = true;
		}
		r->last = c;
	}
	return NULL;
}

enum http_event
http_request_feed(struct http_request *r, struct bytes in, size_t *taken)
{
	bool in_head = !r->head_complete;
	const char *forbidden = head_scan(r, in);
	llhttp_errno_t code;

	*taken = in.len;
	if (in.len != 0)
		r->begun = true;
	if (forbidden != NULL)
		return error(r, 400, forbidden);
	code = llhttp_execute(&r->parser, (const char *)in.ptr, in.len);
	if (code == HPE_PAUSED)
		*taken = (size_t)((const uint8_t *)llhttp_get_error_pos(&r->parser) - in.ptr);
	if (in_head)
		r->head_len += *taken;
	else
		r->raw_len += *taken;
	return parsed(r, code, in_head);
}

size_t
http_request_room(struct http_request *r, uint8_t **to)
{
	uint64_t rest = r->parser.content_length;

	if (!r->head_complete || !has_length(r) || rest < DIRECT_MIN_LEN ||
	    rest > r->max_body_len - r->body_len || !body_grow(r, 1, body_total(r, 0, rest)))
		return 0;
	*to = r->body->data + r->body_len;
	return r->body->len - r->body_len < rest ? r->body->len - r->body_len : (size_t)rest;
}

bool
http_request_has_body(const struct http_request *r)
{
	return r->coded || (has_length(r) && r->parser.content_length != 0) ||
	    r->parser.method == HTTP_CONNECT;
}

unsigned
http_request_route(const struct http_request *r, bool strict, const char **allow)
{
	unsigned method = r->parser.method;

	switch (r->target) {
	case HTTP_TARGET_OTHER:
		return 404;
	case HTTP_TARGET_VERIFY:
		*allow = "POST";
		if (method != HTTP_POST)
			return strict ? 405 : 404;
		return has_length(r) && r->parser.content_length > r->max_body_len ? 413 : 0;
	case HTTP_TARGET_HEALTH:
		*allow = "GET, HEAD";
		if (method != HTTP_GET && method != HTTP_HEAD)
			return strict ? 405 : 404;
		return 200;
	}
	return 404;
}

bool
http_request_is_head(const struct http_request *r)
{
	return r->parser.method == HTTP_HEAD;
}

struct blob *
http_request_take_body(struct http_request *r)
{
	if (r->body == NULL)
		return blob_new(0);
	/* What is left over is given back only when it is much. */
	if (r->body->len > 2 * r->body_len && !blob_resize(&r->body, r->body_len))
		return NULL;
	r->body->len = r->body_len;
	return TAKE(r->body);
}
