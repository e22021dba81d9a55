#include "cli/verify_command.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/file.h"
#include "core/json_writer.h"
#include "core/utf8.h"

#define RESULT_SUFFIX   ".verification.json"

#define TEXT_LEN        1024

/* Something of ours is broken, and there is no answer to print. */
static int
broken(const struct session *session, const struct reason *why)
{
	session_say(session->config, LOG_LEVEL_ERROR, "%s", why->text);
	return EXIT_INVALID;
}

/* An answer for what never became a question; gives the exit status. */
static int
fault_print(struct session *session, const char *text)
{
	struct session_answer answer;
	struct reason why = { 0 };

	if (!session_judge(session, &answer, JOB_FAULT, bytes_str(text), &why))
		return broken(session, &why);
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
wants_result_file(const struct session *session, const struct session_answer *answer)
{
	return strcmp(session->options->file, "-") != 0 &&
	    answer->head.stage != DV_STAGE_REQUEST && answer->head.stage != DV_STAGE_INTERNAL;
}

static bool
result_write(const char *path, struct bytes text, struct reason *why)
{
	char *name = NULL;
	bool ok = false;
	CBB pretty;

	if (!CBB_init(&pretty, 2 * text.len))
		return reject(why, REASON_INTERNAL, "no memory");
	if (!json_indent(&pretty, text) || asprintf(&name, "%s%s", path, RESULT_SUFFIX) < 0) {
		name = NULL;
		(void)reject(why, REASON_INTERNAL, "no memory");
	} else {
		ok = file_write(name, (struct bytes){ CBB_data(&pretty), CBB_len(&pretty) }, why);
	}
	free(name);
	CBB_cleanup(&pretty);
	return ok;
}

int
verify_command(struct session *session)
{
	const char *path = session->options->file;
	struct session_answer answer;
	char text[TEXT_LEN];
	struct reason why = { 0 };
	struct bytes body;

	if (!request_file_read(session, &body, &why))
		return fault_print(session, why.text);
	if (!session_judge(session, &answer, JOB_VERIFY, body, &why))
		return broken(session, &why);
	if (answer.head.http_status != 200) {
		(void)snprintf(text, sizeof text, "Failed to parse JSON: %.*s",
		    (int)answer.text.len, (const char *)answer.text.ptr);
		return fault_print(session, text);
	}
	if (wants_result_file(session, &answer) && !result_write(path, answer.text, &why))
		session_say(session->config, LOG_LEVEL_WARN,
		    "Failed to write verification result to %s%s: %s", path, RESULT_SUFFIX, why.text);
	return session_print(session, &answer);
}
