/*
 * download - one image archive by workers/fetch/download.h, into a file
 *
 *      download TEMPLATE HASH OUT [NAME=N...]
 *
 * Prints `begin` for each pipe, and in the end `done BYTES`, `gone` or `failed STATUS TIMED_OUT
 * REASON`; then `progress RECEIVED TOTAL` as it was last told.  The pipe is read in the same loop.
 *
 *      timeout=S       for all of it (60)
 *      pipe=N          the pipe's size in bytes (65536)
 *      sleep=MS        between reads of half the pipe (0)
 *      pause=MS        once, before the second read (0)
 *      close=N         the reader goes after N bytes (never)
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "core/hex.h"
#include "fetch/download.h"

struct options {
	long    timeout, pipe, sleep, pause, close;
};

struct reader {
	struct options options;
	const char *out;
	FILE    *file;
	int     fd;                     /* -1: none, or its other end is closed         */
	size_t  nreads, len;
	int64_t next_ms;
	uint64_t received_len, total_len;
};

static int64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
reader_close(struct reader *reader)
{
	if (reader->fd != -1)
		(void)close(reader->fd);
	reader->fd = -1;
}

static int
begin(void *context, struct reason *why)
{
	struct reader *reader = context;
	int fds[2];

	printf("begin\n");
	reader_close(reader);
	if (reader->options.pipe == 0) {
		(void)reject(why, REASON_INTERNAL, "no pipe");
		return -1;
	}
	reader->file = reader->file == NULL ? fopen(reader->out, "wb") :
	    freopen(reader->out, "wb", reader->file);
	if (reader->file == NULL || pipe2(fds, O_NONBLOCK | O_CLOEXEC) == -1 ||
	    fcntl(fds[1], F_SETPIPE_SZ, (int)reader->options.pipe) == -1)
		abort();
	reader->fd = fds[0];
	reader->nreads = reader->len = 0;
	return fds[1];
}

static void
progress(void *context, uint64_t received_len, uint64_t total_len)
{
	struct reader *reader = context;

	reader->received_len = received_len;
	reader->total_len = total_len;
}

/* The shortest pauses that there are. */
static uint32_t
random_get(void *context)
{
	(void)context;
	return 0;
}

static const struct download_calls calls = { begin, progress, random_get };

/* Reads once, when it is time. */
static void
reader_turn(struct reader *reader)
{
	static uint8_t buffer[1 << 20];
	size_t most = (size_t)(reader->options.sleep == 0 ? (long)sizeof buffer :
	    reader->options.pipe / 2);
	ssize_t n;

	if (reader->fd == -1 || now_ms() < reader->next_ms)
		return;
	n = read(reader->fd, buffer, most);
	if (n == -1)
		return;
	if (n == 0) {
		reader_close(reader);
		return;
	}
	if (fwrite(buffer, 1, (size_t)n, reader->file) != (size_t)n)
		abort();
	reader->len += (size_t)n;
	reader->next_ms = now_ms() + (reader->nreads++ == 0 && reader->options.pause != 0 ?
	    reader->options.pause : reader->options.sleep);
	if (reader->options.close != 0 && reader->len >= (size_t)reader->options.close)
		reader_close(reader);
}

static void
turn(struct reader *reader, struct download *download, struct transfers *transfers)
{
	struct transfer_answer answer;
	int64_t wait_ms, now = now_ms();
	bool reading = now >= reader->next_ms;

	wait_ms = download_due_ms(download) - now;
	if (!reading && reader->next_ms - now < wait_ms)
		wait_ms = reader->next_ms - now;
	if (wait_ms > 0)
		transfers_wait(transfers, (struct transfer_wait[]){
		    { .fd = reading ? reader->fd : -1, .reading = true },
		    { .fd = download_fd(download), .writing = true } }, 2, (int)wait_ms);
	reader_turn(reader);
	transfers_run(transfers);
	while (transfers_next(transfers, &answer) != NULL)
		download_answer(download, &answer, now_ms());
	download_tick(download, now_ms());
}

static void
end_print(const struct reader *reader, const struct download *download)
{
	const struct download_failure *failure;

	switch (download_state(download)) {
	case DOWNLOAD_RUNNING:
		abort();
	case DOWNLOAD_DONE:
		printf("done %zu\n", reader->len);
		break;
	case DOWNLOAD_SINK_GONE:
		printf("gone\n");
		break;
	case DOWNLOAD_FAILED:
		failure = download_failure(download);
		printf("failed %u %d %s\n", failure->http_status, failure->timed_out,
		    failure->why.text);
		break;
	}
	printf("progress %llu %llu\n", (unsigned long long)reader->received_len,
	    (unsigned long long)reader->total_len);
}

static void
options_read(struct options *options, char **argv)
{
	const struct {
		const char *name;
		long    *value;
	} all[] = {
		{ "timeout=", &options->timeout }, { "pipe=", &options->pipe },
		{ "sleep=", &options->sleep }, { "pause=", &options->pause },
		{ "close=", &options->close },
	};

	for (; *argv != NULL; argv++)
		for (size_t i = 0; i < NELEM(all); i++)
			if (strncmp(*argv, all[i].name, strlen(all[i].name)) == 0)
				*all[i].value = atol(*argv + strlen(all[i].name));
}

int
main(int argc, char **argv)
{
	struct reader reader = { .options = { .timeout = 60, .pipe = 65536 }, .fd = -1 };
	struct transfers *transfers = transfers_new(getenv("SSL_CERT_FILE"));
	struct download *download;
	struct reason why;
	uint8_t hash[32];

	(void)signal(SIGPIPE, SIG_IGN);
	if (argc < 4 || transfers == NULL || strlen(argv[2]) != 64 ||
	    !hex_decode(hash, bytes_str(argv[2]), &why))
		return 2;
	reader.out = argv[3];
	options_read(&reader.options, argv + 4);
	if (!download_start(&download, transfers, argv[1], hash, (uint32_t)reader.options.timeout,
	    &calls, &reader, now_ms(), &why)) {
		printf("not started %s\n", why.text);
		return 1;
	}
	while (download_state(download) == DOWNLOAD_RUNNING)
		turn(&reader, download, transfers);
	reader.next_ms = 0;
	reader.options.sleep = 0;
	while (reader.fd != -1)
		reader_turn(&reader);
	end_print(&reader, download);
	download_free(download);
	transfers_free(transfers);
	return reader.file == NULL || fclose(reader.file) == 0 ? 0 : 1;
}
