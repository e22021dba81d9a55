/*
 * test_http_request.c - requests as they are on the wire, whole and byte by byte
 */
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/http_request.h"

#define MAX_BODY_LEN    100

/* What became of a request. */
struct outcome {
	unsigned status;        /* 0: a complete POST /verify                           */
	char    body[256];
	char    detail[128];
	size_t  left;           /* bytes behind it                                      */
};

/* Feeds `raw` in pieces: until complete, answered or refused. */
static struct outcome
run(struct bytes raw, size_t piece, size_t max_body_len)
{
	struct outcome outcome = { .status = 1 };
	struct http_request r;
	size_t at = 0;

	http_request_init(&r, max_body_len);
	while (outcome.status == 1 && at < raw.len) {
		size_t len = raw.len - at < piece ? raw.len - at : piece, taken;
		const char *allow;

		switch (http_request_feed(&r, (struct bytes){ raw.ptr + at, len }, &taken)) {
		case HTTP_EVENT_MORE:
			assert_int_equal(taken, len);
			break;
		case HTTP_EVENT_HEAD:
			outcome.status = http_request_route(&r, false, &allow);
			if (outcome.status == 0 && http_request_has_body(&r))
				outcome.status = 1;
			break;
		case HTTP_EVENT_COMPLETE:
			outcome.status = 0;
			break;
		case HTTP_EVENT_ERROR:
			outcome.status = r.status;
			(void)snprintf(outcome.detail, sizeof outcome.detail, "%s", r.detail);
			break;
		}
		at += taken;
	}
	if (outcome.status == 0) {
		AUTO(blob_free) struct blob *body = http_request_take_body(&r);

		assert_non_null(body);
		bytes_copy(outcome.body, (struct bytes){ body->data,
		    body->len < 255 ? body->len : 255 });
	}
	outcome.left = raw.len - at;
	http_request_reset(&r);
	return outcome;
}

#define POST            "POST /verify HTTP/1.1\r\n"
#define HUNDRED         "0123456789012345678901234567890123456789012345678901234567890123456789" \
	"012345678901234567890123456789"

