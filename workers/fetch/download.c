#include "fetch/download.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/hex.h"
#include "fetch/pccs.h"
#include "ipc/log.h"

#define PROGRAM         "fetcher"
#define HASH_MARK       "{OS_IMAGE_HASH}"
#define HASH_DIGITS     64

enum { ETAG, LAST_MODIFIED, NHEADERS };

struct download {
	struct transfers *transfers;
	const struct download_calls *calls;
	void    *context;
	enum download_state state;
	struct download_failure failure;
	int64_t deadline_ms;
	uint32_t timeout_s;
	char    *url;

	/* The attempt */
	struct transfer *transfer;      /* that runs, or NULL                           */
	char    *place;                 /* where redirects have led, or NULL            */
	unsigned nredirects;
	uint64_t range_from;            /* what was asked for                           */
	bool    accepted;               /* an answer's body is taken                    */
	bool    held;                   /* the transfer waits for the pipe              */
	int64_t due_ms;                 /* when the next one begins, if none runs       */

	/* All of them */
	unsigned nfruitless;            /* in a row that have brought nothing new       */
	unsigned nreconnects;
	uint64_t received_len;          /* of the archive that is in the pipe           */
	uint64_t best_len;              /* most that ever was                           */
	uint64_t total_len;             /* 0: not known                                 */
	char    validator[TRANSFER_IF_RANGE_MAX_LEN];   /* of what was received; "": none */
	bool    whole;                  /* received; what is pending has to go          */

	/* The pipe */
	int     pipe;                   /* or -1                                        */
	bool    pipe_gone;
	size_t  pending_at, pending_len;
	uint8_t pending[TRANSFER_PIECE_MAX_LEN];
};

/* The template with the hash filled in; NULL: out of memory. */
static char *
url_new(const char *template, const uint8_t hash[32])
{
	size_t nmarks = 0, len;
	const char *at;
	char *url, *to;

	for (at = template; (at = strstr(at, HASH_MARK)) != NULL; at += strlen(HASH_MARK))
		nmarks++;
	if (!size_mul(&len, nmarks, HASH_DIGITS) || !size_add(&len, len, strlen(template) + 1))
		return NULL;
	url = to = malloc(len);
	if (url == NULL)
		return NULL;
	while ((at = strstr(template, HASH_MARK)) != NULL) {
		memcpy(to, template, (size_t)(at - template));
		to += at - template;
		hex_encode(to, (struct bytes){ hash, 32 });
		to += HASH_DIGITS;
		template = at + strlen(HASH_MARK);
	}
	memcpy(to, template, strlen(template) + 1);
	return url;
}

static void
pipe_close(struct download *download)
{
	if (download->pipe != -1)
		(void)close(download->pipe);
	download->pipe = -1;
	download->pending_len = 0;
}

static void
transfer_end(struct download *download)
{
	if (download->transfer != NULL)
		transfer_cancel(download->transfers, TAKE(download->transfer));
	download->held = false;
}

static void
ended(struct download *download, enum download_state state)
{
	transfer_end(download);
	pipe_close(download);
	download->state = state;
}

void
download_free(struct download *download)
{
	if (download == NULL)
		return;
	ended(download, download->state);
	free(download->place);
	free(download->url);
	free(download);
}

/* What a log may see of the URL: a query can be a password too. */
static void
url_show(char out[PCCS_URL_SIZE], const struct download *download)
{
	pccs_url_show(out, download->url);
	out[strcspn(out, "?")] = '\0';
}

static void
failed(struct download *download, const struct reason *why)
{
	char url[PCCS_URL_SIZE];

	url_show(url, download);
	(void)reject(&download->failure.why, why->kind, "%.250s, url: %s", why->text, url);
	ended(download, DOWNLOAD_FAILED);
}

static void
timed_out(struct download *download)
{
	struct reason why;

	download->failure.timed_out = true;
	(void)reject(&why, REASON_UNAVAILABLE, "not done after %u seconds", download->timeout_s);
	failed(download, &why);
}

/* The pipe */

/* How much of it goes in now. */
static size_t
pipe_write(struct download *download, struct bytes from)
{
	size_t done = 0;

	while (done < from.len) {
		ssize_t n = write(download->pipe, from.ptr + done, from.len - done);

		if (n > 0)
			done += (size_t)n;
		else if (n == -1 && errno == EAGAIN)
			break;
		else if (n == -1 && errno != EINTR) {
			download->pipe_gone = true;
			break;
		}
	}
	return done;
}

