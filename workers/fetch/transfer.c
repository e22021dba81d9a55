#include "fetch/transfer.h"

#include <assert.h>
#include <curl/curl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "fetch/content_range.h"

#define USER_AGENT      "dstack-verifier"

/* A bookworm libcurl waits for the resolver's thread when a transfer ends early, unless told. */
#if LIBCURL_VERSION_NUM < 0x075700
#error "libcurl 7.87 or newer is needed: CURLOPT_QUICK_EXIT"
#endif

_Static_assert(CURL_MAX_WRITE_SIZE <= TRANSFER_PIECE_MAX_LEN, "what a sink is given at once");

enum stream_state {
	STREAM_UNJUDGED = 0,            /* nothing of a body has come yet               */
	STREAM_WANTED,
	STREAM_REFUSED,                 /* by us or by the sink: `why`                  */
};

/* What a transfer with a sink has besides. */
struct stream {
	struct transfer_sink sink;
	struct curl_slist *headers;     /* of the request                               */
	uint64_t range_from;
	uint64_t from, total_len;       /* as in the head of the answer                 */
	enum stream_state state;
	struct reason why;
	char    *location;              /* libcurl's memory                             */
};

AUTO_DEFINE(CURLU, curl_url_cleanup)
AUTO_DEFINE(char, curl_free)

struct transfer {
	struct transfer *next, **link;  /* among those that run                        */
	CURL    *easy;
	void    *owner;
	char    *names[TRANSFER_MAX_HEADERS];
	uint8_t *body;
	size_t  body_len, body_room, body_max_len;
	size_t  headers_len;
	bool    too_big;
	bool    is_stream;
	struct stream stream;
	char    error[CURL_ERROR_SIZE];
};

struct transfers {
	CURLM   *multi;
	char    *ca_file;
	struct transfer *running;
	struct transfer *last;          /* whose answer was given and is still looked at */
};

static void
transfer_free(struct transfer *transfer)
{
	if (transfer == NULL)
		return;
	curl_easy_cleanup(transfer->easy);
	for (size_t i = 0; i < TRANSFER_MAX_HEADERS; i++)
		free(transfer->names[i]);
	curl_slist_free_all(transfer->stream.headers);
	curl_free(transfer->stream.location);
	free(transfer->body);
	free(transfer);
}
AUTO_DEFINE(struct transfer, transfer_free)

