#include "measurer_sandbox.h"

#include "sandbox.h"

/* There is no file that it could write, but for a log that standard error may be.  A kernel of
 * 256 MiB and a firmware of 64 MiB are held whole; an initrd of 4 GiB, which streams, takes ten
 * seconds. */
static const struct sandbox_limit limits[] = {
#ifndef __SANITIZE_ADDRESS__            /* whose shadow is larger than any limit         */
	{ RLIMIT_AS, (rlim_t)1 << 30 },
#endif
	{ RLIMIT_CPU, 120 },
	{ RLIMIT_NOFILE, 16 },          /* standard three, socket, six files, twice     */
	{ RLIMIT_NPROC, 0 },
	{ RLIMIT_CORE, 0 },
};

bool
measurer_sandbox(struct reason *why)
{
	return sandbox_limit(limits, NELEM(limits), why) && sandbox_files(-1, "measurer", why);
}