static void
pipe_flush(struct download *download)
{
	size_t n = pipe_write(download, (struct bytes){ download->pending + download->pending_at,
	    download->pending_len });

	download->pending_at += n;
	download->pending_len -= n;
}

/* What is called by the transfer */

static bool
begin(struct download *download, const struct transfer_head *head, struct reason *why)
{
	struct bytes etag = head->headers[ETAG], date = head->headers[LAST_MODIFIED];
	struct bytes validator = { NULL, 0 };

	pipe_close(download);
	download->received_len = 0;
	download->total_len = head->total_len;
	/*
	 * RFC 9110, 13.1.5: a tag that is weak says that the bytes may differ, and then a date is
	 * no better.
	 */
	if (etag.ptr == NULL)
		validator = date;
	else if (etag.len >= 2 && etag.ptr[0] == '"' && etag.ptr[etag.len - 1] == '"')
		validator = etag;
	download->validator[0] = '\0';
	if (validator.len < sizeof download->validator)
		(void)snprintf(download->validator, sizeof download->validator, "%.*s",
		    (int)validator.len, (const char *)validator.ptr);
	download->pipe = download->calls->begin(download->context, why);
	return download->pipe != -1;
}

/* The server has agreed that it is the same file; believe it unless it contradicts itself. */
static bool
part_check(const struct download *download, const struct transfer_head *head, struct reason *why)
{
	struct bytes validator = bytes_str(download->validator);
	struct bytes now = head->headers[validator.ptr[0] == '"' ? ETAG : LAST_MODIFIED];

	if ((now.ptr != NULL && !bytes_equal(now, validator)) || (head->total_len != 0 &&
	    download->total_len != 0 && head->total_len != download->total_len))
		return reject(why, REASON_MALFORMED, "HTTP 206 of another file");
	return true;
}

static bool
sink_head(void *context, const struct transfer_head *head, struct reason *why)
{
	struct download *download = context;

	if (head->from == 0 ? !begin(download, head, why) : !part_check(download, head, why))
		return false;
	download->accepted = true;
	return true;
}

static enum transfer_taken
sink_take(void *context, struct bytes piece)
{
	struct download *download = context;
	size_t n;

	download->held = download->pending_len != 0;
	if (download->held)
		return TRANSFER_HELD;
	n = pipe_write(download, piece);
	if (download->pipe_gone)
		return TRANSFER_ABORTED;
	download->pending_at = 0;
	download->pending_len = piece.len - n;
	bytes_copy(download->pending, (struct bytes){ piece.ptr + n, piece.len - n });
	download->received_len += piece.len;
	download->calls->progress(download->context, download->received_len,
	    download->total_len);
	return TRANSFER_TAKEN;
}

/* Attempts */

static bool
transfer_begin(struct download *download, struct reason *why)
{
	const struct transfer_sink sink = { .head = sink_head, .take = sink_take,
	    .context = download };
	const struct transfer_request request = {
		.url = download->place != NULL ? download->place : download->url,
		.body_max_len = DOWNLOAD_MAX_LEN,
		.headers = { [ETAG] = "ETag", [LAST_MODIFIED] = "Last-Modified" },
		.sink = &sink,
		.range_from = download->range_from,
		.if_range = download->validator,
	};

	_Static_assert(NHEADERS <= TRANSFER_MAX_HEADERS, "headers of a request");
	download->accepted = false;
	return transfer_start(download->transfers, &download->transfer, &request, download, why);
}

static bool
attempt_begin(struct download *download, struct reason *why)
{
	free(TAKE(download->place));
	download->nredirects = 0;
	download->range_from = download->validator[0] != '\0' ? download->received_len : 0;
	if (download->best_len != 0)
		download->nreconnects++;
	return transfer_begin(download, why);
}

/* Around `ms`: between three quarters and five quarters of it. */
static int64_t
jitter(const struct download *download, int64_t ms)
{
	return ms / 4 * 3 + download->calls->random(download->context) % (ms / 2 + 1);
}

static void
retry_plan(struct download *download, const struct reason *why, int64_t now_ms)
{
	char url[PCCS_URL_SIZE];
	int64_t pause_ms;

	if (download->nfruitless == DOWNLOAD_MAX_ATTEMPTS ||
	    download->nreconnects == DOWNLOAD_MAX_RECONNECTS) {
		failed(download, why);
		return;
	}
	pause_ms = jitter(download, (int64_t)DOWNLOAD_PAUSE_MS << (download->nfruitless - 1));
	download->due_ms = now_ms + pause_ms;
	url_show(url, download);
	log_line(LOG_INFO, PROGRAM, "url=\"%.300s\" received=%llu error=\"%s\" retry_ms=%lld", url,
	    (unsigned long long)download->received_len, why->text, (long long)pause_ms);
}

