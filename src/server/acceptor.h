/*
 * acceptor.h - the one process that clients talk to
 *
 * Accepts connections, takes requests off them, gives each body to a worker as a job, asks the
 * fetcher for the facts that jobs lack, and writes the answers.  It never looks into a body.
 *
 *      connection ──► queue ──► peers (workers)
 *                       ▲          │ NEED, CHECKED
 *                       └─ facts ◄─┘──► peers (fetcher)
 *
 * One thread, one libevent loop, this one structure.
 */
#ifndef SERVER_ACCEPTOR_H
#define SERVER_ACCEPTOR_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/queue.h>

#include "ipc/log.h"
#include "ipc/message.h"
#include "server/facts.h"
#include "server/peers.h"
#include "server/queue.h"
#include "server/siphash.h"

AUTO_DEFINE(struct event_config, event_config_free)

#define ACCEPTOR_NAME           "acceptor"

/* One read takes a whole request of the usual 17 kB; also the most that is kept of requests that
 * were sent before the answer to an earlier one. */
#define ACCEPTOR_READ_LEN       ((size_t)32 << 10)

TAILQ_HEAD(connections, connection);

struct acceptor {
	struct event_base *base;
	struct acceptor_config config;
	bool    configured;
	bool    draining;
	bool    failed;                 /* the supervisor made no sense                 */
	uint8_t siphash_key[SIPHASH_KEY_LEN];

	struct channel *supervisor;
	struct event supervisor_read, supervisor_write;

	int     listen_fd;              /* -1: none, or no more                         */
	struct event listen_event;
	int     reserve_fd;             /* given up for a moment when descriptors run out */

	struct event tick;              /* every second                                 */
	int64_t drain_until_ms;

	struct connections connections;
	struct connections closed;      /* to be freed once nobody looks at them        */
	size_t  nconnections;
	size_t  receiving_len;          /* bytes of bodies that are arriving            */
	uint8_t *read_buffer;           /* ACCEPTOR_READ_LEN                            */

	struct queue queue;
	struct facts facts;
	struct peers peers;
};

/* Milliseconds of a clock that only goes forward. */
int64_t acceptor_now_ms(void);

/* Frees connections and workers that are gone; at the end of each event. */
void    acceptor_reap(struct acceptor *acceptor);

/* Stops accepting; what runs is finished, what is idle is closed. */
void    acceptor_drain(struct acceptor *acceptor);

/* Ends the loop when a drain has nothing left to wait for. */
void    acceptor_drained_check(struct acceptor *acceptor);

#endif
