/*
 * helpers.h - unpackers and measurers, which the fetcher may ask for and not start
 *
 * A helper is a short-lived program with one ticket: an unpacker for one archive, a measurer for
 * one image.  The fetcher's question goes on to it with its descriptors, its answer goes back;
 * what a measurer says is signed on the way, without being looked into, for the image and the
 * fact that it was asked about.  Neither side is trusted: a helper that dies, is late or makes no
 * sense is answered for, a fetcher that makes none is reported to the caller.
 *
 * For the supervisor and for the one-shot commands, which speak its part.
 */
#ifndef SERVER_HELPERS_H
#define SERVER_HELPERS_H

#include <event2/event.h>
#include <sys/types.h>

#include "core/bytes.h"
#include "core/reason.h"
#include "ipc/frame.h"

#define HELPERS_MAX_UNPACKERS   2       /* at once                                      */
#define HELPERS_MEASURE_SECS    120     /* for one question to a measurer               */
#define HELPERS_UNPACK_EXTRA_SECS       30      /* for an unpacker, beyond the download */

struct helpers;

/* Ed25519: what records are signed with, and how workers know it. */
struct helpers_keys {
	uint8_t public_key[32], private_key[64];
};

void    helpers_keys_make(struct helpers_keys *keys);
void    helpers_keys_wipe(struct helpers_keys *keys);

/* What comes back under a ticket.  May be called from inside helpers_ask(). */
typedef void helpers_answer(void *context, enum frame_type type, uint64_t ticket,
    struct bytes payload);

struct helpers_setup {
	const char *directory;          /* where the programs are                       */
	uint32_t max_measurers;         /* at once                                      */
	uint32_t download_secs;         /* how long a download may take                 */
	struct helpers_keys keys;
};

/* The setup must outlive the helpers.  NULL when memory is out. */
struct helpers *helpers_new(struct event_base *base, const struct helpers_setup *setup,
    helpers_answer *answer, void *context);

/* Kills what runs, and waits for it. */
void    helpers_free(struct helpers *helpers);
AUTO_DEFINE(struct helpers, helpers_free)

/*
 * helpers_ask - UNPACK, PAPERS, MEASURE or END of the fetcher
 *
 *   fds     the frame's, and still the caller's
 *   fails   MALFORMED    the fetcher makes no sense: a ticket that is 0 or in use, a payload
 *                        that is none, a question before the answer to the last one
 */
bool    helpers_ask(struct helpers *helpers, const struct frame *frame, struct bytes payload,
    const int *fds, struct reason *why) MUST_CHECK;

/* The fetcher is gone: nobody waits for any of them. */
void    helpers_end(struct helpers *helpers);

/* A child that was waited for: whether it was one of these. */
bool    helpers_reaped(struct helpers *helpers, pid_t pid);

#endif
