/*
 * progress.h - how far a download is, on a terminal's standard error
 *
 *      OS image e6f5cfec  [########            ]  41 %  37.2 of 90.6 MiB
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "ipc/message.h"

struct progress {
	bool    shown;                  /* a line stands there                          */
};

/* Draws the line, or draws it again. */
void    progress_show(struct progress *progress, const struct progress_message *message);

/* Clears the line, if there is one. */
void    progress_end(struct progress *progress);

#endif