static const struct {
	const char *name, *raw;
	unsigned status;
	const char *text;       /* the body, or the detail                              */
} cases[] = {
	{ "plain", POST "Content-Length: 3\r\n\r\nabc", 0, "abc" },
	{ "no length", POST "\r\n", 0, "" },
	{ "length 0", POST "Content-Length: 0\r\n\r\n", 0, "" },
	{ "query", "POST /verify?x=1 HTTP/1.1\r\nContent-Length: 1\r\n\r\na", 0, "a" },
	{ "for a proxy", "POST http://host:8080/verify?x HTTP/1.1\r\nContent-Length: 1\r\n\r\na",
	    0, "a" },
	{ "HTTP/1.0", "POST /verify HTTP/1.0\r\nContent-Length: 1\r\n\r\na", 0, "a" },
	{ "any case", POST "cOnTeNt-LeNgTh: 2\r\n\r\nab", 0, "ab" },
	{ "one hundred", POST "Content-Length: 100\r\n\r\n" HUNDRED, 0, HUNDRED },
	{ "too long", POST "Content-Length: 101\r\n\r\n", 413, "" },
	{ "far too long", POST "Content-Length: 18446744073709551615\r\n\r\n", 413, "" },
	{ "longer than a number", POST "Content-Length: 18446744073709551616\r\n\r\n", 400,
	    "Content-Length overflow" },
	{ "chunked", POST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
	    0, "abcde" },
	{ "chunked with spaces", POST "Transfer-Encoding:  chunked \r\n\r\n1\r\na\r\n0\r\n\r\n",
	    0, "a" },
	{ "chunked with a trailer", POST
	    "Transfer-Encoding: Chunked\r\n\r\n1\r\na\r\n0\r\nExpect: x\r\n\r\n", 0, "a" },
	{ "chunked too long", POST "Transfer-Encoding: chunked\r\n\r\n64\r\n" HUNDRED
	    "\r\n1\r\na\r\n0\r\n\r\n", 413, "the body is longer than max_body_bytes" },
	{ "chunked just so", POST "Transfer-Encoding: chunked\r\n\r\n64\r\n" HUNDRED
	    "\r\n0\r\n\r\n", 0, HUNDRED },
	{ "chunk size is no number", POST "Transfer-Encoding: chunked\r\n\r\nx\r\n", 400,
	    "Invalid character in chunk size" },
	{ "chunk longer than it says", POST "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", 400,
	    "Expected CRLF after chunk" },
	{ "chunk size overflows", POST "Transfer-Encoding: chunked\r\n\r\n11111111111111111\r\n",
	    400, "Chunk size overflow" },
	{ "gzip", POST "Transfer-Encoding: gzip\r\n\r\n", 501,
	    "only the transfer coding chunked is supported" },
	{ "gzip, chunked", POST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501,
	    "only the transfer coding chunked is supported" },
	{ "gzip and chunked", POST "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n",
	    501, "only the transfer coding chunked is supported" },
	{ "chunked twice", POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
	    400, "Invalid `Transfer-Encoding` header value" },
	{ "identity", POST "Transfer-Encoding: identity\r\n\r\n", 501,
	    "only the transfer coding chunked is supported" },
	{ "chunked in HTTP/1.0", "POST /verify HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
	    400, "Transfer-Encoding in an HTTP/1.0 request" },
	{ "both lengths", POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400,
	    "Content-Length can't be present with Transfer-Encoding" },
	{ "both lengths, the other way", POST
	    "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 400,
	    "Content-Length can't be present with Transfer-Encoding" },
	{ "two different lengths", POST "Content-Length: 1\r\nContent-Length: 2\r\n\r\na", 400,
	    "Duplicate Content-Length" },
	{ "the same length twice", POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\na", 400,
	    "Duplicate Content-Length" },
	{ "a list of lengths", POST "Content-Length: 1, 1\r\n\r\na", 400,
	    "Invalid character in Content-Length" },
	{ "negative length", POST "Content-Length: -1\r\n\r\n", 400,
	    "Invalid character in Content-Length" },
	{ "signed length", POST "Content-Length: +1\r\n\r\n", 400,
	    "Invalid character in Content-Length" },
	{ "hex length", POST "Content-Length: 0x1\r\n\r\n", 400,
	    "Invalid character in Content-Length" },
	{ "space before the colon", POST "Content-Length : 1\r\n\r\na", 400,
	    "Invalid header field char" },
	{ "folded line", POST "X: a\r\n b\r\nContent-Length: 1\r\n\r\na", 400,
	    "a header line goes on in the next" },
	{ "folded with a tab", POST "X: a\r\n\tb\r\nContent-Length: 1\r\n\r\na", 400,
	    "a header line goes on in the next" },
	{ "space before the first header", POST " X: a\r\nContent-Length: 1\r\n\r\na", 400,
	    "a header line goes on in the next" },
	{ "bare LF", "POST /verify HTTP/1.1\nContent-Length: 1\n\na", 400, "a line ends in LF without CR" },
	{ "bare LF in a header", POST "Content-Length: 1\n\na", 400, "a line ends in LF without CR" },
	{ "bare LF at the end", POST "Content-Length: 1\r\n\na", 400, "a line ends in LF without CR" },
	{ "bare CR in a header", POST "X: a\rb\r\n\r\n", 400,
	    "Missing expected LF after header value" },
	{ "control character in a value", POST "X: a\001b\r\n\r\n", 400,
	    "Invalid header value char" },
	{ "no header name", POST ": a\r\n\r\n", 400, "a header without a name" },
	{ "no colon", POST "X\r\n\r\n", 400, "Invalid header token" },
	{ "no method of HTTP", "FROB /verify HTTP/1.1\r\n\r\n", 400, "Invalid method encountered" },
	{ "lower case method", "post /verify HTTP/1.1\r\n\r\n", 400, "Invalid method encountered" },
	{ "HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "" },
	{ "HTTP/2 in words", "GET /health HTTP/2.0\r\n\r\n", 400,
	    "HTTP version is neither 1.0 nor 1.1" },
	{ "HTTP/0.9", "GET /health HTTP/0.9\r\n\r\n", 400, "HTTP version is neither 1.0 nor 1.1" },
	{ "HTTP/1.2", "GET /health HTTP/1.2\r\n\r\n", 400, "Invalid HTTP version" },
	{ "no version", "GET /health\r\n\r\n", 400,
	    "HTTP version is neither 1.0 nor 1.1" },
	{ "no HTTP", "\026\003\001\001", 400, "Invalid method encountered" },
	{ "health", "GET /health HTTP/1.1\r\n\r\n", 200, "" },
	{ "health, head", "HEAD /health HTTP/1.1\r\n\r\n", 200, "" },
	{ "health, query", "GET /health?verbose HTTP/1.1\r\n\r\n", 200, "" },
	{ "health, offered HTTP/2", "GET /health HTTP/1.1\r\nConnection: Upgrade\r\n"
	    "Upgrade: h2c\r\n\r\n", 200, "" },
	{ "verify, offered HTTP/2", POST "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
	    "Content-Length: 2\r\n\r\nab", 0, "ab" },
	{ "empty lines first", "\r\n\r\nGET /health HTTP/1.1\r\n\r\n", 200, "" },
	{ "GET /verify", "GET /verify HTTP/1.1\r\n\r\n", 404, "" },
	{ "POST /health", "POST /health HTTP/1.1\r\n\r\n", 404, "" },
	{ "OPTIONS /verify", "OPTIONS /verify HTTP/1.1\r\n\r\n", 404, "" },
	{ "OPTIONS *", "OPTIONS * HTTP/1.1\r\n\r\n", 404, "" },
	{ "CONNECT", "CONNECT host:1 HTTP/1.1\r\n\r\n", 404, "" },
	{ "slash", "GET / HTTP/1.1\r\n\r\n", 404, "" },
	{ "trailing slash", "POST /verify/ HTTP/1.1\r\n\r\n", 404, "" },
	{ "longer path", "POST /verifyx HTTP/1.1\r\n\r\n", 404, "" },
	{ "shorter path", "POST /verif HTTP/1.1\r\n\r\n", 404, "" },
	{ "other case", "POST /Verify HTTP/1.1\r\n\r\n", 404, "" },
	{ "escaped", "POST /%76erify HTTP/1.1\r\n\r\n", 404, "" },
};

static void
check(size_t i, size_t piece)
{
	struct outcome outcome = run(bytes_str(cases[i].raw), piece, MAX_BODY_LEN);

	if (outcome.status != cases[i].status ||
	    strcmp(outcome.status == 0 ? outcome.body : outcome.detail, cases[i].text) != 0)
		if (cases[i].text[0] != '\0' || outcome.status != cases[i].status)
			fail_msg("%s, pieces of %zu: got %u \"%s\"", cases[i].name, piece,
			    outcome.status, outcome.status == 0 ? outcome.body : outcome.detail);
	if (outcome.status == 0)
		assert_int_equal(outcome.left, 0);
}

static void
test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(cases); i++) {
		check(i, 100000);
		check(i, 1);
		check(i, 7);
	}
}

