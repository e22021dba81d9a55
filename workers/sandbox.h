/*
 * sandbox.h - what turns a program's table of limits into limits
 *
 * Called once what the program needs is open, and before it reads the first byte from outside.
 * A kernel without Landlock is said so in the log, and the rest holds.
 */
#ifndef WORKERS_SANDBOX_H
#define WORKERS_SANDBOX_H

#include <sys/resource.h>

#include "core/reason.h"

#define SANDBOX_NICE    10

struct sandbox_limit {
	int     resource;               /* RLIMIT_*                                     */
	rlim_t  value;
};

/*
 * sandbox_limit - lower the limits, soft and hard, and the priority: requests come first
 *
 *   fails   INTERNAL
 */
bool    sandbox_limit(const struct sandbox_limit *limits, size_t n, struct reason *why) MUST_CHECK;

/*
 * sandbox_files - no file but those that are open, and no network
 *
 *   directory   beneath which files may be made, written and removed; -1: nowhere
 *   program     for the log
 *   fails   INTERNAL     the kernel has Landlock, and refuses
 */
bool    sandbox_files(int directory, const char *program, struct reason *why) MUST_CHECK;

#endif
