/*
 * test_download.c - when a download asks what, of transfers that this program plays
 *
 * Real ones are in integration/download.py.
 */
#include "testing.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fetch/download.h"
#include "ipc/log.h"

#define TEMPLATE        "http://h/mr_{OS_IMAGE_HASH}.tar.gz"
#define URL             "http://h/mr_" DIGITS ".tar.gz"
#define DIGITS          "ab000000000000000000000000000000000000000000000000000000000000cd"
#define START_MS        1000000
#define TIMEOUT_S       300
#define ETAG            "\"e\""

static const uint8_t hash[32] = { [0] = 0xab, [31] = 0xcd };

/* The transfer that runs, as it was asked for. */
struct transfer {
	bool    running;
	unsigned nstarts, nresumes;
	char    url[1024], if_range[TRANSFER_IF_RANGE_MAX_LEN];
	uint64_t range_from;
	struct transfer_sink sink;
};

static struct transfer transfer;
static uint32_t random_number;
static unsigned nbegins;
static int reader = -1;

bool
transfer_start(struct transfers *transfers, struct transfer **out,
    const struct transfer_request *request, void *owner, struct reason *why)
{
	assert_false(transfer.running);
	assert_int_equal(request->body_max_len, DOWNLOAD_MAX_LEN);
	transfer.running = true;
	transfer.nstarts++;
	(void)snprintf(transfer.url, sizeof transfer.url, "%s", request->url);
	(void)snprintf(transfer.if_range, sizeof transfer.if_range, "%s",
	    request->range_from != 0 ? request->if_range : "");
	transfer.range_from = request->range_from;
	transfer.sink = *request->sink;
	*out = &transfer;
	return true;
}

void
transfer_cancel(struct transfers *transfers, struct transfer *which)
{
	assert_true(which->running);
	which->running = false;
}

void
transfer_resume(struct transfer *which)
{
	assert_true(which->running);
	which->nresumes++;
}

bool
transfer_redirect_check(const char *from, const char *to, struct reason *why)
{
	return strcmp(to, "http://elsewhere/") != 0 ||
	    reject(why, REASON_REFUSED, "from %.8s", from);
}

static int
begin(void *context, struct reason *why)
{
	uint8_t buffer[65536];
	int fds[2];

	if (reader != -1) {
		/* The pipe before has ended. */
		while (read(reader, buffer, sizeof buffer) > 0)
			continue;
		assert_int_equal(read(reader, buffer, sizeof buffer), 0);
		(void)close(reader);
	}
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	assert_true(fcntl(fds[1], F_SETPIPE_SZ, 4096) >= 4096);
	reader = fds[0];
	nbegins++;
	return fds[1];
}

static void
progress(void *context, uint64_t received_len, uint64_t total_len)
{
	assert_true(total_len == 0 || received_len <= total_len);
}

static uint32_t
random_get(void *context)
{
	return random_number;
}

static const struct download_calls calls = { begin, progress, random_get };

static struct download *
start(const char *template, int64_t now_ms)
{
	struct download *download;
	struct reason why;

	transfer = (struct transfer){ .running = false };
	nbegins = 0;
	random_number = 0;
	if (!download_start(&download, NULL, template, hash, TIMEOUT_S, &calls, NULL, now_ms, &why))
		fail_msg("%s", why.text);
	return download;
}

/* The head of an answer; a header that is NULL is not there. */
static void
head(uint64_t from, const char *etag, const char *date)
{
	struct transfer_head answer = { .from = from, .total_len = 100000, .headers = {
	    etag == NULL ? (struct bytes){ NULL, 0 } : bytes_str(etag),
	    date == NULL ? (struct bytes){ NULL, 0 } : bytes_str(date) } };
	struct reason why;

	if (!transfer.sink.head(transfer.sink.context, &answer, &why))
		fail_msg("%s", why.text);
}

static void
body(size_t len)
{
	static const uint8_t bytes[TRANSFER_PIECE_MAX_LEN];

	if (transfer.sink.take(transfer.sink.context, (struct bytes){ bytes, len }) !=
	    TRANSFER_TAKEN)
		fail_msg("%zu bytes are not taken", len);
}