/* Whether an answer to a request for the rest says that there is no such rest. */
static bool
no_such_part(const struct download *download, const struct transfer_answer *answer)
{
	return download->range_from != 0 && !download->accepted &&
	    (answer->http_status == 206 || answer->http_status == 416);
}

static void
attempt_failed(struct download *download, const struct transfer_answer *answer, int64_t now_ms)
{
	if (no_such_part(download, answer))
		download->validator[0] = '\0';
	else if (!answer->retryable && !answer->unreachable) {
		failed(download, &answer->why);
		return;
	}
	/* One that brings something is the first of its row. */
	download->nfruitless++;
	if (download->received_len > download->best_len) {
		download->best_len = download->received_len;
		download->nfruitless = 1;
	}
	retry_plan(download, &answer->why, now_ms);
}

static bool
redirect_follow(struct download *download, const char *location, struct reason *why)
{
	char *place;

	if (download->nredirects++ == DOWNLOAD_MAX_REDIRECTS)
		return reject(why, REASON_REFUSED, "more than %d redirects",
		    DOWNLOAD_MAX_REDIRECTS);
	if (!transfer_redirect_check(download->place != NULL ? download->place : download->url,
	    location, why))
		return false;
	place = strdup(location);
	if (place == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	free(download->place);
	download->place = place;
	return transfer_begin(download, why);
}

/* After anything that writes: the pipe may be gone, or all of it may be there. */
static void
settle(struct download *download)
{
	if (download->pipe_gone)
		ended(download, DOWNLOAD_SINK_GONE);
	else if (download->whole && download->pending_len == 0)
		ended(download, DOWNLOAD_DONE);
}

void
download_answer(struct download *download, const struct transfer_answer *answer, int64_t now_ms)
{
	struct reason why;

	assert(download->state == DOWNLOAD_RUNNING && answer->stream);
	download->transfer = NULL;
	download->held = false;
	if (answer->http_status != 0)
		download->failure.http_status = answer->http_status;
	download->whole = answer->ok;
	if (answer->ok || download->pipe_gone)
		settle(download);
	else if (answer->location == NULL)
		attempt_failed(download, answer, now_ms);
	else if (!redirect_follow(download, answer->location, &why))
		failed(download, &why);
}

int
download_fd(const struct download *download)
{
	return download->pending_len != 0 ? download->pipe : -1;
}

static void
pipe_tick(struct download *download)
{
	if (download->pending_len == 0)
		return;
	pipe_flush(download);
	if (download->pending_len == 0 && download->held)
		transfer_resume(download->transfer);
	settle(download);
}

void
download_tick(struct download *download, int64_t now_ms)
{
	struct reason why;

	if (download->state == DOWNLOAD_RUNNING)
		pipe_tick(download);
	if (download->state != DOWNLOAD_RUNNING)
		return;
	if (now_ms >= download->deadline_ms)
		timed_out(download);
	else if (now_ms >= download_due_ms(download) && !attempt_begin(download, &why))
		failed(download, &why);
}

int64_t
download_due_ms(const struct download *download)
{
	bool pausing = download->state == DOWNLOAD_RUNNING && download->transfer == NULL &&
	    !download->whole;

	return pausing && download->due_ms < download->deadline_ms ? download->due_ms :
	    download->deadline_ms;
}

enum download_state
download_state(const struct download *download)
{
	return download->state;
}

const struct download_failure *
download_failure(const struct download *download)
{
	assert(download->state == DOWNLOAD_FAILED);
	return &download->failure;
}

bool
download_start(struct download **out, struct transfers *transfers, const char *template,
    const uint8_t hash[32], uint32_t timeout_s, const struct download_calls *calls, void *context,
    int64_t now_ms, struct reason *why)
{
	AUTO(download_free) struct download *download = calloc(1, sizeof *download);

	*out = NULL;
	if (download == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	download->transfers = transfers;
	download->calls = calls;
	download->context = context;
	download->pipe = -1;
	download->timeout_s = timeout_s;
	download->deadline_ms = now_ms + (int64_t)timeout_s * 1000;
	download->url = url_new(template, hash);
	if (download->url == NULL)
		return reject(why, REASON_INTERNAL, "out of memory");
	if (!attempt_begin(download, why))
		return false;
	*out = TAKE(download);
	return true;
}
