#include "cli/progress.h"

#include <stdio.h>

#include "core/hex.h"

#define WIDTH           20
#define MIB             1048576.0
#define HASH_LEN        4       /* bytes of it that tell images apart                   */
#define CLEAR           "\r\033[K"

void
progress_show(struct progress *progress, const struct progress_message *message)
{
	static const char full[] = "####################";
	char hash[2 * HASH_LEN + 1];
	double part = message->total == 0 || message->received > message->total ? 0 :
	    (double)message->received / (double)message->total;

	_Static_assert(sizeof full == WIDTH + 1, "as wide");
	hex_text(hash, (struct bytes){ message->hash, HASH_LEN });
	if (message->total == 0)
		(void)fprintf(stderr, CLEAR "OS image %s  %.1f MiB", hash,
		    (double)message->received / MIB);
	else
		(void)fprintf(stderr, CLEAR "OS image %s  [%-*.*s]  %2.0f %%  %.1f of %.1f MiB", hash,
		    WIDTH, (int)(part * WIDTH), full, part * 100, (double)message->received / MIB,
		    (double)message->total / MIB);
	(void)fflush(stderr);
	progress->shown = true;
}

void
progress_end(struct progress *progress)
{
	if (progress->shown)
		(void)fputs(CLEAR, stderr);
	progress->shown = false;
}
