/*
 * frame.h - what processes say to one another
 *
 * A frame is a head of 16 bytes and a payload, on a stream socket; some carry descriptors.
 * One table says who may send what to whom, how big, with how many descriptors: enum, log
 * names and limits come from it.  A frame that breaks it costs its sender the connection.
 *
 *      supervisor ──► acceptor         one control socket
 *      supervisor ──► worker           first CONFIG, PIN, READY; then the supervisor hands its
 *                                      end to the acceptor, and that is the peer from then on
 *      supervisor ◄─► fetcher          the same, but it keeps its end, and both get a socket of
 *                                      their own (ACCEPTOR, FETCHER)
 *      acceptor  ◄──► worker, fetcher  jobs and facts
 *      fetcher    ──► supervisor       UNPACK, PAPERS and MEASURE: a short-lived helper does it,
 *                                      and the supervisor passes question and answer on
 *      supervisor ◄─► unpacker         one archive: UNPACK gives UNPACKED
 *      supervisor ◄─► measurer         one image: PAPERS gives NAMES, MEASURE gives RECORD
 *
 * What is asked of a helper and what it answers has a ticket of the fetcher's in place of a job.
 * One ticket is one helper; PAPERS and MEASURE of one ticket go to the same measurer.  Each
 * question gets one answer, of the helper or, when that is lost, of the supervisor; END lets
 * the helper of a ticket go, and no answer comes any more.
 *
 * The one-shot command line speaks the supervisor's and the acceptor's part itself; SHAPE, which
 * gives REGISTERS, is its alone, as are IMAGES, IMAGES_DONE and PROGRESS.
 */
#ifndef IPC_FRAME_H
#define IPC_FRAME_H

#include "core/bytes.h"
#include "core/reason.h"

#define FRAME_HEAD_LEN  16
#define FRAME_MAX_FDS   6       /* the files of an image that a measurement reads     */

/* Who sits at an end; bits, because a peer may speak for two (the one-shot command line). */
#define FRAME_SUPERVISOR        (1u << 0)
#define FRAME_ACCEPTOR          (1u << 1)
#define FRAME_WORKER            (1u << 2)
#define FRAME_FETCHER           (1u << 3)
#define FRAME_MEASURER          (1u << 4)
#define FRAME_UNPACKER          (1u << 5)