struct transfers *
transfers_new(const char *ca_file)
{
	AUTO(transfers_free) struct transfers *transfers = calloc(1, sizeof *transfers);

	if (transfers == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return NULL;
	if (ca_file != NULL && (transfers->ca_file = strdup(ca_file)) == NULL)
		return NULL;
	transfers->multi = curl_multi_init();
	if (transfers->multi == NULL)
		return NULL;
	return TAKE(transfers);
}

static void
running_add(struct transfers *transfers, struct transfer *transfer)
{
	transfer->next = transfers->running;
	if (transfer->next != NULL)
		transfer->next->link = &transfer->next;
	transfer->link = &transfers->running;
	transfers->running = transfer;
}

static void
running_remove(struct transfers *transfers, struct transfer *transfer)
{
	(void)curl_multi_remove_handle(transfers->multi, transfer->easy);
	*transfer->link = transfer->next;
	if (transfer->next != NULL)
		transfer->next->link = transfer->link;
}

void
transfers_free(struct transfers *transfers)
{
	if (transfers == NULL)
		return;
	while (transfers->running != NULL) {
		struct transfer *transfer = transfers->running;

		running_remove(transfers, transfer);
		transfer_free(transfer);
	}
	transfer_free(transfers->last);
	(void)curl_multi_cleanup(transfers->multi);
	free(transfers->ca_file);
	free(transfers);
}

static size_t
body_grow(const struct transfer *transfer, size_t len)
{
	size_t room = transfer->body_room < 16384 ? 16384 : transfer->body_room * 2;

	if (room < len)
		room = len;
	return room > transfer->body_max_len ? transfer->body_max_len : room;
}

static size_t
body_take(char *from, size_t size, size_t n, void *arg)
{
	struct transfer *transfer = arg;
	size_t len;
	uint8_t *body;

	if (!size_mul(&n, size, n) || !size_add(&len, transfer->body_len, n) ||
	    len > transfer->body_max_len) {
		transfer->too_big = true;
		return CURL_WRITEFUNC_ERROR;
	}
	if (len > transfer->body_room) {
		size_t room = body_grow(transfer, len);

		body = realloc(transfer->body, room);
		if (body == NULL)
			return CURL_WRITEFUNC_ERROR;
		transfer->body = body;
		transfer->body_room = room;
	}
	bytes_copy(transfer->body + transfer->body_len, (struct bytes){ (uint8_t *)from, n });
	transfer->body_len = len;
	return n;
}

/* A header of the last answer; ptr NULL: absent.  Lasts as long as the transfer. */
static struct bytes
header_find(const struct transfer *transfer, const char *name)
{
	struct curl_header *header;

	if (name == NULL || curl_easy_header(transfer->easy, name, 0, CURLH_HEADER, -1,
	    &header) != CURLHE_OK)
		return (struct bytes){ NULL, 0 };
	return bytes_str(header->value);
}

static void
headers_find(struct bytes headers[TRANSFER_MAX_HEADERS], const struct transfer *transfer)
{
	for (size_t i = 0; i < TRANSFER_MAX_HEADERS; i++)
		headers[i] = header_find(transfer, transfer->names[i]);
}

static long
status_find(const struct transfer *transfer)
{
	long status = 0;

	(void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

/* Streams */

static bool
is_redirect(long status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Where a redirect leads; NULL: it does not say, or not so that it can be understood. */
static char *
location_find(const struct transfer *transfer)
{
	struct bytes header = header_find(transfer, "Location");
	AUTO(curl_url_cleanup) CURLU *url = curl_url();
	const char *base = NULL;
	char *location = NULL;

	if (header.ptr == NULL || url == NULL ||
	    curl_easy_getinfo(transfer->easy, CURLINFO_EFFECTIVE_URL, &base) != CURLE_OK ||
	    curl_url_set(url, CURLUPART_URL, base, 0) != CURLUE_OK ||
	    curl_url_set(url, CURLUPART_URL, (const char *)header.ptr, 0) != CURLUE_OK ||
	    curl_url_get(url, CURLUPART_URL, &location, 0) != CURLUE_OK)
		return NULL;
	return location;
}

/* -1: the answer does not say. */
static int64_t
content_len(const struct transfer *transfer)
{
	curl_off_t len = -1;

	(void)curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &len);
	return (int64_t)len;
}

/* The part has to be the one that was asked for, as far as the answer says what it is. */
static bool
part_check(struct stream *stream, const struct transfer *transfer, struct reason *why)
{
	struct bytes value = header_find(transfer, "Content-Range");
	struct content_range range;
	int64_t len = content_len(transfer);

	if (value.ptr == NULL)
		return reject(why, REASON_MALFORMED, "HTTP 206 without a Content-Range");
	if (!content_range_read(&range, value, why))
		return false;
	if (range.first != stream->range_from)
		return reject(why, REASON_MALFORMED, "Content-Range begins at %" PRIu64 ", not %"
		    PRIu64, range.first, stream->range_from);
	if (len != -1 && (uint64_t)len != range.last - range.first + 1)
		return reject(why, REASON_MALFORMED,
		    "Content-Range and Content-Length contradict one another");
	if (range.last >= transfer->body_max_len || range.total_len > transfer->body_max_len)
		return reject(why, REASON_LIMIT, "answer has more than %zu bytes",
		    transfer->body_max_len);
	stream->from = range.first;
	stream->total_len = range.total_len;
	return true;
}

static bool
head_check(struct transfer *transfer, struct reason *why)
{
	struct stream *stream = &transfer->stream;
	struct transfer_head head;
	long status = status_find(transfer);

	if (is_redirect(status))
		stream->location = location_find(transfer);
	if (status == 206 && stream->range_from != 0) {
		if (!part_check(stream, transfer, why))
			return false;
	} else if (status == 200) {
		int64_t len = content_len(transfer);

		stream->total_len = len > 0 ? (uint64_t)len : 0;
	} else
		return reject(why, REASON_UNAVAILABLE, "HTTP %ld", status);
	head.from = stream->from;
	head.total_len = stream->total_len;
	headers_find(head.headers, transfer);
	return stream->sink.head(stream->sink.context, &head, why);
}

/* Once for each answer, before its body. */
static bool
head_judge(struct transfer *transfer)
{
	struct stream *stream = &transfer->stream;

	if (stream->state == STREAM_UNJUDGED)
		stream->state = head_check(transfer, &stream->why) ? STREAM_WANTED : STREAM_REFUSED;
	return stream->state == STREAM_WANTED;
}

static size_t
piece_take(char *from, size_t size, size_t n, void *arg)
{
	struct transfer *transfer = arg;
	const struct stream *stream = &transfer->stream;

	if (!size_mul(&n, size, n) || !head_judge(transfer))
		return CURL_WRITEFUNC_ERROR;
	if (n > transfer->body_max_len - stream->from - transfer->body_len) {
		transfer->too_big = true;
		return CURL_WRITEFUNC_ERROR;
	}
	switch (stream->sink.take(stream->sink.context, (struct bytes){ (uint8_t *)from, n })) {
	case TRANSFER_TAKEN:
		transfer->body_len += n;
		return n;
	case TRANSFER_HELD:
		return CURL_WRITEFUNC_PAUSE;
	case TRANSFER_ABORTED:
		break;
	}
	return CURL_WRITEFUNC_ERROR;
}

/* Called for each line of each answer, redirects included. */
static size_t
header_take(char *from, size_t size, size_t n, void *arg)
{
	struct transfer *transfer = arg;

	(void)from;
	transfer->headers_len += size * n;
	if (transfer->headers_len > TRANSFER_HEADERS_MAX_LEN) {
		transfer->too_big = true;
		return 0;
	}
	return size * n;
}

static bool
set_text(struct transfer *transfer, CURLoption option, const char *value)
{
	return curl_easy_setopt(transfer->easy, option, value) == CURLE_OK;
}

static bool
set_long(struct transfer *transfer, CURLoption option, long value)
{
	return curl_easy_setopt(transfer->easy, option, value) == CURLE_OK;
}

/* Where it may go: a redirect keeps to the scheme that was configured. */
static bool
set_where(struct transfer *transfer, const char *url)
{
	const char *scheme = strncasecmp(url, "https:", 6) == 0 ? "https" : "http";

	return set_text(transfer, CURLOPT_URL, url) &&
	    set_text(transfer, CURLOPT_PROTOCOLS_STR, scheme) &&
	    set_text(transfer, CURLOPT_REDIR_PROTOCOLS_STR, scheme) &&
	    set_long(transfer, CURLOPT_FOLLOWLOCATION, !transfer->is_stream) &&
	    set_long(transfer, CURLOPT_MAXREDIRS, TRANSFER_MAX_REDIRECTS) &&
	    /* Overrides the environment: the empty proxy is none. */
	    set_text(transfer, CURLOPT_PROXY, "") &&
	    set_long(transfer, CURLOPT_NETRC, CURL_NETRC_IGNORED) &&
	    set_long(transfer, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1) &&
	    /* Bytes left over from one answer must not begin the next one's. */
	    set_long(transfer, CURLOPT_FORBID_REUSE, 1) &&
	    set_text(transfer, CURLOPT_USERAGENT, USER_AGENT);
}

/* How long; libcurl does not count the time in which a stream is held up as slow. */
static bool
set_time(struct transfer *transfer)
{
	if (!set_long(transfer, CURLOPT_CONNECTTIMEOUT_MS, TRANSFER_CONNECT_MS))
		return false;
	if (!transfer->is_stream)
		return set_long(transfer, CURLOPT_TIMEOUT_MS, TRANSFER_TOTAL_MS);
	return set_long(transfer, CURLOPT_LOW_SPEED_LIMIT, TRANSFER_STALL_BYTES) &&
	    set_long(transfer, CURLOPT_LOW_SPEED_TIME, TRANSFER_STALL_S);
}

/* How much, and what is called. */
static bool
set_limits(struct transfer *transfer)
{
	return set_long(transfer, CURLOPT_NOSIGNAL, 1) &&
	    set_long(transfer, CURLOPT_QUICK_EXIT, 1) &&
	    set_time(transfer) &&
	    curl_easy_setopt(transfer->easy, CURLOPT_MAXFILESIZE_LARGE,
	    (curl_off_t)transfer->body_max_len) == CURLE_OK &&
	    curl_easy_setopt(transfer->easy, CURLOPT_WRITEFUNCTION,
	    transfer->is_stream ? piece_take : body_take) == CURLE_OK &&
	    curl_easy_setopt(transfer->easy, CURLOPT_WRITEDATA, transfer) == CURLE_OK &&
	    curl_easy_setopt(transfer->easy, CURLOPT_HEADERFUNCTION, header_take) == CURLE_OK &&
	    curl_easy_setopt(transfer->easy, CURLOPT_HEADERDATA, transfer) == CURLE_OK &&
	    curl_easy_setopt(transfer->easy, CURLOPT_ERRORBUFFER, transfer->error) == CURLE_OK &&
	    curl_easy_setopt(transfer->easy, CURLOPT_PRIVATE, transfer) == CURLE_OK;
}

/* Servers of https prove their name to an authority that is known. */
static bool
set_trust(struct transfer *transfer, const char *ca_file)
{
	return set_long(transfer, CURLOPT_SSL_VERIFYPEER, 1) &&
	    set_long(transfer, CURLOPT_SSL_VERIFYHOST, 2) &&
	    set_long(transfer, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2) &&
	    (ca_file == NULL || (set_text(transfer, CURLOPT_CAINFO, ca_file) &&
	    set_text(transfer, CURLOPT_CAPATH, NULL)));
}

/* One more header of the request. */
static bool
request_header_add(struct transfer *transfer, const char *text)
{
	struct curl_slist *headers = curl_slist_append(transfer->stream.headers, text);

	if (headers == NULL)
		return false;
	transfer->stream.headers = headers;
	return true;
}

static bool
set_range(struct transfer *transfer, const struct transfer_request *request)
{
	char range[64], if_range[TRANSFER_IF_RANGE_MAX_LEN + sizeof "If-Range: "];

	if (request->range_from == 0)
		return true;
	(void)snprintf(range, sizeof range, "Range: bytes=%" PRIu64 "-", request->range_from);
	(void)snprintf(if_range, sizeof if_range, "If-Range: %s", request->if_range);
	return request_header_add(transfer, range) && request_header_add(transfer, if_range) &&
	    curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->stream.headers) ==
	    CURLE_OK;
}

static bool
set_stream(struct transfer *transfer, const struct transfer_request *request)
{
	if (!transfer->is_stream)
		return true;
	transfer->stream.sink = *request->sink;
	transfer->stream.range_from = request->range_from;
	return set_range(transfer, request) &&
	    set_long(transfer, CURLOPT_HTTP_CONTENT_DECODING, 0);
}

bool
transfer_start(struct transfers *transfers, struct transfer **out,
    const struct transfer_request *request, void *owner, struct reason *why)
{
	AUTO(transfer_free) struct transfer *transfer = calloc(1, sizeof *transfer);
	bool ok = transfer != NULL && (transfer->easy = curl_easy_init()) != NULL;

	for (size_t i = 0; ok && i < TRANSFER_MAX_HEADERS; i++)
		ok = request->headers[i] == NULL ||
		    (transfer->names[i] = strdup(request->headers[i])) != NULL;
	if (ok) {
		transfer->owner = owner;
		transfer->body_max_len = request->body_max_len;
		transfer->is_stream = request->sink != NULL;
		ok = set_where(transfer, request->url) && set_limits(transfer) &&
		    set_stream(transfer, request) && set_trust(transfer, transfers->ca_file) &&
		    curl_multi_add_handle(transfers->multi, transfer->easy) == CURLM_OK;
	}
	if (!ok)
		return reject(why, REASON_INTERNAL, "cannot start a transfer");
	if (out != NULL)
		*out = transfer;
	running_add(transfers, TAKE(transfer));
	return true;
}

void
transfer_resume(struct transfer *transfer)
{
	(void)curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
}

void
transfer_cancel(struct transfers *transfers, struct transfer *transfer)
{
	running_remove(transfers, transfer);
	transfer_free(transfer);
}

void
transfers_wait(struct transfers *transfers, const struct transfer_wait *waits, size_t n,
    int timeout_ms)
{
	struct curl_waitfd extra[TRANSFER_MAX_WAITS] = { 0 };
	unsigned used = 0;

	assert(n <= NELEM(extra));
	for (size_t i = 0; i < n; i++) {
		if (waits[i].fd == -1)
			continue;
		extra[used].fd = waits[i].fd;
		extra[used].events = (short)((waits[i].reading ? CURL_WAIT_POLLIN : 0) |
		    (waits[i].writing ? CURL_WAIT_POLLOUT : 0));
		used++;
	}
	(void)curl_multi_poll(transfers->multi, extra, used, timeout_ms, NULL);
}

void
transfers_run(struct transfers *transfers)
{
	int running;

	(void)curl_multi_perform(transfers->multi, &running);
}

/* Whose trouble it is, when there was no answer to judge. */
static void
failure_classify(struct transfer_answer *answer, CURLcode code)
{
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_OPERATION_TIMEDOUT:
		answer->unreachable = true;
		answer->retryable = code != CURLE_OPERATION_TIMEDOUT;
		return;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
		answer->retryable = true;
		return;
	default:
		return;
	}
}

static void
failed(struct transfer_answer *answer, const struct transfer *transfer, CURLcode code)
{
	bool in_headers = transfer->headers_len > TRANSFER_HEADERS_MAX_LEN;

	if (transfer->too_big || code == CURLE_FILESIZE_EXCEEDED) {
		(void)reject(&answer->why, REASON_LIMIT, "%s more than %zu bytes",
		    in_headers ? "headers have" : "answer has",
		    in_headers ? TRANSFER_HEADERS_MAX_LEN : transfer->body_max_len);
		return;
	}
	failure_classify(answer, code);
	(void)reject(&answer->why, REASON_UNAVAILABLE, "%s%s%s", curl_easy_strerror(code),
	    transfer->error[0] != '\0' ? ": " : "", transfer->error);
}

/* A stream's: what it came to, and where else to look. */
static void
stream_answer_fill(struct transfer_answer *answer, struct transfer *transfer, CURLcode code)
{
	const struct stream *stream = &transfer->stream;
	unsigned class = answer->http_status / 100;

	answer->stream = true;
	/* The status is worth more than how the answer that has it ended. */
	if (stream->state == STREAM_UNJUDGED && (code == CURLE_OK || (class != 0 && class != 2)))
		(void)head_judge(transfer);
	answer->location = stream->location;
	if (stream->state == STREAM_REFUSED) {
		answer->why = stream->why;
		answer->retryable = class == 5;
	} else if (code != CURLE_OK)
		failed(answer, transfer, code);
	else if (stream->total_len != 0 && stream->from + transfer->body_len != stream->total_len) {
		(void)reject(&answer->why, REASON_UNAVAILABLE, "answer ends after %" PRIu64
		    " of %" PRIu64 " bytes", stream->from + transfer->body_len, stream->total_len);
		answer->retryable = true;
	} else
		answer->ok = true;
}

static void
answer_fill(struct transfer_answer *answer, struct transfer *transfer, CURLcode code)
{
	long status = status_find(transfer);
	curl_off_t retry_after = 0;

	*answer = (struct transfer_answer){ .ok = false };
	(void)curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &retry_after);
	answer->http_status = status > 0 && status <= 999 ? (unsigned)status : 0;
	answer->retry_after_s = retry_after > 0 ? (int64_t)retry_after : 0;
	if (transfer->is_stream) {
		stream_answer_fill(answer, transfer, code);
		return;
	}
	answer->body = (struct bytes){ transfer->body, transfer->body_len };
	if (code != CURLE_OK) {
		failed(answer, transfer, code);
		return;
	}
	answer->ok = status == 200;
	if (!answer->ok) {
		(void)reject(&answer->why, REASON_UNAVAILABLE, "HTTP %ld", status);
		answer->retryable = status == 500 || (status >= 502 && status <= 504);
		return;
	}
	headers_find(answer->headers, transfer);
}

