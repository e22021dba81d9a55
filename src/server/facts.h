/*
 * facts.h - what jobs wait for: one fetch in flight for each key
 *
 * A worker's NEED parks its job under some keys.  The fetcher is asked once for each; what it
 * finds goes to the workers that have jobs waiting for it, and their word (CHECKED) resumes
 * those.  A candidate, which nobody has accepted before, goes to one worker first, and its word
 * goes back to the fetcher.  A fact that nobody waits for (a refresh) goes to all workers.
 */
#ifndef SERVER_FACTS_H
#define SERVER_FACTS_H

#include "server/queue.h"

/* How often a job may ask for one key; then the key counts as not to be had. */
#define FACTS_MAX_ASKS          3
/* Facts on their way, with or without jobs that wait. */
#define FACTS_MAX_WANTS         4096
/* PCK certificates are asked for before anything is verified: they have a share of their own. */
#define FACTS_MAX_PCK_JOBS      8
#define FACTS_PCK_INTERVAL_MS   1000

#define FACTS_BUCKETS           1024

struct want;
struct fact;
TAILQ_HEAD(wants, want);
TAILQ_HEAD(fact_list, fact);

struct facts {
	struct wants buckets[FACTS_BUCKETS];
	size_t  nwants;
	struct fact_list unjudged;      /* facts whose first CHECKED has not come       */
	unsigned generation;            /* of the fetcher                               */
	size_t  npck_jobs;
	int64_t pck_next_ms;            /* when the next one may be asked for           */
};

void    facts_init(struct facts *facts);
void    facts_fini(struct acceptor *acceptor);

/*
 * facts_need - park a job that just came back from its worker
 *
 *   gives   true when the job was parked or resumed; false when it ended
 */
void    facts_need(struct acceptor *acceptor, struct job *job, const struct dv_key *keys,
    size_t n);

/* The failures that the job's head tells of. */
size_t  facts_failures(const struct job *job, struct dv_failure *failures);

/* The job stops waiting (its client is gone). */
void    facts_forget(struct acceptor *acceptor, struct job *job);
void    facts_free_park(struct job *job);

/* Frames of the fetcher. */
bool    facts_found(struct acceptor *acceptor, struct blob *payload, struct reason *why)
            MUST_CHECK;
bool    facts_failed(struct acceptor *acceptor, struct blob *payload, struct reason *why)
            MUST_CHECK;

/* A worker's word on the fact that it was given first; the fact's task is off its list. */
bool    facts_checked(struct acceptor *acceptor, struct worker *worker, struct fact *fact,
    struct blob *payload, struct reason *why) MUST_CHECK;

/* Workers and fetchers come and go. */
void    facts_worker_arrived(struct acceptor *acceptor, struct worker *worker);
void    facts_task_lost(struct acceptor *acceptor, struct fact *fact, bool suspect);
void    facts_worker_gone(struct acceptor *acceptor, struct worker *worker);
void    facts_fetcher_arrived(struct acceptor *acceptor);

#endif
