/*
 * main.c - the program
 */
#include <config.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/base.h>

#include "cli/measure_command.h"
#include "cli/images_command.h"
#include "cli/quote_command.h"
#include "cli/serve_command.h"
#include "cli/session.h"
#include "cli/verify_command.h"

/* In the manner of the Rust verifier, whose operators know it. */
static void
start_error(const struct reason *why)
{
	fprintf(stderr, "Error: %s\n", why->text);
}

static void
notes_say(const struct config *config)
{
	size_t i;

	for (i = 0; i < config->nnotes; i++)
		session_say(config, config->notes[i].level, "%s", config->notes[i].text);
}

static int
not_built(const char *what)
{
	session_say(NULL, LOG_LEVEL_ERROR, "%s is not built yet; see --help", what);
	return EXIT_USAGE;
}

static int
session_run(const struct options *options, struct config *config)
{
	struct session session;
	struct reason why = { 0 };
	int status;

	if (session_open(&session, &status, options, config, &why))
		status = options->mode == MODE_QUOTE ? quote_command(&session) :
		    options->mode == MODE_IMAGES ? images_command(&session) :
		    verify_command(&session);
	else
		start_error(&why);
	session_close(&session);
	return status;
}

static int
server_run(const struct options *options, const struct config *config)
{
	struct reason why = { 0 };

	if (serve_command(options, config, &why))
		return EXIT_VALID;
	start_error(&why);
	return EXIT_INVALID;
}

static int
run(const struct options *options)
{
	const struct config_source source = {
		.path = options->config_path,
		.environment = (const char *const *)environ,
	};
	AUTO(config_free) struct config *config = NULL;
	struct reason why;

	if (!config_load(&config, &source, &why)) {
		start_error(&why);
		return EXIT_INVALID;
	}
	notes_say(config);
	switch (options->mode) {
	case MODE_VERIFY:
	case MODE_QUOTE:
	case MODE_IMAGES:
		return session_run(options, config);
	case MODE_VERIFY_CERT:
		return not_built("--verify-cert");
	case MODE_SERVER:
		return server_run(options, config);
	case MODE_MEASURE:
	case MODE_HELP:
	case MODE_VERSION:
		break;
	}
	return EXIT_USAGE;
}

static int
version_print(void)
{
	printf("%s %s\nBoringSSL %s (API version %d)\n", PACKAGE_NAME, PACKAGE_VERSION,
	    BORINGSSL_VERSION, BORINGSSL_API_VERSION);
	return fflush(stdout) == 0 ? EXIT_VALID : EXIT_INVALID;
}

int
main(int argc, char **argv)
{
	struct options options;
	struct reason why;

	if (!options_read(&options, argc, argv, &why)) {
		fprintf(stderr, "error: %s\n\n%s", why.text, options_usage);
		return EXIT_USAGE;
	}
	if (options.mode == MODE_HELP)
		return fputs(options_usage, stdout) >= 0 && fflush(stdout) == 0 ? EXIT_VALID :
		    EXIT_INVALID;
	if (options.mode == MODE_VERSION)
		return version_print();
	/* An image and a shape are all it takes: no configuration changes what they measure to. */
	if (options.mode == MODE_MEASURE)
		return measure_command(&options);
	return run(&options);
}
