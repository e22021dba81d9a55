#include "server/queue.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "server/acceptor.h"
#include "server/connection.h"

void
queue_init(struct queue *queue)
{
	*queue = (struct queue){ 0 };
	TAILQ_INIT(&queue->jobs);
}

static void
job_free(struct job *job)
{
	facts_free_park(job);
	blob_free(job->body);
	free(job);
}

void
queue_fini(struct acceptor *acceptor)
{
	struct queue *queue = &acceptor->queue;
	struct job *job;

	while ((job = TAILQ_FIRST(&queue->jobs)) != NULL) {
		TAILQ_REMOVE(&queue->jobs, job, link);
		job_free(job);
	}
}

/* The one line that a job has in the log. */
static void
job_log(const struct job *job, const char *end, const struct verdict_head *verdict)
{
	static const struct verdict_head none = { 0 };

	if (!log_wants(LOG_DEBUG))
		return;
	if (verdict == NULL)
		verdict = &none;
	log_line(LOG_DEBUG, ACCEPTOR_NAME, "job=%" PRIu64 " end=%s status=%u valid=%d "
	    "public_key_operations=%" PRIu32 " worker=%ld ms=%" PRId64, job->id, end,
	    verdict->http_status, verdict->valid, job->public_key_operations,
	    job->worker == NULL ? -1 : (long)job->worker->slot,
	    acceptor_now_ms() - job->submitted_ms);
}

static struct jobs *
list_of(struct acceptor *acceptor, const struct job *job)
{
	return job->resumed ? &job->worker->resumed : &acceptor->queue.jobs;
}

/* Into the queue, or back to the worker that has what the job waited for. */
static void
enqueue(struct acceptor *acceptor, struct job *job, bool first)
{
	struct queue *queue = &acceptor->queue;

	assert(job->state == JOB_NEW || job->state == JOB_RUNNING);
	job->state = JOB_QUEUED;
	queue->nqueued++;
	queue->nresumed += job->resumed;
	queue->waiting_len += job->body->len;
	if (first)
		TAILQ_INSERT_HEAD(list_of(acceptor, job), job, link);
	else
		TAILQ_INSERT_TAIL(list_of(acceptor, job), job, link);
}

static void
dequeue(struct acceptor *acceptor, struct job *job)
{
	struct queue *queue = &acceptor->queue;

	assert(job->state == JOB_QUEUED);
	TAILQ_REMOVE(list_of(acceptor, job), job, link);
	queue->nqueued--;
	queue->nresumed -= job->resumed;
	queue->waiting_len -= job->body->len;
	job->resumed = false;
	job->state = JOB_NEW;
}

void
queue_unpark(struct acceptor *acceptor, struct job *job)
{
	assert(job->state == JOB_PARKED);
	acceptor->queue.nparked--;
	acceptor->queue.waiting_len -= job->body->len;
	job->state = JOB_NEW;
}

/* Whether so many more bytes may wait. */
static bool
has_room(const struct acceptor *acceptor, size_t len)
{
	size_t waiting;

	return size_add(&waiting, acceptor->queue.waiting_len, len) &&
	    waiting <= acceptor->config.parked_max_bytes;
}

struct job *
queue_submit(struct acceptor *acceptor, struct connection *client, struct blob *body)
{
	struct queue *queue = &acceptor->queue;
	/* Nothing waits while a worker has room, so then there is no queue to be full. */
	bool at_once = TAILQ_EMPTY(&queue->jobs) && peers_worker_find(acceptor, false) != NULL;
	struct job *job;

	if ((!at_once && (queue->nqueued >= acceptor->config.queue_max_jobs ||
	    !has_room(acceptor, body->len))) || (job = calloc(1, sizeof *job)) == NULL) {
		blob_free(body);
		return NULL;
	}
	job->id = ++queue->last_id;
	job->client = client;
	job->body = body;
	job->submitted_ms = acceptor_now_ms();
	job->task.job = job;
	enqueue(acceptor, job, false);
	queue_pump(acceptor);
	return job;
}

