/*
 * config_show.h - a configuration's values as text, and configurations from texts
 */
#ifndef TESTS_UNIT_CONFIG_SHOW_H
#define TESTS_UNIT_CONFIG_SHOW_H

#include "cli/config_key.h"

/* A key's value as TOML, "absent" for a list or string that is not there; until the next call. */
const char *config_show(const struct config *config, const struct config_key *key);

/* Makes a directory and goes into it; what is in it is removed by scratch_leave(). */
int     scratch_enter(void **state);
int     scratch_leave(void **state);

/* A file in it. */
void    scratch_write(const char *name, const char *text);

/*
 * config_try - a configuration of one file and up to two variables
 *
 *   name    the file's; NULL: none
 *   gives   NULL, and why
 */
struct config *config_try(const char *name, const char *text, const char *variable,
            const char *other_variable, struct reason *why);

/* All notes of at most this level, joined by "; "; until the next call. */
const char *config_notes(const struct config *config, enum log_level level);

#endif
