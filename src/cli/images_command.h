/*
 * images_command.h - the images that are kept, for an operator
 */
#ifndef CLI_IMAGES_COMMAND_H
#define CLI_IMAGES_COMMAND_H

#include "cli/session.h"

/* Prints one object of JSON, and on a terminal a table; gives the exit status. */
int     images_command(struct session *session);

#endif