static void
answer(struct download *download, struct transfer_answer what, int64_t now_ms)
{
	assert_true(transfer.running);
	transfer.running = false;
	what.stream = true;
	what.why = (struct reason){ REASON_UNAVAILABLE, "it broke" };
	download_answer(download, &what, now_ms);
}

static const struct transfer_answer broken = { .http_status = 200, .retryable = true };

static void
expect_failed(const struct download *download, const char *text, bool timed_out)
{
	assert_int_equal(download_state(download), DOWNLOAD_FAILED);
	assert_string_equal(download_failure(download)->why.text, text);
	assert_int_equal(download_failure(download)->timed_out, timed_out);
	assert_false(transfer.running);
}

static void
test_url(void **state)
{
	static const struct {
		const char *template, *url;
	} cases[] = {
		{ TEMPLATE, URL },
		{ "http://h/{OS_IMAGE_HASH}", "http://h/" DIGITS },
		{ "http://h/{OS_IMAGE_HASH}{OS_IMAGE_HASH}{", "http://h/" DIGITS DIGITS "{" },
		{ "http://h/{{OS_IMAGE_HASH}}", "http://h/{" DIGITS "}" },
		{ "http://h/{os_image_hash}{OS_IMAGE_HASH", "http://h/{os_image_hash}{OS_IMAGE_HASH" },
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct download *download = start(cases[i].template, START_MS);

		assert_string_equal(transfer.url, cases[i].url);
		download_free(download);
		assert_false(transfer.running);
	}
}

/* From three quarters to five quarters of one second, then of two; nothing happens before. */
static void
test_pauses(void **state)
{
	static const struct {
		uint32_t random;
		int64_t first_ms, second_ms;
	} cases[] = {
		{ 0, 750, 1500 }, { 500, 1250, 2000 }, { 501, 750, 2001 }, { 1000, 1249, 2500 },
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct download *download = start(TEMPLATE, START_MS);
		int64_t at = START_MS + 10;

		random_number = cases[i].random;
		answer(download, broken, at);
		at += cases[i].first_ms;
		assert_int_equal(download_due_ms(download), at);
		download_tick(download, at - 1);
		assert_int_equal(transfer.nstarts, 1);
		download_tick(download, at);
		assert_int_equal(transfer.nstarts, 2);
		assert_int_equal(download_due_ms(download), START_MS + TIMEOUT_S * 1000);
		answer(download, broken, at);
		at += cases[i].second_ms;
		assert_int_equal(download_due_ms(download), at);
		download_tick(download, at);
		assert_int_equal(transfer.nstarts, 3);
		answer(download, broken, at);
		expect_failed(download, "it broke, url: " URL, false);
		download_free(download);
	}
}

/* A pause that would last beyond the end lasts to the end. */
static void
test_deadline(void **state)
{
	struct download *download = start(TEMPLATE, START_MS);
	int64_t end = START_MS + TIMEOUT_S * 1000;

	answer(download, broken, end - 100);
	assert_int_equal(download_due_ms(download), end);
	download_tick(download, end - 1);
	assert_int_equal(download_state(download), DOWNLOAD_RUNNING);
	download_tick(download, end);
	expect_failed(download, "not done after 300 seconds, url: " URL, true);
	assert_int_equal(transfer.nstarts, 1);
	download_free(download);
	/* Nor does one that runs last longer. */
	download = start(TEMPLATE, START_MS);
	download_tick(download, end - 1);
	assert_true(transfer.running);
	download_tick(download, end);
	expect_failed(download, "not done after 300 seconds, url: " URL, true);
	download_free(download);
}

