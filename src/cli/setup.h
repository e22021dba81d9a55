/*
 * setup.h - the configuration as the programs that do the work are told it
 */
#ifndef CLI_SETUP_H
#define CLI_SETUP_H

#include "cli/config.h"
#include "cli/options.h"
#include "server/helpers.h"

/* A file of collateral has about 20 KiB; CRLs may grow. */
#define SETUP_COLLATERAL_MAX    4194304

/* Where our programs are: beside this one when it was not installed, else in libexec. */
const char *setup_directory(struct arena *arena, struct reason *why) MUST_CHECK;

/* How helpers are started, with new keys, which helpers_keys_wipe() ends. */
void    setup_helpers(struct helpers_setup *out, const char *directory, const struct config *config);

/*
 * CONFIG payloads, in the arena.
 *
 *   keys    a worker believes what is signed with them
 *   kept    keys under which the fetcher keeps records; NULL: it keeps none
 */
bool    setup_worker(struct bytes *out, struct arena *arena, const struct config *config,
    const struct options *options, const struct helpers_keys *keys, struct reason *why) MUST_CHECK;
bool    setup_fetcher(struct bytes *out, struct arena *arena, const struct config *config,
    const struct options *options, const struct helpers_keys *kept, bool progress,
    struct reason *why) MUST_CHECK;
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