void
queue_abandon(struct acceptor *acceptor, struct job *job)
{
	job->client = NULL;
	switch (job->state) {
	case JOB_RUNNING:
		return;
	case JOB_QUEUED:
		dequeue(acceptor, job);
		break;
	case JOB_PARKED:
		facts_forget(acceptor, job);
		queue_unpark(acceptor, job);
		break;
	case JOB_NEW:
		break;
	}
	job_log(job, "abandoned", NULL);
	job_free(job);
}

bool
queue_park(struct acceptor *acceptor, struct job *job)
{
	struct queue *queue = &acceptor->queue;

	assert(job->state == JOB_RUNNING);
	if (queue->nparked >= acceptor->config.parked_max_jobs ||
	    !has_room(acceptor, job->body->len))
		return false;
	queue->nparked++;
	queue->waiting_len += job->body->len;
	job->state = JOB_PARKED;
	return true;
}

void
queue_resume(struct acceptor *acceptor, struct job *job)
{
	if (job->state == JOB_PARKED)
		queue_unpark(acceptor, job);
	job->resumed = job->worker != NULL;
	enqueue(acceptor, job, false);
}

void
queue_end(struct acceptor *acceptor, struct job *job, const struct job_result *result)
{
	static const char *const ends[] = {
		[JOB_END_VERDICT] = "verdict",
		[JOB_END_BUSY] = "busy",
		[JOB_END_FAULT] = "fault",
		[JOB_END_INTERNAL] = "internal",
	};

	job_log(job, job->client == NULL ? "unheard" : ends[result->end], result->verdict);
	if (job->client != NULL)
		connection_answer(job->client, result);
	job_free(job);
}

void
queue_worker_gone(struct acceptor *acceptor, struct job *job, bool suspect)
{
	static const struct job_result fault = { .end = JOB_END_FAULT };

	job->worker = NULL;
	if (job->state == JOB_QUEUED) {
		job->resumed = false;
		TAILQ_INSERT_HEAD(&acceptor->queue.jobs, job, link);
		acceptor->queue.nresumed--;
		return;
	}
	if (job->client == NULL) {
		job_free(job);
		return;
	}
	if (suspect && ++job->deaths == QUEUE_MAX_DEATHS) {
		log_line(LOG_ERR, ACCEPTOR_NAME, "job=%" PRIu64 " error=\"a request cost two "
		    "workers their lives\" body_len=%zu body_siphash=%016" PRIx64, job->id,
		    job->body->len, siphash(acceptor->siphash_key, blob_bytes(job->body)));
		queue_end(acceptor, job, &fault);
		return;
	}
	enqueue(acceptor, job, true);
}

static void
start(struct acceptor *acceptor, struct worker *worker, struct job *job)
{
	dequeue(acceptor, job);
	job->state = JOB_RUNNING;
	job->worker = worker;
	peers_send_job(worker, job);
}

/* Jobs that are to run where their facts are. */
static void
pump_resumed(struct acceptor *acceptor)
{
	struct peers *peers = &acceptor->peers;

	for (size_t i = 0; i < peers->nslots && acceptor->queue.nresumed > 0; i++) {
		struct worker *worker = peers->workers[i];

		while (worker != NULL && !worker->broken && worker->njobs < QUEUE_WORKER_DEPTH &&
		    !TAILQ_EMPTY(&worker->resumed))
			start(acceptor, worker, TAILQ_FIRST(&worker->resumed));
	}
}

void
queue_pump(struct acceptor *acceptor)
{
	struct queue *queue = &acceptor->queue;
	struct worker *worker;

	if (queue->nresumed > 0)
		pump_resumed(acceptor);
	while (!TAILQ_EMPTY(&queue->jobs) &&
	    (worker = peers_worker_find(acceptor, false)) != NULL)
		start(acceptor, worker, TAILQ_FIRST(&queue->jobs));
}
