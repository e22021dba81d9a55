/*
 * log.h - one event, one line, on standard error
 *
 *      <4>fetcher status=503 retry_s=30
 *
 * journald's priority first, then the program, then key=value.  Error: an operator must act.
 * Warning: may want to.  Info: the state of the service changed.  Debug: one job.  What is not
 * printable ASCII becomes '?', so that no peer can forge a line; a text of somebody else's
 * stands in quotes.  When a program says more than LOG_BURST lines within a second, the rest
 * is left out and counted.
 */
#ifndef IPC_LOG_H
#define IPC_LOG_H

#include <stdbool.h>
#include <syslog.h>

#include "core/base.h"

#define LOG_BURST       100

/* The most verbose priority that is written: LOG_ERR, LOG_WARNING, LOG_INFO (default), LOG_DEBUG. */
void    log_level_set(int priority);

/* Whether a line of that priority would be written: for lines that cost something to make. */
bool    log_wants(int priority);

/* At most 1023 characters; debug lines are not counted against LOG_BURST. */
void    log_line(int priority, const char *program, const char *format, ...) PRINTF(3, 4);

#endif
