#include "ipc/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_LEN        1024

static int level = LOG_INFO;

/* Lines in the second that is running, and how many of them were left out. */
static struct {
	time_t  second;
	unsigned n, left_out;
} burst;

void
log_level_set(int priority)
{
	level = priority;
}

bool
log_wants(int priority)
{
	return priority <= level;
}

static void
put(char *line)
{
	size_t len = strlen(line);

	for (size_t i = 0; i < len; i++)
		if (line[i] < 0x20 || line[i] > 0x7e)
			line[i] = '?';
	line[len] = '\n';
	/* One call, so that lines of several processes do not mix. */
	(void)!write(STDERR_FILENO, line, len + 1);
}

/* Whether there is room for one more line in this second. */
static bool
burst_allows(void)
{
	struct timespec t;
	unsigned left_out = 0;
	char line[64];

	(void)clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	if (t.tv_sec != burst.second) {
		left_out = burst.left_out;
		burst.second = t.tv_sec;
		burst.n = burst.left_out = 0;
	}
	if (left_out > 0) {
		(void)snprintf(line, sizeof line, "<4>log left_out=%u", left_out);
		put(line);
	}
	if (burst.n++ < LOG_BURST)
		return true;
	burst.left_out++;
	return false;
}

void
log_line(int priority, const char *program, const char *format, ...)
{
	char line[LINE_LEN + 2];
	va_list args;
	int n;

	if (!log_wants(priority) || (priority != LOG_DEBUG && !burst_allows()))
		return;
	n = snprintf(line, LINE_LEN, "<%d>%s ", priority, program);
	if (n < 0 || n >= LINE_LEN)
		return;
	va_start(args, format);
	(void)vsnprintf(line + n, (size_t)(LINE_LEN - n), format, args);
	va_end(args);
	put(line);
}
