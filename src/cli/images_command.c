#include "cli/images_command.h"

#include <stdio.h>
#include <unistd.h>

int
images_command(struct session *session)
{
	struct images_done_message done = { .ok = false };
	struct reason why = { 0 };

	if (!session_images(session, &done, &why)) {
		session_say(session->config, LOG_LEVEL_ERROR, "%s", why.text);
		return EXIT_INVALID;
	}
	if (fwrite(done.json.ptr, 1, done.json.len, stdout) != done.json.len ||
	    fputc('\n', stdout) == EOF || fflush(stdout) != 0)
		return EXIT_INVALID;
	if (isatty(STDERR_FILENO))
		(void)fwrite(done.text.ptr, 1, done.text.len, stderr);
	return done.ok ? EXIT_VALID : EXIT_INVALID;
}
