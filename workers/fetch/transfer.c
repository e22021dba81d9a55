#include "fetch/transfer.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <strings.h>

#define USER_AGENT      "dstack-verifier"

/* A bookworm libcurl waits for the resolver's thread when a transfer ends early, unless told. */
#if LIBCURL_VERSION_NUM < 0x075700
#error "libcurl 7.87 or newer is needed: CURLOPT_QUICK_EXIT"
#endif

struct transfer {
	struct transfer *next, **link;  /* among those that run                        */
	CURL    *easy;
	void    *owner;
	char    *names[TRANSFER_MAX_HEADERS];
	uint8_t *body;
	size_t  body_len, body_room, body_max_len;
	size_t  headers_len;
	bool    too_big;
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
	    set_long(transfer, CURLOPT_FOLLOWLOCATION, 1) &&
	    set_long(transfer, CURLOPT_MAXREDIRS, TRANSFER_MAX_REDIRECTS) &&
	    /* Overrides the environment: the empty proxy is none. */
	    set_text(transfer, CURLOPT_PROXY, "") &&
	    set_long(transfer, CURLOPT_NETRC, CURL_NETRC_IGNORED) &&
	    set_long(transfer, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1) &&
	    /* Bytes left over from one answer must not begin the next one's. */
	    set_long(transfer, CURLOPT_FORBID_REUSE, 1) &&
	    set_text(transfer, CURLOPT_USERAGENT, USER_AGENT);
}

/* How much and how long. */
static bool
set_limits(struct transfer *transfer)
{
	return set_long(transfer, CURLOPT_NOSIGNAL, 1) &&
	    set_long(transfer, CURLOPT_QUICK_EXIT, 1) &&
	    set_long(transfer, CURLOPT_CONNECTTIMEOUT_MS, TRANSFER_CONNECT_MS) &&
	    set_long(transfer, CURLOPT_TIMEOUT_MS, TRANSFER_TOTAL_MS) &&
	    set_long(transfer, CURLOPT_MAXFILESIZE, (long)transfer->body_max_len) &&
	    curl_easy_setopt(transfer->easy, CURLOPT_WRITEFUNCTION, body_take) == CURLE_OK &&
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

bool
transfer_start(struct transfers *transfers, const struct transfer_request *request, void *owner,
    struct reason *why)
{
	AUTO(transfer_free) struct transfer *transfer = calloc(1, sizeof *transfer);
	bool ok = transfer != NULL && (transfer->easy = curl_easy_init()) != NULL;

	for (size_t i = 0; ok && i < TRANSFER_MAX_HEADERS; i++)
		ok = request->headers[i] == NULL ||
		    (transfer->names[i] = strdup(request->headers[i])) != NULL;
	if (ok) {
		transfer->owner = owner;
		transfer->body_max_len = request->body_max_len;
		ok = set_where(transfer, request->url) && set_limits(transfer) &&
		    set_trust(transfer, transfers->ca_file) &&
		    curl_multi_add_handle(transfers->multi, transfer->easy) == CURLM_OK;
	}
	if (!ok)
		return reject(why, REASON_INTERNAL, "cannot start a transfer");
	running_add(transfers, TAKE(transfer));
	return true;
}

void
transfers_wait(struct transfers *transfers, int fd, bool writing, int timeout_ms)
{
	struct curl_waitfd extra = {
		.fd = fd,
		.events = (short)(CURL_WAIT_POLLIN | (writing ? CURL_WAIT_POLLOUT : 0)),
	};

	(void)curl_multi_poll(transfers->multi, &extra, 1, timeout_ms, NULL);
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

static void
headers_find(struct transfer_answer *answer, const struct transfer *transfer)
{
	struct curl_header *header;

	for (size_t i = 0; i < TRANSFER_MAX_HEADERS; i++)
		if (transfer->names[i] != NULL && curl_easy_header(transfer->easy,
		    transfer->names[i], 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
			answer->headers[i] = bytes_str(header->value);
}

static void
answer_fill(struct transfer_answer *answer, const struct transfer *transfer, CURLcode code)
{
	long status = 0;
	curl_off_t retry_after = 0;

	*answer = (struct transfer_answer){ .ok = false };
	(void)curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &retry_after);
	answer->http_status = status > 0 && status <= 999 ? (unsigned)status : 0;
	answer->retry_after_s = retry_after > 0 ? (int64_t)retry_after : 0;
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
	headers_find(answer, transfer);
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
