/*
 * queue.h - jobs: one for each request, from its submission to its answer
 *
 *      submitted ──► queued ──► running ──► answered
 *                      ▲           │
 *                      └── parked ◄┘       facts.h
 *
 * A worker has QUEUE_WORKER_DEPTH jobs at most, so that it finds the next one without waiting
 * for us.  Bodies of queued and of parked jobs share one budget.  A job whose worker died is
 * given to another once; that worker's death, too, ends the job.
 */
#ifndef SERVER_QUEUE_H
#define SERVER_QUEUE_H

#include <sys/queue.h>

#include "ipc/message.h"
#include "ipc/channel.h"

#define QUEUE_WORKER_DEPTH      2
#define QUEUE_MAX_DEATHS        2

struct acceptor;
struct connection;
struct park;
struct worker;

/* What a worker has to do, in the order in which it will: a job or a fact. */
struct task {
	TAILQ_ENTRY(task) link;
	struct job *job;
	struct fact *fact;
};
TAILQ_HEAD(tasks, task);

enum job_state {
	JOB_NEW = 0,
	JOB_QUEUED,             /* in the queue, or in its worker's list of resumed jobs */
	JOB_RUNNING,
	JOB_PARKED,
};

struct job {
	TAILQ_ENTRY(job) link;
	struct task task;               /* in its worker's list while it runs           */
	uint64_t id;
	enum job_state state;
	struct connection *client;      /* NULL: gone; the answer is thrown away        */
	struct blob *body;
	struct worker *worker;          /* runs it, or ran it last and has its facts    */
	bool    resumed;                /* queued at its worker                         */
	unsigned deaths;
	uint32_t public_key_operations;
	int64_t submitted_ms;
	struct park *park;              /* facts it asked for; NULL: none so far        */
};
TAILQ_HEAD(jobs, job);

struct queue {
	struct jobs jobs;               /* oldest first                                 */
	size_t  nqueued, nparked;
	size_t  waiting_len;            /* bodies of queued and parked jobs             */
	size_t  nresumed;               /* of the queued: in workers' lists             */
	uint64_t last_id;
};

/* How a job ended. */
enum job_end {
	JOB_END_VERDICT,        /* with `verdict`, `text` in `owner`                    */
	JOB_END_BUSY,           /* no room to wait in                                   */
	JOB_END_FAULT,          /* cost two workers their lives                         */
	JOB_END_INTERNAL,       /* could not be judged: the ready-made answer           */
};

struct job_result {
	enum job_end end;
	const struct verdict_head *verdict;
	struct bytes text;
	struct blob *owner;
};

void    queue_init(struct queue *queue);
void    queue_fini(struct acceptor *acceptor);

/*
 * queue_submit - a request that is complete
 *
 *   body    a reference that becomes the queue's
 *   gives   NULL: no room, or no memory; the body is dropped
 *   effect  the answer comes by connection_answer(), never from inside this call
 */
struct job *queue_submit(struct acceptor *acceptor, struct connection *client, struct blob *body);

/* The client is gone or has been answered: a waiting job is dropped, a running one forgotten. */
void    queue_abandon(struct acceptor *acceptor, struct job *job);

/* A parked job has what it waited for, or knows that it cannot be had. */
void    queue_resume(struct acceptor *acceptor, struct job *job);

/* Counts a job as parked; false when there is no room, and nothing was done. */
bool    queue_park(struct acceptor *acceptor, struct job *job) MUST_CHECK;

void    queue_unpark(struct acceptor *acceptor, struct job *job);

/* Ends a job that is in no list any more: tells its client, frees it. */
void    queue_end(struct acceptor *acceptor, struct job *job, const struct job_result *result);

/* A worker is gone: what becomes of a job it had.  suspect: it was working on just this one. */
void    queue_worker_gone(struct acceptor *acceptor, struct job *job, bool suspect);

/* Gives waiting jobs to workers that have room. */
void    queue_pump(struct acceptor *acceptor);

#endif