/*      name      no  senders                        receivers                       most bytes  fds */
#define FRAMES(X)                                                                                    \
	X(CONFIG,  1, FRAME_SUPERVISOR,              FRAME_ACCEPTOR | FRAME_WORKER |                 \
	                                             FRAME_FETCHER,                  4u << 20,   0)  \
	X(PIN,     2, FRAME_SUPERVISOR,              FRAME_WORKER,                   8u << 20,   0)  \
	X(READY,   3, FRAME_ACCEPTOR | FRAME_WORKER |                                                \
	              FRAME_FETCHER,                 FRAME_SUPERVISOR,               64u << 10,  0)  \
	X(LISTEN,  4, FRAME_SUPERVISOR,              FRAME_ACCEPTOR,                 0,          1)  \
	X(WORKER,  5, FRAME_SUPERVISOR,              FRAME_ACCEPTOR,                 64u << 10,  1)  \
	X(FETCHER, 6, FRAME_SUPERVISOR,              FRAME_ACCEPTOR,                 0,          1)  \
	X(DRAIN,   7, FRAME_SUPERVISOR,              FRAME_ACCEPTOR,                 0,          0)  \
	X(STUCK,   8, FRAME_ACCEPTOR,                FRAME_SUPERVISOR,               16,         0)  \
	X(ACCEPTOR, 9, FRAME_SUPERVISOR,             FRAME_FETCHER,                  0,          1)  \
	X(JOB,    16, FRAME_ACCEPTOR,                FRAME_WORKER,                   17u << 20,  0)  \
	X(VERDICT, 17, FRAME_WORKER,                 FRAME_ACCEPTOR,                 8u << 20,   0)  \
	X(NEED,   18, FRAME_WORKER,                  FRAME_ACCEPTOR,                 4096,       0)  \
	X(FACT,   19, FRAME_ACCEPTOR,                FRAME_WORKER,                   8u << 20,   0)  \
	X(CHECKED, 20, FRAME_WORKER | FRAME_ACCEPTOR, FRAME_ACCEPTOR | FRAME_FETCHER, 4096,      0)  \
	X(FETCH,  32, FRAME_ACCEPTOR,                FRAME_FETCHER,                  1024,       0)  \
	X(FOUND,  33, FRAME_FETCHER,                 FRAME_ACCEPTOR,                 8u << 20,   0)  \
	X(FAILED, 34, FRAME_FETCHER,                 FRAME_ACCEPTOR,                 1024,       0)  \
	X(UNPACK, 40, FRAME_FETCHER | FRAME_SUPERVISOR,                                              \
	                                             FRAME_SUPERVISOR | FRAME_UNPACKER, 32,      2)  \
	X(UNPACKED, 41, FRAME_UNPACKER | FRAME_SUPERVISOR,                                           \
	                                             FRAME_SUPERVISOR | FRAME_FETCHER, 1024,     0)  \
	X(END,    42, FRAME_FETCHER,                 FRAME_SUPERVISOR,               0,          0)  \
	X(PAPERS, 48, FRAME_FETCHER | FRAME_SUPERVISOR,                                              \
	                                             FRAME_SUPERVISOR | FRAME_MEASURER, 32,      2)  \
	X(NAMES,  49, FRAME_MEASURER | FRAME_SUPERVISOR,                                             \
	                                             FRAME_SUPERVISOR | FRAME_FETCHER, 1024,     0)  \
	X(MEASURE, 50, FRAME_FETCHER | FRAME_SUPERVISOR,                                             \
	                                             FRAME_SUPERVISOR | FRAME_MEASURER, 256,     6)  \
	X(RECORD, 51, FRAME_MEASURER | FRAME_SUPERVISOR,                                             \
	                                             FRAME_SUPERVISOR | FRAME_FETCHER, 9216,     0)  \
	X(SHAPE,  52, FRAME_SUPERVISOR,              FRAME_MEASURER,                 1u << 20,   5)  \
	X(REGISTERS, 53, FRAME_MEASURER,             FRAME_SUPERVISOR,               64u << 10,  0)  \
	X(IMAGES, 56, FRAME_SUPERVISOR,              FRAME_FETCHER,                  64,         0)  \
	X(IMAGES_DONE, 57, FRAME_FETCHER,            FRAME_SUPERVISOR,               4u << 20,   0)  \
	X(PROGRESS, 58, FRAME_FETCHER,               FRAME_SUPERVISOR,               64,         0)

enum frame_type {
#define FRAME_ENUM(name, no, senders, receivers, max, fds)      FRAME_TYPE_##name = no,
	FRAMES(FRAME_ENUM)
#undef FRAME_ENUM
};

struct frame {
	enum frame_type type;   /* u16le at 0                                           */
	unsigned nfds;          /* u16le at 2, descriptors sent along                   */
	size_t  len;            /* u32le at 4, payload bytes that follow                */
	uint64_t job;           /* u64le at 8, 0 when it is about no job                */
};

/*
 * frame_read - the head of a frame, checked against the table
 *
 *   from    FRAME_* bits of the peer
 *   to      FRAME_* bits of this process
 *   fails   MALFORMED    unknown type, a type that `from` may not send to `to`, too many bytes,
 *                        another number of descriptors than the table has
 */
bool    frame_read(struct frame *out, CBS *in, unsigned from, unsigned to,
    struct reason *why) MUST_CHECK;

/* Appends a head; false when the CBB is full. */
bool    frame_write(CBB *out, const struct frame *frame) MUST_CHECK;

/* Most payload bytes of a type: what its sender has to keep to. */
size_t  frame_max_len(enum frame_type type);

/* "JOB", "VERDICT", ... for the log. */
const char *frame_name(enum frame_type type);

#endif