/* A NUL is nothing a C string can hold. */
static void
test_nul(void **state)
{
	static const char raw[] = POST "X: a\0b\r\n\r\n";

	(void)state;
	assert_int_equal(run((struct bytes){ (const uint8_t *)raw, sizeof raw - 1 }, 1000,
	    MAX_BODY_LEN).status, 400);
}

/* A head of just so many bytes and lines. */
static struct outcome
head(size_t len, size_t nlines, size_t piece)
{
	char *raw = malloc(len + 1);
	size_t at = (size_t)snprintf(raw, len, "GET /health HTTP/1.1\r\n");
	struct outcome outcome;

	assert_non_null(raw);
	for (size_t i = 1; i < nlines; i++)
		at += (size_t)snprintf(raw + at, len - at, "X: y\r\n");
	at += (size_t)snprintf(raw + at, len - at, "Y: ");
	memset(raw + at, 'z', len - 4 - at);
	memcpy(raw + len - 4, "\r\n\r\n", 4);
	outcome = run((struct bytes){ (const uint8_t *)raw, len }, piece, MAX_BODY_LEN);
	free(raw);
	return outcome;
}

static void
test_head_limits(void **state)
{
	(void)state;
	for (size_t piece = 1; piece < 100000; piece *= 40) {
		assert_int_equal(head(16384, 1, piece).status, 200);
		assert_string_equal(head(16385, 1, piece).detail,
		    "the head is longer than 16384 bytes");
		assert_string_equal(head(40000, 1, piece).detail,
		    "the head is longer than 16384 bytes");
		assert_int_equal(head(2000, 100, piece).status, 200);
		assert_string_equal(head(2000, 101, piece).detail, "more than 100 header lines");
	}
}

