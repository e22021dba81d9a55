/*
 * setup.h - the configuration as the programs that do the work are told it
 */
#ifndef CLI_SETUP_H
#define CLI_SETUP_H

#include "cli/config.h"
#include "cli/options.h"

/* A file of collateral has about 20 KiB; CRLs may grow. */
#define SETUP_COLLATERAL_MAX    4194304

/* Where our programs are: beside this one when it was not installed, else in libexec. */
const char *setup_directory(struct arena *arena, struct reason *why) MUST_CHECK;

/* CONFIG payloads, in the arena. */
bool    setup_worker(struct bytes *out, struct arena *arena, const struct config *config,
    const struct options *options, struct reason *why) MUST_CHECK;
bool    setup_fetcher(struct bytes *out, struct arena *arena, const struct config *config,
    const struct options *options, struct reason *why) MUST_CHECK;
bool    setup_acceptor(struct bytes *out, struct arena *arena, const struct config *config,
    struct reason *why) MUST_CHECK;

/*
 * setup_collateral - the files of --collateral, PIN payloads
 *
 *   out     room for OPTIONS_COLLATERAL_MAX
 *   fails   any kind; for the operator
 */
bool    setup_collateral(struct bytes *out, struct arena *arena, const struct options *options,
    struct reason *why) MUST_CHECK;

#endif
