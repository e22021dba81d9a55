/*
 * verify_command.h - `--verify FILE`: judge one request and exit
 *
 *   source  http-api-and-cli.md 8.1, 8.3
 */
#ifndef CLI_VERIFY_COMMAND_H
#define CLI_VERIFY_COMMAND_H

#include "cli/session.h"

/* The whole command; gives the exit status. */
int     verify_command(struct session *session);

#endif
