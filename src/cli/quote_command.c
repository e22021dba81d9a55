#include "cli/quote_command.h"

#include "cli/file.h"
#include "core/hex.h"

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

int
quote_command(struct session *session)
{
	const char *path = session->options->file;
	struct session_answer answer;
	struct bytes content, quote;
	struct reason why = { 0 };

	if (!file_read(&content, session->arena, path, SESSION_INPUT_MAX, &why) ||
	    !quote_input_read(&quote, session->arena, content, &why)) {
		session_say(session->config, LOG_LEVEL_ERROR, "%s: %s", path, why.text);
		return EXIT_USAGE;
	}
	if (!session_judge(session, &answer, JOB_QUOTE, quote, &why)) {
		session_say(session->config, LOG_LEVEL_ERROR, "%s", why.text);
		return EXIT_INVALID;
	}
	return session_print(session, &answer);
}
