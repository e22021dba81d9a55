/*
 * toml.h - the part of TOML that configuration files use
 *
 * Tables, inline tables, dotted and quoted keys, basic and literal strings, integers of
 * every base, booleans, arrays of strings and integers, comments.  What TOML has beyond
 * that (dates, fractions, arrays of tables, strings over several lines) is refused by name.
 *
 *   source  TOML 1.0.0, https://toml.io/en/v1.0.0
 */
#ifndef CLI_TOML_H
#define CLI_TOML_H

#include "cli/setting.h"

#define TOML_TABLES_MAX         64      /* headers in one file                       */
#define TOML_DEPTH_MAX          8       /* inline tables inside one another          */

/*
 * toml_read - all settings of a text
 *
 *   settings  added to; its origin stands in messages
 *   fails     MALFORMED, UNSUPPORTED, LIMIT: "ORIGIN line N: what is wrong there"
 */
bool    toml_read(struct settings *settings, struct bytes text, struct reason *why) MUST_CHECK;

#endif
