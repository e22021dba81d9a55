/*
 * libconf.h - settings from a file in libconfig's grammar
 *
 * The one place that sees libconfig.  Nested groups become dotted names.  Its grammar takes
 * the flat form (`port = 8080`, one setting a line) that older configurations have.
 */
#ifndef CLI_LIBCONF_H
#define CLI_LIBCONF_H

#include "cli/setting.h"

/*
 * libconf_read - all settings of a text
 *
 *   settings  added to; its origin stands in messages
 *   fails     MALFORMED, UNSUPPORTED, LIMIT: "ORIGIN line N: what is wrong there"
 */
bool    libconf_read(struct settings *settings, struct bytes text, struct reason *why) MUST_CHECK;

#endif