/* What an answer's headers make of the next request. */
static void
test_validators(void **state)
{
	static const char date[] = "Sat, 29 Oct 1994 19:43:31 GMT";
	char longest[TRANSFER_IF_RANGE_MAX_LEN], too_long[TRANSFER_IF_RANGE_MAX_LEN + 1];
	const struct {
		const char *name, *etag, *date, *if_range;
	} cases[] = {
		{ "both", ETAG, date, ETAG },
		{ "tag alone", ETAG, NULL, ETAG },
		{ "empty tag", "\"\"", date, "\"\"" },
		{ "date alone", NULL, date, date },
		{ "neither", NULL, NULL, NULL },
		{ "weak", "W/\"e\"", NULL, NULL },
		/* The date would be no better. */
		{ "weak, and a date", "W/\"e\"", date, NULL },
		{ "no quotes", "e", date, NULL },
		{ "one quote", "\"", date, NULL },
		{ "no last quote", "\"e", date, NULL },
		{ "nothing", "", date, NULL },
		{ "empty date", NULL, "", NULL },
		{ "longest", longest, NULL, longest },
		{ "too long", too_long, NULL, NULL },
	};

	(void)snprintf(longest, sizeof longest, "\"%0*d\"", (int)sizeof longest - 3, 0);
	(void)snprintf(too_long, sizeof too_long, "\"%0*d\"", (int)sizeof too_long - 3, 0);
	for (size_t i = 0; i < NELEM(cases); i++) {
		struct download *download = start(TEMPLATE, START_MS);

		head(0, cases[i].etag, cases[i].date);
		body(1000);
		answer(download, broken, START_MS);
		download_tick(download, START_MS + 750);
		assert_int_equal(transfer.nstarts, 2);
		if (transfer.range_from != (cases[i].if_range == NULL ? 0 : 1000) ||
		    strcmp(transfer.if_range, cases[i].if_range == NULL ? "" : cases[i].if_range) !=
		    0)
			fail_msg("%s: \"%s\" from %d", cases[i].name, transfer.if_range,
			    (int)transfer.range_from);
		download_free(download);
	}
}

/* A part that is of another file, by its tag, date or length. */
static void
test_parts(void **state)
{
	static const struct {
		const char *name, *etag, *date, *etag_now, *date_now;
		uint64_t total_len;
		bool    accepted;
	} cases[] = {
		{ "the same", ETAG, "d", ETAG, "d", 100000, true },
		{ "says nothing", ETAG, "d", NULL, NULL, 0, true },
		{ "the tag decides", ETAG, "d", ETAG, "another", 100000, true },
		{ "another tag", ETAG, NULL, "\"f\"", NULL, 100000, false },
		{ "weak now", ETAG, NULL, "W/\"e\"", NULL, 100000, false },
		{ "another date", NULL, "d", NULL, "e", 100000, false },
		{ "longer", ETAG, NULL, ETAG, NULL, 100001, false },
	};

	for (size_t i = 0; i < NELEM(cases); i++) {
		struct download *download = start(TEMPLATE, START_MS);
		struct transfer_head part = { .from = 1000, .total_len = cases[i].total_len };
		struct reason why = { .text = "" };
		bool ok;

		head(0, cases[i].etag, cases[i].date);
		body(1000);
		answer(download, broken, START_MS);
		download_tick(download, START_MS + 750);
		if (cases[i].etag_now != NULL)
			part.headers[0] = bytes_str(cases[i].etag_now);
		if (cases[i].date_now != NULL)
			part.headers[1] = bytes_str(cases[i].date_now);
		ok = transfer.sink.head(transfer.sink.context, &part, &why);
		expect_reason(cases[i].name, ok, &why,
		    cases[i].accepted ? NULL : "HTTP 206 of another file");
		answer(download, (struct transfer_answer){ .http_status = 206, .retryable = ok },
		    START_MS + 750);
		download_tick(download, START_MS + 10000);
		assert_int_equal(transfer.nstarts, 3);
		assert_int_equal(transfer.range_from, ok ? 1000 : 0);
		assert_int_equal(nbegins, 1);
		download_free(download);
	}
}