void *
transfers_next(struct transfers *transfers, struct transfer_answer *answer)
{
	const CURLMsg *message;
	int left;

	transfer_free(TAKE(transfers->last));
	while ((message = curl_multi_info_read(transfers->multi, &left)) != NULL) {
		struct transfer *transfer = NULL;
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
		/* The handle keeps what was received; the message dies with this call. */
		running_remove(transfers, transfer);
		transfers->last = transfer;
		answer_fill(answer, transfer, code);
		return transfer->owner;
	}
	return NULL;
}

/* Whether one part of two URLs is the same. */
static bool
same_part(CURLU *a, CURLU *b, CURLUPart part)
{
	AUTO(curl_free) char *x = NULL, *y = NULL;

	return curl_url_get(a, part, &x, 0) == CURLUE_OK &&
	    curl_url_get(b, part, &y, 0) == CURLUE_OK && strcasecmp(x, y) == 0;
}

bool
transfer_redirect_check(const char *from, const char *to, struct reason *why)
{
	AUTO(curl_url_cleanup) CURLU *a = curl_url();
	AUTO(curl_url_cleanup) CURLU *b = curl_url();

	if (a == NULL || b == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	if (curl_url_set(a, CURLUPART_URL, from, 0) != CURLUE_OK ||
	    curl_url_set(b, CURLUPART_URL, to, 0) != CURLUE_OK ||
	    !same_part(a, b, CURLUPART_HOST))
		return reject(why, REASON_REFUSED, "redirected to another host");
	if (!same_part(a, b, CURLUPART_SCHEME) && strncasecmp(to, "https:", 6) != 0)
		return reject(why, REASON_REFUSED, "redirected to another scheme than https");
	return true;
}
