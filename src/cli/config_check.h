/*
 * config_check.h - what a whole configuration must satisfy at start
 */
#ifndef CLI_CONFIG_CHECK_H
#define CLI_CONFIG_CHECK_H

#include "cli/config.h"

/*
 * config_check - every check of single values that ranges do not cover
 *
 *   fails   MALFORMED    in the words of the Rust verifier where it has the check
 *   source  http-api-and-cli.md 9
 */
bool    config_check(const struct config *config, struct reason *why) MUST_CHECK;

/*
 * config_root_ca_read - the trust anchor's file, if one is configured
 *
 *   fails   MALFORMED    an anchor without the flag that allows it
 *           UNSUPPORTED  an anchor of a platform that is not judged yet
 *           UNAVAILABLE  cannot be read
 */
bool    config_root_ca_read(struct config *config, struct reason *why) MUST_CHECK;

#endif
