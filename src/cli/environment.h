/*
 * environment.h - settings from environment variables
 *
 * DSTACK_VERIFIER_ and a key, in any case; `__` or a dot between groups:
 * DSTACK_VERIFIER_ATTESTATION__URLS__PCCS is attestation.urls.pccs.  `true`, `false` and
 * integers are typed, text in double quotes is a string, anything else is taken literally.
 * So a list cannot be given here.
 */
#ifndef CLI_ENVIRONMENT_H
#define CLI_ENVIRONMENT_H

#include "cli/setting.h"

#define ENVIRONMENT_PREFIX      "DSTACK_VERIFIER_"

/* Where a setting of the environment comes from, in messages. */
#define ENVIRONMENT_ORIGIN      "environment"

/*
 * environment_read - all variables with the prefix
 *
 *   variables  "NAME=value" each, NULL at the end
 *   fails      MALFORMED    one key is given twice, in different case
 */
bool    environment_read(struct settings *settings, const char *const *variables,
    struct reason *why) MUST_CHECK;

/* The value of a variable of exactly that name, or NULL. */
const char *environment_find(const char *const *variables, const char *name);

#endif
