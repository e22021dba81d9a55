/*
 * settings_dump.h - settings as one line of text, for comparing
 */
#ifndef TESTS_UNIT_SETTINGS_DUMP_H
#define TESTS_UNIT_SETTINGS_DUMP_H

#include "cli/setting.h"

/* "a=1 b.c=\"x\" d=[\"y\", 2] e=true": in the order read; valid until the next call. */
const char *settings_dump(const struct settings *settings);

#endif
