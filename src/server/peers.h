/*
 * peers.h - the workers and the fetcher, each behind a channel
 *
 * A worker does what it is sent in that order, so its answers are those to the oldest task;
 * anything else costs it the connection, and with that its life.  Which of its jobs a dead
 * worker was at is known the same way.
 */
#ifndef SERVER_PEERS_H
#define SERVER_PEERS_H

#include <event2/event_struct.h>

#include "server/queue.h"

#define PEERS_MAX_WORKERS       256
/* Bytes that may wait for one peer: some jobs of the longest kind, or many facts. */
#define PEERS_MAX_PENDING       ((size_t)128 << 20)
/* A worker never waits for anything, so this long without a word it is stuck. */
#define PEERS_STUCK_MS          10000

struct worker {
	struct acceptor *acceptor;
	uint32_t slot;
	struct channel *channel;
	struct event read, write;
	struct tasks tasks;             /* oldest first                                 */
	size_t  njobs;                  /* of them                                      */
	struct jobs resumed;            /* wait for just this worker                    */
	int64_t heard_ms;               /* its last word, or when it was given work     */
	bool    stuck_told;
	bool    broken;                 /* does not take its frames, is to be dropped   */
	bool    gone;
	struct worker *next_dead;
};

struct peers {
	struct worker *workers[PEERS_MAX_WORKERS];
	size_t  nslots;                 /* slots above have never been used             */
	size_t  nworkers;
	struct worker *dead;            /* to be freed once nobody looks at them        */
	struct channel *fetcher;        /* NULL: none                                   */
	struct event fetcher_read, fetcher_write;
	struct blob *deadline, *internal;       /* ready-made answers, NULL: none yet   */
};

void    peers_fini(struct acceptor *acceptor);
/* Frees workers that are gone. */
void    peers_reap(struct acceptor *acceptor);

/* Frames of the supervisor; the descriptor becomes ours. */
bool    peers_worker(struct acceptor *acceptor, struct bytes payload, int fd, struct reason *why)
            MUST_CHECK;
void    peers_fetcher(struct acceptor *acceptor, int fd);

/* The worker with the fewest jobs, none when all have QUEUE_WORKER_DEPTH; `any`: those too. */
struct worker *peers_worker_find(struct acceptor *acceptor, bool any);

/* The task goes to the end of the worker's list.  When it cannot be sent the worker is dropped, but
 * not from inside these calls. */
void    peers_send_job(struct worker *worker, struct job *job);
void    peers_send_fact(struct worker *worker, struct task *task, struct blob *payload);

/* To the fetcher; nothing happens when there is none. */
void    peers_fetch(struct acceptor *acceptor, struct bytes key);
void    peers_checked(struct acceptor *acceptor, struct bytes checked);

/* Once a second: tells the supervisor of workers that are stuck. */
void    peers_tick(struct acceptor *acceptor, int64_t now_ms);

#endif
