#include "cli/quote_command.h"

#include "cli/file.h"
#include "core/hex.h"
#include "core/json_writer.h"

static bool
is_space(uint8_t byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static bool
is_hex(uint8_t byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f') ||
	    (byte >= 'A' && byte <= 'F');
}

/* What is left without white space at the start and a "0x" after it. */
static struct bytes
prefix_skip(struct bytes content)
{
	CBS in = cbs_bytes(content);

	while (CBS_len(&in) > 0 && is_space(CBS_data(&in)[0]))
		if (!CBS_skip(&in, 1))
			break;
	if (CBS_len(&in) >= 2 && CBS_data(&in)[0] == '0' && (CBS_data(&in)[1] | 0x20) == 'x' &&
	    !CBS_skip(&in, 2))
		return content;
	return bytes_cbs(&in);
}

bool
quote_input_read(struct bytes *out, struct arena *arena, struct bytes content,
    struct reason *why)
{
	struct bytes text = prefix_skip(content);
	uint8_t *digits;
	size_t i, n = 0;

	for (i = 0; i < text.len; i++)
		if (!is_space(text.ptr[i]) && !is_hex(text.ptr[i])) {
			*out = content;
			return true;
		}
	digits = arena_alloc(arena, text.len + 1, why);
	if (digits == NULL)
		return false;
	for (i = 0; i < text.len; i++)
		if (!is_space(text.ptr[i]))
			digits[n++] = text.ptr[i];
	return hex_decode_arena(out, arena, (struct bytes){ digits, n }, SESSION_INPUT_MAX, why);
}

/* The object with nothing known. */
static bool
unknown_write(CBB *out, const char *reason)
{
	static const char *const unknown[] = {
		"tee", "quote_version", "fmspc", "pck_ca", "tcb_status", "advisory_ids",
		"platform_tcb_status", "qe_tcb_status", "tcb_evaluation_data_number", "report",
		"pinned",
	};
	struct json_writer w = { .out = out };
	size_t i;

	json_write_object(&w, NULL);
	json_write_bool(&w, "quote_verified", false);
	for (i = 0; i < NELEM(unknown); i++)
		json_write_null(&w, unknown[i]);
	json_write_text(&w, "reason", reason);
	json_write_end_object(&w);
	return json_writer_ok(&w);
}

/* The answer when the clock cannot be trusted. */
static int
clock_refuse(const struct session *session)
{
	struct dv_answer answer = { 0 };
	int status = EXIT_INVALID;
	CBB json;

	if (!CBB_init(&json, 512)) {
		session_say(session->config, LOG_LEVEL_ERROR, "no memory");
		return EXIT_INVALID;
	}
	if (unknown_write(&json, "Internal error: system clock is before the release date")) {
		answer.json = (struct dv_span){ CBB_data(&json), CBB_len(&json) };
		status = session_print(session, &answer);
	}
	CBB_cleanup(&json);
	return status;
}

int
quote_command(struct session *session)
{
	const char *path = session->options->file;
	struct dv_answer answer = { 0 };
	struct bytes content, quote;
	struct reason why;

	if (session->clock_wrong)
		return clock_refuse(session);
	if (!file_read(&content, session->arena, path, SESSION_INPUT_MAX, &why) ||
	    !quote_input_read(&quote, session->arena, content, &why)) {
		session_say(session->config, LOG_LEVEL_ERROR, "%s: %s", path, why.text);
		return EXIT_USAGE;
	}
	if (!session_judge(session, &answer, quote, dv_quote)) {
		session_say(session->config, LOG_LEVEL_ERROR, "no memory");
		return EXIT_INVALID;
	}
	return session_print(session, &answer);
}
