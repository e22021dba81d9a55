/*
 * download.h - one image archive, from the image server into a pipe
 *
 * A download outlives the connections it needs.  What breaks off goes on where it was, as long as
 * the server says by a strong ETag or a date that it is still the same file, and whoever reads the
 * pipe does not notice; else it begins afresh, in another pipe.
 *
 *      attempt ─► 200 from the start ─► begin(), then the pipe ─► whole ─► DONE
 *         ▲   ├─► 206, the rest ──────► the same pipe ────────────┘│
 *         │   ├─► redirect on the same host ─► the same attempt, there
 *         │   └─► 5xx, no connection, broken ──────────────────────┤
 *         └────── a pause of 1 or 2 s ◄── attempts left ◄──────────┘
 *                                          none left, 4xx, ... ─► FAILED
 *
 * It never waits and reads no clock.  The pipe's other end is read by somebody who unpacks;
 * while it is full the connection stands still, and that is not held against the server.
 *
 * source  OS image specification, 4 and 13.4; upstream delta, 2 "Image download"
 */
#ifndef FETCH_DOWNLOAD_H
#define FETCH_DOWNLOAD_H

#include "fetch/transfer.h"

#define DOWNLOAD_MAX_LEN        ((size_t)512 << 20)     /* of an archive                */
#define DOWNLOAD_MAX_REDIRECTS  3       /* of each attempt                              */
#define DOWNLOAD_MAX_ATTEMPTS   3       /* in a row that bring nothing new              */
#define DOWNLOAD_MAX_RECONNECTS 5       /* once there was a first byte                  */
#define DOWNLOAD_PAUSE_MS       1000    /* before the second in a row; then twice that  */

struct download;

/* What a download has done for it; `context` is the first argument. */
struct download_calls {
	/*
	 * An archive begins: gives the write end of a pipe, non-blocking, the download's from now
	 * on; or -1 and why.  At the first byte, and again when it begins afresh; the pipe before is
	 * closed by then, at a place where no archive ends.  Must not end the download.
	 */
	int     (*begin)(void *context, struct reason *why);
	/* For each piece of at most TRANSFER_PIECE_MAX_LEN bytes: so much of the archive that has
	 * begun last.  total_len 0: not known. */
	void    (*progress)(void *context, uint64_t received_len, uint64_t total_len);
	uint32_t (*random)(void *context);
};

enum download_state {
	DOWNLOAD_RUNNING,
	DOWNLOAD_DONE,                  /* all of it is in the pipe, which is closed    */
	DOWNLOAD_FAILED,
	DOWNLOAD_SINK_GONE,             /* whoever reads the pipe has closed it         */
};

struct download_failure {
	unsigned http_status;           /* of the last answer that has ended, or 0      */
	bool    timed_out;              /* the time for all of it is up                 */
	struct reason why;              /* for the log; the URL without credentials     */
};

/*
 * download_start - begins one
 *
 *   template        each {OS_IMAGE_HASH} in it becomes the hash in lower-case digits
 *   timeout_s       for all attempts and pauses together
 *   fails           INTERNAL     out of memory
 */
bool    download_start(struct download **out, struct transfers *transfers, const char *template,
    const uint8_t hash[32], uint32_t timeout_s, const struct download_calls *calls,
    void *context, int64_t now_ms, struct reason *why) MUST_CHECK;

/* Ends it wherever it is, and closes the pipe.  Before transfers_free(). */
void    download_free(struct download *download);
AUTO_DEFINE(struct download, download_free)

/* The answer of a stream whose owner, as transfers_next() gives it, is this download. */
void    download_answer(struct download *download, const struct transfer_answer *answer,
    int64_t now_ms);

/* The pipe while something waits to be written there, else -1. */
int     download_fd(const struct download *download);

/* Does what is due, and writes what the pipe takes. */
void    download_tick(struct download *download, int64_t now_ms);

/* When download_tick() has something to do though the pipe takes nothing. */
int64_t download_due_ms(const struct download *download);

enum download_state download_state(const struct download *download);

/* What was wrong, of one that is DOWNLOAD_FAILED. */
const struct download_failure *download_failure(const struct download *download);

#endif
