/*
 * Requests on one connection, all at once and in pieces: both have to come to the same.  The
 * first byte is the length of the pieces.
 */
#include "server/http_request.h"

#include <stdio.h>

#include "core/digest.h"
#include "fuzz.h"

#define BODY_MAX_LEN    ((size_t)10 << 10)
#define REQUESTS_MAX    16

struct outcome {
	size_t  nrequests;
	bool    failed;
	struct digest256 digest;        /* of all that complete requests said */
};

static void
outcome_add(struct outcome *outcome, struct http_request *r)
{
	const char *allow = "";
	const uint8_t said[] = { (uint8_t)http_request_route(r, true, &allow) & 0xff,
	    (uint8_t)r->target, r->keep_alive, r->http10, r->expects_continue,
	    http_request_is_head(r) };
	struct blob *body = http_request_take_body(r);
	const struct bytes parts[] = { BYTES_OF(outcome->digest.data), BYTES_OF(said),
	    bytes_str(allow), body == NULL ? (struct bytes){ 0 } : blob_bytes(body) };
	struct digest256 digest;

	fuzz_must(body != NULL && body->len <= BODY_MAX_LEN, "a body longer than the limit");
	digest256_of_parts(&digest, parts, NELEM(parts));
	outcome->digest = digest;
	outcome->nrequests++;
	blob_free(body);
	http_request_reset(r);
}

static void
error_check(const struct http_request *r)
{
	struct reason why = { .kind = REASON_MALFORMED };

	fuzz_must(r->status == 400 || r->status == 413 || r->status == 431 || r->status == 501,
	    "an error without a status");
	fuzz_must(r->detail != NULL, "an error without a detail");
	(void)snprintf(why.text, sizeof why.text, "%s", r->detail);
	(void)fuzz_sense(false, &why);
}

/* As a connection does: straight to the body where there is room for it. */
static enum http_event
feed(struct http_request *r, struct bytes in, size_t *taken)
{
	uint8_t *room;
	size_t len = http_request_room(r, &room);

	if (len != 0) {
		in.len = in.len < len ? in.len : len;
		bytes_copy(room, in);
		in.ptr = room;
	}
	return http_request_feed(r, in, taken);
}

static void
connection_run(struct outcome *outcome, struct bytes in, size_t piece)
{
	struct http_request r;
	size_t taken;

	*outcome = (struct outcome){ 0 };
	http_request_init(&r, BODY_MAX_LEN);
	while (in.len != 0 && !outcome->failed && outcome->nrequests < REQUESTS_MAX) {
		struct bytes now = { in.ptr, in.len < piece ? in.len : piece };

		switch (feed(&r, now, &taken)) {
		case HTTP_EVENT_MORE:
			fuzz_must(taken != 0, "takes nothing");
			break;
		case HTTP_EVENT_HEAD:
			(void)http_request_has_body(&r);
			break;
		case HTTP_EVENT_COMPLETE:
			outcome_add(outcome, &r);
			break;
		case HTTP_EVENT_ERROR:
			error_check(&r);
			outcome->failed = true;
			break;
		}
		fuzz_must(taken <= now.len, "takes more than there is");
		in.ptr += taken;
		in.len -= taken;
	}
	http_request_reset(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = { data, len };
	const size_t piece = 1 + (size_t)fuzz_choice(&in);
	struct outcome whole, pieces;

	connection_run(&whole, in, SIZE_MAX);
	connection_run(&pieces, in, piece);
	fuzz_must(whole.nrequests == pieces.nrequests && whole.failed == pieces.failed &&
	    digest256_equal(&whole.digest, &pieces.digest), "pieces come to something else");
	return 0;
}
