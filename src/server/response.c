#include "server/response.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

#include "core/json_writer.h"

static const struct {
	unsigned status;
	const char *reason, *description;
} statuses[] = {
	{ 200, "OK", "" },
	{ 400, "Bad Request",
	    "The request could not be understood by the server due to malformed syntax." },
	{ 404, "Not Found", "The requested resource could not be found." },
	{ 405, "Method Not Allowed",
	    "The request method is not supported for the requested resource." },
	{ 408, "Request Timeout",
	    "The server timed out waiting for the request." },
	{ 413, "Payload Too Large",
	    "The request is larger than the server is willing or able to process." },
	{ 422, "Unprocessable Entity",
	    "The request was well-formed but was unable to be followed due to semantic errors." },
	{ 431, "Request Header Fields Too Large",
	    "The server is unwilling to process the request because its header fields are too large." },
	{ 500, "Internal Server Error",
	    "The server encountered an internal error while processing this request." },
	{ 501, "Not Implemented",
	    "The server does not support the functionality required to fulfill the request." },
	{ 503, "Service Unavailable",
	    "The server is currently unavailable." },
};

static size_t
status_find(unsigned status)
{
	for (size_t i = 0; i < NELEM(statuses); i++)
		if (statuses[i].status == status)
			return i;
	assert(!"a status of ours");
	return 0;
}

void
response_fini(struct response *response)
{
	blob_free(response->owner);
	*response = (struct response){ 0 };
}

const char *
response_reason(unsigned status)
{
	return statuses[status_find(status)].reason;
}

static bool
error_write(CBB *out, unsigned status, struct bytes detail)
{
	struct json_writer w = { .out = out };
	size_t i = status_find(status);

	json_write_object(&w, NULL);
	json_write_object(&w, "error");
	json_write_u64(&w, "code", status);
	json_write_text(&w, "reason", statuses[i].reason);
	json_write_text(&w, "description", statuses[i].description);
	json_write_str(&w, "detail", detail);
	json_write_end_object(&w);
	json_write_end_object(&w);
	return json_writer_ok(&w);
}

bool
response_error(struct response *out, unsigned status, struct bytes detail)
{
	CBB compact, pretty;
	struct blob *blob = NULL;

	*out = (struct response){ .status = status };
	CBB_zero(&pretty);
	if (CBB_init(&compact, 512) && CBB_init(&pretty, 512) &&
	    error_write(&compact, status, detail) &&
	    json_indent(&pretty, (struct bytes){ CBB_data(&compact), CBB_len(&compact) }))
		blob = blob_new(CBB_len(&pretty));
	if (blob != NULL) {
		bytes_copy(blob->data, (struct bytes){ CBB_data(&pretty), CBB_len(&pretty) });
		out->owner = blob;
		out->body = blob_bytes(blob);
	}
	CBB_cleanup(&compact);
	CBB_cleanup(&pretty);
	return blob != NULL;
}

void
response_health(struct response *out)
{
	*out = (struct response){ .status = 200,
	    .body = bytes_str("{\"status\":\"ok\",\"service\":\"dstack-verifier\"}") };
}

/* The Date header, made once a second. */
static const char *
date_text(int64_t date)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
	    "Sep", "Oct", "Nov", "Dec" };
	static char text[64];
	static int64_t of = -1;
	time_t t = (time_t)date;
	struct tm tm;

	if (date == of)
		return text;
	if (gmtime_r(&t, &tm) == NULL)
		return "Thu, 01 Jan 1970 00:00:00 GMT";
	(void)snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT",
	    days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon], (tm.tm_year + 1900) % 10000,
	    tm.tm_hour, tm.tm_min, tm.tm_sec);
	of = date;
	return text;
}

size_t
response_head(char to[RESPONSE_HEAD_SIZE], const struct response *response,
    enum response_connection connection, int64_t date)
{
	static const char *const said[] = {
		[RESPONSE_KEEP] = "",
		[RESPONSE_KEEP_HTTP10] = "Connection: keep-alive\r\n",
		[RESPONSE_CLOSE] = "Connection: close\r\n",
	};
	char retry[40] = "", allow[40] = "";
	int n;

	if (response->retry_after_secs != 0)
		(void)snprintf(retry, sizeof retry, "Retry-After: %u\r\n",
		    response->retry_after_secs);
	if (response->allow != NULL)
		(void)snprintf(allow, sizeof allow, "Allow: %s\r\n", response->allow);
	n = snprintf(to, RESPONSE_HEAD_SIZE,
	    "HTTP/1.1 %u %s\r\n"
	    "Server: dstack-verifier\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "Content-Type: application/json\r\n"
	    "Content-Length: %zu\r\n"
	    "Date: %s\r\n"
	    "%s%s%s\r\n",
	    response->status, response_reason(response->status), response->body.len,
	    date_text(date), retry, allow, said[connection]);
	assert(n > 0 && n < RESPONSE_HEAD_SIZE);
	return (size_t)n;
}
