#include "unpacker_sandbox.h"

#include "sandbox.h"
#include "unpack/archive.h"

/* Memory is libarchive's: the window of gzip, one long header, buffers.  Address space is also what
 * libraries are mapped to. */
static const struct sandbox_limit limits[] = {
	{ RLIMIT_FSIZE, ARCHIVE_MAX_MEMBER },
#ifndef __SANITIZE_ADDRESS__            /* whose shadow is larger than any limit         */
	{ RLIMIT_AS, (rlim_t)256 << 20 },
#endif
	{ RLIMIT_CPU, 120 },            /* 2 GiB are unpacked and hashed in ten seconds */
	{ RLIMIT_NOFILE, 16 },          /* standard three, socket, pipe, directory, one file */
	{ RLIMIT_NPROC, 0 },
	{ RLIMIT_CORE, 0 },
};

bool
unpacker_sandbox(int directory, struct reason *why)
{
	return sandbox_limit(limits, NELEM(limits), why) &&
	    sandbox_files(directory, "unpacker", why);
}