/* What is no body, in a chunked body, is bounded, too. */
static void
test_framing(void **state)
{
	static const char begin[] = POST "Transfer-Encoding: chunked\r\n\r\n1;";
	const size_t len = 80000;
	char *raw = malloc(len);

	(void)state;
	assert_non_null(raw);
	memset(raw, 'x', len);
	memcpy(raw, begin, sizeof begin - 1);
	assert_int_equal(run((struct bytes){ (const uint8_t *)raw, len }, 1000,
	    MAX_BODY_LEN).status, 413);
	free(raw);
}

/* Received where it belongs: no copy, and the blob is no longer than the body. */
static void
test_room(void **state)
{
	static const char start[] = POST "Content-Length: 200000\r\n\r\nab";
	struct bytes in = { (const uint8_t *)start, sizeof start - 1 };
	struct http_request r;
	enum http_event event;
	struct blob *body;
	size_t taken, nrooms = 0, room;
	uint8_t *to;

	(void)state;
	http_request_init(&r, 1 << 20);
	assert_int_equal(http_request_room(&r, &to), 0);
	assert_int_equal(http_request_feed(&r, in, &taken), HTTP_EVENT_HEAD);
	in = (struct bytes){ in.ptr + taken, in.len - taken };
	assert_int_equal(http_request_feed(&r, in, &taken), HTTP_EVENT_MORE);
	assert_true(r.body->len < 100000);
	do {
		room = http_request_room(&r, &to);
		assert_true(room > 0 && to == r.body->data + r.body_len);
		memset(to, 'c', room);
		event = http_request_feed(&r, (struct bytes){ to, room }, &taken);
		nrooms++;
	} while (event == HTTP_EVENT_MORE);
	assert_int_equal(event, HTTP_EVENT_COMPLETE);
	assert_true(nrooms < 4);
	body = http_request_take_body(&r);
	assert_int_equal(body->len, 200000);
	assert_memory_equal(body->data, "abc", 3);
	assert_int_equal(body->data[199999], 'c');
	blob_free(body);
	http_request_reset(&r);
}

static void
test_strict(void **state)
{
	static const struct {
		const char *raw;
		unsigned status;
		const char *allow;
	} rows[] = {
		{ "GET /verify HTTP/1.1\r\n\r\n", 405, "POST" },
		{ "POST /health HTTP/1.1\r\n\r\n", 405, "GET, HEAD" },
		{ "GET /x HTTP/1.1\r\n\r\n", 404, NULL },
		{ "HEAD /health HTTP/1.1\r\n\r\n", 200, NULL },
	};

	(void)state;
	for (size_t i = 0; i < NELEM(rows); i++) {
		struct http_request r;
		const char *allow = NULL;
		size_t taken;

		http_request_init(&r, MAX_BODY_LEN);
		assert_int_equal(http_request_feed(&r, bytes_str(rows[i].raw), &taken),
		    HTTP_EVENT_HEAD);
		assert_int_equal(http_request_route(&r, true, &allow), rows[i].status);
		if (rows[i].allow != NULL)
			assert_string_equal(allow, rows[i].allow);
		http_request_reset(&r);
	}
}

static const struct {
	const char *name, *raw;
	bool    keep_alive, expects_continue;
} connections[] = {
	{ "1.1", POST "\r\n", true, false },
	{ "1.1 close", POST "Connection: close\r\n\r\n", false, false },
	{ "1.0", "POST /verify HTTP/1.0\r\n\r\n", false, false },
	{ "1.0 keep-alive", "POST /verify HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true, false },
	{ "expect", POST "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n", true, true },
	{ "expect in another case", POST "expect: 100-Continue\r\nContent-Length: 1\r\n\r\n", true,
	    true },
	{ "expect something else", POST "Expect: 100-continue-and-more-than-that\r\n\r\n", true,
	    false },
	{ "longer name", POST "Expecting-more-than-we-keep: 100-continue\r\n\r\n", true, false },
	{ "empty value", POST "Expect:\r\nX: 100-continue\r\n\r\n", true, false },
};

static void
test_connections(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(connections); i++) {
		struct http_request r;
		size_t taken;

		http_request_init(&r, MAX_BODY_LEN);
		if (http_request_feed(&r, bytes_str(connections[i].raw), &taken) !=
		    HTTP_EVENT_HEAD ||
		    r.keep_alive != connections[i].keep_alive ||
		    r.expects_continue != connections[i].expects_continue)
			fail_msg("%s", connections[i].name);
		http_request_reset(&r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_head_limits),
		cmocka_unit_test(test_framing),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_strict),
		cmocka_unit_test(test_connections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
