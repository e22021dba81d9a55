/*
 * request.h - the body of POST /verify and of a --verify file
 *
 * Judged exactly as the Rust verifier's framework judges it: what is not JSON is 400, JSON of
 * another shape is 422, and everything else is a question that gets an answer.
 *
 *   source  http-api-and-cli.md 2, 2.1, 11.1 (last table), 12 item 16
 */
#ifndef EVIDENCE_REQUEST_H
#define EVIDENCE_REQUEST_H

#include "core/arena.h"

#define REQUEST_DEPTH_MAX       1024

enum request_form {
	REQUEST_ATTESTATION,            /* form A                                     */
	REQUEST_QUOTE,                  /* form B                                     */
};

/* A member that may be absent; null in the request is absent, "" is not. */
struct request_bytes {
	bool    given;
	struct bytes value;
};

struct request {
	struct request_bytes quote;             /* decoded                            */
	struct request_bytes attestation;       /* decoded                            */
	struct request_bytes event_log;         /* JSON text                          */
	struct request_bytes vm_config;         /* JSON text                          */

	bool    explain;
	struct request_bytes expected_report_data;      /* 64 bytes, padded           */
	struct request_bytes expected_app_id;
	struct request_bytes expected_compose_hash;
	struct request_bytes expected_os_image_hash;
	bool    has_allowed_tcb_statuses;               /* an empty list allows nothing */
	struct bytes *allowed_tcb_statuses;             /* in the arena               */
	size_t  n_allowed_tcb_statuses;
};

/*
 * request_read - one JSON object, from the first byte to the last
 *
 *   body            borrowed by *out
 *   lenient_json    event_log may be an array and vm_config an object
 *   status          200, 400 or 422; also when false is returned
 *   fails           MALFORMED with 400 (no JSON, deeper than REQUEST_DEPTH_MAX) or 422 (wrong
 *                   shape); the text is what `detail` of the error body says
 *                   LIMIT, INTERNAL: memory; *status is 200, the answer an internal error
 */
bool    request_read(struct request *out, struct arena *arena, struct bytes body,
    bool lenient_json, int *status, struct reason *why) MUST_CHECK;

/*
 * request_form - which evidence the request carries
 *
 *   fails   MALFORMED    "Quote is required", "Event log is required"
 */
bool    request_form(enum request_form *out, const struct request *request,
    struct reason *why) MUST_CHECK;

/*
 * request_outer_len - how much of an "Internal error" chain HTTP clients see
 *
 * Over HTTP only the outermost message is shown, the one-shot mode shows the whole chain.
 * Outermost messages of this directory hold no ": ".
 */
size_t  request_outer_len(const struct reason *why);

#endif
