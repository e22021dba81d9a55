/*
 * serve_command.h - the server: what the program does without a command
 */
#ifndef CLI_SERVE_COMMAND_H
#define CLI_SERVE_COMMAND_H

#include "cli/config.h"
#include "cli/options.h"

/* Serves until a signal ends it; fails for the operator, with any kind. */
bool    serve_command(const struct options *options, const struct config *config,
    struct reason *why) MUST_CHECK;

#endif
