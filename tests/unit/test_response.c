#include "testing.h"

#include "server/response.h"

/* What the framework's catcher writes, and one member more. */
static void
test_error(void **state)
{
	static const char wanted[] =
	    "{\n"
	    "  \"error\": {\n"
	    "    \"code\": 422,\n"
	    "    \"reason\": \"Unprocessable Entity\",\n"
	    "    \"description\": \"The request was well-formed but was unable to be followed "
	    "due to semantic errors.\",\n"
	    "    \"detail\": \"a \\\"quoted\\\" \\u0001 word\"\n"
	    "  }\n"
	    "}";
	struct response response;

	(void)state;
	assert_true(response_error(&response, 422, bytes_str("a \"quoted\" \1 word")));
	assert_int_equal(response.status, 422);
	assert_int_equal(response.body.len, strlen(wanted));
	assert_memory_equal(response.body.ptr, wanted, strlen(wanted));
	response_fini(&response);
	assert_null(response.owner);
}

static const struct {
	struct response response;
	enum response_connection connection;
	int64_t date;
	const char *head;
} heads[] = {
	{ { .status = 200, .body = { NULL, 43 } }, RESPONSE_KEEP, 784111777,
	    "HTTP/1.1 200 OK\r\n"
	    "Server: dstack-verifier\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "Content-Type: application/json\r\n"
	    "Content-Length: 43\r\n"
	    "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
	    "\r\n" },
	{ { .status = 503, .retry_after_secs = 15 }, RESPONSE_CLOSE, 1780536131,
	    "HTTP/1.1 503 Service Unavailable\r\n"
	    "Server: dstack-verifier\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "Content-Type: application/json\r\n"
	    "Content-Length: 0\r\n"
	    "Date: Thu, 04 Jun 2026 01:22:11 GMT\r\n"
	    "Retry-After: 15\r\n"
	    "Connection: close\r\n"
	    "\r\n" },
	{ { .status = 405, .allow = "GET, HEAD" }, RESPONSE_KEEP_HTTP10, 1780536131,
	    "HTTP/1.1 405 Method Not Allowed\r\n"
	    "Server: dstack-verifier\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "Content-Type: application/json\r\n"
	    "Content-Length: 0\r\n"
	    "Date: Thu, 04 Jun 2026 01:22:11 GMT\r\n"
	    "Allow: GET, HEAD\r\n"
	    "Connection: keep-alive\r\n"
	    "\r\n" },
};

static void
test_head(void **state)
{
	(void)state;
	for (size_t i = 0; i < NELEM(heads); i++) {
		char head[RESPONSE_HEAD_SIZE];
		size_t len = response_head(head, &heads[i].response, heads[i].connection,
		    heads[i].date);

		assert_int_equal(len, strlen(heads[i].head));
		assert_memory_equal(head, heads[i].head, len);
	}
}

/* The longest of everything fits. */
static void
test_head_room(void **state)
{
	const struct response response = { .status = 431, .retry_after_secs = UINT32_MAX,
		.allow = "GET, HEAD", .body = { NULL, SIZE_MAX } };
	char head[RESPONSE_HEAD_SIZE];

	(void)state;
	assert_true(response_head(head, &response, RESPONSE_KEEP_HTTP10, 1) < RESPONSE_HEAD_SIZE);
}

static void
test_health(void **state)
{
	struct response response;

	(void)state;
	response_health(&response);
	assert_string_equal((const char *)response.body.ptr,
	    "{\"status\":\"ok\",\"service\":\"dstack-verifier\"}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_error),
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_head_room),
		cmocka_unit_test(test_health),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
