#include "cli/verify_command.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/file.h"
#include "core/utf8.h"

#define RESULT_SUFFIX   ".verification.json"

#define TEXT_LEN        1024

/* An answer for what never became a question; gives the exit status. */
static int
fault_print(struct session *session, enum dv_fault fault, const char *text)
{
	struct dv_answer answer;

	if (!dv_fault_answer(session->context, &answer, fault, text)) {
		session_say(session->config, LOG_LEVEL_ERROR, "no memory");
		return EXIT_INVALID;
	}
	(void)session_print(session, &answer);
	return EXIT_INVALID;
}

static bool
request_file_read(struct session *session, struct bytes *out, struct reason *why)
{
	const char *path = session->options->file;

	if (!file_read(out, session->arena, path, SESSION_INPUT_MAX, why))
		return reject_as(why, "Failed to read file %s", path);
	if (!utf8_valid(*out))
		return reject(why, REASON_MALFORMED,
		    "Failed to read file %s: stream did not contain valid UTF-8", path);
	return true;
}

/* A verdict goes to a file as well; faults of the request or of ours do not. */
static bool
wants_result_file(const struct session *session, const struct dv_answer *answer)
{
	return strcmp(session->options->file, "-") != 0 &&
	    answer->stage != DV_STAGE_REQUEST && answer->stage != DV_STAGE_INTERNAL;
}

static bool
result_write(const char *path, const struct dv_answer *answer, struct reason *why)
{
	char *name = NULL, *pretty;
	size_t len = 0;
	bool ok;

	pretty = dv_json_pretty(answer->json, &len);
	if (pretty == NULL || asprintf(&name, "%s%s", path, RESULT_SUFFIX) < 0) {
		free(pretty);
		return reject(why, REASON_INTERNAL, "no memory");
	}
	ok = file_write(name, (struct bytes){ (const uint8_t *)pretty, len }, why);
	free(pretty);
	free(name);
	return ok;
}

int
verify_command(struct session *session)
{
	const char *path = session->options->file;
	struct dv_answer answer = { 0 };
	char text[TEXT_LEN];
	struct reason why;
	struct bytes body;

	if (session->clock_wrong)
		return fault_print(session, DV_FAULT_CLOCK, NULL);
	if (!request_file_read(session, &body, &why))
		return fault_print(session, DV_FAULT_INPUT, why.text);
	if (!session_judge(session, &answer, body, dv_verify)) {
		session_say(session->config, LOG_LEVEL_ERROR, "no memory");
		return EXIT_INVALID;
	}
	if (answer.http_status != 200) {
		(void)snprintf(text, sizeof text, "Failed to parse JSON: %s", answer.reason);
		return fault_print(session, DV_FAULT_INPUT, text);
	}
	if (wants_result_file(session, &answer) && !result_write(path, &answer, &why))
		session_say(session->config, LOG_LEVEL_WARN,
		    "Failed to write verification result to %s%s: %s", path, RESULT_SUFFIX, why.text);
	return session_print(session, &answer);
}