/* Three of each attempt, which begins at the configured place. */
static void
test_redirects(void **state)
{
	struct download *download = start(TEMPLATE, START_MS);
	struct transfer_answer moved = { .http_status = 302, .location = "http://h/a" };

	for (unsigned i = 0; i < 2; i++) {
		assert_string_equal(transfer.url, URL);
		for (unsigned n = 0; n < DOWNLOAD_MAX_REDIRECTS; n++) {
			answer(download, moved, START_MS);
			assert_string_equal(transfer.url, "http://h/a");
		}
		answer(download, broken, START_MS);
		download_tick(download, download_due_ms(download));
	}
	answer(download, moved, START_MS);
	moved.location = "http://elsewhere/";
	answer(download, moved, START_MS);
	expect_failed(download, "from http://h, url: " URL, false);
	assert_int_equal(download_failure(download)->http_status, 302);
	download_free(download);
}

/* Held up when the pipe is full; what was taken goes first; done when all of it is in. */
static void
test_held(void **state)
{
	struct download *download = start(TEMPLATE, START_MS);
	const struct bytes more = { (const uint8_t *)"x", 1 };
	uint8_t buffer[8192];

	assert_int_equal(download_fd(download), -1);
	head(0, ETAG, NULL);
	body(8192 + 1);
	assert_true(download_fd(download) != -1);
	assert_int_equal(transfer.sink.take(transfer.sink.context, more), TRANSFER_HELD);
	download_tick(download, START_MS);
	assert_int_equal(transfer.nresumes, 0);
	assert_int_equal(read(reader, buffer, sizeof buffer), 4096);
	download_tick(download, START_MS);
	assert_int_equal(transfer.nresumes, 0);
	assert_int_equal(read(reader, buffer, sizeof buffer), 4096);
	download_tick(download, START_MS);
	assert_int_equal(transfer.nresumes, 1);
	assert_int_equal(download_fd(download), -1);
	body(4096);     /* behind one byte that is there: a pipe takes so few whole or not at all */
	answer(download, (struct transfer_answer){ .ok = true, .http_status = 200 }, START_MS);
	assert_int_equal(download_state(download), DOWNLOAD_RUNNING);
	assert_int_equal(download_due_ms(download), START_MS + TIMEOUT_S * 1000);
	assert_int_equal(read(reader, buffer, sizeof buffer), 1);
	download_tick(download, START_MS);
	assert_int_equal(download_state(download), DOWNLOAD_DONE);
	assert_int_equal(read(reader, buffer, sizeof buffer), 4096);
	assert_int_equal(read(reader, buffer, sizeof buffer), 0);
	download_tick(download, INT64_MAX);
	assert_int_equal(download_state(download), DOWNLOAD_DONE);
	download_free(download);
}

/* What waits for the pipe goes with it when the archive begins afresh. */
static void
test_afresh(void **state)
{
	struct download *download = start(TEMPLATE, START_MS);
	uint8_t buffer[8192];

	head(0, NULL, NULL);
	body(TRANSFER_PIECE_MAX_LEN);
	answer(download, broken, START_MS);
	assert_true(download_fd(download) != -1);
	download_tick(download, START_MS + 750);
	head(0, NULL, NULL);
	assert_int_equal(nbegins, 2);
	assert_int_equal(download_fd(download), -1);
	body(100);
	answer(download, (struct transfer_answer){ .ok = true, .http_status = 200 }, START_MS);
	assert_int_equal(download_state(download), DOWNLOAD_DONE);
	assert_int_equal(read(reader, buffer, sizeof buffer), 100);
	download_free(download);
}

/* The reader goes between two attempts, while something waits for it. */
static void
test_gone(void **state)
{
	struct download *download = start(TEMPLATE, START_MS);

	head(0, ETAG, NULL);
	body(TRANSFER_PIECE_MAX_LEN);
	answer(download, broken, START_MS);
	(void)close(reader);
	reader = -1;
	download_tick(download, START_MS + 1);
	assert_int_equal(download_state(download), DOWNLOAD_SINK_GONE);
	assert_int_equal(download_fd(download), -1);
	assert_int_equal(transfer.nstarts, 1);
	download_free(download);
}

static int
setup(void **state)
{
	(void)signal(SIGPIPE, SIG_IGN);
	log_level_set(LOG_ERR);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_url),
		cmocka_unit_test(test_pauses),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_validators),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_redirects),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_afresh),
		cmocka_unit_test(test_gone),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
