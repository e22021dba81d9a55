/*
 * quote_command.h - `quote FILE`: judge one bare Intel quote and exit
 *
 *   source  http-api-and-cli.md 8.3
 */
#ifndef CLI_QUOTE_COMMAND_H
#define CLI_QUOTE_COMMAND_H

#include "cli/session.h"

/* The whole command; gives the exit status. */
int     quote_command(struct session *session);

/*
 * quote_input_read - a quote as people keep it: raw bytes, or hex with white space and "0x"
 *
 *   Nothing but hex digits and white space is taken as hex.  A raw quote begins with its
 *   version, a control character, and so never looks like that.
 *
 *   fails   MALFORMED    "has an odd number of hex digits"
 */
bool    quote_input_read(struct bytes *out, struct arena *arena, struct bytes content,
    struct reason *why) MUST_CHECK;

#endif
